"""Power gap: the share of planned additions of capacity that has no power.

Plan (a table by year) + Ornstein-Uhlenbeck + shot noise, clipped to 0..1. Shots arrive as a Poisson process, an exponential time after
the last one, have exponential sizes and fade exponentially (Campbell 1909): mean lambda m (1 - exp(-d t))/d, variance lambda 2 m^2 (1 - exp(-2 d t))/(2 d).
A shot is drawn when the one before it has arrived, so no draw depends on the length of the run, and there can be any number of them.
"""

import math
from typing import Annotated, NamedTuple

import numpy as np

from simulate.dimensions import Plausible
from simulate.factors.reversion import transition, variance
from simulate.factors.section import Context, NonNegative, Positive, SourcedSection, Timeline, YearTable
from simulate.kernels.jit import part, small
from simulate.kernels.maths import exp_of, log_of
from simulate.kernels.random import ONCE, SECOND_DRAW, uniform_of
from simulate.model import Array, Variable

STATE = {
    "lane": {
        "fluctuation": Variable("share", "Ornstein-Uhlenbeck part of the gap"),
        "shots": Variable("share", "sum of the shots that have arrived, as far as they have not faded"),
        "shot_count": Variable("count", "shots that have arrived"),
        "shot_time": Variable("years", "arrival of the next shot; infinite where there are none"),
    }
}
STEP = {"lane": {"gap": Variable("share", "planned additions without power")}}


class Rows(NamedTuple):
    """Parameters of a step."""

    key: Array  # [2] uint32, of the shots
    plan: Array  # [T]
    decay: float
    sd: float
    shot_rate: float  # per year
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
        """Return the exact step, the plan, and the law of the shots."""
        timeline = context.timeline
        step = transition(self.reversion, diffusion(self), timeline.dt)
        return Rows(
            key=context.key("power:shots"),
            plan=self.scale * timeline.at_step_ends(self.plan),
            decay=step.decay,
            sd=step.sd,
            shot_rate=self.shots_per_year,
            shot_mean=self.shot_mean,
            shot_decay=self.shot_decay,
        )


@small
def minus_log_uniform(path, draw, key0, key1):
    """Exponential number of mean 1 of a path (uint64): draw number `draw` of those made once a path."""
    return -log_of(uniform_of(path, np.uint64(ONCE), np.uint64(draw), key0, key1))


@part
def begin(p, first_path, state):
    """Begin without shots, and draw the arrival of the first (2.5)."""
    state.fluctuation[:] = 0.0
    state.shots[:] = 0.0
    state.shot_count[:] = 0.0
    time, key0, key1, first = state.shot_time, np.uint64(p.key[0]), np.uint64(p.key[1]), np.uint64(first_path)
    for lane in range(time.size):
        wait = minus_log_uniform(first + np.uint64(lane), SECOND_DRAW, key0, key1)
        time[lane] = wait / p.shot_rate if p.shot_rate > 0.0 else math.inf


@part
def advance(p, dt, t, first_path, z, state, out):
    """Advance the gap to the end of step t (2.5): plan, fluctuation and shots (Campbell 1909); each shot counts from its own arrival on."""
    fluctuation, shots, gap = state.fluctuation, state.shots, out.gap
    fade = math.exp(-p.shot_decay * dt)
    for lane in range(z.size):
        shots[lane] *= fade
    add_shots(p, (t + 1) * dt, first_path, state)
    plan = p.plan[t]
    for lane in range(z.size):
        fluctuation[lane] = p.decay * fluctuation[lane] + p.sd * z[lane]
    for lane in range(z.size):
        share = plan + fluctuation[lane] + shots[lane]
        share = 0.0 if share < 0.0 else share
        gap[lane] = 1.0 if share > 1.0 else share


@part
def add_shots(p, end, first_path, state):
    """Add the shots that arrive until `end`, years, in the lanes that have one, and draw the arrival of the next."""
    shots, count, time = state.shots, state.shot_count, state.shot_time
    key0, key1, first = np.uint64(p.key[0]), np.uint64(p.key[1]), np.uint64(first_path)
    for lane in range(time.size):
        while time[lane] <= end:
            path = first + np.uint64(lane)
            draw = 2 + 2 * np.int64(count[lane])
            shots[lane] += p.shot_mean * minus_log_uniform(path, draw, key0, key1) * exp_of(-p.shot_decay * (end - time[lane]))
            time[lane] += minus_log_uniform(path, draw + 1, key0, key1) / p.shot_rate
            count[lane] += 1.0


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
