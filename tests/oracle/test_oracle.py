"""The oracle against published vectors and numbers worked out by hand."""

import math
import random
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import ndtri

from simulate.model import BALANCE, SCHEDULED
from tests.makers.tiny import (
    BOND,
    CHIPS,
    CLOUD,
    COMMIT,
    COMPUTE,
    COVER,
    ENTITIES,
    HOLDING,
    INSURER,
    LAB,
    LENDER,
    NAMES,
    OPERATIONS,
    PURCHASE,
    VENDOR,
    calm_factors,
    make_legs,
    tiny_model,
)
from tests.oracle.capacity import cost_in_service
from tests.oracle.clearing import clear_network, positions
from tests.oracle.factors import factor_path, hermite, path_draws, plain
from tests.oracle.one_period import clear
from tests.oracle.random import key_of, normal_quantile, philox, uniform
from tests.oracle.settlement import issue_shares
from tests.oracle.step import run_path
from tests.oracle.valuation import equity_values
from tests.oracle.world import open_world

NETWORK, ALONE = 0, 1
CREDIT, CONTRACT, EQUITY, COLLATERAL, STRANDED = range(5)


# 1. Random numbers


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_published_words(counter, key, words):
    """Known answers of Random123 (Salmon et al. 2011), philox4x32 with 10 rounds."""
    assert philox(counter, key) == words


