"""Timing side by side: every side of a case in turn, round after round, so that a busy machine is busy for all of them."""

import os
import platform
from collections.abc import Callable
from time import perf_counter
from typing import NamedTuple

import numba
import numpy as np


class Case(NamedTuple):
    """Sides that do the same work, or shares of it; the first is what the others are compared with."""

    title: str
    unit: str  # of `work`
    work: int  # units done by one call of a side
    sides: dict[str, Callable[[], object]]


def count_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe_machine() -> str:
    """What the numbers were measured on."""
    return f"{platform.machine()}, {count_cores()} cores; Python {platform.python_version()}, NumPy {np.__version__}, numba {numba.__version__}"


def measure(case: Case, rounds: int) -> dict[str, np.ndarray]:
    """Seconds of every side in every round, [rounds]; one call before, untimed, compiles and warms up."""
    for side in case.sides.values():
        side()
    seconds = {name: np.zeros(rounds) for name in case.sides}
    for k in range(rounds):
        for name, side in case.sides.items():
            start = perf_counter()
            side()
            seconds[name][k] = perf_counter() - start
    return seconds


def show(name: str, case: Case, seconds: dict[str, np.ndarray]) -> str:
    """A table: best rate, and time over that of the first side, median and range over the rounds."""
    first = next(iter(seconds.values()))
    width = max(map(len, seconds))
    lines = ["", f"{name}: {case.title}", f"  {'':{width}}  {case.unit + '/s':>14}  time / first   (range)"]
    for side, taken in seconds.items():
        ratio = taken / first
        lines.append(f"  {side:{width}}  {case.work / taken.min():14,.0f}  {np.median(ratio):12.3g}   ({ratio.min():.3g} to {ratio.max():.3g})")
    return "\n".join(lines)
