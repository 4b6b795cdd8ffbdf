"""What a study of uncertain parameters says: ranges of the measures, and what they hang on (docs/model.md, section 8).

A study is the Dataset of `simulate.ranges`: measures by set of parameters. Nothing is run here.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from simulate.errors import refuse_if_any

if TYPE_CHECKING:
    import xarray as xr

MEASURES = ("expected_loss", "value_at_risk", "expected_shortfall", "lender_loss", "default_probability")
QUANTILES = (0.05, 0.5, 0.95)
FROM, TO = 0.1, 0.9  # quantiles of a parameter between which an effect is told
RESAMPLES = 200
RESAMPLES_SEED = 0


def parameter_range(study: "xr.Dataset", *, quantiles: tuple[float, ...] = QUANTILES) -> "xr.Dataset":
    """Return quantiles of every measure over the sets with their standard errors NAME_error, and the mean NAME_mean. Dims quantile, entity.

    A measure of a set errs, because its paths are few. What that adds to the spread is taken out: deviations from the mean over sets are shrunk by
    NAME_shrink = sqrt(max(0, 1 - noise^2 / variance)) (8.8), noise the standard error of a set less that mean, on the same draws.
    Errors say what other sets would give: the spread over bootstrap resamples of the sets (Efron 1979). Raises InputError for a Dataset that is no study.
    """
    import xarray as xr

    refuse_no_study(study)
    drawn = np.random.default_rng(RESAMPLES_SEED).integers(0, study.sizes["set"], (RESAMPLES, study.sizes["set"]))
    data: dict[str, Any] = {}
    for name in MEASURES:
        one = study[name].transpose("set", ...)
        dims, rows = one.dims[1:], one.values
        units = {"units": one.attrs["units"]}
        mean, variance = rows.mean(axis=0), rows.var(axis=0, ddof=1)
        noise = np.square(study[f"{name}_noise"].values)
        shrink = np.sqrt(np.maximum(0.0, 1.0 - np.divide(noise, variance, out=np.ones_like(variance), where=variance > 0.0)))
        narrow = mean + shrink * (rows - mean)
        errors = np.quantile(narrow[drawn], quantiles, axis=1).std(axis=1, ddof=1)
        data[name] = (("quantile", *dims), np.quantile(narrow, quantiles, axis=0), dict(one.attrs))
        data[f"{name}_error"] = (("quantile", *dims), errors, units | {"long_name": f"Standard error of quantiles of {name} over the sets"})
        data[f"{name}_mean"] = (dims, mean, units | {"long_name": f"Mean over the sets of {name}"})
        data[f"{name}_shrink"] = (dims, shrink, {"units": "1", "long_name": f"Factor of the deviations of {name}"})
    coords = {"quantile": ("quantile", list(quantiles), {"units": "1", "long_name": "Quantile over the sets"}), "entity": study["entity"]}
    return xr.Dataset(data, coords=coords, attrs=study.attrs)


def importance(study: "xr.Dataset", *, resamples: int = RESAMPLES) -> "xr.Dataset":
    """Return what each measure hangs on. Dims parameter, entity.

    NAME_share: squared standardised rank regression coefficient of the parameter (8.9; Saltelli and others 2008, section 1.2.5; Iman and Conover 1979): with
    independent parameters its share of the variance of the ranks of the measure, as far as it rises or falls with the parameter. NAME_explained: R^2, about
    their sum; the rest is curvature, interaction and noise of the paths. NAME_effect: change of the measure from the 10 % to the 90 % quantile of the
    parameter, by the regression on the quantiles [unit of the measure]. Each has a standard error NAME_.._error, the spread over bootstrap resamples of
    the sets (Efron 1979), `resamples` of them. Raises InputError for a Dataset that is no study.
    """
    import xarray as xr

    refuse_no_study(study)
    levels, columns = study["level"].transpose("set", "parameter").values, list(columns_of(study))
    rows = np.stack([values for _, _, values in columns], axis=1)
    share, effect, explained = regress(levels, rows)
    dice = np.random.default_rng(RESAMPLES_SEED)
    again = [regress(levels[drawn], rows[drawn]) for drawn in dice.integers(0, len(rows), (resamples, len(rows)))]
    share_error, effect_error = (np.std([one[k] for one in again], axis=0, ddof=1) for k in (0, 1))
    data: dict[str, Any] = {}
    for name in MEASURES:
        at = [k for k, (other, _, _) in enumerate(columns) if other == name]
        by_entity = "entity" in study[name].dims
        dims: tuple[str, ...] = ("entity",) if by_entity else ()
        unit = study[name].attrs["units"]
        found = {"share": (share, "1", "Share of the variance of ranks"), "share_error": (share_error, "1", "Standard error of that share")}
        found |= {"effect": (effect, unit, "Change from the 10 % to the 90 % quantile"), "effect_error": (effect_error, unit, "Standard error of that change")}
        for end, (values, units, about) in found.items():
            data[f"{name}_{end}"] = (("parameter", *dims), values[:, at] if by_entity else values[:, at[0]], {"units": units, "long_name": about})
        data[f"{name}_explained"] = (dims, explained[at] if by_entity else explained[at[0]], {"units": "1", "long_name": "R^2 of the regression of ranks"})
    return xr.Dataset(data, coords={"parameter": study["parameter"], "law": study["law"], "entity": study["entity"]}, attrs=study.attrs)


def columns_of(study: "xr.Dataset") -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield name, entity ("" without) and values [set] of each measure."""
    for name in MEASURES:
        one = study[name].transpose("set", ...)
        if "entity" in one.dims:
            yield from ((name, str(entity), one.values[:, k]) for k, entity in enumerate(study["entity"].values))
        else:
            yield name, "", one.values


def regress(levels: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Regress columns [sets, K] on levels [sets, parameters]; return shares and effects [parameters, K], and R^2 of the ranks [K]. Of a constant column all are 0."""
    x, y = (standardised(ranks(values)) for values in (levels, rows))
    slopes = np.linalg.lstsq(x, y, rcond=None)[0]
    explained = 1.0 - np.square(y - x @ slopes).mean(axis=0)
    centred = levels - levels.mean(axis=0)
    effects = (TO - FROM) * np.linalg.lstsq(centred, rows - rows.mean(axis=0), rcond=None)[0]
    return np.square(slopes), effects, np.where(y.any(axis=0), explained, 0.0)


def ranks(values: np.ndarray) -> np.ndarray:
    """Return ranks along the first axis; equal values have the mean of theirs."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(values, axis=0))


def standardised(values: np.ndarray) -> np.ndarray:
    """Return columns with mean 0 and standard deviation 1; a constant one is 0."""
    deviation = values - values.mean(axis=0)
    sizes = np.sqrt(np.square(deviation).mean(axis=0))
    return np.asarray(np.divide(deviation, sizes, out=np.zeros_like(deviation), where=sizes > 0.0))


def refuse_no_study(study: "xr.Dataset") -> None:
    """Raise InputError for a Dataset that `simulate.ranges` did not return."""
    missing = [name for name in ("level", *MEASURES) if name not in study.data_vars]
    refuse_if_any([f"this Dataset is no study of ranges: it lacks {', '.join(missing)}; give one that simulate.ranges returned."] if missing else [])
