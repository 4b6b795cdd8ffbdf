"""The tables of a network, read together: entities with their figures, deals with terms and schedules, vendors; every row has a source."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

from simulate.calendar import Calendar
from simulate.deals.kind import Deal
from simulate.network.deals import read_deals
from simulate.network.entities import INSURER, Entity, Vendor, read_entity, read_figures, read_vendors
from simulate.network.overlay import Place, drop_removed, lay_over, set_cells
from simulate.network.tables import Dates, Row, need_text, read_table

COLUMNS = {
    "entities": ("id", "name", "type", "role", "policy", "bridge", "lab", "race", "systemic", "source"),
    "figures": ("entity", "figure", "year", "value", "unit", "as_of", "known_on", "source", "note"),
    "deals": (
        "id",
        "kind",
        "payer",
        "payee",
        "amount",
        "unit",
        "status",
        "probability",
        "group",
        "start",
        "end",
        "site_group",
        "circle",
        "as_of",
        "known_on",
        "source",
        "note",
    ),
    "schedules": ("deal", "item", "year", "value", "unit", "source"),
    "terms": ("deal", "term", "value", "unit", "source"),
    "vendors": ("entity", "vendor", "share", "margin", "source"),
}
KEYS = {
    "entities": ("id",),
    "figures": ("entity", "figure", "year"),
    "deals": ("id",),
    "schedules": ("deal", "item", "year"),
    "terms": ("deal", "term"),
    "vendors": ("entity", "vendor"),
}


class Network(NamedTuple):
    """All tables, checked row by row."""

    entities: tuple[Entity, ...]
    deals: tuple[Deal, ...]
    vendors: tuple[Vendor, ...]
    rows: Mapping[str, list[dict[str, str]]]  # table -> cells as written
    names: Mapping[str, str]  # table -> names of its files

    def entity(self, identifier: str) -> Entity | None:
        """Return the entity of that id; None if there is none."""
        return next((e for e in self.entities if e.id == identifier), None)


class Reconciled(TypedDict):
    """A row of the reconciliation table: a reported figure, its part that the deals explain, and the residual that is simulated."""

    entity: str
    line: str
    year: int | None  # None: at the opening
    reported: float
    in_deals: float
    residual: float
    unit: str


def read_network(
    paths: Mapping[str, Sequence[Path]],
    changes: Mapping[str, Any],
    calendar: Calendar | None,
    dates: Dates | None,
    place: Place,
    problems: list[str],
    warnings: list[str],
) -> Network:
    """Read all tables, each from its files, later over earlier, and set the cells of `changes`, whose places `place` words.

    Faults go to `problems`; without calendar and dates (they were wrong) the checks that need them are skipped. Tables refer to each other, so where a
    whole one is missing the others are checked only row by row.
    """
    read = {name: [read_table(path, COLUMNS[name], KEYS[name], problems) for path in paths.get(name, ())] for name in COLUMNS}
    whole = all(rows is not None for files in read.values() for rows in files) and "entities" in paths
    tables: dict[str, list[Row]] = {}
    for name, files in read.items():
        for rows in files:
            check_rows(rows or [], KEYS[name], problems)
        tables[name] = lay_over([rows or [] for rows in files], KEYS[name])
    names = {name: ", ".join(path.name for path in given) for name, given in paths.items()}
    if whole:
        set_cells(tables, COLUMNS, KEYS, changes, place, problems)
        drop_removed(tables)
        whole = not (missing := missing_rows(tables, names))
        problems.extend(missing)
    if not whole:
        return Network((), (), (), {}, names)
    scalars, plans = read_figures(tables["figures"], tables["entities"], dates, problems, warnings)
    stated = {(row["entity"], row["figure"]) for row in tables["figures"]}
    entities = tuple(entity for row in tables["entities"] if (entity := read_entity(row, scalars, plans, stated, problems)))
    known = [row["id"] for row in tables["entities"]]
    deals = read_deals(tables, known, calendar, dates, problems, warnings)
    vendors = read_vendors(tables["vendors"], known, problems)
    return Network(entities, deals, vendors, {name: [row.cells for row in rows] for name, rows in tables.items()}, names)


def missing_rows(tables: Mapping[str, list[Row]], names: Mapping[str, str]) -> list[str]:
    """Return a sentence where no entity is inside, or where terms and schedules lack their table of deals."""
    sentences = []
    if all(row["role"] == "outside" for row in tables["entities"]):
        sentences.append(f"{names['entities']}: the network is empty; give at least one entity with role 'inside'.")
    for name in ("terms", "schedules"):
        if tables[name] and "deals" not in names:
            sentences.append(f"{names[name]}: there is no table of deals to which its rows could belong; name it in [tables] deals, or drop {name} there.")
    return sentences


def check_rows(rows: list[Row], key: tuple[str, ...], problems: list[str]) -> None:
    """Every row of a file has a source, and no two have the same key."""
    first: dict[tuple[str, ...], int] = {}
    for row in rows:
        need_text(row, "source", problems)
        name = tuple(row[column] for column in key)
        if name in first:
            problems.append(f"{row.place}: repeats line {first[name]}; keep one of the two rows.")
        first.setdefault(name, row.line)


__all__ = ["INSURER", "Dates", "Deal", "Entity", "Network", "Reconciled", "Vendor", "read_network"]
