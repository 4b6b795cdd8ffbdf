"""Power gap: the share of planned additions of capacity that has no power.

Plan (a table by year) + Ornstein-Uhlenbeck + shot noise, clipped to 0..1. Shots arrive as a Poisson process with their own times,
have exponential sizes and fade exponentially (Campbell 1909): mean lambda m (1 - exp(-d t))/d, variance lambda 2 m^2 (1 - exp(-2 d t))/(2 d).
"""

import math
from typing import Annotated, NamedTuple

import numpy as np
from scipy.special import pdtr, pdtrc

from simulate.dimensions import Plausible
from simulate.errors import InputError
from simulate.factors.reversion import transition, variance
from simulate.factors.section import Context, NonNegative, Positive, SourcedSection, Timeline, YearTable
from simulate.kernels.jit import part
from simulate.kernels.maths import exp_in_place, log_in_place
from simulate.kernels.random import FIRST_DRAW, ONCE, fill_uniform
from simulate.model import Array, Variable

MISSED = 1e-9  # probability that a path would have more shots than are drawn
MOST_SHOTS = 1000.0  # expected on a path: a shot is a row of memory
MOST_FADES = 300.0  # shots are stored grown to opening: exp of this must not overflow

STATE = {
    "lane": {
        "fluctuation": Variable("share", "Ornstein-Uhlenbeck part of the gap"),
        "shots": Variable("share", "sum of the shots that have arrived, grown to the opening"),
        "shot_count": Variable("count", "shots of the path within the horizon"),
    },
    "shot": {
        "shot_time": Variable("years", "arrival; of shots beyond the number of the path it is not read"),
        "shot_size": Variable("share", "size, grown to the opening by exp(shot_decay arrival); 0 beyond the number of the path"),
    },
}
STEP = {"lane": {"gap": Variable("share", "planned additions without power")}}


class Rows(NamedTuple):
    """Parameters of a step."""

    key: Array  # [2] uint32, of the shots
    plan: Array  # [T]
    decay: float
    sd: float
    shot_cdf: Array  # [M] Poisson CDF at 0..M-1
    shot_mean: float  # mean size of a shot, share
    shot_decay: float  # per year


class PowerGap(SourcedSection):
    """[factors.power_gap]"""

    plan: Annotated[YearTable, Plausible(0, 1)] = {2025: 0.03, 2030: 0.25}
    """Expected gap at the ends of years, linear between them. [share of planned additions]"""
    scale: Annotated[NonNegative, Plausible(0, 10)] = 1.0
    """Multiplies the plan; 0: all additions have power. [1]"""
    volatility: Annotated[NonNegative, Plausible(0, 0.5)] = 0.04
    """Stationary standard deviation of the fluctuation. [share]"""
    reversion: Annotated[Positive, Plausible(0.05, 20)] = 1.0
    """Speed of reversion of the fluctuation. [per year]"""
    shots_per_year: Annotated[NonNegative, Plausible(0, 12)] = 0.3
    """Frequency of sudden shortages. [per year]"""
    shot_mean: Annotated[NonNegative, Plausible(0, 1)] = 0.05
    """Mean size of a shortage when it arrives. [share]"""
    shot_decay: Annotated[NonNegative, Plausible(0, 20)] = 1.0
    """Speed at which a shortage fades. [per year]"""

    def compile_rows(self, context: Context) -> Rows:
        """Return the exact step, the plan and the distribution of the number of shots in the horizon."""
        timeline = context.timeline
        horizon = timeline.steps * timeline.dt
        if self.shot_decay * horizon > MOST_FADES:
            raise InputError(
                [
                    f"factors.power_gap.shot_decay = {self.shot_decay:g} is too fast for a horizon of {horizon:g} years: "
                    f"use at most {MOST_FADES / horizon:g}, or no shots at all (shots_per_year = 0)."
                ]
            )
        expected = self.shots_per_year * horizon
        if expected > MOST_SHOTS:
            raise InputError(
                [
                    f"factors.power_gap.shots_per_year = {self.shots_per_year:g} makes {expected:g} shots in {horizon:g} years: "
                    f"use at most {MOST_SHOTS / horizon:g}, with larger shots (shot_mean)."
                ]
            )
        step = transition(self.reversion, diffusion(self), timeline.dt)
        most = 0
        while expected > 0.0 and pdtrc(most, expected) >= MISSED:
            most += 1
        return Rows(
            key=context.key("power:shots"),
            plan=self.scale * timeline.at_step_ends(self.plan),
            decay=step.decay,
            sd=step.sd,
            shot_cdf=np.array([pdtr(k, expected) for k in range(most)], float),
            shot_mean=self.shot_mean,
            shot_decay=self.shot_decay,
        )


