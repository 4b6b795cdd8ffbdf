"""The decorators of compiled functions, and the reasons for their options.

`kernel`   called from Python: serial, releases the GIL (threads run blocks of paths; `prange` under other threads aborts or hangs), cached on
           disk, division by zero gives infinity as in NumPy, no bounds checks.
`stage`    called from kernels only: without the wrapper that unpacks Python objects (two hundred array fields a call) and
           without machine code of its own (kernels/linking.py); its caller is cached with it inside.
`part`     a piece of a stage, inlined into it by LLVM. A call hands over four hundred words of arrays: it costs 0.2 us, and 3 kB of
           code to compile. So the step is five stages (step/tile.py) and everything else a part; one function for all would
           take a third longer to compile.
`small`    scalar helpers that are inlined into the lane loop of a kernel.

No reference counts (`_nrt=False`): kernels allocate nothing and fill their arguments, and the counting of fifty arrays a call
is a third of the code to compile. So an assignment between arrays is a loop (`maths.copy_row`), and there is no np.zeros in a kernel.

No `fastmath`: reassociated sums change their bits with the vector width, so a path would depend on the width of its tile and on
the machine; `nnan` makes `isnan` always false and destroys compensated sums. Not even contraction: a fused multiply-add appears
or not with the shape of the loop around it, and the tail of a loop would differ from its body.

Numba stamps a cached kernel with the content of the caller's file only: an edit of a callee in another file is not seen and a
stale kernel runs. So the cache folder itself carries the package version and a hash of all kernel sources (and of numba's version), and kernels are
kept there or not at all (kernels/caching.py).

Numba is imported when a function is first called or compiled into a caller (`Deferred`), not where one is declared: so a factor has its section,
its equations and its kernels in one file, and a scenario is read and checked without a compiler, which takes as long to import as all of the rest.
"""

import hashlib
import os
import sys
from collections.abc import Callable
from functools import cache, cached_property, update_wrapper
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

KERNEL_BYTES = 6_000_000  # all kernels take two thirds of it
SOURCES = ("kernels", "factors", "step")
FLAGS: dict[str, Any] = {"_nrt": False, "nogil": True, "error_model": "numpy", "boundscheck": False}
LINKED: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


class Deferred:
    """A function that numba compiles, with numba imported at the first use. Whatever numba asks of its own dispatcher is asked of that."""

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]):
        self.function, self.options = function, options
        update_wrapper(self, function)

    @cached_property
    def compiled(self) -> Any:
        """The function as numba's dispatcher; the function itself with NUMBA_DISABLE_JIT."""
        numba = load_numba()
        options = dict(self.options)
        if "no_cpython_wrapper" in options:
            from simulate.kernels.linking import StageCompiler

            options["pipeline_class"] = StageCompiler
        kept = options.pop("cache", False) and not numba.config.DISABLE_JIT
        compiled = numba.njit(**options, **FLAGS)(self.function)
        if kept:
            from simulate.kernels.caching import keep

            return keep(compiled)
        return compiled

    def __call__(self, *arguments: Any) -> Any:
        """Call the compiled function."""
        return self.compiled(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.compiled, name)


@cache
def load_numba() -> Any:
    """Import numba, with its cache in a folder of these sources: it reads the folder when a function is declared."""
    import numba

    numba.config.CACHE_DIR = str(find_cache_folder())
    return numba


def hash_sources() -> str:
    """Return the hash of everything that a kernel can depend on: the files of kernels, factors and step, the fields of model and schema, numba."""
    root = Path(__file__).parents[1]
    digest = hashlib.blake2b(metadata.version("numba").encode(), digest_size=8)
    for path in [*(file for room in SOURCES for file in sorted((root / room).glob("*.py"))), root / "model.py", root / "schema.py"]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def find_cache_folder() -> Path:
    """Return the folder of compiled kernels: below NUMBA_CACHE_DIR when set, else in the user's cache folder."""
    try:
        version = metadata.version("simulate")
    except metadata.PackageNotFoundError:  # run from a checkout that is not installed
        version = "checkout"
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        base = Path(chosen)
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "simulate" / f"{version}-{hash_sources()}"


def can_keep_kernels() -> bool:
    """True if there is room for compiled kernels in their folder; tried by writing as much as they take."""
    folder = find_cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder) as probe:
            probe.write(bytes(KERNEL_BYTES))
            probe.flush()
    except OSError:
        return False
    return True


def defer(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return the decorator that compiles with these options."""
    return lambda function: Deferred(function, options)


kernel = defer(cache=True, no_cfunc_wrapper=True)
stage = defer(**LINKED)
part = defer(**LINKED, forceinline=True)
small = defer(inline="always", cache=True)
