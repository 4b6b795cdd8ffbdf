"""The place of a store: one run writes it at a time, and what stands there is always whole.

A run writes into a working folder beside the place (`.NAME.writing`, hidden), whose lock it holds, and moves the store into its place when it is
whole. A store to be overwritten stays readable until then:

    .a.zarr.writing/lock       held by the run; free when the run has ended, however it ended
    .a.zarr.writing/store      the new store, block by block
    .a.zarr.writing/replaced   the old one, whole, once the new one is whole
    .a.zarr.writing/rubbish    what is being removed

Whoever holds the lock may tidy the folder (`settle`): the run itself when it ends, the next run in the same folder after a kill, and a reader that
finds the place empty between two renames.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import NamedTuple

from simulate.errors import InputError
from simulate.results import locks

SUFFIX = ".writing"
INSIDE = {"lock", "store", "replaced", "rubbish"}
PATIENCE = 1.0  # seconds; somebody who only tidies holds the lock for less


class Taken(InputError):
    """The place is not free: something exists there, or another run is writing there."""


class Place(NamedTuple):
    """Where a store will stand, and the working folder beside it."""

    path: Path
    work: Path

    @property
    def lock(self) -> Path:
        """The file whose lock the run holds."""
        return self.work / "lock"

    @property
    def store(self) -> Path:
        """The store that is being written."""
        return self.work / "store"

    @property
    def replaced(self) -> Path:
        """The store that is being replaced."""
        return self.work / "replaced"

    @property
    def rubbish(self) -> Path:
        """What is being removed."""
        return self.work / "rubbish"


def expand(path: str | Path) -> Path:
    """Return the path with a leading `~` or `~user` as the home folder. Raises InputError if there is none: no folder named `~` is meant."""
    expanded = Path(os.path.expanduser(path))
    if str(expanded).startswith("~"):
        raise InputError([f"{path}: there is no such home folder; write the path in full, or ./{path} for a name that begins with ~."])
    return expanded


def place_of(path: str | Path) -> Place:
    """Return the place of a path. Links are resolved, so that two names of one store have one lock."""
    real = Path(os.path.realpath(expand(path)))
    return Place(real, real.parent / f".{real.name}{SUFFIX}")


def numbered(path: Path) -> Iterator[Path]:
    """Yield results/NAME.zarr, results/NAME-2.zarr, -3 and so on."""
    yield path
    for number in count(2):
        yield path.with_name(f"{path.stem}-{number}{path.suffix}")


def refuse_existing(path: str | Path) -> None:
    """Raise Taken if something exists at the path, even a broken link."""
    if os.path.lexists(expand(path)):
        raise Taken([f"{path}: something exists here and is not overwritten; give another place with --out (out=), or say --overwrite (overwrite=True)."])


@contextmanager
def claim(path: str | Path, *, overwrite: bool = False) -> Iterator[Place]:
    """Hold a place for a run, with an empty working folder that is gone at the end; what earlier runs that were killed left beside it goes as well.

    Raises Taken if another run holds the place, or something exists there that is not to be overwritten, and InputError if nothing can be written.
    """
    place = place_of(path)
    if overwrite and os.path.lexists(expand(path)) and not (place.path / "zarr.json").is_file():
        raise InputError([f"{path}: this is not a Zarr store, so it is not overwritten; remove it yourself or give another place."])
    made = [folder for folder in place.path.parents if not os.path.lexists(folder)]
    try:
        tidy_folder(place.path.parent)
        with holding(place, path):
            if not overwrite:
                refuse_existing(path)
            yield place
    except BaseException:
        remove_empty(made)
        raise


@contextmanager
def holding(place: Place, path: str | Path) -> Iterator[None]:
    """Hold the lock of the working folder, settled before and after. `path`: the place in the words of the user."""
    try:
        lock = take_lock(place)
    except OSError as error:
        near = next(folder for folder in place.path.parents if os.path.lexists(folder))
        reason = error.strerror if near.is_dir() else f"'{near.name}' is no folder"
        raise InputError([f"{path}: no store can be written here ({reason}); give another place with --out (out=)."]) from error
    if lock is None:
        raise Taken([f"{path}: another run is writing this store; wait until it has ended, or give another place with --out (out=)."])
    try:
        settle(place)
        yield
    finally:
        settle(place)
        if os.listdir(place.work) != [place.lock.name]:  # after an interrupt a thread of Zarr may still have finished a file
            time.sleep(0.1)
            settle(place)
        leave(place, lock)


def take_lock(place: Place) -> int | None:
    """Make the working folder and lock it; None if another run holds it. Raises OSError if the folder cannot be made."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with suppress(FileNotFoundError):  # the last holder just removed the folder, or one that it stands in
            place.path.parent.mkdir(parents=True, exist_ok=True)
            lock = lock_folder(place)
            if lock is not None:
                return lock
        if time.monotonic() > deadline:
            return None
        time.sleep(0.02)


