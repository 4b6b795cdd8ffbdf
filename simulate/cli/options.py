"""Arguments and options that several subcommands have."""

from typing import Annotated

import typer

ScenarioArgument = Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario file, or the name of a shipped scenario (see `simulate list`).")]
SetOption = Annotated[
    list[str], typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the scenario, such as factors.short_rate.mean=0.06; may be repeated.")
]
StrictOption = Annotated[bool, typer.Option("--strict", help="Refuse what is accepted but not plausible: warnings become errors.")]
