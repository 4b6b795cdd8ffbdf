"""`simulate run`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from simulate.cli.options import ScenarioArgument, SetOption, StrictOption

RESULTS = "results"  # folder of the stores of runs without --out


def run(  # noqa: PLR0913 - every option of the command
    scenario: ScenarioArgument,
    paths: Annotated[int | None, typer.Option(help="Number of paths; the scenario's unless given.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all draws; the scenario's unless given. 0 is a seed.")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads; all cores unless given. The result does not depend on it.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="STORE", help="Zarr store to write; unless given a new one in the folder results.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over an existing store.")] = False,
    set_: SetOption = [],  # noqa: B006 - typer copies it
    block: Annotated[int | None, typer.Option(help="Paths of a block, the unit of work and storage. The result does not depend on it.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Verify the identities of the model on every path; the same result, several times slower.")] = False,
    strict: StrictOption = False,
) -> None:
    """Simulate a scenario, write the result to a store and print the answer."""
    from simulate.compile.scenario import digest_of
    from simulate.engine import simulation
    from simulate.errors import grouped, refuse_if_any
    from simulate.report.text import print_report
    from simulate.results import store as results
    from simulate.scenario.load import load_scenario

    refuse_if_any(simulation.faults(paths, seed, threads, simulation.BLOCK_PATHS if block is None else block))
    if out is not None and not overwrite:
        results.refuse_existing(out)
    loaded = load_scenario(scenario, set_)
    refuse_if_any(loaded.warnings if strict else ())
    for sentence in grouped(loaded.warnings):
        print(f"warning: {sentence}", file=sys.stderr)
    paths = loaded.run.paths if paths is None else paths
    seed = loaded.run.seed if seed is None else seed
    if out is None:
        variant = f"-{digest_of(loaded.resolved(seed))[:8]}" if loaded.overrides else ""
        out = default_store(f"{loaded.name}{variant}-seed{seed}-{paths}", overwrite)
    dataset = simulation.run(
        loaded, paths=paths, seed=seed, threads=threads, out=out, overwrite=overwrite, block_paths=block or simulation.BLOCK_PATHS, progress=True, check=check
    )
    print_report(dataset, store=str(out))


def default_store(name: str, overwrite: bool) -> Path:
    """Return results/NAME.zarr, or results/NAME-2.zarr, -3 and so on where that exists and must stay: a run without --out overwrites no other."""
    first = Path(RESULTS) / f"{name}.zarr"
    if overwrite:
        return first
    number, path = 1, first
    while path.exists():
        number += 1
        path = first.with_name(f"{name}-{number}.zarr")
    return path
