"""Results: one schema of variables, blocks of arrays -> Dataset or Zarr store -> Dataset.

`VARIABLES`, `COORDINATES`, `CHECKS`, `CHECK_COORDINATES`, `FACTORS` and `ATTRIBUTES` are the only list of what a result holds; datasets, stores and docs/results.md are made from them.
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

if TYPE_CHECKING:
    import xarray as xr
    import zarr

SCHEMA_VERSION = 1


class Variable(NamedTuple):
    """One variable of a result: dims in the order of the Dataset, NumPy dtype, unit and one sentence."""

    dims: tuple[str, ...]
    dtype: str
    unit: str
    long_name: str

    @property
    def about(self) -> dict[str, str]:
        """The attributes every variable carries."""
        return {"units": self.unit, "long_name": self.long_name}


VARIABLES = {
    "loss": Variable(("path", "entity", "channel"), "f4", "USD bn", "Realised loss borne by the entity through the channel"),
    "deal_loss": Variable(("path", "deal"), "f4", "USD bn", "Realised loss on the deal: the dollars of `loss`, cut the other way"),
    "system_loss": Variable(("path",), "f8", "USD bn", "Credit and equity losses where they end, outside: each dollar once"),
    "system_loss_alone": Variable(("path",), "f8", "USD bn", "System loss on the same draws with contagion off"),
    "default_step": Variable(("path", "entity"), "i2", "step", "Step of the first default, distressed exchanges included; -1: none"),
    "default_step_alone": Variable(("path", "entity"), "i2", "step", "Step of the first default on the same draws with contagion off; -1: none"),
    "default_round": Variable(("path", "entity"), "i2", "wave", "Wave of the clearing in which the entity failed first, from 0; -1: no default"),
    "log_weight": Variable(("path",), "f8", "1", "Logarithm of the weight of the path, 0 for plain sampling"),
    "factor_summary": Variable(("path", "factor"), "f4", "see factor_unit", "Summary of a risk factor over the path"),
    "delivery": Variable(("path", "process"), "f4", "share", "Share of the planned increase of revenue that arrives"),
    "mark_change": Variable(("path", "entity"), "f4", "USD bn", "Signed change of marked stakes less cash paid for them; in no sum of losses"),
    "revenue_final": Variable(("path", "process"), "f4", "USD bn/year", "External revenue in the last step, a year"),
}

# Rows of `factor_summary`, in the order of the kernels: unit and one sentence.
FACTORS = {
    "demand_final": ("share of plan", "demand for AI compute over plan in the last step"),
    "confidence_min": ("share of plan", "lowest confidence of the funding market"),
    "quarters_shut": ("steps", "steps in which the door of the funding market was shut"),
    "gpu_life": ("years", "true useful life of GPUs"),
    "short_rate_mean": ("1/year", "mean short rate"),
    "spread_mean": ("ratio", "mean credit spread over its opening level"),
    "power_gap_max": ("share", "largest share of planned additions without power"),
    "valuation_min": ("ratio", "lowest valuation index, 1 at the opening"),
    "rental_final": ("ratio", "rental price of compute in the last step, 1 at the opening"),
    "disappointment": ("steps", "steps spent in the regime of disappointment"),
    "interest_paid": ("USD bn", "interest paid by all inside entities"),
    "stranded_gw_years": ("GW years", "built capacity without power, summed over time"),
    "unconverged": ("clearings", "clearings that stopped at the most iterations; their payments are not exact"),
}

COORDINATES = {
    "path": Variable(("path",), "i8", "1", "Number of the path: with the same scenario and seed the same path in every run"),
    "entity": Variable(("entity",), "str", "1", "Id of the entity"),
    "outside": Variable(("entity",), "bool", "1", "True for outside nodes, which always pay and never default"),
    "channel": Variable(("channel",), "str", "1", "How the loss arises"),
    "deal": Variable(("deal",), "str", "1", "Id of the deal or pseudo-deal"),
    "deal_kind": Variable(("deal",), "str", "1", "Kind of the deal"),
    "deal_payer": Variable(("deal",), "str", "1", "Who owes the money"),
    "deal_payee": Variable(("deal",), "str", "1", "Who is owed the money"),
    "deal_title": Variable(("deal",), "str", "1", "What the deal is, in words"),
    "process": Variable(("process",), "str", "1", "Entity whose external revenue the process is"),
    "factor": Variable(("factor",), "str", "1", "Name of the path summary of a risk factor"),
    "factor_unit": Variable(("factor",), "str", "1", "Unit of the factor summary"),
    "factor_title": Variable(("factor",), "str", "1", "What the factor summary is, in words"),
}

# Only in the result of a run that verified the identities (`--check`).
CHECKS = {
    "identity_residual": Variable(("identity",), "f8", "1", "Largest residual of the identity on all paths, relative to its scale, before any rounding to f4"),
    "identity_path": Variable(("identity",), "i8", "1", "Path of the largest residual; -1: it is 0 on all paths"),
    "identity_world": Variable(("identity",), "str", "1", "World of the largest residual"),
    "identity_step": Variable(("identity",), "i2", "step", "Step of the largest residual; -1: of the whole path"),
    "identity_entity": Variable(("identity",), "str", "1", "Entity of the largest residual; empty: of no single one"),
}
CHECK_COORDINATES = {
    "identity": Variable(("identity",), "str", "1", "Name of what was verified (docs/model.md, section 7)"),
    "identity_title": Variable(("identity",), "str", "1", "What was verified, in words"),
    "identity_scale": Variable(("identity",), "str", "1", "What the residual is relative to; amounts in USD bn"),
    "identity_tolerance": Variable(("identity",), "f8", "1", "Largest residual that is rounding; a larger one ends the run"),
}

ATTRIBUTES = {
    "library": "`simulate`.",
    "version": "Version of the library that wrote the result.",
    "schema_version": "Version of this schema; another one is refused on opening.",
    "created": "Time of writing, UTC, ISO 8601.",
    "scenario": "Name of the scenario.",
    "resolved": "The scenario as run, with everything inherited and overridden, as JSON.",
    "digest": "SHA-256 of the canonical JSON of the scenario as run, tables included.",
    "seed": "Seed of all draws.",
    "paths": "Number of paths.",
    "steps": "Number of steps.",
    "dt": "Length of a step in years.",
    "start": "Date of the opening balance sheets.",
    "money_unit": "Unit of money.",
    "discount": "`short_rate`: losses are discounted on the path's own short rate; `nominal`: they are not.",
    "block_paths": "Paths of a block, which is also the chunk of the store.",
}

# What stands where nothing has been written yet; no kernel produces these.
_FILLS = {"f": np.nan, "i": np.iinfo(np.int16).min}
_MARKS = "block_done"


def coordinates(names, outside, deal_labels: Mapping[str, tuple[str, str, str, str]]) -> dict[str, np.ndarray]:
    """The coordinates of a result, but for `path`, from what compile knows: Names, flags [entity] and labels by deal id."""
    labels = [tuple(deal_labels.get(deal, ("", "", "", ""))) for deal in names.deals]
    kinds, payers, payees, titles = zip(*labels) if labels else ((), (), (), ())
    columns = {
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


def reference() -> str:
    """docs/results.md: the schema as Markdown. `python -m simulate.results > docs/results.md` writes it, a test holds it current."""
    lines = [
        "# Results",
        "",
        "What a store and a Dataset hold. Made from `simulate/results.py` by `python -m simulate.results > docs/results.md`; do not edit.",
        f"Schema version {SCHEMA_VERSION}. Money is not rounded; a path is weighted by exp(log_weight), normalised.",
    ]
    checked = CHECKS | CHECK_COORDINATES
    for title, variables in (("Variables", VARIABLES), ("Coordinates", COORDINATES), ("Only in a run with `--check`", checked)):
        lines += ["", f"## {title}", "| name | dims | type | unit | what it is |", "|---|---|---|---|---|"]
        lines += [f"| {name} | {', '.join(v.dims)} | {v.dtype} | {v.unit} | {v.long_name} |" for name, v in variables.items()]
    lines += ["", "## Rows of factor_summary", "| factor | unit | what it is |", "|---|---|---|"]
    lines += [f"| {name} | {unit} | {title} |" for name, (unit, title) in FACTORS.items()]
    lines += ["", "## Attributes", "| name | what it is |", "|---|---|"]
    lines += [f"| {name} | {sentence} |" for name, sentence in ATTRIBUTES.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    print(reference())
