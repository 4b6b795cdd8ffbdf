"""Tests that surviving mutants asked for (`python -m tests.mutation`): each names the error that it finds."""

import numpy as np
import pytest

from simulate import clearing
from simulate.engine.blocks import Block, Workspace
from simulate.model import CONTRACT, STRANDED
from simulate.step.factors import advance_factors, begin_paths, new_factors
from tests.makers.drawn import scale
from tests.makers.tiny import (
    BOND,
    BUILDING,
    BY_STEP_OF_ENTITY,
    CHIPS,
    CLOUD,
    COMMIT,
    COMPUTE,
    COVER,
    ENTITY_ROWS,
    HOLDING,
    LAB,
    LEASE,
    LEG_ROWS,
    LENDER,
    LOAN,
    OPEX_HOLDING,
    PURCHASE,
    VENDOR,
    freeze,
    tiny_model,
)
from tests.oracle.factors import factor_path
from tests.step.test_drawn import agrees
from tests.step.test_paths import ALONE, CASES, GUARANTEED, NETWORK, OWED, STARVED_LAB, compare, defaults, dies, loses, paid_after_death, pays, restructured
from tests.validation.networks import check_network

pytestmark = pytest.mark.nojit

OUTSIDE_FIRST = {0: (LENDER, LAB, 0.8, 20.0, 15), 1: (HOLDING, LAB, 0.2, 6.0, 10)}  # rows of holdings: the outside part before the stake


def happens(results, *events):
    """No case passes because nothing happened."""
    for k, event in enumerate(events):
        assert any(event(result["worlds"][NETWORK]) for result in results), f"event {k} happens on no path"


@pytest.mark.parametrize("name", ["everybody is liquidated", "restructured more than once", "guarantor fails with the obligor"])
def test_a_tile_leaves_nothing_behind_for_the_next(name):
    """Scratch and state that is not set anew, and lanes that feel their neighbours."""
    model = tiny_model(seed=2, **CASES[name][0])
    alone = [Workspace(model, 1).run(Block(path, 1)) for path in range(6)]
    together = Workspace(model, 2).run(Block(0, 6))
    checked, findings = Workspace(model, 4).run_checked(Block(0, 6))
    for key, values in together.items():
        assert values.tobytes() == np.concatenate([outputs[key] for outputs in alone], axis=-1).tobytes(), key
        assert values.tobytes() == checked[key].tobytes(), key
    assert not [finding for finding in findings if finding.violated]


def test_factors_called_by_themselves_are_those_of_a_run():
    """From Python as in benchmarks and in the tests of moments: the opening is set and every step is made."""
    model = tiny_model(seed=3)
    state, draws, out = new_factors(model, 2)
    begin_paths(model.factors, 4, state, draws, out)
    for t, wanted in enumerate(zip(factor_path(model, 4), factor_path(model, 5), strict=True)):
        advance_factors(model.grid, model.factors, t, 4, state, draws, out)
        for name in ("rate", "rate_before", "spread_before", "rental", "gap", "demand"):
            np.testing.assert_allclose(getattr(out, name), [path[name] for path in wanted], rtol=1e-12, err_msg=f"step {t}, {name}")


@pytest.mark.parametrize(("book_life", "lives"), [(0.8, (0.6, 1.1)), (1.0, (0.5, 0.75)), (0.6, (0.9, 1.3))])
def test_chips_bought_in_the_run_wear_out_in_the_run(book_life, lives):
    """Cost in service between steps, its integral, and replacement before and after the book life."""
    vendors = {CHIPS: {"capex_share": 0.0, "chip_share": 1.0}, BUILDING: {"capex_share": 1.0}}  # replacement alone brings chips
    model = tiny_model(seed=4, steps=9, factors={"life.values": np.array(lives)}, legs=vendors)
    results = compare(model._replace(fleet=freeze(model.fleet._replace(book_life=np.array([book_life])))), 12)
    happens(results, loses(CLOUD, STRANDED))


def test_demand_that_a_dead_lab_leaves_is_shared_by_the_plans_of_the_living():
    """Old chips leave something in the scratch that the sum of plans is made in."""
    entities = STARVED_LAB | {"is_lab": {VENDOR: 1}, "cash0": {LAB: 1.0}}
    model = tiny_model(seed=12, steps=8, entities=entities, factors={"life.values": np.array([3.0, 1.0])})
    happens(compare(model, 12), dies(LAB))


