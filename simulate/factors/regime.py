"""Regime: delivery (0) or disappointment (1), a Markov chain in continuous time with two hazards.

Exact on the grid: p01 = h_in/(h_in + h_out) (1 - exp(-(h_in + h_out) dt)), p10 likewise (Norris 1997, "Markov Chains", example 2.1.1;
regimes of this kind in macroeconomics: Hamilton 1989). Every path starts in delivery.
"""

import math

import numpy as np

from simulate.factors.section import Context, FactorRows, NonNegative, SourcedSection, Timeline
from simulate.model import Array


class Regime(SourcedSection):
    """[factors.regime]"""

    hazard_in: NonNegative = 0.12
    """Hazard from delivery to disappointment. [per year]"""
    hazard_out: NonNegative = 0.50
    """Hazard back to delivery. [per year]"""

    def compile_rows(self, context: Context) -> FactorRows:
        """Return the probabilities of a change within one step."""
        total = self.hazard_in + self.hazard_out
        moved = -math.expm1(-total * context.timeline.dt) / total if total > 0.0 else 0.0
        return {"key_regime": context.key("regime"), "regime_p01": self.hazard_in * moved, "regime_p10": self.hazard_out * moved}


def mean_and_variance(section: Regime, timeline: Timeline) -> tuple[Array, Array]:
    """[T] probability of disappointment at the end of each step, and its variance."""
    total = section.hazard_in + section.hazard_out
    moved = -np.expm1(-total * timeline.step_ends()) / total if total > 0.0 else np.zeros(timeline.steps)
    probability = section.hazard_in * moved
    return probability, probability * (1.0 - probability)
