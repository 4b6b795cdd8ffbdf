"""Runaway and mistyped values: no input that is accepted fails inside of a run, or keeps the compiler busy."""

import time

import numpy as np
import pytest

from simulate.compile.scenario import compile_scenario
from simulate.engine.simulation import run
from simulate.errors import InputError
from simulate.scenario.load import load_scenario
from simulate.scenario.sections import Rules
from tests.makers.small import SMALL, add, change, copy_small, expect, faults

TEST = "assumption: test"


def refused(*overrides, scenario=SMALL):
    """Sentences of loading or compiling."""
    with pytest.raises(InputError) as caught:
        compile_scenario(load_scenario(scenario, overrides))
    return caught.value.sentences


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("factors.power_gap.shots_per_year=1e9", ("shots_per_year = 1000000000.0", "less than or equal to 1000")),
        ("factors.short_rate.volatility=1e308", ("short_rate.volatility", "less than or equal to 1000")),
        ("factors.short_rate.volatility=1e30", ("short_rate.volatility", "less than or equal to 1000")),
        ("factors.short_rate.volatility=45", ("factors.short_rate", "within 5 years a path could grow by e^", "can be computed")),
        ("factors.short_rate.mean=1e308", ("short_rate.mean", "less than or equal to 1000")),
        ("factors.short_rate.shift=-300", ("short_rate.shift", "greater than or equal to -1")),
        ("factors.valuation.volatility=1e200", ("valuation.volatility", "less than or equal to 1000")),
        ("factors.valuation.disappointment_shift=1200", ("disappointment_shift", "less than or equal to 1000")),
        ("factors.valuation.disappointment_shift=900", ("factors.valuation", "a path could grow by e^900")),
        ("factors.valuation.rate_duration=1e308", ("rate_duration", "less than or equal to 1000")),
        ("factors.rental.obsolescence=-1e308", ("rental.obsolescence", "greater than or equal to -1000")),
        ("factors.rental.obsolescence=-200", ("factors.rental", "a path could grow by e^")),
        ("factors.rental.table={2025=1e308}", ("rental.table.2025", "less than or equal to 1000")),
        ("factors.delivery.high=1e308", ("delivery.high", "less than or equal to 1000")),
        ("factors.delivery.fixed=1e308", ("delivery.fixed", "less than or equal to 1000")),
        ("factors.life.values=[1e308, 6]", ("life.values.0", "less than or equal to 1000")),
        ("factors.life.weights=[1e308, 1e308]", ("life.weights.0", "less than or equal to 1000")),
        ("rules.max_restructurings=99999999999999999999", ("max_restructurings", "less than or equal to 1000")),
        ("run.paths=100000000000000000000000000", ("run.paths", "less than or equal to 1099511627776")),
        ("figures.lab.equity_value=1e200", ("'equity_value' is 1e+200; it must be at most 1e+06 USD bn",)),
        ("figures.lab.regime_shift=1000", ("factors.revenue.regime_scale (times the figure regime_shift)", "e^5000")),
        ("figures.holding.core_beta=10000", ("'core_beta' must be at most 10",)),
        ("terms.notes.rate=1e200", ("'rate' is 1e+200; it must be at most 10000 per year",)),
        ("schedules.halls.payment.2027=1e300", ("it must be at most 1e+06 USD bn/year",)),
        ("deals.notes.amount=1e300", ("amount is 1e+300; it must be at most 1e+06 USD bn",)),
    ],
)
def test_a_runaway_value_is_refused_before_a_run(override, words):
    began = time.monotonic()
    expect(refused(override), *words)
    assert time.monotonic() - began < 5


def test_a_runaway_product_of_two_sections_is_refused():
    expect(refused("factors.valuation.rate_duration=-900", "factors.short_rate.mean=5.0"), "factors.valuation", "rate_duration times the short rate")


def test_cir_beside_a_level_of_nothing_is_refused():
    expect(refused("factors.short_rate.process=cir", "factors.short_rate.mean=1e-300"), "volatility / sqrt(mean + shift)", "at most 1000")


# The largest values that are accepted, one at a time.
EXTREMES = {
    **{f"factors.{key}": 1000.0 for key in ("short_rate.mean", "short_rate.shift", "spread.volatility", "valuation.volatility", "rental.volatility")},
    **{f"factors.{key}": 1000.0 for key in ("power_gap.volatility", "power_gap.shot_mean", "delivery.high", "revenue.volatility_scale", "regime.hazard_in")},
    "factors.valuation.disappointment_shift": -300.0,
    "factors.rental.obsolescence": 1000.0,
    "factors.rental.demand_pull": 5.0,
    **{f"factors.power_gap.{key}": 1000.0 for key in ("shots_per_year", "shot_decay")},
    "factors.power_gap.plan": {"2025": -1000.0, "2027": 1000.0},
    "factors.life.values": [1e-300, 1000.0],
    "rules.door.valuation_width": 1e-300,
    "rules.restructure_kappa": 1000.0,
    "rules.capex_max": 1000.0,
    "rules.max_restructurings": 1000,
    "figures.vendor.equity_value": 1e6,
    "factors.revenue.regime_scale": 1000.0,
    "figures.cloud.debt_rate": 1e4,
    "figures.vendor.plan_ocf.2027": 1e6,
    "terms.term_loan.margin": 1e4,
    "terms.margin_loan.ltv": 1e4,
}  # fmt: skip


