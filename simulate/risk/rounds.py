"""First and second round: what the first failures cost, what further failures add, and through which channel of contagion.

Three parts add up to the system loss of the world with contagion. *own*: what outside lenders and owners lose in the world without it, where failures touch
nobody else. *direct*: what owners lose through inside firms, which lost it on those who failed. *second*: what outside lenders and owners lose more than
without contagion, since others fail of the failures, or fail with less. Amplification = second / (own + direct).
"""

from typing import TYPE_CHECKING

import numpy as np

from simulate.errors import InputError
from simulate.model import SWITCHES
from simulate.risk.contributions import TAIL_LEVEL, expected_and_tail
from simulate.risk.measures import Z95, Estimate, mean, named_estimate, path_weights
from simulate.risk.selection import losses_of

if TYPE_CHECKING:
    import xarray as xr

ROUNDS = ("own", "direct", "second")


def rounds(dataset: "xr.Dataset", *, level: float = TAIL_LEVEL, world: str = "network", without: str = "alone") -> "xr.Dataset":
    """Return expected and tail loss [USD bn] of each round and their sum, dim part: own, direct, second, system; and the scalar `amplification`.

    Amplification has the standard error of a ratio of means (delta method; Cochran 1977, section 2.11); NaN where the first round is 0.
    Raises InputError for a world that the result does not have.
    """
    import xarray as xr

    system, alone = losses_of(dataset, "system_loss", world), losses_of(dataset, "system_loss", without)
    direct = losses_of(dataset, "owner_loss", world) - losses_of(dataset, "owner_loss", without)
    parts = np.stack([alone, direct, system - alone - direct, system], axis=1)
    losses = xr.DataArray(parts, dims=("path", "part"), coords={"part": [*ROUNDS, "system"]})
    found = expected_and_tail(dataset, losses, level, world)
    ratio = ratio_of_means(parts[:, 2], parts[:, 0] + parts[:, 1], path_weights(dataset))
    return found.assign(named_estimate("amplification", ratio, (), "1"))


def ratio_of_means(above: np.ndarray, below: np.ndarray, weights: np.ndarray) -> Estimate:
    """Return the mean of `above` over that of `below`, with standard error by the delta method; NaN where the lower mean is 0.

    The error is not known (NaN) where only one path has anything below: the ratio is then that of this path, whatever it is.
    """
    size = float(np.dot(weights, below))
    if size == 0.0:
        return Estimate(np.nan, np.nan, np.nan, np.nan)
    value = float(np.dot(weights, above)) / size
    several = np.count_nonzero(weights * below) > 1
    error = float(mean(above - value * below, weights).standard_error) / abs(size) if several else np.nan
    return Estimate(value, error, value - Z95 * error, value + Z95 * error)


def channel_effects(dataset: "xr.Dataset") -> "xr.Dataset":
    """Return what each channel of contagion does to the second round [USD bn], paired by path. Dims way, channel.

    way = "taken off": network less the world that has all channels but this one; "by itself": the world that has only this one less the world without any.
    The two differ where channels interact. NaN where the result has no such world; worlds are found by `switches_off`, whatever their names.
    Raises InputError where there is no such world at all.
    """
    import xarray as xr

    worlds = plain_worlds(dataset)
    every = frozenset(SWITCHES)
    pairs = {
        ("taken off", switch): (worlds.get(frozenset()), worlds.get(frozenset({switch}))) for switch in SWITCHES
    } | {("by itself", switch): (worlds.get(every - {switch}), worlds.get(every)) for switch in SWITCHES}  # fmt: skip
    if not any(more is not None and less is not None for more, less in pairs.values()):
        raise InputError(["no world has one channel of contagion off, or one alone, beside the world with all or none; run the scenario 'channels'."])
    weights = path_weights(dataset)
    outside = {world: outside_part(dataset, world) for pair in pairs.values() for world in pair if world is not None}

    def effect(more: str | None, less: str | None) -> Estimate:
        return Estimate(np.nan, np.nan, np.nan, np.nan) if more is None or less is None else mean(outside[more] - outside[less], weights)

    ways = ("taken off", "by itself")
    table = [[effect(*pairs[way, switch]) for switch in SWITCHES] for way in ways]
    stacked = Estimate(*(np.array([[float(one[k]) for one in row] for row in table]) for k in range(4)))
    data = named_estimate("effect", stacked, ("way", "channel"), dataset["system_loss"].attrs.get("units", "1"))
    return xr.Dataset(data, coords={"way": list(ways), "channel": list(SWITCHES)})


def plain_worlds(dataset: "xr.Dataset") -> dict[frozenset[str], str]:
    """Return worlds by the switches that they have off, of those with the greatest clearing vector in which nobody is saved."""
    found: dict[frozenset[str], str] = {}
    for world in (str(name) for name in dataset["world"].values):
        off, solution, saves = (str(dataset[name].sel(world=world).values) for name in ("switches_off", "solution", "saves"))
        if solution == "greatest" and not saves:
            found.setdefault(frozenset(off.split(", ")) if off else frozenset(), world)
    return found


def outside_part(dataset: "xr.Dataset", world: str) -> np.ndarray:
    """Return what outside nodes lose on every path [USD bn]: the system loss without what owners bear through firms, which not all worlds let through."""
    return losses_of(dataset, "system_loss", world) - losses_of(dataset, "owner_loss", world)
