"""Factors: steps without an error of discretisation.

Every process moves from step to step by its exact law, so a quarter and a month differ by rounding alone. The compiled coefficients against matrix
exponentials and integrals by quadrature: sampling would not see a few per cent of a variance that is only used to correct a mean.
"""

import functools
import math

import numpy as np
from scipy.integrate import quad
from scipy.linalg import expm

from simulate.factors import FactorSections
from tests.makers.factors import PROCESSES, STEPS, TIMELINE, build, simulate

from .claims import Finding, numeric_finding
from .factor_moments import log_covariance

TEST = "validation/test_closed_forms.py::test_factors_move_by_their_exact_laws"
DEFAULTS = FactorSections()
DT = TIMELINE.dt
ENDS = DT * np.arange(1, STEPS + 1)
GLASSERMAN = "Glasserman 2003, section 3.3, by quadrature"


def farthest(claim: str, source: str, got, want, tolerance: float = 1e-12) -> Finding:
    """Largest distance of two arrays as a share of the largest number expected."""
    got, want = np.asarray(got, float), np.asarray(want, float)
    return numeric_finding(f"{claim}: largest difference, relative", TEST, source, np.abs(got - want).max() / np.abs(want).max(), 0.0, tolerance)


def regime_steps() -> list[Finding]:
    into, out = DEFAULTS.regime.hazard_in, DEFAULTS.regime.hazard_out
    factors = build()
    step = np.array([[1 - factors.regime.p01, factors.regime.p01], [factors.regime.p10, 1 - factors.regime.p10]])
    exact = expm(DT * np.array([[-into, into], [out, -out]]))
    horizon = expm(STEPS * DT * np.array([[-into, into], [out, -out]]))
    return [
        farthest("Regime: transition of a step against the exponential of the generator", "Norris 1997, section 2.1", step, exact),
        farthest(
            "Regime: steps to the horizon against the exponential of the generator", "Norris 1997, section 2.1", np.linalg.matrix_power(step, STEPS), horizon
        ),
    ]


def joint_law(kappa: float, sigma: float) -> tuple[float, float, float, float, float]:
    """Of a reverting process and its integral over a step: decay, gain, variance of the end, covariance, variance of the integral."""

    def response(u):
        return -math.expm1(-kappa * u) / kappa

    end = quad(lambda u: math.exp(-2 * kappa * u), 0, DT)[0]
    both = quad(lambda u: math.exp(-kappa * u) * response(u), 0, DT)[0]
    integral = quad(lambda u: response(u) ** 2, 0, DT)[0]
    return (math.exp(-kappa * DT), response(DT), sigma**2 * end, sigma**2 * both, sigma**2 * integral)


def joint_steps() -> list[Finding]:
    """The short rate and the growth rates of revenue with their integrals."""
    factors, section, found = build(), DEFAULTS.short_rate, []
    rate, growth = factors.short_rate, factors.revenue
    rows = {"Short rate and its integral": (section.reversion, section.volatility, (rate.decay, rate.gain, rate.sd, rate.c1, rate.c2))}
    for i, p in enumerate(PROCESSES):
        if p.growth_sd > 0:
            step = (growth.decay[i], growth.gain[i], growth.growth_sd[i], growth.c1[i], growth.c2[i])
            rows[f"Growth of {p.name} and its integral"] = (p.growth_decay, p.growth_sd, step)
    for name, (kappa, sigma, (decay, gain, sd, c1, c2)) in rows.items():
        got, want = (decay, gain, sd**2, sd * c1, c1**2 + c2**2), joint_law(kappa, sigma)
        worst = max(abs(a / b - 1) for a, b in zip(got, want, strict=True))
        found.append(numeric_finding(f"{name}: decay, gain, variances and covariance of a step, relative", TEST, GLASSERMAN, worst, 0.0, 1e-10))
    return found


def corrections() -> list[Finding]:
    """What means of exponentials are corrected for is the variance of the logarithm."""
    factors, found = build(), []
    for name, rows, section in (
        ("Spread", factors.spread, DEFAULTS.spread),
        ("Valuation", factors.valuation, DEFAULTS.valuation),
        ("Rental price", factors.rental, DEFAULTS.rental),
    ):
        variance = section.volatility**2 * -np.expm1(-2 * section.reversion * ENDS) / (2 * section.reversion)
        found.append(farthest(f"{name}: variance of the logarithm at every step", "Uhlenbeck and Ornstein 1930", rows.variance, variance))
    for i, process in enumerate(PROCESSES):
        variance = [log_covariance(i, i, time, time) for time in ENDS]
        claim = f"Revenue of {process.name}: half the variance of the logarithm at every step"
        found.append(farthest(claim, "Schwartz and Moon 2000, integrated by quadrature", factors.revenue.correction[i], np.array(variance) / 2, 1e-10))
    return found


def filters() -> list[Finding]:
    """Confidence and the rental price follow other factors: without own noise they are those factors, filtered."""
    still = simulate(build({"rental": {"volatility": 0.0}, "power_gap": {"shots_per_year": 3.0}}, seed=6), 256, 256)
    newest = -math.expm1(-DT / DEFAULTS.confidence.memory_years)
    lag = np.arange(STEPS)[:, None] - np.arange(STEPS)[None, :]
    weight = np.where(lag >= 0, newest * (1 - newest) ** np.maximum(lag, 0), 0.0)
    rest = (1 - newest) ** np.arange(1, STEPS + 1)
    found = [farthest("Confidence: memory of demand at every step", "Brown 1959", still["confidence"], rest[:, None] + weight @ still["demand"])]
    section = DEFAULTS.rental
    scarcity = np.log(np.maximum(still["demand"], 0.05)) - np.log(np.maximum(1 - still["gap"], 0.05))
    level = -section.obsolescence * ENDS[:, None] + section.demand_pull * scarcity
    kept = math.exp(-section.reversion * DT)
    weight = np.where(lag >= 0, (1 - kept) * kept ** np.maximum(lag, 0), 0.0)
    source = "Schwartz 1997, model 1"
    return found + [farthest("Rental price: pull of demand over usable power at every step", source, np.log(still["rental"]), weight @ level)]


@functools.cache
def findings() -> list[Finding]:
    return [*regime_steps(), *joint_steps(), *corrections(), *filters()]
