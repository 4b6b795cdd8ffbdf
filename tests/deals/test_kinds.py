"""What each kind of deal becomes: amounts, parties, classes and holdings, worked out by hand."""

import ast
from collections import Counter
from dataclasses import fields
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import simulate
from simulate.calendar import Calendar, run_balance
from simulate.deals import KINDS
from simulate.deals.kind import Deal, Terms
from simulate.deals.legs import DRIVERS, FIELDS, PARTS, LegDraft, values_of
from simulate.model import BALANCE, COMMITMENT, GUARANTEE, REVENUE_SHARE, SCHEDULED, Legs

YEARS = Calendar(date(2025, 12, 31), 4, 12)
QUARTERS = Calendar(date(2025, 12, 31), 8, 3)


def make(kind: str, schedule=None, *, amount=10.0, terms=None, **changes) -> Deal:
    deal = Deal(
        "d",
        kind,
        "a",
        "b",
        amount,
        "binding",
        "",
        1.0,
        date(2025, 1, 1),
        None,
        "",
        "",
        KINDS[kind].terms.model_validate(terms or {}),
        schedule or {},
        0.0,
        "",
        2,
    )
    return deal._replace(**changes)


def legs_of(deal: Deal, calendar=YEARS):
    return [flat(leg) for leg in KINDS[deal.kind].draft(deal, calendar).legs]


def flat(leg):
    """Fields of a leg, its driver and its parts; blank where it has none."""
    blank = {name: "" if kind is str else 0.0 for name, kind in FIELDS.items()}
    return SimpleNamespace(**blank | values_of(leg) | {"driver": leg.driver.number})


def problems_of(deal: Deal, calendar=YEARS) -> str:
    return "; ".join(KINDS[deal.kind].check(deal, calendar))


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_every_kind_is_complete(kind):
    """A new kind is tested the moment it exists: its terms have dimensions and sentences, and it has a name of its own."""
    assert KINDS[kind.name] is kind
    assert issubclass(kind.terms, Terms)
    for name, field in kind.terms.model_fields.items():
        assert field.description and field.json_schema_extra["dimension"], name
    assert set(kind.items) <= {"payment", "principal", "draw"}
    assert not kind.debt or "principal" in kind.items


def test_traits_of_kinds_agree_with_what_deals_become():
    """A debt is a balance, issued equity is a holding, and only what a kind allows is the class of its legs."""
    for kind in KINDS.values():
        terms = {"margin": 0.5} if "margin" in kind.terms.model_fields and not kind.debt else {}
        terms |= {name: "x" for name in ("covers",) if name in kind.terms.model_fields} | ({"share": 0.5} if "share" in kind.terms.model_fields else {})
        deal = make(kind.name, {item: {2026: 0.5} for item in kind.items}, terms=terms)
        drafts = kind.draft(deal, YEARS)
        assert kind.debt == any(leg.driver.number == BALANCE for leg in drafts.legs), kind.name
        assert kind.issues_equity == bool(drafts.holdings), kind.name
        assert {leg.seniority for leg in drafts.legs} <= set(kind.classes), kind.name
        assert kind.parties(deal) == (("b", "a") if kind.issues_equity else ("a", "b"))


def test_every_term_of_a_leg_has_a_row_and_one_home():
    """A field of a leg bears the name of a field of the table; the others serve to derive one. No two parts of a leg share a name."""
    serving = {"name", "driver", "payment", "days", "running", "volume", "collateral", "principal", "last_step", "repaid"}
    derived = {"supply_weight", "delay", "receivable0", "remaining", "amort", "ends_step", "volume_row"}
    assert set(FIELDS) - serving == set(Legs._fields) - derived - {"driver"}
    for driver in DRIVERS:
        mine = [LegDraft, driver, *(part for part in PARTS if part not in (LegDraft, *DRIVERS))]
        names = Counter(field.name for part in mine for field in fields(part))
        assert max(names.values()) == 1, names.most_common(1)
    assert [driver.number for driver in DRIVERS] == list(range(7))


def test_no_kind_is_compared_by_its_name_outside_of_the_family():
    """A module that asks for a name instead of a trait would have to change with every new kind."""
    found = []
    for file in Path(simulate.__file__).parent.rglob("*.py"):
        if file.parent.name == "deals":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            compared = [node.left, *node.comparators] if isinstance(node, ast.Compare) else [node.pattern] if isinstance(node, ast.match_case) else []
            constants = [inner.value for part in compared for inner in ast.walk(part) if isinstance(inner, ast.Constant)]
            found += [f"{file.name}:{node.lineno}: {value}" for value in constants if value in KINDS]
    assert not found


