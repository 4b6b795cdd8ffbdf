"""Hand-made networks: what is lost is reported, once, whatever anybody holds (docs/model.md 4.10)."""

import numpy as np
import pytest

from simulate.engine.blocks import Block, Workspace
from tests.makers.bare import LENDER, bare_model

NETWORK, ALONE = 0, 1
EXACT = dict(rel=1e-12, abs=1e-12)

pytestmark = pytest.mark.nojit


def run(model):
    return {name: values[..., 0] for name, values in Workspace(model, 1).run(Block(0, 1)).items()}


def system(model, world=NETWORK):
    found = run(model)
    return float(found["system_loss"][world]), float(found["system_loss_at_mark"][world])


# A chain: the lab owes the cloud 10 a quarter and holds 12, so 28 are lost; the cloud owes lenders 50 in the last quarter.
# Owners paid in 5 and 7. Nothing is worth anything beside cash, so at mark a failure wipes out nothing.


def chain(cloud, lab=12.0):
    owed = [("lab", "cloud", [10.0] * 4), ("cloud", LENDER, [0, 0, 0, 50.0])]
    return bare_model({"lab": lab, "cloud": cloud}, owed, stakes=[(LENDER, "lab", 1.0, 5.0), (LENDER, "cloud", 1.0, 7.0)])


@pytest.mark.parametrize(
    ("cloud", "lenders", "written_off", "through"),
    [
        (20.0, 18.0, 12.0, 3.0),  # 28 lost by the cloud: 18 by its lenders, 10 by its owners, of which they had paid in 7
        (37.9, 0.1, 12.0, 20.9),
        (38.1, 0.0, 5.0, 28.0),  # it lives: its owners bear all
        (60.0, 0.0, 5.0, 28.0),
        (5.0, 33.0, 12.0, 0.0),  # it lost 5 of its own too
    ],
)
def test_a_chain(cloud, lenders, written_off, through):
    found = run(chain(cloud))
    assert float(found["lender_loss"][NETWORK]) == pytest.approx(lenders, **EXACT)
    assert float(found["outside_loss"][NETWORK]) == pytest.approx(lenders + written_off, **EXACT)
    assert float(found["borne_through"][NETWORK].sum()) == pytest.approx(through, **EXACT)
    assert float(found["system_loss"][NETWORK]) == pytest.approx(lenders + written_off + through, **EXACT)
    assert float(found["system_loss_at_mark"][NETWORK]) == pytest.approx(max(28.0, lenders), **EXACT)
    assert found["caused"][NETWORK][0] == pytest.approx(28.0, **EXACT)


def test_lost_is_reported_for_every_amount_of_cash_and_nothing_jumps_at_the_edge():
    """28 are lost on the lab; the cloud fails below 38. At mark 28 are reported whatever it holds. At cost what owners had paid in comes on top where they
    lose more of it than goes through the firm: 5 of the lab, and of the cloud what lenders left too little of, 7 - (cash - 10)."""
    for cloud in np.arange(10.25, 60.0, 1.5):
        at_cost = 28.0 + 5.0 + max(0.0, 7.0 - (cloud - 10.0))
        assert system(chain(cloud)) == (pytest.approx(at_cost, **EXACT), pytest.approx(28.0, **EXACT)), cloud
    below, above = system(chain(38.0 - 1e-6)), system(chain(38.0 + 1e-6))
    assert below == pytest.approx(above, abs=1e-5)


def test_more_is_lost_where_the_lab_holds_less():
    """Monotone in the loss: each dollar that the lab lacks is a dollar lost, whoever bears it."""
    held = np.arange(0.0, 40.0, 2.5)
    for cloud in (20.0, 36.0, 60.0):
        at_cost, at_mark = zip(*(system(chain(cloud, lab)) for lab in held))
        assert at_mark == pytest.approx(list(40.0 - held), **EXACT) if cloud == 60.0 else True
        assert all(np.diff(at_cost) <= 1e-9) and all(np.diff(at_mark) <= 1e-9)


def test_without_contagion_only_the_outside_loses():
    """Insured firms lose nothing on each other: the cloud pays its lenders in full, and the lab's owners lose what they paid in."""
    assert system(chain(20.0), ALONE) == (pytest.approx(5.0, **EXACT), pytest.approx(0.0, **EXACT))


# A longer chain: a owes b 10, b owes c 10, c owes lenders 10; a holds 4.


@pytest.mark.parametrize("b", [0.0, 2.0, 7.0])
@pytest.mark.parametrize("c", [0.0, 1.0, 9.0])
def test_six_lost_along_a_chain_are_six_in_all(b, c):
    model = bare_model({"a": 4.0, "b": b, "c": c}, [("a", "b", [10.0]), ("b", "c", [10.0]), ("c", LENDER, [10.0])], steps=1)
    found = run(model)
    by_b, by_c = min(6.0, b), min(6.0 - min(6.0, b), c)
    assert found["borne_through"][NETWORK][:3] == pytest.approx([0.0, by_b, by_c], **EXACT)
    assert float(found["lender_loss"][NETWORK]) == pytest.approx(6.0 - by_b - by_c, **EXACT)
    assert system(model) == (pytest.approx(6.0, **EXACT), pytest.approx(6.0, **EXACT))


