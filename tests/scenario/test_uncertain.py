"""[uncertain]: laws against their exact moments and distributions, the numbers that keys name, and what is wrong with them as sentences."""

import math

import numpy as np
import pytest
from scipy import stats

from simulate.compile.scenario import compile_scenario
from simulate.scenario.keys import cells_by_table, moves_of, numbers_of
from simulate.scenario.load import load_moved, load_scenario
from simulate.scenario.uncertain import Uncertain
from tests.makers.small import SMALL, copy_small, expect, faults

DRAWS = 40_000


def law(name, **numbers):
    return Uncertain(law=name, source="assumption: test", **numbers)


LAWS = {
    "uniform": (law("uniform", low=-1.0, high=3.0), stats.uniform(-1, 4)),
    "triangular": (law("triangular", low=0.01, mode=0.04, high=0.14), stats.triang(0.03 / 0.13, 0.01, 0.13)),
    "triangular to its mode": (law("triangular", low=0.0, mode=1.0, high=1.0), stats.triang(1.0, 0, 1)),
    "pert": (law("pert", low=0.25, mode=0.75, high=1.15), stats.beta(1 + 4 * 0.5 / 0.9, 1 + 4 * 0.4 / 0.9, 0.25, 0.9)),
    "lognormal": (law("lognormal", median=0.12, sd=0.4), stats.lognorm(0.4, scale=0.12)),
}
MOMENTS = {
    "uniform": (1.0, 16 / 12),
    "triangular": (0.19 / 3, (0.01**2 + 0.04**2 + 0.14**2 - 0.01 * 0.04 - 0.01 * 0.14 - 0.04 * 0.14) / 18),
    "triangular to its mode": (2 / 3, 1 / 18),
    "pert": ((0.25 + 3.0 + 1.15) / 6, (4.4 / 6 - 0.25) * (1.15 - 4.4 / 6) / 7),
    "lognormal": (0.12 * math.exp(0.08), 0.12**2 * math.exp(0.16) * (math.exp(0.16) - 1)),
}


@pytest.mark.parametrize("name", LAWS)
def test_moments_are_exact(name):
    """Mean and variance of 40,000 draws, within four standard errors of the mean and of the variance (from the fourth moment of the draws)."""
    values = LAWS[name][0].quantile(np.random.default_rng(8).random(DRAWS))
    mean, variance = MOMENTS[name]
    squares = np.square(values - mean)
    assert abs(values.mean() - mean) < 4 * values.std() / math.sqrt(DRAWS)
    assert abs(squares.mean() - variance) < 4 * squares.std() / math.sqrt(DRAWS)


@pytest.mark.parametrize("name", LAWS)
def test_quantiles_are_those_of_the_distribution_function(name):
    one, exact = LAWS[name]
    u = np.linspace(0.001, 0.999, 97)
    assert exact.cdf(one.quantile(u)) == pytest.approx(u, abs=1e-9)


def test_a_law_says_what_it_is_and_where_it_ends():
    assert str(LAWS["triangular"][0]) == "triangular(0.01, 0.04, 0.14)" and LAWS["triangular"][0].ends == {"low": 0.01, "high": 0.14}
    low, high = LAWS["lognormal"][0].ends.values()
    assert (low, high) == pytest.approx(tuple(LAWS["lognormal"][1].ppf([0.001, 0.999])))
    assert list(LAWS["lognormal"][0].ends) == ["the 0.1 % quantile", "the 99.9 % quantile"]


def with_laws(folder, *lines):
    small = copy_small(folder)
    small.write_text(small.read_text() + "\n[uncertain]\n" + "".join(f"{line}\n" for line in lines))
    return small


def entry(key, numbers='law = "uniform", low = 0.2, high = 0.8', source="assumption: test"):
    return f'"{key}" = {{ {numbers}, source = "{source}" }}'


def named(key, overrides=()):
    scenario = load_scenario(SMALL, overrides)
    return {number.key: number.value for number in numbers_of(key, scenario, cells_by_table(scenario.network))}