@part
def begin(p, horizon, first_path, u, state):
    """Draw the shots of each path (2.5): their number, arrival times and sizes [M, W]; horizon in years, u [W] scratch.

    Sizes are stored grown to time 0 by exp(shot_decay time), so that the sum of all that have arrived fades as one number.
    """
    state.fluctuation[:] = 0.0
    state.shots[:] = 0.0
    count = state.shot_count
    count[:] = 0.0
    fill_uniform(p.key, ONCE, FIRST_DRAW, first_path, u)
    for k in range(p.shot_cdf.size):
        for lane in range(u.size):
            count[lane] += 1.0 if u[lane] > p.shot_cdf[k] else 0.0
    for k in range(most_of(count)):
        time = state.shot_time[k]
        size = state.shot_size[k]
        fill_uniform(p.key, ONCE, 1 + 2 * k, first_path, time)
        fill_uniform(p.key, ONCE, 2 + 2 * k, first_path, size)
        log_in_place(size)
        for lane in range(u.size):
            time[lane] = horizon * time[lane]
            u[lane] = p.shot_decay * time[lane]
        exp_in_place(u)
        for lane in range(u.size):
            size[lane] = -p.shot_mean * size[lane] * u[lane] if k < count[lane] else 0.0


@part
def most_of(count):
    """Return the largest number of any lane."""
    most = 0
    for lane in range(count.size):
        most = max(most, int(count[lane]))
    return most


@part
def advance(p, dt, t, z, state, out):
    """Advance the gap to the end of step t (2.5): plan, fluctuation and shots (Campbell 1909); each shot counts from its own arrival on."""
    begin, end = t * dt, (t + 1) * dt
    fluctuation, shots, gap = state.fluctuation, state.shots, out.gap
    for k in range(most_of(state.shot_count)):
        time = state.shot_time[k]
        size = state.shot_size[k]
        for lane in range(z.size):
            shots[lane] += size[lane] if (begin < time[lane]) & (time[lane] <= end) else 0.0
    fade = math.exp(-p.shot_decay * end)
    plan = p.plan[t]
    for lane in range(z.size):
        fluctuation[lane] = p.decay * fluctuation[lane] + p.sd * z[lane]
    for lane in range(z.size):
        share = plan + fluctuation[lane] + shots[lane] * fade
        share = 0.0 if share < 0.0 else share
        gap[lane] = 1.0 if share > 1.0 else share


def diffusion(section: PowerGap) -> float:
    """Return the volatility per sqrt(year) that gives the stationary standard deviation."""
    return section.volatility * np.sqrt(2.0 * section.reversion)


def shot_mean_and_variance(section: PowerGap, timeline: Timeline) -> tuple[Array, Array]:
    """[T] mean and variance of the sum of shots at the end of each step, by Campbell's theorem."""
    tau, fade = timeline.step_ends(), section.shot_decay
    first = tau if fade == 0.0 else -np.expm1(-fade * tau) / fade
    second = tau if fade == 0.0 else -np.expm1(-2.0 * fade * tau) / (2.0 * fade)
    return section.shots_per_year * section.shot_mean * first, section.shots_per_year * 2.0 * section.shot_mean**2 * second


def mean_and_variance(section: PowerGap, timeline: Timeline) -> tuple[Array, Array]:
    """[T] mean and variance of the gap before it is clipped to 0..1."""
    mean, spread = shot_mean_and_variance(section, timeline)
    return section.scale * timeline.at_step_ends(section.plan) + mean, spread + variance(section.reversion, diffusion(section), timeline.step_ends())
