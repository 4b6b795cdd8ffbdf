"""`simulate calibrate`, `backtest` and `growth`: what a scenario says beside what is known; `simulate ranges`: beside what nobody knows."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simulate.cli.options import ScenarioArgument, SetOption, ShockOption, say_warnings, with_shocks

if TYPE_CHECKING:
    import xarray as xr


def calibrate(
    scenario: ScenarioArgument,
    paths: Annotated[int | None, typer.Option(help="Number of paths of each run; the scenario's unless given.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all draws; the scenario's unless given.")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads; all cores unless given. The result does not depend on it.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Markdown file to write; stdout unless given.")] = None,
) -> None:
    """Measure whether a scenario is credible: plan run, default probabilities against bands, signs. Markdown."""
    from simulate.engine import simulation
    from simulate.errors import InputError, refuse_if_any
    from simulate.report.calibration import write_page
    from simulate.results.place import expand
    from simulate.scenario.load import load_scenario

    out = None if out is None else expand(out)
    refuse_if_any([*simulation.faults(paths, seed, threads, simulation.BLOCK_PATHS), *page_faults(out)])
    say_warnings(load_scenario(scenario).warnings)
    page = write_page(scenario, paths=paths, seed=seed, threads=threads)
    if out is None:
        print(page, end="")
    else:
        try:
            out.write_text(page, encoding="utf-8")
        except OSError as error:
            raise InputError([f"{out}: the page cannot be written ({error.strerror}); make room, or leave --out out and it is printed."]) from error


def backtest(
    scenario: ScenarioArgument,
    paths: Annotated[int | None, typer.Option(help="Number of paths; the scenario's unless given.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all draws; the scenario's unless given.")] = None,
) -> None:
    """Hold a scenario against what happened since (outcomes.csv beside its tables): where each outcome lies among the simulated ones. Markdown."""
    from simulate.engine import simulation
    from simulate.errors import refuse_if_any
    from simulate.report.backtest import write_tables
    from simulate.studies.backtest import backtest as measure

    refuse_if_any(simulation.faults(paths, seed, None, simulation.BLOCK_PATHS))
    print(write_tables(measure(scenario, paths=paths, seed=seed)), end="")


def growth(scenario: ScenarioArgument) -> None:
    """Choose the opening growth of labs from run rates known at the opening (run_rates.csv beside the tables), by stated rules. Markdown."""
    from simulate.report.growth import write_tables
    from simulate.studies.growth import study_growth
    from simulate.studies.guidance import measure_surprises

    found = study_growth(scenario)
    print(write_tables(found, measure_surprises(found.scenario, found.rates)), end="")


def ranges(
    scenario: ScenarioArgument,
    sets: Annotated[int | None, typer.Option(help="Sets of parameters; 200 unless given.")] = None,
    paths: Annotated[int | None, typer.Option(help="Paths of each set; 4,000 unless given.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of paths and sets; the scenario's unless given.")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads; all cores unless given. The result does not depend on it.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="File to write the study to, .zarr or .nc; what exists is not written over.")] = None,
    set_: SetOption = [],  # noqa: B006 - typer copies it
    shock: ShockOption = [],  # noqa: B006
) -> None:
    """Draw the uncertain parameters of a scenario, and print the range that they make of the answer and what it hangs on."""
    from simulate.errors import refuse_if_any
    from simulate.report.text import print_ranges
    from simulate.results.place import expand
    from simulate.scenario.load import load_scenario
    from simulate.studies import ranges as study

    out = None if out is None else expand(out)
    refuse_if_any(study_faults(out))
    loaded = load_scenario(scenario, with_shocks(set_, shock))
    say_warnings(loaded.warnings)
    found = study.ranges(
        loaded, sets=study.SETS if sets is None else sets, paths=study.PATHS if paths is None else paths, seed=seed, threads=threads, progress=True
    )
    if out is not None:
        write_study(found, out)
    print_ranges(found)


def write_study(study: "xr.Dataset", out: Path) -> None:
    """Write a study to a Zarr store or a netCDF file. Raises InputError if it cannot be written."""
    from simulate.errors import InputError

    try:
        if out.suffix == ".zarr":
            study.to_zarr(out, mode="w-", consolidated=False)
        else:
            study.to_netcdf(out, mode="w", engine="scipy")
    except OSError as error:
        raise InputError([f"{out}: the study cannot be written ({error.strerror}); make room, or leave --out out and it is printed."]) from error


def study_faults(out: Path | None) -> list[str]:
    """Return a sentence if no study can be written to `out`; checked before the long runs."""
    if out is None:
        return []
    if out.suffix not in (".zarr", ".nc"):
        return [f"{out}: a study is written as .zarr or .nc; give a name that ends in one of them."]
    if os.path.lexists(out):
        return [f"{out}: there is something here already, and it is not written over; give another name."]
    if not (out.parent.is_dir() and os.access(out.parent, os.W_OK)):
        return [f"{out}: no study can be written here; give a place in a folder that exists."]
    return []


def page_faults(out: Path | None) -> list[str]:
    """Return a sentence if no page can be written to `out`; checked before the long runs."""
    if out is None or (out.parent.is_dir() and os.access(out.parent, os.W_OK) and not out.is_dir()):
        return []
    return [f"{out}: no page can be written here; give a file in a folder that exists."]
