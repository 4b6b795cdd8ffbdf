"""Every process against its exact moments on the grid.

A sample mean is held to its exact value within four standard errors, a sample variance within four standard errors estimated from the
fourth moment; seeds are fixed, so a test passes always or never.
"""

import numpy as np
import pytest
from scipy import special, stats

from simulate.factors import (
    FactorSections,
    confidence,
    delivery,
    drivers,
    execution,
    life,
    power_gap,
    regime,
    rental,
    revenue,
    reversion,
    short_rate,
    spread,
    valuation,
)
from simulate.factors.keys import key_of
from simulate.factors.members import DRIVERS
from simulate.factors.section import Group, Timeline
from simulate.kernels.random import ONCE, fill_normal, fill_uniform
from tests.makers.factors import CORRELATION, GROUPS, OPENED, PATHS, PROCESSES, QUIET, SHARING, STEPS, TIMELINE, build, check_mean, simulate


@pytest.fixture(scope="module")
def sample():
    """The default sections."""
    return simulate(build())


@pytest.fixture(scope="module")
def quiet():
    """All of the plan is delivered and nobody is disappointed."""
    return simulate(build(QUIET))


def test_drivers_have_the_correlation_of_the_scenario(sample):
    z = sample["driver"].transpose(1, 0, 2).reshape(len(DRIVERS), -1)
    n = z.shape[1]
    wanted = drivers.correlation_matrix(CORRELATION)
    assert np.max(np.abs(z @ z.T / n - wanted) / np.sqrt(1.0 + wanted**2)) * np.sqrt(n) < 4.0


# ---------------------------------------------------------------------------------------------------------------- processes


def test_integral_of_a_reverting_process_against_quadrature():
    for kappa, time in [(1e-6, 0.25), (0.25, 0.25), (1.99, 0.25), (2.01, 0.25), (3.0, 7.0)]:
        s = (np.arange(20_000) + 0.5) * time / 20_000
        wanted = np.mean((-np.expm1(-kappa * (time - s)) / kappa) ** 2) * time * 0.09
        np.testing.assert_allclose(reversion.integral_variance(kappa, 0.3, time), wanted, rtol=1e-7)
        step = reversion.transition(kappa, 0.3, time)
        np.testing.assert_allclose(step.c1**2 + step.c2**2, wanted, rtol=1e-7)
        covariance = np.mean(-np.expm1(-kappa * (time - s)) / kappa * np.exp(-kappa * (time - s))) * time * 0.09
        np.testing.assert_allclose(step.c1 * step.sd, covariance, rtol=1e-7)


def test_regime_spends_its_time_where_the_hazards_say(sample):
    section = FactorSections().regime
    check_mean(sample["regime"], *regime.mean_and_variance(section, TIMELINE))
    assert set(np.unique(sample["regime"])) == {0.0, 1.0}
    long = Timeline(TIMELINE.start, 4000, 0.25)
    stationary, _ = regime.mean_and_variance(section, long)
    np.testing.assert_allclose(stationary[-1], 0.12 / 0.62, rtol=1e-12)
    stays = sample["regime"][1:] * sample["regime"][:-1]
    np.testing.assert_allclose(1.0 - stays.sum() / sample["regime"][:-1].sum(), build().regime.p10, atol=0.004)


def test_short_rate_and_its_bond_prices_are_vasiceks(sample):
    section = FactorSections().short_rate
    check_mean(sample["rate"], *short_rate.mean_and_variance(section, TIMELINE))
    check_mean(sample["discount"], short_rate.bond_price(section, TIMELINE))
    tau = TIMELINE.step_ends()
    gain = -np.expm1(-section.reversion * tau) / section.reversion
    mean = section.mean * tau + (section.start - section.mean) * gain
    check_mean(-np.log(sample["discount"]), mean, reversion.integral_variance(section.reversion, section.volatility, tau))
    joint = (-np.log(sample["discount"]) - mean[:, None]) * (sample["rate"] - short_rate.mean_and_variance(section, TIMELINE)[0][:, None])
    check_mean(joint, 0.5 * section.volatility**2 * gain**2)
    risky = FactorSections(short_rate={"volatility": 0.06, "reversion": 0.4, "shift": 0.05}).short_rate
    shifted = simulate(build({"short_rate": risky.model_dump()}))
    check_mean(shifted["discount"], short_rate.bond_price(risky, TIMELINE))
    np.testing.assert_allclose(build({"short_rate": risky.model_dump()}).short_rate.opening, 0.0872)


