"""The square-root process: moments of a step, a step that has them, and bond prices.

dr = kappa (theta - r) dt + sigma sqrt(r) dW (Feller 1951; Cox, Ingersoll and Ross 1985, "A theory of the term structure of interest rates").
Given r, the mean of r' is that of reversion.py, and with g(s) = (1 - exp(-kappa s))/kappa
variance of r_s = sigma^2 (r exp(-kappa s) g(s) + theta kappa g(s)^2/2) (their eq. 19),
covariance of r' and the integral over h = int_0^h exp(-kappa (h - s)) var(r_s) ds,
variance of the integral = 2 int_0^h g(h - s) var(r_s) ds:
all linear in r. sigma in 1/year. kappa = 0 has no pull to theta.
"""

import math

import numpy as np

from simulate.kernels.jit import part
from simulate.model import Array

NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)
SQRT_HALF = math.sqrt(0.5)
SMALL = 2.0  # of kappa h: up to here 24 nodes integrate products of exponentials to rounding, above it closed forms lose no digits


def gain(reversion: float, time: float | Array) -> Array:
    """g, years: gain of the integral for a unit of r."""
    time = np.asarray(time, float)
    return time if reversion == 0.0 else -np.expm1(-reversion * time) / reversion


def variance(reversion: float, volatility: float, level: float, time: float | Array) -> Array:
    """[2, ...] variance of r after `time` years: constant and slope in r at the beginning."""
    g = gain(reversion, time)
    return volatility**2 * np.array([0.5 * level * reversion * g**2, np.exp(-reversion * np.asarray(time, float)) * g])


def step_law(reversion: float, volatility: float, level: float, dt: float) -> Array:
    """[3, 2] variance of r', its covariance with the integral over dt years, and the variance of that; each constant and slope in r."""
    if reversion * dt > SMALL:
        a, g, twice = np.exp(-reversion * dt), gain(reversion, dt), gain(2.0 * reversion, dt)
        unit = volatility**2 / reversion
        covariance = unit * np.array([0.5 * level * (g - 2.0 * a * dt + a * g), a * (dt - g)])
        integral = unit / reversion * np.array([level * (dt - 2.0 * g + 2.0 * a * dt - twice), 2.0 * (twice - a * dt)])
    else:
        s, weight = 0.5 * dt * (1.0 + NODES), 0.5 * dt * WEIGHTS
        along = variance(reversion, volatility, level, s)
        covariance = along @ (weight * np.exp(-reversion * (dt - s)))
        integral = 2.0 * along @ (weight * gain(reversion, dt - s))
    return np.array([variance(reversion, volatility, level, dt), covariance, integral])


@part
def draw_square_root(mean, variance, z):
    """Return a rate at or above 0 with this mean and variance from a normal z: the quadratic-exponential scheme of Andersen (2008), section 3.2."""
    if variance <= 0.0:
        return mean
    spread = variance / (mean * mean)
    if spread <= 1.5:
        twice = 2.0 / spread
        square = twice - 1.0 + math.sqrt(twice) * math.sqrt(twice - 1.0)
        root = math.sqrt(square) + z
        return mean / (1.0 + square) * root * root
    share = 2.0 / (spread + 1.0)  # of the law that is not the atom at 0
    beyond = 0.5 * math.erfc(z * SQRT_HALF)
    return math.log(share / beyond) * mean / share if beyond < share else 0.0


@part
def advance(p, dt, z, n, rate, integral):
    """Advance a short rate (2.2) of Cox, Ingersoll and Ross (1985): r' and its integral with their means, variances and covariance given r."""
    law = p.square_root
    for lane in range(z.size):
        r = rate[lane]
        mean = p.level + (r - p.level) * p.decay
        variance = law[0, 0] + law[0, 1] * r
        covariance = law[1, 0] + law[1, 1] * r
        rate[lane] = draw_square_root(mean, variance, z[lane])
        slope = covariance / variance if variance > 0.0 else 0.0
        rest = max(0.0, law[2, 0] + law[2, 1] * r - slope * covariance)
        integral[lane] += p.level * dt + (r - p.level) * p.gain + slope * (rate[lane] - mean) + math.sqrt(rest) * n[lane]


def bond_price(reversion: float, volatility: float, level: float, rate: float, time: Array) -> Array:
    """[T] price of 1 paid after `time` years (Cox, Ingersoll and Ross 1985, eq. 23)."""
    root = np.sqrt(reversion**2 + 2.0 * volatility**2)
    if volatility == 0.0:
        return np.exp(-level * time - (rate - level) * gain(reversion, time))
    grown = np.expm1(root * time)
    below = (root + reversion) * grown + 2.0 * root
    log_a = 2.0 * reversion * level / volatility**2 * (np.log(2.0 * root / below) + 0.5 * (reversion + root) * time)
    return np.exp(log_a - 2.0 * grown / below * rate)
