"""Plan delivery: the share d of the planned increase of revenue that arrives, once a path and process.

Beta-PERT (Malcolm, Roseboom, Clark and Fazar 1959; Vose 2008): beta on low..high with alpha = 1 + 4 (mode - low)/(high - low) and
beta = 1 + 4 (high - mode)/(high - low). Processes are tied by a Gaussian copula with one common factor (Li 2000). The quantile of
Phi(z) is tabulated over z with exact slopes, for a cubic Hermite interpolation with an error below 1e-10.
"""

import math
from typing import Annotated, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator
from scipy.special import betaincinv, betaln, ndtr

from simulate.dimensions import Plausible
from simulate.factors.section import Context, NonNegative, SourcedSection
from simulate.kernels.jit import part
from simulate.kernels.random import FIRST_DRAW, ONCE, fill_normal
from simulate.model import Array, Variable

FIRST_Z = -8.5  # a 53-bit uniform reaches no further than +-8.3
NODES = 8193

DRAWS = {"process": {"delivery": Variable("share", "share of the planned increase of revenue that arrives")}}


class Rows(NamedTuple):
    """Parameters of a draw."""

    key_common: Array  # [2] uint32
    key: Array  # [R, 2] uint32
    rho: float
    z0: float  # first z of the table
    dz: float  # step of the table
    table: Array  # [K, 2] value and slope d/dz of the Beta-PERT quantile at Phi(z)


class Delivery(SourcedSection):
    """[factors.delivery]"""

    low: Annotated[NonNegative, Plausible(0, 2)] = 0.25
    """Worst share of the planned increase. [share]"""
    mode: Annotated[NonNegative, Plausible(0, 2)] = 0.75
    """Most likely share. [share]"""
    high: Annotated[NonNegative, Plausible(0, 3)] = 1.15
    """Best share. [share]"""
    correlation: float = Field(default=0.5, ge=0, le=1)
    """Weight rho of the common normal: the correlation of two processes is its square. [1]"""
    fixed: Annotated[NonNegative | None, Plausible(0, 3)] = None
    """The same share on every path, as in a run of the plan. [share]"""

    @model_validator(mode="after")
    def check_order(self) -> Self:
        """Refuse shares that are not in ascending order."""
        if not self.low <= self.mode <= self.high:
            raise ValueError(f"needs low <= mode <= high, got {self.low:g}, {self.mode:g} and {self.high:g}")
        return self

    def compile_rows(self, context: Context) -> Rows:
        """Return the table of the quantile; constant where d is fixed."""
        fixed = self.low if self.fixed is None and self.low == self.high else self.fixed
        if fixed is not None:
            table = np.array([[fixed, 0.0], [fixed, 0.0]])
        else:
            table = np.stack(quantile_at_normal(self, np.linspace(FIRST_Z, -FIRST_Z, NODES)), axis=1)
        return Rows(
            key_common=context.key("delivery"),
            key=context.keys("delivery", context.process_names),
            rho=self.correlation,
            z0=FIRST_Z,
            dz=-2.0 * FIRST_Z / (len(table) - 1),
            table=table,
        )


@part
def draw_common(p, first_path, common):
    """Draw the common normal [W] of the path, which the execution of deals shares."""
    fill_normal(p.key_common, ONCE, FIRST_DRAW, first_path, common)


@part
def draw(p, first_path, common, own, delivery):
    """Draw delivery [R, W] (2.6): the quantile at Phi(rho common + sqrt(1 - rho^2) own), cubic Hermite in the table; own [W] is scratch."""
    rest = math.sqrt(1.0 - p.rho * p.rho)
    table, dz = p.table, p.dz
    last = table.shape[0] - 2
    for i in range(delivery.shape[0]):
        fill_normal(p.key[i], ONCE, FIRST_DRAW, first_path, own)
        for lane in range(own.size):
            place = (p.rho * common[lane] + rest * own[lane] - p.z0) / dz
            place = min(max(place, 0.0), last + 1.0)
            k = min(int(place), last)
            s = place - k
            h = s * s * (3.0 - 2.0 * s)
            bend = s * (1.0 - s) * dz * ((1.0 - s) * table[k, 1] - s * table[k + 1, 1])
            delivery[i, lane] = table[k, 0] + h * (table[k + 1, 0] - table[k, 0]) + bend


def shape(section: Delivery) -> tuple[float, float]:
    """Return alpha and beta of the distribution."""
    width = section.high - section.low
    return 1.0 + 4.0 * (section.mode - section.low) / width, 1.0 + 4.0 * (section.high - section.mode) / width


def quantile_at_normal(section: Delivery, z: Array) -> tuple[Array, Array]:
    """Return the quantile at Phi(z) and its slope in z; each half is computed from its own end, so that neither tail loses digits."""
    alpha, beta = shape(section)
    width = section.high - section.low
    upper = z > 0.0
    near = np.where(upper, betaincinv(beta, alpha, ndtr(-np.abs(z))), betaincinv(alpha, beta, ndtr(-np.abs(z))))
    log_near, log_other = np.log(near), np.log1p(-near)
    log_x, log_y = np.where(upper, log_other, log_near), np.where(upper, log_near, log_other)
    log_density = (alpha - 1.0) * log_x + (beta - 1.0) * log_y - betaln(alpha, beta)
    slope = width * np.exp(-0.5 * z * z - 0.5 * np.log(2.0 * np.pi) - log_density)
    return np.where(upper, section.high - width * near, section.low + width * near), slope


def mean_and_variance(section: Delivery) -> tuple[float, float]:
    """Return mean and variance of d."""
    if section.fixed is not None:
        return section.fixed, 0.0
    mean = (section.low + 4.0 * section.mode + section.high) / 6.0
    return mean, (mean - section.low) * (section.high - mean) / 7.0