def test_uniform_uses_the_high_52_bits_of_two_words():
    key, path = key_of(0, "life"), 2**32 + 5
    x0, x1, _, _ = philox((7, 3, 5, 1), key)
    assert uniform(key, path, 7, 3) == (x0 * 2**20 + x1 // 2**12 + 0.5) / 2**52
    assert key_of(0, "life") != key_of(1, "life")


def test_normals_are_the_inverse_of_the_normal_distribution():
    for u in (2.0**-53, 1e-12, 1e-7, 0.003, 0.0749, 0.0751, 0.3, 0.5, 0.81, 0.93, 1 - 2.0**-53):
        assert normal_quantile(u) == pytest.approx(ndtri(u), rel=3e-15, abs=1e-15)


# 2. Factors


def test_hermite_is_exact_on_a_cubic_and_flat_outside():
    nodes = [-1.0, -0.5, 0.0, 0.5, 1.0]
    table = [(z**3 - z, 3 * z * z - 1) for z in nodes]
    for z in (-0.99, -0.3, 0.0, 0.26, 0.999):
        assert hermite(table, -1.0, 0.5, z) == pytest.approx(z**3 - z, abs=1e-15)
    assert hermite(table, -1.0, 0.5, 5.0) == 0.0


def test_calm_factors_stay_on_plan():
    model = tiny_model(factors=calm_factors())
    for now in factor_path(model, 3):
        assert now["ratio"] == [1.0, 1.0]
        assert (now["demand"], now["confidence"], now["valuation"], now["rental"], now["gap"]) == (1.0, 1.0, 1.0, 1.0, 0.0)
        assert now["rate"] == pytest.approx(0.04, abs=1e-15)
    assert path_draws(model, 3)["life"] == 6.0


def test_shots_arrive_as_a_poisson_process():
    model = tiny_model(seed=4)
    shots = [path_draws(model, path)["shots"] for path in range(4000)]
    mean = 0.8 * 6 * 0.25  # a year, in six quarters
    wanted = [math.exp(-mean) * mean**k / math.factorial(k) for k in range(5)]
    assert [sum(len(its) == k for its in shots) / 4000 for k in range(5)] == pytest.approx(wanted, abs=0.03)
    times = [arrival for its in shots for arrival, _ in its]
    assert sum(times) / len(times) == pytest.approx(0.75, abs=0.03)  # in the middle of the run on average: any time is as likely as another


# 4.1 Fleet


def test_cost_in_service_and_its_integral_by_hand():
    history, span, dt = [12.0, 15.0, 21.0], 3.0, 0.25
    assert cost_in_service(history, span, dt, -1.0) == pytest.approx((8.0, -10.0))  # integral of 12 (1 + x/3) over (-1, 0)
    assert cost_in_service(history, span, dt, -9.0) == pytest.approx((0.0, -18.0))
    assert cost_in_service(history, span, dt, 0.125) == pytest.approx((13.5, 0.125 * 12.75))
    assert cost_in_service(history, span, dt, 0.5) == pytest.approx((21.0, 0.25 * 13.5 + 0.25 * 18.0))


def test_straight_line_value_equals_single_vintages():
    """Value and wear of 18 bn bought evenly over 3 years and then 1, 2, 4 bn a step, vintage by vintage."""
    history, span, dt, life, cuts = [18.0, 19.0, 21.0, 25.0], 3.0, 0.25, 2.0, 4000
    now = 0.75
    vintages = [(-span + (k + 0.5) * span / cuts, 18.0 / cuts) for k in range(cuts)]
    for step, amount in enumerate((1.0, 2.0, 4.0)):
        vintages += [(dt * (step + (k + 0.5) / cuts), amount / cuts) for k in range(cuts)]
    value = sum(cost * max(0.0, 1 - (now - bought) / life) for bought, cost in vintages)
    worn = sum(cost for bought, cost in vintages if now - dt < bought + life <= now)

    def f(x):
        return cost_in_service(history, span, dt, x)[0]

    def c(x):
        return cost_in_service(history, span, dt, x)[1]

    assert f(now) - (c(now) - c(now - life)) / life == pytest.approx(value, rel=1e-5)
    assert f(now - life) - f(now - dt - life) == pytest.approx(worn, rel=2e-3)  # one vintage of the sum at the edge


# 4.5 Clearing


def test_example_3_3_of_rogers_and_veraart():
    """Greatest: nobody fails. The plain ascent from nothing stops at (1, 1), which is no clearing vector: the least is (2, 2.2)."""
    problem = ([[[0.0, 2.0], [2.2, 0.0]]], [1.0, 1.0], 0.5, 0.5)
    greatest, least = clear(*problem), clear(*problem, solution="least")
    assert greatest["payment"] == pytest.approx([2.0, 2.2])
    assert greatest["equity"] == pytest.approx([1.2, 0.8])
    assert greatest["default_round"] == [-1, -1]
    assert least["payment"] == pytest.approx([2.0, 2.2])


def test_example_3_3_with_two_clearing_vectors():
    problem = ([[[0.0, 2.2], [2.2, 0.0]]], [1.0, 1.0], 0.5, 0.5)
    greatest, least = clear(*problem), clear(*problem, solution="least")
    assert (greatest["payment"], greatest["default_round"]) == ([2.2, 2.2], [-1, -1])
    assert greatest["equity"] == pytest.approx([1.0, 1.0])
    assert least["payment"] == pytest.approx([1.0, 1.0])
    assert least["default_round"] == [0, 0]


def test_cycle_without_cash_pays_in_full_or_not_at_all():
    cycle = [[[0.0, 1.0], [1.0, 0.0]]]
    assert clear(cycle, [0.0, 0.0])["payment"] == [1.0, 1.0]
    assert clear(cycle, [0.0, 0.0], solution="least")["payment"] == [0.0, 0.0]


def test_default_costs_and_waves_of_a_published_example():
    """R package systemicrisk 0.4.3, default_clearing(alpha = 0.5, beta = 0.7)."""
    half = 0.5
    liabilities = [[[0.0, half, half], [half, 0.0, half], [half, half, 0.0]]]
    result = clear(liabilities, [0.5, 0.625, 0.75], 0.5, 0.7, outside=[[1.5, 0.5, 0.5]])
    assert result["payment"] == pytest.approx([0.502019961977, 0.514704937828, 0.565380613503], abs=1e-11)
    assert result["paid_outside"] == pytest.approx([0.301211977186, 0.171568312609, 0.188460204501], abs=1e-11)
    assert result["default_round"] == [0, 1, 1]


def test_seniority_moves_the_loss_inside():
    ring, zero = [[0.0, 4.0, 0.0], [0.0, 0.0, 3.0], [2.0, 0.0, 0.0]], [[0.0] * 3] * 3
    cash, owed_outside = [12.0, 18.0, 9.0], [17.0, 18.0, 8.0]
    mixed = clear([ring], cash, outside=[owed_outside])
    senior = clear([zero, ring], cash, outside=[owed_outside, [0.0] * 3])
    assert mixed["payment"] == pytest.approx([14.0, 62 / 3, 10.0])
    assert mixed["default_round"] == [0, 1, -1]
    assert senior["paid_outside"] == pytest.approx([13.0, 18.0, 8.0])
    assert [sum(row) for row in senior["payments"][1]] == pytest.approx([0.0, 0.0, 1.0])


def obligations(rows, **changes):
    """A tiny model whose legs are dues (payer, payee, class, amount) alone."""
    legs = [dict(payer=i, payee=j, driver=SCHEDULED, seniority=c, sched=amount) for i, j, c, amount in rows]
    return plain(tiny_model(**changes)._replace(legs=make_legs([leg | {"deal": 0} for leg in legs], 6)))


def clear_dues(model, cash):
    count = len(model.legs.payer)
    due = {"due": [row[0] for row in model.legs.sched]}
    due |= {name: [0.0] * count for name in ("balance_next", "receivable_next", "sale")}
    world = open_world(model, [1.0] * 5)
    position = positions(model, 0, {"capacity": [1.0] * 4}, world, due)
    return clear_network(model, world, cash, [0.0] * ENTITIES, position)


def test_clearing_of_a_world_is_the_greatest_vector_of_the_stand_alone_problem():
    """Without balances, lines and estates the clearing of the step is Rogers and Veraart's with seniority."""
    dice, failures = random.Random(3), 0
    for _ in range(150):
        rows = [
            (i, j, c, dice.uniform(0.2, 3.0))
            for i in (LAB, CLOUD, HOLDING, VENDOR)
            for j in (LAB, CLOUD, HOLDING, VENDOR, LENDER)
            for c in (0, 2, 3)
            if i != j and dice.random() < 0.35
        ]
        if not rows:
            continue
        cash = [dice.uniform(0.0, 2.5) if i <= VENDOR else 100.0 for i in range(ENTITIES)]
        model = obligations(rows, rules={"alpha": 0.7, "beta": 0.85})
        result = clear_dues(model, cash)
        liabilities = [[[0.0] * ENTITIES for _ in range(ENTITIES)] for _ in range(4)]
        for i, j, c, amount in rows:
            liabilities[c][i][j] += amount
        expected = clear(liabilities, cash, 0.7, 0.85)
        total = [0.0] * ENTITIES
        for (i, *_), amount in zip(rows, result["pay"], strict=True):
            total[i] += amount
        assert total == pytest.approx(expected["payment"], abs=1e-10)
        assert result["wave"] == expected["default_round"]
        failures += sum(result["failing"])
    assert failures > 100


# 4.9 Equity


def test_equity_of_cross_holdings_with_limited_liability():
    """Two firms of 5 and 6 that owe 4 and 3 and hold 20 % and 30 % of each other (set-up of Elsinger 2011)."""
    rows = {
        0: (LAB, CLOUD, 0.2, 0.0, 0), 1: (CLOUD, LAB, 0.3, 0.0, 0), 2: (LENDER, LAB, 0.7, 0.0, 0),
        3: (LENDER, CLOUD, 0.8, 0.0, 0), 4: (LENDER, VENDOR, 1.0, 0.0, 0), 5: (LENDER, HOLDING, 1.0, 0.0, 0),
    }  # fmt: skip
    nothing = {LAB: 0.0, CLOUD: 0.0}
    model = tiny_model(holdings=rows, entities={"core0": nothing, "mult0": nothing, "mult_mature": nothing})
    debts = [dict(payer=LAB, payee=LENDER, driver=BALANCE, bal0=4.0), dict(payer=CLOUD, payee=LENDER, driver=BALANCE, bal0=3.0)]
    model = plain(model._replace(legs=make_legs(debts, 6)))
    world = open_world(model, [1.0] * 5)
    world.cash[LAB], world.cash[CLOUD] = 5.0, 6.0
    equity, _ = equity_values(model, 0, {"valuation": 1.0, "appraisal": [1.0] * ENTITIES, "core": list(model.entities.core0)}, world, [0.0] * ENTITIES)
    assert equity[:2] == pytest.approx([1.702127659574, 3.510638297872], abs=1e-12)


def test_new_money_dilutes_at_the_value_before():
    model = plain(tiny_model())
    world = open_world(model, [1.0] * 5)
    world.equity[LAB], world.new_money[0], world.new_money[1] = 60.0, 10.0, 5.0
    issue_shares(model, world)
    assert world.stake[:2] == pytest.approx([(0.2 * 60 + 10) / 75, (0.8 * 60 + 5) / 75])
    assert (world.stake_cost[0], world.stake_cost[1], world.bought[0]) == (16.0, 25.0, 10.0)


# Whole paths worked out by hand


def quiet_lab(entities=None, legs=None, **changes):
    """The lab has cash and one bond to the vendor and nothing else; nothing is random; no discounting."""
    off = {"rev_ext": 0.0, "cost_fixed": 0.0, "cash_target": 0.0, "line0": 0.0, "fund_phi": 0.0, "restructures": 0, "core0": 0.0}
    mine = {name: {LAB: value} for name, value in off.items()} | {"cash0": {CLOUD: 100.0}}
    for name, rows in (entities or {}).items():
        mine[name] = mine.get(name, {}) | rows
    silent = {
        COMPUTE: {"sched": 0.0, "receivable0": 0.0, "remaining": False},
        COMMIT: {"sched": 0.0},
        PURCHASE: {"sched": 0.0},
        COVER: {"cover_cap": 0.0},
    }
    for leg, fields in (legs or {}).items():
        silent[leg] = silent.get(leg, {}) | fields
    return tiny_model(entities=mine, legs=silent, factors=calm_factors(), **changes)


BULLET = {BOND: {"bal0": 8.0, "rate_fixed": 0.0, "amort": (0.0, 0.0, 1.0, 0.0, 0.0, 0.0)}}


def test_bullet_loan_that_defaults_with_a_known_recovery():
    """Owes 8 at the third step, has 5, a fifth of it is lost in default: pays 4; shares of 2 of its assets come a step later."""
    model = quiet_lab(entities={"cash0": {LAB: 5.0}, "core0": {LAB: 4.0}}, legs=BULLET)
    world = run_path(model, 0)["worlds"][NETWORK]
    paid = [step["leg_paid"][BOND] for step in world["trace"]]
    assert paid == pytest.approx([0.0, 0.0, 4.0, 2.0, 0.0, 0.0])
    assert world["default_step"] == [2 if i == LAB else -1 for i in range(ENTITIES)]
    assert world["default_round"][LAB] == 0
    assert world["loss"][VENDOR][CREDIT] == pytest.approx(8.0 - 4.0 - 2.0)
    assert world["deal_loss"][BOND] == pytest.approx(2.0)
    assert [step["alive"][LAB] for step in world["trace"]] == [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    assert world["trace"][2]["outside_out"][LAB] == pytest.approx(1.0)
    # the shareholders lose what they paid: the holding 6, outside investors 20
    assert (world["loss"][HOLDING][EQUITY], world["loss"][LENDER][EQUITY]) == (6.0, 20.0)
    # outside investors lose 20; the owners of the vendor bear its 2, those of the holding its 6
    assert (world["outside_loss"], world["borne_through"][VENDOR], world["borne_through"][HOLDING]) == pytest.approx((20.0, 2.0, 6.0))
    assert world["system_loss"] == pytest.approx(28.0)


def test_insurer_pays_what_the_bullet_does_not():
    model = quiet_lab(entities={"cash0": {LAB: 5.0}, "core0": {LAB: 4.0}}, legs=BULLET)
    world = run_path(model, 0)["worlds"][ALONE]
    # what the insurer pays is a transfer: the loss is booked where it would be without it
    assert world["loss"][VENDOR][CREDIT] == pytest.approx(2.0)
    assert world["loss"][INSURER][CREDIT] == 0.0
    assert world["trace"][2]["got"][VENDOR] == pytest.approx(8.0 + world["trace"][2]["leg_paid"][CHIPS])
    assert world["trace"][5]["cash"][INSURER] == pytest.approx(-2.0)


def test_guarantor_covers_its_share_up_to_the_cap():
    """Half of the shortfall of 4 is covered; when the estate pays 2 of it later, the guarantor gets back what is more than half of what is left."""
    for cap, covered in ((3.0, 2.0), (1.5, 1.5)):
        legs = BULLET | {COVER: {"cover_cap": cap}}
        world = run_path(quiet_lab(entities={"cash0": {LAB: 5.0}, "core0": {LAB: 4.0}}, legs=legs), 0)["worlds"][NETWORK]
        assert [step["leg_paid"][COVER] for step in world["trace"]] == pytest.approx([0.0, 0.0, covered, 0.0, 0.0, 0.0])
        assert world["loss"][VENDOR][CREDIT] == pytest.approx(1.0)
        assert world["loss"][HOLDING][CREDIT] == pytest.approx(1.0)


def test_a_creditor_has_no_more_than_its_claim_from_two_estates():
    """All of the 4 that are missing are called on a holding that fails too. A step later both estates sell enough: the lab's pays the creditor in full,
    so what the holding paid and what its estate pays comes back."""
    entities = {"cash0": {LAB: 5.0, HOLDING: 0.0}, "core0": {LAB: 8.0, HOLDING: 10.0}, "restructures": {HOLDING: 0}}
    model = quiet_lab(entities=entities, legs=BULLET | {COVER: {"cover_share": 1.0, "cover_cap": 9.0}})
    world = run_path(model, 0)["worlds"][NETWORK]
    assert world["default_step"][LAB] == world["default_step"][HOLDING] == 2
    paid = [step["leg_paid"][COVER] for step in world["trace"]]
    assert paid == pytest.approx([0.0, 0.0, paid[2], 4.0 - paid[2], 0.0, 0.0]) and 0.0 < paid[2] < 4.0
    assert world["trace"][3]["leg_paid"][BOND] == pytest.approx(4.0)
    assert world["loss"][VENDOR][CREDIT] == pytest.approx(0.0, abs=1e-12)
    assert world["loss"][HOLDING][CREDIT] == pytest.approx(0.0, abs=1e-12)


def test_restructured_debt_goes_on_with_a_haircut():
    """Owes 4 of 8 at the third step, has 3: 0.3 of what is due is paid; V = 0.8 z/dt with z = 9 x 0.6^2,
    before the step, and the cash that is left, 0.8 x 3 - 1.2; h = 1 - V/2D."""
    legs = {BOND: {"bal0": 8.0, "rate_fixed": 0.0, "amort": (0.0, 0.0, 0.5, 0.0, 0.0, 0.0)}}
    changes = {"cash0": {LAB: 3.0}, "restructures": {LAB: 1}, "mult0": {LAB: 0.8}, "mult_mature": {LAB: 0.8}, "min_cash": {LAB: 0.0}}
    world = run_path(quiet_lab(entities=changes, legs=legs), 0)["worlds"][NETWORK]
    h = 1 - 0.5 * (0.8 * 9 * 0.6**2 / 0.25 + 0.8 * 3 - 1.2) / 8.0
    assert 0.1 < h < 0.9
    assert world["trace"][2]["leg_paid"][BOND] == pytest.approx(0.3 * 4.0)
    assert world["trace"][2]["balance"][BOND] == pytest.approx(4.0 * (1 - h))
    assert world["loss"][VENDOR][CREDIT] == pytest.approx(2.8 + 4.0 * h)
    assert world["trace"][5]["alive"][LAB] == 1.0
    assert world["default_step"][LAB] == 2


def test_released_volume_is_let_again_and_the_rest_is_a_contract_loss():
    """The lab fails at once: its contract of 6 a step is lost from the second step on; 0.3 is let at the opening price."""
    changes = {"cash0": {LAB: 0.0}, "core0": {LAB: 0.0}}
    legs = {COMPUTE: {"sched": 6.0, "host": -1, "remaining": True, "replaces": 0.0, "delay": 0.0}, BOND: {"bal0": 0.0}}
    world = run_path(quiet_lab(entities=changes, legs=legs), 0)["worlds"][NETWORK]
    phi = 0.3 + 0.12 * 0.7
    assert world["default_step"][LAB] == 0
    assert world["loss"][CLOUD][CONTRACT] == pytest.approx(5 * 6.0 * (1 - phi))
    assert world["loss"][CLOUD][CREDIT] == pytest.approx(6.0)
    step = world["trace"][1]
    assert step["outside_in"][CLOUD] >= 6.0 * phi + step["revenue"][CLOUD]


def test_damages_rank_beside_credit_and_never_count_as_credit():
    """The lab owes 6 at once and, ended, a quarter of the 30 that remain; 13.5 of credit and damages get 100 a step later."""
    changes = {"cash0": {LAB: 3.0}, "core0": {LAB: 200.0}}
    legs = {COMPUTE: {"sched": 6.0, "host": -1, "remaining": True, "replaces": 0.0, "delay": 0.0, "relet": 1.0}, BOND: {"bal0": 0.0}}
    world = run_path(quiet_lab(entities=changes, legs=legs), 0)["worlds"][NETWORK]
    now = 0.8 * 3.0 / 13.5 * 6.0
    assert [step["leg_paid"][COMPUTE] for step in world["trace"]] == pytest.approx([now, 13.5 - now, 0.0, 0.0, 0.0, 0.0])
    assert world["loss"][CLOUD][CREDIT] == pytest.approx(0.0, abs=1e-12)
    assert world["loss"][CLOUD][CONTRACT] == pytest.approx(-7.5)  # let again at the old price, and damages on top


# 10. Identities


def variants():
    yield "base", {}
    yield "everybody is liquidated", {"entities": {"restructures": {LAB: 0}}}
    yield "poor", {"entities": {"cash0": {LAB: 3.0, CLOUD: 1.0, HOLDING: 0.5, VENDOR: 1.0}, "restructures": {LAB: 0}}}
    yield "poor, no line", {"entities": {"cash0": {LAB: 3.0, CLOUD: 0.0}, "line0": {LAB: 0.0, CLOUD: 0.0}, "kappa": {CLOUD: 1.0}}}
    yield "late revenue", {"entities": {"rev_ext": {LAB: 2.0, CLOUD: 1.0}}, "legs": {BOND: {"seniority": 3}}}


@pytest.mark.parametrize(("name", "changes"), list(variants()))
def test_cash_of_every_entity_and_step_in_both_worlds(name, changes):
    model, defaults = tiny_model(seed=11, **changes), 0
    for path in range(40):
        for world in run_path(model, path)["worlds"]:
            defaults += sum(step >= 0 for step in world["default_step"])
            cash = plain(model).entities.cash0
            for step in world["trace"]:
                flows = (step[flow] for flow in ("outside_in", "outside_out", "got", "paid"))
                for i, (enters, leaves, received, paid) in enumerate(zip(*flows, strict=True)):
                    assert step["cash"][i] == pytest.approx(cash[i] + enters - leaves + received - paid, abs=1e-9)
                    if i <= VENDOR:
                        assert step["cash"][i] >= -1e-8, NAMES[i]
                assert math.fsum(step["got"]) == pytest.approx(math.fsum(step["paid"]), abs=1e-9)
                assert sum(step["leg_paid"]) <= math.fsum(step["paid"]) + 1e-9
                cash = step["cash"]
            by_entity = math.fsum(x for row in world["loss"] for x in row)
            assert by_entity == pytest.approx(math.fsum(world["deal_loss"]), abs=1e-9)
            assert world["unconverged"] == 0
    assert defaults > 0


def test_a_default_touches_nobody_else_where_it_is_insured():
    """A lab that fails by a shock and the same without: in `alone` nobody inside notices, in `network` somebody does.

    The stake in the lab keeps its last mark where marks are off; it is all that moves in the equity of its holder.
    The equity commitment is off: the size of the stake it buys depends on the value of the lab."""
    touched = False
    for restructures in (0, 1):
        entities = {"fund_phi": {LAB: 0.0}, "restructures": {LAB: restructures}, "cash0": {LAB: 1e4}}
        safe, shocked = (tiny_model(seed=2, entities=entities | {"fails_step": {LAB: step}}, legs={COMMIT: {"sched": 0.0}}) for step in (-1, 1))
        for path in range(25):
            calm, failed = (run_path(model, path, keep_stages=True)["worlds"] for model in (safe, shocked))
            assert calm[ALONE]["default_step"][LAB] == -1 and failed[ALONE]["default_step"][LAB] == 1
            for t, (before, after) in enumerate(zip(calm[ALONE]["trace"], failed[ALONE]["trace"], strict=True)):
                for i in (CLOUD, HOLDING, VENDOR):
                    for figure in ("cash", "got", "dues", "alive"):
                        assert after[figure][i] == pytest.approx(before[figure][i], abs=1e-9), (NAMES[i], figure)
                    without = [equity_without(i, LAB, safe, world[ALONE]["stages"][t]["world"]) for world in (calm, failed)]
                    assert without[0] == pytest.approx(without[1], abs=1e-9), NAMES[i]
            last = (calm[NETWORK]["trace"][-1]["cash"], failed[NETWORK]["trace"][-1]["cash"])
            touched |= any(abs(last[0][i] - last[1][i]) > 0.1 for i in (CLOUD, HOLDING, VENDOR))
    assert touched


def equity_without(i, issuer, model, world):
    """Equity of entity i less its stake in the issuer."""
    return world.equity[i] - sum(
        world.stake[x] * world.price[issuer] for x, holder in enumerate(model.holdings.holder) if (holder, model.holdings.issuer[x]) == (i, issuer)
    )


def test_a_path_depends_on_its_number_and_the_seed_alone():
    first, again, other = (run_path(tiny_model(seed=seed), 7)["factor"] for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_stakes_of_an_issuer_sum_to_one():
    model = plain(tiny_model())
    sums = SimpleNamespace(total=dict.fromkeys((LAB, CLOUD, HOLDING, VENDOR), 0.0))
    for issuer, stake in zip(model.holdings.issuer, model.holdings.stake0, strict=True):
        sums.total[issuer] += stake
    assert list(sums.total.values()) == pytest.approx([1.0] * 4)
    assert np.all(np.array(model.entities.outside)[[OPERATIONS, LENDER, INSURER]] == 1)
