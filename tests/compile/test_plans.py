"""Spreading of annual plans, calendars and balances."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulate.calendar import Calendar, run_balance, spread_residual, spread_years

QUARTERS = Calendar(date(2025, 12, 31), 28, 3)


def annual(calendar: Calendar, amounts: np.ndarray) -> dict[int, float]:
    years = calendar.year_of_step()
    return {int(year): amounts[years == year].sum() for year in np.unique(years)}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.just(0.0), st.floats(0.01, 1e4)), min_size=7, max_size=7), st.one_of(st.none(), st.floats(0.0, 100.0)))
def test_totals_of_years_are_exact_and_no_step_is_negative(totals, opening):
    plan = dict(zip(QUARTERS.years, totals))
    amounts = spread_years(QUARTERS, plan, opening=opening)
    assert (amounts >= 0).all()
    assert annual(QUARTERS, amounts) == pytest.approx(plan, rel=1e-12, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1e3, 1e3), min_size=7, max_size=7))
def test_a_signed_plan_keeps_its_totals(totals):
    plan = dict(zip(QUARTERS.years, totals))
    assert annual(QUARTERS, spread_years(QUARTERS, plan, signed=True)) == pytest.approx(plan, rel=1e-9, abs=1e-6)


def test_a_line_is_spread_as_a_line():
    """Quarterly amounts on a straight line have no curvature, so they are what comes back."""
    line = 2.0 + 0.5 * np.arange(28)
    assert spread_years(QUARTERS, annual(QUARTERS, line)) == pytest.approx(line, rel=1e-6)


def test_new_year_is_no_jump():
    """The step over New Year is no larger than those around it; flat quarters would jump by 10 and stand still otherwise."""
    growth = {year: 20.0 + 40.0 * k for k, year in enumerate(QUARTERS.years)}
    amounts = spread_years(QUARTERS, growth)
    steps = np.diff(amounts)
    assert steps.min() > 0 and steps.max() < 1.05 * 40 / 16


def test_revenue_starts_from_the_opening_quarter():
    low, high = (spread_years(QUARTERS, dict.fromkeys(QUARTERS.years, 40.0), opening=opening)[0] for opening in (8.0, 12.0))
    assert low < 10.0 < high
    assert abs(low - 8.0) < 2.0


def test_steps_outside_the_dates_of_a_deal_are_empty():
    active = QUARTERS.active(date(2027, 7, 1), date(2028, 3, 31))
    amounts = spread_years(QUARTERS, {2027: 6.0, 2028: 2.0}, active=active)
    assert np.flatnonzero(amounts).tolist() == [6, 7, 8]
    assert amounts[6:8].sum() == pytest.approx(6.0) and amounts[8] == pytest.approx(2.0)


def test_a_year_without_an_amount_stays_empty():
    amounts = spread_years(QUARTERS, {2027: 5.0})
    assert np.flatnonzero(amounts).tolist() == [4, 5, 6, 7]


AMOUNTS = st.lists(st.one_of(st.just(0.0), st.floats(0.01, 1e4)), min_size=1, max_size=6)
CALENDARS = st.sampled_from([(date(2025, 12, 31), 3), (date(2025, 12, 31), 1), (date(2025, 12, 31), 12), (date(2026, 6, 30), 3), (date(2026, 6, 30), 1)])


@settings(max_examples=60, deadline=None)
@given(
    CALENDARS,
    AMOUNTS,
    st.integers(1, 9),
    st.one_of(st.none(), st.floats(0.0, 100.0)),
    st.booleans(),
    st.one_of(st.none(), st.dates(date(2026, 7, 1), date(2033, 1, 1))),
)
def test_years_without_an_amount_at_the_end_change_no_bit(opened, totals, empty, opening, signed, ends):
    start, months = opened
    short = Calendar(start, 1, months).through(2026 + len(totals) - 1)
    long = short.through(2026 + len(totals) - 1 + empty)
    plan = dict(zip(short.years, totals))
    one, other = (spread_years(c, plan, opening=opening, signed=signed, active=None if ends is None else c.active(None, ends)) for c in (short, long))
    assert other[: short.steps].tobytes() == one.tobytes() and not other[short.steps :].any()
    one, other = (spread_residual(c, plan, signed=signed) for c in (short, long))
    assert other[: short.steps].tobytes() == one.tobytes() and not other[short.steps :].any()


@pytest.mark.parametrize("ends", [None, date(2028, 9, 30)])
def test_equal_payments_do_not_fade_before_the_last_one(ends):
    plan = {2026: 4.0, 2027: 4.0, 2028: 4.0 if ends is None else 3.0}
    active = None if ends is None else QUARTERS.active(None, ends)
    amounts = spread_years(QUARTERS, plan, active=active)
    count = 12 if ends is None else 11
    assert amounts[:count] == pytest.approx(np.ones(count)) and not amounts[count:].any()


@pytest.mark.parametrize(
    ("start", "months", "steps"), [(date(2025, 12, 31), 3, 12), (date(2025, 12, 31), 12, 3), (date(2026, 6, 30), 1, 30), (date(2026, 6, 30), 3, 10)]
)
def test_a_calendar_goes_through_a_whole_year(start, months, steps):
    calendar = Calendar(start, 1, months).through(2028)
    assert calendar.steps == steps and calendar.end_of(steps - 1) == date(2028, 12, 31) and calendar.through(2026).through(2028) == calendar


def test_a_run_that_starts_inside_a_year_takes_the_rest_of_it():
    calendar = Calendar(date(2026, 6, 30), 6, 3)
    assert calendar.first_year == 2026 and calendar.offset == 2 and list(calendar.years) == [2026, 2027]
    amounts = spread_years(calendar, {2026: 8.0, 2027: 8.0})
    assert amounts == pytest.approx(np.full(6, 2.0))
    assert annual(calendar, spread_residual(calendar, {2026: 4.0, 2027: 8.0})) == pytest.approx({2026: 4.0, 2027: 8.0})


@pytest.mark.parametrize(
    ("months", "day", "step"),
    [
        (3, date(2025, 12, 31), -1),
        (3, date(2026, 1, 1), 0),
        (3, date(2026, 3, 31), 0),
        (3, date(2026, 4, 1), 1),
        (1, date(2026, 2, 28), 1),
        (12, date(2027, 6, 1), 1),
    ],
)
def test_days_fall_into_steps_that_end_with_them(months, day, step):
    assert Calendar(date(2025, 12, 31), 8, months).step_of(day) == step


def test_a_balance_is_run_through_its_schedule():
    balance = run_balance(10.0, np.array([2.0, 0.0, 4.0, 0.0]), np.array([0.0, 2.0, 0.0, 0.0]), last_step=3)
    assert balance.before.tolist() == [10.0, 8.0, 10.0, 6.0]
    assert balance.amort.tolist() == [0.2, 0.0, 0.4, 1.0]


def test_principal_that_comes_before_its_draw_is_paid_when_it_can_be():
    balance = run_balance(0.0, np.array([3.0, 0.0, 2.0]), np.array([5.0, 0.0, 0.0]))
    assert balance.before.tolist() == [0.0, 5.0, 2.0]
    assert balance.amort.tolist() == [1.0, 0.6, 1.0]


def test_what_a_restructuring_adds_to_no_balance_is_due():
    assert run_balance(0.0, np.zeros(3), np.zeros(3), last_step=1).amort.tolist() == [1.0, 1.0, 1.0]
