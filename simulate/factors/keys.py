"""Keys of the draws. They need no numba, because a scenario is read and checked without a compiler."""

import hashlib

import numpy as np


def key_of(seed: int, name: str) -> np.ndarray:
    """Return the key of a named draw, [2] uint32 (low, high): the first 8 bytes, little endian, of BLAKE2b("<seed>/<name>")."""
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
    return np.frombuffer(digest, dtype="<u4").astype(np.uint32)
