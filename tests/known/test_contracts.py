"""Contracts of the ACTUS test suite on the engine: what two loans and an annuity pay day by day, what guarantees and collateral pay at a default.

Interest accrues by day counts there and by equal steps here. So a step is a day: interest on a balance of d days at 1/365 a year each is what a
month of d days pays there; for a year of 360 days the rate is times 365/360.
"""

from datetime import date

import numpy as np
import pytest

from simulate.calendar import run_balance
from simulate.engine.blocks import Workspace
from simulate.model import BALANCE, GUARANTEE, Model
from simulate.step.watch import TRACES
from tests.known.answers import look_up, of_kind
from tests.makers.tiny import freeze, make_legs
from tests.validation.firms import firm_model

CONTRACTS = of_kind("actus_contract")
LOANS = [name for name in CONTRACTS if name in ("actus_pam01", "actus_pam02", "actus_ann01")]
OBLIGOR, GUARANTOR, CREDITOR = range(3)
PAID, ALIVE = TRACES.index("paid"), TRACES.index("alive")


def trace_of(legs, cash, *, steps, dt, core=0.0):
    """[TRACES, T, n] of one path: an obligor and a guarantor without any income, and outside creditors. cash: of both, opening; core: of the obligor."""
    model = firm_model(firms=2, steps=steps, dt=dt)
    entities = model.entities._replace(rev_ext=np.zeros_like(model.entities.rev_ext), cash0=np.array([*cash, 0.0, 0.0]), core0=np.array([core, 0.0, 0.0, 0.0]))
    model = model._replace(entities=entities, legs=make_legs(legs, steps), grid=model.grid._replace(deals=len(legs)))
    model = Model(*(freeze(group) for group in model))
    return Workspace(model, 1).trace(0)[0, :, :, :, 0].swapaxes(0, 1)


@pytest.mark.parametrize("name", LOANS)
def test_a_loan_pays_what_it_pays_there(name):
    """Interest and principal of every date; the last date repays the rest."""
    inputs, expected, tolerance = look_up(name)
    start = date.fromisoformat(inputs["start"])
    steps = (date.fromisoformat(inputs["maturity"]) - start).days
    events: dict[int, dict[str, float]] = {}
    for day, kind, payoff, _ in expected["events"]:
        events.setdefault((date.fromisoformat(day) - start).days, {})[kind] = payoff
    interest = {day: of.get("IP", 0.0) for day, of in events.items() if day > 0}
    principal = np.zeros(steps)
    rate, balance, last = inputs["rate"] * 365 / inputs["days_a_year"], inputs["notional"], 0
    for day in sorted(interest):
        if "payment" in inputs and day < steps:  # an annuity: a fixed payment less the interest of the month
            principal[day - 1] = inputs["payment"] - balance * rate * (day - last) / 365
            assert principal[day - 1] == pytest.approx(events[day]["PR"], abs=tolerance)
            balance, last = balance - principal[day - 1], day
    principal[-1] = balance
    assert balance == pytest.approx(events[steps]["MD"], abs=tolerance)
    course = run_balance(inputs["notional"], principal, np.zeros(steps))
    leg = dict(payer=OBLIGOR, payee=CREDITOR, driver=BALANCE, bal0=inputs["notional"], amort=course.amort.tolist(), rate_fixed=rate)
    trace = trace_of([leg], (1e5, 0.0), steps=steps, dt=1 / 365)
    assert (trace[ALIVE, :, OBLIGOR] == 1).all()
    before = 0
    for day in sorted(interest):
        paid = trace[PAID, before:day, OBLIGOR].sum()
        assert paid == pytest.approx(interest[day] + principal[before:day].sum(), abs=tolerance), day
        before = day
    assert before == steps and len(interest) == len({event[0] for event in expected["events"]}) - (0 in events)


def test_a_guarantee_pays_its_share_of_what_is_not_paid():
    for name, share in (("actus_guarantee02", 1.0), ("actus_guarantee06", 0.7)):
        inputs, expected, tolerance = look_up(name)
        assert inputs["coverage"] == share
        legs = [
            dict(payer=OBLIGOR, payee=CREDITOR, driver=BALANCE, bal0=inputs["notional"], amort=1.0),
            dict(payer=GUARANTOR, payee=CREDITOR, driver=GUARANTEE, covers=0, cover_share=share, cover_cap=inputs["notional"]),
        ]
        trace = trace_of(legs, (0.0, 5e6), steps=1, dt=0.25)
        assert trace[ALIVE, 0].tolist()[:2] == [0, 1]
        assert trace[PAID, 0, GUARANTOR] == pytest.approx(expected["paid"], abs=tolerance)
        assert trace[PAID, 0, OBLIGOR] == 0.0


def balances_at_the_event(inputs) -> tuple[float, float]:
    """What is left of the bullet and of the linear loan when the event comes."""
    months = inputs["payments_before_the_event"] + 1
    linear = run_balance(inputs["linear_notional"], np.full(months, inputs["linear_payment"]), np.zeros(months)).before[-1]
    return inputs["bullet_notional"], float(linear)


def test_a_guarantee_of_two_loans_covers_principal_and_accrued_interest():
    """The step runs from the last payment to the event; both loans fall due in it and nothing of them is paid."""
    inputs, expected, tolerance = look_up("actus_guarantee10")
    bullet, linear = balances_at_the_event(inputs)
    loans = [(bullet, inputs["bullet_rate"]), (linear, inputs["linear_rate"])]
    legs = [dict(payer=OBLIGOR, payee=CREDITOR, driver=BALANCE, bal0=balance, amort=1.0, rate_fixed=rate) for balance, rate in loans]
    cover = dict(payer=GUARANTOR, payee=CREDITOR, driver=GUARANTEE, cover_share=inputs["coverage"], cover_cap=1.1e7)
    trace = trace_of([*legs, cover | {"covers": 0}, cover | {"covers": 1}], (0.0, 2e7), steps=1, dt=inputs["days_since_the_last_payment"] / 365)
    assert trace[PAID, 0, GUARANTOR] == pytest.approx(expected["paid"], abs=tolerance)


@pytest.mark.parametrize("name", ["actus_collateral02", "actus_collateral15"])
def test_collateral_pays_up_to_the_exposure_that_it_covers(name):
    """Gold is the core asset of the obligor: it is sold in the step after the default, and the covered claim is paid from it."""
    inputs, expected, tolerance = look_up(name)
    exposure = inputs["coverage"] * (inputs["notional"] if "notional" in inputs else sum(balances_at_the_event(inputs)))
    leg = dict(payer=OBLIGOR, payee=CREDITOR, driver=BALANCE, seniority=1, bal0=exposure, amort=[1.0, 0.0], coll_core=1.0)
    trace = trace_of([leg], (0.0, 0.0), steps=2, dt=0.25, core=inputs["collateral"])
    assert trace[ALIVE, :, OBLIGOR].tolist() == [0, 0]
    assert trace[PAID, :, OBLIGOR].tolist() == pytest.approx([0.0, expected["paid"]], abs=tolerance)
