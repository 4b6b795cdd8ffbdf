"""Short rate, drawn with its integral: dr = kappa (theta - r) dt + sigma dW (Vasicek 1977), exactly; or dr = kappa (theta - r) dt + sigma sqrt(r/theta) dW
(Cox, Ingersoll and Ross 1985), which stays at or above 0, by the quadratic-exponential scheme (Andersen 2008) with exact means, variances and covariances.
"""

import math
from typing import Annotated, Literal, NamedTuple, Self

import numpy as np
from pydantic import model_validator

from simulate.dimensions import Plausible
from simulate.factors import square_root
from simulate.factors.reversion import integral_variance, transition, variance
from simulate.factors.section import FAR, LARGEST, Context, NonNegative, Rate, SourcedSection, Timeline
from simulate.kernels.jit import part
from simulate.kernels.maths import copy_row, exp_in_place
from simulate.kernels.random import FIRST_DRAW, fill_uniform
from simulate.model import Array, Variable

STATE = {"lane": {"rate_integral": Variable("1", "integral of the short rate since the opening")}}
STEP = {
    "lane": {
        "rate": Variable("1/year", "short rate at the end of the step"),
        "rate_before": Variable("1/year", "short rate at the end of the step before"),
        "discount": Variable("1", "discount factor at the end of the step"),
    }
}


class Rows(NamedTuple):
    """Parameters of a step, of either process."""

    key: Array  # [2] uint32, of the integral
    opening: float  # rate at opening, per year
    level: float  # per year
    decay: float
    sd: float
    gain: float  # of the integral, years
    c1: float  # of the integral on the driver of the rate
    c2: float  # of the integral on its own normal
    square_root: Array  # [3, 2] Cox-Ingersoll-Ross: law of a step (square_root.py); [0, 2]: Vasicek
    discount: float  # 1: at the short rate, 0: nominal


class ShortRate(SourcedSection):
    """[factors.short_rate]"""

    process: Literal["vasicek", "cir"] = "vasicek"
    """vasicek: the volatility is the same at every rate, which may fall below 0; cir: it grows with the root of the rate, which stays at or above 0. [name]"""
    start: Annotated[Rate, Plausible(-0.05, 0.3)] = 0.0372
    """Short rate at opening, continuously compounded. [per year]"""
    mean: Annotated[Rate, Plausible(-0.05, 0.3)] = 0.036
    """Level it reverts to. [per year]"""
    reversion: Annotated[NonNegative, Plausible(0, 10)] = 0.25
    """Speed of reversion. [per year]"""
    volatility: Annotated[NonNegative, Plausible(0, 0.1)] = 0.01
    """Volatility; with cir, where the rate stands at the level it reverts to. [per year per sqrt(year)]"""
    shift: Annotated[Rate, Plausible(-0.2, 0.3)] = 0.0
    """Added to start and mean: money costs more or less from the first day on. [per year]"""

    @model_validator(mode="after")
    def check_square_root(self) -> Self:
        """Refuse rates at which the process cir is not defined."""
        if self.process == "cir" and (self.start + self.shift < 0.0 or self.mean + self.shift <= 0.0):
            raise ValueError(
                f"with process = 'cir' a rate is never below 0: start + shift must be at least 0 and mean + shift above 0, not {self.start + self.shift:g} "
                f"and {self.mean + self.shift:g}; process = 'vasicek' allows both"
            )
        if self.process == "cir" and self.square_root_volatility > LARGEST:
            raise ValueError(
                f"with process = 'cir' volatility / sqrt(mean + shift) is {self.square_root_volatility:.3g} and must be at most {LARGEST:g}; lower the volatility"
            )
        return self

    @property
    def square_root_volatility(self) -> float:
        """sigma of Cox, Ingersoll and Ross, per year: `volatility` at the level, divided by its root."""
        return self.volatility / math.sqrt(self.mean + self.shift)

    def compile_rows(self, context: Context) -> Rows:
        """Return the parameters of a step, of either process."""
        dt, level = context.timeline.dt, self.mean + self.shift
        step = transition(self.reversion, self.volatility, dt)
        is_cir = self.process == "cir"
        return Rows(
            key=context.key("short_rate:integral"),
            opening=self.start + self.shift,
            level=level,
            decay=step.decay,
            sd=step.sd,
            gain=step.gain,
            c1=step.c1,
            c2=step.c2,
            square_root=square_root.step_law(self.reversion, self.square_root_volatility, level, dt) if is_cir else np.zeros((0, 2)),
            discount=1.0 if context.discount else 0.0,
        )


@part
def begin(p, state, out):
    """Begin at the rate of the opening."""
    out.rate[:] = p.opening
    state.rate_integral[:] = 0.0


@part
def draw(p, t, first_path, uniform):
    """Draw the uniform [W] of the integral in step t."""
    fill_uniform(p.key, t, FIRST_DRAW, first_path, uniform)


@part
def advance(p, dt, z, n, state, out):
    """Advance the rate, its integral and the discount factor by a step (2.2); n [W]: normal of the integral."""
    rate, integral, discount = out.rate, state.rate_integral, out.discount
    copy_row(rate, out.rate_before)
    if p.square_root.size > 0:
        square_root.advance(p, dt, z, n, rate, integral)
    else:
        advance_vasicek(p, dt, z, n, rate, integral)
    for lane in range(n.size):
        discount[lane] = -p.discount * integral[lane]
    exp_in_place(discount)


@part
def advance_vasicek(p, dt, z, n, rate, integral):
    """Advance rate and integral of Vasicek (1977) jointly (Glasserman 2003, section 3.3)."""
    for lane in range(z.size):
        integral[lane] += p.level * dt + (rate[lane] - p.level) * p.gain + p.c1 * z[lane] + p.c2 * n[lane]
    for lane in range(z.size):
        rate[lane] = p.level + (rate[lane] - p.level) * p.decay + p.sd * z[lane]


def mean_rate(section: ShortRate, timeline: Timeline) -> Array:
    """[T] mean of the rate at the end of each step, per year; of either process."""
    return section.mean + section.shift + (section.start - section.mean) * np.exp(-section.reversion * timeline.step_ends())


def mean_integral(section: ShortRate, timeline: Timeline) -> Array:
    """[T] integral of the mean of the rate from the opening to the end of each step; of either process."""
    tau = timeline.step_ends()
    gain = tau if section.reversion == 0.0 else -np.expm1(-section.reversion * tau) / section.reversion
    return (section.mean + section.shift) * tau + (section.start - section.mean) * gain


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
    return np.exp(-mean_integral(section, timeline) + 0.5 * integral_variance(section.reversion, section.volatility, tau))


def farthest(section: ShortRate, timeline: Timeline) -> float:
    """Return the largest distance from the opening that the rate reaches on any path, per year; the tail of cir is exponential."""
    mean, spread = mean_and_variance(section, timeline)
    return float(np.max(np.abs(mean - section.start - section.shift) + (FAR**2 if section.process == "cir" else FAR) * np.sqrt(spread)))


def largest_exponent(section: ShortRate, timeline: Timeline) -> float:
    """Return the logarithm of the largest discount factor of any path: minus the integral of the rate, which is below 0 only with vasicek."""
    if section.process == "cir":
        return 0.0
    spread = integral_variance(section.reversion, section.volatility, timeline.step_ends())
    return float(np.max(FAR * np.sqrt(spread) - mean_integral(section, timeline)))
