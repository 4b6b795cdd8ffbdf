"""Runs beside each other, runs that were killed, and the place of a store, where only whole stores stand."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from simulate.errors import InputError
from simulate.results import locks, place, store
from simulate.results.store import open_results, write_block, writing
from tests.makers import results as synthetic

BLOCK = 50
SLEEPER = """
import sys, time
from tests.makers import results as synthetic
from simulate.results import place
from simulate.results.store import write_block, writing
with writing(sys.argv[1], synthetic.coords(), synthetic.attrs(100, 50), paths=100, block_paths=50, overwrite=True) as store:
    write_block(store, 0, synthetic.block(0, 50))
    if "swap" in sys.argv:
        place.Path.rename = lambda *paths, rename=place.Path.rename: (rename(*paths), print("ready", flush=True), time.sleep(60))
    else:
        print("ready", flush=True)
        time.sleep(60)
"""


def write(path, paths=100, seed=0, **options):
    with writing(path, synthetic.coords(), synthetic.attrs(paths, BLOCK, seed), paths=paths, block_paths=BLOCK, **options) as opened:
        for first in range(0, paths, BLOCK):
            write_block(opened, first, synthetic.block(first, min(BLOCK, paths - first)))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@contextmanager
def killed_writer(path, *words):
    """Another process that writes a store, stopped in the middle; killed with SIGKILL at the end."""
    command = [sys.executable, "-c", SLEEPER, str(path), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=60)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(place, "PATIENCE", 0.1)


@pytest.mark.parametrize("overwrite", [False, True])
def test_one_run_writes_a_store_at_a_time(tmp_path, overwrite):
    target = tmp_path / "a.zarr"
    with place.claim(target):
        with pytest.raises(place.Taken, match=r"a.zarr: another run is writing this store; wait .*--out"):
            write(target, overwrite=overwrite)
    write(target)
    assert names(tmp_path) == ["a.zarr"]


def test_two_names_of_one_store_are_one_place(tmp_path):
    write(tmp_path / "a.zarr")
    (tmp_path / "b.zarr").symlink_to("a.zarr")
    with place.claim(tmp_path / "a.zarr", overwrite=True), pytest.raises(place.Taken):
        write(tmp_path / "b.zarr", overwrite=True)


def test_the_old_store_is_read_until_the_new_one_is_whole(tmp_path):
    target = tmp_path / "a.zarr"
    write(target, seed=1)
    with writing(target, synthetic.coords(), synthetic.attrs(50, BLOCK, 2), paths=50, block_paths=BLOCK, overwrite=True) as opened:
        write_block(opened, 0, synthetic.block(0, BLOCK))
        assert open_results(target).load().attrs["seed"] == 1
    assert open_results(target).attrs["seed"] == 2


def test_a_reader_never_sees_a_store_that_is_not_whole(tmp_path):
    with writing(tmp_path / "a.zarr", synthetic.coords(), synthetic.attrs(50, BLOCK), paths=50, block_paths=BLOCK):
        with pytest.raises(InputError, match="there is no store here"):
            open_results(tmp_path / "a.zarr")


def test_kill_9_frees_the_place_and_the_next_run_removes_what_is_left(tmp_path):
    write(tmp_path / "a.zarr", seed=1)
    with killed_writer(tmp_path / "a.zarr"):
        with pytest.raises(place.Taken):
            write(tmp_path / "a.zarr", overwrite=True)
        write(tmp_path / "other.zarr")
        assert ".a.zarr.writing" in names(tmp_path), "a run that is going on is left alone"
    assert open_results(tmp_path / "a.zarr").load().attrs["seed"] == 1
    write(tmp_path / "third.zarr")
    assert names(tmp_path) == ["a.zarr", "other.zarr", "third.zarr"]


@pytest.mark.parametrize("then", ["read", "run", "run elsewhere"])
def test_kill_9_between_the_two_renames_loses_nothing(tmp_path, then):
    target = tmp_path / "a.zarr"
    write(target, paths=50, seed=1)
    with killed_writer(target, "swap"):
        assert names(tmp_path) == [".a.zarr.writing"]
    if then == "run":
        with pytest.raises(place.Taken, match="not overwritten"):
            write(target)
    if then == "run elsewhere":
        write(tmp_path / "b.zarr")
    assert store.expand(target).exists() == (then != "read")
    with pytest.raises(InputError, match="1 of 2 blocks"):  # the writer above did not write its second block
        open_results(target)
    assert ".a.zarr.writing" not in names(tmp_path)


def test_a_swap_that_fails_puts_the_old_store_back(tmp_path, monkeypatch):
    target = tmp_path / "a.zarr"
    write(target, seed=1)
    rename = Path.rename

    def fail(self, to):
        if self.name == "store":
            raise OSError(5, "Input/output error")
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="Input/output"):
        write(target, seed=2, overwrite=True)
    assert open_results(target).attrs["seed"] == 1 and names(tmp_path) == ["a.zarr"]


def test_a_result_is_kept_when_something_came_to_stand_in_its_place(tmp_path):
    target = tmp_path / "a.zarr"
    with pytest.raises(InputError, match=r"something came to stand here.*the result is in .*a-2.zarr"):
        with writing(target, synthetic.coords(), synthetic.attrs(50, BLOCK), paths=50, block_paths=BLOCK) as opened:
            write_block(opened, 0, synthetic.block(0, BLOCK))
            target.mkdir()
            (target / "thesis.txt").write_text("precious")
    assert (target / "thesis.txt").read_text() == "precious"
    assert open_results(tmp_path / "a-2.zarr").sizes["path"] == 50


def test_hidden_folders_of_others_stay(tmp_path):
    (tmp_path / ".thesis.writing").mkdir()
    (tmp_path / ".thesis.writing" / "chapter.txt").write_text("precious")
    (tmp_path / ".locked.writing").mkdir()
    for name in ("lock", "chapter.txt"):
        (tmp_path / ".locked.writing" / name).write_text("precious")
    write(tmp_path / "a.zarr")
    assert names(tmp_path) == [".locked.writing", ".thesis.writing", "a.zarr"]


def test_where_the_file_system_has_no_locks_the_folder_is_the_lock(tmp_path, monkeypatch):
    def refuse(descriptor):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(locks, "_lock", refuse)
    with place.claim(tmp_path / "a.zarr"), pytest.raises(place.Taken):
        write(tmp_path / "a.zarr")
    write(tmp_path / "a.zarr")
    assert names(tmp_path) == ["a.zarr"]


def test_a_lock_on_a_file_that_was_removed_is_none(tmp_path, monkeypatch):
    lock = locks._lock

    def late(descriptor):
        (tmp_path / "lock").unlink()
        lock(descriptor)

    monkeypatch.setattr(locks, "_lock", late)
    assert locks.take(tmp_path / "lock") is None


@pytest.mark.parametrize(("reason", "number"), [("No space left on device", 28), ("Disk quota exceeded", 122)])
@pytest.mark.parametrize("from_file", [1, 60])
def test_a_full_disk_is_a_sentence_and_nothing_is_lost(tmp_path, monkeypatch, reason, number, from_file):
    import zarr.storage._local as local

    write(tmp_path / "a.zarr", seed=1)
    put, written = local._put, []

    def full(path, *arguments, **options):
        written.append(path)
        if len(written) >= from_file:
            raise OSError(number, reason)
        return put(path, *arguments, **options)

    monkeypatch.setattr(local, "_put", full)
    with pytest.raises(InputError, match=rf"a.zarr: the store cannot be written \({reason}\); it needs up to .* MB and .* MB are free in .*--out"):
        write(tmp_path / "a.zarr", seed=2, overwrite=True)
    assert open_results(tmp_path / "a.zarr").load().attrs["seed"] == 1
    assert names(tmp_path) == ["a.zarr"]


def test_a_store_that_is_half_removed_never_comes_back(tmp_path, monkeypatch):
    """The run is killed while it removes the store that it replaced, and the user moves the new one away."""
    target = tmp_path / "a.zarr"
    write(target, seed=1)

    def half(path, **options):
        if (path / "zarr.json").exists():
            (path / "zarr.json").unlink()

    with monkeypatch.context() as patch:
        patch.setattr(place.shutil, "rmtree", half)
        patch.setattr(place, "leave", lambda found, lock: locks.give_back(lock))
        write(target, seed=2, overwrite=True)
    assert (place.place_of(target).rubbish / "loss").exists()
    target.rename(tmp_path / "moved.zarr")
    write(tmp_path / "b.zarr")
    assert names(tmp_path) == ["b.zarr", "moved.zarr"]
