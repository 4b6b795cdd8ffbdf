"""Sampling has no bias: z-scores over many seeds are standard normal.

A comparison at four standard errors misses a bias of half of one. So sixteen independent estimators, each with its exact mean and its exact standard error,
are run with 200 seeds of 2048 paths. Their z-scores must have mean 0 (per estimator, at four of its standard errors 1/sqrt(200)), mean square 1 (chi-square)
and the normal law (Kolmogorov-Smirnov). A bias of half a standard error in one estimator moves its mean by 7.1 standard errors and is found with a
probability of 99.9 %, a bias of 0.4 with 95 %; a standard error that is 30 % off in one estimator is found with 90 %, one that is 7 % off everywhere with 95 %.
"""

import functools
import math
from datetime import date

import numpy as np
from scipy.stats import chi2, kstest, norm

from simulate.factors import FactorSections, build_factors
from simulate.factors.members import DRIVERS
from simulate.factors.section import Group, Process, Timeline
from tests.makers.factors import simulate

from .claims import LIMIT, STANDARD_ERRORS, Finding, numeric_finding
from .firms import SURE, firm_model, run_engine
from .portfolios import integral_variance, merton

TEST = "validation/test_z_scores.py"
SEEDS, PATHS = 200, 2048
STEPS, DT, YEARS = 4, 0.25, 1.0
TIMELINE = Timeline(date(2025, 12, 31), STEPS, DT)
SOURCE = "central limit theorem; Kolmogorov 1933"
UNLIKELY = 1e-4  # chance that a true claim on one estimator is refused, each way
FIRST_SEED = 1000
SECTIONS = FactorSections(
    power_gap={"shots_per_year": 4.0, "shot_mean": 0.1}, execution={"correlation": 0.0}, rental={"demand_pull": 0.0}, revenue={"regime_scale": 0.0}
)
# Nothing is to be delivered (the plan does not grow), and the second process has no part in demand: the estimators share no draw.
PROCESSES = (
    Process("lab", 5.0, np.full(STEPS, 5.0), 0.0, 0.4, 0.2, 1.0, 0.1, 1.0, 0.0, True),
    Process("cloud", 1.0, np.full(STEPS, 1.0), 0.8, 0.3, 0.3, 0.0, 0.0, 1.0, 0.0, False),
)


def own_variance(kappa: float, sigma: float) -> float:
    """Of an Ornstein-Uhlenbeck process after one year from a known value."""
    return sigma**2 * -math.expm1(-2 * kappa * YEARS) / (2 * kappa)


def estimate_factors(seed: int) -> dict[str, tuple[float, float, float]]:
    """Sample mean, exact mean and exact variance of a draw, by estimator."""
    s = SECTIONS
    factors = build_factors(s, {}, TIMELINE, PROCESSES, [SURE, Group("letters", 0.25, 1.0, 1.0)], seed)
    out = {name: value if name.startswith("draw_") else value[-1] for name, value in simulate(factors, PATHS).items()}
    total = s.regime.hazard_in + s.regime.hazard_out
    down = s.regime.hazard_in / total * -math.expm1(-total * YEARS)
    rate, power, gap = s.short_rate, own_variance(s.power_gap.reversion, s.power_gap.volatility * math.sqrt(2 * s.power_gap.reversion)), s.power_gap
    spread, valuation, rental = (own_variance(part.reversion, part.volatility) for part in (s.spread, s.valuation, s.rental))
    shots = [gap.shots_per_year * math.factorial(n) * gap.shot_mean**n * -math.expm1(-n * gap.shot_decay) / (n * gap.shot_decay) for n in (1, 2)]
    d, life = s.delivery, s.life
    mean = (d.low + 4 * d.mode + d.high) / 6
    level, kept = 0.0, math.exp(-s.rental.reversion * DT)
    for k in range(1, STEPS + 1):
        level = kept * level - (1 - kept) * s.rental.obsolescence * DT * k
    lab = 0.2**2 + 2 * 0.2 * 0.2 * -math.expm1(-1) + 0.2**2 * -math.expm1(-2) / 2 + integral_variance(1.0, 0.1, YEARS)  # of (0.2 + 0.2 exp(-t))^2
    drift = s.valuation.disappointment_shift * out["regime"]
    z = out["driver"]
    return {
        "share of paths in disappointment": (out["regime"].mean(), down, down * (1 - down)),
        "short rate": (out["rate"].mean(), rate.mean + (rate.start - rate.mean) * math.exp(-rate.reversion), own_variance(rate.reversion, rate.volatility)),
        "spread, logarithm": (np.log(out["spread"]).mean(), -spread / 2, spread),
        "valuation, logarithm": ((out["log_valuation"] - drift).mean(), -valuation / 2, valuation),
        "power fluctuation": (out["power"].mean(), 0.0, power),
        "power fluctuation, square": ((out["power"] ** 2).mean(), power, 2 * power**2),
        "shots": (out["shots"].mean(), shots[0], shots[1]),
        "plan delivery": (out["draw_delivery"][0].mean(), mean, (mean - d.low) * (d.high - mean) / 7),
        "revenue of a lab": (out["ratio"][0].mean(), 1.0, math.expm1(lab)),
        "revenue of a cloud, logarithm": (np.log(out["ratio"][1]).mean(), -0.09 / 2, 0.09),
        "product of two drivers": ((z[DRIVERS.index("rates")] * z[DRIVERS.index("spread")]).mean(), 0.0, 1.0),
        "useful life": (out["draw_life"].mean(), life.weights[0] * 3 + life.weights[1] * 6, 9 * life.weights[0] * life.weights[1]),
        "deals executed": (out["draw_scale"][1].mean(), 0.25, 0.25 * 0.75),
        "rental price, logarithm": (np.log(out["rental"]).mean(), level - rental / 2, rental),
    }


