"""Print the answer as text: tables of a result for the terminal and for pipes, 80 to 100 columns wide, every number with its unit."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from rich.table import Table
from rich.text import Text

from simulate import risk
from simulate.errors import grouped
from simulate.report import ranges
from simulate.report.contagion import channel_table, condition_tables, round_table, world_table
from simulate.report.failures import default_table, door_table, failing, failure_table, recovery_table, term_table
from simulate.report.losses import bearer_table, deal_table, entity_table, fleet_table, part_table, system_table, year_table
from simulate.report.words import discounting, money, new_table, number, open_console, percent, print_table, years
from simulate.schema import Change

if TYPE_CHECKING:
    import xarray as xr

    from simulate.calendar import Calendar
    from simulate.compile.moved import Moved

MOST_CHANGES = 12
LEAST_RELIEF = 0.001  # of all paths, of a default that the network prevents


def print_report(dataset: "xr.Dataset", *, store: str | None = None, study: "xr.Dataset | None" = None, file: IO[str] | None = None) -> None:
    """Print the run, the tables, their caveats, and last the store. `study`: of its uncertain parameters, which then leads."""
    console = open_console(file)
    console.print(describe_run(dataset), style="bold", highlight=False)
    for line in (*(ranges.lead(study, dataset) if study is not None else ()), *provenance(dataset)):
        console.print(line, highlight=False, markup=False)
    for table in (
        *((ranges.range_table(study), ranges.parameter_table(study)) if study is not None else ()),
        system_table(dataset),
        part_table(dataset),
        round_table(dataset),
        channel_table(dataset),
        bearer_table(dataset),
        year_table(dataset),
        default_table(dataset),
        term_table(dataset),
        failure_table(dataset),
        *condition_tables(dataset),
        recovery_table(dataset),
        entity_table(dataset),
        fleet_table(dataset),
        deal_table(dataset),
        world_table(dataset),
        factor_table(dataset),
        door_table(dataset),
        check_table(dataset),
    ):
        if table is not None:
            print_table(console, table)
    console.print()
    for sentence in (*caveats(dataset, ranged=study is not None), *(ranges.remarks(study) if study is not None else ())):
        console.print(f"- {sentence}", highlight=False)
    if store is not None:
        console.print(Text(f"\nresult: {store}"), soft_wrap=True)


def describe_run(dataset: "xr.Dataset") -> str:
    """Describe the run in one sentence."""
    attrs = dataset.attrs
    return (
        f"{attrs['scenario']}: {attrs['paths']:,} paths, seed {attrs['seed']}, {years(dataset):g} years from {attrs['start']} in {attrs['steps']} steps; "
        f"losses in {attrs['money_unit']}, {discounting(dataset)}."
    )


def changes_of(dataset: "xr.Dataset") -> list[Change]:
    """Return what was changed against the scenario at the root of `extends`."""
    return [Change(*change) for change in json.loads(dataset.attrs["changes"])]


def provenance(dataset: "xr.Dataset") -> list[str]:
    """Say what was run: changes against the scenario at the root of `extends`, digest and version."""
    attrs = dataset.attrs
    changes = changes_of(dataset)
    lines = [f"digest {attrs['digest'][:8]}, simulate {attrs['version']}"]
    if changes:
        lines.append(f"changed against {attrs['base']}:")
        lines += [f"  {change}" for change in changes[:MOST_CHANGES]]
        if len(changes) > MOST_CHANGES:
            lines.append(f"  and {len(changes) - MOST_CHANGES:,} more (attribute `changes`)")
    return [*lines, *(f"warning: {sentence}" for sentence in grouped(json.loads(attrs["warnings"])))]


def factor_table(dataset: "xr.Dataset") -> Table:
    """Return mean and 5 and 95 % quantiles of the path summaries of the factors, and of the network's sums over time."""
    weights = risk.path_weights(dataset)
    table = new_table("Factors: summaries over a path (docs/results.md defines each)", "", "mean", "5 %", "95 %", "unit")
    table.columns[4].justify = "left"

    def add(name: str, values: np.ndarray, unit: str) -> None:
        low, high = (risk.value_at_risk(values, weights, level).value for level in (0.05, 0.95))
        table.add_row(name, number(risk.mean(values, weights).value), number(low), number(high), unit)

    for factor in dataset["factor"].values:
        one = dataset["factor_summary"].sel(factor=factor)
        add(str(factor), one.values.astype(np.float64), str(one["factor_unit"].values))
    for name in ("steps_shut", "interest_paid", "stranded_gw_years", "unconverged"):
        add(name, risk.in_world(dataset, name, "network").values.astype(np.float64), dataset[name].attrs["units"])
    return table


