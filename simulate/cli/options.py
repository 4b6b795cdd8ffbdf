"""Arguments, options and places that several subcommands have."""

from typing import Annotated

import typer

RESULTS = "results"  # folder of the stores of runs without --out
ScenarioArgument = Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario file, or the name of a shipped scenario (see `simulate list`).")]
SetOption = Annotated[
    list[str], typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the scenario, such as factors.short_rate.mean=0.06; may be repeated.")
]