def test_a_stake_in_an_issuer_without_price_is_not_sold():
    model = tiny_model(
        seed=3, entities={"cash0": {CLOUD: 0.0}, "equity0": {VENDOR: 0.0}, "core0": {CLOUD: 0.0}}, holdings={3: (HOLDING, VENDOR, 0.9, 30.0, 17)}
    )
    assert model.holdings.outside_of[VENDOR] < 0
    happens(compare(model, 20), dies(CLOUD))


def test_who_has_no_cost_and_who_has_no_growth_risk():
    quiet = {name: np.array([0.0, value]) for name, value in (("revenue.growth_sd", 0.05), ("revenue.c1", 0.006), ("revenue.c2", 0.003))}
    model = tiny_model(seed=5, entities={"cost_fixed": {HOLDING: 0.0}, "cost_var": {HOLDING: 0.0}}, factors=quiet)
    happens(compare(model, 12), defaults)


def test_what_is_called_on_a_guarantor_that_is_restructured_is_settled():
    entities = STARVED_LAB | {
        "cash0": {LAB: 1.0, HOLDING: 0.5},
        "fund_phi": {LAB: 0.0, HOLDING: 0.0},
        "fund_ltv": {HOLDING: 0.0},
        "restructures": {LAB: 0, HOLDING: 1},
        "mult0": {HOLDING: 40.0},
        "mult_mature": {HOLDING: 40.0},
    }
    model = tiny_model(seed=6, entities=entities, legs=OWED | {COVER: {"cover_share": 0.8, "cover_cap": 30.0}})
    happens(compare(model, 20), restructured(HOLDING), pays(COVER))


def test_a_line_counts_once_beside_the_cash():
    """Somebody with more line than cash fails although twice the line would do."""
    entities = STARVED_LAB | {"line0": {LAB: 28.0}, "cash0": {LAB: 1.0}}
    bullet = {BOND: {"bal0": 30.0, "amort": (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)}}
    happens(compare(tiny_model(seed=7, entities=entities, legs=bullet), 12), lambda world: world["default_step"][LAB] == 0)


def swapped(one, other):
    """Two legs in each other's row; what one has and the other has not is cleared."""
    blank = dict.fromkeys(LEG_ROWS[one] | LEG_ROWS[other], 0) | {"host": -1, "coll_holding": -1, "covers": -1, "deal": 0}
    return {one: blank | LEG_ROWS[other] | {"deal": one}, other: blank | LEG_ROWS[one] | {"deal": other}}


def test_row_0_is_a_row_like_any_other():
    """Row 0 as a leg that is guaranteed, as the outside part of an issuer and as collateral; a contract whose deal is not its group."""
    legs = swapped(COMPUTE, BOND)
    legs[COMPUTE] |= OWED[BOND]
    legs |= {COVER: OWED[COVER] | {"covers": COMPUTE}, COMMIT: {"buys_holding": 1}, LOAN: {"coll_holding": 0, "amort": 0.2}}
    entities = STARVED_LAB | {"cash0": {LAB: 3.0, CLOUD: 1.0, HOLDING: 4.0}, "fund_phi": {LAB: 0.0, HOLDING: 0.0}, "fund_ltv": {HOLDING: 0.0}}
    results = compare(tiny_model(seed=8, entities=entities, legs=legs, holdings=OUTSIDE_FIRST), 40)
    happens(results, dies(LAB), dies(HOLDING), pays(COVER), loses(CLOUD, CONTRACT))


def test_the_outside_part_of_an_issuer_may_stand_in_row_0():
    """It buys the stakes of the liquidated, and owns who is restructured."""
    commit = {COMMIT: {"buys_holding": 1}}
    poor = {"cash0": {HOLDING: 0.0}, "cost_fixed": {HOLDING: 9.0}, "fund_phi": {HOLDING: 0.0}, "fund_ltv": {HOLDING: 0.0}}
    happens(compare(tiny_model(seed=9, entities=poor, legs=commit, holdings=OUTSIDE_FIRST), 12), dies(HOLDING))
    changes = CASES["restructured more than once"][0] | {"legs": commit, "holdings": OUTSIDE_FIRST}
    happens(compare(tiny_model(seed=9, **changes), 12), restructured(LAB))


