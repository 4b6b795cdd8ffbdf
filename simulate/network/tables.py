"""CSV tables: header, cells, units and dates, with a sentence for everything that is wrong."""

import calendar
import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

from simulate.dimensions import DIMENSIONS, Plausible, doubt
from simulate.errors import InputError, did_you_mean, listed
from simulate.files import is_folder, read_text

LARGEST_MB = 16  # of a table
LONGEST_ID = 100  # letters

# Units of a dimension, each with its value in the unit of the model (USD bn, GW, years, ratios).
UNITS = {
    "money": {"USD bn": 1.0, "USD mn": 1e-3},
    "flow": {"USD bn/year": 1.0, "USD mn/year": 1e-3, "USD bn": 1.0, "USD mn": 1e-3},  # of a calendar year
    "quarterly money": {"USD bn": 1.0, "USD mn": 1e-3, "USD bn/year": 0.25},  # of a quarter
    "quarterly share": {"share": 1.0, "1": 1.0, "per year": 0.25},  # of a quarter
    "ratio": {"share": 1.0, "1": 1.0, "x": 1.0},
    "share": {"share": 1.0, "1": 1.0},
    "flag": {"1": 1.0, "share": 1.0},
    "number": {"1": 1.0, "x": 1.0, "share": 1.0},
    "rate": {"per year": 1.0, "share": 1.0, "1": 1.0},
    "years": {"years": 1.0},
    "days": {"days": 1.0},
    "gw": {"GW": 1.0},
    "money per gw": {"USD bn/GW": 1.0},
    "text": {"": 1.0, "text": 1.0, "1": 1.0, "id": 1.0},
}
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE | re.ASCII)  # float() also reads 2_0
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
CURRENCY = re.compile(r"\b(JPY|EUR|GBP|CNY|RMB|KRW|TWD|SAR|AED|CHF|INR)\b|[¥€£]", re.IGNORECASE)


class Dates(NamedTuple):
    """Cut-off dates against look-ahead: prices and deals must be public by `start`, plans and guidance by `information`."""

    start: date
    information: date


@dataclass(frozen=True)
class Row:
    """One row of a table: its place and its cells as text."""

    file: str
    line: int  # 0: set by its key in `file`, or on the command line
    key: str  # names the row in a sentence, such as "deal 'x'"
    cells: dict[str, str]

    @property
    def place(self) -> str:
        """Return file, line and key: the beginning of sentences about the row."""
        if not self.line:
            return f"{self.file}: {self.key}"
        return f"{self.file} line {self.line}" + (f" ({self.key})" if self.key else "")

    def __getitem__(self, column: str) -> str:
        return self.cells[column]


def read_table(path: Path, columns: Sequence[str], key: Sequence[str], problems: list[str]) -> list[Row] | None:
    """Read the rows of a CSV file with exactly these columns; None when there is no such table. `key` are the columns that name a row in sentences."""
    try:
        text = read_text(path, what="table", wanted=".csv file", megabytes=LARGEST_MB)
    except FileNotFoundError:
        near = sorted(p.name for p in path.parent.glob("*.csv")) if is_folder(path.parent) else []
        problems.append(
            f"{path.name}: there is no such table{did_you_mean(path.name, near)}; "
            + (f"in that folder: {listed(near)}." if near else "its folder does not exist or holds no .csv file; write the path relative to the scenario file.")
        )
        return None
    except InputError as error:
        problems.extend(error.sentences)
        return None
    if separator := other_separator(text.partition("\n")[0].rstrip("\r"), columns):
        problems.append(
            f"{path.name} line 1: the cells are separated by {separator}; save the table with commas between its cells (CSV UTF-8) and points in its numbers."
        )
        return None
    lines = read_lines(path.name, text, problems)
    if lines is None:
        return None
    header = lines[0][1] if lines else []
    if not check_header(path.name, header, columns, problems):
        return None
    rows = []
    for number, cells in lines[1:]:
        if not any(cells):
            continue
        if len(cells) != len(columns):
            problems.append(f"{path.name} line {number}: {len(cells)} cells, but the header has {len(columns)}; quote cells that contain commas.")
            continue
        named = dict(zip(header, cells, strict=True))
        words = " ".join(f"{column} '{named[column]}'" if column != "id" else f"'{named[column]}'" for column in key if named[column])
        rows.append(Row(path.name, number, words, named))
    return rows


