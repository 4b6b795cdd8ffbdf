"""Every process against its exact moments on the grid, and the promises about draws that the rest of the project builds on.

A sample mean is held to its exact value within four standard errors, a sample variance within four standard errors estimated from the
fourth moment; seeds are fixed, so a test passes always or never.
"""

import sys
from datetime import date

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import special, stats

from simulate.errors import InputError
from simulate.factors import (
    FactorSections,
    build_factors,
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
from simulate.factors.members import DRIVERS, MEMBERS, Factors, collect
from simulate.factors.section import Context, Group, Process, Timeline
from simulate.kernels.random import ONCE, fill_normal, fill_uniform
from simulate.model import Grid, Model
from simulate.step.factors import PATH_DRAWS, STEP_FACTORS, advance_factors, begin_paths, new_factors

STEPS = 28
TIMELINE = Timeline(date(2025, 12, 31), STEPS, 0.25)
PATHS = 20_480
PLAN = np.linspace(5.0, 80.0, STEPS)
PROCESSES = (
    Process("openai", 4.6, PLAN, 0.6, 0.3, 0.12, 2.0, 0.05, 1.0, -0.2, True),
    Process("anthropic", 2.0, 0.4 * PLAN + 1.0, 0.6, 0.3, 0.12, 2.0, 0.0, 1.0, -0.2, True),
    Process("coreweave", 1.2, np.linspace(1.3, 9.0, STEPS), -0.3, 0.2, 0.2, 2.0, 0.1, 0.5, -0.1, False),
)
GROUPS = (Group("sure", 1.0, 1.0, 1.0), Group("letters", 0.25, 0.5, 1.0), Group("talks", 0.1, 1.0, 1.0), Group("never", 0.0, 1.0, 1.0))
CORRELATION = {"demand:valuation": 0.6, "demand:spread": -0.6, "power:rental": 0.3, "valuation:rates": -0.2}
QUIET = {"regime": {"hazard_in": 0.0}, "delivery": {"fixed": 1.0}}


def build(changes=None, *, correlation=CORRELATION, timeline=TIMELINE, processes=PROCESSES, groups=GROUPS, seed=0, discount=True):
    return build_factors(FactorSections(**(changes or {})), correlation, timeline, processes, groups, seed, discount=discount)


def simulate(factors, paths=PATHS, lanes=1024, first=0, dt=0.25, steps=None):
    """All step factors [T, .., path], all draws [.., path], and the pieces of the power gap, in tiles of `lanes`."""
    steps = steps or factors.power_gap.plan.size
    grid = Grid(factors.power_gap.plan.size, dt, 1, 0, 0, 1)
    model = Model(grid, factors, None, None, None, None, None)
    state, draws, out = new_factors(model, lanes)
    tiles = []
    for begin in range(first, first + paths, lanes):
        begin_paths(factors, begin, state, draws, out)
        rows = []
        for t in range(steps):
            advance_factors(grid, factors, t, begin, state, draws, out)
            seen = {name: getattr(out, name).copy() for names in STEP_FACTORS.values() for name in names}
            rows.append(
                seen
                | {
                    "power": state.fluctuation.copy(),
                    "shots": state.shots.copy(),
                    "shot_count": state.shot_count.copy(),
                    "driver": state.driver.copy(),
                }
            )
        tile = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
        tiles.append(tile | {f"draw_{name}": getattr(draws, name).copy() for names in PATH_DRAWS.values() for name in names})
    return {name: np.concatenate([tile[name] for tile in tiles], axis=-1)[..., :paths] for name in tiles[0]}


def check_mean(sample, mean, variance=None, limit=4.0):
    """Sample [.., n] against the exact mean, and against the exact variance where given."""
    sample, n = np.asarray(sample), sample.shape[-1]
    error = np.sqrt(sample.var(axis=-1) / n)
    np.testing.assert_array_less(np.abs(sample.mean(axis=-1) - mean), limit * error + 1e-12)
    if variance is not None:
        centred = (sample - np.asarray(mean)[..., None]) ** 2
        np.testing.assert_array_less(np.abs(centred.mean(axis=-1) - variance), limit * centred.std(axis=-1) / np.sqrt(n) + 1e-12)


@pytest.fixture(scope="module")
def sample():
    """The default sections."""
    return simulate(build())


@pytest.fixture(scope="module")
def quiet():
    """All of the plan is delivered and nobody is disappointed."""
    return simulate(build(QUIET))


# ---------------------------------------------------------------------------------------------------------------- the family


def test_every_member_is_in_all_lists():
    names = [member.__name__.rsplit(".", 1)[1] for member in MEMBERS]
    assert names == list(FactorSections.model_fields)
    assert ["drivers", *names] == list(Factors._fields)


def test_a_second_meaning_of_a_name_is_refused(monkeypatch):
    monkeypatch.setattr(rental, "STEP", {"lane": dict(power_gap.STEP["lane"])})
    with pytest.raises(ValueError, match=r"rental gives a second meaning to gap"):
        collect("STEP")


def test_every_member_makes_its_own_rows():
    context = Context(TIMELINE, PROCESSES, GROUPS, 0, True)
    for name, section in (("drivers", drivers.Drivers()), *FactorSections()):
        assert type(section.compile_rows(context)) is sys.modules[f"simulate.factors.{name}"].Rows


def test_all_rows_are_frozen():
    rows = [value for member in build() for value in member]
    assert all(isinstance(value, (np.ndarray, float)) for value in rows)
    assert all(not value.flags.writeable for value in rows if isinstance(value, np.ndarray))


@pytest.mark.parametrize("name", FactorSections.model_fields)
def test_member_states_source_moments_units_and_refuses_unknown_keys(name):
    section = FactorSections.model_fields[name].annotation
    member = sys.modules[section.__module__]
    assert member.__name__ == f"simulate.factors.{name}"
    assert member.__doc__ and callable(member.mean_and_variance) and callable(section.compile_rows)
    for field, described in section.model_fields.items():
        assert field == "sources" or described.description.rstrip().endswith("]"), f"{name}.{field} does not end with its [unit]"
    with pytest.raises(ValidationError, match="extra_forbidden|Extra inputs"):
        section(unheard_of=1.0)
    with pytest.raises(ValidationError, match="frozen"):
        section().sources = {}
    with pytest.raises(ValidationError, match="which is no parameter here"):
        section(sources={"unheard_of": "nowhere"})


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("regime", {"hazard_in": -0.1}),
        ("regime", {"hazard_in": float("nan")}),
        ("delivery", {"low": 0.8, "mode": 0.7}),
        ("life", {"values": [3.0, 6.0], "weights": [1.0]}),
        ("life", {"values": [0.0], "weights": [1.0]}),
        ("execution", {"probability": {"talks": 0.1}}),
        ("execution", {"correlation": 1.2}),
        ("rental", {"table": {2026: 0.0}}),
        ("power_gap", {"plan": {}}),
    ],
)
def test_wrong_parameters_are_refused(name, wrong):
    with pytest.raises(ValidationError):
        FactorSections(**{name: wrong})


