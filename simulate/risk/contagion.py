"""Cause of defaults, from two worlds on the same draws: one with contagion, `network`, and one without, `alone`."""

from typing import TYPE_CHECKING

import numpy as np

from simulate.risk.measures import named_estimate, path_weights, proportion
from simulate.risk.selection import in_world

if TYPE_CHECKING:
    import xarray as xr

CAUSES = ("fundamental", "accelerated", "contagion", "relieved")


def first_failures(dataset: "xr.Dataset", *, world: str = "network", without: str = "alone") -> "xr.Dataset":
    """Return the probability that an inside entity fails of contagion (accelerated or contagion in `cause_split`) on a path where another one failed first.

    Dims trigger, entity. Who fails in the earliest step, and there in the earliest wave of its clearing, failed first; several share a path evenly, and
    nobody triggers its own failure. Raises InputError for a world that the result does not have.
    """
    import xarray as xr

    inside = np.flatnonzero(~dataset["outside"].values)
    network = in_world(dataset, "default_step", world).isel(entity=inside)
    step, alone = network.values.astype(np.int64), in_world(dataset, "default_step", without).isel(entity=inside).values
    wave = in_world(dataset, "default_round", world).isel(entity=inside).values.astype(np.int64)
    infected = (step >= 0) & ((alone < 0) | (alone > step))
    order = np.where(step >= 0, step * (wave.max(initial=0) + 1) + wave, np.iinfo(np.int64).max)
    first = (step >= 0) & (order == order.min(axis=1, keepdims=True, initial=np.iinfo(np.int64).max))
    share = first / np.maximum(1, first.sum(axis=1, keepdims=True))
    together = np.einsum("p,pk,pe->ke", path_weights(dataset), share, infected & ~first)
    about = {"units": "1", "long_name": "Probability that the entity fails of contagion after the trigger failed first"}
    return xr.Dataset({"probability": (("trigger", "entity"), together, about)}, coords={"trigger": network["entity"].values, "entity": network["entity"]})


def cause_split(dataset: "xr.Dataset", *, world: str = "network", without: str = "alone") -> "xr.Dataset":
    """Return the probability of each cause of default by inside entity, with 95 % Wilson (1927) intervals. Dims cause, entity.

    With d the step of default in `world` and a the step in the world `without` (-1: none): fundamental: d >= 0 and 0 <= a <= d; accelerated: d >= 0 and a > d;
    contagion: d >= 0 and a = -1; the three sum to the default probability of the run. relieved: d = -1 and a >= 0, a default that the network prevents
    (it sums into nothing). Waves of the clearing are no causes: an effect that arrives a quarter later through revenue, supply or
    funding is in no wave. Raises InputError for a world that the result does not have.
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
