"""The schema, stores that are whole or not there, and what opening refuses."""

import json
import shutil

import numpy as np
import pytest
import xarray as xr
import zarr

from simulate.errors import InputError
from simulate.results.dataset import in_schema
from simulate.results.store import create_store, open_results, write_block, writing
from simulate.schema import ATTRIBUTES, COORDINATES, VARIABLES
from tests.makers import results as synthetic

PATHS, BLOCK = 400, 150


def write(path, paths=PATHS, block_paths=BLOCK, **options):
    with writing(path, synthetic.coords(), synthetic.attrs(paths, block_paths), paths=paths, block_paths=block_paths, **options) as store:
        for first in range(0, paths, block_paths):
            write_block(store, first, synthetic.block(first, min(block_paths, paths - first)))


def leftovers(folder):
    return sorted(p.name for p in folder.iterdir())


def test_store_and_memory_give_the_same_dataset(tmp_path):
    write(tmp_path / "a.zarr")
    stored = open_results(tmp_path / "a.zarr").load()
    made = synthetic.dataset(PATHS, BLOCK)
    assert set(stored.data_vars) == set(made.data_vars) == set(VARIABLES)
    for name in VARIABLES:
        np.testing.assert_array_equal(stored[name].values, made[name].values)
        assert stored[name].dims == made[name].dims == VARIABLES[name].dims
        assert stored[name].dtype == made[name].dtype == np.dtype(VARIABLES[name].dtype)
    for name in COORDINATES:
        assert stored[name].values.tolist() == made[name].values.tolist()
        assert stored[name].dims == made[name].dims == COORDINATES[name].dims
    assert set(stored.coords) == set(made.coords) == set(COORDINATES)
    assert {k: v for k, v in stored.attrs.items() if k != "created"} == {k: v for k, v in made.attrs.items() if k != "created"}


def test_blocks_in_any_order_give_the_same_store(tmp_path):
    write(tmp_path / "forwards.zarr")
    with writing(tmp_path / "backwards.zarr", synthetic.coords(), synthetic.attrs(PATHS, BLOCK), paths=PATHS, block_paths=BLOCK) as store:
        for first in (300, 0, 150):
            write_block(store, first, synthetic.block(first, min(BLOCK, PATHS - first)))
    xr.testing.assert_equal(open_results(tmp_path / "forwards.zarr").load(), open_results(tmp_path / "backwards.zarr").load())


def test_every_variable_says_its_unit_and_what_it_is(tmp_path):
    write(tmp_path / "a.zarr")
    dataset = open_results(tmp_path / "a.zarr")
    for name in (*VARIABLES, *COORDINATES):
        assert dataset[name].attrs["units"], name
        assert len(dataset[name].attrs["long_name"]) > 10, name
    assert set(dataset.attrs) == set(ATTRIBUTES)
    assert json.loads(dataset.attrs["resolved"])["name"] == "made_up"
    assert dataset.attrs["seed"] == 0 and dataset.attrs["discount"] == "short_rate"
    assert dataset["loss"].sel(entity="cloud", channel="contract").sizes == {"path": PATHS, "detail": 1}
    assert str(dataset["deal_payer"].sel(deal="L01").values) == "cloud"


def test_a_store_is_not_overwritten_unless_told(tmp_path):
    write(tmp_path / "a.zarr")
    with pytest.raises(InputError, match="--overwrite"):
        write(tmp_path / "a.zarr", paths=150)
    assert open_results(tmp_path / "a.zarr").sizes["path"] == PATHS
    write(tmp_path / "a.zarr", paths=150, overwrite=True)
    assert open_results(tmp_path / "a.zarr").sizes["path"] == 150
    assert leftovers(tmp_path) == ["a.zarr"]


