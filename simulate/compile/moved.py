"""What a change moved: the numbers of two compiled models that differ, by name. What is not listed is the same in both."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from simulate.compile.scenario import Compiled
from simulate.model import Array, Entities, Fleet, Holdings, Legs, Row, Rules

GONE = float("nan")  # the number of a row that one of the two does not have
ROWS: dict[str, Any] = {"entities": Entities, "fleet": Fleet, "legs": Legs, "holdings": Holdings}


class Moved(NamedTuple):
    """A number that differs; of one by step the largest difference, and its step."""

    what: str  # "entities.cash0"
    row: str
    step: int | None
    before: float
    after: float


def find_moved(before: Compiled, after: Compiled) -> list[Moved]:
    """Return every number that differs, in the order of the model; of a row that one of the two does not have, the first number that is not 0.

    Numbers by step are not compared between calendars of another length: `grid.steps` and `grid.dt` are in the list then.
    """
    grids = [each.model.grid for each in (before, after)]
    found = [Moved(f"grid.{name}", "", None, *(float(getattr(grid, name)) for grid in grids)) for name in ("steps", "dt")]
    found = [one for one in found if one.before != one.after]
    for group, shape in ROWS.items():
        told: set[str] = set()
        old, new = ({name: row for row, name in enumerate(names_of(each, group))} for each in (before, after))
        for name in shape._fields:
            kind = shape.__annotations__[name]
            if name.endswith("_step") or kind is not Row and name != "outside_of":  # an index means nothing beside other rows
                one, other = getattr(getattr(before.model, group), name), getattr(getattr(after.model, group), name)
                for row in (row for row in dict.fromkeys((*old, *new)) if row not in told):
                    found += differences(f"{group}.{name}", row, cell(one, old.get(row)), cell(other, new.get(row)))
                told |= {one.row for one in found if row_is_one_sided(one)}
    found += plain_differences("rules", before.model.rules, after.model.rules, Rules._fields)
    for name in before.model.factors._fields:
        one, other = getattr(before.model.factors, name), getattr(after.model.factors, name)
        if isinstance(one, tuple):
            found += plain_differences(f"factors.{name}", one, other, getattr(type(one), "_fields", ()))
        else:
            found += plain_differences("factors", before.model.factors, after.model.factors, (name,))
    return found


def row_is_one_sided(one: Moved) -> bool:
    """True where one of the two models does not have the row."""
    return np.isnan(one.before) or np.isnan(one.after)


def names_of(compiled: Compiled, group: str) -> list[str]:
    """Return the names of the rows of a group."""
    names, model = compiled.names, compiled.model
    if group == "legs":
        return list(names.legs)
    if group == "fleet":
        return [names.entities[i] for i in model.fleet.entity]
    if group == "holdings":
        return [f"{names.entities[i]} in {names.entities[j]} ({names.deals[d]})" for i, j, d in zip(*model.holdings[:2], model.holdings.deal, strict=True)]
    return list(names.entities)


def cell(values: Array, row: int | None) -> Array | None:
    """Return the number of a row, or its numbers by step; None without the row."""
    return None if row is None else np.asarray(values[row], dtype=np.float64)


def differences(what: str, row: str, one: Array | None, other: Array | None) -> Iterator[Moved]:
    """Yield the difference of two cells, if there is one."""
    if one is None or other is None:
        there = one if other is None else other
        assert there is not None
        step = int(np.argmax(np.abs(there))) if there.ndim else None
        value = float(there[step] if step is not None else there)
        if value != 0.0 and not what.endswith("_step"):
            yield Moved(what, row, step, GONE if one is None else value, GONE if other is None else value)
        return
    if one.shape != other.shape or np.array_equal(one, other):
        return  # rows of two calendars are not compared
    step = int(np.argmax(np.abs(one - other))) if one.ndim else None
    yield Moved(what, row, step, *(float(each[step] if step is not None else each) for each in (one, other)))


def plain_differences(what: str, one: Any, other: Any, names: tuple[str, ...]) -> Iterator[Moved]:
    """Yield the largest difference of each array or number of two NamedTuples whose rows have no names."""
    for name in names:
        old, new = (np.asarray(getattr(each, name), dtype=np.float64).ravel() for each in (one, other))
        if old.shape != new.shape:
            yield Moved(f"{what}.{name}", f"{old.size} numbers, then {new.size}", None, GONE, GONE)
        elif not np.array_equal(old, new):
            place = int(np.argmax(np.abs(old - new)))
            yield Moved(f"{what}.{name}", "", None, float(old[place]), float(new[place]))
