"""Firms and portfolios in closed form.

Through the whole engine: a firm receives its lognormal asset value at maturity and owes one bullet (Merton 1974); many such firms share one factor and
recover nothing (Vasicek 2002), as a finite portfolio by quadrature over the factor and as the limit; bonds of Vasicek (1977) discount the losses.
"""

import functools
import math

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import binom

from simulate.engine.blocks import Workspace
from simulate.factors.keys import key_of
from simulate.kernels.random import fill_normal

from .claims import Finding, mean_finding, numeric_finding
from .firms import firm_model, run_engine

TEST = "validation/test_closed_forms.py"
FACE, ASSET = 80.0, 100.0
LENDER = -2  # row of the outside lender: before the insurer
CREDIT = 0

# A portfolio: probability of default 5 %, asset correlation 20 %.
PORTFOLIO_SD, DEFAULT, CORRELATION = 0.3, 0.05, 0.2
PORTFOLIO_FACE = ASSET * math.exp(PORTFOLIO_SD * float(ndtri(DEFAULT)) - PORTFOLIO_SD**2 / 2)


def merton(forward: float, face: float, variance: float) -> tuple[float, float, float]:
    """Probability N(-d2) that the asset ends below the face; put face N(-d2) - forward N(-d1) and call, undiscounted."""
    d1 = math.log(forward / face) / math.sqrt(variance) + math.sqrt(variance) / 2
    d2 = d1 - math.sqrt(variance)
    put = face * ndtr(-d2) - forward * ndtr(-d1)
    return float(ndtr(-d2)), float(put), float(put + forward - face)


def integral_variance(kappa: float, sigma: float, time: float) -> float:
    """Of the integral of an Ornstein-Uhlenbeck process that starts at a known value: sigma^2 int_0^t ((1 - exp(-kappa u))/kappa)^2 du."""
    b, b2 = (1 - math.exp(-kappa * time)) / kappa, (1 - math.exp(-2 * kappa * time)) / (2 * kappa)
    return sigma**2 / kappa**2 * (time - 2 * b + b2)


def vasicek_bond(r: float, kappa: float, theta: float, sigma: float, time: float) -> float:
    """Vasicek (1977), in the form of Brigo and Mercurio (2006), equation 3.8."""
    b = (1 - math.exp(-kappa * time)) / kappa
    return math.exp((theta - sigma**2 / (2 * kappa**2)) * (b - time) - sigma**2 * b**2 / (4 * kappa) - b * r)


@functools.cache
def one_firm() -> tuple[Finding, ...]:
    """Merton (1974) in one step, in eight with risky growth, with default costs, and with risky rates."""
    test, source = f"{TEST}::test_one_firm_with_one_bullet_is_mertons", "Merton 1974, eq. 12 to 14"
    found = []

    def add(name, model, paths, forward, variance, discount, alpha=1.0):
        out = run_engine(model, paths)
        chance, put, _ = merton(forward, FACE, variance)
        loss = put + (1 - alpha) * (FACE * chance - put)  # of what a failed firm has, 1 - alpha is lost
        found.append(mean_finding(f"{name}: default probability is N(-d2)", test, source, out["default_step"][0] >= 0, chance))
        found.append(mean_finding(f"{name}: expected loss of the lender, USD bn", test, source, out["loss"][LENDER, CREDIT], discount * loss))

    add("Firm, one step", firm_model(face=FACE, asset=ASSET, sd=0.25), 200_000, ASSET, 0.0625, 1.0)
    grown = firm_model(face=FACE, asset=ASSET, sd=0.2, growth_sd=0.15, growth_decay=0.8, loading=-0.4, steps=8, dt=0.25, rate=0.04, seed=1)
    discount = math.exp(-0.08)
    add("Firm, eight quarters, risky growth, rate 4 %", grown, 200_000, ASSET / discount, 0.08 + integral_variance(0.8, 0.15, 2.0), discount)
    add("Firm, 40 % lost in default", firm_model(face=FACE, asset=ASSET, sd=0.25, alpha=0.6, seed=2), 200_000, ASSET, 0.0625, 1.0, 0.6)
    risky = firm_model(face=FACE, asset=ASSET, sd=0.15, steps=20, dt=0.25, rate=0.04, rate_sd=0.03, seed=3)
    add("Firm, five years, risky rates", risky, 100_000, ASSET * math.exp(0.2), 0.1125, vasicek_bond(0.04, 0.3, 0.04, 0.03, 5.0))

    model = firm_model(face=FACE, asset=ASSET, sd=0.25, seed=4)
    cash = Workspace(model, 50_000).trace(0)[0, -1, 0, 0]
    found.append(mean_finding("Firm, one step: what is left to its owners is the call, USD bn", test, source, cash, merton(ASSET, FACE, 0.0625)[2]))
    return tuple(found)


