"""Losses by bearer, channel, deal and year: expected, and in the tail of the system loss of the same world.

Tail loss is the Euler contribution to expected shortfall of the system loss (Tasche 1999; Kalkbrener 2005): E[X | worst 1 - level of the system loss], with the
atom at VaR split as in `measures.tail_weights`. Tail losses of parts that add up on every path add up. Standard errors hold the set of tail paths fixed:
sqrt(sum v_p^2 (x_p - mean)^2) with v the tail weights scaled to 1.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from simulate.risk.measures import Estimate, expected_shortfall, mean, named_estimate, path_weights, tail_weights, value_at_risk
from simulate.risk.selection import choose, in_world, losses_of

if TYPE_CHECKING:
    import xarray as xr

TAIL_LEVEL = 0.99


def losses_by_entity(dataset: "xr.Dataset", *, channels: Sequence[str] | None = None, level: float = TAIL_LEVEL, world: str = "network") -> "xr.Dataset":
    """Return expected and tail loss [USD bn] by entity, outside nodes included, through the channels (None: all). Dim entity.

    Raises InputError for a world without detail.
    """
    loss = in_world(dataset, "loss", world)
    if channels is not None:
        loss = loss.sel(channel=choose(dataset, "channel", channels))
    return expected_and_tail(dataset, loss.sum("channel", dtype=np.float64), level, world)


def losses_by_channel(dataset: "xr.Dataset", *, level: float = TAIL_LEVEL, outside: bool | None = None, world: str = "network") -> "xr.Dataset":
    """Return expected and tail loss [USD bn] by channel, of outside nodes (True), inside entities (False) or all (None). Dim channel.

    Raises InputError for a world without detail.
    """
    loss = in_world(dataset, "loss", world)
    if outside is not None:
        loss = loss.isel(entity=np.flatnonzero(dataset["outside"].values == outside))
    return expected_and_tail(dataset, loss.sum("entity", dtype=np.float64), level, world)


def losses_by_deal(dataset: "xr.Dataset", *, level: float = TAIL_LEVEL, world: str = "network") -> "xr.Dataset":
    """Return expected and tail loss [USD bn] by deal, all bearers. Dim deal. Raises InputError for a world without detail."""
    return expected_and_tail(dataset, in_world(dataset, "deal_loss", world).astype(np.float64), level, world)


def losses_by_year(dataset: "xr.Dataset", *, level: float = TAIL_LEVEL, world: str = "network") -> "xr.Dataset":
    """Return expected and tail system loss [USD bn, nominal] by year of the run. Dim year. Raises InputError for a world that the result does not have."""
    return expected_and_tail(dataset, in_world(dataset, "system_loss_by_year", world), level, world)


def losses_through(dataset: "xr.Dataset", *, level: float = TAIL_LEVEL, world: str = "network") -> "xr.Dataset":
    """Return expected and tail loss [USD bn] that owners bear through each inside entity: its losses on others beyond what its creditors, and those who
    lost stakes in it, bear (docs/model.md 4.10). Dim entity. Raises InputError for a world that the result does not have.
    """
    through = in_world(dataset, "borne_through", world).isel(entity=np.flatnonzero(~dataset["outside"].values))
    return expected_and_tail(dataset, through.astype(np.float64), level, world)


def system_parts(dataset: "xr.Dataset", *, level: float = TAIL_LEVEL, world: str = "network") -> "xr.Dataset":
    """Return expected and tail loss [USD bn] of the parts of the system loss, and value at risk and expected shortfall of each by itself. Dim part:

    lenders (credit losses of outside nodes), claimants (their contract losses), written_off (their stakes at cost), through (what owners bear through
    inside entities); system is their sum. value_at_risk and expected_shortfall at `level` are those of the part alone, and add up to nothing. at_mark: the system loss with stakes at their value at the failure. outside: what outside nodes alone book
    as credit and equity losses. Raises InputError for a world that the result does not have.
    """
    import xarray as xr

    system, lenders, outside = (in_world(dataset, name, world) for name in ("system_loss", "lender_loss", "outside_loss"))
    through = in_world(dataset, "owner_loss", world)
    parts = {
        "lenders": lenders,
        "claimants": system - through - outside,
        "written_off": outside - lenders,
        "through": through,
        "system": system,
        "at_mark": in_world(dataset, "system_loss_at_mark", world),
        "outside": outside,
    }
    stacked = xr.concat([values.drop_vars("world", errors="ignore") for values in parts.values()], xr.IndexVariable("part", list(parts)))
    weights = path_weights(dataset)
    data: dict[str, Any] = {}
    for name, measure in (("value_at_risk", value_at_risk), ("expected_shortfall", expected_shortfall)):
        estimates = [measure(stacked.sel(part=part).values, weights, level) for part in parts]
        data |= named_estimate(name, Estimate(*(np.array(column) for column in zip(*estimates))), ("part",), dataset["system_loss"].attrs.get("units", "1"))
    return expected_and_tail(dataset, stacked, level, world).assign(data)


def base_value(dataset: "xr.Dataset", *, world: str = "network") -> "xr.DataArray":
    """Return the system loss [USD bn] of every path, valued on the fixed curve of the result: losses of a year times its `base_discount`. Dim path.

    No stress of rates moves the curve, so these values of two runs of one base compare. Raises InputError for a world that the result does not have.
    """
    return (in_world(dataset, "system_loss_by_year", world) * dataset["base_discount"]).sum("year").drop_vars("world", errors="ignore")


def expected_and_tail(dataset: "xr.Dataset", losses: "xr.DataArray", level: float, world: str) -> "xr.Dataset":
    """Return expected and tail mean of losses (path, X); paths without tail weight do not enter the second."""
    import xarray as xr

    weights = path_weights(dataset)
    tail = tail_weights(losses_of(dataset, "system_loss", world), weights, level)
    worst = np.flatnonzero(tail > 0.0)
    values = losses.transpose("path", ...).values
    dim = str(losses.dims[-1] if losses.dims[-1] != "path" else losses.dims[0])
    unit = dataset["system_loss"].attrs.get("units", "1")
    data = named_estimate("expected_loss", mean(values, weights), (dim,), unit)
    data |= named_estimate("tail_loss", mean(values[worst], tail[worst] / tail[worst].sum()), (dim,), unit)
    return xr.Dataset(data, coords={name: losses.coords[name] for name in losses.coords if losses.coords[name].dims == (dim,)}, attrs={"level": level})