def read_lines(file: str, text: str, problems: list[str]) -> list[tuple[int, list[str]]] | None:
    """Return number and cells of every line; None when a quote is never closed, which would silently swallow the rest of the file."""
    reader = csv.reader(io.StringIO(text), strict=True)
    lines, ended = [], 0
    try:
        for cells in reader:
            lines.append((reader.line_num, [cell.strip() for cell in cells]))
            ended = reader.line_num
    except csv.Error as error:
        problems.append(f"{file} line {ended + 1}: not valid CSV ({error}); close every quote, and write a quote inside a quoted cell twice.")
        return None
    return lines


def check_header(file: str, header: list[str], columns: Sequence[str], problems: list[str]) -> bool:
    """True when the header has exactly the columns."""
    right = f"the header must be {','.join(columns)}"
    if not header:
        problems.append(f"{file}: the file is empty; its first line must be the header {','.join(columns)}.")
        return False
    before = len(problems)
    if missing := [column for column in columns if column not in header]:
        names = listed(f"'{column}'" for column in missing)
        problems.append(f"{file} line 1: the column{'s' * (len(missing) > 1)} {names} {'are' if len(missing) > 1 else 'is'} missing; {right}.")
    for column in dict.fromkeys(header):
        count = header.count(column)
        if not column:
            problems.append(f"{file} line 1: {count} of its cells {'is' if count == 1 else 'are'} blank; delete empty columns; {right}.")
        elif column not in columns:
            problems.append(f"{file} line 1: the column '{column}' is not known{did_you_mean(column, columns)}; {right}.")
        elif count > 1:
            problems.append(f"{file} line 1: the column '{column}' appears {count} times; keep one.")
    return len(problems) == before


def other_separator(header: str, columns: Sequence[str]) -> str:
    """Return the name of what separates cells instead of commas, "" where commas do. Spreadsheets of many countries write semicolons, and some say so."""
    if header.lower().startswith("sep="):
        return SEPARATORS.get(header[4:5], "commas, after a line 'sep=,' that has to go")
    names = [name for mark, name in SEPARATORS.items() if len({cell.strip(' "') for cell in header.split(mark)} & set(columns)) > 1]
    return names[0] if names else ""


def read_number(row: Row, column: str, problems: list[str], *, low: float | None = 0.0, high: float | None = None, what: str = "") -> float | None:
    """Read a finite number within bounds; None and a sentence when it is none."""
    what = what or column
    if not NUMBER.fullmatch(row[column]):
        problems.append(f"{row.place}: {what} is '{row[column]}', which is no number; write one with a point and without separators, such as 1234.5.")
        return None
    value = float(row[column])
    if not math.isfinite(value):
        problems.append(f"{row.place}: {what} is {row[column]}; write a finite number.")
        return None
    if low is not None and value < low:
        problems.append(
            f"{row.place}: {what} is negative ({value:g}); it must be at least {low:g}."
            if low == 0
            else f"{row.place}: {what} is {value:g}; it must be at least {low:g}."
        )
        return None
    if high is not None and value > high:
        problems.append(f"{row.place}: {what} is {value:g}; it must be at most {high:g}.")
        return None
    return value


def read_unit(row: Row, dimension: str, problems: list[str]) -> float | None:
    """Return the factor that turns a value of this row into the unit of the model; None and a sentence when the unit is wrong."""
    unit, known = row["unit"], UNITS[dimension]
    if unit in known:
        return known[unit]
    right = " or ".join(repr(u) for u in known if u)
    if CURRENCY.search(unit):
        problems.append(f"{row.place}: the unit '{unit}' is another currency; convert the value to {right} and name the exchange rate in the source.")
    else:
        problems.append(f"{row.place}: the unit '{unit}' is not known here{did_you_mean(unit, known)}; it must be {right}.")
    return None


