"""Shocks change the calibrated model and nothing else, and each kind points the right way."""

from datetime import date, datetime

import numpy as np
import pytest

import simulate
from simulate.compile.scenario import compile_scenario
from simulate.errors import InputError
from simulate.scenario.load import load_scenario
from tests.makers.small import SMALL

PATHS = 600
DAY = date(2027, 5, 1)
STEP = 5  # quarters that end in 2026-03, -06, -09, -12, 2027-03, -06


def compiled(**shocks):
    return compile_scenario(load_scenario(SMALL, {f"shocks.{key}": value for key, value in shocks.items()}), 7)


def run(shocks):
    return simulate.run(load_scenario(SMALL, {f"shocks.{key}": value for key, value in shocks.items()}), paths=PATHS, seed=2)


def failures(dataset, entity):
    """[path] 1 where the entity fails in the network."""
    return (dataset.default_step.sel(world="network", entity=entity) >= 0).values.astype(float)


def z(difference):
    return difference.mean() / (difference.std() / np.sqrt(difference.size))


@pytest.fixture(scope="module")
def base():
    return simulate.run(SMALL, paths=PATHS, seed=2)


def differing(one, other, prefix=""):
    """Names of the rows of two models that differ."""
    for name, a, b in zip(one._fields, one, other, strict=True):
        if hasattr(a, "_fields"):
            yield from differing(a, b, f"{prefix}{name}.")
        elif not np.array_equal(a, b):
            yield prefix + name


@pytest.mark.parametrize("day", ["2027-06-30", date(2027, 6, 30)])
def test_a_day_may_be_text(day):
    assert load_scenario(SMALL, {"shocks.entities.lab.fails": day}).shocks.entities["lab"].fails == date(2027, 6, 30)


@pytest.mark.parametrize("day", ["2027-13-30", "30.6.2027", "2027-06", "2027-06-30T00:00", 20270630, True, datetime(2027, 6, 30)])
def test_what_is_no_day_is_a_sentence(day):
    with pytest.raises(InputError, match="shocks.entities.lab.fails .*is wrong: it should be a day, such as 2027-06-30"):
        load_scenario(SMALL, {"shocks.entities.lab.fails": day})


@pytest.mark.parametrize(
    ("key", "value", "rows"),
    [
        ("entities.lab.cash", -1.0, {"entities.cash0"}),
        ("entities.lab.revenue", 0.5, {"entities.rev_ext"}),
        ("entities.lab.fails", DAY, {"entities.fails_step"}),
        ("deals.notes.rate", 0.03, {"legs.rate_fixed"}),
        ("deals.compute.ends", DAY, {"legs.ends_step"}),
        ("deals.tranches.ends", DAY, {"legs.ends_step", "legs.sched"}),
    ],
)
def test_a_shock_changes_its_rows_and_no_others(key, value, rows):
    """A fact goes through the reconciliation, which moves residuals, opening values and multiples; a shock does not."""
    assert set(differing(compile_scenario(load_scenario(SMALL), 7).model, compiled(**{key: value}).model)) == rows


def test_a_fact_is_absorbed_and_a_shock_is_not():
    model, fact = (compile_scenario(load_scenario(SMALL, changes), 7).model for changes in ((), {"figures.lab.cash": 1.0}))
    assert "entities.mult0" in set(differing(model, fact))


@pytest.mark.parametrize(
    ("entity", "shocks"),
    [
        ("holding", {"entities.holding.cash": -7.0}),
        ("lab", {"entities.lab.revenue": 0.6}),
        ("cloud", {"entities.cloud.revenue": 0.5, "entities.cloud.revenue_from": DAY}),
        ("holding", {"deals.term_loan.rate": 0.3}),
        ("lab", {"deals.tranches.ends": date(2026, 2, 1)}),  # its investor keeps the money, and fails less often
        ("cloud", {"deals.compute.ends": DAY}),  # its customer is spared the rent, and fails less often
    ],
)
def test_who_has_less_money_fails_more_often(base, entity, shocks):
    assert z(failures(run(shocks), entity) - failures(base, entity)) > 4.0


def test_an_entity_fails_in_the_step_of_its_shock_in_every_world(base):
    failed = run({"entities.cloud.fails": DAY}).default_step.sel(entity="cloud")
    before = base.default_step.sel(entity="cloud")
    earlier = (before >= 0) & (before < STEP)
    assert ((failed == STEP) | (earlier & (failed == before))).all() and set(failed["world"].values) == {"network", "alone"}


def test_before_the_day_of_a_shock_nothing_changes(base):
    ended = run({"deals.compute.ends": DAY})
    first = base.default_step.sel(world="network")
    early = (first >= 0) & (first < STEP)
    assert (ended.default_step.sel(world="network").where(early) == first.where(early)).where(early, True).all()
    assert ended.system_loss_by_year.sel(year=1).equals(base.system_loss_by_year.sel(year=1))


def test_a_shock_that_is_not_plausible_is_a_warning():
    assert "shocks.deals.notes.rate" in load_scenario(SMALL, {"shocks.deals.notes.rate": 3.0}).warnings[0]


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("deals.comptue.ends", DAY, ("there is no deal 'comptue'", "did you mean 'compute'")),
        ("deals.compute.rate", 0.1, ("shocks.deals.compute", "is no loan")),
        ("deals.seed_stake.ends", DAY, ("a stake does not end",)),
        ("deals.compute.ends", date(2099, 1, 1), ("ends = 2099-01-01 is not in the run, which goes from the day after 2025-12-31 to 2030-12-31",)),
        ("entities.lba.cash", 1.0, ("there is no entity 'lba'", "did you mean 'lab'")),
        ("entities.operations.cash", -1.0, ("is an outside node",)),
        ("entities.lab.cash", -1e6, ("takes 1e+06 of cash, but it has",)),
        ("entities.lab.revenue", -1.0, ("shocks.entities.lab.revenue", "greater than or equal to 0")),
        ("entities.lab.revenue_from", DAY, ("revenue_from without revenue",)),
        ("entities.lab.csah", 1.0, ("csah", "did you mean 'cash'")),
    ],
)
def test_a_shock_that_cannot_be_is_a_sentence(key, value, words):
    with pytest.raises(InputError) as caught:
        compiled(**{key: value})
    for word in words:
        assert word in str(caught.value)