def check_table(dataset: "xr.Dataset") -> Table | None:
    """Return the identities verified on every path, with the largest residual of each and its place; None for a run without --check."""
    if "identity_residual" not in dataset:
        return None
    residuals = dataset["identity_residual"]
    worst = residuals.isel(identity=int(np.argmax(residuals.values)))
    table = new_table(
        f"Checked: {dataset.attrs['paths']:,} paths, {residuals.size} identities in every world and step (docs/model.md, section 7); "
        f"largest residual {float(worst):.1e} ({worst['identity'].item()}, tolerance {float(worst['identity_tolerance']):.0e})",
        "", "largest residual", "tolerance", "path", "world", "step", "entity",
    )  # fmt: skip
    for column in (4, 6):
        table.columns[column].justify = "left"
    for k in range(residuals.size):
        at = {name: dataset[f"identity_{name}"].values[k] for name in ("path", "world", "step", "entity", "tolerance")}
        residual = float(residuals[k])
        path, step = (f"{int(at[name])}" if at[name] >= 0 else "" for name in ("path", "step"))
        numbers = (f"{residual:.1e}" if residual else "0", f"{at['tolerance']:.0e}" if at["tolerance"] else "0")
        table.add_row(str(residuals["identity"].values[k]), *numbers, path, str(at["world"]), step, str(at["entity"]))
    return table


def print_ranges(study: "xr.Dataset", *, file: IO[str] | None = None) -> None:
    """Print a study of uncertain parameters: the sentences that lead it, its two tables, and what it left out."""
    console, attrs = open_console(file), study.attrs
    console.print(f"{attrs['scenario']}: {attrs['years']:g} years, seed {attrs['seed']}.", style="bold", highlight=False)
    for line in ranges.lead(study):
        console.print(line, highlight=False, markup=False)
    for table in (ranges.range_table(study), ranges.parameter_table(study)):
        print_table(console, table)
    for sentence in ranges.remarks(study):
        console.print(f"- {sentence}", highlight=False, markup=False)


def sampling_only(dataset: "xr.Dataset", ranged: bool) -> str:
    """Say what standard errors do not measure, and what does."""
    count = len(json.loads(dataset.attrs["resolved"]).get("uncertain", {}))
    if ranged or not count:
        return "s.e.: sampling error only; the parameters are uncertain too."
    return f"s.e.: sampling error only; {count} parameters are uncertain too: `simulate ranges {dataset.attrs['scenario']}` measures what that does."


def caveats(dataset: "xr.Dataset", *, ranged: bool = False) -> list[str]:
    """Return sentences about omissions of the tables and numbers that are easily misread. `ranged`: the parameter ranges stand in the answer."""
    relieved = risk.cause_split(dataset)["probability"].sel(cause="relieved")
    never = [str(name) for name in relieved["entity"].values if str(name) not in failing(dataset)]
    sentences = [
        sampling_only(dataset, ranged),
        "Only realised losses count: after the horizon nothing is valued, and claims on survivors stand at par.",
        "System loss: lenders lose what is not paid. Owners lose what they paid for stakes that a default wipes out. Through a firm that lives its owners lose "
        "what it lost on others; of one that fails, what its creditors do not bear. At their value then: the equity that the default wiped out, a value of this model.",
        "No contagion: the world `alone`, in which firms lose nothing on each other. So the difference to it holds the direct losses too; the second round does not.",
        "What a firm would have lost after its own failure is in no number at cost, so read the loss of lenders and that at mark beside it (docs/model.md 4.10).",
        "A firm worth more than its claims can fail for want of cash, and its creditors lose: in a liquidation assets go for less, and a restructuring cuts claims.",
        "fundamental: also fails with contagion off, no later; accelerated: then later; contagion: then never. fail after: who failed first in time on those paths.",
    ]
    if never:
        sentences.append(f"On no path failed: {', '.join(never)}. Who owes little inside of the network may have no way to fail in this model.")
    saved = [f"{name.item()} on {percent(share)} %" for name, share in zip(relieved["entity"], relieved, strict=True) if share >= LEAST_RELIEF]
    if saved:
        sentences.append(f"The network also saves: with contagion off fail, and survive here, {', '.join(saved)} of all paths.")
    sentences += [f"Blank, so off: {sentence}" for sentence in grouped(json.loads(dataset.attrs["silent"]))]
    unconverged = float(dataset["unconverged"].sum())
    if unconverged:
        sentences.append(f"WARNING: {unconverged:,.0f} clearings did not converge; the payments of those steps are not exact.")
    return sentences


def reconciliation_table(rows: Iterable[Mapping[str, Any]]) -> Table:
    """Return reported figures, their part in the deals of the network, and the residual, which becomes the external line."""
    table = new_table("Reconciliation: reported = in deals + residual", "entity", "line", "year", "reported", "in deals", "residual", "unit", left=3)
    for row in rows:
        table.add_row(
            str(row["entity"]),
            str(row["line"]),
            "" if row["year"] is None else str(row["year"]),
            *(money(row[key]) for key in ("reported", "in_deals", "residual")),
            str(row["unit"]),
        )
    return table


def moved_table(moved: "Sequence[Moved]", calendar: "Calendar", base: str) -> Table:
    """Return what moved in the compiled model against the base, of a number by step the largest difference and the end of its step."""
    table = new_table(
        f"Moved against {base} in the compiled model (names: simulate/model.py); all else is as it was",
        "",
        "row",
        "in step to",
        "from",
        "to",
        left=3,
    )
    for one in moved:
        when = "" if one.step is None else str(calendar.end_of(one.step))
        table.add_row(one.what, one.row, when, *("not there" if np.isnan(value) else number(value) for value in (one.before, one.after)))
    return table
