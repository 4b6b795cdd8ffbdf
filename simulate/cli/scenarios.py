"""`simulate list` and `simulate validate`: scenarios without a run."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from simulate.cli.options import RESULTS, ScenarioArgument, SetOption


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
    table: Annotated[bool, typer.Option("--table", help="Print the reconciliation table: reported, in deals, residual.")] = False,
) -> None:
    """Check a scenario without running it, and summarise it."""
    from simulate.compile.scenario import compile_scenario
    from simulate.engine import needs
    from simulate.errors import refuse_if_any
    from simulate.report.text import open_console, print_table, reconciliation_table
    from simulate.results.dataset import coordinates
    from simulate.scenario.load import load_scenario

    loaded = load_scenario(scenario, set_)
    refuse_if_any(needs.faults(loaded.run.paths, loaded.run.seed, threads=None, block_paths=1))
    compiled = compile_scenario(loaded, loaded.run.seed)
    coords = coordinates(compiled.names, compiled.outside, compiled.deal_labels, loaded.worlds)
    needs.refuse_too_large(compiled.model, coords, paths=loaded.run.paths, threads=needs.available_cores(), out=RESULTS)
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
    if table:
        print_table(open_console(), reconciliation_table(compiled.reconciliation))
    print("All checks passed.")
