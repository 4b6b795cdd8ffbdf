"""Numba's cache of compiled functions, which never ends a run and never gives another function than the one asked for.

Numba's own cache has three habits that this one has not:
- A folder that cannot be written is exchanged for `__pycache__` beside the sources, whose key does not see an edit of a callee in another file
  (kernels/jit.py). Here there is one folder, read even where it cannot be written.
- An index or a function that was cut short, as by a full disk, ends every later run with an error of pickle. Here it is compiled again and written over.
  A function carries a hash, so that a flipped byte is found before it runs as machine code.
- A full disk ends the run after the minutes of compiling. Here the function is used and not kept, with one warning.

Classes of a cache are set by the dispatcher itself, so they are numba's internals. This file is one reason for the upper bound of numba's version in
pyproject.toml. `numba.njit(cache=True)` in the place of `keep` gives the same results.
"""

import hashlib
import pickle
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

from numba.core import config
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile, UserProvidedCacheLocator

HASH_BYTES = 16


class Folder(UserProvidedCacheLocator):
    """The folder that was chosen, made if it can be."""

    def ensure_cache_path(self) -> None:
        """Make the folder; one that cannot be written may hold kernels all the same."""
        with suppress(OSError):
            super().ensure_cache_path()


class OneFolder(CompileResultCacheImpl):
    """Where compiled functions are kept: in the folder that was chosen and nowhere else."""

    _locator_classes = (Folder,)


class HashedFiles(IndexDataCacheFile):
    """The files of the cache of a function, with a hash before what was compiled."""

    def _save_data(self, name: str, data: Any) -> None:
        body = self._dump(data)
        with self._open_for_write(self._data_path(name)) as file:
            file.write(digest_of(body) + body)

    def _load_data(self, name: str) -> Any:
        data = Path(self._data_path(name)).read_bytes()
        if digest_of(data[HASH_BYTES:]) != data[:HASH_BYTES]:
            raise ValueError(f"{name} is damaged")
        return pickle.loads(data[HASH_BYTES:])


class KernelCache(FunctionCache):
    """The cache of one function."""

    _impl_class = OneFolder

    def __init__(self, function: Any):
        super().__init__(function)
        place = self._impl
        self._cache_file = HashedFiles(self._cache_path, place.filename_base, place.locator.get_source_stamp())

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled function; None if there is none or it cannot be read, and then it is forgotten."""
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # whatever pickle and the linker make of damaged files
            with suppress(OSError):
                Path(self._cache_file._index_path).unlink()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the compiled function, if it can be written."""
        try:
            super().save_overload(sig, data)
        except OSError as error:
            warnings.warn(
                f"{config.CACHE_DIR}: compiled kernels cannot be kept here ({error.strerror}), so the next run compiles them again; "
                "make room, or set NUMBA_CACHE_DIR to a folder that can be written.",
                stacklevel=2,
            )


def digest_of(body: bytes) -> bytes:
    """Return the hash of what was compiled."""
    return hashlib.blake2b(body, digest_size=HASH_BYTES).digest()


def keep(dispatcher: Any) -> Any:
    """Give a compiled function its cache."""
    dispatcher._cache = KernelCache(dispatcher.py_func)
    return dispatcher
