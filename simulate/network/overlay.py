"""Later over earlier: tables of several files, and single cells that a scenario file or the command line sets by id.

`figures.openai.cash = 10`, `deals.H01.probability = 0`, `schedules.T01.payment.2027 = 20`: a key is the table, the key of a row and the name of a cell.
Numbers are in the unit of the model: USD bn (a year), GW, years, shares. Such a change is an assumption; a fact with its dates belongs in a table.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from simulate.deals import KINDS
from simulate.errors import did_you_mean, listed
from simulate.network.deals import dimension_of
from simulate.network.figures import FIGURES
from simulate.network.tables import UNITS, Row

REMOVED = "removed"  # status of a deal that is not there, with its terms and schedules
ASSUMPTION = "assumption"
VALUE_TABLES = ("figures", "terms", "schedules")  # one number a row: the name of the cell is part of the key
NOUNS = {"entities": "entity", "figures": "figure", "deals": "deal", "schedules": "row of a schedule", "terms": "term", "vendors": "vendor"}

Place = Callable[[Sequence[str | int]], str]  # words where a key was set


class Cell(NamedTuple):
    """A change of one cell."""

    row: tuple[str, ...]  # key of the row
    column: str
    value: Any
    source: str
    path: tuple[str, ...]  # key in the scenario file


def lay_over(files: Sequence[Sequence[Row]], key: Sequence[str]) -> list[Row]:
    """Join the rows of several files: a later row replaces an earlier one with the same key, in its place."""
    found: dict[tuple[str, ...], Row] = {}
    for rows in files:
        found |= {tuple(row[column] for column in key): row for row in rows}
    return list(found.values())


def drop_removed(tables: dict[str, list[Row]]) -> None:
    """Drop deals whose status is `removed`, with their terms and schedules."""
    gone = {row["id"] for row in tables["deals"] if row["status"] == REMOVED}
    tables["deals"] = [row for row in tables["deals"] if row["id"] not in gone]
    for name in ("terms", "schedules"):
        tables[name] = [row for row in tables[name] if row["deal"] not in gone]


def set_cells(
    tables: dict[str, list[Row]],
    columns: Mapping[str, Sequence[str]],
    keys: Mapping[str, Sequence[str]],
    changes: Mapping[str, Any],
    place: Place,
    problems: list[str],
) -> None:
    """Set the cells of `changes`, a section a table; `columns` and `keys`: those of every table. A row of one number that is not there is added."""
    for name in (name for name in keys if name in changes):
        for cell in read_cells(name, changes[name], keys[name], place, problems):
            set_cell(tables, name, cell, columns[name], keys[name], place, problems)


def read_cells(name: str, content: Any, key: Sequence[str], place: Place, problems: list[str]) -> Iterator[Cell]:
    """Yield the cells that a section sets: as deep as the key of the row, and the column where a row has several cells."""
    depth = len(key) + (name not in VALUE_TABLES)

    def walk(part: Any, path: tuple[str, ...], sources: Any) -> Iterator[Cell]:
        shallow = len(path) < depth and not (name == "figures" and len(path) == depth - 1 and not isinstance(part, dict))
        if shallow and isinstance(part, dict):
            for word, inside in part.items():
                if word != "sources":
                    yield from walk(inside, (*path, str(word)), part.get("sources", {}))
        elif len(path) < 2 and not isinstance(part, dict):
            return  # the schema of the file says so
        elif shallow or isinstance(part, (dict, list)):
            names = ".".join((name, *(f"<{word}>" for word in key), *(() if name in VALUE_TABLES else ("<column>",))))
            problems.append(f"{place((name, *path))}: is no cell of the table of {name}; write {names} = value.")
        else:
            source = str(sources.get(path[-1], "")) if isinstance(sources, dict) else ""
            row = path if name in VALUE_TABLES else path[:-1]
            yield Cell((*row, *[""] * (len(key) - len(row))), "value" if name in VALUE_TABLES else path[-1], part, source, (name, *path))

    yield from walk(content, (), {})


def set_cell(tables: dict[str, list[Row]], name: str, cell: Cell, columns: Sequence[str], key: Sequence[str], place: Place, problems: list[str]) -> None:
    """Set one cell in its row, or add the row."""
    where, _, dotted = place(cell.path).partition(": ")
    rows = tables[name]
    number = next((k for k, row in enumerate(rows) if tuple(row[column] for column in key) == cell.row), None)
    column_problem = check_column(name, cell, columns, key)
    if column_problem:
        problems.append(f"{where}: {dotted}: {column_problem}")
        return
    if number is None and name not in VALUE_TABLES:
        known = dict.fromkeys(".".join(row[column] for column in key) for row in rows)
        problems.append(f"{where}: {dotted}: there is no {NOUNS[name]} '{'.'.join(cell.row)}'{did_you_mean('.'.join(cell.row), known)} in the table of {name}.")
        return
    if is_number(cell.value) and not cell.source and where != "--set":
        problems.append(f'{where}: {dotted} has no source; say where the number comes from in [{".".join(cell.path[:-1])}.sources] {cell.path[-1]} = "...".')
        return
    cells = dict(rows[number].cells) if number is not None else dict.fromkeys(columns, "") | dict(zip(key, cell.row, strict=True))
    why = cell.source or "set on the command line"
    cells[cell.column] = as_text(cell.value)
    if name in VALUE_TABLES:
        cells |= {"unit": unit_of(name, cell, tables), "source": why if why.lower().startswith(ASSUMPTION) else f"{ASSUMPTION}: {why}"}
        cells |= {column: "" for column in ("as_of", "known_on") if column in cells}
    else:
        cells["source"] = "; ".join(part for part in (cells["source"], f"{cell.column}: {why}") if part)
        if cell.column == "amount":
            cells["unit"] = "USD bn"
    changed = Row(where, 0, dotted, cells)
    if number is None:
        rows.append(changed)
    else:
        rows[number] = changed


def check_column(name: str, cell: Cell, columns: Sequence[str], key: Sequence[str]) -> str:
    """Return what is wrong with the name of a cell; nothing if it is a column that may be set."""
    if name in VALUE_TABLES:
        return ""
    may = [column for column in columns if column not in (*key, "source", "unit")]
    if cell.column in may:
        return ""
    if name == "entities" and cell.column in FIGURES:
        return f"'{cell.column}' is a figure; write figures.{cell.row[0]}.{cell.column}."
    return f"the table of {name} has no column '{cell.column}' that can be set{did_you_mean(cell.column, may)}; it has {listed(may)}."


def unit_of(name: str, cell: Cell, tables: Mapping[str, Sequence[Row]]) -> str:
    """Return the unit of the model for the number of a row; blank where the name is not known, which its reader will say."""
    if name == "figures":
        kind = FIGURES.get(cell.row[1])
        return next(iter(UNITS[kind.dimension])) if kind else ""
    if name == "terms":
        deal = next((row for row in tables["deals"] if row["id"] == cell.row[0]), None)
        fields = KINDS[deal["kind"]].terms.model_fields if deal is not None and deal["kind"] in KINDS else {}
        named = {field.alias or field_name: field for field_name, field in fields.items()}
        return next(iter(UNITS[dimension_of(named[cell.row[1]])])) if cell.row[1] in named else ""
    near = [row["unit"] for row in tables["schedules"] if row["deal"] == cell.row[0]]
    return "share" if near and near[0] in UNITS["ratio"] else "USD bn/year"


def is_number(value: Any) -> bool:
    """True for numbers, flags excepted."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def as_text(value: Any) -> str:
    """Return a value of TOML or of Python as the text of a cell."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, date):
        return value.isoformat()
    return repr(float(value)) if hasattr(value, "dtype") else str(value).strip()
