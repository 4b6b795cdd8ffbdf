"""The cache of compiled kernels: one folder or none, and nothing in it ends a run. Small functions in files of their own, in processes of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulate.kernels import caching, jit

CALLEE = "from simulate.kernels.jit import part\n\n@part\ndef double(x):\n    return {factor} * x\n"
CALLER = "from callee import double\nfrom simulate.kernels.jit import kernel\n\n@kernel\ndef run(x):\n    return double(x)\n"
ASK = "from caller import run\nimport simulate.kernels.jit\nprint(run(3.0), sum(run.compiled.stats.cache_hits.values()))"


@pytest.fixture
def sources(tmp_path):
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "callee.py").write_text(CALLEE.format(factor=2))
    (folder / "caller.py").write_text(CALLER)
    return folder


def ask(sources, cache, code=ASK):
    """Result and hits of the cache, and what was warned of."""
    path = os.pathsep.join([str(sources), *sys.path])
    environment = os.environ | {"PYTHONPATH": path, "NUMBA_CACHE_DIR": str(cache), "PYTHONDONTWRITEBYTECODE": "1"}
    found = subprocess.run([sys.executable, "-W", "default", "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stderr
    result, hits = found.stdout.split()
    return float(result), int(hits), found.stderr


def files(folder, ending):
    return sorted(Path(folder).rglob(f"*.{ending}"))


def test_a_folder_that_cannot_be_made_is_not_exchanged_for_another(sources, tmp_path):
    """Numba would keep kernels beside the sources, and give those of an older callee."""
    (tmp_path / "file").write_text("no folder")
    for factor in (2, 5):
        (sources / "callee.py").write_text(CALLEE.format(factor=factor))
        result, hits, said = ask(sources, tmp_path / "file" / "cache")
        assert (result, hits) == (3.0 * factor, 0)
        assert "compiled kernels cannot be kept here (" in said and "NUMBA_CACHE_DIR" in said
    assert files(tmp_path, "nbi") == files(tmp_path, "nbc") == []


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize("size", [0, 30])
def test_a_file_that_was_cut_short_is_compiled_again(sources, tmp_path, ending, size):
    cache = tmp_path / "cache"
    assert ask(sources, cache)[:2] == (6.0, 0)
    assert ask(sources, cache) == (6.0, 1, "")
    for file in files(cache, ending):
        file.write_bytes(file.read_bytes()[:size])
    assert ask(sources, cache) == (6.0, 0, "")
    assert ask(sources, cache) == (6.0, 1, "")


def test_a_flipped_byte_never_runs(sources, tmp_path):
    cache = tmp_path / "cache"
    ask(sources, cache)
    for file in files(cache, "nbc"):
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 16]) + whole[len(whole) // 2 + 1 :])
    assert ask(sources, cache) == (6.0, 0, "")


def test_a_full_disk_is_a_warning(sources, tmp_path):
    full = "import simulate.kernels.caching as c\n"
    full += "def full(self, path):\n    raise OSError(28, 'No space left on device')\n"
    full += "c.IndexDataCacheFile._open_for_write = full\n"
    result, hits, said = ask(sources, tmp_path / "cache", full + ASK)
    assert (result, hits) == (6.0, 0)
    assert "compiled kernels cannot be kept here (No space left on device), so the next run compiles them again; make room" in said


def test_kernels_are_read_where_they_cannot_be_written(sources, tmp_path):
    """As in a container that has them and is mounted read-only."""
    ask(sources, tmp_path / "cache")
    locked = "import numba.core.caching as c\n"
    locked += "def refuse(*rest, **options):\n    raise PermissionError(13, 'Permission denied')\n"
    locked += "c.tempfile.TemporaryFile = refuse\n"
    assert ask(sources, tmp_path / "cache", locked + ASK) == (6.0, 1, "")


@pytest.mark.nojit
def test_a_run_says_that_later_runs_need_not_compile_only_where_it_is_true(tmp_path, monkeypatch):
    from simulate.engine import simulation

    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    assert jit.can_keep_kernels() and simulation.compiling() == "compiling kernels (once; later runs take them from the cache) ..."
    for name, said in (("maths.exp_in_place-86.py311.1.nbc", True), ("tile.simulate_tiles-37.py311.1.nbc", False)):
        (jit.find_cache_folder() / "step").mkdir(exist_ok=True)
        (jit.find_cache_folder() / "step" / name).write_text("")
        assert bool(simulation.compiling()) is said, "the kernel that takes the time is there, or only others that found room on the disk"
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file" / "cache"))
    assert not jit.can_keep_kernels() and simulation.compiling() == "compiling kernels ..."
    monkeypatch.setattr(jit, "find_cache_folder", lambda: tmp_path / "full")
    monkeypatch.setattr(jit, "TemporaryFile", lambda dir: open("/dev/full", "wb") if Path("/dev/full").exists() else open(tmp_path, "wb"))
    assert not jit.can_keep_kernels()


def test_kernels_of_the_library_use_this_cache():
    from simulate.step.tile import simulate_tiles

    assert isinstance(simulate_tiles.compiled._cache, caching.KernelCache)
