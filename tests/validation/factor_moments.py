"""Factors: mean, variance and memory of every process.

Formulas are written here from their sources, not read from the processes. Memory is the covariance of two steps (3 3/4 and 7 years). Processes with a
lognormal law are compared as logarithms too, whose sample moments have light tails. Where the model limits a factor (the power gap lies in 0..1) the
pieces are compared before the limit.
"""

import functools
import math

import numpy as np
from scipy.integrate import quad
from scipy.special import ndtr, ndtri
from scipy.stats import beta as beta_law

from simulate.factors import FactorSections
from simulate.factors.keys import key_of
from simulate.factors.members import DRIVERS
from simulate.kernels.random import ONCE, fill_normal
from tests.makers.factors import CORRELATION, GROUPS, PROCESSES, QUIET, build, simulate

from .claims import Finding, mean_finding, numeric_finding
from .portfolios import integral_variance, vasicek_bond

TEST = "validation/test_closed_forms.py::test_factors_have_their_moments"
EARLY, LATE = 14, 27  # steps
S, T = 0.25 * (EARLY + 1), 0.25 * (LATE + 1)  # years at their ends
DEFAULTS = FactorSections()
PATHS = 40_960


@functools.cache
def samples() -> dict[str, dict[str, np.ndarray]]:
    """`free`: default sections; `quiet`: all is delivered and nobody is disappointed; `apart`: quiet, rental price without pull, many shots."""
    apart = QUIET | {"rental": {"demand_pull": 0.0}, "power_gap": {"shots_per_year": 3.0, "shot_mean": 0.1, "shot_decay": 1.5}}
    return {
        "free": simulate(build(seed=1), PATHS),
        "quiet": simulate(build(QUIET, seed=2), PATHS),
        "apart": simulate(build(apart, seed=3), PATHS),
    }


def moment_findings(name: str, source: str, early, late, means, variance: float, covariance: float, test: str = TEST) -> list[Finding]:
    """Mean and variance late, covariance of early and late; `means` are the exact means of both."""
    a, b = early - means[0], late - means[1]
    return [
        mean_finding(f"{name}: mean", test, source, late, means[1]),
        mean_finding(f"{name}: variance", test, source, b * b, variance),
        mean_finding(f"{name}: covariance of two steps", test, source, a * b, covariance),
    ]


def reverting(kappa: float, sigma: float) -> tuple[float, float, float]:
    """Ornstein-Uhlenbeck from 0 (Uhlenbeck and Ornstein 1930): variance at S and at T, covariance."""
    at = [sigma**2 * -math.expm1(-2 * kappa * time) / (2 * kappa) for time in (S, T)]
    return at[0], at[1], at[0] * math.exp(-kappa * (T - S))


def regime_findings() -> list[Finding]:
    into, out = DEFAULTS.regime.hazard_in, DEFAULTS.regime.hazard_out
    total, share = into + out, into / (into + out)
    early, late = (share * -math.expm1(-total * time) for time in (S, T))
    stays = share + (1 - share) * math.exp(-total * (T - S))
    c = samples()["free"]["regime"]
    return moment_findings("Regime", "Norris 1997, section 2.1", c[EARLY], c[LATE], (early, late), late * (1 - late), early * stays - early * late)


def rate_findings() -> list[Finding]:
    section, sample = DEFAULTS.short_rate, samples()["free"]
    k, theta, sigma, r0 = section.reversion, section.mean, section.volatility, section.start
    means = [theta + (r0 - theta) * math.exp(-k * time) for time in (S, T)]
    _, variance, covariance = reverting(k, sigma)
    found = moment_findings("Short rate", "Vasicek 1977, eq. 25 and 26", sample["rate"][EARLY], sample["rate"][LATE], means, variance, covariance)
    for step in (3, 11, 27):
        years = 0.25 * (step + 1)
        claim = f"Bond with a maturity of {years:g} (years): mean discount factor of the paths"
        found.append(mean_finding(claim, TEST, "Vasicek 1977, eq. 27", sample["discount"][step], vasicek_bond(r0, k, theta, sigma, years)))
    b = -math.expm1(-k * T) / k
    integral = -np.log(sample["discount"][LATE])
    mean = theta * T + (r0 - theta) * b
    source = "Glasserman 2003, eq. 3.48"
    found.append(mean_finding("Integral of the rate: variance", TEST, source, (integral - mean) ** 2, integral_variance(k, sigma, T)))
    found.append(mean_finding("Rate and its integral: covariance", TEST, source, (integral - mean) * (sample["rate"][LATE] - means[1]), sigma**2 * b * b / 2))
    return found


