"""Factors: the square-root short rate.

Cox, Ingersoll and Ross (1985) with `process = "cir"`. Two cases: the volatility of the Vasicek default, and one so high that the rate touches 0 (Feller's
condition 2 kappa theta >= sigma^2 is broken by far). Means, variances and covariances of a step are exact given the rate, so they are exact at every step; the
third moment is that of Andersen's scheme. What that costs a bond is computed without sampling, by quadrature over the steps of the scheme.
"""

import functools
import math

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.linalg import expm
from scipy.special import ndtr, ndtri

from simulate.factors import FactorSections, square_root
from tests.makers.factors import TIMELINE, build, simulate

from .claims import Finding, mean_finding, numeric_finding

TEST = "validation/test_closed_forms.py::test_square_root_rate"
CIR = "Cox, Ingersoll and Ross 1985"
EARLY, LATE = 14, 27  # steps
DT = TIMELINE.dt
S, T = DT * (EARLY + 1), DT * (LATE + 1)
PATHS = 40_960
CASES = {"calm": {}, "wild": {"start": 0.02, "mean": 0.03, "reversion": 0.4, "volatility": 0.06}}


def section_of(case: str):
    return FactorSections(short_rate={"process": "cir", **CASES[case]}).short_rate


def parameters(case: str) -> tuple[float, float, float, float]:
    """kappa, sigma, theta, r0."""
    section = section_of(case)
    return section.reversion, section.volatility / math.sqrt(section.mean), section.mean, section.start


def moments(kappa: float, sigma: float, theta: float, rate: float, time: float) -> np.ndarray:
    """Mean and variance of r, covariance with its integral, mean and variance of the integral: the linear equations of the moments (Ito), exponentiated."""
    flow = np.zeros((6, 6))  # of 1, E r, E I, E r^2, E rI, E I^2
    flow[1, :2] = kappa * theta, -kappa
    flow[2, 1] = 1.0
    flow[3, [1, 3]] = 2 * kappa * theta + sigma**2, -2 * kappa
    flow[4, [2, 3, 4]] = kappa * theta, 1.0, -kappa
    flow[5, 4] = 2.0
    _, r, i, rr, ri, ii = expm(flow * time) @ [1.0, rate, 0.0, rate**2, 0.0, 0.0]
    return np.array([r, rr - r * r, ri - r * i, i, ii - i * i])


def bond(kappa: float, sigma: float, theta: float, rate: float, time: float) -> float:
    """Cox, Ingersoll and Ross (1985), eq. 23, in their letters."""
    gamma = math.sqrt(kappa**2 + 2 * sigma**2)
    below = (gamma + kappa) * (math.exp(gamma * time) - 1) + 2 * gamma
    a = (2 * gamma * math.exp((kappa + gamma) * time / 2) / below) ** (2 * kappa * theta / sigma**2)
    b = 2 * (math.exp(gamma * time) - 1) / below
    return a * math.exp(-b * rate)


def step_findings() -> list[Finding]:
    """The compiled law of a step."""
    found = []
    for kappa, sigma in ((0.25, 0.05), (0.4, 0.35), (1e-6, 0.1), (7.999, 0.3), (8.001, 0.3), (40.0, 1.0)):
        worst = 0.0
        for rate in (0.0, 0.04):
            law = square_root.step_law(kappa, sigma, 0.03, DT) @ [1.0, rate]
            _, variance, covariance, _, integral = moments(kappa, sigma, 0.03, rate, DT)
            worst = max(worst, *(abs(got / want - 1) for got, want in zip(law, (variance, covariance, integral), strict=True) if want > 1e-20))
        claim = f"Square-root rate, kappa {kappa:g}, sigma {sigma:g}: variances and covariance of a step, relative"
        found.append(numeric_finding(claim, TEST, "Ito's moment equations, exponentiated", worst, 0.0, 1e-11))
    return found


@functools.cache
def sample(case: str) -> dict[str, np.ndarray]:
    return simulate(build({"short_rate": section_of(case).model_dump()}, seed=9), PATHS)


