"""Results: blocks of arrays -> Dataset or Zarr store -> Dataset. Names, types and units are those of simulate/schema.py.

A store is written block by block: the template under a temporary name, renamed when whole; then, a block at a time, whole chunks of every variable and
last the mark `block_done[i] = 1`. So whoever opens a store sees either a finished run or a sentence that says what is missing.
"""

import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulate.errors import InputError
from simulate.schema import CHECK_COORDINATES, CHECKS, COORDINATES, FACTORS, SCHEMA_VERSION, VARIABLES, Variable

if TYPE_CHECKING:
    import xarray as xr
    import zarr

# What stands where nothing has been written yet; no kernel produces these.
_FILLS = {"f": np.nan, "i": np.iinfo(np.int16).min}
_MARKS = "block_done"


def coordinates(names, outside, deal_labels: Mapping[str, tuple[str, str, str, str]], worlds: Mapping) -> dict[str, np.ndarray]:
    """The coordinates of a result, but for `path`, from what compile knows: Names, flags [entity], labels by deal id, worlds by name."""
    labels = [tuple(deal_labels.get(deal, ("", "", "", ""))) for deal in names.deals]
    kinds, payers, payees, titles = zip(*labels) if labels else ((), (), (), ())
    columns = {
        "world": names.worlds,
        "detail": names.detail,
        "switches_off": tuple(", ".join(world.off) for world in worlds.values()),
        "solution": tuple(world.solution for world in worlds.values()),
        "entity": names.entities,
        "outside": outside,
        "channel": names.channels,
        "deal": names.deals,
        "deal_kind": kinds,
        "deal_payer": payers,
        "deal_payee": payees,
        "deal_title": titles,
        "process": names.processes,
        "factor": tuple(FACTORS),
        "factor_unit": tuple(unit for unit, _ in FACTORS.values()),
        "factor_title": tuple(title for _, title in FACTORS.values()),
    }
    return {name: np.array(values, dtype=bool if COORDINATES[name].dtype == "bool" else object) for name, values in columns.items()}


def check_coordinates(identities: Mapping[str, tuple[str, str, float]]) -> dict[str, np.ndarray]:
    """The further coordinates of a checked run: title, scale and tolerance by name of the identity."""
    titles, scales, tolerances = zip(*identities.values())
    columns = {"identity": tuple(identities), "identity_title": titles, "identity_scale": scales, "identity_tolerance": tolerances}
    return {name: np.array(values, dtype=object if CHECK_COORDINATES[name].dtype == "str" else np.float64) for name, values in columns.items()}


def coordinates_in(coords: Mapping[str, np.ndarray]) -> dict[str, Variable]:
    """The coordinates of a result: those of a check where it was one."""
    return COORDINATES | (CHECK_COORDINATES if "identity" in coords else {})


def attributes(*, scenario: str, compiled, seed: int, paths: int, block_paths: int) -> dict:
    """The attributes of a result (`ATTRIBUTES`); `compiled` is what compile makes."""
    from simulate import __version__

    return {
        "library": "simulate",
        "version": __version__,
        "schema_version": SCHEMA_VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "scenario": scenario,
        "resolved": json.dumps(compiled.resolved, sort_keys=True, default=str),
        "digest": compiled.digest,
        "seed": int(seed),
        "paths": int(paths),
        "steps": int(compiled.model.grid.steps),
        "dt": float(compiled.model.grid.dt),
        "start": str(compiled.start),
        "money_unit": "USD bn",
        "discount": "short_rate" if compiled.model.factors.discount else "nominal",
        "block_paths": int(block_paths),
    }


def in_schema(arrays: Mapping[str, np.ndarray], sizes: Mapping[str, int], first: int) -> dict[str, np.ndarray]:
    """Arrays of one block as the schema has them: path axis first, stored dtype; refuses what is missing, misshapen or not finite.

    `arrays` have the path axis last. Float64 becomes the stored type here, in one place, and not silently in the store.
    """
    if set(arrays) != set(VARIABLES):
        missing, unknown = sorted(set(VARIABLES) - set(arrays)), sorted(set(arrays) - set(VARIABLES))
        raise ValueError(f"a block has to hold exactly the variables of the schema; missing: {missing}, unknown: {unknown}")
    block = {}
    for name, variable in VARIABLES.items():
        array = np.moveaxis(np.asarray(arrays[name]), -1, 0)
        expected = tuple(sizes[dim] for dim in variable.dims)
        if array.shape != expected:
            raise ValueError(f"'{name}' of the block at path {first} has shape {array.shape} and needs {expected} {variable.dims}")
        with np.errstate(over="ignore"):
            kept = np.ascontiguousarray(array, dtype=variable.dtype)
        finite = np.isfinite(kept)
        if not finite.all():
            worst = tuple(int(k) for k in np.argwhere(~finite)[0])
            raise ArithmeticError(f"'{name}' is not finite on path {first + worst[0]}" + (f", {variable.dims[1:]} = {worst[1:]}" if worst[1:] else ""))
        block[name] = kept
    return block