def test_all_faults_are_reported_at_once():
    processes = (PROCESSES[0]._replace(plan=PLAN - 5.0), PROCESSES[1]._replace(loading=1.5))
    groups = (GROUPS[0], Group("letters", 1.5, 1.0, 0.5))
    with pytest.raises(InputError) as caught:
        build(
            processes=processes,
            groups=groups,
            correlation={"demand:rental": 0.9, "demand:power": 0.9, "power:rental": -0.9},
        )
    text = str(caught.value)
    for said in ("Revenue plan of openai", "process_loading of anthropic", "letters has probability 1.5", "negative eigenvalue"):
        assert said in text


def test_year_tables_hold_at_year_ends_and_are_flat_outside():
    plan = TIMELINE.at_step_ends({2026: 0.03, 2030: 0.27})
    np.testing.assert_allclose(plan[[0, 3, 11, 19, 27]], [0.03, 0.03, 0.15, 0.27, 0.27], atol=1e-14)
    monthly = Timeline(date(2026, 6, 30), 12, 1 / 12).at_step_ends({2026: 0.0, 2027: 1.2})
    np.testing.assert_allclose(monthly[5::6], [0.0, 0.6], atol=0.01)


# ---------------------------------------------------------------------------------------------------------------- draws


def test_a_path_does_not_depend_on_tile_width_or_order():
    factors = build()
    wide, narrow = simulate(factors, 64, 64, steps=8), simulate(factors, 64, 8, steps=8)
    odd, late = simulate(factors, 64, 9, steps=8), simulate(factors, 24, 8, first=40, steps=8)
    for name in wide:
        assert wide[name].tobytes() == narrow[name].tobytes() == np.ascontiguousarray(odd[name]).tobytes(), name
        assert np.ascontiguousarray(wide[name][..., 40:]).tobytes() == late[name].tobytes(), name


