"""Arguments, options and places that several subcommands have."""

import sys
from collections.abc import Iterable
from typing import Annotated

import typer

RESULTS = "results"  # folder of the stores of runs without --out
ScenarioArgument = Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario file, or the name of a shipped scenario (see `simulate list`).")]
SetOption = Annotated[
    list[str], typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the scenario, such as factors.short_rate.mean=0.06; may be repeated.")
]
StrictOption = Annotated[bool, typer.Option("--strict", help="Refuse what is accepted but not plausible: warnings become errors.")]
ShockOption = Annotated[
    list[str],
    typer.Option(
        "--shock", metavar="KEY=VALUE", help="Shock the calibrated model, such as entities.openai.cash=-35 or deals.T01.ends=2028-01-01; may be repeated."
    ),
]


def with_shocks(overrides: list[str], shocks: list[str]) -> list[str]:
    """Return overrides with shocks, which are keys of the section [shocks]."""
    return [*overrides, *(f"shocks.{shock}" for shock in shocks)]


def say_warnings(warnings: Iterable[str]) -> None:
    """Print warnings to stderr, grouped."""
    from simulate.errors import grouped

    for sentence in grouped(warnings):
        print(f"warning: {sentence}", file=sys.stderr)