def test_a_loan_is_its_balance_with_interest_and_principal():
    (leg,) = legs_of(make("loan", {"principal": {2027: 4.0}}, terms={"rate": 0.05, "float": 0.5, "margin": 0.01}, end=date(2028, 6, 30)))
    assert (leg.driver, leg.seniority, leg.payer, leg.payee, leg.bal0, leg.last_step) == (BALANCE, 2, "a", "b", 10.0, 2)
    assert (leg.rate_fixed, leg.rate_float, leg.rate_spread) == (0.05, 0.5, 0.01)
    assert run_balance(leg.bal0, leg.principal, leg.draw, leg.last_step).amort.tolist() == [0.0, 0.4, 1.0, 1.0]


@pytest.mark.parametrize(("terms", "seniority"), [({}, 2), ({"subordinated": 1}, 3), ({"secured": 1, "core_share": 0.5}, 1), ({"class": 0}, 0)])
def test_classes_of_a_loan(terms, seniority):
    assert legs_of(make("bond", terms=terms))[0].seniority == seniority


def test_a_loan_that_starts_later_is_drawn():
    deal = make("loan", {"draw": {2027: 6.0}, "principal": {2028: 6.0}}, start=date(2027, 1, 1))
    (leg,) = legs_of(deal)
    assert leg.bal0 == 0.0 and leg.draw.tolist() == [0.0, 6.0, 0.0, 0.0]
    assert run_balance(leg.bal0, leg.principal, leg.draw).amort.tolist() == [1.0, 1.0, 1.0, 1.0]
    assert "no balance" in problems_of(deal._replace(schedule={}))


def test_a_loan_that_is_over_is_refused():
    assert "before the run starts" in problems_of(make("loan", end=date(2025, 6, 30)))


def test_a_gpu_loan_is_secured_by_what_it_names():
    (leg,) = legs_of(make("gpu_loan", terms={"ltv": 0.7, "fleet_share": 0.4}))
    assert (leg.seniority, leg.ltv, leg.coll_fleet, leg.coll_stake) == (1, 0.7, 0.4, 0.0)
    (leg,) = legs_of(make("gpu_loan", terms={"ltv": 0.5, "stake_deal": "s", "stake_share": 0.8}))
    assert (leg.coll_holding, leg.coll_stake) == ("s", 0.8)
    assert "no collateral" in problems_of(make("gpu_loan"))


def test_a_compute_contract_carries_capacity_and_follows_delivery():
    deal = make("compute_contract", {"payment": {2026: 4.0, 2027: 8.0}}, terms={"days": 73, "damages": 0.5})
    (leg,) = legs_of(deal)
    assert (leg.driver, leg.seniority, leg.host, leg.follow, leg.supply, leg.contract, leg.ends_with_payee) == (SCHEDULED, 2, "b", 1.0, 1.0, 1.0, 1.0)
    assert leg.sched.tolist() == [4.0, 8.0, 0.0, 0.0] and leg.days == 73 and leg.running
    assert legs_of(make("compute_contract", deal.schedule, terms={"critical": 1}))[0].seniority == 0
    assert legs_of(make("compute_contract", deal.schedule, terms={"host_delivers": 0}))[0].host == ""
    assert "needs rows 'payment'" in problems_of(make("compute_contract"))
    assert problems_of(make("compute_contract", status="completed")) == ""


def test_a_share_of_revenue_is_a_ratio_of_each_step():
    deal = make("compute_contract", {"payment": {2026: 0.2, 2027: 0.1}}, terms={"revenue_share": 1}, end=date(2027, 6, 30))
    (leg,) = legs_of(deal, QUARTERS)
    assert leg.driver == REVENUE_SHARE and leg.sched.tolist() == [0.2] * 4 + [0.1] * 2 + [0.0] * 2
    assert leg.supply == 0 and leg.contract == 0 and leg.follow == 0
    assert "more than the whole revenue" in problems_of(deal._replace(schedule={"payment": {2026: 2.0}}))


def test_a_purchase_is_the_vendors_margin_and_the_suppliers_cost():
    margin, rest = legs_of(make("hardware_purchase", {"payment": {2026: 10.0}}, terms={"margin": 0.6, "replaces": 0.3}))
    assert (margin.payee, rest.payee) == ("b", "chip_suppliers")
    assert margin.sched[0] == pytest.approx(6.0) and rest.sched[0] == pytest.approx(4.0)
    assert margin.replaces == rest.replaces == 0.3
    assert margin.ends_with_payee == 1.0


