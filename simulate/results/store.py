"""Write a result to a store on disk, block by block, and open it. Names, types and units: simulate/schema.py.

A store is written block by block: the template under a temporary name, renamed when whole; then, a block at a time, whole chunks of every variable and
last the mark `block_done[i] = 1`. So a reader finds either a finished run or an error that counts the missing blocks.
"""

import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from simulate.errors import InputError
from simulate.results.dataset import coordinates_in, in_schema
from simulate.schema import CHECKS, SCHEMA_VERSION, VARIABLES

if TYPE_CHECKING:
    import xarray as xr
    import zarr

# Values of chunks that are not written yet; no kernel produces them.
_FILLS = {"f": np.nan, "i": np.iinfo(np.int16).min}
_MARKS = "block_done"


class Store(NamedTuple):
    """An open store: its place, its Zarr group, sizes by dim and the paths of a block."""

    path: Path
    group: "zarr.Group"
    sizes: dict[str, int]
    block_paths: int


def create_store(path: str | Path, coords: Mapping[str, np.ndarray], attrs: Mapping[str, Any], *, paths: int, block_paths: int) -> Store:
    """Write the template of a store, all coordinates and no data, under a temporary name, and rename it to `path`."""
    import zarr

    path = Path(path)
    labels = coordinates_in(coords)
    sizes = {variable.dims[0]: len(coords[name]) for name, variable in labels.items() if name in coords} | {"path": paths}
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        group = zarr.create_group(partial, attributes=dict(attrs) | {"coordinates": " ".join(labels)})
        for name, variable in labels.items():
            values = np.arange(paths) if name == "path" else coords[name]
            dtype = str if variable.dtype == "str" else variable.dtype
            chunks = tuple(max(1, n) for n in values.shape)
            array = group.create_array(name, shape=values.shape, dtype=dtype, chunks=chunks, dimension_names=variable.dims, attributes=dict(variable.about))
            array[...] = values
        for name, variable in VARIABLES.items():
            shape = tuple(sizes[dim] for dim in variable.dims)
            chunks = (min(block_paths, paths), *(max(1, n) for n in shape[1:]))
            fill = _FILLS[variable.dtype[0]]
            group.create_array(
                name, shape=shape, dtype=variable.dtype, chunks=chunks, fill_value=fill, dimension_names=variable.dims, attributes=dict(variable.about)
            )
        for name, variable in CHECKS.items() if "identity" in coords else ():
            shape, dtype = (sizes["identity"],), str if variable.dtype == "str" else variable.dtype
            group.create_array(name, shape=shape, dtype=dtype, chunks=shape, dimension_names=variable.dims, attributes=dict(variable.about))
        blocks = -(-paths // block_paths)
        # One chunk a mark, so that marks of two threads do not race.
        about = {"units": "1", "long_name": "1 when the block is whole"}
        group.create_array(_MARKS, shape=(blocks,), dtype="u1", chunks=(1,), fill_value=0, dimension_names=("block",), attributes=dict(about))
        partial.rename(path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return Store(path, zarr.open_group(path, mode="r+"), sizes, block_paths)


def array_of(group: "zarr.Group", name: str) -> "zarr.Array":
    """Return the array of a variable; a store holds no groups inside, which a type checker cannot know."""
    return cast("zarr.Array", group[name])


def write_block(store: Store, first: int, arrays: Mapping[str, np.ndarray]) -> None:
    """Write the block of paths that begins at `first`: whole chunks of every variable, and then its mark. Arrays have the path axis last."""
    number, rest = divmod(first, store.block_paths)
    if rest or not 0 <= first < store.sizes["path"]:
        raise ValueError(f"path {first} does not begin a block of {store.block_paths} of {store.sizes['path']} paths")
    last = min(first + store.block_paths, store.sizes["path"])
    for name, array in in_schema(arrays, store.sizes | {"path": last - first}, first).items():
        array_of(store.group, name)[first:last] = array
    array_of(store.group, _MARKS)[number] = 1


def write_check(store: Store, check: Mapping[str, np.ndarray]) -> None:
    """Write the findings so far (`CHECKS`), before the block that they include, so that a finished store has all of them."""
    for name in CHECKS:
        array_of(store.group, name)[...] = check[name]


def refuse_existing(path: str | Path) -> None:
    """Raise InputError if something exists at the path, even a broken link."""
    if os.path.lexists(path):
        raise InputError([f"{path}: something exists here and is not overwritten; give another place with --out (out=), or say --overwrite (overwrite=True)."])


@contextmanager
def writing(
    path: str | Path, coords: Mapping[str, np.ndarray], attrs: Mapping[str, Any], *, paths: int, block_paths: int, overwrite: bool = False
) -> Iterator[Store]:
    """Yield a store to write blocks to. After an error no partial store stays, and the store to be overwritten is back in its place."""
    path = Path(path)
    if not overwrite:
        refuse_existing(path)
    elif os.path.lexists(path) and not (path / "zarr.json").is_file():
        raise InputError([f"{path}: this is not a Zarr store, so it is not overwritten; remove it yourself or give another place."])
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.replaced") if os.path.lexists(path) else None
    made = [folder for folder in path.parents if not os.path.lexists(folder)]
    if aside:
        path.rename(aside)
    try:
        try:
            store = create_store(path, coords, attrs, paths=paths, block_paths=block_paths)
        except OSError as error:
            near = next(folder for folder in path.absolute().parents if os.path.lexists(folder))
            reason = error.strerror if near.is_dir() else f"'{near.name}' is no folder"
            raise InputError([f"{path}: no store can be written here ({reason}); give another place with --out (out=)."]) from error
        yield store
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        if aside:
            aside.rename(path)
        remove_empty(made)
        raise
    if aside:
        shutil.rmtree(aside)


def remove_empty(folders: list[Path]) -> None:
    """Remove empty folders that were made for a store, the innermost first."""
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return


def open_results(path: str | Path) -> "xr.Dataset":
    """Open a finished store as a Dataset with the variables and units of docs/results.md; arrays are read when they are used.

    Raises InputError if there is no store, it has another schema, or blocks are missing.
    """
    import xarray as xr
    import zarr

    path = Path(path)
    if not path.exists():
        raise InputError([f"{path}: there is no store here; `simulate run SCENARIO --out {path}` makes one."])
    if not (path / "zarr.json").is_file():
        raise InputError([f"{path}: this is not a Zarr store that `simulate run` wrote; give the folder that ends in .zarr."])
    try:
        group = zarr.open_group(path, mode="r")
        attrs = dict(group.attrs)
        done = np.asarray(array_of(group, _MARKS)[:]) if _MARKS in group else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError([f"{path}: the store cannot be read ({error}); run the scenario again with --overwrite."]) from error
    if attrs.get("library") != "simulate" or done is None:
        raise InputError([f"{path}: this Zarr store was not written by `simulate run`; give one that was."])
    if attrs.get("schema_version") != SCHEMA_VERSION:
        raise InputError(
            [
                f"{path}: the store has schema version {attrs.get('schema_version')} (written by version {attrs.get('version')}) and this library reads "
                f"version {SCHEMA_VERSION}; run the scenario again, or read it with the version that wrote it."
            ]
        )
    lacking = [name for name in VARIABLES if name not in group]
    if lacking:
        raise InputError(
            [f"{path}: the store lacks {', '.join(lacking)}, so another version of the library wrote it; run the scenario again with --overwrite."]
        )
    if not done.all():
        missing = int((done == 0).sum())
        raise InputError([f"{path}: {missing} of {done.size} blocks are missing, so the run did not finish; run the scenario again with --overwrite."])
    dataset = xr.open_zarr(path, consolidated=False, chunks=None).drop_vars(_MARKS)
    dataset.attrs.pop("coordinates", None)
    return dataset
