"""Memory of the step: a Model packed into few arrays, index lists, and the arrays of worlds, steps, outputs and audits.

This file only allocates and packs. A packed group has the field names of its group in the Model, whose annotations name the array of each.
"""

import math
from collections import namedtuple
from typing import Any, NamedTuple, get_type_hints

import numpy as np

from simulate.kernels.fields import name_rows
from simulate.model import (
    BALANCE,
    CAPEX,
    CHANNELS,
    CLEARED_CLASSES,
    COMMITMENT,
    LEG_DRIVERS,
    SECURED,
    SENIOR,
    SWITCHES,
    Array,
    Entities,
    Fleet,
    Grid,
    Holdings,
    Legs,
    Model,
    Rules,
    freeze_array,
)
from simulate.step.state import INTEGERS, LISTS, STARTS, STEP, WORLD, Lists, Net, Step, World, Worlds

CACHE_LINE = 64
YEAR_ROUNDING = 1e-9  # twelve months make a year
LEAST, DETAIL, SAVES, SAVES_FIRST = range(len(SWITCHES), len(SWITCHES) + 4)  # columns of the flags of a world after its switches
KINDS = {"rows": np.int64, "terms": np.float64, "by_step": np.float64}
PACKED: dict[Any, dict[str, tuple[str, ...]]] = {}  # names by packed array of every packed type


def fields_of(group: type) -> dict[str, tuple[str, ...]]:
    """Return the field names of a group of the Model by packed array, in order."""
    kinds = {name: getattr(hint, "__metadata__", ("",))[0] for name, hint in get_type_hints(group, include_extras=True).items()}
    return {kind: tuple(name for name, its in kinds.items() if its == kind) for kind in KINDS if kind in kinds.values()}


def packed_type(group: type) -> Any:
    """Return a NamedTuple with the packed arrays of a group, and the names of its fields on their rows."""
    names = fields_of(group)
    made: Any = namedtuple(f"Packed{group.__name__}", names)  # type: ignore[misc]  # its fields are known when the model is
    PACKED[made] = names
    for kind, rows in names.items():
        name_rows(made, kind, rows)
    return made


PackedEntities = packed_type(Entities)
PackedFleet = packed_type(Fleet)
PackedLegs = packed_type(Legs)
PackedHoldings = packed_type(Holdings)
RULES = tuple(name for name, hint in get_type_hints(Rules).items() if hint is float)


class PackedRules(NamedTuple):
    """The rules: numbers in one array, and counts."""

    terms: Array  # [K]
    max_restructurings: int
    equity_sweeps: int
    max_iterations: int


name_rows(PackedRules, "terms", RULES)


def pack(made: Any, group: NamedTuple, count: int, steps: int) -> Any:
    """Stack the fields of a group of the Model in the order of their names."""
    shapes = {"rows": (count,), "terms": (count,), "by_step": (count, steps)}
    arrays = {}
    for kind, names in fields_of(type(group)).items():
        arrays[kind] = freeze_array(np.array([getattr(group, name) for name in names], KINDS[kind]).reshape(len(names), *shapes[kind]))
    return made(**arrays)


def empty_pack(made: Any, count: int, steps: int = 1) -> Any:
    """Return a packed group of zeros, to be written by name and frozen."""
    names = PACKED[made]
    shapes = {"rows": (count,), "terms": (count,), "by_step": (count, steps)}
    return made(**{kind: np.zeros((len(names[kind]), *shapes[kind]), KINDS[kind]) for kind in names})


def freeze_all(packed: Any) -> Any:
    """Return the packed group, read-only."""
    return type(packed)(*(freeze_array(array) for array in packed))


def pack_model(model: Model) -> Net:
    """Pack a model: the constants of all paths, in the form that kernels read."""
    grid, rules = model.grid, model.rules
    n, steps = grid.entities, grid.steps
    return Net(
        grid,
        pack(PackedEntities, model.entities, n, steps),
        pack(PackedFleet, model.fleet, model.fleet.entity.size, steps),
        pack(PackedLegs, model.legs, model.legs.payer.size, steps),
        pack(PackedHoldings, model.holdings, model.holdings.holder.size, 1),
        PackedRules(
            freeze_array(np.array([getattr(rules, name) for name in RULES], np.float64)),
            int(rules.max_restructurings),
            int(rules.equity_sweeps),
            int(rules.max_iterations),
        ),
        build_lists(model),
        model.factors.life.values,
    )


class WorldRules(NamedTuple):
    """What tells the worlds of a model apart."""

    flags: Array  # [worlds, 9] 0 or 1: the switches, LEAST, DETAIL, SAVES, SAVES_FIRST
    saves: Array  # [worlds, n] 1: the entity is saved from the opening on


def pack_worlds(model: Model) -> WorldRules:
    """Pack the worlds of a model."""
    rules = model.rules
    some = np.maximum(rules.world_saves.max(axis=1), rules.world_saves_first)
    flags = np.column_stack([rules.world_switches, rules.world_least, rules.world_detail, some, rules.world_saves_first]).astype(np.float64)
    return WorldRules(freeze_array(flags), freeze_array(rules.world_saves))


