"""Default probabilities by entity and horizon, and by the value of a factor on the path."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from simulate.errors import InputError
from simulate.risk.measures import Estimate, named_estimate, path_weights, proportion, value_at_risk
from simulate.risk.selection import choose, in_world

if TYPE_CHECKING:
    import xarray as xr


STANDARD = 5.0  # years, the horizon of most ratings and swaps


def standard_horizons(dataset: "xr.Dataset") -> tuple[float, ...]:
    """Return five years, where the run is longer, and its whole length in years."""
    length = float(dataset.attrs["steps"]) * float(dataset.attrs["dt"])
    return (STANDARD, length) if length > STANDARD else (length,)


def steps_within(dataset: "xr.Dataset", horizon: float) -> int:
    """Return the number of whole steps within a horizon in years. Raises InputError for a horizon that is not positive, or beyond the run."""
    steps, dt = int(dataset.attrs["steps"]), float(dataset.attrs["dt"])
    if not 0.0 < horizon <= steps * dt + 1e-9:
        raise InputError([f"a horizon lies within the run, so above 0 and up to {steps * dt:g} years, and not at {horizon:g}."])
    return int(np.floor(horizon / dt + 1e-9))


def default_probability(dataset: "xr.Dataset", *, horizons: float | Sequence[float] | None = None, world: str = "network") -> "xr.Dataset":
    """Return P(default within h years), h in horizons, by inside entity, with 95 % Wilson (1927) intervals. Dims horizon, entity.

    horizons: one or several, years; five years and the length of the run unless given. The default of step t is at (t + 1) dt, so it is within h when
    t < h / dt. `world="alone"`: with contagion off. Raises InputError for a world that the result does not have, and for a horizon outside of the run.
    """
    import xarray as xr

    inside = in_world(dataset, "default_step", world).isel(entity=np.flatnonzero(~dataset["outside"].values))
    weights = path_weights(dataset)
    steps = inside.values
    horizons = standard_horizons(dataset) if horizons is None else tuple(float(horizon) for horizon in np.atleast_1d(horizons))
    estimates = [proportion((steps >= 0) & (steps < steps_within(dataset, horizon)), weights) for horizon in horizons]
    stacked = Estimate(*(np.array(column) for column in zip(*estimates)))
    data = named_estimate("default_probability", stacked, ("horizon", "entity"), "1")
    return xr.Dataset(data, coords={"horizon": ("horizon", list(horizons), {"units": "years", "long_name": "Horizon"}), "entity": inside["entity"]})


def default_probability_by_factor(
    dataset: "xr.Dataset", *, entity: str, factor: str = "steps_shut", edges: tuple[float, ...] = (0, 1, 3, 5, 9), world: str = "network"
) -> "xr.Dataset":
    """Return P(default of the entity within the run | summary of the path in the bin), bins [edge_k, edge_k+1), the last one open. Dim bin.

    factor: a row of factor_summary, or a variable by path and world such as steps_shut. Also returns `share`, the probability of the bin, and
    `paths`. A bin without paths has NaN. Raises InputError for an unknown entity, factor or world, and edges that do not rise.
    """
    import xarray as xr

    if len(edges) == 0 or not (np.diff(edges) > 0).all():
        raise InputError([f"edges of bins must rise, and {tuple(edges)} do not."])
    choose(dataset, "entity", [entity], among=dataset["entity"].values[~dataset["outside"].values])
    if factor not in dataset.data_vars:
        choose(dataset, "factor", [factor])

    of_factors = factor in dataset["factor"].values
    summary = dataset["factor_summary"].sel(factor=factor) if of_factors else in_world(dataset, factor, world)
    values = summary.values
    happened = in_world(dataset, "default_step", world).sel(entity=entity).values >= 0
    weights = path_weights(dataset)
    bins = np.searchsorted(np.asarray(edges, dtype=np.float64), values, side="right") - 1
    estimates, shares, counts = [], [], []
    for number in range(len(edges)):
        member = bins == number
        share = weights[member].sum()
        shares.append(share)
        counts.append(int(member.sum()))
        estimates.append(proportion(happened[member], weights[member] / share) if share > 0 else Estimate(np.nan, np.nan, np.nan, np.nan))
    stacked = Estimate(*(np.array(column) for column in zip(*estimates)))
    data = named_estimate("default_probability", stacked, ("bin",), "1")
    data["share"] = (("bin",), np.array(shares), {"units": "1", "long_name": "Probability of the bin"})
    data["paths"] = (("bin",), np.array(counts), {"units": "paths", "long_name": "Paths in the bin"})
    unit = str(dataset["factor_unit"].sel(factor=factor).values) if of_factors else summary.attrs["units"]
    return xr.Dataset(data, coords={"bin": ("bin", np.asarray(edges, dtype=np.float64), {"units": unit, "long_name": f"Low end of the bin of {factor}"})})


def failures(dataset: "xr.Dataset", *, world: str = "network", quantiles: tuple[float, ...] = (0.05, 0.5, 0.95)) -> "xr.Dataset":
    """Return what kind of first default inside entities have. Dims entity, quantile.

    liquidity_share: share of the paths with a default on which the entity was worth more than its claims when it failed, with its 95 % Wilson (1927)
    interval; the others are balance-sheet defaults. equity, short [USD bn]: quantiles of assets less claims at the failure, before it cost anything, and
    of dues beyond cash, receipts and funding. paths: paths with a default; without any, NaN. Raises InputError for an unknown world.
    """
    import xarray as xr

    inside = np.flatnonzero(~dataset["outside"].values)
    step, equity, short = (in_world(dataset, name, world).isel(entity=inside) for name in ("default_step", "failure_equity", "failure_short"))
    weights = path_weights(dataset)
    shares, amounts = [], {"equity": [], "short": []}  # type: ignore[var-annotated]
    for k in range(len(inside)):
        failed = step.values[:, k] >= 0
        own = weights[failed] / weights[failed].sum() if failed.any() else weights[failed]
        shares.append(proportion(equity.values[failed, k] > 0.0, own) if failed.any() else Estimate(np.nan, np.nan, np.nan, np.nan))
        for name, values in (("equity", equity), ("short", short)):
            of_path = values.values[failed, k].astype(np.float64)
            amounts[name].append([value_at_risk(of_path, own, q).value if failed.any() else np.nan for q in quantiles])
    data = named_estimate("liquidity_share", Estimate(*(np.array(column) for column in zip(*shares))), ("entity",), "1")
    for name, about in (("equity", "Assets less claims at the failure"), ("short", "Dues beyond cash, receipts and funding at the failure")):
        data[name] = (("entity", "quantile"), np.array(amounts[name]), {"units": "USD bn", "long_name": about})
    data["paths"] = (("entity",), (step.values >= 0).sum(axis=0), {"units": "paths", "long_name": "Paths with a default"})
    return xr.Dataset(data, coords={"entity": step["entity"], "quantile": ("quantile", list(quantiles), {"units": "1", "long_name": "Quantile"})})
