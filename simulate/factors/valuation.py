"""Common valuation index V: exp of an Ornstein-Uhlenbeck process (Schwartz 1997, model 1) with mean 1, times a fall in disappointment
and a stated sensitivity to the short rate, through which rates reach a lab that has no debt.

log V = v - Var(v)/2 + shift c - duration (r - r0)
"""

from typing import Annotated, NamedTuple

import numpy as np

from simulate.dimensions import Plausible
from simulate.factors.regime import Regime
from simulate.factors.regime import mean_and_variance as regime_moments
from simulate.factors.reversion import advance_log, transition, variance
from simulate.factors.section import Context, Finite, NonNegative, SourcedSection, Timeline
from simulate.factors.short_rate import ShortRate, farthest
from simulate.factors.short_rate import mean_and_variance as rate_moments
from simulate.kernels.jit import part
from simulate.kernels.maths import copy_row, exp_in_place
from simulate.model import Array, Variable

STATE = {"lane": {"log_index": Variable("1", "logarithm of the valuation index by its own shocks, before its correction")}}
STEP = {
    "lane": {
        "log_valuation": Variable("1", "logarithm of the valuation index"),
        "valuation": Variable("ratio", "valuation index, 1 at the opening"),
    }
}


class Rows(NamedTuple):
    """Parameters of a step."""

    decay: float
    sd: float
    variance: Array  # [T] of the own shocks
    shift: float  # log, in disappointment
    rate_duration: float  # years


class Valuation(SourcedSection):
    """[factors.valuation]"""

    reversion: Annotated[NonNegative, Plausible(0, 10)] = 1.5
    """Speed of reversion of the logarithm. [per year]"""
    volatility: Annotated[NonNegative, Plausible(0, 3)] = 0.3
    """Volatility of the logarithm. [per sqrt(year)]"""
    disappointment_shift: Annotated[Finite, Plausible(-3, 1)] = -0.5
    """Added to the logarithm in disappointment. [1]"""
    rate_duration: Annotated[Finite, Plausible(-10, 40)] = 0.0
    """Fall of the logarithm for a rise of the short rate above opening. [years]"""

    def compile_rows(self, context: Context) -> Rows:
        """Return the exact step and its variance."""
        step = transition(self.reversion, self.volatility, context.timeline.dt)
        return Rows(
            decay=step.decay,
            sd=step.sd,
            variance=variance(self.reversion, self.volatility, context.timeline.step_ends()),
            shift=self.disappointment_shift,
            rate_duration=self.rate_duration,
        )


@part
def begin(state):
    """Begin at an index of 1."""
    state.log_index[:] = 0.0


@part
def advance(p, rate0, t, z, state, out):
    """Advance the index to the end of step t (2.4), and subtract the effects of disappointment and of the short rate; rate0: short rate at opening."""
    log_valuation, regime, rate = out.log_valuation, out.regime, out.rate
    advance_log(p.decay, p.sd, p.variance[t], z, state.log_index, log_valuation)
    for lane in range(rate.size):
        log_valuation[lane] += p.shift * regime[lane] - p.rate_duration * (rate[lane] - rate0)
    copy_row(log_valuation, out.valuation)
    exp_in_place(out.valuation)


def mean_and_variance(section: Valuation, timeline: Timeline, regime: Regime, rate: ShortRate) -> tuple[Array, Array]:
    """[T] mean and variance of log V at the end of each step, for a valuation driver that is uncorrelated with rates (else the variance has a cross term)."""
    own = variance(section.reversion, section.volatility, timeline.step_ends())
    probability, regime_variance = regime_moments(regime, timeline)
    rates, rate_variance = rate_moments(rate, timeline)
    opening = rate.start + rate.shift
    mean = -0.5 * own + section.disappointment_shift * probability - section.rate_duration * (rates - opening)
    return mean, own + section.disappointment_shift**2 * regime_variance + section.rate_duration**2 * rate_variance


def share_mean_and_variance(section: Valuation, timeline: Timeline) -> tuple[Array, Array]:
    """[T] mean and variance of V itself, in delivery and at constant rates."""
    own = variance(section.reversion, section.volatility, timeline.step_ends())
    return np.ones(timeline.steps), np.expm1(own)


def largest_exponent(section: Valuation, timeline: Timeline, rate: ShortRate) -> float:
    """Return the largest size of log V on any path, but for its own shocks, whose exponential is bounded."""
    return abs(section.disappointment_shift) + abs(section.rate_duration) * farthest(rate, timeline)
