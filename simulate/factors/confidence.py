"""Demand for AI compute, and confidence: a memory of the labs' revenue over plan, k' = k + lambda (y - k).

Exponential smoothing (Brown 1959) with lambda = 1 - exp(-dt/memory), so that the memory is the same on any grid.
"""

import math
from typing import Annotated, NamedTuple

import numpy as np

from simulate.dimensions import Plausible
from simulate.factors.section import Context, NonNegative, SourcedSection, Timeline
from simulate.kernels.jit import part
from simulate.model import Array, Variable

STEP = {
    "lane": {
        "demand": Variable("share of plan", "demand for AI compute over plan"),
        "confidence": Variable("share of plan", "confidence of the funding market"),
    }
}


class Rows(NamedTuple):
    """Parameters of a step."""

    weight: Array  # [R, T] of a process in demand; rows of labs sum to 1, others are 0
    memory: float  # weight of the newest step


class Confidence(SourcedSection):
    """[factors.confidence]"""

    memory_years: Annotated[NonNegative, Plausible(0, 10)] = 1.0
    """Mean age of the memory; 0: the last step only. [years]"""

    def compile_rows(self, context: Context) -> Rows:
        """Return the shares of the labs in their plan, and the weight of the newest step."""
        return Rows(weight=lab_shares(context), memory=weight(self, context.timeline.dt))


def lab_shares(context: Context) -> Array:
    """[R, T] share of each lab in the plan of all labs; 0 for other processes."""
    shape = (len(context.processes), context.timeline.steps)
    plan = np.array([process.plan if process.is_lab else np.zeros(shape[1]) for process in context.processes], float).reshape(shape)
    total = np.zeros(shape[1])
    for row in plan:  # one after the other: NumPy sums a single column in another order than several
        total = total + row
    return np.divide(plan, total, out=np.zeros(shape), where=total > 0.0)


@part
def begin(out):
    """Begin with full confidence."""
    out.confidence[:] = 1.0


@part
def advance(p, t, out):
    """Advance demand (2.8), revenue of the labs over plan, and its memory to the end of step t."""
    demand, confidence = out.demand, out.confidence
    demand[:] = 0.0
    for i in range(out.ratio.shape[0]):
        share = p.weight[i, t]
        x = out.ratio[i]
        if share != 0.0:
            for lane in range(demand.size):
                demand[lane] += share * x[lane]
    for lane in range(demand.size):
        confidence[lane] += p.memory * (demand[lane] - confidence[lane])


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
