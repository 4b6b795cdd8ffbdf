"""Credit spread relative to its mean: exp of an Ornstein-Uhlenbeck process (Schwartz 1997, model 1), corrected to mean 1.

Each borrower multiplies its own margin by it.
"""

import numpy as np

from simulate.factors.reversion import transition, variance
from simulate.factors.section import Context, FactorRows, NonNegative, SourcedSection, Timeline
from simulate.model import Array


class Spread(SourcedSection):
    """[factors.spread]"""

    reversion: NonNegative = 0.7
    """Speed of reversion of the logarithm. [per year]"""
    volatility: NonNegative = 0.45
    """Volatility of the logarithm. [per sqrt(year)]"""

    def compile_rows(self, context: Context) -> FactorRows:
        """Return the exact step, and the variance of the logarithm for which the mean is corrected."""
        step = transition(self.reversion, self.volatility, context.timeline.dt)
        logs = variance(self.reversion, self.volatility, context.timeline.step_ends())
        return {"spread_decay": step.decay, "spread_sd": step.sd, "spread_var": logs}


def mean_and_variance(section: Spread, timeline: Timeline) -> tuple[Array, Array]:
    """[T] mean and variance of the ratio at the end of each step."""
    logs = variance(section.reversion, section.volatility, timeline.step_ends())
    return np.ones(timeline.steps), np.expm1(logs)
