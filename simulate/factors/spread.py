"""Credit spread relative to its mean: exp of an Ornstein-Uhlenbeck process (Schwartz 1997, model 1), corrected to mean 1.

Each borrower multiplies its own margin by it.
"""

from typing import Annotated, NamedTuple

import numpy as np

from simulate.dimensions import Plausible
from simulate.factors.reversion import advance_log, transition, variance
from simulate.factors.section import Context, NonNegative, SourcedSection, Timeline
from simulate.kernels.jit import part
from simulate.kernels.maths import copy_row, exp_in_place
from simulate.model import Array, Variable

STATE = {"lane": {"log_spread": Variable("1", "logarithm of the spread, before its correction")}}
STEP = {
    "lane": {
        "spread": Variable("ratio", "credit spread over its mean"),
        "spread_before": Variable("ratio", "credit spread of the step before"),
    }
}


class Rows(NamedTuple):
    """Parameters of a step."""

    decay: float
    sd: float
    variance: Array  # [T] of the logarithm


class Spread(SourcedSection):
    """[factors.spread]"""

    reversion: Annotated[NonNegative, Plausible(0, 10)] = 0.7
    """Speed of reversion of the logarithm. [per year]"""
    volatility: Annotated[NonNegative, Plausible(0, 3)] = 0.45
    """Volatility of the logarithm. [per sqrt(year)]"""

    def compile_rows(self, context: Context) -> Rows:
        """Return the exact step, and the variance of the logarithm for which the mean is corrected."""
        step = transition(self.reversion, self.volatility, context.timeline.dt)
        logs = variance(self.reversion, self.volatility, context.timeline.step_ends())
        return Rows(decay=step.decay, sd=step.sd, variance=logs)


@part
def begin(state, out):
    """Begin at the mean."""
    state.log_spread[:] = 0.0
    out.spread[:] = 1.0


@part
def advance(p, t, z, state, out):
    """Advance the spread to the end of step t (2.3)."""
    copy_row(out.spread, out.spread_before)
    advance_log(p.decay, p.sd, p.variance[t], z, state.log_spread, out.spread)
    exp_in_place(out.spread)


def mean_and_variance(section: Spread, timeline: Timeline) -> tuple[Array, Array]:
    """[T] mean and variance of the ratio at the end of each step."""
    logs = variance(section.reversion, section.volatility, timeline.step_ends())
    return np.ones(timeline.steps), np.expm1(logs)
