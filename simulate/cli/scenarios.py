"""`simulate list` and `simulate validate`: scenarios without a run."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simulate.cli.options import RESULTS, ScenarioArgument, SetOption, ShockOption, StrictOption, with_shocks
from simulate.errors import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulate.compile.scenario import Compiled
    from simulate.network.blanks import Default
    from simulate.scenario.load import Scenario

SHOWN = 6  # names of entities or deals in a line


def list_scenarios() -> None:
    """List the shipped scenarios."""
    from simulate.scenario.inherit import read_toml, shipped_scenarios

    shipped = shipped_scenarios()
    width = max(map(len, shipped), default=0)
    for name, path in shipped.items():
        print(f"{name:{width}}  {read_toml(path).get('title', '')}".rstrip())


def validate(
    scenario: ScenarioArgument,
    set_: SetOption = [],  # noqa: B006 - typer copies it
    shock: ShockOption = [],  # noqa: B006
    table: Annotated[bool, typer.Option("--table", help="Print the reconciliation table: reported, in deals, residual.")] = False,
    moved: Annotated[
        bool, typer.Option("--moved", help="Print what changed in the compiled model against the base: by a fact, residuals too; by a shock, its rows.")
    ] = False,
    strict: StrictOption = False,
) -> None:
    """Check a scenario without running it, and summarise it: what is doubtful, what is off because it is blank, and which defaults are used."""
    from simulate.compile.idle import refuse_idle
    from simulate.compile.scenario import compile_scenario
    from simulate.engine import needs
    from simulate.errors import grouped, refuse_if_any
    from simulate.report.text import reconciliation_table
    from simulate.report.words import open_console, print_table
    from simulate.results.dataset import coordinates
    from simulate.scenario.load import load_scenario

    loaded = load_scenario(scenario, with_shocks(set_, shock))
    refuse_if_any(loaded.warnings if strict else ())
    refuse_if_any(needs.faults(loaded.run.paths, loaded.run.seed, threads=None, block_paths=1))
    compiled = compile_scenario(loaded, loaded.run.seed)
    refuse_idle(loaded, loaded.run.seed, compiled.model)
    needs.refuse_too_large(compiled.model, coordinates(compiled, loaded.worlds), paths=loaded.run.paths, threads=needs.available_cores(), out=RESULTS)
    network, names = loaded.network, compiled.names
    inside = sum(not flag for flag in compiled.outside)
    statuses = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in Counter(deal.status for deal in network.deals).most_common())
    kinds = ", ".join(f"{count} {kind}" for kind, count in Counter(deal.kind for deal in network.deals).most_common())
    residuals = max((abs(row["reported"] - row["in_deals"] - row["residual"]) for row in compiled.reconciliation), default=0.0)
    print(f"{loaded.name}: {loaded.title}" if loaded.title else loaded.name)
    print(f"  read      {', '.join(dict.fromkeys(Path(file).name for file in loaded.files))}")
    print(
        f"  calendar  {loaded.run.steps} steps of a {loaded.run.step} from {loaded.run.start}; {loaded.run.paths:,} paths and seed {loaded.run.seed} unless told otherwise"
    )
    print(f"  entities  {inside} inside, {len(names.entities) - inside} outside; {len(names.processes)} with a revenue process")
    print(f"  deals     {len(network.deals)} ({statuses})")
    print(f"  kinds     {kinds}")
    print(f"  model     {len(names.legs)} legs in {len(names.deals)} rows of deals and pseudo-deals; worlds {', '.join(names.worlds)}")
    print(f"  figures   {len(compiled.reconciliation)} lines reconciled, the largest gap between reported and its parts is {residuals:.1g}")
    print(f"  digest    {compiled.digest}")
    if loaded.uncertain:
        print(f"  uncertain {len(loaded.uncertain)} parameters, which `simulate ranges` draws")
    if table:
        print_table(open_console(), reconciliation_table(compiled.reconciliation))
    if moved:
        print_moved(loaded, compiled)
    print_list("Blank, so a mechanism is off:", grouped(loaded.silent))
    print_list("Defaults used (docs/model.md, section 6):", default_lines(loaded.defaults))
    print_list("Warnings:", grouped(loaded.warnings))
    count = len(loaded.warnings)
    print(f"All checks passed, with {count:,} warning{'s' * (count != 1)}." if count else "All checks passed.")


def print_moved(scenario: "Scenario", compiled: "Compiled") -> None:
    """Print what moved against the scenario at the root of `extends`."""
    from simulate.compile.moved import find_moved
    from simulate.compile.scenario import compile_scenario
    from simulate.report.text import moved_table
    from simulate.report.words import open_console, print_table
    from simulate.scenario.load import read_alone

    base = read_alone(Path(scenario.files[0]))
    found = find_moved(compile_scenario(base, scenario.run.seed), compiled) if base is not None else []
    if found:
        print_table(open_console(), moved_table(found, scenario.run.calendar, scenario.base))
    else:
        print(
            f"Nothing moved in the compiled model against {scenario.base}."
            if base is not None
            else "There is no base: the first file is no scenario by itself."
        )


def print_list(heading: str, lines: "Sequence[str]") -> None:
    """Print lines below a heading, nothing where there are none."""
    if lines:
        print("\n".join([heading, *(f"  {line}" for line in lines)]))


def default_lines(defaults: "Sequence[Default]") -> list[str]:
    """Return a line for figures with one value and the same entities, one for the parameters of a section, and one for the terms of a kind."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for one in defaults:
        prefix, _, name = one.name.rpartition(".")
        value = f"{one.value:g}" if isinstance(one.value, float) else str(one.value)
        if prefix:
            groups.setdefault((prefix,), []).append(f"{name} = {value}" + (f" ({len(one.of)})" if one.of else ""))
        else:
            groups.setdefault((value, str(len(one.of)), listed(one.of, SHOWN)), []).append(name)
    return [f"{', '.join(names)} = {key[0]} for {key[1]} ({key[2]})" if len(key) > 1 else f"{key[0]}: {', '.join(names)}" for key, names in groups.items()]