def test_overwrite_does_not_remove_what_is_no_store(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("precious")
    with pytest.raises(InputError, match="not a Zarr store"):
        write(tmp_path / "thesis", overwrite=True)
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "precious"


def test_after_an_error_nothing_half_written_stays(tmp_path):
    with pytest.raises(RuntimeError, match="out of luck"):
        with writing(tmp_path / "a.zarr", synthetic.coords(), synthetic.attrs(PATHS, BLOCK), paths=PATHS, block_paths=BLOCK) as store:
            write_block(store, 0, synthetic.block(0, BLOCK))
            raise RuntimeError("out of luck")
    assert leftovers(tmp_path) == []


def test_after_an_error_the_store_that_was_to_be_overwritten_is_back(tmp_path):
    write(tmp_path / "a.zarr")
    with pytest.raises(KeyboardInterrupt):
        with writing(tmp_path / "a.zarr", synthetic.coords(), synthetic.attrs(150, 150), paths=150, block_paths=150, overwrite=True):
            raise KeyboardInterrupt
    assert open_results(tmp_path / "a.zarr").sizes["path"] == PATHS
    assert leftovers(tmp_path) == ["a.zarr"]


def test_opening_refuses_an_unfinished_store(tmp_path):
    store = create_store(tmp_path / "a.zarr", synthetic.coords(), synthetic.attrs(PATHS, BLOCK), paths=PATHS, block_paths=BLOCK)
    write_block(store, 150, synthetic.block(150, BLOCK))
    with pytest.raises(InputError, match="2 of 3 blocks are missing"):
        open_results(tmp_path / "a.zarr")


def test_opening_refuses_what_is_not_there_or_not_ours(tmp_path):
    with pytest.raises(InputError, match="there is no store here"):
        open_results(tmp_path / "nothing.zarr")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="not a Zarr store"):
        open_results(tmp_path / "folder")
    zarr.create_group(tmp_path / "other.zarr")
    with pytest.raises(InputError, match="not written by `simulate run`"):
        open_results(tmp_path / "other.zarr")
    (tmp_path / "torn.zarr").mkdir()
    (tmp_path / "torn.zarr" / "zarr.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        open_results(tmp_path / "torn.zarr")


def test_opening_refuses_another_schema(tmp_path):
    write(tmp_path / "a.zarr")
    zarr.open_group(tmp_path / "a.zarr", mode="r+").attrs["schema_version"] = 999
    with pytest.raises(InputError, match="schema version 999"):
        open_results(tmp_path / "a.zarr")


def test_opening_refuses_a_store_that_lacks_a_variable(tmp_path):
    write(tmp_path / "a.zarr")
    shutil.rmtree(tmp_path / "a.zarr" / "steps_shut")
    with pytest.raises(InputError, match="the store lacks steps_shut"):
        open_results(tmp_path / "a.zarr")


def test_a_block_that_is_not_the_schema_is_refused():
    sizes = {"path": 3, "world": 2, "detail": 1, "entity": 5, "channel": 5, "deal": 4, "year": 7, "process": 1, "factor": len(synthetic.FACTORS)}
    good = synthetic.block(0, 3)
    assert in_schema(good, sizes, 0)["loss"].shape == (3, 1, 5, 5)
    with pytest.raises(ValueError, match="missing: \\['loss'\\]"):
        in_schema({k: v for k, v in good.items() if k != "loss"}, sizes, 0)
    with pytest.raises(ValueError, match="'loss' of the block at path 0 has shape"):
        in_schema(good | {"loss": good["loss"][:, :, :4]}, sizes, 0)
    bad = good["system_loss"].copy()
    bad[0, 1] = np.nan
    with pytest.raises(ArithmeticError, match="'system_loss' is not finite on path 8"):
        in_schema(good | {"system_loss": bad}, sizes, 7)


@pytest.mark.parametrize("first", [1, 149, 450, -150])
def test_a_block_that_does_not_begin_a_chunk_is_refused(tmp_path, first):
    store = create_store(tmp_path / "a.zarr", synthetic.coords(), synthetic.attrs(PATHS, BLOCK), paths=PATHS, block_paths=BLOCK)
    with pytest.raises(ValueError, match="does not begin a block"):
        write_block(store, first, synthetic.block(0, BLOCK))
