"""Booking of losses by entity, channel, deal and year (docs/model.md 4.10). USD bn."""

from simulate.kernels.jit import part
from simulate.model import CREDIT, EQUITY


@part
def year_of(t, dt):
    """Return the year of the run that step t belongs to, from 0."""
    return int((t + 0.5) * dt)


@part
def book(j, channel, amount, lane, net, now, w):
    """Book a loss that entity j bears in a lane."""
    w.loss[j, channel, lane] += amount * now.factors.discount[lane]
    year = year_of(now.t, net.grid.dt)
    w.year_loss[year, j, lane] += amount
    if net.entities.outside[j] > 0.0 and (channel == CREDIT or channel == EQUITY):
        w.year_system[year, lane] += amount


@part
def book_in_lanes(j, channel, amounts, net, now, w):
    """Book losses [W] that entity j bears in a channel that is no part of the system loss."""
    for lane in range(amounts.size):
        w.loss[j, channel, lane] += amounts[lane] * now.factors.discount[lane]
    year = year_of(now.t, net.grid.dt)
    for lane in range(amounts.size):
        w.year_loss[year, j, lane] += amounts[lane]