def wobbling(value):
    """A value by step that is another one in every step, 0 now and then."""
    return [value * part for part in (1.0, 0.0, 1.3, 0.6, 0.0, 1.6)]


def test_every_step_has_numbers_of_its_own():
    """The step before instead of the step, in any table."""
    entities = {name: {i: wobbling(value) for i, value in enumerate(ENTITY_ROWS[name]) if value} for name in BY_STEP_OF_ENTITY}
    tables = ("sched", "supply_weight", "amort", "draw")
    legs = {k: {name: wobbling(row[name]) for name in tables if row.get(name)} for k, row in enumerate(LEG_ROWS)}
    weight = np.array([wobbling(1.0), wobbling(0.5)[::-1]])
    starved = {name: {CLOUD: 0.0} for name in ("cash0", "line0", "fund_advance", "fund_flat")}
    for extra in ({}, {"restructures": {LAB: 1, CLOUD: 1}, "cash0": {LAB: 2.0, CLOUD: 1.0}}, starved):
        results = compare(tiny_model(seed=10, entities=entities | extra, legs=legs, factors={"confidence.weight": weight}), 20)
        happens(results, defaults)
    assert any(dies(CLOUD)(result["worlds"][ALONE]) for result in results)


def test_delivery_beyond_the_ends_of_its_table():
    table = np.array([[0.4, 0.1], [0.5, 0.12], [0.7, 0.2], [0.8, 0.1]])
    model = tiny_model(seed=11, factors={"delivery.z0": -0.6, "delivery.dz": 0.4, "delivery.table": table})
    assert {0.4, 0.8} < {value for result in compare(model, 30) for value in result["delivery"]}


@pytest.mark.parametrize("solution", ["greatest", "least"])
def test_too_few_rounds_are_told(monkeypatch, solution):
    """Of the ascent as of the descent: a chain of three takes more than two rounds."""
    chain = [[0.0, 4.0, 0.0], [0.0, 0.0, 3.0], [0.0, 0.0, 0.0]]
    monkeypatch.setattr(clearing, "MAX_ITERATIONS", 2)
    with pytest.warns(RuntimeWarning, match="The clearing of 3 firms did not come to rest in 2 rounds"):
        assert not clearing.clearing_vector(chain, [1.0, 1.0, 0.0], solution=solution).converged
    monkeypatch.setattr(clearing, "MAX_ITERATIONS", 20)
    found = clearing.clearing_vector(chain, [1.0, 1.0, 0.0], solution=solution)
    assert found.converged and found.payment.tolist() == [1.0, 2.0, 0.0]


def test_who_is_restructured_does_not_depend_on_the_unit_of_money():
    """What is only rounding is a share of what is compared, not its inverse: a network of a few dollars chooses as one of billions does."""
    lab = {"cash0": 0.0, "fund_phi": 0.0, "line0": 0.0, "cost_fixed": 9.0, "mult0": 8.0, "mult_mature": 8.0}
    model = tiny_model(entities={name: {LAB: value} for name, value in lab.items()})
    results = compare(scale(model, 1e-8), 6)
    happens(results, restructured(LAB))
    assert [result["worlds"][NETWORK]["default_step"] for result in results] == [result["worlds"][NETWORK]["default_step"] for result in compare(model, 6)]


def test_who_plans_no_capex_has_executed_all_of_it():
    """A lab in the race fails in the first step, is restructured and plans nothing more: its share is 1 again (docs/model.md 4.7)."""
    lab = {"in_race": 1, "capex_plan": [2.0, 0, 0, 0, 0, 0], "committed": 0.2, "cash0": 0.0, "fund_phi": 0.0, "line0": 0.0, "cost_fixed": 8.0}
    lab |= {"mult0": 8.0, "mult_mature": 8.0}
    own_capex = {PURCHASE: {"driver": 2, "sched": 0.0, "group": 0, "capex_share": 1.0, "chip_share": 1.0}}
    agrees(tiny_model(entities={name: {LAB: value} for name, value in lab.items()}, legs=own_capex))