def test_another_process_or_group_leaves_all_other_draws_untouched():
    few, many = build(processes=PROCESSES[:2], groups=GROUPS[:2]), build(processes=(PROCESSES[2], *PROCESSES[:2]), groups=(*GROUPS[:1], GROUPS[2], GROUPS[1]))
    a, b = simulate(few, 64, 64, steps=4), simulate(many, 64, 64, steps=4)
    assert a["ratio"].tobytes() == np.ascontiguousarray(b["ratio"][:, 1:]).tobytes()
    assert a["draw_scale"][1].tobytes() == b["draw_scale"][2].tobytes()
    assert a["rental"].tobytes() == b["rental"].tobytes()


def test_keys_have_the_names_of_the_contract():
    factors = build(seed=5)
    assert (factors.drivers.key[DRIVERS.index("power")] == key_of(5, "driver:power")).all()
    named = {
        "regime": factors.regime.key,
        "short_rate:integral": factors.short_rate.key,
        "delivery": factors.delivery.key_common,
        "life": factors.life.key,
        "power:shots": factors.power_gap.key,
    }
    for name, key in named.items():
        assert (key == key_of(5, name)).all()
    assert (factors.revenue.key[1] == key_of(5, "revenue:anthropic")).all()
    assert (factors.delivery.key[2] == key_of(5, "delivery:coreweave")).all()
    assert (factors.execution.key[1] == key_of(5, "execution:letters")).all()
    assert not (build(seed=0).regime.key == build(seed=1).regime.key).all()


def test_drivers_have_the_correlation_of_the_scenario(sample):
    z = sample["driver"].transpose(1, 0, 2).reshape(len(DRIVERS), -1)
    n = z.shape[1]
    wanted = drivers.correlation_matrix(CORRELATION)
    assert np.max(np.abs(z @ z.T / n - wanted) / np.sqrt(1.0 + wanted**2)) * np.sqrt(n) < 4.0


def test_nearest_correlation_matrix_is_highams_example():
    given = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    wanted = np.array([[1.0, 0.7607, 0.1573], [0.7607, 1.0, 0.7607], [0.1573, 0.7607, 1.0]])  # Higham (2002), section 4
    np.testing.assert_allclose(drivers.nearest_correlation(given), wanted, atol=5e-5)


def test_impossible_correlation_is_refused_with_values_that_are_accepted():
    with pytest.raises(InputError, match="nearest valid values") as caught:
        build(correlation={"demand:valuation": 0.9, "demand:spread": 0.9, "valuation:spread": -0.9})
    pairs = str(caught.value).split(" are ")[-1].rstrip(".").split(", ")
    nearest = {pair.split(" = ")[0].strip('"'): float(pair.split(" = ")[1]) for pair in pairs}
    assert len(nearest) == 3 and drivers.check_correlation(nearest).shape == (6, 6)


def test_singular_correlation_is_a_correlation():
    lower = build(correlation={"demand:valuation": 1.0, "demand:spread": -1.0, "valuation:spread": -1.0, "power:rental": 0.5}).drivers.cholesky
    wanted = drivers.correlation_matrix({"demand:valuation": 1.0, "demand:spread": -1.0, "valuation:spread": -1.0, "power:rental": 0.5})
    np.testing.assert_allclose(lower @ lower.T, wanted, atol=1e-12)


@pytest.mark.parametrize(
    "pairs", [{"demand:demand": 0.5}, {"demand:oil": 0.5}, {"demand": 0.5}, {"demand:rates": 0.1, "rates:demand": 0.1}, {"demand:rates": 1.5}]
)
def test_wrong_pairs_of_drivers_are_refused(pairs):
    with pytest.raises(ValidationError):
        drivers.Drivers(correlation=pairs)


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
    for i, process in enumerate(PROCESSES):
        check_mean(quiet["ratio"][:, i], *revenue.mean_and_variance(section, process, TIMELINE))
    together = np.log(quiet["ratio"][-1, 0]), np.log(quiet["ratio"][-1, 1])
    assert np.corrcoef(together)[0, 1] > 0.2


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
