"""Short rate, drawn with its integral: dr = kappa (theta - r) dt + sigma dW (Vasicek 1977), exactly; or dr = kappa (theta - r) dt + sigma sqrt(r/theta) dW
(Cox, Ingersoll and Ross 1985), which stays at or above 0, by the quadratic-exponential scheme (Andersen 2008) with exact means, variances and covariances.
"""

import math
from typing import Literal, Self

import numpy as np
from pydantic import model_validator

from simulate.factors import square_root
from simulate.factors.reversion import integral_variance, transition, variance
from simulate.factors.section import Context, FactorRows, Finite, NonNegative, SourcedSection, Timeline
from simulate.model import Array


class ShortRate(SourcedSection):
    """[factors.short_rate]"""

    process: Literal["vasicek", "cir"] = "vasicek"
    """vasicek: the volatility is the same at every rate, which may fall below 0; cir: it grows with the root of the rate, which stays at or above 0. [name]"""
    start: Finite = 0.0372
    """Short rate at opening, continuously compounded. [per year]"""
    mean: Finite = 0.036
    """Level it reverts to. [per year]"""
    reversion: NonNegative = 0.25
    """Speed of reversion. [per year]"""
    volatility: NonNegative = 0.01
    """Volatility; with cir, where the rate stands at the level it reverts to. [per year per sqrt(year)]"""
    shift: Finite = 0.0
    """Added to start and mean: money costs more or less from the first day on. [per year]"""

    @model_validator(mode="after")
    def check_square_root(self) -> Self:
        """Refuse rates at which the process cir is not defined."""
        if self.process == "cir" and (self.start + self.shift < 0.0 or self.mean + self.shift <= 0.0):
            raise ValueError(
                f"with process = 'cir' a rate is never below 0: start + shift must be at least 0 and mean + shift above 0, not {self.start + self.shift:g} "
                f"and {self.mean + self.shift:g}; process = 'vasicek' allows both"
            )
        return self

    @property
    def square_root_volatility(self) -> float:
        """sigma of Cox, Ingersoll and Ross, per year: `volatility` at the level, divided by its root."""
        return self.volatility / math.sqrt(self.mean + self.shift)

    def compile_rows(self, context: Context) -> FactorRows:
        """Return the parameters of a step, of either process."""
        dt, level = context.timeline.dt, self.mean + self.shift
        step = transition(self.reversion, self.volatility, dt)
        is_cir = self.process == "cir"
        return {
            "key_rate_integral": context.key("short_rate:integral"),
            "rate0": self.start + self.shift,
            "rate_theta": level,
            "rate_decay": step.decay,
            "rate_sd": step.sd,
            "rate_int_gain": step.gain,
            "rate_int_c1": step.c1,
            "rate_int_c2": step.c2,
            "rate_cir": square_root.step_law(self.reversion, self.square_root_volatility, level, dt) if is_cir else np.zeros((0, 2)),
            "discount": 1.0 if context.discount else 0.0,
        }


def mean_rate(section: ShortRate, timeline: Timeline) -> Array:
    """[T] mean of the rate at the end of each step, per year; of either process."""
    return section.mean + section.shift + (section.start - section.mean) * np.exp(-section.reversion * timeline.step_ends())


def mean_and_variance(section: ShortRate, timeline: Timeline) -> tuple[Array, Array]:
    """[T] mean and variance of the rate at the end of each step, per year."""
    tau, mean = timeline.step_ends(), mean_rate(section, timeline)
    if section.process == "cir":
        constant, slope = square_root.variance(section.reversion, section.square_root_volatility, section.mean + section.shift, tau)
        return mean, constant + slope * (section.start + section.shift)
    return mean, variance(section.reversion, section.volatility, tau)


def bond_price(section: ShortRate, timeline: Timeline) -> Array:
    """[T] price at opening of 1 paid at the end of each step. Vasicek (1977), eq. 27: exp(-mean of the integral + half its variance)."""
    tau, level = timeline.step_ends(), section.mean + section.shift
    if section.process == "cir":
        return square_root.bond_price(section.reversion, section.square_root_volatility, level, section.start + section.shift, tau)
    gain = tau if section.reversion == 0.0 else -np.expm1(-section.reversion * tau) / section.reversion
    mean = level * tau + (section.start - section.mean) * gain
    return np.exp(-mean + 0.5 * integral_variance(section.reversion, section.volatility, tau))