def spread_and_valuation_findings() -> list[Finding]:
    found, source = [], "Schwartz 1997, model 1"
    free, quiet = samples()["free"], samples()["quiet"]
    for name, section, x in (("Spread", DEFAULTS.spread, free["spread"]), ("Valuation without disappointment", DEFAULTS.valuation, quiet["valuation"])):
        early, late, covariance = reverting(section.reversion, section.volatility)
        logs = np.log(x)
        found += moment_findings(f"{name}, logarithm", source, logs[EARLY], logs[LATE], (-early / 2, -late / 2), late, covariance)
        found.append(mean_finding(f"{name}: mean 1", TEST, source, x[LATE], 1.0))
        found.append(mean_finding(f"{name}: variance", TEST, source, (x[LATE] - 1) ** 2, math.expm1(late)))
    total = DEFAULTS.regime.hazard_in + DEFAULTS.regime.hazard_out
    down = DEFAULTS.regime.hazard_in / total * -math.expm1(-total * T)
    shift = DEFAULTS.valuation.disappointment_shift
    want = -late / 2 + shift * down
    found.append(mean_finding("Valuation with disappointment, logarithm: mean", TEST, source, free["log_valuation"][LATE], want))
    claim = "Valuation with disappointment, logarithm: variance"
    found.append(mean_finding(claim, TEST, source, (free["log_valuation"][LATE] - want) ** 2, late + shift**2 * down * (1 - down)))
    return found


def power_findings() -> list[Finding]:
    section, free, apart = DEFAULTS.power_gap, samples()["free"], samples()["apart"]
    _, variance, covariance = reverting(section.reversion, section.volatility * math.sqrt(2 * section.reversion))
    power = free["power"]
    found = moment_findings("Power gap, fluctuation", "Uhlenbeck and Ornstein 1930", power[EARLY], power[LATE], (0.0, 0.0), variance, covariance)
    for name, rate, mean, fade, shots in (
        ("Shots", section.shots_per_year, section.shot_mean, section.shot_decay, free["shots"]),
        ("Many shots", 3.0, 0.1, 1.5, apart["shots"]),
    ):
        # n-th cumulant of a sum of fading shots: rate E[size^n] int_0^t exp(-n fade u) du, with E[size^n] = n! mean^n.
        early, late = ([rate * math.factorial(n) * mean**n * -math.expm1(-n * fade * time) / (n * fade) for n in (1, 2, 3)] for time in (S, T))
        source = "Campbell 1909"
        means = (early[0], late[0])
        found += moment_findings(name, source, shots[EARLY], shots[LATE], means, late[1], early[1] * math.exp(-fade * (T - S)))
        found.append(mean_finding(f"{name}: third central moment", TEST, source, (shots[LATE] - late[0]) ** 3, late[2]))
    plan = section.plan[2030]  # the last year of the table
    total = free["gap"][LATE] - np.clip(plan + power[LATE] + free["shots"][LATE], 0.0, 1.0)
    found.append(
        numeric_finding("Power gap is plan, fluctuation and shots, in 0..1: largest difference", TEST, "docs/model.md 2", np.abs(total).max(), 0.0, 1e-14)
    )
    return found


def log_covariance(i: int, j: int, s: float, t: float) -> float:
    """Of the logarithms of revenue over plan of two processes at times s <= t, on the grid of the run."""
    p, q = PROCESSES[i], PROCESSES[j]

    def volatility(process, u):
        return process.sd1 + (process.sd0 - process.sd1) * math.exp(-u / process.sd_tau)

    def squared(process, begin):
        return quad(lambda u: volatility(process, u) ** 2, begin, begin + 0.25)[0]

    steps = [0.25 * k for k in range(round(s / 0.25))]
    if i != j:  # one normal of demand a step, at the root of each process's variance of the step
        return p.loading * q.loading * sum(math.sqrt(squared(p, u) * squared(q, u)) for u in steps)
    own = sum(squared(p, u) for u in steps)
    if p.growth_sd == 0.0:
        return own

    def response(u):
        return -math.expm1(-p.growth_decay * u) / p.growth_decay

    return own + p.growth_sd**2 * quad(lambda u: response(s - u) * response(t - u), 0.0, s)[0]


