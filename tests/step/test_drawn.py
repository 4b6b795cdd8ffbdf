"""The oracle against the kernels on networks drawn by Hypothesis (tests/makers/drawn.py; how they are compared: validation/networks.py).

Below the runs stand, by name, what such runs and their review have found.
"""

import pytest
from hypothesis import find, settings

from simulate.compile.scenario import compile_scenario
from simulate.model import LEG_DRIVERS, SWITCHES
from simulate.scenario.load import load_scenario
from tests.makers.drawn import models, scale
from tests.makers.small import copy_small
from tests.makers.tiny import BOND, CLOUD, COMPUTE, COVER, HOLDING, LAB, LENDER, VENDOR, tiny_model
from tests.step.test_paths import GUARANTEED
from tests.validation.claims import refuse_false
from tests.validation.networks import MOST_EDGES, check_network, findings, run_networks

HAPPENS = (
    *(f"driver {driver} paid" for driver in range(len(LEG_DRIVERS))), *(f"switches {switch}{on}" for switch in SWITCHES for on in (0, 1)),
    "liquidated", "restructured", "called", "guarantor owes the obligor", "guarantor is guaranteed", "guarantor failed", "later wave", "no cash",
    "life of a thousandth of a year", "rate above 100 %", "square-root rate", "saved, with a grant", "the first is saved, others fail",
)  # fmt: skip


def demand(tally):
    assert not tally.wrong
    assert tally.unconverged == 0
    assert tally.edges <= MOST_EDGES * tally.paths
    missing = [what for what in HAPPENS if not tally.seen[what]]
    assert not missing


def test_networks():
    """Up to 12 entities: every step, state and output agrees to 1e-10, and everything happens."""
    demand(run_networks(150, 4))


def test_edges():
    """Tenths without randomness: many paths are decided by an exact tie, and each is one of the two branches."""
    tally = run_networks(80, 2, edges=True)
    assert not tally.wrong
    assert tally.edges > 0.02 * tally.paths


def test_rings():
    """Debts in circles: firms fail with least clearing that live in the network, and every stage agrees all the same."""
    tally = run_networks(60, 3, rings=True)
    assert not tally.wrong
    assert tally.seen["fails with least clearing only"] > 20


@pytest.mark.nojit
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_few_shocks():
    """The same, short enough for kernels that are not compiled."""
    tally = run_networks(5, 2, shrink=False, shocks=True)
    assert not tally.wrong and tally.paths == 10


def test_shocks():
    """Deals end and firms fail in a step that the model says: stages, flows and losses agree, and the identities hold."""
    tally = run_networks(50, 3, shocks=True)
    assert not tally.wrong and tally.paths == 150


@pytest.mark.nojit
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, of kernels that are not compiled
def test_a_few_networks():
    """Short enough for kernels that are not compiled: mutants that the tiny networks do not kill meet these."""
    tally = run_networks(12, 2, shrink=False)
    assert not tally.wrong and tally.paths == 24


@pytest.mark.slow
def test_many_networks():
    tally = run_networks(600, 5)
    demand(tally)
    assert tally.seen["many rounds"] > 0
    assert all(tally.seen[f"{n} entities"] for n in range(1, 13))


@pytest.mark.slow
def test_many_edges():
    tally = run_networks(200, 3, edges=True)
    assert not tally.wrong
    assert tally.edges > 0.02 * tally.paths


@pytest.mark.slow
def test_findings():
    refuse_false(findings())


def agrees(model, paths=12):
    tally = check_network(model, paths)
    assert not tally.wrong, tally.wrong[0]
    return tally


# What was found, shrunk.

LIQUID = {i: 0.0 for i in (LAB, CLOUD, HOLDING, VENDOR)}


def test_an_outside_provider_lets_again_outside():
    """Volume of a customer that failed: the loss is booked on the outside provider, its cash stays what the network pays it."""
    tally = agrees(tiny_model(entities={"cash0": LIQUID, "restructures": {LAB: 0}}, legs={COMPUTE: {"payee": LENDER, "host": -1, "follow": 0.0}}))
    assert tally.seen["liquidated"] > 0


