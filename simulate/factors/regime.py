"""Regime: delivery (0) or disappointment (1), a Markov chain in continuous time with two hazards.

Exact on the grid: p01 = h_in/(h_in + h_out) (1 - exp(-(h_in + h_out) dt)), p10 likewise (Norris 1997, "Markov Chains", example 2.1.1;
regimes of this kind in macroeconomics: Hamilton 1989). Every path starts in delivery.
"""

import math
from typing import Annotated, NamedTuple

import numpy as np

from simulate.dimensions import Plausible
from simulate.factors.section import Context, NonNegative, SourcedSection, Timeline
from simulate.kernels.jit import part
from simulate.kernels.random import FIRST_DRAW, fill_uniform
from simulate.model import Array, Variable

STEP = {"lane": {"regime": Variable("0 or 1", "1 in disappointment")}}


class Rows(NamedTuple):
    """Parameters of a step."""

    key: Array  # [2] uint32
    p01: float  # probability of a change to disappointment
    p10: float  # probability of a change to delivery


class Regime(SourcedSection):
    """[factors.regime]"""

    hazard_in: Annotated[NonNegative, Plausible(0, 5)] = 0.12
    """Hazard from delivery to disappointment. [per year]"""
    hazard_out: Annotated[NonNegative, Plausible(0, 10)] = 0.50
    """Hazard back to delivery. [per year]"""

    def compile_rows(self, context: Context) -> Rows:
        """Return the probabilities of a change within one step."""
        total = self.hazard_in + self.hazard_out
        moved = -math.expm1(-total * context.timeline.dt) / total if total > 0.0 else 0.0
        return Rows(key=context.key("regime"), p01=self.hazard_in * moved, p10=self.hazard_out * moved)


@part
def begin(out):
    """Begin in delivery."""
    out.regime[:] = 0.0


@part
def advance(p, t, first_path, u, out):
    """Draw the regime at the end of step t (2.1); u [W] is scratch."""
    regime = out.regime
    fill_uniform(p.key, t, FIRST_DRAW, first_path, u)
    for lane in range(u.size):
        enters = 1.0 if u[lane] < p.p01 else 0.0
        stays = 1.0 if u[lane] >= p.p10 else 0.0
        regime[lane] = enters if regime[lane] == 0.0 else stays


def mean_and_variance(section: Regime, timeline: Timeline) -> tuple[Array, Array]:
    """[T] probability of disappointment at the end of each step, and its variance."""
    total = section.hazard_in + section.hazard_out
    moved = -np.expm1(-total * timeline.step_ends()) / total if total > 0.0 else np.zeros(timeline.steps)
    probability = section.hazard_in * moved
    return probability, probability * (1.0 - probability)