def test_keys_name_the_numbers_that_set_takes():
    assert named("rules.transfer") == {"rules.transfer": 0.5} and named("rules.door.valuation") == {"rules.door.valuation": 0.75}
    assert named("factors.power_gap.plan.2027", {"factors.power_gap.plan.2027": 0.5}) == {"factors.power_gap.plan.2027": 0.5}
    assert named("factors.life.weights.1") == {"factors.life.weights.1": 0.65} and named("factors.life.values.0") == {"factors.life.values.0": 3.0}
    assert named("drivers.correlation.demand:rental") == {"drivers.correlation.demand:rental": 0.4}
    assert named("shocks.entities.lab.revenue", {"shocks.entities.lab.revenue": 0.5}) == {"shocks.entities.lab.revenue": 0.5}
    scenario = load_scenario(SMALL)
    lab = scenario.network.entity("lab")
    assert named("figures.lab.cash") == {"figures.lab.cash": lab.figures["cash"]}
    assert named("figures.lab.plan_revenue.2027") == {"figures.lab.plan_revenue.2027": lab.plans["plan_revenue"][2027]}
    deal = scenario.network.deals[0]
    assert named(f"deals.{deal.id}.amount") == {f"deals.{deal.id}.amount": deal.amount}
    vendor = scenario.network.vendors[0]
    assert named(f"vendors.{vendor.entity}.{vendor.vendor}.margin") == {f"vendors.{vendor.entity}.{vendor.vendor}.margin": vendor.margin}


def test_a_star_stands_for_what_the_tables_give_and_is_not_0():
    network = load_scenario(SMALL).network
    assert named("figures.*.cash") == {f"figures.{e.id}.cash": e.figures["cash"] for e in network.entities if not e.outside and e.figures["cash"]}
    payments = {f"schedules.{d.id}.payment.2027": d.schedule["payment"][2027] for d in network.deals if d.schedule.get("payment", {}).get(2027)}
    assert payments and named("schedules.*.payment.2027") == payments
    contracts = [d for d in network.deals if d.kind == "compute_contract"]
    assert contracts and named("terms.*.relet") == {f"terms.{d.id}.relet": d.terms.relet for d in contracts if d.terms.relet}  # also where it is the default
    assert "terms.compute.relet" in named("terms.*.relet") and "terms.compute.relet" not in named("terms.*.relet", {"terms.compute.relet": 0.0})
    assert named("deals.*.probability") == {"deals.chips.probability": 0.6}  # the others are sure


def test_the_default_of_a_figure_is_a_number_but_not_under_a_star():
    lab = load_scenario(SMALL).network.entity("lab")
    assert "core_beta" not in lab.given
    assert named("figures.lab.core_beta") == {"figures.lab.core_beta": 1.0}
    assert named("figures.*.core_beta", {"figures.cloud.core_beta": 1.5}) == {"figures.cloud.core_beta": 1.5}


def test_weights_keep_their_sum_and_their_proportions():
    scenario = load_scenario(SMALL, {"factors.life.values": [2.0, 3.0, 6.0], "factors.life.weights": [1.0, 2.0, 2.0]})
    moves = moves_of({"factors.life.weights.0": 0.6}, scenario, scenario.network)
    assert moves == {"factors.life.weights": pytest.approx([0.6, 0.2, 0.2])}
    assert numbers_of("factors.life.weights.0", scenario, {})[0].value == pytest.approx(0.2)  # of all
    both = moves_of({"factors.life.values.0": 2.5, "factors.life.values.2": 5.0}, scenario, scenario.network)
    assert both == {"factors.life.values": [2.5, 3.0, 5.0]}


def test_a_moved_scenario_is_the_one_with_the_overrides():
    values = {"rules.transfer": 0.3, "figures.*.cash": 11.0, "factors.life.weights.0": 0.5}
    scenario = load_scenario(SMALL, {"rules.beta": 0.7})
    moves = moves_of(values, scenario, scenario.network)
    assert moves["figures.lab.cash"] == moves["figures.cloud.cash"] == 11.0
    moved, usual = load_moved(scenario, moves), load_scenario(SMALL, {"rules.beta": 0.7} | moves)
    assert moved.rules.beta == 0.7 and moved.base == usual.base
    assert compile_scenario(moved).digest == compile_scenario(usual).digest


