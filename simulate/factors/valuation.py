"""Common valuation index V: exp of an Ornstein-Uhlenbeck process (Schwartz 1997, model 1) with mean 1, times a fall in disappointment
and a stated sensitivity to the short rate, through which rates reach a lab that has no debt.

log V = v - Var(v)/2 + shift c - duration (r - r0)
"""

import numpy as np

from simulate.factors.regime import Regime
from simulate.factors.regime import mean_and_variance as regime_moments
from simulate.factors.reversion import transition, variance
from simulate.factors.section import Context, FactorRows, Finite, NonNegative, SourcedSection, Timeline
from simulate.factors.short_rate import ShortRate
from simulate.factors.short_rate import mean_and_variance as rate_moments
from simulate.model import Array


class Valuation(SourcedSection):
    """[factors.valuation]"""

    reversion: NonNegative = 1.5
    """Speed of reversion of the logarithm. [per year]"""
    volatility: NonNegative = 0.3
    """Volatility of the logarithm. [per sqrt(year)]"""
    disappointment_shift: Finite = -0.5
    """Added to the logarithm in disappointment. [1]"""
    rate_duration: Finite = 0.0
    """Fall of the logarithm for a rise of the short rate above opening. [years]"""

    def compile_rows(self, context: Context) -> FactorRows:
        """Return the exact step and its variance."""
        step = transition(self.reversion, self.volatility, context.timeline.dt)
        return {
            "val_decay": step.decay,
            "val_sd": step.sd,
            "val_var": variance(self.reversion, self.volatility, context.timeline.step_ends()),
            "val_shift": self.disappointment_shift,
            "val_rate_duration": self.rate_duration,
        }


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
