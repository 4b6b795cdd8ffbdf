"""Exact transition of a process that reverts to its mean, and of its integral.

dX = kappa (theta - X) dt + sigma dW (Ornstein and Uhlenbeck 1930). Over a step h, with a = exp(-kappa h):
X' = theta + (X - theta) a + sd n, sd^2 = sigma^2 (1 - a^2)/(2 kappa); the integral of X - theta gains (1 - a)/kappa (X - theta) plus a
normal of variance sigma^2/kappa^2 (h - 2 (1-a)/kappa + (1-a^2)/(2 kappa)) and covariance sigma^2/2 ((1-a)/kappa)^2 with X'
(Glasserman 2003, "Monte Carlo Methods in Financial Engineering", section 3.3). kappa = 0 is Brownian motion.
"""

import math
from typing import NamedTuple

import numpy as np

from simulate.kernels.jit import part
from simulate.model import Array


class Transition(NamedTuple):
    """One step of (X, integral of X): X' = decay X + sd n1; integral += gain X + c1 n1 + c2 n2."""

    decay: float
    sd: float
    gain: float  # years
    c1: float
    c2: float


def variance(reversion: float, volatility: float, time: float | Array) -> Array:
    """Variance of X after `time` years from a known start."""
    time = np.asarray(time, float)
    if reversion == 0.0:
        return volatility**2 * time
    return volatility**2 * -np.expm1(-2.0 * reversion * time) / (2.0 * reversion)


def integral_variance(reversion: float, volatility: float, time: float | Array) -> Array:
    """Variance of the integral of X over `time` years from a known start: sigma^2 h^3 f(kappa h)."""
    time = np.asarray(time, float)
    x = np.atleast_1d(reversion * time)
    # Below 1/2 the closed form loses digits to cancellation; the series sum_n (-1)^(n+1) (2^(n-1) - 2) x^(n-3)/n! does not.
    series = sum((-1.0) ** (n + 1) * (2.0 ** (n - 1) - 2.0) * x ** (n - 3) / math.factorial(n) for n in range(3, 25))
    safe = np.where(x < 0.5, 1.0, x)
    closed = (safe + 2.0 * np.expm1(-safe) - 0.5 * np.expm1(-2.0 * safe)) / safe**3
    return volatility**2 * time**3 * np.where(x < 0.5, series, closed).reshape(time.shape)


def transition(reversion: float, volatility: float, dt: float) -> Transition:
    """The exact step of length dt years; volatility per sqrt(year) of the unit of X."""
    gain = dt if reversion == 0.0 else -math.expm1(-reversion * dt) / reversion
    sd = math.sqrt(float(variance(reversion, volatility, dt)))
    c1 = 0.5 * volatility**2 * gain**2 / sd if sd > 0.0 else 0.0
    rest = float(integral_variance(reversion, volatility, dt)) - c1**2
    return Transition(math.exp(-reversion * dt), sd, gain, c1, math.sqrt(max(rest, 0.0)))


@part
def advance_log(decay, sd, variance, z, x, out):
    """Advance a logarithm (2.3, 2.4), x' = decay x + sd z around 0, all [W]; out = x' - variance/2, whose exponential has mean 1."""
    half = 0.5 * variance
    for lane in range(z.size):
        x[lane] = decay * x[lane] + sd * z[lane]
        out[lane] = x[lane] - half
