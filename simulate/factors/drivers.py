"""Drivers: their correlation and their draws.

Drivers are standard normal per step: Z = C n with C the lower triangle of their correlation matrix. A matrix that is not positive
semi-definite is the correlation of no random vector: it is refused with the nearest one that is (Higham 2002, "Computing the nearest
correlation matrix - a problem from finance", alternating projections with Dykstra's correction).
"""

from typing import NamedTuple

import numpy as np
from pydantic import field_validator

from simulate.errors import InputError
from simulate.factors.members import DRIVERS
from simulate.factors.section import Context, Correlation, SourcedSection
from simulate.model import Array

ROUNDING = 1e-10  # an eigenvalue above minus this is a zero


class Rows(NamedTuple):
    """Parameters of a step."""

    key: Array  # [6, 2] uint32, in the order of DRIVERS
    cholesky: Array  # [6, 6] lower triangular


def split_pair(pair: str) -> tuple[int, int]:
    """Return the rows of a pair such as "demand:valuation"."""
    names = pair.split(":")
    unknown = [name for name in names if name not in DRIVERS]
    if len(names) != 2 or unknown or names[0] == names[1]:
        raise ValueError(f"names the pair '{pair}'; write two different drivers as 'demand:valuation', drivers are {', '.join(DRIVERS)}")
    return DRIVERS.index(names[0]), DRIVERS.index(names[1])


class Drivers(SourcedSection):
    """[drivers]: correlation of the shocks of one step."""

    correlation: dict[str, Correlation] = {}
    """Correlation of pairs of drivers, such as "demand:valuation" = 0.6; pairs not named are independent. [1]"""

    @field_validator("correlation")
    @classmethod
    def check_pairs(cls, pairs: dict[str, float]) -> dict[str, float]:
        """Refuse unknown drivers and pairs that are named twice."""
        seen: dict[frozenset[int], str] = {}
        for pair in pairs:
            rows = frozenset(split_pair(pair))
            if rows in seen:
                raise ValueError(f"names the same pair twice, as '{seen[rows]}' and '{pair}'; keep one")
            seen[rows] = pair
        return pairs

    def compile_rows(self, context: Context) -> Rows:
        """Return the factor of the correlation and the keys of the drivers (docs/model.md, section 1)."""
        return Rows(key=context.keys("driver", DRIVERS), cholesky=factor_lower(check_correlation(self.correlation)))


def correlation_matrix(pairs: dict[str, float]) -> Array:
    """Return the matrix [6, 6] of the pairs."""
    matrix = np.eye(len(DRIVERS))
    for pair, value in pairs.items():
        i, j = split_pair(pair)
        matrix[i, j] = matrix[j, i] = value
    return matrix


def nearest_correlation(matrix: Array, sweeps: int = 10_000) -> Array:
    """Return the correlation matrix that is nearest in the Frobenius norm (Higham 2002, algorithm 3.3)."""
    current, correction = matrix.copy(), np.zeros_like(matrix)
    for _ in range(sweeps):
        shifted = current - correction
        values, vectors = np.linalg.eigh(shifted)
        projected = (vectors * np.maximum(values, 0.0)) @ vectors.T
        correction = projected - shifted
        before, current = current, projected.copy()
        np.fill_diagonal(current, 1.0)
        if np.max(np.abs(current - before)) < 1e-13:
            break
    return current


def factor_lower(matrix: Array) -> Array:
    """Return the lower triangle C with C C' = matrix, for semi-definite matrices too: a driver that is a mix of earlier ones adds no column."""
    n = matrix.shape[0]
    lower = np.zeros((n, n))
    for j in range(n):
        pivot = matrix[j, j] - lower[j, :j] @ lower[j, :j]
        if pivot > ROUNDING:
            lower[j, j] = np.sqrt(pivot)
            lower[j + 1 :, j] = (matrix[j + 1 :, j] - lower[j + 1 :, :j] @ lower[j, :j]) / lower[j, j]
    return lower


def check_correlation(pairs: dict[str, float]) -> Array:
    """Return the matrix [6, 6] of the pairs. Raises InputError, which names the nearest valid one."""
    matrix = correlation_matrix(pairs)
    least = float(np.linalg.eigvalsh(matrix)[0])
    if least < -ROUNDING:
        nearest = nearest_correlation(matrix)
        rows = [(DRIVERS[i], DRIVERS[j], nearest[i, j]) for i in range(len(DRIVERS)) for j in range(i) if abs(nearest[i, j]) > 5e-5]
        # Four digits, towards zero: the shown values are themselves valid when typed in (shrinking every entry keeps the matrix inside).
        shown = ", ".join(f'"{b}:{a}" = {np.trunc(value * 9990) / 1e4:.4f}' for a, b, value in rows)
        raise InputError(
            [
                "[drivers.correlation] is not a correlation matrix: it has a negative eigenvalue "
                f"({least:.3g}), so it is the correlation of no shocks. The nearest valid values (Higham 2002) are {shown}."
            ]
        )
    return matrix
