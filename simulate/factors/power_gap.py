"""Power gap: the share of planned additions of capacity that has no power.

Plan (a table by year) + Ornstein-Uhlenbeck + shot noise, clipped to 0..1. Shots arrive as a Poisson process with their own times,
have exponential sizes and fade exponentially (Campbell 1909): mean lambda m (1 - exp(-d t))/d, variance lambda 2 m^2 (1 - exp(-2 d t))/(2 d).
"""

import numpy as np
from scipy.special import pdtr, pdtrc

from simulate.errors import InputError
from simulate.factors.reversion import transition, variance
from simulate.factors.section import Context, FactorRows, NonNegative, Positive, SourcedSection, Timeline, YearTable
from simulate.model import Array

MISSED = 1e-9  # probability that a path would have more shots than are drawn
MOST_FADES = 300.0  # shots are stored grown to opening: exp of this must not overflow


class PowerGap(SourcedSection):
    """[factors.power_gap]"""

    plan: YearTable = {2025: 0.03, 2030: 0.25}
    """Expected gap at the ends of years, linear between them. [share of planned additions]"""
    scale: NonNegative = 1.0
    """Multiplies the plan; 0: all additions have power. [1]"""
    volatility: NonNegative = 0.04
    """Stationary standard deviation of the fluctuation. [share]"""
    reversion: Positive = 1.0
    """Speed of reversion of the fluctuation. [per year]"""
    shots_per_year: NonNegative = 0.3
    """Frequency of sudden shortages. [per year]"""
    shot_mean: NonNegative = 0.05
    """Mean size of a shortage when it arrives. [share]"""
    shot_decay: NonNegative = 1.0
    """Speed at which a shortage fades. [per year]"""

    def compile_rows(self, context: Context) -> FactorRows:
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
        step = transition(self.reversion, diffusion(self), timeline.dt)
        expected = self.shots_per_year * horizon
        most = 0
        while expected > 0.0 and pdtrc(most, expected) >= MISSED:
            most += 1
        return {
            "key_shots": context.key("power:shots"),
            "gap_plan": self.scale * timeline.at_step_ends(self.plan),
            "gap_decay": step.decay,
            "gap_sd": step.sd,
            "shot_cdf": np.array([pdtr(k, expected) for k in range(most)], float),
            "shot_mean": self.shot_mean,
            "shot_decay": self.shot_decay,
        }


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
