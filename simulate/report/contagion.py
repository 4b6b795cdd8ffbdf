"""Tables of contagion: first and second round, the channels, who fails with whom and of whom, and all worlds beside each other."""

from typing import TYPE_CHECKING, SupportsFloat

import numpy as np
from rich.table import Table

from simulate import risk
from simulate.errors import InputError
from simulate.model import SWITCHES
from simulate.report.words import money, new_table, percent
from simulate.risk.contributions import TAIL_LEVEL

if TYPE_CHECKING:
    import xarray as xr

LABELS = {
    "own": "own: outside lenders and owners, without contagion",
    "direct": "direct: owners of firms that lost on who failed",
    "second": "second round: outside, of further failures",
}


def round_table(dataset: "xr.Dataset") -> Table:
    """Return first and second round, and amplification."""
    found = risk.rounds(dataset)
    share, error = (100.0 * float(found[name]) for name in ("amplification", "amplification_error"))
    sure = f" (s.e. {error:.1f})" if np.isfinite(error) else ""
    title = "First and second round, USD bn" + (f"; the second amplifies the first by {share:.1f} %{sure}" if np.isfinite(share) else "")
    table = new_table(title, "", "expected\nloss", "s.e.", "tail\nloss", "s.e.")
    names = ("expected_loss", "expected_loss_error", "tail_loss", "tail_loss_error")
    for part, label in LABELS.items():
        table.add_row(label, *(money(found[name].sel(part=part)) for name in names))
    table.add_section()
    tail = risk.tail_measures(dataset, levels=TAIL_LEVEL)["expected_shortfall_error"].item()
    table.add_row("together: system loss", *(money(found[name].sel(part="system")) for name in names[:3]), money(tail))
    return table


def channel_table(dataset: "xr.Dataset") -> Table | None:
    """Return what each channel does to the second round; None where no world has a channel off or alone."""
    try:
        found = risk.channel_effects(dataset)
    except InputError:
        return None
    title = (
        "Channels of the second round (so without direct losses), USD bn: what each adds to all others, and\n"
        "by itself. They interact: no column adds up. relief: capacity is let again; marks: stakes fall in value"
    )
    table = new_table(title, "", "to the\nothers", "s.e.", "by\nitself", "s.e.")
    for channel in found["channel"].values:
        numbers = (found[name].sel(way=way, channel=channel) for way in ("taken off", "by itself") for name in ("effect", "effect_error"))
        table.add_row(str(channel), *("" if np.isnan(value) else money(value) for value in numbers))
    return table


def condition_tables(dataset: "xr.Dataset") -> list[Table]:
    """Return, for every world that saves one entity, who fails where that one fails, with and without its failure."""
    tables = (condition_table(dataset, str(world)) for world in dataset["world"].values)
    return [table for table in tables if table is not None]


def condition_table(dataset: "xr.Dataset", saved: str) -> Table | None:
    """Return who fails on the paths on which the entity fails that world `saved` saves; None where it saves nobody or several, where that one
    never fails, or nobody else does.
    """
    try:
        found = risk.conditional_defaults(dataset, saved=saved)
    except InputError:
        return None
    given, paths = found.attrs["given"], int(found["paths"])
    others = [
        name for name in found["entity"].values if name != given and max(float(found[p].sel(entity=name)) for p in ("probability", "probability_saved")) > 0
    ]
    if not others:
        return None
    grants = risk.mean(risk.in_world(dataset, "granted", saved).values.astype(np.float64), risk.path_weights(dataset))
    title = (
        f"Who else fails on the {paths:,} paths on which {given} fails, and on these with it saved (world {saved}), %.\n"
        "Saved: of common drivers and of others' failures; the difference is what this failure adds, or spares.\n"
        f"Saving it takes {money(grants.value)} USD bn from outside until the end of the run (s.e. {money(grants.standard_error)}; mean of all paths)"
    )
    table = new_table(title, "", f"{given}\nfails", "95 %", f"{given}\nsaved", "95 %", "of the failure\n(points)", "s.e.")
    for name in others:
        one = found.sel(entity=name)
        columns = [
            column for p in ("probability", "probability_saved") for column in (percent(one[p]), f"{percent(one[p + '_low'])}-{percent(one[p + '_high'])}")
        ]
        table.add_row(str(name), *columns, *(points(one[p]) for p in ("difference", "difference_error")))
    return table


def points(share: SupportsFloat) -> str:
    """Format a difference of probabilities in points."""
    return f"{100 * float(share):.1f}" if np.isfinite(float(share)) else "not known"


def world_table(dataset: "xr.Dataset") -> Table | None:
    """Return losses and defaults of every world, with differences to `network` on the same draws; None where there are only the usual two worlds."""
    worlds = [str(world) for world in dataset["world"].values]
    if len(worlds) <= 2:
        return None
    weights = risk.path_weights(dataset)
    loss = {world: risk.in_world(dataset, "system_loss", world).values for world in worlds}
    failed = {world: (risk.in_world(dataset, "default_step", world).values >= 0).sum(axis=1) for world in worlds}
    title = "Worlds: the same draws with other contagion; system loss in USD bn, differences paired by path"
    table = new_table(title, "", "switched off", "clearing", "saves", "expected\nloss", "ES 99 %", "s.e.", "minus\nnetwork", "s.e.", "defaults\na path", left=4)
    for world in worlds:
        off, solution, saves = (str(dataset[name].sel(world=world).values) for name in ("switches_off", "solution", "saves"))
        tail = risk.expected_shortfall(loss[world], weights, TAIL_LEVEL)
        change = risk.mean(loss[world] - loss["network"], weights)
        numbers = (risk.mean(loss[world], weights).value, tail.value, tail.standard_error, change.value, change.standard_error)
        table.add_row(world, switched_off(off), solution, saves, *map(money, numbers), money(risk.mean(failed[world], weights).value))
    return table


def switched_off(off: str) -> str:
    """Say which channels are off, in the shorter way."""
    left = [switch for switch in SWITCHES if switch not in off.split(", ")]
    if not off or not left:
        return "all" if off else "nothing"
    return off if len(left) > 1 else f"all but {left[0]}"