def relabelled(model, order):
    """The same network with its entities in another order: row order[k] becomes row k."""
    place = np.argsort(order)

    def move(rows):
        return np.where(rows >= 0, place[rows], rows)

    legs, holdings, grid = model.legs, model.holdings, model.grid
    return model._replace(
        grid=grid._replace(insurer=int(place[grid.insurer]), outside_investor=int(place[grid.outside_investor])),
        entities=freeze(type(model.entities)(*(values[order] for values in model.entities))),
        fleet=freeze(model.fleet._replace(entity=move(model.fleet.entity))),
        legs=freeze(legs._replace(payer=move(legs.payer), payee=move(legs.payee), host=move(legs.host))),
        holdings=freeze(holdings._replace(holder=move(holdings.holder), issuer=move(holdings.issuer), outside_of=holdings.outside_of[order])),
    )


def test_entities_may_stand_in_any_order():
    """Any row may be row 0: a host, an outside node, the insurer."""
    model = tiny_model(seed=13, **CASES["restructured more than once"][0])
    plain = Workspace(model, 16).run(Block(0, 16))
    for order in ([1, 0, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1, 0]):
        other = relabelled(model, order)
        compare(other, 6)
        moved = Workspace(other, 16).run(Block(0, 16))
        np.testing.assert_allclose(moved["system_loss"], plain["system_loss"], rtol=1e-9)
        np.testing.assert_allclose(moved["loss"], plain["loss"][:, order], rtol=1e-9, atol=1e-9)


def test_small_amounts_clear_to_the_same_shares():
    """Clearing stops at a share of what is due, not at an amount."""
    assert not check_network(scale(tiny_model(**GUARANTEED), 1e-6), 4).wrong
    assert clearing.clearing_vector([[0.0, 0.4], [0.0, 0.0]], [0.1, 0.0]).recovery == pytest.approx([0.25, 1.0], rel=1e-12)


def test_costs_may_be_all_of_revenue_and_a_power_gap_more_than_all():
    results = compare(tiny_model(seed=14, entities={"cost_fixed": {VENDOR: 0.0}, "cost_var": {VENDOR: 1.0}}, factors={"power_gap.plan": np.full(6, 1.4)}), 12)
    assert all(result["factor"]["power_gap_max"] == 1.0 for result in results)


def test_a_small_receivable_without_terms_is_paid_once():
    results = compare(tiny_model(seed=15, legs={COMPUTE: {"receivable0": 0.5, "delay": 0.0}}), 12)
    happens(results, pays(COMPUTE))


def test_who_pays_out_all_above_nothing():
    results = compare(tiny_model(seed=16, entities={"payout": {VENDOR: 0.5}, "payout_above": {VENDOR: 0.0}}), 12)
    happens(results, lambda world: any(step["outside_out"][VENDOR] > 1.0 for step in world["trace"]))


def test_a_business_worth_a_billionth_of_its_dues_is_liquidated():
    """Nothing, up to what clearing leaves of the dues."""
    lab = {"cash0": 0.0, "fund_phi": 0.0, "line0": 0.0, "cost_fixed": 9.0, "core0": 0.0, "mult0": 1e-12, "mult_mature": 1e-12, "restructures": 1}
    model = tiny_model(seed=17, entities={name: {LAB: value} for name, value in lab.items()})
    happens(compare(model, 12), dies(LAB))


def test_a_square_root_rate_without_volatility_follows_its_mean():
    """A variance of 0 divides nothing."""
    model = tiny_model(seed=18, factors={"short_rate.opening": 0.01, "short_rate.square_root": np.zeros((3, 2))})
    assert len({result["factor"]["short_rate_mean"] for result in compare(model, 4)}) == 1


def test_the_first_step_borrows_on_the_opening_plan():
    """No step before the first: its EBITDA is the plan's, not that of the last step over it."""
    cloud = {"fund_leverage": 1.0, "cash0": 2.0, "ebitda_plan": [6.0, 6.0, 6.0, 6.0, 6.0, 12.0]}
    compare(tiny_model(seed=19, entities={name: {CLOUD: value} for name, value in cloud.items()}), 4)


def test_who_owns_no_chips_builds_in_the_steps_that_it_plans():
    lab = {"capex_plan": [0.0, 2.0, 0.0, 3.0, 1.0, 0.0], "committed": 0.2}
    own_capex = {PURCHASE: {"driver": 2, "sched": 0.0, "group": 0, "capex_share": 1.0, "chip_share": 1.0}}
    agrees(tiny_model(seed=20, entities={name: {LAB: value} for name, value in lab.items()}, legs=own_capex))


