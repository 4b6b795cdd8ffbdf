"""Words and tables of the answer: consoles, tables, and numbers as they are printed."""

import sys
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING, SupportsFloat

import numpy as np
from rich.box import SIMPLE_HEAD, Box
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    import xarray as xr

WIDTH = 100
ROUNDING = 1e-6  # USD bn; smaller amounts are rounding errors of sums
TIE = 1e-9  # per cent; ties go up
# Plain letters where the output is not a terminal: it may be read by a program or in a mail.
PLAIN = Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)


def open_console(file: IO[str] | None = None) -> Console:
    """Return a console of at most `WIDTH` columns, without colour where the output is not a terminal."""
    console = Console(file=file or sys.stdout, emoji=False)
    return Console(file=file or sys.stdout, emoji=False, width=min(WIDTH, max(80, console.width)) if console.is_terminal else WIDTH)


def print_table(console: Console, table: Table) -> None:
    """Print a table below its title, with the lines that suit the console."""
    console.print(f"\n{table.caption}", style="bold", highlight=False)
    table.caption = None
    table.box = SIMPLE_HEAD if console.is_terminal else PLAIN
    console.print(table)


def new_table(title: str, *columns: str, left: int = 1) -> Table:
    """Return a table with right-aligned columns but for the first `left`. `print_table` prints the title over the whole width, above it."""
    table = Table(caption=title, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0), header_style="")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number < left else "right", overflow="fold", no_wrap=number == 0)
    return table


def markdown_table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Return the lines of a Markdown table, all columns but the first right-aligned."""
    heads = list(heads)
    return ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1), *("| " + " | ".join(row) + " |" for row in rows)]


def years(dataset: "xr.Dataset") -> float:
    """Return the length of the run in years."""
    return dataset.attrs["steps"] * dataset.attrs["dt"]


def discounting(dataset: "xr.Dataset") -> str:
    """Describe how losses of different steps are added up."""
    return "discounted on the path's own short rate" if dataset.attrs["discount"] == "short_rate" else "nominal"


def money(value: SupportsFloat) -> str:
    """Format USD bn with significant digits only."""
    value = float(value)
    if not np.isfinite(value):
        return "not known"
    size = abs(value)
    if size < ROUNDING:
        return "0"
    return f"{value:,.0f}" if size >= 1000 else f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 0.005 else f"{value:.1g}"


def percent(value: SupportsFloat) -> str:
    """Format a probability in per cent."""
    share = 100.0 * float(value) + TIE  # 525 of 10,000 paths are 5.25 %, whatever their sum rounds to
    return "not known" if not np.isfinite(share) else f"{share:.1f}" if share >= 1.0 else f"{share:.2f}"


def probability(value: SupportsFloat, low: SupportsFloat, high: SupportsFloat) -> str:
    """Format a probability and its interval in per cent."""
    return f"{percent(value)} ({percent(low)}-{percent(high)})"


def number(value: SupportsFloat) -> str:
    """Format a number of any size in four digits."""
    value = float(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