def revenue_findings() -> list[Finding]:
    found, source, quiet = [], "Schwartz and Moon 2000, integrated by quadrature", samples()["quiet"]
    for i, process in enumerate(PROCESSES):
        x = quiet["ratio"][:, i]
        early, late, covariance = log_covariance(i, i, S, S), log_covariance(i, i, T, T), log_covariance(i, i, S, T)
        logs = np.log(x)
        name = f"Revenue over plan, {process.name}"
        found += moment_findings(f"{name}, logarithm", source, logs[EARLY], logs[LATE], (-early / 2, -late / 2), late, covariance)
        found.append(mean_finding(f"{name}: mean 1", TEST, source, x[LATE], 1.0))
        found.append(mean_finding(f"{name}: variance", TEST, source, (x[LATE] - 1) ** 2, math.expm1(late)))
    for i, j in ((0, 1), (0, 2)):
        a, b = (np.log(quiet["ratio"][LATE, k]) + log_covariance(k, k, T, T) / 2 for k in (i, j))
        claim = f"Revenue of {PROCESSES[i].name} and {PROCESSES[j].name}, logarithms: covariance through demand"
        found.append(mean_finding(claim, TEST, source, a * b, log_covariance(i, j, T, T)))
    free = samples()["free"]
    fixed = (PROCESSES[1].plan0 + free["draw_delivery"][1] * (PROCESSES[1].plan[LATE] - PROCESSES[1].plan0)) / PROCESSES[1].plan[LATE]
    lost = PROCESSES[1].regime_shift * 0.25 * free["regime"].sum(axis=0)
    claim = "Revenue over its delivered plan, given the steps of disappointment: mean 1"
    found.append(mean_finding(claim, TEST, source, free["ratio"][LATE, 1] / fixed / np.exp(lost), 1.0))
    return found


def demand_findings() -> list[Finding]:
    """Demand is a weighted sum of lognormals, confidence a linear filter of it."""
    quiet, steps = samples()["quiet"], LATE + 1
    plan = np.array([process.plan for process in PROCESSES[:2]])
    weight = plan / plan.sum(axis=0)
    covariance = np.zeros((steps, steps))
    for a in range(steps):
        for b in range(a, steps):
            for i in range(2):
                for j in range(2):
                    logs = log_covariance(i, j, 0.25 * (a + 1), 0.25 * (b + 1))
                    covariance[a, b] += weight[i, a] * weight[j, b] * math.expm1(logs)
            covariance[b, a] = covariance[a, b]
    y = quiet["demand"]
    found = moment_findings("Demand", "weighted lognormals", y[EARLY], y[LATE], (1.0, 1.0), covariance[LATE, LATE], covariance[EARLY, LATE])
    newest = -math.expm1(-0.25 / DEFAULTS.confidence.memory_years)
    memory = np.array([[newest * (1 - newest) ** (t - s) if s <= t else 0.0 for s in range(steps)] for t in (EARLY, LATE)])
    both = memory @ covariance @ memory.T
    k = quiet["confidence"]
    return found + moment_findings("Confidence", "Brown 1959", k[EARLY], k[LATE], (1.0, 1.0), both[1, 1], both[0, 1])


def rental_findings() -> list[Finding]:
    section, x = DEFAULTS.rental, np.log(samples()["apart"]["rental"])
    early, late, covariance = reverting(section.reversion, section.volatility)
    decay, level, means = math.exp(-section.reversion * 0.25), 0.0, []
    for step in range(LATE + 1):
        level = decay * level - (1 - decay) * section.obsolescence * 0.25 * (step + 1)
        means.append(level)
    exact, source = (means[EARLY] - early / 2, means[LATE] - late / 2), "Schwartz 1997, model 1"
    found = moment_findings("Rental price without pull, logarithm", source, x[EARLY], x[LATE], exact, late, covariance)
    found.append(mean_finding("Rental price without pull: mean", TEST, source, np.exp(x[LATE]), math.exp(means[LATE])))
    return found


def delivery_law():
    """Beta-PERT: beta on low..high."""
    low, mode, high = (getattr(DEFAULTS.delivery, name) for name in ("low", "mode", "high"))
    return beta_law(1 + 4 * (mode - low) / (high - low), 1 + 4 * (high - mode) / (high - low), loc=low, scale=high - low)


def delivery_findings() -> list[Finding]:
    section, d = DEFAULTS.delivery, samples()["free"]["draw_delivery"]
    low, mode, high = section.low, section.mode, section.high
    mean, source = (low + 4 * mode + high) / 6, "Malcolm, Roseboom, Clark and Fazar 1959; Vose 2008"
    found = [
        mean_finding("Plan delivery (Beta-PERT): mean", TEST, source, d[0], mean),
        mean_finding("Plan delivery (Beta-PERT): variance", TEST, source, (d[0] - mean) ** 2, (mean - low) * (high - mean) / 7),
    ]
    law = delivery_law()
    for level in (0.001, 0.05, 0.5, 0.95, 0.999):
        claim = f"Plan delivery: share of draws at or below the {level:g} quantile"
        found.append(mean_finding(claim, TEST, source, d[1] <= law.ppf(level), level))
    z = ndtri(law.cdf(d))
    claim, rho = "Plan delivery of two processes: correlation of their normal scores", section.correlation**2
    found.append(mean_finding(claim, TEST, "Li 2000", z[0] * z[2], rho))
    return found