def test_bond_price_against_vasiceks_formula():
    section = FactorSections().short_rate
    k, theta, sigma, r, tau = section.reversion, section.mean, section.volatility, section.start, TIMELINE.step_ends()
    b = (1.0 - np.exp(-k * tau)) / k
    log_a = (theta - sigma**2 / (2 * k**2)) * (b - tau) - sigma**2 * b**2 / (4 * k)  # Vasicek (1977) in Brigo and Mercurio (2006), 3.8
    np.testing.assert_allclose(short_rate.bond_price(section, TIMELINE), np.exp(log_a - b * r), rtol=1e-12)


SQUARE_ROOT = {"process": "cir", "start": 0.02, "mean": 0.03, "reversion": 0.4, "volatility": 0.03, "shift": 0.01}


def test_square_root_rate_stays_above_0_and_has_its_moments_and_bond_prices():
    section = FactorSections(short_rate=SQUARE_ROOT).short_rate
    rates = simulate(build({"short_rate": SQUARE_ROOT}))
    assert rates["rate"].min() >= 0.0
    check_mean(rates["rate"], *short_rate.mean_and_variance(section, TIMELINE))
    check_mean(rates["discount"], short_rate.bond_price(section, TIMELINE))
    np.testing.assert_allclose(section.square_root_volatility, 0.15)


def test_bond_price_of_a_square_root_rate_without_volatility_is_that_of_a_sure_rate():
    still = FactorSections(short_rate=SQUARE_ROOT | {"volatility": 0.0}).short_rate
    sure = FactorSections(short_rate=SQUARE_ROOT | {"volatility": 0.0, "process": "vasicek"}).short_rate
    np.testing.assert_allclose(short_rate.bond_price(still, TIMELINE), short_rate.bond_price(sure, TIMELINE), rtol=1e-14)
    one, other = (simulate(build({"short_rate": section.model_dump()}), 64, 64) for section in (still, sure))
    np.testing.assert_allclose(one["discount"], other["discount"], rtol=1e-14)


def test_square_root_rate_at_0_without_reversion_stays_there():
    dead = simulate(build({"short_rate": SQUARE_ROOT | {"start": -0.01, "reversion": 0.0}}), 64, 64)
    assert (dead["rate"] == 0.0).all() and (dead["discount"] == 1.0).all()


@pytest.mark.parametrize("change", [{"start": -0.02}, {"mean": -0.01}])
def test_square_root_rate_below_0_is_refused(change):
    with pytest.raises(ValueError, match="a rate is never below 0: start \\+ shift must be at least 0 and mean \\+ shift above 0"):
        FactorSections(short_rate=SQUARE_ROOT | change)


def test_nominal_money_is_not_discounted():
    assert (simulate(build(discount=False), 64, 64, steps=3)["discount"] == 1.0).all()


@pytest.mark.parametrize("name", ["spread", "valuation", "rental"])
def test_variance_that_the_mean_is_corrected_for_is_that_of_the_steps(name):
    rows = getattr(build(), name)
    held = 0.0
    for t in range(STEPS):
        held = rows.decay**2 * held + rows.sd**2
        np.testing.assert_allclose(rows.variance[t], held, rtol=1e-12)


def test_spread_has_mean_one(sample):
    check_mean(sample["spread"], *spread.mean_and_variance(FactorSections().spread, TIMELINE))


def test_valuation_falls_in_disappointment_and_with_rates(sample, quiet):
    sections = FactorSections()
    check_mean(quiet["valuation"], *valuation.share_mean_and_variance(sections.valuation, TIMELINE))
    check_mean(sample["log_valuation"], *valuation.mean_and_variance(sections.valuation, TIMELINE, sections.regime, sections.short_rate))
    np.testing.assert_allclose(sample["valuation"], np.exp(sample["log_valuation"]), rtol=1e-15)
    changes = {"valuation": {"rate_duration": 6.0, "volatility": 0.9}, "short_rate": {"volatility": 0.03}}
    changed = FactorSections(**changes)
    moved = simulate(build(changes, correlation={}))
    check_mean(moved["log_valuation"], *valuation.mean_and_variance(changed.valuation, TIMELINE, changed.regime, changed.short_rate))