def sample_findings(case: str) -> list[Finding]:
    kappa, sigma, theta, r0 = law = parameters(case)
    rate, discount = sample(case)["rate"], sample(case)["discount"]
    integral, name = -np.log(discount[LATE]), f"Square-root rate, {case}"
    early, late = moments(*law, S), moments(*law, T)
    a, b, c = rate[EARLY] - early[0], rate[LATE] - late[0], integral - late[3]
    found = [
        mean_finding(f"{name}: mean", TEST, f"{CIR}, eq. 19", rate[LATE], late[0]),
        mean_finding(f"{name}: variance", TEST, f"{CIR}, eq. 19", b * b, late[1]),
        mean_finding(f"{name}: covariance of two steps", TEST, CIR, a * b, early[1] * math.exp(-kappa * (T - S))),
        mean_finding(f"{name}: mean of the integral", TEST, "Ito's moment equations", integral, late[3]),
        mean_finding(f"{name}: variance of the integral", TEST, "Ito's moment equations", c * c, late[4]),
        mean_finding(f"{name}: covariance with the integral", TEST, "Ito's moment equations", b * c, late[2]),
        numeric_finding(f"{name}: lowest rate of all paths and steps is not below 0", TEST, CIR, min(0.0, float(rate.min())), 0.0, 0.0),
    ]
    for step in (3, 11, LATE):
        years = DT * (step + 1)
        claim = f"{name}: bond with a maturity of {years:g} (years), mean discount factor of the paths"
        found.append(mean_finding(claim, TEST, f"{CIR}, eq. 23", discount[step], bond(*law, years)))
    return found


NODES, WEIGHTS = np.polynomial.legendre.leggauss(120)
FAR = 8.5  # standard normal


def scheme_bond(kappa: float, sigma: float, theta: float, rate: float, dt: float, steps: int) -> float:
    """Price of 1 after `steps` steps of the scheme: expectations of each step by Gauss's rule, the price between nodes of sqrt(r) by a cubic spline."""
    root = np.linspace(0.0, math.sqrt(max(rate, theta)) + 6.0 * sigma * math.sqrt(dt * steps) / 2 + 0.2, 400)
    price = np.ones(root.size)
    for _ in range(steps):
        later = CubicSpline(root, price)
        price = np.array([step_price(kappa, sigma, theta, r, dt, later, root[-1]) for r in root**2])
    return float(CubicSpline(root, price)(math.sqrt(rate)))


def step_price(kappa: float, sigma: float, theta: float, rate: float, dt: float, later, most: float) -> float:
    """E[exp(-integral) later(sqrt(r'))] of one step from `rate`, later flat from `most` on; Andersen (2008), section 3.2."""
    mean, variance, covariance, expected, of_integral = moments_of_step(kappa, sigma, theta, rate, dt)
    slope = covariance / variance
    rest = of_integral - slope * covariance
    psi = variance / mean**2
    if psi <= 1.5:
        b2 = 2 / psi - 1 + math.sqrt(2 / psi * (2 / psi - 1))
        z = FAR * NODES
        weight = FAR * WEIGHTS * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        following, atom = mean / (1 + b2) * (math.sqrt(b2) + z) ** 2, 0.0
    else:
        p = (psi - 1) / (psi + 1)
        begin = ndtri(p)
        z = begin + (FAR - begin) * (1 + NODES) / 2
        weight = (FAR - begin) / 2 * WEIGHTS * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        following, atom = np.log((1 - p) / ndtr(-z)) * mean / (1 - p), p
    inside = weight @ (np.exp(-slope * (following - mean)) * later(np.minimum(np.sqrt(following), most)))
    return math.exp(-expected + rest / 2) * (inside + atom * math.exp(slope * mean) * float(later(0.0)))


def moments_of_step(kappa, sigma, theta, rate, dt):
    """Of r', of its integral, given r: linear in r, so two solutions of the moment equations say all."""
    at_zero, at_one = step_moments(kappa, sigma, theta, dt)
    return at_zero + rate * (at_one - at_zero)


@functools.cache
def step_moments(kappa, sigma, theta, dt):
    return moments(kappa, sigma, theta, 0.0, dt), moments(kappa, sigma, theta, 1.0, dt)


def scheme_findings() -> list[Finding]:
    """Steps of a quarter, of a month: the yield of seven years, in basis points."""
    found = []
    for case, tolerance in (("calm", 1e-4), ("wild", 0.05)):
        law = parameters(case)
        for step, per_year in (("quarter", 4), ("month", 12)):
            error = -1e4 * math.log(scheme_bond(*law, 1 / per_year, 7 * per_year) / bond(*law, 7.0)) / 7.0
            claim = f"Square-root rate, {case}: what steps of a {step} add to the yield of seven years, basis points"
            found.append(numeric_finding(claim, TEST, f"{CIR}, eq. 23; Andersen 2008, by quadrature", error, 0.0, tolerance))
    return found


@functools.cache
def findings() -> list[Finding]:
    return [*step_findings(), *(one for case in CASES for one in sample_findings(case)), *scheme_findings()]
