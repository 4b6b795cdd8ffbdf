"""Print the answer as text: tables of a result for the terminal and for pipes, 80 to 100 columns wide, every number with its unit."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, SupportsFloat

import numpy as np
from rich.box import SIMPLE_HEAD, Box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from simulate import risk
from simulate.errors import grouped
from simulate.risk.contributions import TAIL_LEVEL
from simulate.schema import Change

if TYPE_CHECKING:
    import xarray as xr

    from simulate.calendar import Calendar
    from simulate.compile.moved import Moved

WIDTH = 100
MOST_DEALS = 10
MOST_CHANGES = 12
OWN = "own"  # kind of the pseudo-deals that carry the losses on an owner's fleet
ENDS = ("credit", "equity")  # channels of the system loss
BORNE = ("credit", "contract", "equity", "collateral")
ENTITIES_TITLE = (
    "Entities: losses borne, USD bn; in part passed on to outside nodes, so in no sum with them.\n"
    "contract: margin on volume that is gone; equity: what was paid in, not the market value"
)
ROUNDING = 1e-6  # USD bn; smaller amounts are rounding errors of sums
# Plain letters where the output is not a terminal: it may be read by a program or in a mail.
PLAIN = Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)


def print_report(dataset: "xr.Dataset", *, store: str | None = None, file: IO[str] | None = None) -> None:
    """Print the run, the tables, their caveats, and last the store."""
    console = open_console(file)
    console.print(describe_run(dataset), style="bold", highlight=False)
    for line in provenance(dataset):
        console.print(line, highlight=False, markup=False)
    for table in (
        system_table(dataset),
        bearer_table(dataset, outside=True),
        year_table(dataset),
        default_table(dataset),
        bearer_table(dataset, outside=False),
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
    for sentence in caveats(dataset):
        console.print(f"- {sentence}", highlight=False)
    if store is not None:
        console.print(Text(f"\nresult: {store}"), soft_wrap=True)


def open_console(file: IO[str] | None = None) -> Console:
    """Return a console of at most `WIDTH` columns, without colour where the output is not a terminal."""
    console = Console(file=file or sys.stdout, emoji=False)
    return Console(file=file or sys.stdout, emoji=False, width=min(WIDTH, max(80, console.width)) if console.is_terminal else WIDTH)


def print_table(console: Console, table: Table) -> None:
    """Print a table below its title, with the lines that suit the console."""
    console.print(f"\n{table.caption}", style="bold", highlight=False)
    table.caption = None
    table.box = SIMPLE_HEAD if console.is_terminal else PLAIN
    console.print(table)


def new_table(title: str, *columns: str, left: int = 1) -> Table:
    """Return a table with right-aligned columns but for the first `left`. `print_table` prints the title over the whole width, above it."""
    table = Table(caption=title, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0), header_style="")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number < left else "right", overflow="fold", no_wrap=number == 0)
    return table


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


def discounting(dataset: "xr.Dataset") -> str:
    """Describe how losses of different steps are added up."""
    return "discounted on the path's own short rate" if dataset.attrs["discount"] == "short_rate" else "nominal (not discounted)"


def years(dataset: "xr.Dataset") -> float:
    """Return the length of the run in years."""
    return dataset.attrs["steps"] * dataset.attrs["dt"]


def system_table(dataset: "xr.Dataset") -> Table:
    """Return the table of the system loss, with and without contagion."""
    network, alone = risk.tail_measures(dataset), risk.tail_measures(dataset, world="alone")
    title = f"System loss: losses of outside claimants and owners, USD bn, {discounting(dataset)}"
    table = new_table(title, "", "network", "s.e.", "95 % interval", "paths behind", "no contagion", "s.e.")

    def add(label: str, name: str, form: Callable[[SupportsFloat], str], behind: str, **at: Any) -> None:
        one, other = network.sel(**at), alone.sel(**at)
        interval = f"{form(one[name + '_low'])} to {form(one[name + '_high'])}"
        table.add_row(label, form(one[name]), form(one[name + "_error"]), interval, behind, form(other[name]), form(other[name + "_error"]))

    everything = f"{risk.measures.effective_paths(risk.path_weights(dataset)):,.0f}"
    add("Expected loss", "expected_loss", money, everything)
    add("P(loss > 0), %", "loss_probability", percent, everything)
    for name, label in (("value_at_risk", "VaR"), ("expected_shortfall", "ES")):
        for level in network["level"].values:
            add(f"{label} {100 * level:g} %", name, money, f"{float(network['tail_paths'].sel(level=level)):,.0f}", level=level)
    return table


def year_table(dataset: "xr.Dataset") -> Table:
    """Return the system loss by year of the run."""
    losses = risk.losses_by_year(dataset)
    value = risk.mean(risk.base_value(dataset).values, risk.path_weights(dataset))
    title = (
        f"System loss by year, nominal USD bn; worth {money(value.value)} (s.e. {money(value.standard_error)}) on the fixed curve of {dataset.attrs['base']}"
    )
    table = new_table(title, "year to", "expected\nloss", "s.e.", "tail\nloss", "s.e.", "discount\nfactor")
    for year in losses["year"].values:
        one = losses.sel(year=year)
        numbers = (money(one[name]) for name in ("expected_loss", "expected_loss_error", "tail_loss", "tail_loss_error"))
        table.add_row(str(one["year_end"].values), *numbers, f"{float(one['base_discount']):.3f}")
    return table


def default_table(dataset: "xr.Dataset") -> Table:
    """Return the table of default probabilities of the inside entities and their causes."""
    default = risk.default_probability(dataset)
    horizons = default["horizon"].values
    cause = risk.cause_split(dataset)["probability"]
    first = risk.first_failures(dataset)["probability"]
    title = "Defaults: probability with 95 % interval, and by cause over the whole run; % of paths"
    table = new_table(title, "", *(f"PD {h:g} years" for h in horizons), "funda-\nmental", "accel-\nerated", "conta-\ngion", "of these\nmost after")
    for entity in default["entity"].values:
        one, mine = default.sel(entity=entity), cause.sel(entity=entity)
        chances = [probability(*(one[f"default_probability{part}"].sel(horizon=h) for part in ("", "_low", "_high"))) for h in horizons]
        causes = (percent(mine.sel(cause=name)) for name in ("fundamental", "accelerated", "contagion"))
        table.add_row(str(entity), *chances, *causes, most_often(first.sel(entity=entity)))
    return table


def most_often(first: "xr.DataArray") -> str:
    """Name the entity that fails first most often on the paths of `first` (by trigger), with its share of them; nothing without such paths."""
    total = float(first.sum())
    most = first.isel(trigger=int(np.argmax(first.values)))
    return f"{most['trigger'].item()} {100 * float(most) / total:.0f} %" if total > 0.0 else ""


def bearer_table(dataset: "xr.Dataset", *, outside: bool) -> Table | None:
    """Return the losses borne by outside nodes, the largest first, whose sum is the system loss; or by inside entities, in their order."""
    channels = list(ENDS if outside else BORNE)
    where = np.flatnonzero(dataset["outside"].values == outside)
    losses = risk.losses_by_entity(dataset, channels=channels).isel(entity=where)
    parts = [risk.losses_by_entity(dataset, channels=[channel])["expected_loss"].isel(entity=where) for channel in channels]
    title = "Who loses in the end: outside nodes, USD bn; all of them together is the system loss" if outside else ENTITIES_TITLE
    table = new_table(title, "", *channels, "expected\nloss", "s.e.", "tail\nloss")
    rows = np.argsort(-losses["tail_loss"].values, kind="stable") if outside else range(losses.sizes["entity"])
    for row in rows:
        loss = losses.isel(entity=row)
        numbers = [*(part.isel(entity=row) for part in parts), *(loss[name] for name in ("expected_loss", "expected_loss_error", "tail_loss"))]
        if not outside or any(float(number) for number in numbers):
            table.add_row(str(loss["entity"].values), *map(money, numbers))
    if outside and table.row_count:
        whole = risk.tail_measures(dataset, levels=(TAIL_LEVEL,))
        sums = [part.sum() for part in parts]
        table.add_section()
        table.add_row("together", *map(money, (*sums, whole["expected_loss"], whole["expected_loss_error"], whole["expected_shortfall"].item())))
    return table if table.row_count else None


def fleet_table(dataset: "xr.Dataset") -> Table | None:
    """Return the write-downs of fleets by owner; None where there are none."""
    losses = risk.losses_by_entity(dataset, channels=["stranded"])
    title = "Write-downs of fleets (stranded), USD bn: chips without power, or worn out before book life.\nNobody fails of them, and they are in no sum above"
    table = new_table(title, "", "expected\nloss", "s.e.", "tail\nloss")
    for row in np.flatnonzero(losses["expected_loss"].values):
        numbers = (losses[name].isel(entity=row) for name in ("expected_loss", "expected_loss_error", "tail_loss"))
        table.add_row(str(losses["entity"].values[row]), *map(money, numbers))
    return table if table.row_count else None


def deal_table(dataset: "xr.Dataset") -> Table:
    """Return the deals with the largest tail loss. Fleets are no deals; their losses are the channels collateral and stranded."""
    losses = risk.losses_by_deal(dataset)
    losses = losses.isel(deal=np.flatnonzero(losses["deal_kind"].values != OWN))
    worst = np.argsort(-losses["tail_loss"].values, kind="stable")[:MOST_DEALS]
    table = new_table(
        f"Deals: the {min(MOST_DEALS, len(worst))} with the largest tail loss, USD bn",
        "",
        "kind",
        "payer to payee",
        "expected\nloss",
        "s.e.",
        "tail\nloss",
        left=3,
    )
    for row in worst:
        deal = losses.isel(deal=row)
        parties = " to ".join(dict.fromkeys(str(deal[side].values) for side in ("deal_payer", "deal_payee")))
        numbers = (money(deal[name]) for name in ("expected_loss", "expected_loss_error", "tail_loss"))
        table.add_row(str(deal["deal"].values), str(deal["deal_kind"].values), parties, *numbers)
    return table


def world_table(dataset: "xr.Dataset") -> Table | None:
    """Return system loss and defaults of every world, with differences to `network` on the same draws; None where there are only the usual two worlds."""
    worlds = [str(world) for world in dataset["world"].values]
    if len(worlds) <= 2:
        return None
    weights = risk.path_weights(dataset)
    loss = {world: risk.in_world(dataset, "system_loss", world).values for world in worlds}
    failed = {world: (risk.in_world(dataset, "default_step", world).values >= 0).sum(axis=1) for world in worlds}
    title = "Worlds: the same draws with other contagion; system loss in USD bn, differences paired by path"
    table = new_table(title, "", "switched off", "clearing", "expected\nloss", "ES 99 %", "s.e.", "less\nnetwork", "s.e.", "defaults\na path", left=3)
    for world in worlds:
        off, solution = (str(dataset[name].sel(world=world).values) for name in ("switches_off", "solution"))
        tail = risk.expected_shortfall(loss[world], weights, TAIL_LEVEL)
        change = risk.mean(loss[world] - loss["network"], weights)
        numbers = (risk.mean(loss[world], weights).value, tail.value, tail.standard_error, change.value, change.standard_error)
        table.add_row(world, off or "nothing", solution, *map(money, numbers), number(risk.mean(failed[world], weights).value))
    return table


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


def door_table(dataset: "xr.Dataset") -> Table | None:
    """Return default probability by steps in which the funding market was shut, of the entity whose default is least certain; None without defaults."""
    default = risk.default_probability(dataset, horizons=(years(dataset),))["default_probability"].isel(horizon=0)
    doubt = default.values * (1.0 - default.values)
    if not doubt.size or not doubt.max() > 0.0:
        return None
    entity = str(default["entity"].values[int(np.argmax(doubt))])
    bins = risk.default_probability_by_factor(dataset, entity=entity, factor="steps_shut")
    table = new_table(f"Default of {entity} by the steps in which the funding market was shut, % of paths", "steps shut", "share of paths", "PD whole run")
    edges = bins["bin"].values
    for row, low in enumerate(edges):
        one = bins.isel(bin=row)
        if not int(one["paths"]):
            continue
        high = edges[row + 1] - 1 if row + 1 < len(edges) else None
        label = f"{low:g} or more" if high is None else f"{low:g}" if high == low else f"{low:g} to {high:g}"
        table.add_row(label, percent(one["share"]), probability(*(one[f"default_probability{part}"] for part in ("", "_low", "_high"))))
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


def caveats(dataset: "xr.Dataset") -> list[str]:
    """Return sentences about omissions of the tables and numbers that are easily misread."""
    split = risk.cause_split(dataset)["probability"]
    relieved = split.sel(cause="relieved")
    sentences = [
        f"Tail loss: mean in the worst {100 * (1 - TAIL_LEVEL):g} % of the system loss. s.e.: sampling error only; the parameters are uncertain too.",
        "Only realised losses count: after the horizon nothing is valued, and claims on survivors stand at par.",
        "Losses of inside entities are passed on in part to outside claimants, so they are not added to the system loss.",
        "fundamental: also fails with contagion off, no later; accelerated: then later; contagion: then never. most after: who failed first on those paths.",
        "A PD of 0.00 %: it failed on none of the paths; who owes little inside of the network may have no way to fail in this model.",
    ]
    if relieved.size and float(relieved.max()) > 0.0:
        entity = str(relieved["entity"].values[int(np.argmax(relieved.values))])
        sentences.append(
            f"The network also saves: with contagion off {entity} fails on another {percent(relieved.max())} % of paths on which it survives here."
        )
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


def money(value: SupportsFloat) -> str:
    """Format USD bn with significant digits only."""
    value = float(value)
    if not np.isfinite(value):
        return "not known"
    size = abs(value)
    if size < ROUNDING:
        return "0"
    return f"{value:,.0f}" if size >= 1000 else f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 0.005 else f"{value:.1g}"


def percent(value: SupportsFloat) -> str:
    """Format a probability in per cent."""
    share = 100.0 * float(value)
    return "not known" if not np.isfinite(share) else f"{share:.1f}" if share >= 1.0 else f"{share:.2f}"


def probability(value: SupportsFloat, low: SupportsFloat, high: SupportsFloat) -> str:
    """Format a probability and its interval in per cent."""
    return f"{percent(value)} ({percent(low)}-{percent(high)})"


def number(value: SupportsFloat) -> str:
    """Format a number of any size in four digits."""
    value = float(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