def test_power_gap_is_plan_noise_and_shots_and_a_share(sample):
    section = FactorSections().power_gap
    check_mean(sample["shots"], *power_gap.shot_mean_and_variance(section, TIMELINE))
    parts = TIMELINE.at_step_ends(section.plan)[:, None] + sample["power"] + sample["shots"]
    check_mean(parts, *power_gap.mean_and_variance(section, TIMELINE))
    np.testing.assert_allclose(sample["gap"], np.clip(parts, 0.0, 1.0), atol=1e-14)
    assert (sample["gap"] == 0.0).any()


def test_many_shots_obey_campbell_and_can_fill_the_gap():
    changes = {"power_gap": {"shots_per_year": 4.0, "shot_mean": 0.2, "shot_decay": 2.0, "volatility": 0.0, "scale": 0.0}}
    section = FactorSections(**changes).power_gap
    many = simulate(build(changes))
    check_mean(many["shots"], *power_gap.shot_mean_and_variance(section, TIMELINE))
    assert (many["gap"] <= 1.0).all() and (many["gap"] == 1.0).any()
    expected = 4.0 * TIMELINE.step_ends()
    check_mean(many["shot_count"], expected, expected)
    for k in range(20, 37):
        check_mean(many["shot_count"][-1] <= k, stats.poisson.cdf(k, 28.0))


def test_shots_are_not_counted_out():
    """One that arrives in the first step and one in the last of a long run: there is no most number of them."""
    out = simulate(build({"power_gap": {"shots_per_year": 1000.0, "shot_mean": 1e-4, "shot_decay": 1000.0}}), 64, 64)
    check_mean(out["shot_count"], 1000.0 * TIMELINE.step_ends(), 1000.0 * TIMELINE.step_ends())
    assert np.isfinite(out["gap"]).all() and (np.diff(out["shot_count"], axis=0) > 0).all()


def test_without_shots_and_noise_the_gap_is_the_plan():
    out = simulate(build({"power_gap": {"shots_per_year": 0.0, "volatility": 0.0, "scale": 0.5, "plan": {2025: 0.2}}}), 8, 8)
    np.testing.assert_allclose(out["gap"], 0.1, rtol=1e-15)


@pytest.mark.parametrize("shape", [(0.25, 0.75, 1.15), (0.0, 0.0, 1.0), (0.5, 1.0, 1.0), (0.2, 0.9, 1.0)])
def test_delivery_is_the_beta_pert_quantile_to_ten_digits(shape):
    low, mode, high = shape
    changes = {"delivery": {"low": low, "mode": mode, "high": high, "correlation": 0.0}}
    d = simulate(build(changes), 4096, steps=1)["draw_delivery"]
    alpha, beta = delivery.shape(FactorSections(**changes).delivery)
    u = np.empty(4096)
    fill_uniform(key_of(0, "delivery:anthropic"), ONCE, 0, 0, u)
    np.testing.assert_allclose(d[1], low + (high - low) * special.betaincinv(alpha, beta, u), rtol=0, atol=1e-10)
    # Between the nodes, over the whole table, as the kernel interpolates.
    factors = build(changes)
    k, s, dz = np.arange(len(factors.delivery.table) - 1), 0.37, factors.delivery.dz
    (v0, v1), (m0, m1) = (factors.delivery.table[k, 0], factors.delivery.table[k + 1, 0]), (factors.delivery.table[k, 1], factors.delivery.table[k + 1, 1])
    between = v0 + s * s * (3 - 2 * s) * (v1 - v0) + s * (1 - s) * dz * ((1 - s) * m0 - s * m1)
    exact, _ = delivery.quantile_at_normal(FactorSections(**changes).delivery, factors.delivery.z0 + (k + s) * dz)
    assert np.abs(between - exact).max() < 1e-10


def test_delivery_has_the_moments_of_pert_and_is_tied_across_processes(sample):
    section = FactorSections().delivery
    mean, variance = delivery.mean_and_variance(section)
    check_mean(sample["draw_delivery"], np.full(3, mean), np.full(3, variance))
    alpha, beta = delivery.shape(section)
    z = special.ndtri(special.betainc(alpha, beta, (sample["draw_delivery"] - section.low) / (section.high - section.low)))
    rho = section.correlation**2
    check_mean(z[0] * z[2], rho, 1.0 + rho**2)