def test_estates_with_less_than_a_dollar_wait():
    """Amounts of a few dollars: what an estate holds is distributed from 1e-9 bn on."""
    model = tiny_model(entities={"cash0": LIQUID, "restructures": {LAB: 0}, "cost_fixed": {LAB: 9.0, CLOUD: 6.0}})
    for unit in (1e-8, 1e-9, 1e-10):
        assert agrees(scale(model, unit)).seen["liquidated"] > 0


def test_a_network_without_obligations():
    model = find(models(most=2), lambda model: model.legs.payer.size == 0, settings=settings(max_examples=5000, derandomize=True, database=None, deadline=None))
    assert model.legs.sched.shape == model.legs.amort.shape == (0, model.grid.steps)
    agrees(model, 4)


def test_equity_sweeps_begin_at_the_worth_without_stakes():
    """Two firms that hold each other and so few sweeps that the beginning shows."""
    holdings = {0: (HOLDING, LAB, 0.6, 6.0, 10), 1: (LENDER, LAB, 0.4, 20.0, 15), 2: (CLOUD, HOLDING, 0.7, 1.0, 16)}
    holdings |= {3: (LENDER, CLOUD, 0.5, 15.0, 17), 4: (LAB, CLOUD, 0.5, 1.0, 18), 5: (LENDER, HOLDING, 0.3, 10.0, 19)}
    for sweeps in (1, 2, 5):
        agrees(tiny_model(holdings=holdings, rules={"equity_sweeps": sweeps}))


def test_a_door_as_sharp_as_a_step():
    agrees(tiny_model(rules={"k_width": 1e-5, "v_width": 1e-5}))


def test_a_guarantor_who_is_restructured_while_it_pays():
    """Its guarantee ends; one that was not called goes on."""
    owed = {BOND: {"bal0": 20.0, "amort": 0.2}, COVER: {"cover_share": 0.8, "cover_cap": 12.0}}
    poor = {"cash0": {LAB: 1.0, HOLDING: 0.5}, "fund_phi": {LAB: 0.0, HOLDING: 0.0}, "fund_ltv": {HOLDING: 0.0}, "restructures": {LAB: 0, HOLDING: 1}}
    tally = agrees(tiny_model(entities=poor | {"mult0": {HOLDING: 20.0}, "mult_mature": {HOLDING: 20.0}, "core0": {HOLDING: 0.0}}, legs=owed))
    assert tally.seen["restructured"] > 0 and tally.seen["called"] > 0


def test_an_owner_without_planned_capex_pays_for_replacements(tmp_path):
    path = copy_small(tmp_path)
    figures = path.parent / "figures.csv"
    figures.write_text("".join(line for line in figures.read_text().splitlines(True) if not line.startswith("cloud,plan_capex")))
    agrees(compile_scenario(load_scenario(path)).model, 8)


def test_who_pays_out_all_it_has_burns_nothing():
    """A restructured lab without cash and with no default cost: what it earned is what it paid, so its runway is no question of rounding."""
    lab = {"cash0": 0.0, "fund_phi": 0.0, "line0": 0.0, "cost_fixed": 9.0, "core0": 0.0, "mult0": 8.0, "mult_mature": 8.0}
    model = tiny_model(entities={name: {LAB: value} for name, value in lab.items()}, rules={"alpha": 1.0, "beta": 1.0, "max_restructurings": 9})
    tally = check_network(model, 12, either=False)
    assert not tally.wrong, tally.wrong[0]


def test_a_guarantor_that_fails_owes_debts_that_are_guaranteed_too():
    """What is called on the holding leaves less for its loan, which the vendor stands for: called in the same round, or the cloud seems poorer
    than it is, and what is called for its own debt never comes back."""
    tally = check_network(tiny_model(**GUARANTEED), 6, either=False)
    assert not tally.wrong, tally.wrong[0]
    assert tally.seen["called"] > 0 and tally.seen["guarantor failed"] > 0


def test_a_creditor_never_gains_when_an_estate_pays_less():
    """The vendor is called for debts of the holding and the cloud when both are estates, and gets back what it paid before: if a part of each dollar
    were its own outright, less from the holding would be more for the cloud, and payments would rise in a descent."""
    tally = check_network(tiny_model(**GUARANTEED), 16, either=False)
    assert not tally.wrong, tally.wrong[0]
