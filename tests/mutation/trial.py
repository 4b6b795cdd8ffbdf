"""One mutant on trial: the package is copied, changed, and tested in a process of its own, with the JIT off.

The process is forked from one that has loaded numpy, numba and pytest; it loads the package anew, so a trial costs the tests alone.
"""

import os

os.environ["NUMBA_DISABLE_JIT"] = "1"  # read when numba is imported
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import multiprocessing
import resource
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import NamedTuple

import hypothesis  # noqa: F401 loaded here, once, for all trials
import numba  # noqa: F401
import pydantic  # noqa: F401
import pytest
import scipy.linalg  # noqa: F401
import scipy.optimize  # noqa: F401
import scipy.special  # noqa: F401
import scipy.stats  # noqa: F401

from tests.mutation.mutants import Mutant, apply

ROOT = Path(__file__).parents[2]
COPIED = ("simulate", "tests", "configs", "pyproject.toml")
SURVIVED, TIME_LIMIT = "", "time limit"


class Verdict(NamedTuple):
    """Which test killed a mutant, or SURVIVED; and how long it took."""

    killer: str
    seconds: float


class Report:
    """Pytest plugin: keeps the first failure."""

    def __init__(self, connection):
        self.connection = connection

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.connection.send(report.nodeid)

    def pytest_collectreport(self, report):
        if report.failed:
            self.connection.send(report.nodeid)


def copy_package(target: Path) -> Path:
    """The package and its tests in a folder where they can be changed."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__", "mutation"), dirs_exist_ok=True)
        else:
            shutil.copy(source, target / name)
    return target


def work(folder: Path, arguments: list[str], limit: int, connection) -> None:
    """Run pytest in a folder; in a forked process."""
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.chdir(folder)
    sys.path[:] = [str(folder), *(path for path in sys.path if path and Path(path).resolve() != ROOT)]
    for name in [name for name in sys.modules if name.split(".")[0] in ("simulate", "tests")]:
        del sys.modules[name]
    sys.dont_write_bytecode = True  # a stale cache of the mutant before would be run: same size, same second
    code = pytest.main(["-q", "-x", "-n0", "-p", "no:cacheprovider", "--assert=plain", "--hypothesis-seed=0", *arguments], plugins=[Report(connection)])
    connection.send(int(code))
    connection.close()
    os._exit(0)  # nothing of the parent is to be flushed or run at exit


def run_tests(folder: Path, arguments: list[str], limit: int) -> Verdict:
    """First failure of the tests in a folder; `limit` is CPU seconds, so that a busy machine kills nothing."""
    began = time.perf_counter()
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=work, args=(folder, arguments, limit, sender))
    process.start()
    sender.close()
    messages = []
    try:
        while True:
            messages.append(receiver.recv())
    except EOFError:
        pass
    process.join()
    shutil.rmtree(folder / ".hypothesis", ignore_errors=True)  # examples that failed for one mutant are not tried first on the next
    failures = [message for message in messages if isinstance(message, str)]
    codes = [message for message in messages if isinstance(message, int)]
    if failures:
        killer = failures[0] or "collection"
    elif process.exitcode in (-signal.SIGXCPU, -signal.SIGKILL):
        killer = TIME_LIMIT
    elif codes != [0]:
        raise RuntimeError(f"pytest ended with {codes or process.exitcode} and no failure: {arguments}")
    else:
        killer = SURVIVED
    return Verdict(killer, time.perf_counter() - began)


def try_mutant(folder: Path, mutant: Mutant, rounds: list[tuple[list[str], int]]) -> Verdict:
    """Apply, test round after round (pytest arguments, CPU seconds) until one kills, undo."""
    path = folder / mutant.file
    source = path.read_text()
    path.write_text(apply(mutant, source))
    seconds = 0.0
    try:
        for arguments, limit in rounds:
            verdict = run_tests(folder, arguments, limit)
            seconds += verdict.seconds
            if verdict.killer:
                break
    finally:
        path.write_text(source)
    return Verdict(verdict.killer, seconds)
