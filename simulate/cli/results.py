"""`simulate summary`: the answer of a stored result."""

from pathlib import Path
from typing import Annotated

import typer


def summary(store: Annotated[Path, typer.Argument(metavar="STORE", help="A store that `simulate run` wrote.")]) -> None:
    """Print the answer of a stored result again."""
    from simulate.report.text import print_report
    from simulate.results.store import open_results

    print_report(open_results(store), store=str(store))
