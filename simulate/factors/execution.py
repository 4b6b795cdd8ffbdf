"""Execution of deals that are not binding: a group of deals is executed together or not at all, and at one size.

One-factor probit (Vasicek 2002) tied to the common normal of plan delivery: executed when rho n_delivery + sqrt(1 - rho^2) n is at least
the threshold of its probability. So letters of intent become contracts in the worlds in which plans are met.
"""

import math
from typing import Annotated, Literal, NamedTuple, get_args

import numpy as np
from pydantic import Field, field_validator
from scipy.special import ndtri

from simulate.dimensions import Plausible
from simulate.errors import InputError
from simulate.factors.section import Context, Group, NonNegative, Share, SourcedSection
from simulate.kernels.jit import part
from simulate.kernels.random import FIRST_DRAW, ONCE, SECOND_DRAW, fill_normal, fill_uniform
from simulate.model import Array, Variable

Status = Literal["conditional", "letter_of_intent", "talks"]

DRAWS = {"group": {"scale": Variable("ratio", "executed size of a deal group, 0 where it is not executed")}}


class Rows(NamedTuple):
    """Parameters of a draw; group 0 is sure."""

    key: Array  # [S, 2] uint32, row 0 unused
    rho: Array  # [S]
    threshold: Array  # [S]
    size_low: Array  # [S]
    size_high: Array  # [S]


class Execution(SourcedSection):
    """[factors.execution]"""

    correlation: float = Field(default=0.5, ge=0, le=1)
    """Weight rho of the common normal of plan delivery. [1]"""
    probability: dict[Status, Share] = {"conditional": 0.7, "letter_of_intent": 0.25, "talks": 0.1}
    """Probability that a deal of this status is executed, where the deal itself gives none. [share]"""
    size_low: Annotated[NonNegative, Plausible(0, 3)] = 1.0
    """Smallest size of an executed group over the announced one. [ratio]"""
    size_high: Annotated[NonNegative, Plausible(0, 3)] = 1.0
    """Largest size. [ratio]"""

    @field_validator("probability")
    @classmethod
    def check_all_statuses(cls, given: dict[str, float]) -> dict[str, float]:
        """Refuse a table that lacks a status."""
        missing = [status for status in get_args(Status) if status not in given]
        if missing:
            raise ValueError(f"lacks {', '.join(missing)}: give a probability for each status")
        return given

    def compile_rows(self, context: Context) -> Rows:
        """Return thresholds and sizes of all groups; row 0 is the sure group."""
        check_groups(context.groups)
        probability = np.array([group.probability for group in context.groups], float)
        probability[0] = 1.0
        keys = np.concatenate([np.zeros((1, 2), np.uint32), context.keys("execution", [group.name for group in context.groups[1:]])])
        low = np.array([1.0, *(group.size_low for group in context.groups[1:])])
        high = np.array([1.0, *(group.size_high for group in context.groups[1:])])
        return Rows(
            key=keys,
            rho=np.full(len(context.groups), self.correlation),
            threshold=-ndtri(probability),
            size_low=low,
            size_high=high,
        )


@part
def draw(p, first_path, common, own, scale):
    """Draw scale [S, W] (2.10): size of a deal group where rho common + sqrt(1 - rho^2) own reaches its threshold, else 0; own [W] is scratch."""
    scale[0, :] = 1.0
    for g in range(1, scale.shape[0]):
        rho, threshold, low = p.rho[g], p.threshold[g], p.size_low[g]
        rest = math.sqrt(1.0 - rho * rho)
        width = p.size_high[g] - low
        fill_uniform(p.key[g], ONCE, SECOND_DRAW, first_path, own)
        for lane in range(own.size):
            scale[g, lane] = low + width * own[lane]
        fill_normal(p.key[g], ONCE, FIRST_DRAW, first_path, own)
        for lane in range(own.size):
            n = rho * common[lane] + rest * own[lane]
            scale[g, lane] = scale[g, lane] if n >= threshold else 0.0


def check_groups(groups: tuple[Group, ...]) -> None:
    """Refuse groups whose probability or sizes cannot be drawn. Raises InputError."""
    problems = []
    for group in groups:
        if not 0.0 <= group.probability <= 1.0:
            problems.append(f"Deal group {group.name} has probability {group.probability:g}; it must lie between 0 and 1.")
        if not 0.0 <= group.size_low <= group.size_high:
            problems.append(f"Deal group {group.name} has sizes {group.size_low:g} to {group.size_high:g}; needs 0 <= size_low <= size_high.")
    if not groups:
        problems.append("Deal groups need row 0, the sure group.")
    if problems:
        raise InputError(problems)


def mean_and_variance(groups: tuple[Group, ...]) -> tuple[Array, Array]:
    """[S] mean and variance of the scale: 0 where the group is not executed, else uniform between its sizes."""
    p = np.array([group.probability for group in groups])
    low, high = (np.array([getattr(group, name) for group in groups]) for name in ("size_low", "size_high"))
    mean = p * (low + high) / 2.0
    return mean, p * (low**2 + low * high + high**2) / 3.0 - mean**2
