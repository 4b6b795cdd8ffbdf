"""What is lost or damaged in a store is a sentence, not a number; and a Dataset is that of one run."""

import copy
import json
import pickle
import shutil

import numpy as np
import pytest
import xarray as xr

from simulate.errors import InputError
from simulate.results import whole
from simulate.results.store import open_results, write_block, write_check, writing
from simulate.schema import CHECK_COORDINATES, CHECKS, COORDINATES, VARIABLES
from tests.makers import results as synthetic

PATHS, BLOCK = 120, 50


def write(path, seed=0, shift=0, **options):
    with writing(path, synthetic.coords(), synthetic.attrs(PATHS, BLOCK, seed), paths=PATHS, block_paths=BLOCK, **options) as store:
        for first in range(0, PATHS, BLOCK):
            write_block(store, first, synthetic.block(shift + first, min(BLOCK, PATHS - first)))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "a.zarr"
    write(path)
    return path


@pytest.fixture
def store(written, tmp_path):
    return shutil.copytree(written, tmp_path / "a.zarr")


def chunks_of(store, name):
    return sorted(path for path in (store / name / "c").rglob("*") if path.is_file())


def read(store):
    return open_results(store).load()


@pytest.mark.parametrize("name", [*VARIABLES, *COORDINATES])
def test_a_missing_chunk_of_any_variable_is_a_sentence(store, name):
    chunks = chunks_of(store, name)
    assert len(chunks) == (3 if name in VARIABLES else 1)
    chunks[-1].unlink()
    with pytest.raises(InputError, match=f"1 of {len(chunks)} chunks of '{name}' are missing") as raised:
        open_results(store)
    assert str(raised.value).startswith(str(chunks[-1]))


@pytest.mark.parametrize("name", [*VARIABLES, *COORDINATES])
def test_a_missing_array_is_a_sentence(store, name):
    shutil.rmtree(store / name)
    with pytest.raises(InputError, match=f"the store lacks {name}"):
        open_results(store)


