"""The command `simulate`: the verbs of the library for the shell. Data on stdout, everything else on stderr.

Exit codes: 0 done; 1 an internal failure; 2 the input is wrong, each fault a sentence; 130 interrupted.
"""

import os
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from simulate import __version__
from simulate.errors import InputError

# Typer brings its own click or uses the installed one, depending on its version.
UsageError = typer.BadParameter.__base__
TRACEBACK = "SIMULATE_TRACEBACK"
INTERRUPTED = 130
RESULTS = "results"  # folder of stores whose place was not given

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]})

ScenarioArgument = Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario file, or the name of a shipped scenario (see `simulate list`).")]
SetOption = Annotated[
    list[str], typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the scenario, such as factors.short_rate.mean=0.06; may be repeated.")
]


def show_version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        print(f"simulate {__version__}")
        raise typer.Exit


@app.callback(no_args_is_help=True)
def simulate(version: Annotated[bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version and stop.")] = False) -> None:
    """Simulate losses in the network of AI deals: who loses how much, when and why."""


@app.command()
def run(
    scenario: ScenarioArgument,
    paths: Annotated[int | None, typer.Option(help="Number of paths; the scenario's unless given.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all draws; the scenario's unless given. 0 is a seed.")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads; all cores unless given. The result does not depend on it.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="STORE", help="Zarr store to write; unless given a new one in the folder results.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over an existing store.")] = False,
    set_: SetOption = [],  # noqa: B006 - typer copies it
    block: Annotated[int | None, typer.Option(help="Paths of a block, the unit of work and storage. The result does not depend on it.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Verify the identities of the model on every path; the same result, several times slower.")] = False,
) -> None:
    """Simulate a scenario, write the result to a store and print the answer."""
    from simulate import results, simulation
    from simulate.errors import refuse_if_any
    from simulate.report import print_report
    from simulate.scenario import load_scenario

    refuse_if_any(simulation.faults(paths, seed, threads, simulation.BLOCK_PATHS if block is None else block))
    if out is not None and not overwrite:
        results.refuse_existing(out)
    loaded = load_scenario(scenario, set_)
    paths = loaded.run.paths if paths is None else paths
    seed = loaded.run.seed if seed is None else seed
    if out is None:
        out = default_store(f"{loaded.name}-seed{seed}-{paths}", overwrite)
    dataset = simulation.run(
        loaded, paths=paths, seed=seed, threads=threads, out=out, overwrite=overwrite, block_paths=block or simulation.BLOCK_PATHS, progress=True, check=check
    )
    print_report(dataset, store=str(out))


@app.command()
def validate(
    scenario: ScenarioArgument,
    set_: SetOption = [],  # noqa: B006 - typer copies it
    table: Annotated[bool, typer.Option("--table", help="Print the reconciliation table: reported, in deals, residual.")] = False,
) -> None:
    """Check a scenario without running it, and say what was read."""
    from simulate.compile import compile_scenario
    from simulate.report import open_console, print_table, reconciliation_table
    from simulate.scenario import load_scenario

    loaded = load_scenario(scenario, set_)
    compiled = compile_scenario(loaded, loaded.run.seed)
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


@app.command()
def summary(store: Annotated[Path, typer.Argument(metavar="STORE", help="A store that `simulate run` wrote.")]) -> None:
    """Print the answer of a stored result again."""
    from simulate.report import print_report
    from simulate.results import open_results

    print_report(open_results(store), store=str(store))


@app.command()
def calibrate(
    scenario: ScenarioArgument,
    paths: Annotated[int | None, typer.Option(help="Number of paths of each run; the scenario's unless given.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all draws; the scenario's unless given.")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads; all cores unless given. The result does not depend on it.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Markdown file to write; stdout unless given.")] = None,
) -> None:
    """Measure whether a scenario is credible: plan run, default probabilities against bands, signs. Markdown."""
    from simulate import simulation
    from simulate.calibration_page import write_page
    from simulate.errors import refuse_if_any

    refuse_if_any([*simulation.faults(paths, seed, threads, simulation.BLOCK_PATHS), *page_faults(out)])
    page = write_page(scenario, paths=paths, seed=seed, threads=threads)
    if out is None:
        print(page, end="")
    else:
        out.write_text(page, encoding="utf-8")


@app.command(name="list")
def list_scenarios() -> None:
    """List the shipped scenarios."""
    from simulate.scenario import read_toml, shipped_scenarios

    shipped = shipped_scenarios()
    width = max(map(len, shipped), default=0)
    for name, path in shipped.items():
        print(f"{name:{width}}  {read_toml(path).get('title', '')}".rstrip())


def default_store(name: str, overwrite: bool) -> Path:
    """results/NAME.zarr, or where that exists and is to stay results/NAME-2.zarr, -3 and so on: a run without --out never writes over another."""
    first = Path(RESULTS) / f"{name}.zarr"
    if overwrite:
        return first
    number, path = 1, first
    while path.exists():
        number += 1
        path = first.with_name(f"{name}-{number}.zarr")
    return path


def page_faults(out: Path | None) -> list[str]:
    """Why a page cannot be written there; asked before the runs that fill it."""
    if out is None or (out.parent.is_dir() and os.access(out.parent, os.W_OK) and not out.is_dir()):
        return []
    return [f"{out}: no page can be written here; give a file in a folder that exists."]


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(exit_code())


def exit_code(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code; faults become sentences on stderr, never a traceback unless it is asked for."""
    try:
        code = app(args=arguments, prog_name="simulate", standalone_mode=False)
        sys.stdout.flush()
        if code == INTERRUPTED:  # what typer makes of a KeyboardInterrupt
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
    except InputError as error:
        print("\n".join(error.sentences), file=sys.stderr)
        return 2
    except UsageError as error:
        print(f"simulate: {error.format_message().rstrip('.')}. See `simulate --help`.", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, typer.Abort):
        print("interrupted; nothing half-written was kept", file=sys.stderr)
        return INTERRUPTED
    except (BrokenPipeError, SystemExit):  # typer makes the second of the first: the reader of the pipe has seen enough, as in `simulate summary STORE | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        reason = (str(error).splitlines() or ["no reason given"])[0].rstrip(".")
        print(f"simulate failed inside: {type(error).__name__}: {reason}. Set {TRACEBACK}=1 to see where.", file=sys.stderr)
        return 1
