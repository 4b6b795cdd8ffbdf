"""Tables of defaults: probabilities and causes, their term structure, what failed, and the market that was shut."""

from typing import TYPE_CHECKING

import numpy as np
from rich.table import Table

from simulate import risk
from simulate.errors import InputError
from simulate.model import CLASSES
from simulate.report.words import money, new_table, percent, probability, years

if TYPE_CHECKING:
    import xarray as xr


def default_table(dataset: "xr.Dataset") -> Table:
    """Return the table of default probabilities of the inside entities and their causes."""
    default = risk.default_probability(dataset)
    horizons = default["horizon"].values
    cause = risk.cause_split(dataset)["probability"]
    first = risk.first_failures(dataset)["probability"]
    title = "Defaults: probability with 95 % interval, and by cause over the whole run; % of paths"
    table = new_table(title, "", *(f"PD {h:g} years" for h in horizons), "funda-\nmental", "accel-\nerated", "conta-\ngion", "of these most\nfail after")
    for entity in failing(dataset):
        one, mine = default.sel(entity=entity), cause.sel(entity=entity)
        chances = [probability(*(one[f"default_probability{part}"].sel(horizon=h) for part in ("", "_low", "_high"))) for h in horizons]
        causes = (percent(mine.sel(cause=name)) for name in ("fundamental", "accelerated", "contagion"))
        table.add_row(str(entity), *chances, *causes, most_often(first.sel(entity=entity)))
    return table


def failing(dataset: "xr.Dataset") -> list[str]:
    """Return the inside entities that fail on some path, with contagion or without; all of them where none does."""
    steps = dataset["default_step"].sel(world=["network", "alone"]).isel(entity=np.flatnonzero(~dataset["outside"].values))
    fails = (steps >= 0).any(["path", "world"])
    names = [str(name) for name in steps["entity"].values]
    return [name for name, some in zip(names, fails.values.tolist(), strict=True) if some] or names


def most_often(first: "xr.DataArray") -> str:
    """Name the entity that fails first most often on the paths of `first` (by trigger), with its share of them; nothing without such paths."""
    total = float(first.sum())
    most = first.isel(trigger=int(np.argmax(first.values)))
    return f"{most['trigger'].item()} {100 * float(most) / total:.0f} %" if total > 0.0 else ""


def term_table(dataset: "xr.Dataset") -> Table | None:
    """Return the probability of a default within each year of the run, by entity, of those that default on some path."""
    length = years(dataset)
    horizons = [float(year) for year in range(1, int(np.ceil(length - 1e-9)) + 1)]
    horizons[-1] = length
    chance = risk.default_probability(dataset, horizons=horizons)["default_probability"]
    some = [str(entity) for entity in chance["entity"].values if float(chance.sel(entity=entity).isel(horizon=-1)) > 0.0]
    if not some:
        return None
    table = new_table("Term structure: defaulted within so many years, % of paths", "", *(f"{horizon:g}" for horizon in horizons))
    for entity in some:
        table.add_row(entity, *(percent(value) for value in chance.sel(entity=entity).values))
    return table


def failure_table(dataset: "xr.Dataset") -> Table | None:
    """Return what kind of default each entity has, and how much equity it had and how much money it lacked; None without defaults."""
    failures = risk.failures(dataset)
    failures = failures.isel(entity=np.flatnonzero(failures["paths"].values))
    if not failures.sizes["entity"]:
        return None
    title = (
        "What failed: liquidity defaults (worth more than its claims, short of cash) in % of first defaults;\n"
        "the others are balance-sheet defaults. Equity at the failure, and dues beyond its means, USD bn"
    )
    table = new_table(title, "", "paths", "liquidity\n(95 % interval)", "equity,\nmedian", "5 to 95 %", "short of,\nmedian", "95 %")
    for k in range(failures.sizes["entity"]):
        one = failures.isel(entity=k)
        low, middle, high = (money(one["equity"].sel(quantile=q)) for q in (0.05, 0.5, 0.95))
        share = probability(*(one[f"liquidity_share{part}"] for part in ("", "_low", "_high")))
        short = (money(one["short"].sel(quantile=q)) for q in (0.5, 0.95))
        table.add_row(str(one["entity"].values), f"{int(one['paths']):,}", share, middle, f"{low} to {high}", *short)
    return table


def recovery_table(dataset: "xr.Dataset") -> Table | None:
    """Return the recovery of claims on each defaulter by class; None without defaults."""
    title = (
        "Recovery of claims on who fails, %: of all dollars, and quantiles over paths; paid by the end of\n"
        "the run, without shares of a restructured firm. senior: unsecured. Claims: USD bn where it fails.\n"
        "Published (docs/model.md 4.10): bonds 39, loans 74; all debt 21-25 in 2000-02; telecom builders 1-5"
    )
    table = new_table(title, "", "class", "claims", "recovery", "s.e.", "5 %", "median", "95 %", "paths", left=2)
    for payer in dict.fromkeys(str(name) for name in dataset["deal_payer"].values):
        try:
            found = risk.recovery(dataset, payer=payer)
        except InputError:
            continue
        for name in (name for name in CLASSES if name in found["deal_class"].values):
            one = found.sel(deal_class=name)
            shares = (percent(one["recovery"]), percent(one["recovery_error"]), *(percent(value) for value in one["quantiles"].values))
            table.add_row(payer, name, money(one["claims"]), *shares, f"{int(one['paths']):,}")
    return table if table.row_count else None


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
