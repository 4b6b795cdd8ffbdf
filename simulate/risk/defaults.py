"""Default probabilities by entity and horizon, and by the value of a factor on the path."""

from typing import TYPE_CHECKING

import numpy as np

from simulate.risk.measures import Estimate, in_world, named_estimate, path_weights, proportion

if TYPE_CHECKING:
    import xarray as xr


def steps_within(dataset: "xr.Dataset", horizon: float) -> int:
    """Return the number of whole steps within a horizon in years, at most those of the run. Raises ValueError for a horizon that is not positive."""
    if horizon <= 0.0:
        raise ValueError(f"a horizon is a positive number of years, not {horizon}")
    return min(int(dataset.attrs["steps"]), int(np.floor(horizon / dataset.attrs["dt"] + 1e-9)))


def default_probability(dataset: "xr.Dataset", *, horizons: tuple[float, ...] = (5.0, 7.0), world: str = "network") -> "xr.Dataset":
    """Return P(default within h years), h in horizons, by inside entity, with 95 % Wilson (1927) intervals. Dims horizon, entity.

    The default of step t is at (t + 1) dt, so it is within h when t < h / dt. `world="alone"`: with contagion off.
    Raises ValueError for a world that the result does not have, and for a horizon that is not positive.
    """
    import xarray as xr

    inside = in_world(dataset, "default_step", world).isel(entity=np.flatnonzero(~dataset["outside"].values))
    weights = path_weights(dataset)
    steps = inside.values
    estimates = [proportion((steps >= 0) & (steps < steps_within(dataset, horizon)), weights) for horizon in horizons]
    stacked = Estimate(*(np.array(column) for column in zip(*estimates)))
    data = named_estimate("default_probability", stacked, ("horizon", "entity"), "1")
    return xr.Dataset(data, coords={"horizon": ("horizon", list(horizons), {"units": "years", "long_name": "Horizon"}), "entity": inside["entity"]})


def default_probability_by_factor(
    dataset: "xr.Dataset", *, entity: str, factor: str = "steps_shut", edges: tuple[float, ...] = (0, 1, 3, 5, 9), world: str = "network"
) -> "xr.Dataset":
    """Return P(default of the entity within the run | summary of the path in the bin), bins [edge_k, edge_k+1), the last one open. Dim bin.

    factor: a row of factor_summary, or a variable by path and world such as steps_shut. Also returns `share`, the probability of the bin, and
    `paths`. A bin without paths has NaN. Raises KeyError for an unknown entity or factor, ValueError for an unknown world.
    """
    import xarray as xr

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