RING = [("a", "b", [10.0]), ("b", "c", [10.0]), ("c", "a", [10.0]), ("a", LENDER, [6.0])]


def test_a_ring_loses_what_one_of_it_lacks():
    """a owes b 10 and lenders 6, gets 10 from c and holds 2: it pays three quarters, so 4 are lost; b and c hold enough."""
    found = run(bare_model({"a": 2.0, "b": 20.0, "c": 20.0}, RING, steps=1))
    assert found["caused"][NETWORK][:3] == pytest.approx([4.0, 0.0, 0.0], **EXACT)
    assert float(found["lender_loss"][NETWORK]) == pytest.approx(1.5, **EXACT)
    assert found["borne_through"][NETWORK][:3] == pytest.approx([0.0, 2.5, 0.0], **EXACT)
    assert float(found["system_loss"][NETWORK]) == pytest.approx(4.0, **EXACT)


def test_a_ring_in_which_all_fail():
    """b and c hold 1 each. 16 p = 2 + 1 + 1 + 10 p, so a pays two thirds; 4 are lost, 2 of lenders and all that b and c held.

    Payments around a ring are a geometric series, which clearing ends at 1e-12 of what is due: here within 1e-10."""
    found = run(bare_model({"a": 2.0, "b": 1.0, "c": 1.0}, RING, steps=1))
    near = dict(rel=0, abs=1e-10)
    assert found["caused"][NETWORK][:3] == pytest.approx([16 / 3, 10 - 23 / 3, 10 - 26 / 3], **near)
    assert float(found["lender_loss"][NETWORK]) == pytest.approx(2.0, **near)
    assert found["borne_through"][NETWORK][:3] == pytest.approx([0.0, 1.0, 1.0], **near)
    assert float(found["system_loss"][NETWORK]) == pytest.approx(4.0, **near)


@pytest.mark.parametrize("holder", [1.0, 3.0, 8.0])
def test_a_holder_passes_on_what_it_paid_for_a_stake(holder):
    """A lab fails by 6. A holder paid 4 for half of it, owners outside paid 5; the holder owes lenders 2 and has no other loss."""
    model = bare_model(
        {"lab": 4.0, "cloud": 50.0, "holder": holder},
        [("lab", "cloud", [10.0]), ("holder", LENDER, [2.0])],
        stakes=[("holder", "lab", 0.5, 4.0), (LENDER, "lab", 0.5, 5.0)],
        steps=1,
    )
    found, short = run(model), max(0.0, 2.0 - holder)
    assert found["written_off"][NETWORK][0] == pytest.approx(9.0, **EXACT)
    assert found["borne_through"][NETWORK][:3] == pytest.approx([0.0, 6.0, 4.0 - short], **EXACT)
    assert float(found["lender_loss"][NETWORK]) == pytest.approx(short, **EXACT)
    assert system(model) == (pytest.approx(6.0 + 9.0, **EXACT), pytest.approx(6.0 + short, **EXACT))


@pytest.mark.parametrize("guarantor", [0.0, 2.0, 5.0])
def test_a_guarantor_bears_what_it_pays(guarantor):
    """A lab fails by 6; a guarantor covers half of what is not paid, 3 at most, as far as it can."""
    model = bare_model({"lab": 4.0, "cloud": 50.0, "guarantor": guarantor}, [("lab", "cloud", [10.0])], guarantees=[("guarantor", 0, 0.5, 3.0)], steps=1)
    found, paid = run(model), min(guarantor, 3.0)
    assert found["caused"][NETWORK][0] == pytest.approx(6.0, **EXACT)
    assert found["borne_through"][NETWORK][[1, 2]] == pytest.approx([6.0 - paid, paid], **EXACT)
    assert system(model)[0] == pytest.approx(6.0, **EXACT)


def test_a_solvent_firm_that_lacks_cash_has_a_liquidity_default():
    """Worth 100 and short of 2: at mark its owners lose what it was worth. Worth nothing: a balance-sheet default."""
    model = bare_model(
        {"rich": 8.0, "poor": 8.0}, [("rich", LENDER, [10.0]), ("poor", LENDER, [10.0])], [(LENDER, "rich", 1.0, 20.0)], core={"rich": 100.0}, steps=1
    )
    found = run(model)
    assert found["failure_equity"][NETWORK][:2] == pytest.approx([98.0, -2.0], **EXACT)
    assert found["failure_short"][NETWORK][:2] == pytest.approx([2.0, 2.0], **EXACT)
    assert found["marked_off"][NETWORK][:2] == pytest.approx([98.0, 0.0], **EXACT)
    assert system(model) == (pytest.approx(4.0 + 20.0, **EXACT), pytest.approx(4.0 + 98.0, **EXACT))