def read_quantity(row: Row, column: str, dimension: str, problems: list[str], *, low: float | None = None, what: str = "") -> float | None:
    """Read a number in the unit of its row; return it in the unit of the model, or None and a sentence when it or its unit is wrong."""
    scale, value = read_unit(row, dimension, problems), read_number(row, column, problems, low=low, what=what)
    if scale is None or value is None:
        return None
    quantity, most = value * scale, DIMENSIONS[dimension].most
    if dimension == "flag" and quantity not in (0, 1):
        problems.append(f"{row.place}: {what or column} is {value:g}; it must be 0 or 1.")
        return None
    if abs(quantity) > most:
        problems.append(f"{row.place}: {what or column} is {value:g}; it must be at most {most:g} {DIMENSIONS[dimension].unit}.")
        return None
    return quantity


def warn_of(row: Row, name: str, value: float, plausible: Plausible | None, dimension: str, warnings: list[str]) -> None:
    """Add a warning where a number that was accepted is not plausible; `value` in the unit of the model."""
    if doubtful := doubt(value, plausible, DIMENSIONS[dimension].unit):
        warnings.append(f"{row.place}: {name} = {doubtful}")


def read_choice(row: Row, column: str, choices: Sequence[str], problems: list[str]) -> str | None:
    """Read one of the choices; None and a sentence when it is none."""
    if row[column] in choices:
        return row[column]
    problems.append(f"{row.place}: {column} '{row[column]}' is not known{did_you_mean(row[column], choices)}; it must be one of {listed(choices)}.")
    return None


def read_date(row: Row, column: str, problems: list[str], *, last: bool) -> date | None:
    """Read a day from YYYY-MM-DD, or the last (or first) day of a month or year from YYYY-MM or YYYY. None when it is blank or wrong."""
    text = row[column]
    if not text:
        return None
    try:
        parts = [int(part) for part in text.split("-")]
        if not 1 <= len(parts) <= 3 or not 1900 <= parts[0] <= 2200:
            raise ValueError
        year, month = parts[0], parts[1] if len(parts) > 1 else 12 if last else 1
        day = parts[2] if len(parts) > 2 else calendar.monthrange(year, month)[1] if last else 1
        return date(year, month, day)
    except (ValueError, OverflowError, calendar.IllegalMonthError):
        problems.append(f"{row.place}: {column} is '{text}', which is no date; write YYYY-MM-DD, YYYY-MM or YYYY.")
        return None


def need_text(row: Row, column: str, problems: list[str]) -> None:
    """Report a cell that may not be blank."""
    if not row[column]:
        problems.append(f"{row.place}: {column} is blank; write it" + (" (where the figure comes from, or 'assumption: why')." if column == "source" else "."))


def read_year(row: Row, problems: list[str]) -> int | None:
    """Read a calendar year."""
    if re.fullmatch(r"(19|20|21)\d\d", row["year"]):
        return int(row["year"])
    problems.append(f"{row.place}: the year is '{row['year']}'; write a calendar year such as 2027.")
    return None


def need_entity(row: Row, column: str, known: list[str], problems: list[str]) -> bool:
    """Report a cell that names no entity; True when it names one."""
    if row[column] in known:
        return True
    problems.append(f"{row.place}: {column} '{row[column]}' is no entity{did_you_mean(row[column], known)}; add it to the entities table or correct the name.")
    return False


def check_identifier(row: Row, problems: list[str]) -> None:
    """Report an id that is not one word, or needs quotes in a table."""
    if not IDENTIFIER.fullmatch(row["id"]):
        problems.append(f"{row.place}: the id '{row['id']}' must be letters, digits, '_', '-' or '.'.")
    elif len(row["id"]) > LONGEST_ID:
        problems.append(f"{row.file} line {row.line}: the id '{row['id'][:20]}...' has {len(row['id'])} letters; use at most {LONGEST_ID}.")


def is_assumption(row: Row) -> bool:
    """True when the row says that it is an assumption, so that it was known at no date."""
    return row["source"].lower().startswith("assumption")
