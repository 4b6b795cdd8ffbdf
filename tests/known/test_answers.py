"""Known answers that are neither plain clearing nor plain measures of risk: cross-holdings, cascades, firms, portfolios, a bound.

A Monte Carlo number must lie within 4 standard errors; the standard error is that of the true probability. Where fewer than 25 paths are expected, the
count must not be less likely than that (3.2e-5 on either side of its binomial law).
"""

import functools
import math
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtr, ndtri
from scipy.stats import binom

import simulate
from simulate import risk
from simulate.clearing import build_problem, read_lane, read_network
from simulate.engine.blocks import Workspace
from simulate.model import BALANCE, Holdings, Model
from simulate.step.one_period import clear_one_period
from simulate.step.watch import TRACES
from tests.known.answers import ANSWERS, LEFT_OUT, look_up, of_kind
from tests.makers.tiny import freeze, make_legs
from tests.validation.firms import firm_model, run_engine

FOUR_ERRORS = 3.17e-5  # normal probability beyond 4 standard errors, one side
TESTS = Path(__file__).parents[1]


# Every vector is asked somewhere or has a reason


def test_every_vector_is_asked_or_left_out_for_a_reason():
    assert len(ANSWERS) == 58
    assert all(len(reason) > 40 for reason in LEFT_OUT.values()) and len(LEFT_OUT) == 7
    texts = {name: (TESTS / name).read_text() for name in ("known/test_answers.py", "known/test_contracts.py", "clearing/test_vector.py", "risk/test_risk.py")}
    kinds = {"known/test_answers.py": r'of_kind\("(\w+)"\)', "clearing/test_vector.py": r'"kind"\) == "(\w+)"'}
    asked = {kind for name, pattern in kinds.items() for kind in re.findall(pattern, texts[name])}
    for name, answer in ANSWERS.items():
        assert answer["source"], name
        named = any(f'"{name}"' in text for text in texts.values())
        if name in LEFT_OUT:
            assert not named and set(answer) == {"kind", "source", "left_out"}, name
        else:
            assert named or answer["kind"] in asked, f"nobody asks {name}"
            assert answer["inputs"] and answer["expected"] and answer["tolerance"] > 0, name


# Cross-holdings: equity is the claim that is paid last (Elsinger 2009), larger than anybody could ever pay


def clear_equity(shares, cash, debt=None, solution="greatest"):
    """Clearing of outside debt and, behind it, shares: shares[i][j] is what i holds of j."""
    shares, cash = np.array(shares, float), np.array(cash, float)
    large = 1e3 * (1.0 + cash.sum())
    owed = np.stack([np.zeros_like(shares), large * shares.T])
    external = np.stack([np.zeros(cash.size) if debt is None else np.array(debt, float), large * (1.0 - shares.sum(axis=0))])
    return simulate.clearing_vector(owed, cash, external, solution=solution)


