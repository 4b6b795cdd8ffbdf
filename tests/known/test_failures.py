"""Failures whose outcome can be worked out by hand: who is paid what by whom, and who loses it. Oracle and kernels."""

import pytest

from simulate.model import CHANNELS
from tests.makers.tiny import BOND, CLOUD, COVER, DEBT_LAB, HOLDING, LAB, LENDER, LOAN, PURCHASE, VENDOR, calm_factors, tiny_model
from tests.oracle.capacity import capacity
from tests.oracle.factors import plain
from tests.oracle.step import run_path
from tests.oracle.test_oracle import BULLET, quiet_lab
from tests.oracle.world import open_world
from tests.step.test_paths import compare

NETWORK, ALONE = 0, 1
CREDIT = CHANNELS.index("credit")
GOES_ON = {"restructures": {LAB: 1}, "mult0": {LAB: 3.0}, "mult_mature": {LAB: 3.0}, "min_cash": {LAB: 0.0}, "ai_share": {LAB: 0.0}}
QUIET_HOLDING = {"rev_ext": {HOLDING: 0.0}, "cost_fixed": {HOLDING: 0.0}, "fund_phi": {HOLDING: 0.0}}


def play(model, world=NETWORK):
    """What the oracle says of the first path of a world, with its stages; the kernels agree."""
    compare(model, 2)
    return run_path(model, 0, keep_stages=True)["worlds"][world]


def merge(*changes):
    """Changes by field and row, the later one wins."""
    merged = {}
    for change in changes:
        for field, rows in change.items():
            merged[field] = merged.get(field, {}) | rows
    return merged


def paid_on(world, leg):
    return [step["leg_paid"][leg] for step in world["trace"]]


def test_a_secured_creditor_is_owed_what_a_failed_guarantor_does_not_pay_only_once():
    """4 of 8 fall due, all of it guaranteed; debtor (restructured) and guarantor (liquidated) fail together. What neither pays is in the balance, which
    is paid in the end: the estate of the guarantor owes nothing more."""
    lab = GOES_ON | {"rev_ext": {LAB: (0.0, 0.0, 0.0, 6.0, 8.0, 8.0)}, "cash0": {LAB: 1.0, HOLDING: 1.0}}
    holding = {"core0": {HOLDING: 10.0}, "core_haircut": {HOLDING: 0.4}, "restructures": {HOLDING: 0}}
    half = {"bal0": 8.0, "rate_fixed": 0.0, "amort": (0.0, 0.0, 0.5, 0.0, 1.0, 0.0), "seniority": 1}
    model = quiet_lab(entities=merge(QUIET_HOLDING, lab, holding), legs={BOND: half, COVER: {"cover_share": 1.0, "cover_cap": 9.0}})
    world = play(model)
    assert world["stages"][2]["outcome"].keys() == {LAB, HOLDING}
    bond, guarantee = paid_on(world, BOND), paid_on(world, COVER)
    assert bond[2] > 0.0 and guarantee[2] > 0.0 and guarantee[3:] == [0.0] * 3
    assert sum(bond) + sum(guarantee) == pytest.approx(8.0)
    assert world["loss"][VENDOR][CREDIT] == pytest.approx(0.0, abs=1e-12)
    assert world["loss"][HOLDING][CREDIT] == pytest.approx(guarantee[2])


def test_shares_of_a_firm_that_fails_too_secure_nothing():
    """A margin loan of 10 on shares of the lab that were worth more a step ago; both fail in one step and nobody buys the shares."""
    loan = dict(payer=HOLDING, payee=LENDER, seniority=1, bal0=10.0, rate_fixed=0.0, rate_float=0.0, rate_spread=0.0, amort=BULLET[BOND]["amort"], draw=0.0,
                ltv=0.0, coll_fleet=0.0, coll_holding=0, coll_stake=1.0)  # fmt: skip
    poor = {"cash0": {LAB: 5.0, HOLDING: 1.0}, "core0": {LAB: 100.0, HOLDING: 0.0}, "core_haircut": {LAB: 1.0}, "equity0": {LAB: 60.0, HOLDING: 10.0}}
    world = play(quiet_lab(entities=merge(QUIET_HOLDING, poor), legs=BULLET | {LOAN: loan}))
    assert world["stages"][2]["outcome"].keys() == {LAB, HOLDING}
    assert world["stages"][2]["position"]["cover"][LOAN] > 9.0  # by the price of the step before
    assert world["trace"][3]["outside_in"][HOLDING] == 0.0
    received = sum(paid_on(world, LOAN))
    assert received <= 1.0 + 1e-9
    assert world["loss"][LENDER][CREDIT] == pytest.approx(10.0 - received)