class Store(NamedTuple):
    """An open store: where it is, its Zarr group, sizes by dim and the paths of a block."""

    path: Path
    group: "zarr.Group"
    sizes: dict[str, int]
    block_paths: int


def create_store(path, coords: Mapping[str, np.ndarray], attrs: Mapping, *, paths: int, block_paths: int) -> Store:
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
            array = group.create_array(name, shape=values.shape, dtype=dtype, chunks=chunks, dimension_names=variable.dims, attributes=variable.about)
            array[...] = values
        for name, variable in VARIABLES.items():
            shape = tuple(sizes[dim] for dim in variable.dims)
            chunks = (min(block_paths, paths), *(max(1, n) for n in shape[1:]))
            fill = _FILLS[variable.dtype[0]]
            group.create_array(
                name, shape=shape, dtype=variable.dtype, chunks=chunks, fill_value=fill, dimension_names=variable.dims, attributes=variable.about
            )
        for name, variable in CHECKS.items() if "identity" in coords else ():
            shape, dtype = (sizes["identity"],), str if variable.dtype == "str" else variable.dtype
            group.create_array(name, shape=shape, dtype=dtype, chunks=shape, dimension_names=variable.dims, attributes=variable.about)
        blocks = -(-paths // block_paths)
        # One chunk a mark, so that marks of two threads do not race.
        about = {"units": "1", "long_name": "1 when the block is whole"}
        group.create_array(_MARKS, shape=(blocks,), dtype="u1", chunks=(1,), fill_value=0, dimension_names=("block",), attributes=about)
        partial.rename(path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return Store(path, zarr.open_group(path, mode="r+"), sizes, block_paths)


def write_block(store: Store, first: int, arrays: Mapping[str, np.ndarray]) -> None:
    """Write the block of paths that begins at `first`: whole chunks of every variable, and then its mark. Arrays have the path axis last."""
    number, rest = divmod(first, store.block_paths)
    if rest or not 0 <= first < store.sizes["path"]:
        raise ValueError(f"path {first} does not begin a block of {store.block_paths} of {store.sizes['path']} paths")
    last = min(first + store.block_paths, store.sizes["path"])
    for name, array in in_schema(arrays, store.sizes | {"path": last - first}, first).items():
        store.group[name][first:last] = array
    store.group[_MARKS][number] = 1


def write_check(store: Store, check: Mapping[str, np.ndarray]) -> None:
    """Write what the identities came to so far (`CHECKS`). Before the block that it includes, so that a finished store has all of them."""
    for name in CHECKS:
        store.group[name][...] = check[name]


def refuse_existing(path) -> None:
    """Raise the sentence for a store that exists; a link that leads nowhere exists too."""
    if os.path.lexists(path):
        raise InputError([f"{path}: something exists here and is not overwritten; give another place with --out (out=), or say --overwrite (overwrite=True)."])


@contextmanager
def writing(path, coords: Mapping[str, np.ndarray], attrs: Mapping, *, paths: int, block_paths: int, overwrite: bool = False) -> Iterator[Store]:
    """A store to write blocks to. After an error nothing half-written stays, and what was to be overwritten is back in its place."""
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
    """Remove folders that were made for a store, the innermost first, as far as nothing else is in them."""
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return


def to_dataset(
    coords: Mapping[str, np.ndarray], attrs: Mapping, blocks: Mapping[int, Mapping[str, np.ndarray]], check: Mapping[str, np.ndarray] | None = None
) -> "xr.Dataset":
    """A Dataset in memory from blocks by first path, each with the path axis last, and `CHECKS`; the same as the store would give."""
    import xarray as xr

    sizes = {variable.dims[0]: len(coords[name]) for name, variable in COORDINATES.items() if name in coords}
    checked = [in_schema(arrays, sizes | {"path": arrays["log_weight"].shape[-1]}, first) for first, arrays in sorted(blocks.items())]
    joined = {name: np.concatenate([block[name] for block in checked]) for name in VARIABLES}
    data = {name: (variable.dims, joined[name], variable.about) for name, variable in VARIABLES.items()}
    data |= {name: (variable.dims, check[name], variable.about) for name, variable in CHECKS.items()} if check is not None else {}
    labels = dict(coords) | {"path": np.arange(len(joined["log_weight"]))}
    return xr.Dataset(data, coords={name: (about.dims, labels[name], about.about) for name, about in coordinates_in(coords).items()}, attrs=dict(attrs))


def open_results(path) -> "xr.Dataset":
    """The Dataset of a finished store, read when used. InputError says so when there is none, it is of another schema, or blocks are missing."""
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
        done = group[_MARKS][:] if _MARKS in group else None
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
    if not done.all():
        missing = int((done == 0).sum())
        raise InputError([f"{path}: {missing} of {done.size} blocks are missing, so the run did not finish; run the scenario again with --overwrite."])
    dataset = xr.open_zarr(path, consolidated=False, chunks=None).drop_vars(_MARKS)
    dataset.attrs.pop("coordinates", None)
    return dataset
