"""Booking of losses by entity, channel, deal and year, and the system loss (docs/model.md 4.10). USD bn."""

from simulate.kernels.jit import part
from simulate.model import CONTRACT, EQUITY


@part
def year_of(t, dt):
    """Return the year of the run that step t belongs to, from 0."""
    return int((t + 0.5) * dt)


@part
def passes_on(j, channel, net, now):
    """True if a loss of entity j counts in its own: of an outside node always, of an inside entity where the world lets losses of the channel through."""
    return net.entities.outside[j] > 0.0 or (now.marks if channel == EQUITY else not now.insured)


@part
def book(j, channel, amount, lane, net, now, w):
    """Book a loss of entity j in a lane."""
    book_own(j, channel, amount, lane, net, now, w)
    if passes_on(j, channel, net, now):
        w.suffered[j, lane] += amount


@part
def book_own(j, channel, amount, lane, net, now, w):
    """Book a loss of entity j on assets of its own, which nobody caused: it is in no system loss."""
    w.loss[j, channel, lane] += amount * now.factors.discount[lane]
    w.year_loss[year_of(now.t, net.grid.dt), j, lane] += amount


@part
def book_contract(i, j, amounts, net, now, w):
    """Book contract losses [W] of provider j, caused by customer i."""
    for lane in range(amounts.size):
        w.caused[i, lane] += amounts[lane]
    if passes_on(j, CONTRACT, net, now):
        for lane in range(amounts.size):
            w.suffered[j, lane] += amounts[lane]
    for lane in range(amounts.size):
        w.loss[j, CONTRACT, lane] += amounts[lane] * now.factors.discount[lane]
    year = year_of(now.t, net.grid.dt)
    for lane in range(amounts.size):
        w.year_loss[year, j, lane] += amounts[lane]


@part
def add_up(net, now, w, s):
    """Add the losses of the step to the system loss: what outside nodes bear, and what inside entities bear and nobody else bears for them."""
    cost, mark, year = s.free[0], s.free[1], year_of(now.t, net.grid.dt)
    cost[:] = 0.0
    mark[:] = 0.0
    for i in range(net.grid.entities):
        suffered, gap, caused, written_off = w.suffered[i], w.marked_gap[i], w.caused[i], w.written_off[i]
        if net.entities.outside[i] > 0.0:
            for lane in range(cost.size):
                cost[lane] += suffered[lane]
                mark[lane] += suffered[lane] + gap[lane]
        else:
            for lane in range(cost.size):
                cost[lane] += max(0.0, suffered[lane] - caused[lane] - written_off[lane])
                mark[lane] += max(0.0, suffered[lane] + gap[lane] - caused[lane])
    for lane in range(cost.size):
        more = cost[lane] - w.counted[lane]
        w.system[lane] += more * now.factors.discount[lane]
        w.year_system[year, lane] += more
        w.counted[lane] = cost[lane]
        w.system_marked[lane] += (mark[lane] - w.counted_marked[lane]) * now.factors.discount[lane]
        w.counted_marked[lane] = mark[lane]