def test_an_estate_distributes_what_creditors_return_to_it():
    """A guarantor dies of its costs after it paid, and has nothing left: the debtor's estate, which still receives, brings the returns."""
    entities = STARVED_LAB | {"cash0": {LAB: 1.0, HOLDING: 30.0}, "fund_phi": {LAB: 0.0, HOLDING: 0.0}, "fund_ltv": {HOLDING: 0.0}}
    entities |= {"cost_fixed": {HOLDING: [0.2, 0.2, 0.2, 60.0, 0.2, 0.2]}, "core0": {HOLDING: 0.0}}
    legs = {BOND: OWED[BOND], COVER: {"cover_share": 0.8, "cover_cap": 40.0}, LEASE: {"payee": LAB, "sched": 1.5}}
    happens(compare(tiny_model(seed=21, entities=entities, legs=legs), 12), pays(COVER), paid_after_death(OPEX_HOLDING, HOLDING))


def test_a_guarantor_that_is_liquidated_owes_nothing_of_arrears_that_the_debtor_takes_over():
    """A secured debtor is restructured, and its guarantor cannot pay the call of the same step."""
    changes = CASES["guarantee of a secured loan that is restructured"][0]
    entities = {name: dict(values) for name, values in changes["entities"].items()}
    entities["cash0"][HOLDING] = 0.3
    entities |= {"fund_phi": {HOLDING: 0.0}, "fund_ltv": {HOLDING: 0.0}}
    model = tiny_model(seed=22, entities=entities, legs=changes["legs"])
    happens(compare(model, 12), lambda world: restructured(CLOUD)(world) and dies(HOLDING)(world) and pays(COVER)(world))


def test_an_investor_may_lack_a_part_of_a_small_tranche():
    poor = {"cash0": 0.3, "fund_phi": 0.0, "fund_ltv": 0.0, "rev_ext": 0.0, "cost_fixed": 0.0}
    model = tiny_model(seed=23, entities={name: {HOLDING: value} for name, value in poor.items()}, legs={COMMIT: {"sched": 0.8, "gate_owner": -1}})
    happens(compare(model, 6), pays(COMMIT))


def test_a_gate_opens_at_its_capacity_and_not_only_above():
    """A gate of 0 GW is open from the first step, when nothing is delivered yet."""
    reached, none = ({"gate_owner": 0, "gate_gw": 0.0}, {"gate_owner": -1})
    first, second = (Workspace(tiny_model(seed=24, legs={COMMIT: gate}), 4).run(Block(0, 4)) for gate in (reached, none))
    assert all(first[name].tobytes() == second[name].tobytes() for name in first)


def test_a_guarantee_that_a_shock_has_ended_covers_nothing():
    """A cover of 1 instead of 0 would be called."""
    case = GUARANTEED | {"legs": GUARANTEED.get("legs", {}) | {COVER: GUARANTEED.get("legs", {}).get(COVER, {}) | {"ends_step": 0}}}
    ended, called = (compare(tiny_model(seed=6, **one), 24) for one in (case, GUARANTEED))
    paid = [[any(step["leg_paid"][COVER] for step in result["worlds"][NETWORK]["trace"]) for result in results] for results in (ended, called)]
    assert not any(paid[0]) and any(paid[1])


def test_an_opening_growth_that_nobody_knows_moves_a_process_without_any_other_growth():
    still = {name: np.zeros(2) for name in ("revenue.growth_sd", "revenue.c1", "revenue.c2", "revenue.opening_growth")}
    happens(compare(tiny_model(seed=7, factors=still), 12), defaults)


def test_compute_that_a_late_host_does_not_deliver_is_bought_elsewhere_as_far_as_it_is_needed():
    """At a price that rises by step; where demand is below what is contracted, only that much."""
    entities = {"spot_share": {LAB: 0.7}, "compute_price": {LAB: (2.0, 4.0, 7.0, 11.0, 16.0, 22.0)}, "headroom": {LAB: 1.0}}
    late = {"power_gap.plan": np.full(6, 0.6)}
    happens(compare(tiny_model(seed=8, entities=entities, factors=late), 24), defaults)