@pytest.mark.parametrize("name", of_kind("cross_holdings"))
def test_values_of_organisations_that_hold_each_other(name):
    inputs, expected, tolerance = look_up(name)
    shares, projects, prices = np.array(inputs["C"]), np.array(inputs["D"]), np.array(inputs["p"])
    found = clear_equity(shares, projects @ prices)
    np.testing.assert_allclose(found.paid_by_class[1], expected["book_V"], rtol=0, atol=tolerance)
    np.testing.assert_allclose(found.paid_to_external, expected["v"], rtol=0, atol=tolerance)
    each = [clear_equity(shares, unit).paid_to_external for unit in np.eye(len(shares))]
    np.testing.assert_allclose(np.transpose(each), expected["A"], rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", of_kind("cross_holdings_limited_liability"))
@pytest.mark.parametrize("solution", ["greatest", "least"])
def test_equity_of_indebted_firms_that_hold_each_other(name, solution):
    inputs, expected, tolerance = look_up(name)
    found = clear_equity(inputs["equity_share_i_holds_in_j"], inputs["external_assets"], inputs["external_debt"], solution)
    equity = found.paid_by_class[1]
    outside = found.paid_to_external - inputs["external_debt"]
    np.testing.assert_allclose(equity, expected["equity"], rtol=0, atol=tolerance)
    np.testing.assert_allclose(outside, expected["outside_shareholders"], rtol=0, atol=tolerance)
    assert (equity.sum(), outside.sum()) == pytest.approx((expected["sum_equity"], expected["outside_total"]), abs=tolerance)


def value_in_the_engine(shares, cash, debt) -> np.ndarray:
    """[n] equity of indebted firms that hold each other and do nothing else, at the end of a step of the engine."""
    shares, n = np.array(shares, float), len(cash)
    model = firm_model(firms=n, steps=1, dt=0.25)
    inside = [(i, j, shares[i, j]) for i in range(n) for j in range(n) if shares[i, j] > 0]
    holder, issuer, stake = map(np.array, zip(*inside, *((n, j, 1 - shares[:, j].sum()) for j in range(n))))
    rows = len(holder)
    outside = np.array([*range(len(inside), rows), -1, -1])
    legs = [dict(payer=i, payee=n, driver=BALANCE, bal0=float(debt[i]), amort=0.0) for i in range(n)]
    entities = model.entities._replace(
        rev_ext=np.zeros_like(model.entities.rev_ext), cash0=np.array([*cash, 0.0, 0.0], float), equity0=np.array([1.0] * n + [0.0, 0.0])
    )
    model = model._replace(
        entities=entities,
        legs=make_legs(legs, 1),
        holdings=Holdings(holder, issuer, stake, np.zeros(rows), np.arange(rows), outside),
        grid=model.grid._replace(deals=rows),
    )
    trace = Workspace(Model(*(freeze(group) for group in model)), 1).trace(0)
    return trace[0, 0, TRACES.index("equity"), :n, 0]


def test_the_engine_values_firms_that_hold_each_other():
    inputs, expected, tolerance = look_up("elsinger_equity_xholding")
    equity = value_in_the_engine(inputs["equity_share_i_holds_in_j"], inputs["external_assets"], inputs["external_debt"])
    np.testing.assert_allclose(equity, expected["equity"], rtol=0, atol=tolerance)
    inputs, expected, tolerance = look_up("egj_two_org")
    np.testing.assert_allclose(value_in_the_engine(inputs["C"], inputs["p"], [0.0, 0.0]), expected["book_V"], rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", of_kind("linear_debtrank"))
@pytest.mark.parametrize("solution", ["greatest", "least"])
def test_linear_debtrank_is_a_clearing_of_claims_on_equity(name, solution):
    """A claim A_ij that is worth A_ij min(1, E_j / E0_j)^+ is the share A_ij / E0_j of a last class of nominal E0_j; its face is owed to nobody inside."""
    inputs, expected, tolerance = look_up(name)
    claims, cash, debt = (np.array(inputs[key]) for key in ("interbank_assets_i_claims_on_j", "external_assets", "external_liabilities"))
    first = np.array(expected["initial_equity"])
    assert cash + claims.sum(axis=1) - debt - claims.sum(axis=0) == pytest.approx(first)
    owed = np.stack([np.zeros_like(claims), claims.T])
    external = np.stack([debt + claims.sum(axis=0), first - claims.sum(axis=0)])
    calm = simulate.clearing_vector(owed, cash, external, solution="greatest")
    np.testing.assert_allclose(calm.paid_by_class[1], first, rtol=0, atol=tolerance)
    found = simulate.clearing_vector(owed, cash - inputs["equity_shock"], external, solution=solution)
    np.testing.assert_allclose(found.paid_by_class[1], expected["final_equity"], rtol=0, atol=tolerance)
    np.testing.assert_allclose(1 - found.paid_by_class[1] / first, expected["relative_loss"], rtol=0, atol=tolerance)


# Cascades without recovery: alpha = beta = 0


@pytest.mark.parametrize("name", of_kind("threshold_cascade"))
def test_cascade_without_recovery(name):
    inputs, expected, _ = look_up(name)
    assert inputs["recovery"] == 0.0
    found = simulate.clearing_vector(inputs["liabilities_i_owes_j"], inputs["external_assets"], inputs["external_liabilities"], alpha=0, beta=0)
    assert (found.default_round >= 0).tolist() == [bool(x) for x in expected["default"]]


def test_debtrank_with_a_threshold_is_a_cascade_without_recovery():
    """There a bank whose buffer is used up to nothing has failed; here it still pays. So buffers are smaller by 1e-7."""
    inputs, expected, tolerance = look_up("debtrank_small_threshold")
    claims, buffer, stress = (np.array(inputs[key]) for key in ("assets_i_claims_on_j", "buffer", "initial_stress"))
    external = np.full(3, 20.0)
    cash = buffer - 1e-7 + claims.sum(axis=0) + external - claims.sum(axis=1)
    found = simulate.clearing_vector(claims.T, cash - stress * buffer, external, alpha=0, beta=0)
    lost = claims.sum(axis=1) - found.payment_matrix.sum(axis=0)
    np.testing.assert_allclose(stress + lost / buffer, expected["final_stress_uncapped"], rtol=0, atol=tolerance)


# One firm


@pytest.mark.parametrize("name", of_kind("valuation_functions"))
def test_value_of_a_debt_today(name):
    inputs, expected, tolerance = look_up(name)
    assert inputs["external_assets"] - inputs["total_liabilities"] == pytest.approx(inputs["equity"])
    found = simulate.clearing_vector([[0]], [inputs["external_assets"]], [inputs["total_liabilities"]])
    assert found.recovery[0] == pytest.approx(expected["value_en"], abs=tolerance)


@pytest.mark.parametrize("name", of_kind("valuation_functions"))
def test_default_and_value_of_a_debt_at_maturity(name):
    """The engine, 200 000 paths, rho of the asset left in a default. Barucca et al. (2020), eq. 18."""
    inputs, expected, _ = look_up(name)
    face, paths = inputs["total_liabilities"], 200_000
    model = firm_model(face=face, asset=inputs["external_assets"], sd=inputs["sigma_asset"], alpha=inputs["rho"], seed=7)
    out = run_engine(model, paths)
    assert_share(int((out["default_step"][0] >= 0).sum()), paths, expected["merton_pd"])
    value = 1.0 - out["loss"][1, 0] / face
    assert abs(value.mean() - expected["value_merton"]) < 4 * value.std(ddof=1) / math.sqrt(paths)


# Portfolios: firms that fail when an asset value with one common factor is below their debt


def assert_share(count: int, paths: int, probability: float):
    """A count of paths against its binomial law."""
    if paths * min(probability, 1 - probability) >= 25:
        error = math.sqrt(probability * (1 - probability) / paths)
        assert abs(count / paths - probability) < 4 * error, f"{count / paths:.6f} +- {error:.6f}, expected {probability:.6f}"
    else:
        assert min(binom.cdf(count, paths, probability), binom.sf(count - 1, paths, probability)) > FOUR_ERRORS, (
            f"{count} of {paths}, expected {probability:.3g}"
        )


@functools.cache
def defaults(firms: int, probability: float, loading: float, paths: int, seed: int) -> np.ndarray:
    """[firms, paths] who fails, through the whole engine."""
    sd = 0.3
    face = 100.0 * math.exp(sd * float(ndtri(probability)) - sd * sd / 2)
    model = firm_model(firms=firms, face=face, asset=100.0, sd=sd, loading=loading, alpha=0.0, seed=seed)
    lanes = 500 if firms < 100 else 160 if firms < 500 else 50
    return run_engine(model, paths, lanes=lanes)["default_step"][:firms] >= 0


def exact_law(firms: int, probability: float, loading: float) -> np.ndarray:
    """[firms + 1] probability of k defaults: binomial given the factor, trapezoid over the factor. Vasicek (2002)."""
    z = np.linspace(-10.0, 10.0, 8001)
    weight = np.exp(-z * z / 2) * (z[1] - z[0]) / math.sqrt(2 * math.pi)
    given = ndtr((ndtri(probability) - loading * z) / math.sqrt(1 - loading**2))
    return np.array([weight @ binom.pmf(k, firms, given) for k in range(firms + 1)])


def assert_law(failed: np.ndarray, law: np.ndarray):
    """Number of defaults of every path against its law, at the points that are passed with 2, 10, 50, 90, 98 and 99.8 % and at the bottom."""
    count, paths = failed.sum(axis=0), failed.shape[1]
    below = np.cumsum(law)
    for k in {0, 1, 3, *(int(np.searchsorted(below, share)) for share in (0.02, 0.1, 0.5, 0.9, 0.98, 0.998))}:
        assert_share(int((count <= k).sum()), paths, float(below[k]))


FINITE = of_kind("one_factor_gaussian_finite")


@pytest.mark.parametrize("name", [name for name in FINITE if name.startswith("financepy")])
def test_portfolio_of_125_firms(name):
    inputs, expected, tolerance = look_up(name)
    law = exact_law(inputs["num_credits"], inputs["pd"], inputs["beta"])
    np.testing.assert_allclose(1000 * law[:4], expected["prob_k_defaults_x1000_exact"], rtol=1e-6, atol=tolerance)
    failed = defaults(inputs["num_credits"], inputs["pd"], inputs["beta"], 4000, 11)
    assert_law(failed, law)
    for k in range(4):
        assert_share(int((failed.sum(axis=0) == k).sum()), 4000, expected["prob_k_defaults_x1000_exact"][k] / 1000)


@pytest.mark.parametrize(
    ("name", "paths"), [("onefactor_tail_m16", 100_000), pytest.param("onefactor_tail_m1000", 12_000, marks=pytest.mark.slow)], ids=["16 firms", "1000 firms"]
)
def test_tail_of_a_portfolio(name, paths):
    inputs, expected, tolerance = look_up(name)
    assert name in FINITE
    law = exact_law(inputs["m"], inputs["pd"], inputs["beta_loading"])
    failed = defaults(inputs["m"], inputs["pd"], inputs["beta_loading"], paths, 12)
    for threshold, probability in zip(inputs["thresholds"], expected["prob_L_greater_than"], strict=True):
        assert law[threshold + 1 :].sum() == pytest.approx(probability, abs=tolerance)
        assert_share(int((failed.sum(axis=0) > threshold).sum()), paths, probability)
    assert_law(failed, law)


def default_times(correlation: float, paths: int) -> tuple[np.ndarray, np.ndarray]:
    """[20, firms, paths] who has failed by the end of each quarter of five years, hazard 1 % a year: the same draws against the debt of each horizon."""
    inputs, _, _ = look_up("hw_nth_to_default")
    ends = np.arange(1, 4 * inputs["maturity_years"] + 1) / 4
    chances = 1 - np.exp(-inputs["hazard"] * ends)
    return ends, np.array([defaults(inputs["names"], float(chance), math.sqrt(correlation), paths, 13) for chance in chances])


def test_at_least_k_of_ten_names_default():
    inputs, expected, _ = look_up("hw_nth_to_default")
    chance, paths = 1 - math.exp(-inputs["hazard"] * inputs["maturity_years"]), 200_000
    count = defaults(inputs["names"], chance, math.sqrt(0.3), paths, 13).sum(axis=0)
    for k, probability in enumerate(expected["prob_at_least_k_defaults_5y_corr_0_3"], start=1):
        assert_share(int((count >= k).sum()), paths, probability)


@pytest.mark.slow
@pytest.mark.parametrize("correlation", ["0", "0.3", "0.6"])
def test_spreads_of_baskets_that_pay_at_the_kth_default(correlation):
    """Spread = protection over premium, both discounted; a default is taken in the middle of its quarter, which moves a spread by less than 0.02 %.

    Spreads with fewer than 25 defaults behind them are held to the tolerance of the source, 1 bp.
    """
    inputs, expected, tolerance = look_up("hw_nth_to_default")
    paths = 40_000
    ends, failed = default_times(float(correlation), paths)
    assert (np.diff(failed.astype(int), axis=0) >= 0).all(), "who has failed stays so"
    count = failed.sum(axis=1)
    at_end, in_middle = (np.exp(-inputs["rate_cont"] * times)[:, None] for times in (ends, ends - 1 / 8))
    table = expected["spread_bp"]["corr_" + correlation.replace(".", "_")]
    for k, (printed, wanted) in enumerate(zip(table, expected["check_here"][correlation], strict=True), start=1):
        happened = (count >= k).astype(float)
        now = np.diff(happened, axis=0, prepend=0.0)
        protection = ((1 - inputs["recovery"]) * in_middle * now).sum(axis=0)
        premium = (at_end * (1 - happened) / 4 + in_middle * now / 8).sum(axis=0)
        spread = protection.mean() / premium.mean()
        error = 1e4 * (protection - spread * premium).std(ddof=1) / math.sqrt(paths) / premium.mean()
        room = 4 * error + 0.05 + 2e-4 * wanted if happened[-1].sum() >= 25 else tolerance  # 0.05: the figures have one decimal
        assert abs(1e4 * spread - wanted) < room, f"{k}: {1e4 * spread:.2f} +- {error:.2f} bp, expected {wanted}"
        assert abs(wanted - printed) <= max(tolerance, 0.015 * printed)


# The limit of infinitely many firms


def limit_sample(probability: float, correlation: float, level: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Losses and weights of Vasicek's limit law on a fine grid of the factor that has a node at the level; and the weight of a node at the median."""
    h = 1e-4
    y = float(ndtri(level)) + h * np.arange(-120_000, 60_001)
    losses = ndtr((ndtri(probability) + math.sqrt(correlation) * y) / math.sqrt(1 - correlation))
    weights = np.where(y < 0, ndtr(y + h / 2) - ndtr(y - h / 2), ndtr(h / 2 - y) - ndtr(-h / 2 - y))
    return losses, weights / weights.sum(), float(h / math.sqrt(2 * math.pi))


@pytest.mark.parametrize("name", [name for name in of_kind("vasicek_lhp") if name.startswith("vasicek")])
def test_measures_of_the_limit_law(name):
    """The public measures on the law of Vasicek (2002), eq. 3, as a weighted sample."""
    inputs, expected, tolerance = look_up(name)
    losses, weights, node = limit_sample(inputs["pd"], inputs["rho"], inputs["alpha"])
    losses = inputs["lgd"] * losses
    mean = risk.mean(losses, weights).value
    assert mean == pytest.approx(expected["mean"], abs=tolerance)
    assert math.sqrt(risk.mean((losses - mean) ** 2, weights).value) == pytest.approx(expected["std"], abs=tolerance)
    assert risk.value_at_risk(losses, weights, inputs["alpha"]).value == pytest.approx(expected["var"], abs=tolerance)
    assert risk.expected_shortfall(losses, weights, inputs["alpha"]).value == pytest.approx(expected["expected_shortfall"], abs=tolerance)
    assert risk.proportion(losses <= 2 * inputs["pd"], weights).value == pytest.approx(expected["cdf_at_2pd"], abs=node)  # the edge lies inside a node


@pytest.mark.parametrize("name", [name for name in of_kind("vasicek_lhp") if name.startswith("vasicek")])
def test_defaults_of_the_engine_are_correlated_as_in_the_limit_law(name):
    """E[share] and E[share of pairs that fail together] do not depend on the number of firms: the mean and variance + mean^2 of the limit law."""
    inputs, expected, _ = look_up(name)
    firms, paths = 50, 20_000
    count = defaults(firms, inputs["pd"], math.sqrt(inputs["rho"]), paths, 14).sum(axis=0)
    for sample, wanted in ((count / firms, expected["mean"]), (count * (count - 1) / (firms * (firms - 1)), expected["std"] ** 2 + expected["mean"] ** 2)):
        assert abs(sample.mean() - wanted) < 4 * sample.std(ddof=1) / math.sqrt(paths)


def test_capital_of_the_basel_formula():
    """Its heart is value at risk of the limit law at 99.9 %; correlation and maturity adjustment are regulation (Basel framework, CRE31)."""
    inputs, expected, tolerance = look_up("basel_irb_corporate")
    pd, maturity = inputs["pd"], inputs["maturity"]
    mix = (1 - math.exp(-50 * pd)) / (1 - math.exp(-50))
    rho = 0.12 * mix + 0.24 * (1 - mix)
    assert rho == pytest.approx(expected["rho"], abs=tolerance)
    losses, weights, _ = limit_sample(pd, rho, 0.999)
    b = (0.11852 - 0.05478 * math.log(pd)) ** 2
    capital = inputs["lgd"] * (risk.value_at_risk(losses, weights, 0.999).value - pd) * (1 + (maturity - 2.5) * b) / (1 - 1.5 * b)
    assert capital == pytest.approx(expected["K"], abs=tolerance)


# Glasserman and Young: how much a network can add to losses


def shortfalls(owed, external, cash) -> np.ndarray:
    """[W] unpaid debts of all firms, for cash [n, W], nothing lost in default."""
    network = read_network(owed, cash[:, 0], external, 1.0, 1.0, None)
    problem = build_problem(network, np.ascontiguousarray(cash), least=False)
    clear_one_period(problem.net, problem.now, problem.world, problem.step)
    return np.array([(np.sum(owed) + np.sum(external)) - read_lane(network, problem, lane).payment.sum() for lane in range(cash.shape[1])])


def test_a_symmetric_network_attains_the_bound_on_losses():
    """All firms alike, hit alike by Beta(1, k) of what they have outside: extra loss over direct loss = delta (1 - w/c)/(1 - beta), the bound as k grows."""
    inputs, expected, tolerance = look_up("glasserman_young_bound")
    delta, beta, bound = inputs["delta_max"], inputs["beta_plus"], expected["max_extra_loss_fraction"]
    assert bound == pytest.approx(delta / (1 - beta), abs=1e-12)
    n, k = 4, 1000
    left = delta ** (1 / k)  # 1 - w/c: the shock exceeds net worth with probability delta
    cash = (1 - beta) / left
    owed, external = beta / (n - 1) * (1 - np.eye(n)), np.full(n, 1 - beta)
    nodes, weight = np.polynomial.legendre.leggauss(400)
    survival, weight = delta * (nodes + 1) / 2, delta * weight / 2
    shock = cash * (1 - survival ** (1 / k))
    extra = weight @ shortfalls(owed, external, np.tile(cash - shock, (n, 1))) / (n * cash / (k + 1))
    assert extra == pytest.approx(bound * left, rel=1e-5)
    assert bound - tolerance < extra < bound


@pytest.mark.parametrize("seed", range(6))
def test_no_network_exceeds_the_bound_on_losses(seed):
    """Random networks within the numbers of the text, shocks alone or together: extra loss over direct loss of 1500 draws, never above the bound."""
    inputs, expected, _ = look_up("glasserman_young_bound")
    delta, beta, k = inputs["delta_max"], inputs["beta_plus"], 5
    dice = np.random.default_rng([20251231, seed])
    n = int(dice.integers(3, 30))
    owed = np.where(dice.random((n, n)) < 0.3, dice.lognormal(size=(n, n)), 0.0) * (1 - np.eye(n))
    debts, claims = owed.sum(axis=1), owed.sum(axis=0)
    external = np.maximum(debts * (1 - beta) / beta, claims - debts + dice.exponential(0.1, n)) + 1e-3
    cash = (debts + external - claims) / delta ** (1 / k)
    worth = cash + claims - debts - external
    assert (worth > 0).all() and (debts <= beta * (debts + external) * (1 + 1e-12)).all()
    survival = np.tile(dice.random(1500), (n, 1)) if seed % 2 else dice.random((n, 1500))
    shock = cash[:, None] * (1 - survival ** (1 / k))
    extra, direct = shortfalls(owed, external, cash[:, None] - shock), shock.sum(axis=0)
    assert (extra > 0).any(), "somebody fails"
    ratio = extra.mean() / direct.mean()
    error = (extra - ratio * direct).std(ddof=1) / math.sqrt(extra.size) / direct.mean()
    assert ratio - 4 * error < expected["max_extra_loss_fraction"]
    assert (extra <= np.maximum(0.0, shock - worth[:, None]).sum(axis=0) / (1 - beta) + 1e-9).all(), "draw by draw, before the mean is taken"
