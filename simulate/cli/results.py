"""`simulate summary`: the answer of a stored result."""

from pathlib import Path
from typing import Annotated

import typer


def summary(store: Annotated[Path, typer.Argument(metavar="STORE", help="A store that `simulate run` wrote.")]) -> None:
    """Print the answer of a stored result again."""
    from simulate.errors import refuse_if_any
    from simulate.report.text import print_report
    from simulate.results.place import expand
    from simulate.results.store import open_results
    from simulate.results.whole import damaged_chunks

    dataset = open_results(store)
    refuse_if_any(damaged_chunks(expand(store)))  # not after half of the answer
    print_report(dataset, store=str(store))
