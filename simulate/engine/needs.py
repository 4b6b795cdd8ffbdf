"""What is asked of a run before anything is simulated: sizes in range, and memory, disk and time. Imports no kernel: `simulate validate` asks too."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from simulate.compile.scenario import seed_faults
from simulate.errors import refuse_if_any
from simulate.model import Model
from simulate.results.place import place_of
from simulate.results.store import bytes_of

# Measured on the shipped scenario and the small one of the tests, on one core; a cell is an entity or a leg in a step of a world.
SECONDS_A_CELL = 1.5e-8
SHARE_ON_DISK = 0.1  # of the size in memory; the shipped scenario takes 0.18, and only what surely fails is refused
COPIES_IN_MEMORY = 2  # blocks, and the arrays that they are joined to
BYTES_OF_A_NUMBER = 24  # of the number of a path: the coordinate, its index, and a copy while it is written
UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


class Needs(NamedTuple):
    """What a run takes at least: bytes in memory, bytes on disk, and about how many seconds."""

    memory: float
    disk: float
    seconds: float


def faults(paths: int | None, seed: int | None, threads: int | None, block_paths: int) -> list[str]:
    """Return a sentence for every size of a run that is out of range."""
    sentences = []
    for name, value, most in (("paths", paths, 2**40), ("threads", threads, 1024), ("block", block_paths, 2**20)):
        if value is not None and not (isinstance(value, int | np.integer) and not isinstance(value, bool) and 1 <= value <= most):
            sentences.append(f"{name} = {value!r} is wrong: it must be a whole number from 1 to {most:,}.")
    return sentences if seed is None else [*sentences, *seed_faults(seed)]


def refuse_too_large(model: Model, coords: Mapping[str, np.ndarray], *, paths: int, threads: int, out: str | Path | None) -> None:
    """Raise InputError with the memory, disk and time that a run needs if this machine cannot hold it."""
    refuse_if_any(shortages(needs_of(model, coords, paths=paths, threads=threads, stored=out is not None), paths=paths, threads=threads, out=out))


def cells_of(model: Model) -> int:
    """Return the number of cells of a path."""
    return model.grid.steps * model.rules.world_switches.shape[0] * (len(model.entities.kappa) + len(model.legs.payer))


def needs_of(model: Model, coords: Mapping[str, np.ndarray], *, paths: int, threads: int, stored: bool) -> Needs:
    """Return what a run takes. `coords`: those of the result, by name. `stored`: it is written block by block and not kept in memory."""
    sizes = {name: len(values) for name, values in coords.items()}
    size = bytes_of(sizes | {"path": 1}) * paths
    kept = 0 if stored else COPIES_IN_MEMORY * size
    return Needs(BYTES_OF_A_NUMBER * paths + kept, SHARE_ON_DISK * size if stored else 0, SECONDS_A_CELL * cells_of(model) * paths / threads)


def shortages(needs: Needs, *, paths: int, threads: int, out: str | Path | None) -> list[str]:
    """Return a sentence if the memory of the machine or the disk below `out` cannot hold a run."""
    total = total_memory()
    sizes = [f"{in_bytes(needs.memory)} of memory (this machine has {in_bytes(total)})"]
    fits = needs.memory <= total
    if out is not None:
        folder = next(folder for folder in place_of(out).path.parents if folder.is_dir())
        free = shutil.disk_usage(folder).free
        sizes.append(f"{in_bytes(needs.disk)} of disk ({in_bytes(free)} are free in {folder})")
        fits = fits and needs.disk <= free
    time = f"about {in_time(needs.seconds)} on {threads} thread{'s' * (threads > 1)}"
    return [] if fits else [f"paths = {paths:,} is too large: the run needs at least {', '.join(sizes)} and {time}; give fewer paths, or another place."]


def total_memory() -> float:
    """Return the bytes of memory of this machine; infinity where it does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return float("inf")


def in_bytes(size: float) -> str:
    """Write a size with the largest unit that leaves a number of at least 1."""
    power = max((k for k in range(len(UNITS)) if size >= 1000**k), default=0)
    return f"{size / 1000**power:,.{1 if size < 10 * 1000**power else 0}f} {UNITS[power]}"


def in_time(seconds: float) -> str:
    """Write a duration with the largest unit that leaves a number of at least 1."""
    for unit, length in (("year", 31_557_600), ("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = round(seconds / length)
            return f"{count:,} {unit}{'s' * (count > 1)}"
    return f"{max(1, round(seconds)):,} s"


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
