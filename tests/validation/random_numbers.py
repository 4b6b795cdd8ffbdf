"""Random numbers: equal shares of every cell, no memory across paths, steps, draws, names and seeds.

Chi-square statistics over their degrees of freedom, which should be 1 with a standard error of sqrt(2/degrees of freedom). The words of the generator are
compared with the published answers of Random123 in tests/kernels/test_random.py, and draws of a real scenario with those of the same scenario with something added.
"""

import functools
import math

import numpy as np

from simulate.factors.keys import key_of
from simulate.kernels.random import ONCE, fill_normal, fill_uniform

from .claims import STANDARD_ERRORS, Finding, mean_finding

TEST = "kernels/test_random.py::test_random_numbers_are_uniform_and_unrelated"
SALMON, PEARSON, KNUTH = "Salmon et al. 2011", "Pearson 1900", "Knuth 1997, section 3.3.2"
NAMES = ("driver:demand", "driver:valuation", "regime", "revenue:openai", "revenue:xai", "life", "power:shots", "execution:openai_nvidia")
SEEDS = (0, 1, 2, 3, 2**32, 2**64 - 1)


def uniforms(count: int, name: str = "driver:demand", *, seed: int = 0, step: int = 0, draw: int = 0, first: int = 0) -> np.ndarray:
    out = np.empty(count)
    fill_uniform(key_of(seed, name), step, draw, first, out)
    return out


def normals(count: int, name: str, *, seed: int = 0, step: int = 0) -> np.ndarray:
    out = np.empty(count)
    fill_normal(key_of(seed, name), step, 0, 0, out)
    return out


def chi_square(claim: str, statistic: float, freedom: int, source: str = PEARSON) -> Finding:
    return Finding(f"{claim}: chi-square over {freedom} degrees of freedom", TEST, source, statistic / freedom, 1.0, math.sqrt(2 / freedom), STANDARD_ERRORS)


def cell_statistic(cells: np.ndarray, count: int) -> float:
    """Pearson's statistic of cell numbers 0 .. count-1 against equal shares."""
    expected = cells.size / count
    return float(np.sum((np.bincount(cells, minlength=count) - expected) ** 2) / expected)


def joint_cells(side: int, *coordinates: np.ndarray) -> np.ndarray:
    """Number of the cell of a grid with `side` cells each way."""
    number = np.zeros(coordinates[0].size, np.int64)
    for u in coordinates:
        number = number * side + (u * side).astype(np.int64)
    return number


def shares() -> list[Finding]:
    """One dimension: the whole number, its middle and its last bits."""
    bins, count = 512, 100_000
    total = {"first nine bits": 0.0, "bits 21 to 29": 0.0, "bits 42 to 50": 0.0}
    for seed in SEEDS:
        for name in NAMES:
            u = uniforms(count, name, seed=seed, step=ONCE if name == "life" else 3)
            for part, shift in zip(total, (0, 20, 41)):
                total[part] += cell_statistic(joint_cells(bins, np.modf(u * 2.0**shift)[0]), bins)  # exact: u has 53 bits
    keys = len(SEEDS) * len(NAMES)
    return [chi_square(f"Uniforms of {keys} keys, {part}", sum_of, keys * (bins - 1)) for part, sum_of in total.items()]


def serial() -> list[Finding]:
    """Pairs and triples of neighbours in every coordinate of the counter and the key."""
    side, count = 64, 400_000
    base = uniforms(count)
    pairs = {
        "a path and the next": (uniforms(2 * count)[::2], uniforms(2 * count)[1::2]),
        "a path and the one 2^32 further": (base, uniforms(count, first=2**32)),
        "a step and the next": (base, uniforms(count, step=1)),
        "a step and the draw of the path": (base, uniforms(count, step=ONCE)),
        "a draw and the next": (base, uniforms(count, draw=1)),
        "a name and another": (base, uniforms(count, "driver:valuation")),
        "names that differ in one letter": (uniforms(count, "revenue:a"), uniforms(count, "revenue:b")),
        "a seed and the next": (base, uniforms(count, seed=1)),
    }
    found = [chi_square(f"Serial test, {name}", cell_statistic(joint_cells(side, *pair), side**2), side**2 - 1, KNUTH) for name, pair in pairs.items()]
    triple = [uniforms(count, step=step) for step in range(3)]
    found.append(chi_square("Serial test, three steps", cell_statistic(joint_cells(16, *triple), 16**3), 16**3 - 1, KNUTH))
    return found


def collisions() -> list[Finding]:
    """Balls in many cells: Knuth's collision test, here with pairs in the same cell, whose expected number is exact."""
    balls, cells, found = 2**15, 2**26, []
    for seed in range(64):
        filled = np.bincount(np.unique((uniforms(balls, seed=seed) * cells).astype(np.int64), return_counts=True)[1], minlength=4)
        found.append(sum(k * (k - 1) // 2 * number for k, number in enumerate(filled)))
    return [mean_finding("Pairs of 2^15 uniforms in one of 2^26 cells, mean over 64 seeds", TEST, KNUTH, found, balls * (balls - 1) / 2 / cells)]


def correlations() -> list[Finding]:
    """Of normals, and of their squares, between streams (names and steps) and between paths of a stream."""
    count = 50_000
    streams = np.array([normals(count, name, step=step) for name in NAMES[:5] for step in range(8)])
    found = []
    for claim, x, spread in (("Normals", streams, 1.0), ("Squares of normals", streams**2 - 1.0, 2.0)):
        table = x @ x.T / (spread * math.sqrt(count))  # standard normal off the diagonal
        pairs = table[np.triu_indices_from(table, 1)]
        found.append(chi_square(f"{claim} of 40 streams (5 names, 8 steps), correlations of all pairs", float(np.sum(pairs**2)), pairs.size, SALMON))
        lags = np.array([np.sum(x[:, :-lag] * x[:, lag:], axis=1) / (spread * math.sqrt(count - lag)) for lag in range(1, 33)])
        found.append(chi_square(f"{claim}, correlations of paths 1 to 32 apart in 40 streams", float(np.sum(lags**2)), lags.size, "Box and Pierce 1970"))
    every = streams.ravel()
    for power, want in ((1, 0.0), (2, 1.0), (3, 0.0), (4, 3.0), (6, 15.0)):
        found.append(mean_finding(f"Normals: moment {power}", TEST, "Wichura 1988", every**power, want))
    return found


@functools.cache
def findings() -> list[Finding]:
    return [*shares(), *serial(), *collisions(), *correlations()]
