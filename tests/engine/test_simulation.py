"""From the scenario to the result: `simulate.run` on a small network."""

import pickle

import numpy as np
import pytest
import xarray as xr

import simulate
from simulate.engine import simulation
from simulate.engine.needs import needs_of
from simulate.errors import InputError
from simulate.schema import COORDINATES, VARIABLES
from tests.makers.small import SMALL


@pytest.fixture(scope="module")
def in_memory():
    return simulate.run(SMALL, paths=300, seed=11, threads=1)


def same(one, other):
    xr.testing.assert_identical(one.drop_attrs(deep=False), other.drop_attrs(deep=False))


def test_the_result_has_the_schema_and_says_what_was_run(in_memory):
    assert set(in_memory.data_vars) == set(VARIABLES)
    assert set(in_memory.coords) == set(COORDINATES)
    assert in_memory.attrs["seed"] == 11 and in_memory.attrs["paths"] == 300 and in_memory.attrs["scenario"] == "small"
    assert len(in_memory.attrs["digest"]) == 64
    assert (in_memory["default_step"].values >= 0).any(), "somebody defaults, or the other tests say nothing"


@pytest.mark.parametrize(("threads", "block_paths"), [(2, 300), (1, 100), (2, 64)])
def test_threads_and_blocks_do_not_move_a_bit(in_memory, threads, block_paths):
    same(simulate.run(SMALL, paths=300, seed=11, threads=threads, block_paths=block_paths), in_memory)


def test_the_first_paths_of_a_long_run_are_the_short_run(in_memory):
    same(simulate.run(SMALL, paths=130, seed=11), in_memory.isel(path=slice(0, 130)))


def test_another_seed_is_another_sample_and_0_is_a_seed(in_memory):
    zero = simulate.run(SMALL, paths=300, seed=0)
    assert zero.attrs["seed"] == 0
    assert not np.array_equal(zero["system_loss"].values, in_memory["system_loss"].values)
    same(zero, simulate.run(SMALL, paths=300, seed=0))


def test_a_store_holds_what_memory_holds(in_memory, tmp_path):
    stored = simulate.run(SMALL, paths=300, seed=11, out=tmp_path / "a.zarr", block_paths=128)
    same(stored.load(), in_memory)
    same(simulate.open_results(tmp_path / "a.zarr").load(), in_memory)
    assert stored.attrs["digest"] == in_memory.attrs["digest"]


def test_a_loaded_scenario_runs_like_its_file(in_memory):
    loaded = simulate.load_scenario(SMALL, ["run.paths=300", "run.seed=11"])
    same(simulate.run(loaded), in_memory)


def test_an_existing_store_is_refused_before_anything_is_read(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    with pytest.raises(InputError, match="not overwritten"):
        simulate.run("no such scenario", out=tmp_path / "a.zarr")


def test_all_faults_of_the_size_are_said_at_once():
    with pytest.raises(InputError) as raised:
        simulate.run(SMALL, paths=0, seed=-1, threads=0, block_paths=0)
    assert [sentence.split(" = ")[0] for sentence in raised.value.sentences] == ["paths", "threads", "block", "seed"]
    for wrong in (2.5, True, "100"):
        with pytest.raises(InputError, match="paths = .* whole number"):
            simulate.run(SMALL, paths=wrong)


def test_a_failure_in_the_middle_leaves_no_store(tmp_path, monkeypatch):
    def fail(model, *, on_block, **options):
        raise MemoryError("out of memory")

    monkeypatch.setattr(simulation, "run_blocks", fail)
    with pytest.raises(MemoryError):
        simulate.run(SMALL, paths=10, out=tmp_path / "a.zarr")
    assert list(tmp_path.iterdir()) == []


def test_a_result_keeps_to_its_run_when_another_takes_its_place(tmp_path):
    """Three runs in one place: three answers or a refusal, never the last answer three times."""
    means = []
    for alpha in (0.0, 0.5):
        dataset = simulate.run(simulate.load_scenario(SMALL, {"rules.alpha": alpha}), paths=100, out=tmp_path / "a.zarr", overwrite=True)
        means.append((dataset, dataset["system_loss"].values.mean()))
    (first, _), (second, kept) = means
    with pytest.raises(InputError, match="another run took the place of this store"):
        first["system_loss"].load()
    assert second["system_loss"].values.mean() == kept


def test_a_run_does_not_return_the_result_of_another_that_followed_at_once(tmp_path, monkeypatch):
    opened, out = simulation.open_results, tmp_path / "a.zarr"

    def late(path, **options):
        monkeypatch.setattr(simulation, "open_results", opened)
        simulate.run(SMALL, paths=50, seed=2, out=out, overwrite=True)
        return opened(path, **options)

    monkeypatch.setattr(simulation, "open_results", late)
    with pytest.raises(InputError, match="another run took the place of this store"):
        simulate.run(SMALL, paths=50, seed=1, out=out)
    assert simulate.open_results(out).attrs["seed"] == 2


def test_faults_survive_pickle():
    with pytest.raises(InputError) as raised:
        simulate.run(SMALL, paths=0, seed=-1)
    kept = pickle.loads(pickle.dumps(raised.value))
    assert type(kept) is InputError and kept.sentences == raised.value.sentences and len(kept.sentences) == 2
    assert str(kept) == str(raised.value)


def test_a_run_that_memory_cannot_hold_is_refused_before_it_starts(monkeypatch):
    monkeypatch.setattr(simulation, "run_blocks", None)
    with pytest.raises(
        InputError, match=r"paths = 1,000,000,000 is too large: the run needs at least 3\.9 TB of memory \(this machine has 8\.0 GB\) and about"
    ):
        monkeypatch.setattr("simulate.engine.needs.total_memory", lambda: 8e9)
        simulate.run(SMALL, paths=10**9, threads=2)


def test_a_run_that_fits_is_not_refused(monkeypatch, tmp_path):
    """The estimate is a lower bound: what a run really takes is not below it."""
    dataset = simulate.run(SMALL, paths=4000, out=tmp_path / "a.zarr")
    compiled = simulation.compile_scenario(simulate.load_scenario(SMALL), 7)
    taken = needs_of(compiled.model, {name: dataset[name].values for name in dataset.coords}, paths=4000, threads=1, stored=True)
    assert 0 < taken.disk < sum(file.stat().st_size for file in (tmp_path / "a.zarr").rglob("*") if file.is_file())
    taken = needs_of(compiled.model, {name: dataset[name].values for name in dataset.coords}, paths=4000, threads=1, stored=False)
    assert dataset.drop_vars("path").nbytes < taken.memory < 4 * dataset.nbytes
    assert 0.001 < taken.seconds < 10


def test_the_verbs_of_the_library():
    assert {"clearing_vector", "load_scenario", "open_results", "run"} <= set(dir(simulate))
    for name in simulate.__all__:
        assert getattr(simulate, name) is not None, name
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        simulate.runn  # noqa: B018
