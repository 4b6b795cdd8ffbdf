"""Pictures of a result. Every function takes `ax=None` and returns the axes; needs the extra `plot`."""

from typing import TYPE_CHECKING, Any

import numpy as np

from simulate import risk
from simulate.model import SWITCHES
from simulate.report.text import changes_of

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes


def describe_world(dataset: "xr.Dataset", world: str) -> str:
    """Describe a world in words: switches that are off, and the solution where it is the least."""
    off, solution = (str(dataset[name].sel(world=world).values) for name in ("switches_off", "solution"))
    parts = ["contagion off"] if off == ", ".join(SWITCHES) else [f"without {off}"] if off else []
    parts += ["least clearing"] if solution == "least" else []
    return f"{world} ({'; '.join(parts) or 'all contagion'})"


def describe_scenario(dataset: "xr.Dataset") -> str:
    """Describe what was run in a few words: the scenario, and what was changed."""
    changes = changes_of(dataset)
    more = f", {changes[0]}" if len(changes) == 1 else f", {len(changes)} changes" if changes else ""
    return f"{dataset.attrs['scenario']}{more}"


def new_axes(ax: "Axes | None") -> "Axes":
    """Return the given axes, or new ones. Raises ImportError without matplotlib."""
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot
    except ModuleNotFoundError as error:
        raise ImportError("pictures need matplotlib, the extra 'plot': pip install '.[plot]' in the clone of the project") from error

    return pyplot.subplots(layout="constrained")[1]


def plot_exceedance(dataset: "xr.Dataset", *, worlds: tuple[str, ...] = ("network", "alone"), ax: "Axes | None" = None) -> "Axes":
    """Plot P(system loss > x) in % over x [USD bn] by world, on a logarithmic axis of probability, and return the axes.

    A curve ends below the largest loss, where the last path is left. Beside another run on the same axes, labels begin with the scenario. Raises InputError for a world that the result does not have.
    """
    before = f"{describe_scenario(dataset)}: " if ax is not None and ax.lines else ""
    ax = new_axes(ax)
    ax.set_title(ax.get_title() or describe_scenario(dataset), fontsize="medium")
    weights = risk.path_weights(dataset)
    for world in worlds:
        losses = risk.in_world(dataset, "system_loss", world).values
        order = np.argsort(losses)
        beyond = np.append(np.cumsum(weights[order][::-1])[::-1][1:], 0.0)  # summed from the tail: small numbers stay exact
        seen = beyond > 0.0
        ax.step(losses[order][seen], 100.0 * beyond[seen], where="post", label=before + describe_world(dataset, world))
    ax.set(yscale="log", xlabel=f"system loss, {dataset.attrs['money_unit']}", ylabel="paths with a larger loss, %")
    ax.legend(loc="lower left", fontsize="small")
    return ax


def plot_default_probability(dataset: "xr.Dataset", *, entities: tuple[str, ...] | None = None, ax: "Axes | None" = None) -> "Axes":
    """Plot the cumulative default probability in % over years, with its 95 % Wilson (1927) interval, and return the axes.

    entities: ids of inside entities; those that default on some path unless given. Raises InputError for an id that is not inside.
    The legend has the order of the curves at the end; on new axes it stands beside them, where it hides none.
    """
    legend: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)} if ax is None else {}
    ax = new_axes(ax)
    ax.set_title(ax.get_title() or describe_scenario(dataset), fontsize="medium")
    horizons = tuple(float(step) * dataset.attrs["dt"] for step in range(1, dataset.attrs["steps"] + 1))
    found = risk.default_probability(dataset, horizons=horizons)
    last = found["default_probability"].isel(horizon=-1)
    if entities is not None:
        chosen = risk.selection.choose(dataset, "entity", entities, among=last["entity"].values)
    else:
        chosen = [str(e) for e, p in zip(last["entity"].values, last.values) if p > 0.0]
    for entity in sorted(chosen, key=lambda entity: -float(last.sel(entity=entity))):
        one = found.sel(entity=entity)
        (line,) = ax.plot(horizons, 100.0 * one["default_probability"], label=entity)
        ax.fill_between(horizons, 100.0 * one["default_probability_low"], 100.0 * one["default_probability_high"], alpha=0.2, color=line.get_color())
    ax.set(xlabel=f"years from {dataset.attrs['start']}", ylabel="defaulted, % of paths")
    if chosen:
        ax.legend(fontsize="small", **legend)
    return ax
