"""Mutants of the scenario file and of its tables."""

import csv
import io
from math import isfinite
from pathlib import Path
from random import Random

from tests.fuzz.values import any_value, near

TABLES = ("deals.csv", "entities.csv", "figures.csv", "schedules.csv", "terms.csv", "vendors.csv")


def change_cells(folder: Path, dice: Random) -> str:
    """Change a few cells or rows of one table, as people do; returns what was done."""
    file = folder / dice.choice(TABLES)
    rows = list(csv.reader(io.StringIO(file.read_text(encoding="utf-8"))))
    done = [dice.choice(CHANGES)(rows, dice) for _ in range(dice.choice((1, 1, 1, 1, 2, 3)))]
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    file.write_text(written.getvalue(), encoding="utf-8")
    return f"{file.name}: {'; '.join(done)}"


def odd_cell(rows: list[list[str]], dice: Random) -> str:
    """Write an odd value."""
    return set_cell(rows, dice, lambda old, column: any_value(dice))


def near_number(rows: list[list[str]], dice: Random) -> str:
    """Move a number, or write an odd value in a table that has none."""
    numbers = [(row, column) for row, cells in enumerate(rows) for column, cell in enumerate(cells) if is_number(cell)]
    if not numbers:
        return odd_cell(rows, dice)
    row, column = dice.choice(numbers)
    old = rows[row][column]
    rows[row][column] = near(old, dice)
    return f"row {row} {rows[row][:2]} {old} -> {rows[row][column]}"


def is_number(cell: str) -> bool:
    """True for a finite number."""
    try:
        return isfinite(float(cell))
    except ValueError:
        return False


def other_cell(rows: list[list[str]], dice: Random) -> str:
    """Write what another row has in this column: right by itself, and perhaps wrong here."""
    return set_cell(rows, dice, lambda old, column: dice.choice(rows[1:])[column] if len(rows) > 1 else "")


def set_cell(rows, dice, value) -> str:
    """Set one cell."""
    row = dice.randrange(min(1, len(rows) - 1), len(rows))
    if not rows[row]:
        return "nothing"
    column = dice.randrange(len(rows[row]))
    old = rows[row][column]
    rows[row][column] = value(old, column) if all(len(each) > column for each in rows) else any_value(dice)
    return f"row {row} column {column} {old[:40]!r} -> {rows[row][column][:40]!r}"


def drop_row(rows, dice) -> str:
    """Drop a row, the header too."""
    row = dice.randrange(len(rows)) if len(rows) > 1 else 0
    gone = rows.pop(row) if len(rows) > 1 else []
    return f"dropped row {row} {gone[:3]}"


def repeat_row(rows, dice) -> str:
    """Write a row twice, the second time with another key."""
    row = list(dice.choice(rows))
    if row and dice.random() < 0.7:
        row[0] = dice.choice((row[0] + "x", any_value(dice), dice.choice(rows)[0] if all(rows) else "y"))
    rows.insert(dice.randrange(len(rows) + 1), row)
    return f"row again as {row[:2]}"


def change_column(rows, dice) -> str:
    """Drop a column, write it twice, or rename it."""
    column, how = dice.randrange(max(1, len(rows[0]))), dice.randrange(3)
    for row in rows:
        if len(row) <= column:
            continue
        if how == 0:
            del row[column]
        elif how == 1:
            row.insert(column, row[column])
    if how == 2 and len(rows[0]) > column:
        rows[0][column] = any_value(dice)
    return f"column {column} {('dropped', 'twice', 'renamed')[how]}"


def swap_cells(rows, dice) -> str:
    """Swap two cells of a row."""
    row = dice.choice(rows)
    if len(row) > 1:
        one, other = dice.sample(range(len(row)), 2)
        row[one], row[other] = row[other], row[one]
    return f"swapped in {row[:2]}"


CHANGES = (odd_cell, *[near_number] * 5, *[other_cell] * 3, drop_row, repeat_row, change_column, swap_cells)