def lock_folder(place: Place) -> int | None:
    """Try once to make the working folder and to lock it."""
    try:
        place.work.mkdir()
        new = True
    except FileExistsError:
        new = False
    try:
        return locks.take(place.lock)
    except locks.Unsupported:  # no locks here: whoever made the folder has it, and one that a killed run left has to be removed by hand
        return os.open(place.lock, os.O_RDWR) if new else None


def leave(place: Place, lock: int) -> None:
    """Remove the working folder, unless something in it could not be removed, and end the lock."""
    if os.name == "nt":  # an open file cannot be removed there
        locks.give_back(lock)
    try:
        with suppress(OSError):
            if os.listdir(place.work) == [place.lock.name]:
                place.lock.unlink()
                place.work.rmdir()
    finally:
        if os.name != "nt":
            locks.give_back(lock)


def settle(place: Place) -> None:
    """Tidy a working folder whose lock is held. A swap that was cut short is finished first: whoever moved a store aside had a whole one to put there."""
    for whole in (place.store, place.replaced):
        if place.replaced.exists() and not os.path.lexists(place.path):
            with suppress(OSError):
                whole.rename(place.path)
    shutil.rmtree(place.rubbish, ignore_errors=True)
    with suppress(FileNotFoundError):
        place.replaced.rename(place.rubbish)  # so that what is called `replaced` is whole, at any time
    for rest in (place.store, place.rubbish):
        shutil.rmtree(rest, ignore_errors=True)


def swap(place: Place, path: str | Path, *, overwrite: bool) -> None:
    """Move the whole store into its place, and the one that stands there aside. `path`: the place in the words of the user.

    Raises InputError if something came to stand there that is not to be overwritten; the result is then under the next free name.
    """
    if overwrite and (place.path / "zarr.json").is_file():
        place.path.rename(place.replaced)
    try:
        place.store.rename(place.path)
    except OSError as error:
        kept = next(free for free in numbered(place.path) if not os.path.lexists(free))
        place.store.rename(kept)
        raise InputError([f"{path}: something came to stand here during the run and is not overwritten, so the result is in {kept}."]) from error


def tidy_folder(folder: Path) -> None:
    """Settle the working folders of runs that were killed; those of runs that are going on are locked and stay."""
    for work in folder.glob(f".*{SUFFIX}") if folder.is_dir() else ():
        place = Place(folder / work.name.removesuffix(SUFFIX)[1:], work)
        with suppress(OSError):
            found = set(os.listdir(work))
            if not found:
                work.rmdir()
            elif place.lock.name in found <= INSIDE and (lock := locks.take(place.lock)) is not None:
                settle(place)
                leave(place, lock)


def recover(path: Path) -> None:
    """Put a store back that a run moved aside before it was killed; wait for a run that is between its two renames."""
    place = place_of(path)
    deadline = time.monotonic() + PATIENCE
    while place.replaced.exists() and not place.path.exists() and time.monotonic() < deadline:
        tidy_folder(place.path.parent)
        time.sleep(0.01)


def remove_empty(folders: list[Path]) -> None:
    """Remove empty folders that were made for a store, the innermost first."""
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return
