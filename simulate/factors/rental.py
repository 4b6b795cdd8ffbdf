"""Rental price of compute relative to opening: exp of an Ornstein-Uhlenbeck process (Schwartz 1997, model 1) around a table less
obsolescence, pulled by demand over usable power. The same price values the fleet: wrong-way risk.

q' = a q + (1 - a) (log table - obsolescence t + pull (log y - log(1 - g))) + sd Z; p = exp(q - Var/2).
"""

import numpy as np

from simulate.factors.reversion import transition, variance
from simulate.factors.section import Context, FactorRows, Finite, NonNegative, PositiveYearTable, SourcedSection, Timeline
from simulate.model import Array


class Rental(SourcedSection):
    """[factors.rental]"""

    volatility: NonNegative = 0.45
    """Volatility of the logarithm. [per sqrt(year)]"""
    reversion: NonNegative = 1.0
    """Speed of reversion of the logarithm. [per year]"""
    table: PositiveYearTable = {2025: 1.0}
    """Level it reverts to before obsolescence, relative to opening, at the ends of years. [ratio]"""
    obsolescence: Finite = 0.10
    """Rate at which newer chips push the level down. [per year]"""
    demand_pull: NonNegative = 0.5
    """Elasticity of the level to demand over usable power. [1]"""

    def compile_rows(self, context: Context) -> FactorRows:
        """Return the exact step, the level and the variance of the own shocks."""
        step = transition(self.reversion, self.volatility, context.timeline.dt)
        return {
            "rent_decay": step.decay,
            "rent_sd": step.sd,
            "rent_mean": level(self, context.timeline),
            "rent_pull": self.demand_pull,
            "rent_var": variance(self.reversion, self.volatility, context.timeline.step_ends()),
        }


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
