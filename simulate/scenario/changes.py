"""What was changed against the scenario at the root of `extends`: keys of the scenario file and cells of the tables, before and after."""

from collections.abc import Iterator, Mapping
from typing import Any

from simulate.network.overlay import VALUE_TABLES
from simulate.network.read import KEYS
from simulate.schema import THERE, Change

# Not what the model computes: names and sources, and what every answer says by itself.
UNTOLD = {"name", "title", "tables", "rows", "uncertain", "run.paths", "run.seed", "run.information_date"}
UNTOLD_COLUMNS = {"source", "note", "as_of", "known_on", "unit"}


def find_changes(base: Mapping[str, Any], changed: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return the differences of two resolved scenarios (`Scenario.resolved`), in the order of the changed one."""
    before, after = ({**dict(sections(one)), **dict(cells(one["rows"]))} for one in (base, changed))
    keys = [*after, *(key for key in before if key not in after)]
    found = [Change(key, before.get(key), after.get(key)) for key in keys if not same(before.get(key), after.get(key))]
    whole = {change.key for change in found if THERE in (change.before, change.after)}
    return tuple(change for change in found if change.key in whole or not is_part_of(change.key, whole))


def is_part_of(key: str, rows: set[str]) -> bool:
    """True for a cell, a term or a year of a schedule of a row that came or went."""
    table, _, rest = key.partition(".")
    owner = "deals" if table in ("terms", "schedules") else table
    words = rest.split(".")
    return any(f"{owner}.{'.'.join(words[:depth])}" in rows for depth in range(1, len(words) + 1))


def same(one: Any, other: Any) -> bool:
    """True for equal values; 1 and 1.0 are equal, also as text of a cell."""
    try:
        return one == other or float(one) == float(other)
    except (TypeError, ValueError):
        return False


def sections(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted keys and values of the sections."""
    for name, value in content.items():
        key = f"{prefix}{name}"
        if key in UNTOLD or name == "sources":
            continue
        if key == "worlds":
            yield from ((f"{key}.{world}", in_short(rules)) for world, rules in value.items())
            continue
        if isinstance(value, dict):
            yield from sections(value, f"{key}.")
        else:
            yield key, value


def in_short(world: Mapping[str, Any]) -> str:
    """Say in a few words what a world is."""
    off, saves = (", ".join(words) if isinstance(words, list) else str(words) for words in (world["off"], world["saves"]))
    parts = (off and f"without {off}", saves and f"{saves} saved", world["solution"] == "least" and "least clearing", world["detail"] and "with detail")
    return "; ".join(part for part in parts if part) or "all channels"


def cells(rows: Mapping[str, list[dict[str, str]]]) -> Iterator[tuple[str, Any]]:
    """Yield keys and texts of the cells of all tables; of a row of one number, its value, and else one key a column."""
    for table, content in rows.items():
        for row in content:
            words = ".".join((table, *(row[column] for column in KEYS[table] if row[column])))
            if table in VALUE_TABLES:
                yield words, row["value"]
                continue
            yield words, THERE
            for column, text in row.items():
                if column not in (*KEYS[table], *UNTOLD_COLUMNS):
                    yield f"{words}.{column}", text
