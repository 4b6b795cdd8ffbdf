"""Write a result to a store on disk, block by block, and open it. Names, types and units: simulate/schema.py.

A block is whole chunks of every variable and last its mark in `block_done`, which is made of their checksums. The store is written beside its place and moved there when all
blocks are (results/place.py), so a reader finds a finished run or none; what is lost afterwards is a sentence (results/whole.py).
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulate.errors import InputError, refuse_if_any
from simulate.results.dataset import coordinates_in, in_schema
from simulate.results.place import claim, expand, place_of, recover, refuse_existing, swap
from simulate.schema import ATTRIBUTES, CHECKS, SCHEMA_VERSION, VARIABLES, Variable

if TYPE_CHECKING:
    import xarray as xr
    import zarr

    from simulate.results.whole import Stamp, WholeStore

__all__ = ["Store", "create_store", "open_results", "refuse_existing", "write_block", "write_check", "writing"]

# Values of chunks that are not written yet; no kernel produces them.
_FILLS = {"f": np.nan, "i": np.iinfo(np.int16).min}
_MARKS = "block_done"


class Store(NamedTuple):
    """An open store: arrays by name, sizes by dim, the paths of a block, where it is written, its place in the words of the user, and the stamp that tells it from others."""

    arrays: "dict[str, zarr.Array]"
    sizes: dict[str, int]
    block_paths: int
    path: Path
    place: str | Path
    stamp: "Stamp"


def create_store(
    path: Path, coords: Mapping[str, np.ndarray], attrs: Mapping[str, Any], *, paths: int, block_paths: int, place: str | Path | None = None
) -> Store:
    """Write a store with all coordinates and no data. `place`: where it will stand, in the words of the user. Raises OSError if it cannot be written."""
    import zarr

    from simulate.results.whole import CODECS, SEAL, checksums_of, stamp_of

    labels = coordinates_in(coords)
    sizes = {variable.dims[0]: len(coords[name]) for name, variable in labels.items() if name in coords} | {"path": paths}
    group = zarr.create_group(path, attributes=dict(attrs) | {"coordinates": " ".join(labels)})

    arrays: dict[str, zarr.Array] = {}

    def create(name: str, variable: Variable, chunks: tuple[int, ...], fill: float | None = None) -> None:
        arrays[name] = group.create_array(
            name,
            shape=tuple(sizes[dim] for dim in variable.dims),
            dtype=str if variable.dtype == "str" else variable.dtype,
            chunks=chunks,
            fill_value=fill,
            compressors=CODECS,
            dimension_names=variable.dims,
            attributes=dict(variable.about),
            config={"write_empty_chunks": True},  # a chunk that is not there is lost, never a chunk of zeros
        )

    for name, variable in labels.items():
        create(name, variable, (max(1, sizes[variable.dims[0]]),))
        arrays[name][...] = np.arange(paths) if name == "path" else coords[name]
    for name, variable in VARIABLES.items():
        create(name, variable, (min(block_paths, paths), *(max(1, sizes[dim]) for dim in variable.dims[1:])), _FILLS[variable.dtype[0]])
    for name, variable in CHECKS.items() if "identity" in coords else ():
        create(name, variable, (sizes["identity"],))
    # One chunk a mark, so that marks of two threads do not race.
    blocks, about = -(-paths // block_paths), {"units": "1", "long_name": "Checksum of the chunks of the block; 0: it is not whole"}
    arrays[_MARKS] = group.create_array(
        _MARKS, shape=(blocks,), dtype="u4", chunks=(1,), fill_value=0, compressors=CODECS, dimension_names=("block",), attributes=dict(about)
    )
    group.attrs[SEAL] = checksums_of(Path(path))
    return Store(arrays, sizes, block_paths, path, path if place is None else place, stamp_of(path))


def write_block(store: Store, first: int, arrays: Mapping[str, np.ndarray]) -> None:
    """Write the block of paths that begins at `first`: whole chunks of every variable, and then its mark. Arrays have the path axis last.

    Raises InputError if the disk is full or cannot be written.
    """
    from simulate.results.whole import mark_of

    number, rest = divmod(first, store.block_paths)
    if rest or not 0 <= first < store.sizes["path"]:
        raise ValueError(f"path {first} does not begin a block of {store.block_paths} of {store.sizes['path']} paths")
    last = min(first + store.block_paths, store.sizes["path"])
    block = in_schema(arrays, store.sizes | {"path": last - first}, first)
    try:
        for name, array in block.items():
            store.arrays[name][first:last] = array
        store.arrays[_MARKS][number] = mark_of(store.path, number)
    except OSError as error:
        raise unwritable(store.place, error, store.sizes) from error


def write_check(store: Store, check: Mapping[str, np.ndarray]) -> None:
    """Write the findings so far (`CHECKS`), before the block that they include, so that a finished store has all of them."""
    for name in CHECKS:
        store.arrays[name][...] = check[name]


def bytes_of(sizes: Mapping[str, int]) -> int:
    """Return the size of all variables in memory, from sizes by dim; on disk they are compressed to a third or less."""
    return sum(np.dtype(variable.dtype).itemsize * prod(sizes[dim] for dim in variable.dims) for variable in VARIABLES.values())


def unwritable(path: str | Path, error: OSError, sizes: Mapping[str, int]) -> InputError:
    """Return the fault of a store that cannot be written, with what it needs and what there is."""
    folder = next(folder for folder in place_of(path).path.parents if folder.is_dir())
    free = shutil.disk_usage(folder).free
    return InputError(
        [
            f"{path}: the store cannot be written ({error.strerror}); it needs up to {bytes_of(sizes) / 1e6:,.0f} MB and {free / 1e6:,.0f} MB are free in "
            f"{folder}; make room, or give another place with --out (out=)."
        ]
    )


@contextmanager
def writing(
    path: str | Path, coords: Mapping[str, np.ndarray], attrs: Mapping[str, Any], *, paths: int, block_paths: int, overwrite: bool = False
) -> Iterator[Store]:
    """Yield a store to write blocks to, which moves into its place when all is well. After an error no partial store stays, and the old one is untouched.

    Raises Taken if something exists there and is not to be overwritten, or another run is writing there, and InputError if it cannot be written.
    """
    with claim(path, overwrite=overwrite) as place:
        try:
            store = create_store(place.store, coords, attrs, paths=paths, block_paths=block_paths, place=path)
        except OSError as error:
            raise unwritable(path, error, {name: len(values) for name, values in coords.items()} | {"path": paths}) from error
        yield store
        swap(place, path, overwrite=overwrite)


def open_results(path: str | Path, *, stamp: "Stamp | None" = None) -> "xr.Dataset":
    """Open a finished store as a Dataset with the variables and units of docs/results.md; arrays are read, and their checksums verified, when they are used.

    The Dataset is that of the run that stands there now: after another one took its place, reading raises InputError. `stamp`: of the run that is expected.
    Raises InputError if there is no store, it has another schema, or anything in it is missing or damaged.
    """
    from simulate.results.whole import WholeStore

    where, path = path, expand(path)
    while True:
        recover(path)
        if not path.exists():
            raise InputError([f"{where}: there is no store here; `simulate run SCENARIO --out {where}` makes one."])
        if not (path / "zarr.json").is_file():
            raise InputError([f"{where}: this is not a Zarr store that `simulate run` wrote; give the folder that ends in .zarr."])
        whole = WholeStore(path, stamp=stamp)
        try:
            return open_whole(path, whole)
        except InputError:
            if stamp is not None or whole.stands():
                raise
            # Another run took its place in the meantime, so the faults are of a store that is gone.


def open_whole(path: Path, whole: "WholeStore") -> "xr.Dataset":
    """Open a store that stands at a path. Raises InputError if it is not one of this library and schema, or anything in it is missing."""
    import xarray as xr
    import zarr

    from simulate.results.whole import SEAL, array_of, document_faults, lost_chunks, mixed_blocks

    try:
        group = zarr.open_group(path, mode="r")
        attrs = dict(group.attrs)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:  # whatever Zarr makes of damaged JSON
        raise InputError([f"{path}: the store cannot be read ({error}); run the scenario again with --overwrite."]) from error
    if attrs.get("library") != "simulate" or not (path / _MARKS).is_dir():
        raise InputError([f"{path}: this Zarr store was not written by `simulate run`; give one that was."])
    if attrs.get("schema_version") != SCHEMA_VERSION:
        raise InputError(
            [
                f"{path}: the store has schema version {attrs.get('schema_version')} (written by version {attrs.get('version')}) and this library reads "
                f"version {SCHEMA_VERSION}; run the scenario again, or read it with the version that wrote it."
            ]
        )
    unsaid = [name for name in ATTRIBUTES if name not in attrs]
    if unsaid:
        raise InputError([f"{path / 'zarr.json'}: this file is damaged (it lacks {', '.join(unsaid)}); run the scenario again with --overwrite."])
    refuse_if_any(document_faults(path, group))
    try:
        done = np.asarray(array_of(group, _MARKS)[:])
    except (OSError, ValueError) as error:  # its codec finds the damage
        raise InputError([f"{path / _MARKS}: a chunk here is damaged ({error}); run the scenario again with --overwrite."]) from error
    if not done.all():
        missing = int((done == 0).sum())
        raise InputError([f"{path}: {missing} of {done.size} blocks are missing, so the run did not finish; run the scenario again with --overwrite."])
    refuse_if_any(lost_chunks(path, group) or mixed_blocks(path, done))
    dataset = xr.open_zarr(whole, consolidated=False, chunks=None, drop_variables=[_MARKS])
    for name in ("coordinates", SEAL):
        dataset.attrs.pop(name, None)
    return dataset
