"""Value at risk, expected shortfall, means and proportions of weighted samples, each with its sampling error.

Array functions take losses [path] and weights [path] that sum to 1; `tail_measures` is the layer with names. Notation: F(x) = sum of w_p over L_p <= x,
a = level, q = VaR_a, z = 1.96. "Paths behind" is Kish's effective number (sum w)^2 / sum w^2 (Kish 1965), the plain count where weights are equal.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulate.errors import InputError
from simulate.risk.selection import losses_of, refuse_not_finite

if TYPE_CHECKING:
    import xarray as xr

LEVELS = (0.95, 0.99, 0.999)
Z95 = 1.959963984540054  # normal quantile of 97.5 %
# Sums of weights are compared to a level with room for their rounding, or 95 of 100 equal weights would miss 0.95.
ROUNDING = 1e-12


class Estimate(NamedTuple):
    """A value, its standard error and its 95 % interval."""

    value: np.ndarray | float
    standard_error: np.ndarray | float
    low: np.ndarray | float
    high: np.ndarray | float


def path_weights(dataset: "xr.Dataset") -> np.ndarray:
    """Return weights [path] that sum to 1: exp(log_weight), normalised. The largest is taken out first, so that nothing overflows."""
    if "path" not in dataset["log_weight"].dims or not dataset.sizes["path"]:
        raise InputError(["the result has no dimension path, or no path; a measure is of many: select with a list, such as isel(path=[0, 1])."])
    log_weight = np.asarray(dataset["log_weight"].values, dtype=np.float64)
    if np.isnan(log_weight).any() or not np.isfinite(log_weight.max()):
        refuse_not_finite(log_weight, "'log_weight'")
    weights = np.exp(log_weight - log_weight.max())
    return weights / weights.sum()


def effective_paths(weights: np.ndarray) -> float:
    """Return Kish's (1965) effective number of paths, (sum w)^2 / sum w^2; 0 for no weight at all."""
    squares = float(np.square(weights).sum())
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0


def mean(values: np.ndarray, weights: np.ndarray) -> Estimate:
    """Return the weighted mean over paths of values [path, ...] with s.e. sqrt(n/(n-1) sum w_p^2 (x_p - mean)^2), the delta method for a self-normalised mean.

    With equal weights this is the usual s / sqrt(n). Owen (2013), Monte Carlo theory, section 9.2.
    """
    count = int(np.count_nonzero(weights))
    centre = np.tensordot(weights, values, axes=(0, 0))
    deviation = np.asarray(values, dtype=np.float64) - centre
    variance = np.tensordot(np.square(weights), np.square(deviation), axes=(0, 0)) * (count / (count - 1) if count > 1 else np.nan)
    error = np.sqrt(variance)
    return Estimate(centre, error, centre - Z95 * error, centre + Z95 * error)


def proportion(happened: np.ndarray, weights: np.ndarray) -> Estimate:
    """Return the weighted share of paths on which something happened, flags [path, ...], with the interval of Wilson (1927).

    centre = (p + z^2/2n) / (1 + z^2/n), half = z sqrt(p(1-p)/n + z^2/4n^2) / (1 + z^2/n), n the effective number of paths. The interval is never empty
    and stays in [0, 1], also where nothing happened: 0 of 10,000 is "below 0.04 %". Standard error sqrt(p(1-p)/n).
    """
    share = np.clip(np.tensordot(weights, np.asarray(happened, dtype=np.float64), axes=(0, 0)), 0.0, 1.0)
    number = effective_paths(weights)
    shrink = 1.0 + Z95**2 / number
    centre = (share + Z95**2 / (2.0 * number)) / shrink
    half = Z95 * np.sqrt(share * (1.0 - share) / number + Z95**2 / (4.0 * number**2)) / shrink
    low, high = np.clip(centre - half, 0.0, share), np.clip(centre + half, share, 1.0)
    return Estimate(share, np.sqrt(share * (1.0 - share) / number), low, high)


def value_at_risk(losses: np.ndarray, weights: np.ndarray, level: float) -> Estimate:
    """Return the lower quantile: the smallest loss q that occurs with F(q) >= level.

    The interval is that of order statistics: the losses at F = level -+ z s, s the standard error of F(q) if level is its true value,
    s^2 = sum w_p^2 ((1 - t_p) (1 - level)^2 + t_p level^2), t_p the share of the path in the tail. With equal weights s^2 = level (1 - level) / n, the
    normal form of the binomial interval (Serfling 1980, section 2.6). The standard error is half the distance of the losses at F = level -+ s. An end
    beyond the largest loss is infinite and the standard error then NaN: too few paths. Raises InputError for a level outside of (0, 1).
    """
    value = _quantile(losses, weights, level)
    tail = tail_weights(losses, weights, level)
    spread = float(np.sqrt(np.dot(weights, (weights - tail) * (1.0 - level) ** 2 + tail * level**2)))
    lower, upper, low, high = (_quantile(losses, weights, level + shift * spread) for shift in (-1.0, 1.0, -Z95, Z95))
    return Estimate(value, (upper - lower) / 2.0 if np.isfinite(upper) else np.nan, low, high)