@pytest.mark.parametrize("changes", [{"fixed": 0.8}, {"low": 0.8, "mode": 0.8, "high": 0.8}])
def test_fixed_delivery_is_the_same_on_every_path(changes):
    factors = build({"delivery": changes})
    assert (factors.delivery.table[:, 0] == 0.8).all() and (factors.delivery.table[:, 1] == 0.0).all()
    assert (simulate(factors, 64, 64, steps=1)["draw_delivery"] == 0.8).all()


def test_mean_revenue_is_the_plan_when_it_is_delivered_and_nobody_is_disappointed(quiet):
    section = FactorSections().revenue
    for i in range(len(PROCESSES)):
        check_mean(quiet["ratio"][:, i], *revenue.mean_and_variance(section, PROCESSES, i, TIMELINE))
    together = np.log(quiet["ratio"][-1, 0]), np.log(quiet["ratio"][-1, 1])
    assert np.corrcoef(together)[0, 1] > 0.2


def test_the_mean_of_an_uncertain_opening_growth_is_the_plan_moved_by_what_was_last_seen():
    section = FactorSections(**SHARING).revenue
    ratio = simulate(build(QUIET | SHARING, processes=OPENED, seed=9), 81_920)["ratio"]
    for i in range(len(OPENED)):
        mean, _ = revenue.mean_and_variance(section, OPENED, i, TIMELINE)
        check_mean(ratio[:, i], mean)
        half_year = ratio[1, i]  # the tail of the law is heavy: its variance is compared where growth has moved little
        check_mean(half_year, mean[1], revenue.mean_and_variance(section, OPENED, i, TIMELINE)[1][1])