def test_what_a_restructured_secured_debtor_did_not_pay_is_due_in_the_next_step():
    """A bullet falls due in the step of the restructuring; later the debtor has the money."""
    lab = GOES_ON | {"cash0": {LAB: 1.0}, "rev_ext": {LAB: (0.0, 0.0, 0.0, 30.0, 30.0, 30.0)}}
    model = quiet_lab(entities=lab, legs={BOND: BULLET[BOND] | {"seniority": 1, "amort": (0.0, 0.0, 1.0, 1.0, 1.0, 1.0)}})
    world = play(model)
    assert world["stages"][2]["outcome"][LAB][0] == "restructured"
    bond = paid_on(world, BOND)
    assert 0.0 < bond[2] < 1.0 and sum(bond) == pytest.approx(8.0) and bond[3] == pytest.approx(8.0 - bond[2])
    assert world["loss"][VENDOR][CREDIT] == 0.0


@pytest.mark.parametrize(("core", "haircut"), [(0.0, None), (90.0, None), (150.0, 0.1)])
def test_who_has_more_is_not_liquidated_for_it(core, haircut):
    """8 are due and 80 later; the business is worth 38.9. V = business + core + cash: the more core, the less is cut; what cannot be cut less is cut by 0.1."""
    lab = GOES_ON | {"cash0": {LAB: 4.0}, "rev_ext": {LAB: (0.0, 0.0, 0.0, 30.0, 30.0, 30.0)}, "core0": {LAB: core}, "core_haircut": {LAB: 0.5}}
    later = {"bal0": 80.0, "rate_fixed": 0.0, "rate_float": 0.0, "rate_spread": 0.0, "amort": 0.0}
    world = play(quiet_lab(entities=lab, legs=BULLET | {DEBT_LAB: later}))
    what, cut = world["stages"][2]["outcome"][LAB]
    assert what == "restructured"
    business = 3.0 * world["stages"][1]["world"].receipts[LAB] / 0.25
    cash, stakes = world["trace"][2]["cash"][LAB], 0.0
    assert cut == pytest.approx(haircut or 1.0 - 0.5 * (business + core + cash + stakes) / 88.0)


def test_a_provider_that_fails_alone_builds_on_by_its_plan():
    """Where supply is off, its customers notice nothing, in the step of its failure neither."""
    rich = {"cash0": {LAB: 1e4, CLOUD: 1e4, HOLDING: 1e4, VENDOR: 1e4}, "line0": {CLOUD: 0.0}, "follow": {CLOUD: 0.0}, "committed": {CLOUD: 1.0}}
    rich |= {"fund_flat": {CLOUD: 0.0}, "fund_advance": {CLOUD: 0.0}, "cash_target": {CLOUD: 0.0}, "kappa": {CLOUD: 0.0}}
    legs = {
        LOAN: {"amort": (0.0, 1.0, 0.0, 0.0, 0.0, 0.0), "draw": 0.0, "seniority": 2, "ltv": 0.0, "coll_holding": -1, "bal0": 200.0},
        PURCHASE: {"sched": 0.0},
    }
    shares = {}
    for cash in (1e4, 0.0):
        model = tiny_model(entities=merge(rich, {"cash0": {CLOUD: cash}}), legs=legs, factors=calm_factors(), rules={"race_theta": 0.0})
        world = play(model, ALONE)
        assert (world["default_step"][CLOUD] >= 0) == (cash == 0.0)
        shares[cash] = [step["delivered_share"][0] for step in world["trace"]]
    assert shares[0.0] == pytest.approx(shares[1e4])


@pytest.mark.parametrize("replaced_years", [0, 3, 6])
def test_nothing_is_delivered_when_all_chips_are_worn(replaced_years):
    """A fleet with a life of 3 years that is replaced for some years and then no more: 3 years later none is left, and no capacity."""
    steps = 40
    model = plain(tiny_model(steps=steps, factors=calm_factors(steps)))
    model = model._replace(fleet=model.fleet._replace(fleet0=[100.0], gw0=[1.0], book_life=[50.0], plan_gw=[[0.0] * steps]))
    world = open_world(model, (1,) * 5)
    for t in range(round(4 * (replaced_years + 3.25)) + 2):
        cap = capacity(model, t, {"gap": 0.0, "rental": 1.0}, 3.0, world)
        replaced = cap["worn"][0] if t <= 4 * replaced_years else 0.0
        world.fleet[0].append(world.fleet[0][-1] + replaced)
        world.unreplaced[0] += cap["worn"][0] - replaced
    assert cap["fleet_value"][CLOUD] == pytest.approx(0.0, abs=1e-9)
    assert cap["delivered_share"][CLOUD] == pytest.approx(0.0, abs=1e-9)