def test_the_section_is_inherited_entry_by_entry(tmp_path):
    with_laws(tmp_path, entry("rules.transfer"), entry("rules.alpha"))
    above = tmp_path / "above.toml"
    above.write_text('extends = "small/small.toml"\n[uncertain]\n' + entry("rules.alpha", 'law = "triangular", low = 0.5, mode = 0.9, high = 1.0') + "\n")
    laws = {key: str(one) for key, one in load_scenario(above).uncertain.items()}
    assert laws == {"rules.transfer": "uniform(0.2, 0.8)", "rules.alpha": "triangular(0.5, 0.9, 1)"}
    assert load_scenario(above).changes == ()  # nothing that the model computes


def test_a_scenario_without_the_section_has_its_old_digest_and_the_model_does_not_read_it(tmp_path):
    small = load_scenario(SMALL)
    assert "uncertain" not in small.resolved(1)
    ranged = load_scenario(with_laws(tmp_path, entry("rules.transfer")))
    assert ranged.resolved(1)["uncertain"] == {"rules.transfer": {"law": "uniform", "low": 0.2, "high": 0.8, "source": "assumption: test"}}
    assert {**ranged.resolved(1), "uncertain": None} == {**small.resolved(1), "uncertain": None}
    assert compile_scenario(ranged).digest == compile_scenario(small).digest


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (entry("rules.trasnfer"), ('small.toml: uncertain.rules.trasnfer: is not known', "did you mean 'transfer'")),
        (entry("rule.transfer"), ("names no parameter of the model", "did you mean 'rules'")),
        (entry("run.steps"), ("names no parameter of the model",)),
        (entry("rules.transfer.high"), ("rules.transfer has nothing inside",)),
        (entry("rules.max_restructurings"), ("is no number that can be anything in between",)),
        (entry("rules.door"), ("is no number that can be anything in between",)),
        (entry("factors.delivery.fixed"), ("has no value here",)),
        (entry("factors.life.weights.2"), ("the list has the entries 0 to 1, and no '2'",)),
        (entry("drivers.correlation.demand:power"), ("there is no 'demand:power'", "the table has demand:valuation")),
        (entry("rules..transfer"), ("has a blank part",)),
        (entry("figures.lba.cash"), ("names no figure with a number", "did you mean 'figures.lab.cash'")),
        (entry("figures.lab.core_on"), ("names no figure with a number",)),
        (entry("figures.*.cahs"), ("names no figure with a number; nothing",)),
        (entry("rules.transfer", 'law = "unifrom", low = 0, high = 1'), ("law = 'unifrom' is wrong: it should be 'uniform', 'triangular'",)),
        (entry("rules.transfer", 'law = "uniform", low = 0.2, mode = 0.5, high = 1'), ("the law uniform takes low, high; give these and no others",)),
        (entry("rules.transfer", 'law = "pert", low = 0.2, high = 1'), ("has low, high, but the law pert takes low, mode, high",)),
        (entry("rules.transfer", 'law = "lognormal"'), ("has no number, but the law lognormal takes median, sd",)),
        (entry("rules.transfer", 'law = "uniform", low = 0.8, high = 0.2'), ("has uniform(0.8, 0.2); its numbers must rise",)),
        (entry("rules.transfer", 'law = "triangular", low = 0.1, mode = 0.9, high = 0.2'), ("its numbers must rise",)),
        (entry("rules.transfer", 'law = "uniform", low = 0.5, high = 0.5'), ("its numbers must rise",)),
        (entry("rules.transfer", 'law = "uniform", low = 0.5, high = inf'), ("high = inf is wrong",)),
        (entry("rules.transfer", 'law = "uniform", lo = 0.2, high = 0.8'), ("uncertain.rules.transfer.lo is not known", "did you mean 'low'")),
        (entry("rules.transfer", source="  "), ("source = '  ' is wrong", "should say where the range comes from")),
        ('"rules.transfer" = { law = "uniform", low = 0.2, high = 0.8 }', ("uncertain.rules.transfer.source is missing",)),
        ('rules.transfer = { law = "uniform", low = 0.2, high = 0.8, source = "test" }', ("'rules' holds sections; write whole keys in quotes",)),
        (entry("rules.transfer", 'law = "uniform", low = 0.2, high = 1.5'), ("high is 1.5, which rules.transfer cannot be: it should be less than or equal to 1",)),
        (entry("factors.life.weights.0", 'law = "uniform", low = -0.1, high = 0.5'), ("low is -0.1", "must be at least 0")),
        (entry("factors.power_gap.plan.2025", 'law = "uniform", low = 0.1, high = 1e9'), ("high is 1e+09, which factors.power_gap.plan.2025 cannot be",)),
        (entry("figures.lab.cash", 'law = "uniform", low = 1, high = 1e9'), ("high is 1e+09, which figures.lab.cash cannot be: it must be at most",)),
        (entry("figures.*.cash", 'law = "lognormal", median = 1e5, sd = 3'), ("the 99.9 % quantile is", "cannot be")),
    ],
)  # fmt: skip
def test_what_is_wrong_is_a_sentence(tmp_path, line, words):
    expect(faults(with_laws(tmp_path, line)), *words)


