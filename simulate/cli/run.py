"""`simulate run`."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simulate.cli.options import RESULTS, ScenarioArgument, SetOption, ShockOption, StrictOption, say_warnings, with_shocks

if TYPE_CHECKING:
    import xarray as xr


def run(  # noqa: PLR0913 - every option of the command
    scenario: ScenarioArgument,
    paths: Annotated[int | None, typer.Option(help="Number of paths; the scenario's unless given.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all draws; the scenario's unless given. 0 is a seed.")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads; all cores unless given. The result does not depend on it.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="STORE", help="Zarr store to write; unless given a new one in the folder results.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over an existing store.")] = False,
    set_: SetOption = [],  # noqa: B006 - typer copies it
    shock: ShockOption = [],  # noqa: B006
    block: Annotated[int | None, typer.Option(help="Paths of a block, the unit of work and storage. The result does not depend on it.")] = None,
    ranges: Annotated[
        bool, typer.Option("--ranges", help="Draw the uncertain parameters too (see `simulate ranges`): the answer then leads with the range that they make.")
    ] = False,
    sets: Annotated[int | None, typer.Option(help="Sets of parameters of --ranges, which it stands for; 200 unless given.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Verify the identities of the model on every path; the same result, several times slower.")] = False,
    strict: StrictOption = False,
) -> None:
    """Simulate a scenario, write the result to a store and print the answer."""
    from simulate.compile.scenario import digest_of
    from simulate.engine import simulation
    from simulate.errors import refuse_if_any
    from simulate.report.text import print_report
    from simulate.results import store as results
    from simulate.scenario.load import load_scenario
    from simulate.studies.ranges import SETS, plan_study
    from simulate.studies.ranges import ranges as measure

    refuse_if_any(simulation.faults(paths, seed, threads, simulation.BLOCK_PATHS if block is None else block))
    if out is not None and not overwrite:
        results.refuse_existing(out)
    loaded = load_scenario(scenario, with_shocks(set_, shock))
    refuse_if_any(loaded.warnings if strict else ())
    say_warnings(loaded.warnings)
    paths = loaded.run.paths if paths is None else paths
    seed = loaded.run.seed if seed is None else seed
    sets = SETS if sets is None and ranges else sets
    if sets is not None:
        plan_study(loaded, sets=sets)  # refuses before the long run
    variant = f"-{digest_of(loaded.resolved(seed))[:8]}" if loaded.overrides else ""
    usual = Path(RESULTS) / f"{loaded.name}{variant}-seed{seed}-{paths}.zarr"

    def simulate(place: Path) -> "xr.Dataset":
        return simulation.run(
            loaded,
            paths=paths,
            seed=seed,
            threads=threads,
            out=place,
            overwrite=overwrite,
            block_paths=block or simulation.BLOCK_PATHS,
            progress=True,
            check=check,
        )

    if out is None and not overwrite:
        out, dataset = in_a_free_place(usual, simulate)
    else:
        out = out or usual
        dataset = simulate(out)
    print_report(dataset, store=str(out), study=None if sets is None else measure(loaded, sets=sets, seed=seed, threads=threads, progress=True))


def in_a_free_place(first: Path, simulate: "Callable[[Path], xr.Dataset]") -> "tuple[Path, xr.Dataset]":
    """Simulate to the first of results/NAME.zarr, results/NAME-2.zarr, -3 and so on that no store stands in and no other run writes to."""
    from simulate.results import place

    for path in place.numbered(first):
        if not os.path.lexists(path):
            try:
                return path, simulate(path)
            except place.Taken:  # by another run, since it was looked at
                continue
    raise AssertionError("there is always one more number")