@pytest.mark.parametrize("key", EXTREMES)
def test_what_is_accepted_can_be_run(key):
    dataset = run(load_scenario(SMALL, {key: EXTREMES[key]}), paths=32, threads=1)
    assert np.isfinite(dataset["loss"].values).all()


@pytest.mark.parametrize("value", ["true", '"0.05"', '"5 %"'])
@pytest.mark.parametrize("key", ["factors.short_rate.mean", "factors.rental.table.2025", "factors.power_gap.shots_per_year", "rules.alpha"])
def test_a_number_is_neither_true_nor_text(key, value):
    expect(faults(SMALL, (f"{key}={value}",)), key, "should be a valid number")


def test_a_list_of_numbers_and_a_table_by_year_are_read_as_before():
    scenario = load_scenario(SMALL, ("factors.life.values=[3, 6]", "factors.power_gap.plan={2026 = 0, 2030 = 1}"))
    assert scenario.factors.life.values == (3.0, 6.0) and scenario.factors.power_gap.plan == {2026: 0.0, 2030: 1.0}
    expect(faults(SMALL, ("factors.life.values=[true, 6]",)), "factors.life.values.0 = True", "valid number")


@pytest.mark.parametrize("year", [25, 1899, 2201, 20260])
def test_a_year_table_has_calendar_years(year):
    expect(faults(SMALL, (f"factors.power_gap.plan={{{year} = 0.03, 2030 = 0.25}}",)), f"names {year}, which must be calendar years from 1900 to 2200")


@pytest.mark.parametrize(
    ("table", "old", "new", "name"),
    [
        ("terms.csv", "royalty,revenue_share,1,1,", "royalty,revenue_share,0.02,1,", "revenue_share"),
        ("terms.csv", f"support,cap,4,USD bn,{TEST}", f"support,cap,4,USD bn,{TEST}\ncompute,supply,0.3,1,{TEST}", "supply"),
        ("terms.csv", f"support,cap,4,USD bn,{TEST}", f"support,cap,4,USD bn,{TEST}\ncompute,critical,0.3,1,{TEST}", "critical"),
        ("terms.csv", f"support,cap,4,USD bn,{TEST}", f"support,cap,4,USD bn,{TEST}\ncompute,host_delivers,0.3,1,{TEST}", "host_delivers"),
        ("terms.csv", f"support,cap,4,USD bn,{TEST}", f"support,cap,4,USD bn,{TEST}\nhalls,haircut,0.3,1,{TEST}", "haircut"),
        ("terms.csv", f"support,cap,4,USD bn,{TEST}", f"support,cap,4,USD bn,{TEST}\nterm_loan,subordinated,0.3,1,{TEST}", "subordinated"),
        ("figures.csv", "holding,core_on,,1,", "holding,core_on,,0.5,", "core_on"),
    ],
)
def test_a_flag_is_no_fraction(table, old, new, name, tmp_path):
    path = copy_small(tmp_path)
    change(path, table, old, new)
    expect(faults(path), f"'{name}' is ", "it must be 0 or 1.")


def test_two_firms_that_own_each_other_wholly_are_refused(tmp_path):
    path = copy_small(tmp_path)
    for name, payer, payee in (("one", "vendor", "cloud"), ("two", "cloud", "vendor")):
        add(path, "deals.csv", f"{name},equity_stake,{payer},{payee},1,USD bn,completed,1,,2024,,,,2025-11-30,2025-12-15,{TEST},")
    add(path, "terms.csv", f"one,share,0.95,share,{TEST}", f"two,share,1,share,{TEST}")
    (said,) = faults(path)
    assert said == "terms.csv: cloud, vendor own each other wholly, so their shares have no value of their own; leave a part of one of them to somebody else."
    change(path, "terms.csv", f"two,share,1,share,{TEST}", f"two,share,0.5,share,{TEST}")
    assert load_scenario(path)
    change(path, "terms.csv", f"two,share,0.5,share,{TEST}", f"two,share,1,share,{TEST}")
    change(path, "terms.csv", f"one,share,0.95,share,{TEST}", f"one,share,0.5,share,{TEST}")
    assert load_scenario(path), "a subsidiary that holds a part of its owner"


def test_the_largest_number_of_restructurings_fits_the_model():
    assert Rules(max_restructurings=1000).max_restructurings == 1000


def test_a_large_table_is_read_in_time(tmp_path):
    """Terms and schedules are looked up by deal, not once for every deal."""
    path = copy_small(tmp_path)
    deals = [f"d{k},loan,holding,banks,0.001,USD bn,completed,1,,2025-07,2029-12,,,2025-11-30,2025-12-15,{TEST}," for k in range(3000)]
    add(path, "deals.csv", *deals)
    add(path, "terms.csv", *(f"d{k},rate,0.05,per year,{TEST}" for k in range(3000)))
    add(path, "schedules.csv", *(f"d{k},principal,2027,0.0001,USD bn/year,{TEST}" for k in range(3000)))
    began = time.monotonic()
    assert len(load_scenario(path).network.deals) == 3014
    assert time.monotonic() - began < 5
