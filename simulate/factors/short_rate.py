"""Short rate: dr = kappa (theta - r) dt + sigma dW (Vasicek 1977), the rate and its integral drawn jointly and exactly."""

import numpy as np

from simulate.factors.reversion import integral_variance, transition, variance
from simulate.factors.section import Array, Context, Finite, NonNegative, Section, Timeline


class ShortRate(Section):
    """[factors.short_rate]"""

    start: Finite = 0.0372
    """Short rate at opening, continuously compounded. [per year]"""
    mean: Finite = 0.036
    """Level it reverts to. [per year]"""
    reversion: NonNegative = 0.25
    """Speed of reversion. [per year]"""
    volatility: NonNegative = 0.01
    """Volatility. [per year per sqrt(year)]"""
    shift: Finite = 0.0
    """Added to start and mean: money that costs more or less from the first day on. [per year]"""


def compile_rows(section: ShortRate, context: Context) -> dict[str, object]:
    """The exact step."""
    step = transition(section.reversion, section.volatility, context.timeline.dt)
    return {
        "rate0": section.start + section.shift,
        "rate_theta": section.mean + section.shift,
        "rate_decay": step.decay,
        "rate_sd": step.sd,
        "rate_int_gain": step.gain,
        "rate_int_c1": step.c1,
        "rate_int_c2": step.c2,
        "discount": 1.0 if context.discount else 0.0,
    }


def mean_and_variance(section: ShortRate, timeline: Timeline) -> tuple[Array, Array]:
    """[T] of the rate at the end of each step, per year."""
    tau = timeline.step_ends()
    mean = section.mean + section.shift + (section.start - section.mean) * np.exp(-section.reversion * tau)
    return mean, variance(section.reversion, section.volatility, tau)


def bond_price(section: ShortRate, timeline: Timeline) -> Array:
    """[T] price at opening of 1 paid at the end of each step: exp(-mean of the integral + half its variance)."""
    tau = timeline.step_ends()
    gain = tau if section.reversion == 0.0 else -np.expm1(-section.reversion * tau) / section.reversion
    mean = (section.mean + section.shift) * tau + (section.start - section.mean) * gain
    return np.exp(-mean + 0.5 * integral_variance(section.reversion, section.volatility, tau))
