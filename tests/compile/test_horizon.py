"""The horizon decides nothing before it: the rows of the first T steps are the same bits in every run of T steps or more."""

from datetime import date

import numpy as np
import pytest

from simulate.compile.scenario import compile_scenario
from simulate.errors import InputError
from simulate.scenario.load import load_scenario
from tests.makers.horizons import differing
from tests.makers.small import SMALL

MONTHS = {"run.step": "month", "terms.compute.days": 20}  # terms must not be longer than a step
MID_YEAR = {"run.start": date(2026, 6, 30), "run.information_date": date(2026, 8, 31)}
RENT_AFTER_THE_PLANS = {"deals.halls.end": "2034", **{f"schedules.halls.payment.{year}": 1.5 for year in (2031, 2032, 2034)}}
CONTRADICTION = {"figures.cloud.plan_revenue.2030": 20}  # its contract brings 28
LONGER_PLAN = {f"figures.lab.{name}.2031": 20 for name in ("plan_revenue", "plan_fcf")}  # of one entity only, so no run can reach it

PAIRS = [
    (SMALL, {}, 1, 20),
    (SMALL, {}, 7, 12),
    (SMALL, {}, 12, 13),
    (SMALL, {}, 8, 20),
    (SMALL, MONTHS, 10, 60),
    (SMALL, MONTHS, 24, 25),
    (SMALL, {"run.step": "year"}, 1, 5),
    (SMALL, {"run.step": "year"}, 2, 4),
    (SMALL, MID_YEAR, 1, 18),
    (SMALL, MID_YEAR, 6, 9),
    (SMALL, MID_YEAR | MONTHS, 5, 40),
    (SMALL, RENT_AFTER_THE_PLANS, 5, 20),
    (SMALL, CONTRADICTION, 6, 16),
    (SMALL, LONGER_PLAN, 6, 20),
    (SMALL, {"factors.short_rate.process": "cir", "run.curve": {"2026": 0.03, "2029": 0.04}}, 6, 20),
    ("ai_2025", {}, 12, 28),
    ("ai_2025", {}, 10, 11),
    ("ai_2025", {"run.step": "month"}, 13, 84),
    ("ai_2025", {"run.step": "year"}, 1, 7),
]


def compiled(scenario, changes, steps):
    return compile_scenario(load_scenario(scenario, {**changes, "run.steps": steps}), 7)


@pytest.mark.parametrize(("scenario", "changes", "short", "long"), PAIRS)
def test_a_longer_run_has_the_same_rows_as_far_as_the_shorter_one_goes(scenario, changes, short, long):
    one, other = (compiled(scenario, changes, steps) for steps in (short, long))
    assert not differing(one.model, other.model, short)
    assert one.names == other.names and one.deal_labels == other.deal_labels
    for old, new in zip(one.plans, other.plans, strict=True):
        assert not differing(old, new, short)


@pytest.mark.parametrize(("scenario", "changes", "short", "long"), PAIRS)
def test_the_values_of_whole_years_are_the_same(scenario, changes, short, long):
    """A year that the shorter run does not finish has fewer steps there, and its discount factor is the mean of those."""
    one, other = (compiled(scenario, changes, steps) for steps in (short, long))
    whole = short * one.model.grid.dt // 1
    assert np.array_equal(one.base_discount[: int(whole)], other.base_discount[: int(whole)])
    assert one.year_ends[: int(whole)] == other.year_ends[: int(whole)]


def test_every_horizon_of_the_small_network_gives_one_model():
    longest = compiled(SMALL, {}, 20)
    for steps in range(1, 20):
        assert not differing(compiled(SMALL, {}, steps).model, longest.model, steps)


def test_the_reconciliation_is_that_of_the_years_of_the_run():
    """Of whole years, also where the run ends inside one."""
    short, long = (compiled(SMALL, {}, steps).reconciliation for steps in (6, 20))
    assert short == [line for line in long if line["year"] is None or line["year"] <= 2027]


def test_rent_after_the_run_remains():
    model = compiled(SMALL, RENT_AFTER_THE_PLANS, 20)
    legs, k = model.model.legs, model.names.legs.index("halls")
    assert legs.remaining[k, -1] == pytest.approx(3 * 1.5)
    assert legs.remaining[k, 0] == pytest.approx(legs.sched[k, 1:].sum() + 3 * 1.5)


@pytest.mark.parametrize("steps", [1, 8, 16])
def test_figures_may_contradict_each_other_after_the_run(steps):
    entities = compiled(SMALL, CONTRADICTION, steps).model.entities
    assert (entities.rev_ext[1] > 0).all()


@pytest.mark.parametrize("steps", [17, 20])
def test_figures_that_contradict_each_other_in_the_last_year_of_the_run_are_refused(steps):
    with pytest.raises(InputError, match="'cloud': revenue of 2030: reported 20 USD bn, in its deals 28 USD bn, so the residual is -8"):
        compiled(SMALL, CONTRADICTION, steps)


def test_a_contradiction_after_the_run_does_not_make_all_cost_fixed():
    """The ratio of variable cost is that of the year with the least cost per revenue, of the years that can be."""
    wrong = {"figures.cloud.plan_revenue.2030": 29, "schedules.halls.payment.2030": 15}  # cost of 11.6 by its margin, rent of 15
    cost_var = compiled(SMALL, wrong, 16).model.entities.cost_var[1]
    assert cost_var == pytest.approx(compiled(SMALL, {}, 16).model.entities.cost_var[1], rel=0.5) and cost_var > 0


def test_no_run_goes_beyond_a_plan():
    with pytest.raises(InputError, match="'plan_revenue' is missing for 2031; the run needs 2026 to 2031"):
        compiled(SMALL, {}, 21)
