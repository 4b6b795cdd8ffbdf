"""Pictures of a result. Every function takes `ax=None` and returns the axes; needs the extra `plot`."""

from typing import TYPE_CHECKING

import numpy as np

from simulate import risk

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

# What a reader compares; the long names say how it is measured.
LABELS = {"system_loss": "system loss", "system_loss_alone": "system loss with contagion off"}


def new_axes(ax: "Axes | None") -> "Axes":
    """The axes given, or new ones."""
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot
    except ModuleNotFoundError as error:
        raise ImportError("pictures need matplotlib, the extra 'plot': pip install '.[plot]' in the clone of the project") from error

    return pyplot.subplots(layout="constrained")[1]


def plot_exceedance(dataset: "xr.Dataset", *, variables: tuple[str, ...] = ("system_loss", "system_loss_alone"), ax: "Axes | None" = None) -> "Axes":
    """P(loss > x) in % over x [USD bn], the probability logarithmic: how fast the tail thins, and where it ends.

    The largest loss has nothing beyond it: the curve stops before it, where one path of the largest weight is left.
    """
    ax = new_axes(ax)
    weights = risk.path_weights(dataset)
    for variable in variables:
        losses = dataset[variable].values
        order = np.argsort(losses)
        beyond = np.append(np.cumsum(weights[order][::-1])[::-1][1:], 0.0)  # summed from the tail: small numbers stay exact
        seen = beyond > 0.0
        ax.step(losses[order][seen], 100.0 * beyond[seen], where="post", label=LABELS.get(variable, dataset[variable].attrs["long_name"]))
    ax.set(yscale="log", xlabel=f"loss, {dataset.attrs['money_unit']}", ylabel="paths with a larger loss, %")
    ax.legend(loc="lower left", fontsize="small")
    return ax


def plot_default_probability(dataset: "xr.Dataset", *, entities: tuple[str, ...] | None = None, ax: "Axes | None" = None) -> "Axes":
    """Cumulative default probability over time, with the band of the 95 % Wilson interval; all inside entities that default on some path unless named.

    The legend has the order of the curves at the end; on new axes it stands beside them, where it hides none.
    """
    legend = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)} if ax is None else {}
    ax = new_axes(ax)
    horizons = tuple(float(step) * dataset.attrs["dt"] for step in range(1, dataset.attrs["steps"] + 1))
    found = risk.default_probability(dataset, horizons=horizons)
    last = found["default_probability"].isel(horizon=-1)
    chosen = entities if entities is not None else tuple(str(e) for e, p in zip(last["entity"].values, last.values) if p > 0.0)
    for entity in sorted(chosen, key=lambda entity: -float(last.sel(entity=entity))):
        one = found.sel(entity=entity)
        (line,) = ax.plot(horizons, 100.0 * one["default_probability"], label=entity)
        ax.fill_between(horizons, 100.0 * one["default_probability_low"], 100.0 * one["default_probability_high"], alpha=0.2, color=line.get_color())
    ax.set(xlabel=f"years from {dataset.attrs['start']}", ylabel="defaulted, % of paths")
    if chosen:
        ax.legend(fontsize="small", **legend)
    return ax