def test_what_one_lab_wins_others_lose():
    """The own shocks of labs, weighted by opening revenue and with the rivals outside, add up to less; at 1 and without rivals to nothing."""
    section = FactorSections(revenue={"share_switching": 1.0}).revenue
    mix = revenue.mix_shocks(section, PROCESSES)
    planned = np.array([process.plan0 for process in PROCESSES[:2]])
    own = np.eye(3, 4)[:2] - np.append(planned / planned.sum(), [0.0, 0.0])
    np.testing.assert_allclose(mix[:2], own / np.linalg.norm(own, axis=1, keepdims=True), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(planned @ own, 0.0, atol=1e-12)
    assert mix[0] @ mix[1] == pytest.approx(-1.0)
    np.testing.assert_allclose(np.linalg.norm(mix, axis=1), 1.0)
    np.testing.assert_array_equal(mix[2], np.eye(3, 4)[2])  # no lab
    np.testing.assert_array_equal(revenue.mix_shocks(FactorSections().revenue, PROCESSES), np.eye(3, 4))
    alone = (PROCESSES[0], PROCESSES[2])
    np.testing.assert_array_equal(revenue.mix_shocks(section, alone), np.eye(2, 3))
    rivals = revenue.mix_shocks(FactorSections(revenue={"share_switching": 1.0, "rival_share": 0.4}).revenue, alone)
    np.testing.assert_allclose(rivals[0], np.array([0.4, 0.0, -0.4]) / np.hypot(0.4, 0.4))


def test_shock_variance_is_the_integral_of_the_fading_volatility():
    process = PROCESSES[0]
    middle = (np.arange(2000 * STEPS) + 0.5) * 0.25 / 2000
    wanted = ((0.12 + 0.18 * np.exp(-middle / 2.0)) ** 2).reshape(STEPS, 2000).mean(axis=1) * 0.25
    np.testing.assert_allclose(revenue.shock_variance(process, TIMELINE), wanted, rtol=1e-7)
    np.testing.assert_allclose(revenue.shock_variance(process._replace(sd_tau=0.0), TIMELINE), 0.12**2 * 0.25, rtol=1e-12)


def test_without_shocks_revenue_is_the_delivered_increase_less_disappointment():
    changes = {"revenue": {"volatility_scale": 0.0, "regime_scale": 2.0}, "delivery": {"fixed": 0.6}}
    out = simulate(build(changes), 256, 256)
    lost = np.cumsum(out["regime"], axis=0) * 0.25
    for i, process in enumerate(PROCESSES):
        wanted = (process.plan0 + 0.6 * (process.plan - process.plan0)) / process.plan
        np.testing.assert_allclose(out["ratio"][:, i], wanted[:, None] * np.exp(2.0 * process.regime_shift * lost), rtol=1e-13)


def test_demand_is_the_labs_revenue_over_their_plan_and_confidence_remembers_it(sample, quiet):
    plans = np.stack([process.plan for process in PROCESSES[:2]], axis=1)[:, :, None]
    np.testing.assert_allclose(sample["demand"], (plans * sample["ratio"][:, :2]).sum(axis=1) / plans.sum(axis=1), rtol=1e-13)
    section = FactorSections().confidence
    k = 1.0
    for t in range(STEPS):
        k = k + (1.0 - np.exp(-0.25)) * (sample["demand"][t] - k)
        np.testing.assert_allclose(sample["confidence"][t], k, rtol=1e-13)
    check_mean(quiet["confidence"], confidence.mean_and_variance(section, TIMELINE, np.ones(STEPS), np.cov(quiet["demand"]))[0])
    forgetful = simulate(build({"confidence": {"memory_years": 0.0}}), 64, 64, steps=4)
    np.testing.assert_allclose(forgetful["confidence"], forgetful["demand"], rtol=1e-14)


def test_variance_of_confidence_is_that_of_the_filtered_demand(quiet):
    _, variance = confidence.mean_and_variance(FactorSections().confidence, TIMELINE, quiet["demand"].mean(axis=1), np.cov(quiet["demand"], bias=True))
    np.testing.assert_allclose(quiet["confidence"].var(axis=1), variance, rtol=1e-9)


def test_rental_price_without_pull_has_its_exact_moments():
    changes = {"rental": {"demand_pull": 0.0, "table": {2025: 1.0, 2028: 0.5}, "obsolescence": 0.2}}
    out = simulate(build(changes))
    check_mean(out["rental"], *rental.mean_and_variance(FactorSections(**changes).rental, TIMELINE))


def test_rental_price_is_pulled_by_demand_over_usable_power():
    changes = {"rental": {"volatility": 0.0, "demand_pull": 0.7, "reversion": 2.0}}
    out = simulate(build(changes), 128, 128)
    q = 0.0
    for t in range(STEPS):
        scarcity = np.log(np.maximum(out["demand"][t], 0.05)) - np.log(np.maximum(1.0 - out["gap"][t], 0.05))
        q = np.exp(-0.5) * q + (1.0 - np.exp(-0.5)) * (-0.1 * 0.25 * (t + 1) + 0.7 * scarcity)
        np.testing.assert_allclose(out["rental"][t], np.exp(q), rtol=1e-13)


def test_life_is_the_mixture(sample):
    section = FactorSections().life
    assert set(np.unique(sample["draw_life"])) == {3.0, 6.0}
    check_mean(sample["draw_life"], *life.mean_and_variance(section))
    three = FactorSections(life={"values": [2.0, 4.0, 7.0], "weights": [1.0, 0.0, 3.0]})
    lives = simulate(build({"life": three.life.model_dump()}), 4096, steps=1)["draw_life"]
    assert set(np.unique(lives)) == {2.0, 7.0}
    check_mean(lives, *life.mean_and_variance(three.life))
    alone = simulate(build({"life": {"values": [5.0], "weights": [1.0]}}), 8, 8, steps=1)["draw_life"]
    assert (alone == 5.0).all()


def test_groups_are_executed_with_their_probability_size_and_tie_to_delivery(sample):
    scale = sample["draw_scale"]
    assert (scale[0] == 1.0).all() and (scale[3] == 0.0).all()
    mean, variance = execution.mean_and_variance(GROUPS)
    check_mean(scale[1:3], mean[1:3], variance[1:3])
    done = scale[1] > 0.0
    assert scale[1][done].min() >= 0.5 and scale[1].max() <= 1.0
    common = np.empty(PATHS)
    fill_normal(key_of(0, "delivery"), ONCE, 0, 0, common)
    # E[n | executed] = rho phi(threshold)/probability for the normal pair.
    wanted = 0.5 * stats.norm.pdf(stats.norm.ppf(0.25)) / 0.25
    check_mean(common[done], wanted)


def test_certain_and_impossible_groups():
    out = simulate(build(groups=(GROUPS[0], Group("certain", 1.0, 0.3, 0.3))), 256, 256, steps=1)
    np.testing.assert_allclose(out["draw_scale"][1], 0.3, rtol=1e-15)


def test_a_network_without_revenue_processes_still_has_factors():
    out = simulate(build(processes=()), 8, 8, steps=2)
    assert out["ratio"].shape == (2, 0, 8) and (out["demand"] == 0.0).all()
