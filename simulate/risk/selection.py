"""What a measure is asked about: a variable in one world, members of a dimension by name, losses by path. Wrong names and values are sentences."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from simulate.errors import InputError, did_you_mean, listed
from simulate.schema import VARIABLES

if TYPE_CHECKING:
    import xarray as xr


def choose(dataset: "xr.Dataset", dim: str, names: Iterable[object], among: Iterable[object] | None = None) -> list[str]:
    """Return names as text. Raises InputError for those that the dimension does not have. `among`: the only ones that may be chosen."""
    known = list(dict.fromkeys(str(name) for name in (dataset[dim].values if among is None else among)))
    wanted = [str(name) for name in ([names] if isinstance(names, str) else names)]
    if not wanted:
        raise InputError([f"no {dim} is named; name at least one of {listed(known)}."])
    problems = [f"there is no {dim} '{name}' here{did_you_mean(name, known)}; known: {listed(known)}." for name in wanted if name not in known]
    if problems:
        raise InputError(problems)
    return wanted


def in_world(dataset: "xr.Dataset", variable: str, world: str) -> "xr.DataArray":
    """Return the variable in one world. Raises InputError, which names what is known, if the result lacks the variable or the world, or has it without detail."""
    if variable not in dataset.data_vars:
        known = [str(name) for name in dataset.data_vars]
        raise InputError([f"there is no variable '{variable}' here{did_you_mean(variable, known)}; known: {listed(known)}."])
    values = dataset[variable]
    for dim in ("world", "detail"):
        if variable in VARIABLES and dim in VARIABLES[variable].dims:
            refuse_selected(values, variable, dim, world)
        if dim in values.dims:
            if world not in dataset[dim].values:
                known = [str(name) for name in dataset[dim].values]
                kept = f"'{variable}' is kept for" if dim == "detail" else "the result has"
                detail = dim == "detail" and world in dataset["world"].values
                raise InputError(
                    [
                        f"no world '{world}' here{did_you_mean(str(world), known)}: {kept} {listed(known)}"
                        + (f"; set detail = true in [worlds.{world}]." if detail else ".")
                    ]
                )
            values = values.sel({dim: world}, drop=True)
    return values.transpose("path", ...) if "path" in values.dims else values


def refuse_selected(values: "xr.DataArray", variable: str, dim: str, world: str) -> None:
    """Raise InputError for a variable that was taken out of another world than the one that is asked about, or of which nobody knows which."""
    if dim in values.dims:
        return
    taken = values.coords.get(dim)
    if taken is None or str(taken.values) != str(world):
        out_of = "one world" if taken is None else f"world '{taken.values}'"
        raise InputError([f"'{variable}' was selected in {out_of}, and world '{world}' is asked about; give the whole result, and name the world."])


def losses_of(dataset: "xr.Dataset", variable: str, world: str) -> np.ndarray:
    """Return a variable in one world as float64 [path]. Raises InputError if it has other dimensions, or a value that is no finite number."""
    values = in_world(dataset, variable, world)
    if values.dims != ("path",):
        more = ", ".join(str(dim) for dim in values.dims if dim != "path")
        raise InputError(
            [f"'{variable}' has a value for each of {more or 'nothing'} too, and a tail is of one loss a path; sum or select first, or take system_loss."]
        )
    losses = np.asarray(values.values, dtype=np.float64)
    refuse_not_finite(losses, f"'{variable}' of world '{world}'")
    return losses


def refuse_not_finite(values: np.ndarray, what: str) -> None:
    """Raise InputError with the first place of a value that is NaN or infinite: a measure of the others would look like one of all."""
    wrong = np.argwhere(~np.isfinite(values))
    if wrong.size:
        place = ", ".join(str(int(k)) for k in wrong[0])
        raise InputError([f"{what} is {values[tuple(wrong[0])]} at {place}; a measure needs finite numbers on every path."])