def estimate_firms(seed: int) -> dict[str, tuple[float, float, float]]:
    """The same through the whole engine, of two firms that share no draw."""
    face, asset, sd = 90.0, 100.0, 0.25
    out = run_engine(firm_model(firms=2, face=face, asset=asset, sd=sd, seed=seed), PATHS, lanes=256)
    chance, put, _ = merton(asset, face, sd**2)
    d2 = (math.log(asset / face) - sd**2 / 2) / sd
    # E[(face - V)^2; V < face] of a lognormal V
    square = face**2 * norm.cdf(-d2) - 2 * face * asset * norm.cdf(-d2 - sd) + asset**2 * math.exp(sd**2) * norm.cdf(-d2 - 2 * sd)
    return {
        "engine: default of a firm": ((out["default_step"][0] >= 0).mean(), chance, chance * (1 - chance)),
        "engine: loss on the bullet of another": (out["deal_loss"][1].mean(), put, square - put**2),
    }


@functools.cache
def scores() -> dict[str, np.ndarray]:
    """[seeds] z-scores by estimator."""
    rows: dict[str, list[float]] = {}
    for seed in range(FIRST_SEED, FIRST_SEED + SEEDS):
        for name, (got, want, variance) in (estimate_factors(seed) | estimate_firms(seed)).items():
            rows.setdefault(name, []).append((got - want) / math.sqrt(variance / PATHS))
    return {name: np.array(row) for name, row in rows.items()}


def refusals(table: dict[str, np.ndarray]) -> list[str]:
    """What in the z-scores is not standard normal; also used on scores that were spoiled, to show that it would be found."""
    found = []
    for name, z in [*table.items(), ("all", np.concatenate(list(table.values())))]:
        if abs(z.mean()) * math.sqrt(z.size) >= LIMIT:
            found.append(f"{name}: mean {z.mean():+.3f}")
        tail = chi2.cdf(np.sum(z**2), z.size)
        if not UNLIKELY < tail < 1 - UNLIKELY:
            found.append(f"{name}: mean square {np.mean(z**2):.3f}")
        if kstest(z, "norm").pvalue < UNLIKELY:
            found.append(f"{name}: not normal")
    return found


def findings() -> list[Finding]:
    table = scores()
    every = np.concatenate(list(table.values()))
    test = f"{TEST}::test_z_scores_are_standard_normal"
    found = [
        Finding(f"z-scores over {SEEDS} seeds, {name}: mean", test, SOURCE, float(z.mean()), 0.0, 1 / math.sqrt(z.size), STANDARD_ERRORS)
        for name, z in table.items()
    ]
    found.append(Finding(f"All {every.size} z-scores: mean", test, SOURCE, float(every.mean()), 0.0, 1 / math.sqrt(every.size), STANDARD_ERRORS))
    found.append(Finding(f"All {every.size} z-scores: mean square", test, SOURCE, float(np.mean(every**2)), 1.0, math.sqrt(2 / every.size), STANDARD_ERRORS))
    distance = kstest(every, "norm").statistic
    claim = f"All {every.size} z-scores: largest distance to the normal distribution function"
    found.append(numeric_finding(claim, test, SOURCE, distance, 0.0, 2.225 / math.sqrt(every.size)))  # Kolmogorov's limit at 1e-4
    return found