def test_all_faults_are_told_at_once(tmp_path):
    found = faults(with_laws(tmp_path, entry("rules.trasnfer"), entry("figures.lba.cash"), entry("rules.alpha", 'law = "uniform", low = 0.5, high = 2')))
    assert len(found) == 3


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((entry("figures.*.cash"), entry("figures.lab.cash")), ("moves figures.lab.cash", '"figures.*.cash" moves too; keep one')),
        ((entry("factors.life.weights.0"), entry("factors.life.weights.1")), ("moves factors.life.weights.1", '"factors.life.weights.0" moves too')),
        ((entry("rules.transfer"), entry("rules.transfer")), ("not valid TOML",)),
    ],
)
def test_what_two_entries_move_is_refused(tmp_path, lines, words):
    expect(faults(with_laws(tmp_path, *lines)), *words)


def test_a_value_outside_of_its_own_range_is_doubted_unless_it_was_set(tmp_path):
    path = with_laws(tmp_path, entry("rules.transfer", 'law = "uniform", low = 0.6, high = 0.8'))
    assert [warning for warning in load_scenario(path).warnings if "the scenario has rules.transfer = 0.5, outside of uniform(0.6, 0.8)" in warning]
    assert not [warning for warning in load_scenario(path, {"rules.transfer": 0.1}).warnings if "outside of" in warning]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rules.door.valuation", 0.6),
        ("factors.power_gap.plan.2027", 0.3),
        ("factors.life.values.0", 2.5),
        ("factors.life.weights.1", 0.9),
        ("drivers.correlation.demand:rental", 0.2),
        ("shocks.entities.lab.revenue", 0.7),
        ("figures.lab.cash", 9.5),
        ("figures.lab.plan_revenue.2027", 31.0),
        ("deals.chips.probability", 0.45),
        ("deals.chips.amount", 12.5),
        ("terms.compute.relet", 0.55),
        ("schedules.compute.payment.2027", 3.25),
        ("vendors.cloud.vendor.margin", 0.35),
    ],
)
def test_a_key_of_every_kind_can_be_moved(key, value):
    """What is set is what is there afterwards, in the unit of the model."""
    scenario = load_scenario(SMALL, {"factors.power_gap.plan.2027": 0.5, "shocks.entities.lab.revenue": 0.5})
    moved = load_moved(scenario, moves_of({key: value}, scenario, scenario.network))
    (number,) = numbers_of(key, moved, cells_by_table(moved.network))
    assert number.value == pytest.approx(value, rel=1e-12) and number.key == key


def test_ids_with_points_stand_in_quotes(tmp_path):
    small = copy_small(tmp_path)
    for table in small.parent.glob("*.csv"):
        table.write_text(table.read_text().replace("term_loan", "term.loan"))
    scenario = load_scenario(small)
    key = 'deals."term.loan".amount'
    moved = load_moved(scenario, moves_of({key: 3.5}, scenario, scenario.network))
    assert numbers_of(key, moved, cells_by_table(moved.network))[0].value == 3.5
