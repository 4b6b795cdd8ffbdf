"""Rental price of compute relative to opening: exp of an Ornstein-Uhlenbeck process (Schwartz 1997, model 1) around a table less
obsolescence, pulled by demand over usable power. The same price values the fleet: wrong-way risk.

q' = a q + (1 - a) (log table - obsolescence t + pull (log y - log(1 - g))) + sd Z; p = exp(q - Var/2).
"""

from typing import Annotated, NamedTuple

import numpy as np

from simulate.dimensions import Plausible
from simulate.factors.reversion import transition, variance
from simulate.factors.section import Context, Finite, NonNegative, PositiveYearTable, SourcedSection, Timeline
from simulate.kernels.jit import part
from simulate.kernels.maths import exp_in_place, log_in_place
from simulate.model import Array, Variable

STATE = {"lane": {"log_rental": Variable("1", "logarithm of the rental price, before its correction")}}
STEP = {"lane": {"rental": Variable("ratio", "rental price of compute, 1 at the opening")}}


class Rows(NamedTuple):
    """Parameters of a step."""

    decay: float
    mean: Array  # [T] log, with obsolescence
    pull: float
    sd: float
    variance: Array  # [T] of the own shocks


class Rental(SourcedSection):
    """[factors.rental]"""

    volatility: Annotated[NonNegative, Plausible(0, 3)] = 0.45
    """Volatility of the logarithm. [per sqrt(year)]"""
    reversion: Annotated[NonNegative, Plausible(0, 10)] = 1.0
    """Speed of reversion of the logarithm. [per year]"""
    table: Annotated[PositiveYearTable, Plausible(0.01, 20)] = {2025: 1.0}
    """Level it reverts to before obsolescence, relative to opening, at the ends of years. [ratio]"""
    obsolescence: Annotated[Finite, Plausible(-0.5, 2)] = 0.10
    """Rate at which newer chips push the level down. [per year]"""
    demand_pull: Annotated[NonNegative, Plausible(0, 3)] = 0.5
    """Elasticity of the level to demand over usable power. [1]"""

    def compile_rows(self, context: Context) -> Rows:
        """Return the exact step, the level and the variance of the own shocks."""
        step = transition(self.reversion, self.volatility, context.timeline.dt)
        return Rows(
            decay=step.decay,
            mean=level(self, context.timeline),
            pull=self.demand_pull,
            sd=step.sd,
            variance=variance(self.reversion, self.volatility, context.timeline.step_ends()),
        )


@part
def begin(state):
    """Begin at the price of the opening."""
    state.log_rental[:] = 0.0


@part
def advance(p, t, z, log_demand, log_supply, state, out):
    """Advance the price to the end of step t (2.9), pulled by demand over usable power; log_demand and log_supply [W] are scratch."""
    for lane in range(z.size):
        log_demand[lane] = max(out.demand[lane], 0.05)
    for lane in range(z.size):
        log_supply[lane] = max(1.0 - out.gap[lane], 0.05)
    log_in_place(log_demand)
    log_in_place(log_supply)
    mean, half, q, rental = p.mean[t], 0.5 * p.variance[t], state.log_rental, out.rental
    for lane in range(z.size):
        theta = mean + p.pull * (log_demand[lane] - log_supply[lane])
        q[lane] = p.decay * q[lane] + (1.0 - p.decay) * theta + p.sd * z[lane]
    for lane in range(z.size):
        rental[lane] = q[lane] - half
    exp_in_place(rental)


def level(section: Rental, timeline: Timeline) -> Array:
    """[T] logarithm of the level without pull."""
    return np.log(timeline.at_step_ends(section.table)) - section.obsolescence * timeline.step_ends()


def mean_and_variance(section: Rental, timeline: Timeline) -> tuple[Array, Array]:
    """[T] mean and variance of the price relative to opening, without pull."""
    decay = np.exp(-section.reversion * timeline.dt)
    log_mean, path = 0.0, []
    for target in level(section, timeline):
        log_mean = decay * log_mean + (1.0 - decay) * target
        path.append(log_mean)
    mean = np.exp(path)
    return mean, mean**2 * np.expm1(variance(section.reversion, section.volatility, timeline.step_ends()))


def largest_exponent(section: Rental, timeline: Timeline) -> float:
    """Return the logarithm of the largest price of any path: the level, and the pull of a demand that no path exceeds (e^50 of plan)."""
    return float(np.max(level(section, timeline))) + 50.0 * section.demand_pull
