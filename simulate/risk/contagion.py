"""Cause of defaults, from two worlds on the same draws: one with contagion, `network`, and one without, `alone`."""

from typing import TYPE_CHECKING

import numpy as np

from simulate.risk.measures import in_world, named_estimate, path_weights, proportion

if TYPE_CHECKING:
    import xarray as xr

CAUSES = ("fundamental", "accelerated", "contagion", "relieved")


def cause_split(dataset: "xr.Dataset", *, world: str = "network", without: str = "alone") -> "xr.Dataset":
    """Return the probability of each cause of default by inside entity, with 95 % Wilson (1927) intervals. Dims cause, entity.

    With d the step of default in `world` and a the step in the world `without` (-1: none): fundamental: d >= 0 and 0 <= a <= d; accelerated: d >= 0 and a > d;
    contagion: d >= 0 and a = -1; the three sum to the default probability of the run. relieved: d = -1 and a >= 0, a default that the network prevents
    (it sums into nothing). Waves of the clearing are no causes: an effect that arrives a quarter later through revenue, supply or
    funding is in no wave. Raises ValueError for a world that the result does not have.
    """
    import xarray as xr

    inside = np.flatnonzero(~dataset["outside"].values)
    network = in_world(dataset, "default_step", world).isel(entity=inside)
    with_contagion, alone = network.values, in_world(dataset, "default_step", without).isel(entity=inside).values
    defaulted, also_alone = with_contagion >= 0, alone >= 0
    flags = (
        defaulted & also_alone & (alone <= with_contagion),
        defaulted & (alone > with_contagion),
        defaulted & ~also_alone,
        ~defaulted & also_alone,
    )
    estimate = proportion(np.stack(flags, axis=1), path_weights(dataset))
    data = named_estimate("probability", estimate, ("cause", "entity"), "1")
    return xr.Dataset(data, coords={"cause": ("cause", list(CAUSES), {"long_name": "Cause of the default"}), "entity": network["entity"]})