@functools.cache
def bonds() -> tuple[Finding, ...]:
    """A firm that has nothing never pays its bullet: the lender loses the price of a bond."""
    found = []
    for years, sigma in ((1, 0.01), (5, 0.03), (10, 0.04)):
        model = firm_model(face=1.0, asset=1e-9, sd=0.1, steps=4 * years, dt=0.25, rate=0.035, rate_sd=sigma, seed=10 + years)
        loss = run_engine(model, 40_000)["loss"][LENDER, CREDIT]
        claim = f"Price of 1 in {years} years, volatility of the rate {sigma:g}"
        price = vasicek_bond(0.035, 0.3, 0.035, sigma, years)
        found.append(mean_finding(claim, f"{TEST}::test_losses_are_discounted_by_vasiceks_bonds", "Vasicek 1977, eq. 27", loss, price))
    return tuple(found)


GRID = np.linspace(-9.0, 9.0, 3601)
WEIGHT = np.exp(-(GRID**2) / 2) * (GRID[1] - GRID[0]) / math.sqrt(2 * math.pi)  # the trapezoid rule is exact to rounding here


def conditional_default(z):
    """Probability of default given the common factor: Vasicek (2002), eq. 2."""
    return ndtr((ndtri(DEFAULT) - math.sqrt(CORRELATION) * z) / math.sqrt(1 - CORRELATION))


def finite_tail(firms: int, least: int) -> float:
    """Probability of at least `least` defaults: the binomial tail, integrated over the factor."""
    return float(WEIGHT @ binom.sf(least - 1, firms, conditional_default(GRID)))


def finite_variance(firms: int) -> float:
    """Of the share of firms in default: Phi2 - p^2 + (p - Phi2)/n."""
    both = float(WEIGHT @ conditional_default(GRID) ** 2)
    return both - DEFAULT**2 + (DEFAULT - both) / firms


def limit_tail(share: float) -> float:
    """Probability that more than `share` of infinitely many firms fail: Vasicek (2002), eq. 3."""
    return float(ndtr((ndtri(DEFAULT) - math.sqrt(1 - CORRELATION) * ndtri(share)) / math.sqrt(CORRELATION)))


def loss_shares(firms: int, paths: int, seed: int, steps: int = 1) -> np.ndarray:
    """Loss of the system over all that is owed, [paths]; nothing is recovered."""
    model = firm_model(
        firms=firms, face=PORTFOLIO_FACE, asset=ASSET, sd=PORTFOLIO_SD, loading=math.sqrt(CORRELATION), steps=steps, dt=1 / steps, alpha=0.0, seed=seed
    )
    return run_engine(model, paths, lanes=500 if firms <= 100 else 50)["system_loss"] / (firms * PORTFOLIO_FACE)


@functools.cache
def portfolios() -> tuple[Finding, ...]:
    """Vasicek (2002): finite portfolios, the limit, and what is left of chance once the factor is known."""
    test, found = f"{TEST}::test_portfolio_of_firms_with_one_factor_is_vasiceks", []
    source = "Vasicek 2002, by quadrature"
    for firms, paths, steps in ((1, 100_000, 1), (2, 100_000, 1), (10, 50_000, 4), (100, 20_000, 1)):
        share = loss_shares(firms, paths, 20 + firms, steps)
        least = max(1, math.ceil(0.2 * firms - 1e-9))
        name = f"Portfolio of {firms}" + (f" in {steps} steps" if steps > 1 else "")
        found.append(mean_finding(f"{name}: mean share in default", test, source, share, DEFAULT))
        if firms > 1:
            found.append(mean_finding(f"{name}: variance of the share", test, source, (share - DEFAULT) ** 2, finite_variance(firms)))
            found.append(mean_finding(f"{name}: at least {least} fail", test, source, share > (least - 0.5) / firms, finite_tail(firms, least)))

    z = np.empty(share.size)  # the factor of the portfolio of 100, drawn again
    fill_normal(key_of(120, "driver:demand"), 0, 0, 0, z)
    given = conditional_default(z)
    claim = "Portfolio of 100, given the common factor: "
    source = "Vasicek 2002, eq. 2"
    found.append(mean_finding(claim + "mean share less the conditional probability", test, source, share - given, 0.0))
    rest = float(WEIGHT @ (conditional_default(GRID) * (1 - conditional_default(GRID))))
    found.append(mean_finding(claim + "100 x its squared distance is the binomial variance", test, source, 100 * (share - given) ** 2, rest))

    share = loss_shares(1000, 4_000, 30)
    for level in (0.1, 0.2):
        claim = f"Portfolio of 1000 against the limit: more than {level:.0%} fail"
        found.append(mean_finding(claim, test, "Vasicek 2002, eq. 3", share > level + 0.0005, limit_tail(level)))
    for level in (0.1, 0.2):
        # The finite law approaches the limit as 1/n: at 100 000 firms within a few parts in 100 000.
        got = finite_tail(100_000, int(level * 100_000) + 1)
        found.append(
            numeric_finding(
                f"Quadrature for 100 000 firms against the limit: more than {level:.0%} fail", test, "Vasicek 2002, eq. 3", got, limit_tail(level), 3e-5
            )
        )
    return tuple(found)


def findings() -> list[Finding]:
    return [*one_firm(), *bonds(), *portfolios()]