def change_lines(folder: Path, dice: Random) -> str:
    """Change a line of the scenario file."""
    file = folder / "small.toml"
    lines = file.read_text(encoding="utf-8").splitlines()
    number, how = dice.randrange(len(lines)), dice.randrange(6)
    old = lines[number]
    if how == 0:
        del lines[number]
    elif how == 1:
        lines.insert(dice.randrange(len(lines)), old)
    elif how == 2 and "=" in old:
        lines[number] = old.partition("=")[0] + "= " + toml_value(dice)
    elif how == 3 and "=" in old:
        lines[number] = old.partition("=")[0] + "= " + near(old.partition("=")[2].strip(), dice)
    elif how == 4:
        lines.insert(number, f"[{dice.choice(SECTIONS)}]\n{dice.choice(KEYS)} = {toml_value(dice)}")
    else:
        lines[number] = old[: dice.randrange(len(old) + 1)] + any_value(dice)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return f"small.toml line {number} way {how}: {old!r}"


SECTIONS = (
    *(
        "run",
        "tables",
        "drivers",
        "drivers.correlation",
        "factors",
        "factors.short_rate",
        "factors.power_gap",
        "factors.life",
        "factors.revenue",
        "factors.rental",
    ),
    *("rules", "rules.sources", "rules.door", "worlds", "worlds.x", "worlds.network", "worlds.alone", "shocks", "shocks.deals.notes", "shocks.entities.lab"),
    *(
        "figures",
        "figures.lab",
        "deals.notes",
        "terms.notes",
        "schedules.halls",
        "entities.lab",
        "vendors.cloud",
        "figures.lab.sources",
        "nothing",
        "sources",
        "[run]",
    ),
)
KEYS = (
    *(
        "extends",
        "name",
        "title",
        "steps",
        "step",
        "start",
        "paths",
        "seed",
        "discount",
        "curve",
        "mean",
        "shift",
        "process",
        "plan",
        "values",
        "weights",
        "table",
    ),
    *(
        "off",
        "solution",
        "detail",
        "ends",
        "rate",
        "cash",
        "revenue",
        "fails",
        "door",
        "alpha",
        "deals",
        "figures",
        "lab",
        "x",
        "'demand:rental'",
        "sources",
        "status",
    ),
)
TOML_VALUES = (
    *(
        "1",
        "0",
        "-1",
        "0.5",
        "1e308",
        "nan",
        "inf",
        "true",
        '""',
        '"x"',
        "[]",
        "{}",
        "[1, 2]",
        "[[]]",
        "{a = 1}",
        "{2026 = 1.0}",
        "{2026 = 0.1, 2027 = -5}",
        "2026-06-30",
    ),
    *(
        '"small"',
        '["supply"]',
        '"least"',
        '"..."',
        '["...", "deals.csv"]',
        '"/dev/null"',
        '"small.toml"',
        '"\\u0000"',
        "2026-06-30T07:00:00Z",
        "07:00:00",
        "1979-02-30",
        "0xff",
    ),
    *('"quarter"', '"month"', "99999999999999999999", '"' + "y" * 3000 + '"', "[" * 400 + "]" * 400, "'''", '"\U0001f600"', "1_0", "[1, 'a']"),
)


def toml_value(dice: Random) -> str:
    """Draw a value as TOML writes it, or something that is none."""
    return dice.choice(TOML_VALUES) if dice.random() < 0.8 else any_value(dice)


def change_bytes(folder: Path, dice: Random) -> str:
    """Damage the bytes of a file: an editor, a spreadsheet or a disk did it."""
    file = folder / dice.choice(("small.toml", *TABLES))
    content, how = file.read_bytes(), dice.randrange(8)
    at = dice.randrange(len(content))
    if how == 0:
        content = content[:at]
    elif how == 1:
        content = content[:at] + dice.randbytes(dice.choice((1, 2, 50))) + content[at:]
    elif how == 2:
        content = content[:at] + bytes([content[at] ^ 1 << dice.randrange(8)]) + content[at + 1 :]
    elif how == 3:
        content = content.decode().encode(dice.choice(("utf-16", "utf-8-sig", "latin-1", "cp1252", "utf-32")), errors="replace")
    elif how == 4:
        content = content.replace(b",", dice.choice((b";", b"\t", b"|", b", ", b",,")))
    elif how == 5:
        content = content.replace(b"\n", dice.choice((b"\r\n", b"\r", b"\n\n", b"", b"\n,\n")))
    elif how == 6:
        content = content * dice.choice((0, 2))
    else:
        content = content.replace(b'"', dice.choice((b"", b"'", b'""', b"\xe2\x80\x9c")))
    file.write_bytes(content)
    return f"{file.name}: bytes way {how} at {at}"
