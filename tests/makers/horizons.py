"""Rows of two models that differ in the steps that both have."""

import numpy as np


def differing(short, long, steps, prefix="") -> list[str]:
    """Names of the numbers of nested NamedTuples that are not the same bits in the first `steps` steps; the number of steps itself is none."""
    found = []
    for name in short._fields:
        one, other, said = getattr(short, name), getattr(long, name), prefix + name
        if hasattr(one, "_fields"):
            found += differing(one, other, steps, f"{said}.")
        elif said != "grid.steps" and not same_bits(one, other, steps):
            found.append(said)
    return found


def same_bits(one, other, steps) -> bool:
    """True where two numbers or arrays are equal bit by bit, the longer one along its last axis only in its first steps."""
    one, other = np.asarray(one), np.asarray(other)
    if one.shape != other.shape and one.ndim == other.ndim and one.shape[-1] == steps:
        other = other[..., :steps]
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