def test_a_financed_purchase_is_drawn_and_repaid_in_equal_parts():
    deal = make(
        "hardware_purchase", {"payment": {2026: 10.0, 2027: 6.0}}, terms={"margin": 0.5, "financed_share": 0.6, "finance_years": 2, "finance_rate": 0.1}
    )
    loan = legs_of(deal)[2]
    assert (loan.payer, loan.payee, loan.driver, loan.rate_fixed) == ("a", "lessors", BALANCE, 0.1)
    assert loan.draw == pytest.approx([6.0, 3.6, 0.0, 0.0])
    assert loan.principal == pytest.approx([0.0, 3.0, 3.0 + 1.8, 1.8])
    balance = run_balance(0.0, loan.principal, loan.draw)
    assert balance.before == pytest.approx([0.0, 6.0, 6.6, 1.8]) and balance.amort[-1] == 1.0
    assert "finance_rate" in problems_of(make("hardware_purchase", deal.schedule, terms={"margin": 0.5, "financed_share": 0.6}))


@pytest.mark.parametrize(("rented", "share"), [(0.0, 1.0), (0.5, 0.75), (2.0, 0.0), (3.0, 0.0)])
def test_a_site_is_paid_for_once(rented, share):
    deal = make("hardware_purchase", {"payment": {2026: 10.0}}, terms={"margin": 0.6, "gw": 2.0}, site_group="campus", rented_gw=rented)
    assert sum(leg.sched.sum() for leg in legs_of(deal)) == pytest.approx(10.0 * share)
    assert legs_of(deal._replace(site_group=""))[0].sched.sum() == pytest.approx(6.0)
    assert "give the term gw" in problems_of(make("hardware_purchase", deal.schedule, terms={"margin": 0.6}, site_group="campus"))


def test_a_lease_is_paid_whoever_delivers():
    (leg,) = legs_of(make("lease", {"payment": {2026: 1.0}}, terms={"damages": 0.2}))
    assert (leg.driver, leg.seniority, leg.follow, leg.host, leg.supply, leg.contract, leg.ends_with_payee, leg.damages) == (
        SCHEDULED,
        2,
        0.0,
        "",
        0.0,
        0.0,
        0.0,
        0.2,
    )
    assert legs_of(make("lease", {"payment": {2026: 1.0}}, terms={"follow": 1}))[0].host == "b"


def test_a_commitment_buys_shares_behind_everybody_else():
    deal = make("equity_commitment", {"payment": {2026: 3.0}}, terms={"stake0": 0.1, "cost0": 2.0, "gate_host": "h", "gate_gw": 1.0})
    drafts = KINDS[deal.kind].draft(deal, YEARS)
    leg = flat(*drafts.legs)
    assert (leg.driver, leg.seniority, leg.gate_owner, leg.gate_gw, leg.buys_holding) == (COMMITMENT, 4, "h", 1.0, "d")
    assert drafts.holdings == (("d", "a", "b", 0.1, 2.0),)
    assert "always of class 4" in problems_of(make("equity_commitment", deal.schedule, terms={"class": 2}))


def test_a_stake_is_a_holding_at_cost():
    drafts = KINDS["equity_stake"].draft(make("equity_stake", terms={"share": 0.2}), YEARS)
    assert drafts.legs == () and drafts.holdings == (("d", "a", "b", 0.2, 10.0),)
    assert KINDS["equity_stake"].draft(make("equity_stake", terms={"share": 0.2, "cost": 0}), YEARS).holdings[0].cost == 0.0
    assert "cannot depend on the draw" in problems_of(make("equity_stake", terms={"share": 0.2}, group="g"))


def test_a_guarantee_covers_up_to_its_cap():
    (leg,) = legs_of(make("guarantee", terms={"covers": "x", "share": 0.5}))
    assert (leg.driver, leg.covers, leg.cover_share, leg.cover_cap) == (GUARANTEE, "x", 0.5, 10.0)
    assert legs_of(make("guarantee", terms={"covers": "x", "cap": 3}))[0].cover_cap == 3.0
    assert "has no cap" in problems_of(make("guarantee", terms={"covers": "x"}, amount=0.0))


def test_amounts_stay_inside_the_dates():
    (leg,) = legs_of(make("lease", {"payment": {2026: 2.0}}, start=date(2026, 7, 1)), QUARTERS)
    assert np.flatnonzero(leg.sched).tolist() == [2, 3] and leg.sched.sum() == pytest.approx(2.0) and not leg.running