@pytest.mark.parametrize("name", [*VARIABLES, *COORDINATES])
def test_one_flipped_byte_anywhere_in_a_chunk_is_noticed(store, name):
    chunk = chunks_of(store, name)[0]
    whole = chunk.read_bytes()
    for place in {0, 3, len(whole) // 3, len(whole) // 2, len(whole) - 5, len(whole) - 1}:
        chunk.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(InputError, match="this chunk is damaged") as raised:
            open_results(store)[name].load()
        assert str(chunk) in str(raised.value)
    chunk.write_bytes(whole)
    open_results(store)[name].load()


@pytest.mark.parametrize("size", [0, 3, 10])
def test_a_chunk_that_was_cut_short_is_noticed(store, size):
    chunk = chunks_of(store, "loss")[1]
    chunk.write_bytes(chunk.read_bytes()[:size])
    with pytest.raises(InputError, match="this chunk is damaged"):
        read(store)


def test_a_chunk_that_goes_after_opening_is_no_fill_value(store):
    dataset = open_results(store)
    chunks_of(store, "default_step")[0].unlink()
    with pytest.raises(InputError, match="this chunk is missing"):
        dataset["default_step"].load()


@pytest.mark.parametrize(
    ("text", "to", "says"), [("{", "", "damaged"), ('"int16"', '"int64"', "has to be i2"), ("120", "119", "has to be"), ("crc32c", "crc33c", "damaged")]
)
def test_damaged_metadata_of_an_array_is_a_sentence(store, text, to, says):
    file = store / "default_step" / "zarr.json"
    assert text in file.read_text()
    file.write_text(file.read_text().replace(text, to, 1))
    with pytest.raises(InputError, match="default_step/zarr.json: this file is damaged or was changed"):
        open_results(store)
    seal_again(store)
    with pytest.raises(InputError, match=f"default_step.*{says}"):
        open_results(store)


def seal_again(store):
    root = store / "zarr.json"
    document = json.loads(root.read_text())
    document["attributes"][whole.SEAL] = whole.checksums_of(store)
    root.write_text(json.dumps(document))


@pytest.mark.parametrize("change", ["title", "seed", "changes", "version", "extra"])
def test_a_changed_attribute_is_noticed(store, change):
    """What the answer says was run is as safe as its numbers."""
    root = store / "zarr.json"
    document = json.loads(root.read_text())
    document["attributes"][change] = "another"
    root.write_text(json.dumps(document))
    with pytest.raises(InputError, match="zarr.json: this file is damaged or was changed"):
        open_results(store)


def test_a_damaged_mark_of_a_block_is_a_sentence(store):
    mark = chunks_of(store, "block_done")[0]
    mark.write_bytes(bytes([mark.read_bytes()[0] ^ 1]) + mark.read_bytes()[1:])
    with pytest.raises(InputError, match="block_done: a chunk here is damaged"):
        open_results(store)


def test_two_runs_that_were_mixed_are_noticed(store, tmp_path):
    """Every chunk is whole, and every document: a copy that was cut short, or two that were made at once."""
    write(tmp_path / "other.zarr", shift=1000)
    chunk = chunks_of(store, "system_loss")[0]
    shutil.copy(tmp_path / "other.zarr" / chunk.relative_to(store), chunk)
    with pytest.raises(InputError, match=f"1 of {-(-PATHS // BLOCK)} blocks are of different runs, or were changed"):
        open_results(store)
    shutil.copy(chunks_of(store, "deal_kind")[0], chunks_of(store, "entity")[0])
    with pytest.raises(InputError, match="entity/c/0: this chunk is damaged"):
        open_results(store)


def test_checksums_of_documents_are_no_attribute_of_a_dataset(store):
    assert whole.SEAL not in open_results(store).attrs


def test_a_store_of_an_earlier_version_without_checksums_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(whole, "CODECS", whole.CODECS[:1])
    write(tmp_path / "a.zarr")
    with pytest.raises(InputError, match="the store has no checksums, so an earlier version") as raised:
        open_results(tmp_path / "a.zarr")
    assert len(raised.value.sentences) == 1


def test_opening_meets_a_swap(store, monkeypatch):
    """The store is replaced while it is being opened: the new one is opened, and nobody is told that the old one is damaged."""
    from simulate.results import store as results

    opening = results.open_whole

    def late(path, opened):
        monkeypatch.setattr(results, "open_whole", opening)
        write(store, seed=5, overwrite=True)
        return opening(path, opened)

    monkeypatch.setattr(results, "open_whole", late)
    assert open_results(store).load().attrs["seed"] == 5


def test_a_store_without_its_attributes_is_refused(store):
    file = store / "zarr.json"
    file.write_text(file.read_text().replace('"seed"', '"sead"', 1))
    with pytest.raises(InputError, match="it lacks seed"):
        open_results(store)


def test_a_dataset_does_not_follow_its_path_to_another_run(store):
    first = open_results(store)
    kept = first["loss"].sum().item()
    write(store, seed=1, overwrite=True)
    second = open_results(store)
    for name in VARIABLES:
        with pytest.raises(InputError, match="another run took the place of this store"):
            first[name].load()
    write(store, seed=2, overwrite=True)  # a file system may give the number of the first folder to the third
    for dataset in (first, second, pickle.loads(pickle.dumps(second)), copy.deepcopy(second)):
        with pytest.raises(InputError, match="another run took the place of this store"):
            dataset["loss"].load()
    assert open_results(store)["loss"].sum().item() == kept
    shutil.rmtree(store)
    with pytest.raises(InputError, match="another run took the place"):
        second["system_loss"].load()


def test_what_was_read_before_stays(store):
    dataset = open_results(store).load()
    write(store, seed=1, overwrite=True)
    xr.testing.assert_equal(dataset, synthetic.dataset(PATHS, BLOCK))


def test_a_dataset_survives_pickle(store):
    xr.testing.assert_identical(pickle.loads(pickle.dumps(open_results(store))).load(), read(store))


def test_findings_of_a_check_that_are_all_blank_or_0_are_there(tmp_path):
    names = np.array(["cash", "debt"], object)
    coords = synthetic.coords() | {name: names if variable.dtype == "str" else np.zeros(2) for name, variable in CHECK_COORDINATES.items()}
    with writing(tmp_path / "a.zarr", coords, synthetic.attrs(BLOCK, BLOCK), paths=BLOCK, block_paths=BLOCK) as store:
        write_block(store, 0, synthetic.block(0, BLOCK))
        write_check(store, {name: np.array(["", ""], object) if variable.dtype == "str" else np.zeros(2) for name, variable in CHECKS.items()})
    assert read(tmp_path / "a.zarr")["identity_entity"].values.tolist() == ["", ""]
    chunks_of(tmp_path / "a.zarr", "identity_residual")[0].unlink()
    with pytest.raises(InputError, match="1 of 1 chunks of 'identity_residual' are missing"):
        open_results(tmp_path / "a.zarr")
