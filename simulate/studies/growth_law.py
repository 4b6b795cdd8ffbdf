"""The law of opening growth: what a forecaster says on any day who knows how fast revenue grew up to then.

Growth above plan, m(0) = trailing - reference + sd X, reverts to 0 at `decay`, and X = N s/sqrt(1 - q + q k^2) with s = k of probability q and 1 otherwise: a
scale mixture of normals with mean 0, variance 1 and fat tails (Tukey 1960, "A survey of sampling from contaminated distributions"). After h years the logarithm of revenue has gained

    reference h + gain(h) m(0) + own shocks,   gain(h) = (1 - exp(-decay h))/decay,

so that given what was known it is a mixture of two normals, whose density and distribution are exact.
"""

from datetime import date
from typing import NamedTuple, cast

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import ndtr

from simulate.factors.revenue import shock_variance
from simulate.factors.reversion import integral_variance
from simulate.factors.section import Process, Timeline
from simulate.model import Array

OUTLIER = 0.1  # q: the standard contamination of Tukey (1960)
SCALE = 3.0  # k
REFERENCES = np.linspace(-2.0, 4.0, 61)  # per year, searched first


class Law(NamedTuple):
    """Parameters of the law."""

    reference: float  # per year; growth of the plan, to which growth reverts
    sd: float  # per year, of opening growth
    decay: float  # per year
    outlier: float = OUTLIER  # probability of the wide normal
    scale: float = SCALE  # its standard deviation over that of the narrow one


class OwnShocks(NamedTuple):
    """What moves the logarithm of revenue besides its opening growth (docs/model.md 2.7)."""

    sd0: float  # volatility at opening, per sqrt(year)
    sd1: float  # volatility in the end, per sqrt(year)
    sd_tau: float  # years over which the first fades into the second
    growth_sd: float  # volatility of the growth rate, per year per sqrt(year)


class Forecasts(NamedTuple):
    """What was known and what came, [N] forecasts; logarithms of run rates."""

    trailing: Array  # growth per year up to the origin
    years: Array  # from the origin to the target
    moved: Array  # gained from the origin to the target
    weight: Array  # overlapping forecasts count less


def kurtosis(outlier: float, scale: float) -> float:
    """Return the kurtosis of X; 3 is that of a normal."""
    return 3.0 * (1.0 - outlier + outlier * scale**4) / (1.0 - outlier + outlier * scale**2) ** 2


def gain(decay: float, years: Array | float) -> Array:
    """Return what the logarithm has gained after so many years, per unit of m(0)."""
    years = np.asarray(years, float)
    return years if decay == 0.0 else -np.expm1(-decay * years) / decay


def own_variance(own: OwnShocks, decay: float, years: Array | float) -> Array:
    """Return the variance of the logarithm by own shocks: the fading volatility of revenue, and growth that wanders and reverts."""
    spans = np.atleast_1d(np.asarray(years, float))
    process = cast(Process, own)  # of a process only its volatility is read
    shocks = np.array([shock_variance(process, Timeline(date.min, 1, float(span)))[0] for span in spans])
    return (shocks + integral_variance(decay, own.growth_sd, spans)).reshape(np.shape(years))


class Mixture(NamedTuple):
    """The law without its reference, [N] forecasts: centre = fixed + slope reference, and the standard deviations of its two normals."""

    fixed: Array
    slope: Array  # years
    weights: tuple[float, float]
    sds: tuple[Array, Array]

    def scores(self, reference: Array | float, moved: Array) -> tuple[Array, Array]:
        """Return what came less the centre, over the standard deviation of each normal; the shape of reference + [N]."""
        off = moved - self.fixed - np.asarray(reference)[..., None] * self.slope
        return off / self.sds[0], off / self.sds[1]

    def density(self, reference: Array | float, moved: Array) -> Array:
        """Return the density of what came, reference + [N]."""
        first, second = self.scores(reference, moved)
        narrow, wide = (weight / (sd * np.sqrt(2.0 * np.pi)) for weight, sd in zip(self.weights, self.sds, strict=True))
        return narrow * np.exp(-0.5 * first**2) + wide * np.exp(-0.5 * second**2)


def mixture(law: Law, own: OwnShocks, known: Forecasts) -> Mixture:
    """Return the mixture of a law."""
    reach, shocks = gain(law.decay, known.years), own_variance(own, law.decay, known.years)
    narrow = law.sd / np.sqrt(1.0 - law.outlier + law.outlier * law.scale**2)
    sds = np.sqrt(shocks + (reach * narrow) ** 2), np.sqrt(shocks + (reach * narrow * law.scale) ** 2)
    return Mixture(reach * known.trailing, known.years - reach, (1.0 - law.outlier, law.outlier), sds)


def below(law: Law, own: OwnShocks, known: Forecasts) -> Array:
    """Return the probability [N] of less than what came (probability integral transform)."""
    mixed = mixture(law, own, known)
    first, second = mixed.scores(law.reference, known.moved)
    return mixed.weights[0] * ndtr(first) + mixed.weights[1] * ndtr(second)


def log_likelihood(law: Law, own: OwnShocks, known: Forecasts) -> float:
    """Return the weighted sum of log densities (a composite likelihood where forecasts overlap: Varin, Reid and Firth 2011)."""
    return float(known.weight @ np.log(mixture(law, own, known).density(law.reference, known.moved)))


def with_best_reference(law: Law, own: OwnShocks, known: Forecasts) -> tuple[Law, float]:
    """Return the law with the most likely reference, all else as it is, and its log likelihood."""
    mixed = mixture(law, own, known)

    def unlikely(reference: Array | float) -> Array:
        return -np.log(mixed.density(reference, known.moved)) @ known.weight

    near, step = REFERENCES[int(np.argmin(unlikely(REFERENCES)))], REFERENCES[1] - REFERENCES[0]
    found = minimize_scalar(unlikely, bounds=(near - step, near + step), method="bounded", options={"xatol": 1e-6})
    return law._replace(reference=float(found.x)), -float(found.fun)
