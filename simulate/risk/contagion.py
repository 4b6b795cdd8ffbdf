"""Cause of defaults, from worlds on the same draws: with contagion, `network`; without, `alone`; and with one entity saved."""

from typing import TYPE_CHECKING

import numpy as np

from simulate.errors import InputError
from simulate.model import FIRST
from simulate.risk.measures import mean, named_estimate, path_weights, proportion
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
    first = first_to_fail(step, wave)
    share = first / np.maximum(1, first.sum(axis=1, keepdims=True))
    together = np.einsum("p,pk,pe->ke", path_weights(dataset), share, infected & ~first)
    about = {"units": "1", "long_name": "Probability that the entity fails of contagion after the trigger failed first"}
    return xr.Dataset({"probability": (("trigger", "entity"), together, about)}, coords={"trigger": network["entity"].values, "entity": network["entity"]})


def first_to_fail(step: np.ndarray, wave: np.ndarray) -> np.ndarray:
    """Return flags [path, entity] of who fails in the earliest step of the path, and there in the earliest wave of its clearing."""
    order = np.where(step >= 0, step * (wave.max(initial=0) + 1) + wave, np.iinfo(np.int64).max)
    return (step >= 0) & (order == order.min(axis=1, keepdims=True, initial=np.iinfo(np.int64).max))


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


def conditional_defaults(dataset: "xr.Dataset", *, saved: str, world: str = "network", given: str | None = None) -> "xr.Dataset":
    """Return default probabilities of inside entities on the paths on which one of them fails, and on the same paths with that one saved. Dim entity.

    saved: a world that saves entities. given: the one whose failure in `world` selects the paths, one that is saved; needed only where several are.
    In a world that saves who fails first the paths are those on which `given` is among the first to fail.
    probability: P(i fails | given fails); probability_saved: the same without that failure, so of the common drivers and of the failures of others;
    difference: what the failure adds. Wilson (1927) intervals, and for the difference the paired standard error. paths: number of them. Raises
    InputError for a world that saves nobody, and for an entity that it does not save.
    """
    import xarray as xr

    weights = path_weights(dataset)
    inside = np.flatnonzero(~dataset["outside"].values)
    names = [str(name) for name in dataset["entity"].values[inside]]
    step = in_world(dataset, "default_step", world).isel(entity=inside).values.astype(np.int64)
    failed, still = step >= 0, in_world(dataset, "default_step", saved).isel(entity=inside).values >= 0
    whom = str(dataset["saves"].sel(world=saved).values)
    among = [name for name in names if whom == FIRST or name in whom.split(", ")]
    if not among:
        raise InputError([f"world '{saved}' saves nobody; name one with `saves` in the scenario."])
    if given is None and len(among) > 1:
        raise InputError([f"world '{saved}' saves more than one; say whose failure is given: {', '.join(among[:8])}."])
    given = among[0] if given is None else given
    if given not in among:
        raise InputError([f"world '{saved}' does not save '{given}'; given is one of {', '.join(among[:8])}."])
    chosen = failed[:, names.index(given)] & (weights > 0.0)
    if whom == FIRST:
        wave = in_world(dataset, "default_round", world).isel(entity=inside).values.astype(np.int64)
        chosen = chosen & first_to_fail(step, wave)[:, names.index(given)]
    if not chosen.any():
        raise InputError([f"'{given}' fails on no path of world '{world}', so nothing is conditional on it."])
    weights = weights[chosen] / weights[chosen].sum()
    data = named_estimate("probability", proportion(failed[chosen], weights), ("entity",), "1")
    data |= named_estimate("probability_saved", proportion(still[chosen], weights), ("entity",), "1")
    data |= named_estimate("difference", mean(failed[chosen].astype(np.float64) - still[chosen], weights), ("entity",), "1")
    return xr.Dataset(data | {"paths": int(chosen.sum())}, coords={"entity": names}, attrs={"given": given, "world": world, "saved": saved})