def _quantile(losses: np.ndarray, weights: np.ndarray, share: float) -> float:
    """Return the smallest loss with F >= share; infinite where share is beyond the sum of all weights. Raises InputError for a NaN: it has no rank."""
    if np.isnan(losses).any():
        refuse_not_finite(np.asarray(losses), "the sample")
    order = np.argsort(losses, kind="stable")
    cumulative = np.cumsum(weights[order])
    if share > cumulative[-1] + ROUNDING:
        return np.inf
    return float(losses[order[min(int(np.searchsorted(cumulative, share - ROUNDING)), len(order) - 1)]])


def tail_weights(losses: np.ndarray, weights: np.ndarray, level: float) -> np.ndarray:
    """Return weights [path] of the worst 1 - level of the distribution, which sum to 1 - level: paths beyond VaR enter in full, those at VaR by one fraction.

    Acerbi and Tasche (2002), definition 2.6: the atom at VaR enters with the share (1 - level - P(L > q)) / P(L = q) that fills the tail. The mean of losses at
    or beyond VaR is another number wherever there are atoms. Raises InputError for a level outside of (0, 1).
    """
    if not 0.0 < level < 1.0:
        raise InputError([f"the level of a tail measure lies between 0 and 1, not {level}; for 99 % write 0.99."])
    quantile = _quantile(losses, weights, level)
    beyond, atom = losses > quantile, losses == quantile
    missing = 1.0 - level - weights[beyond].sum()
    fraction = min(missing / weights[atom].sum(), 1.0) if missing > ROUNDING else 0.0
    return weights * (beyond + fraction * atom)


def expected_shortfall(losses: np.ndarray, weights: np.ndarray, level: float) -> Estimate:
    """Return the expected shortfall of Acerbi and Tasche (2002): (E[L 1{L > q}] + q (1 - level - P(L > q))) / (1 - level).

    Standard error from the influence function IF(L) = q - ES + max(0, L - q) / (1 - level): sqrt(sum w_p^2 IF_p^2), which is s.d.(IF) / sqrt(n) with
    equal weights (Hong, Hu and Liu 2014, section 2; Manistre and Hancock 2005). NaN, and an interval without upper end, where fewer than two paths
    are in the tail. Raises InputError for a level outside of (0, 1).
    """
    tail = tail_weights(losses, weights, level)
    quantile = _quantile(losses, weights, level)
    value = float(np.dot(tail, losses) / (1.0 - level))
    if effective_paths(tail) < 2.0 - ROUNDING:
        return Estimate(value, np.nan, quantile, np.inf)
    influence = quantile - value + np.maximum(0.0, losses - quantile) / (1.0 - level)
    error = float(np.sqrt(np.square(weights * influence).sum()))
    return Estimate(value, error, value - Z95 * error, value + Z95 * error)


def tail_measures(dataset: "xr.Dataset", *, variable: str = "system_loss", world: str = "network", levels: float | Sequence[float] = LEVELS) -> "xr.Dataset":
    """Return expected loss, probability of a loss, VaR and expected shortfall of a variable over paths [USD bn], with errors and paths behind the tail.

    Dims: level for value_at_risk, expected_shortfall, their _error, _low, _high and tail_paths; scalars expected_loss and loss_probability with the same
    suffixes. levels: one or several. Raises InputError for a level outside of (0, 1), a world that the result does not have, a variable by more than
    path, and a loss that is no finite number.
    """
    import xarray as xr

    losses, weights = losses_of(dataset, variable, world), path_weights(dataset)
    levels = [float(level) for level in np.atleast_1d(levels)]
    by_level = {
        "value_at_risk": [value_at_risk(losses, weights, level) for level in levels],
        "expected_shortfall": [expected_shortfall(losses, weights, level) for level in levels],
    }
    scalars = {"expected_loss": mean(losses, weights), "loss_probability": proportion(losses > 0.0, weights)}
    unit = dataset[variable].attrs.get("units", "1")
    data: dict[str, Any] = {}
    for name, estimates in by_level.items():
        data |= named_estimate(name, Estimate(*(np.array(column) for column in zip(*estimates))), ("level",), unit)
    for name, estimate in scalars.items():
        data |= named_estimate(name, estimate, (), "1" if name == "loss_probability" else unit)
    behind = [effective_paths(tail_weights(losses, weights, level)) for level in levels]
    data["tail_paths"] = (("level",), np.array(behind), {"units": "paths", "long_name": "Effective number of paths in the tail"})
    return xr.Dataset(data, coords={"level": ("level", list(levels), {"units": "1", "long_name": "Level of VaR and expected shortfall"})})


def named_estimate(name: str, estimate: Estimate, dims: tuple[str, ...], unit: str) -> dict[str, Any]:
    """Return an estimate as variables of a Dataset: NAME, NAME_error, NAME_low and NAME_high."""
    words = name.replace("_", " ")
    interval = f"{words}, {{}} end of the 95 % interval"
    columns = {"": words, "_error": f"standard error of {words}", "_low": interval.format("low"), "_high": interval.format("high")}
    return {name + suffix: (dims, np.asarray(part), {"units": unit, "long_name": about}) for (suffix, about), part in zip(columns.items(), estimate)}