def life_and_deal_findings() -> list[Finding]:
    section, sample = DEFAULTS.life, samples()["free"]
    mean = sum(w * v for w, v in zip(section.weights, section.values, strict=True))
    life = sample["draw_life"]
    found = [mean_finding("Useful life: mean", TEST, "mixture", life, mean)]  # of two values, so the mean says all
    letters, talks, source = GROUPS[1], GROUPS[2], "Vasicek 2002"
    scale = sample["draw_scale"]
    size = (letters.size_low + letters.size_high) / 2
    square = (letters.size_low**2 + letters.size_low * letters.size_high + letters.size_high**2) / 3
    done = scale[1:3] > 0
    found.append(mean_finding("Deals that are not binding: executed", TEST, source, done[0], letters.probability))
    found.append(mean_finding("Deals that are not binding: mean size", TEST, source, scale[1], letters.probability * size))
    found.append(mean_finding("Deals that are not binding: mean squared size", TEST, source, scale[1] ** 2, letters.probability * square))
    rho = DEFAULTS.execution.correlation**2
    both = joint_upper(ndtri(1 - letters.probability), ndtri(1 - talks.probability), rho)
    found.append(mean_finding("Two groups of deals: both executed", TEST, source, done[0] & done[1], both))
    common = np.empty(PATHS)
    fill_normal(key_of(1, "delivery"), ONCE, 0, 0, common)  # of the sample `free`
    tied = DEFAULTS.execution.correlation * math.exp(-(ndtri(letters.probability) ** 2) / 2) / math.sqrt(2 * math.pi)
    found.append(mean_finding("Deals that are executed where plans are met: covariance with the common normal", TEST, source, common * done[0], tied))
    return found


def joint_upper(a: float, b: float, rho: float) -> float:
    """P(X > a, Y > b) of the bivariate normal, by quadrature."""
    return quad(lambda x: math.exp(-x * x / 2) / math.sqrt(2 * math.pi) * ndtr((rho * x - b) / math.sqrt(1 - rho * rho)), a, 12.0, epsabs=1e-14)[0]


@functools.cache
def tail_findings() -> tuple[Finding, ...]:
    """Gaussian dependence fades in the tail (Sibuya 1960): joint exceedances at 99 % are those of the bivariate normal, no more."""
    test, source, found = "validation/test_closed_forms.py::test_joint_tails_are_those_of_the_normal_law", "Sibuya 1960; bivariate normal integral", []
    z99 = float(ndtri(0.99))
    driver = samples()["free"]["driver"]
    for pair, rho in CORRELATION.items():
        a, b = (driver[:, DRIVERS.index(name)].ravel() for name in pair.split(":"))
        sign = math.copysign(1.0, rho)
        claim = f"Drivers {pair} at {rho:+g}: both beyond 99 %" + (", at opposite ends" if rho < 0 else "")
        found.append(mean_finding(claim, test, source, (a > z99) & (sign * b > z99), joint_upper(z99, z99, abs(rho))))
    demand, rates = (driver[:, DRIVERS.index(name)].ravel() for name in ("demand", "rates"))
    found.append(mean_finding("Drivers demand:rates, not correlated: both beyond 99 %", test, source, (demand > z99) & (rates > z99), 1e-4))
    quiet = samples()["quiet"]
    variances = [log_covariance(i, i, T, T) for i in (0, 1)]
    a, b = ((np.log(quiet["ratio"][LATE, i]) + v / 2) / math.sqrt(v) for i, v in zip((0, 1), variances, strict=True))
    rho = log_covariance(0, 1, T, T) / math.sqrt(variances[0] * variances[1])
    claim = f"Revenue of both labs after 7 years, correlation {rho:.2f}: both below 5 %"
    z95 = float(ndtri(0.95))
    found.append(mean_finding(claim, test, source, (a < -z95) & (b < -z95), joint_upper(z95, z95, rho)))
    d = samples()["free"]["draw_delivery"]
    worst = d < delivery_law().ppf(0.05)
    claim = "Plan delivery of two processes: both in the worst 5 %"
    found.append(mean_finding(claim, test, source, worst[0] & worst[1], joint_upper(z95, z95, DEFAULTS.delivery.correlation**2)))
    return tuple(found)


@functools.cache
def moments() -> tuple[Finding, ...]:
    parts = (regime_findings, rate_findings, spread_and_valuation_findings, power_findings, revenue_findings)
    parts += (demand_findings, rental_findings, delivery_findings, life_and_deal_findings)
    return tuple(one for part in parts for one in part())


def findings() -> list[Finding]:
    return [*moments(), *tail_findings()]
