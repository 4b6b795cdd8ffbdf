"""Confidence: a memory of the labs' revenue over plan, k' = k + lambda (y - k).

Exponential smoothing (Brown 1959) with lambda = 1 - exp(-dt/memory), so that the memory is the same on any grid.
"""

import math

import numpy as np

from simulate.factors.section import Context, FactorRows, NonNegative, SourcedSection, Timeline
from simulate.model import Array


class Confidence(SourcedSection):
    """[factors.confidence]"""

    memory_years: NonNegative = 1.0
    """Mean age of the memory; 0: the last step only. [years]"""

    def compile_rows(self, context: Context) -> FactorRows:
        """Return the weight of the newest step."""
        return {"conf_lambda": weight(self, context.timeline.dt)}


def weight(section: Confidence, dt: float) -> float:
    """Return lambda, the weight of the newest step."""
    return -math.expm1(-dt / section.memory_years) if section.memory_years > 0.0 else 1.0


def mean_and_variance(section: Confidence, timeline: Timeline, demand_mean: Array, demand_covariance: Array) -> tuple[Array, Array]:
    """[T] mean and variance of k, a linear filter that starts at 1, from mean [T] and covariance [T, T] of demand."""
    newest = weight(section, timeline.dt)
    lag = np.arange(timeline.steps)[:, None] - np.arange(timeline.steps)[None, :]
    response = np.where(lag >= 0, newest * (1.0 - newest) ** np.maximum(lag, 0), 0.0)
    mean = (1.0 - newest) ** np.arange(1, timeline.steps + 1) + response @ demand_mean
    return mean, np.einsum("ts,su,tu->t", response, demand_covariance, response)
