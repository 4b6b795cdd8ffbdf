"""Useful life of chips: one true life a path, a mixture of a few values.

Nobody has seen a GPU of this kind grow old: accounts say 5 to 6 years, short sellers 2 to 3. So each view is a value
and the belief in it a weight, rather than a smooth density between them.
"""

from typing import Annotated, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from simulate.dimensions import PartsOfOne, Plausible
from simulate.factors.section import Context, NonNegative, Positive, SourcedSection
from simulate.kernels.jit import part
from simulate.kernels.random import FIRST_DRAW, ONCE, fill_uniform
from simulate.model import Array, Variable

DRAWS = {"lane": {"life": Variable("years", "useful life of chips")}}


class Rows(NamedTuple):
    """Parameters of a draw."""

    key: Array  # [2] uint32
    values: Array  # [V] years
    cdf: Array  # [V-1]


class Life(SourcedSection):
    """[factors.life]"""

    values: Annotated[tuple[Positive, ...], Field(min_length=1, strict=False), Plausible(0.5, 30)] = (3.0, 6.0)
    """Useful lives. [years]"""
    weights: Annotated[tuple[NonNegative, ...], Field(min_length=1, strict=False), PartsOfOne()] = (0.35, 0.65)
    """Probability of each, scaled to sum to 1. [share]"""

    @model_validator(mode="after")
    def check_weights(self) -> Self:
        """Refuse weights that do not match the values or sum to 0."""
        if len(self.values) != len(self.weights) or sum(self.weights) <= 0.0:
            raise ValueError(f"needs one weight for each of the {len(self.values)} values, and a positive sum; got weights {list(self.weights)}")
        return self

    def compile_rows(self, context: Context) -> Rows:
        """Return the values and their cumulative probabilities."""
        return Rows(key=context.key("life"), values=np.array(self.values, float), cdf=np.cumsum(probabilities(self))[:-1])


@part
def draw(p, first_path, u, life):
    """Draw life [W] (2.10), one of the values; u [W] is scratch."""
    fill_uniform(p.key, ONCE, FIRST_DRAW, first_path, u)
    life[:] = p.values[0]
    for k in range(p.cdf.size):
        for lane in range(life.size):
            life[lane] = p.values[k + 1] if u[lane] > p.cdf[k] else life[lane]


def probabilities(section: Life) -> Array:
    """[V] probability of each value."""
    weights = np.array(section.weights, float)
    return weights / weights.sum()


def mean_and_variance(section: Life) -> tuple[float, float]:
    """Return mean and variance of the life, in years."""
    values, weights = np.array(section.values), probabilities(section)
    mean = float(weights @ values)
    return mean, float(weights @ (values - mean) ** 2)