def build_lists(model: Model) -> Lists:
    """Build the index lists of a model."""
    legs, entities, holdings = model.legs, model.entities, model.holdings
    n = model.grid.entities

    def slices(keys: Array) -> tuple[Array, Array]:
        order = np.argsort(keys, kind="stable").astype(np.int64)
        start = np.searchsorted(keys[order], np.arange(n + 1)).astype(np.int64)
        return start, order

    sold = holdings.issuer[legs.buys_holding[legs.buys_holding >= 0]]  # by tranches
    inside = entities.outside == 0
    masks = {
        **{driver: legs.driver == number for number, driver in enumerate(LEG_DRIVERS)},
        "contract": legs.contract > 0,
        "supply": legs.supply > 0,
        "lent": (legs.driver == BALANCE) & inside[legs.payee],
        "other_in": (legs.operating == 0) & (legs.driver != COMMITMENT) & inside[legs.payee],
        "operating_out": (legs.operating > 0) & (legs.driver != CAPEX) & inside[legs.payer],
        "ending": legs.ends_step >= 0,
        "inside": inside,
        "labs": entities.is_lab > 0,
        "race": entities.in_race > 0,
        "valued": entities.equity0 > 0,
        "raising": (entities.equity0 > 0) & ((entities.fund_phi > 0) | (entities.rescue > 0) | np.isin(np.arange(n), sold)),
    }
    draws = np.any(legs.draw > 0.0, axis=1)
    draws[entities.new_debt_leg[entities.new_debt_leg >= 0]] = True
    starts: dict[str, Array] = {}
    found: dict[str, Array] = {name: np.flatnonzero(mask) for name, mask in masks.items()}
    starts["leg_start"], found["leg_of_payer"] = slices(legs.payer)
    starts["issue_start"], found["holding_of_issuer"] = slices(holdings.issuer)
    starts["hold_start"], found["holding_of_holder"] = slices(holdings.holder)
    found |= {"outside_of": holdings.outside_of, "rank": np.where(legs.seniority == SECURED, SENIOR, legs.seniority), "draws": draws}
    return pack_lists(starts, found)


def pack_lists(starts: dict[str, Array], lists: dict[str, Array]) -> Lists:
    """Pack lists by name into rows of one table; a name that is missing is an empty list."""
    rows = [np.asarray(lists.get(name, ()), np.int64) for name in LISTS]
    table = np.full((len(rows), max(1, *(row.size for row in rows))), -1, np.int64)
    for k, row in enumerate(rows):
        table[k, : row.size] = row
    count = np.array([row.size for row in rows], np.int64)
    return Lists(*map(freeze_array, (np.array([starts[name] for name in STARTS], np.int64), table, count)))


def zeros(shape: int | tuple[int, ...], dtype: type[np.generic] = np.float64) -> Array:
    """Return zeros that begin on a line of the cache, 64 bytes, as their rows do when W is a multiple of 8.

    NumPy begins 16 bytes after one, so that every vector of 64 bytes lies on two lines: a run took 60 us a path, and takes 52 (one core with AVX-512).
    """
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(size + CACHE_LINE, np.uint8)
    first = -raw.ctypes.data % CACHE_LINE
    return raw[first : first + size].view(dtype).reshape(shape)


def new_worlds(worlds: int, entities: int, owners: int, grid: Grid, legs: int, holdings: int, lanes: int) -> Worlds:
    """Allocate the state arrays of all worlds, zero."""
    steps, years = grid.steps, years_of(grid)
    return Worlds(
        entity=zeros((worlds, len(WORLD["entity"]), entities, lanes)),
        owner=zeros((worlds, len(WORLD["owner"]), owners, lanes)),
        chips=zeros((worlds, len(WORLD["chips"]), owners, steps + 1, lanes)),
        leg=zeros((worlds, len(WORLD["leg"]), legs, lanes)),
        holding=zeros((worlds, len(WORLD["holding"]), holdings, lanes)),
        lane=zeros((worlds, len(WORLD["lane"]), lanes)),
        loss=zeros((worlds, entities, len(CHANNELS), lanes)),
        deal_loss=zeros((worlds, grid.deals, lanes)),
        exposure=zeros((worlds, grid.deals, lanes)),
        default_loss=zeros((worlds, grid.deals, lanes)),
        year_loss=zeros((worlds, years, entities, lanes)),
        year_system=zeros((worlds, years, lanes)),
    )


def split_worlds(worlds: Worlds) -> tuple[World, ...]:
    """Return each world by itself, as views."""
    return tuple(World(*(array[k] for array in worlds)) for k in range(len(worlds.lane)))


def new_step(entities: int, owners: int, legs: int, holdings: int, lanes: int) -> Step:
    """Allocate the scratch arrays of a step.

    They are zero, except delivered_share (1) and wave (-1): stages write these for inside entities only, and outside nodes need a neutral value.
    """
    step = Step(
        entity=zeros((len(STEP["entity"]), entities, lanes)),
        owner=zeros((len(STEP["owner"]), owners, lanes)),
        leg=zeros((len(STEP["leg"]), legs, lanes)),
        lane=zeros((len(STEP["lane"]), lanes)),
        claims=zeros((entities, CLEARED_CLASSES, lanes)),
        new_money=zeros((holdings, lanes)),
        free=zeros((8, lanes)),
        integer=zeros((len(INTEGERS), entities), np.int64),
    )
    step.delivered_share[:] = 1.0
    step.wave[:] = -1.0
    return step


def years_of(grid: Grid) -> int:
    """Return the number of years of the run, the last one begun."""
    return math.ceil(grid.steps * grid.dt - YEAR_ROUNDING)


def sizes_of(model: Model) -> dict[str, int]:
    """Return the lengths of the axes of state arrays."""
    return {
        "entity": model.grid.entities,
        "owner": model.fleet.entity.size,
        "leg": model.legs.payer.size,
        "holding": model.holdings.holder.size,
    }
