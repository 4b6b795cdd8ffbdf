"""Build a result in memory: coordinates and attributes of a compiled scenario, and blocks as one Dataset. Names, types and units: simulate/schema.py."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from simulate.schema import CHECK_COORDINATES, CHECKS, COORDINATES, FACTORS, SCHEMA_VERSION, VARIABLES, Change, Variable

if TYPE_CHECKING:
    import xarray as xr

    from simulate.compile.scenario import Compiled
    from simulate.scenario.sections import World


def coordinates(compiled: "Compiled", worlds: Mapping[str, "World"]) -> dict[str, np.ndarray]:
    """Return the coordinates of a result except `path`, from a compiled scenario and its worlds by name."""
    names, deal_labels = compiled.names, compiled.deal_labels
    labels = [tuple(deal_labels.get(deal, ("", "", "", ""))) for deal in names.deals]
    kinds, payers, payees, titles = zip(*labels) if labels else ((), (), (), ())
    columns = {
        "world": names.worlds,
        "detail": names.detail,
        "switches_off": tuple(", ".join(world.off) for world in worlds.values()),
        "solution": tuple(world.solution for world in worlds.values()),
        "saves": tuple(world.saves if isinstance(world.saves, str) else ", ".join(world.saves) for world in worlds.values()),
        "year": tuple(range(1, len(compiled.year_ends) + 1)),
        "year_end": tuple(map(str, compiled.year_ends)),
        "base_discount": compiled.base_discount,
        "entity": names.entities,
        "outside": compiled.outside,
        "channel": names.channels,
        "deal": names.deals,
        "deal_kind": kinds,
        "deal_payer": payers,
        "deal_payee": payees,
        "deal_class": compiled.deal_classes,
        "deal_title": titles,
        "process": names.processes,
        "factor": tuple(FACTORS),
        "factor_unit": tuple(unit for unit, _ in FACTORS.values()),
        "factor_title": tuple(title for _, title in FACTORS.values()),
    }
    return {name: np.array(values, dtype=object if COORDINATES[name].dtype == "str" else COORDINATES[name].dtype) for name, values in columns.items()}


def check_coordinates(identities: Mapping[str, tuple[str, str, float]]) -> dict[str, np.ndarray]:
    """Return the further coordinates of a checked run: title, scale and tolerance by name of the identity."""
    titles, scales, tolerances = zip(*identities.values())
    columns = {"identity": tuple(identities), "identity_title": titles, "identity_scale": scales, "identity_tolerance": tolerances}
    return {name: np.array(values, dtype=object if CHECK_COORDINATES[name].dtype == "str" else np.float64) for name, values in columns.items()}


def coordinates_in(coords: Mapping[str, np.ndarray]) -> dict[str, Variable]:
    """Return the coordinates of a result, with those of a check if `coords` has any."""
    return COORDINATES | (CHECK_COORDINATES if "identity" in coords else {})


def attributes(
    *,
    scenario: str,
    compiled: "Compiled",
    seed: int,
    paths: int,
    block_paths: int,
    base: str = "",
    changes: Sequence[Change] = (),
    warnings: Sequence[str] = (),
    silent: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the attributes of a result (`ATTRIBUTES`)."""
    from simulate import __version__

    return {
        "library": "simulate",
        "version": __version__,
        "schema_version": SCHEMA_VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "scenario": scenario,
        "base": base or scenario,
        "changes": json.dumps([list(change) for change in changes], default=str),
        "warnings": json.dumps(list(warnings)),
        "silent": json.dumps(list(silent)),
        "resolved": json.dumps(compiled.resolved, sort_keys=True, default=str),
        "digest": compiled.digest,
        "seed": int(seed),
        "paths": int(paths),
        "steps": int(compiled.model.grid.steps),
        "dt": float(compiled.model.grid.dt),
        "start": str(compiled.start),
        "money_unit": "USD bn",
        "discount": "short_rate" if compiled.model.factors.short_rate.discount else "nominal",
        "block_paths": int(block_paths),
    }


def in_schema(arrays: Mapping[str, np.ndarray], sizes: Mapping[str, int], first: int) -> dict[str, np.ndarray]:
    """Return the arrays of one block in the form of the schema: path axis first, stored dtype.

    `arrays` have the path axis last. Float64 becomes the stored type here, in one place, and not silently in the store.
    Raises ValueError for missing, unknown or misshapen arrays, and ArithmeticError for numbers that are not finite.
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


def to_dataset(
    coords: Mapping[str, np.ndarray], attrs: Mapping[str, Any], blocks: Mapping[int, Mapping[str, np.ndarray]], check: Mapping[str, np.ndarray] | None = None
) -> "xr.Dataset":
    """Join blocks by first path, each with the path axis last, and `CHECKS` to a Dataset in memory, equal to the one of a store."""
    import xarray as xr

    sizes = {variable.dims[0]: len(coords[name]) for name, variable in COORDINATES.items() if name in coords}
    checked = [in_schema(arrays, sizes | {"path": arrays["log_weight"].shape[-1]}, first) for first, arrays in sorted(blocks.items())]
    joined = {name: np.concatenate([block[name] for block in checked]) for name in VARIABLES}
    data = {name: (variable.dims, joined[name], variable.about) for name, variable in VARIABLES.items()}
    data |= {name: (variable.dims, check[name], variable.about) for name, variable in CHECKS.items()} if check is not None else {}
    labels = dict(coords) | {"path": np.arange(len(joined["log_weight"]))}
    return xr.Dataset(data, coords={name: (about.dims, labels[name], about.about) for name, about in coordinates_in(coords).items()}, attrs=dict(attrs))
