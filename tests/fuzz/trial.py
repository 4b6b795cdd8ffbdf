"""Make a mutant, try it with the command in this process, and judge how that ended."""

import contextlib
import io
import os
import re
import shutil
import signal
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

from simulate.cli.app import TRACEBACK, exit_code
from tests.fuzz import overrides, stores, texts
from tests.makers.small import SMALL

KINDS = ("cells", "lines", "bytes", "set", "shock", "store")
CPU_SECONDS = 5.0  # that a command may take; what waits without computing may take WALL_SECONDS
WALL_SECONDS = 120.0
PATHS = 16


class Hang(BaseException):
    """The command took too long."""


class Verdict(NamedTuple):
    """How a mutant ended."""

    kind: str
    number: int
    what: str
    end: str  # "refused", "accepted", or the fault in words
    said: str = ""

    @property
    def is_fault(self) -> bool:
        """True unless it was refused or accepted as it should."""
        return self.end not in ("refused", "accepted")


class Said(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


def try_mutant(kind: str, number: int, seed: int, folder: Path, store: Path) -> Verdict:
    """Make mutant `number` of a kind in an empty folder, and try it. `store`: a whole store of the small network."""
    dice = Random(f"{seed} {kind} {number}")
    if kind == "store":
        return try_store(number, dice, folder, store)
    shutil.copytree(SMALL.parent, folder / "small")
    scenario, arguments = folder / "small" / SMALL.name, []
    if kind in ("set", "shock"):
        arguments, what = (overrides.set_keys if kind == "set" else overrides.set_shocks)(folder, dice)
    else:
        what = {"cells": texts.change_cells, "lines": texts.change_lines, "bytes": texts.change_bytes}[kind](folder / "small", dice)
    validated = command(["validate", str(scenario), *arguments])
    end = judge(validated)
    said = validated.err
    if end == "accepted":
        found = command(["run", str(scenario), *arguments, "--paths", str(PATHS), "--threads", "1", "--check", "--out", str(folder / "a.zarr")])
        end, said = judge(found), found.err
        if end == "refused":
            end = "accepted by validate, then refused by run"
    return Verdict(kind, number, what, end, said)


def try_store(number: int, dice: Random, folder: Path, store: Path) -> Verdict:
    """Damage a copy of a store and ask for its summary: refused, or the same answer as before."""
    damaged = folder / store.name
    shutil.copytree(store, damaged)
    before = command(["summary", str(damaged)])
    what = stores.damage_store(damaged, dice)
    found = command(["summary", str(damaged)])
    end = judge(found)
    if end == "accepted" and found.out != before.out:
        end = "another answer from a damaged store"
    return Verdict("store", number, what, end, found.err if end != "another answer from a damaged store" else difference(before.out, found.out))


def difference(before: str, after: str) -> str:
    """Return the first line that differs."""
    pairs = zip([*before.splitlines(), ""], [*after.splitlines(), ""], strict=False)
    return next((f"{one!r} became {other!r}" for one, other in pairs if one != other), "")


def judge(said: Said) -> str:
    """Return how a command ended, in words."""
    if "Traceback" in said.err or "Traceback" in said.out:
        return "traceback"
    if re.search(r"^\S+\.py:\d+: \w*Warning", said.err, flags=re.MULTILINE):
        return "a warning of Python"
    if said.code == 0:
        return "accepted"
    if said.code != 2:
        return f"exit code {said.code}"
    if not said.err.strip():
        return "refused without a sentence"
    return "refused"


def command(arguments: list[str]) -> Said:
    """Run the command in this process; an exception that leaves it is a traceback in `err`."""
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), limited():
            code = exit_code(arguments)
    except Hang:
        return Said(-1, out.getvalue(), f"hang of `simulate {' '.join(arguments)[:500]}`")
    except BaseException:
        return Said(-2, out.getvalue(), err.getvalue() + traceback.format_exc())
    return Said(code, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """Raise Hang in the main thread after too many seconds."""

    def stop(*_: object) -> None:
        raise Hang

    timers = ((signal.ITIMER_PROF, signal.SIGPROF, CPU_SECONDS), (signal.ITIMER_REAL, signal.SIGALRM, WALL_SECONDS))
    before = [(number, signal.signal(number, stop)) for _, number, _ in timers]
    for timer, _, seconds in timers:
        signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        for timer, _, _ in timers:
            signal.setitimer(timer, 0)
        for number, handler in before:
            signal.signal(number, handler)


def make_store(folder: Path) -> Path:
    """Write a store of the small network; the kernels are compiled from here on."""
    found = folder / "good.zarr"
    if exit_code(["run", str(SMALL), "--paths", "200", "--block", "100", "--check", "--out", str(found)]) != 0:
        sys.exit("the small network does not run")
    os.environ.pop(TRACEBACK, None)
    return found
