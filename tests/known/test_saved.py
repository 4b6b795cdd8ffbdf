"""Hand-made networks: who is saved, what a stake is worth after a failure where marks are off, and what creditors recover (docs/model.md 3, 4.3 and 4.10)."""

import numpy as np
import pytest

from simulate.engine.blocks import Block, Workspace
from tests.makers.bare import LENDER, bare_model
from tests.makers.tiny import BOND, LAB, tiny_model
from tests.oracle.step import run_path

NETWORK, ALONE, SAVED = 0, 1, 2
EXACT = dict(rel=1e-12, abs=1e-12)

pytestmark = pytest.mark.nojit


def run(model):
    return {name: values[..., 0] for name, values in Workspace(model, 1).run(Block(0, 1)).items()}


def with_saved(model, who=(), first=False, least=False):
    """The model with a third world, the network that saves the firms in the rows `who`, or who fails first."""
    saves = np.zeros((3, model.grid.entities))
    saves[SAVED, list(who)] = 1.0
    rules = model.rules._replace(world_saves=saves, world_saves_first=np.array([0.0, 0.0, float(first)]), world_least=np.array([0.0, 0.0, float(least)]))
    return model._replace(rules=rules)


# The lab owes the cloud 10 a quarter and holds 12; the cloud holds 20 and owes lenders 50 in the last quarter.


def chain(**changes):
    owed = [("lab", "cloud", [10.0] * 4), ("cloud", LENDER, [0, 0, 0, 50.0])]
    return bare_model({"lab": 12.0, "cloud": 20.0, **changes}, owed, stakes=[(LENDER, "lab", 1.0, 5.0), (LENDER, "cloud", 1.0, 7.0)])


@pytest.mark.parametrize("least", [False, True])
def test_who_is_saved_gets_what_it_is_short_of_and_nobody_loses(least):
    found = run(with_saved(chain(), [0], least=least))
    assert found["default_step"][:, 0].tolist() == [1, 1, -1]
    assert found["granted"] == pytest.approx([0.0, 0.0, 28.0], **EXACT)
    assert found["system_loss"][SAVED] == 0.0 and found["default_step"][SAVED].tolist() == [-1] * 4


def test_who_fails_first_is_saved_and_who_fails_later_is_not():
    """The lab is short in the second quarter; a firm beside it in the third, and that one fails."""
    owed = [("lab", "cloud", [10.0] * 4), ("other", LENDER, [1.0] * 4)]
    model = bare_model({"lab": 12.0, "cloud": 0.0, "other": 2.5}, owed)
    found = run(with_saved(model, first=True))
    assert found["default_step"][NETWORK].tolist()[:3] == [1, -1, 2]
    assert found["default_step"][SAVED].tolist()[:3] == [-1, -1, 2]
    assert found["granted"][SAVED] == pytest.approx(28.0, **EXACT)
    assert found["lender_loss"][SAVED] == pytest.approx(0.5 + 0.0, **EXACT)


def test_all_who_fail_first_together_are_saved():
    owed = [("lab", LENDER, [10.0]), ("twin", LENDER, [10.0]), ("victim", LENDER, [5.0])]
    found = run(with_saved(bare_model({"lab": 4.0, "twin": 7.0, "victim": 5.0}, owed, steps=1), first=True))
    assert found["default_step"][NETWORK].tolist()[:3] == [0, 0, -1]
    assert found["default_step"][SAVED].tolist()[:3] == [-1, -1, -1]
    assert found["granted"][SAVED] == pytest.approx(9.0, **EXACT)


def test_a_wave_is_no_first_failure():
    """b is short only because a does not pay: with a saved it lives, and gets nothing."""
    found = run(with_saved(bare_model({"a": 4.0, "b": 1.0}, [("a", "b", [10.0]), ("b", LENDER, [10.0])], steps=1), first=True))
    assert found["default_round"][NETWORK].tolist()[:2] == [0, 1]
    assert found["default_step"][SAVED].tolist()[:2] == [-1, -1] and found["granted"][SAVED] == pytest.approx(6.0, **EXACT)


@pytest.mark.parametrize("how", [dict(who=[0]), dict(first=True)])
def test_a_shock_does_not_fail_who_is_saved(how):
    model = chain(lab=100.0)
    model = model._replace(entities=model.entities._replace(fails_step=np.array([2, -1, -1, -1])))
    found = run(with_saved(model, **how))
    assert found["default_step"][:, 0].tolist() == [2, 2, -1] and found["granted"][SAVED] == 0.0


def test_a_stake_keeps_its_last_mark_where_marks_are_off():
    """A lab worth 100 beside its cash fails short of 2. Its holder has half: 54 before, nothing after where marks are on, and 54 where they are off."""
    model = bare_model(
        {"lab": 8.0, "holder": 1.0}, [("lab", LENDER, [10.0, 0.0])], stakes=[("holder", "lab", 0.5, 20.0), (LENDER, "lab", 0.5, 20.0)], core={"lab": 100.0, "holder": 60.0}, steps=2
    )  # fmt: skip
    model = model._replace(entities=model.entities._replace(equity0=np.array([108.0, 115.0, 0.0, 0.0])))
    found = run(model)
    assert found["default_step"][:2, 0].tolist() == [0, 0]
    assert found["mark_change"][:2, 1] == pytest.approx([-54.0, 0.0], **EXACT)


def test_a_living_issuer_is_marked_alike_whether_marks_are_on_or_off():
    model = tiny_model(seed=1, entities={"cash0": {LAB: 1e4}})
    worlds = run_path(model, 0)["worlds"]
    assert worlds[NETWORK]["default_step"][LAB] == worlds[ALONE]["default_step"][LAB] == -1
    price = [world["world"].price[LAB] for world in worlds[:2]]
    assert price[0] == worlds[NETWORK]["world"].equity[LAB] and price[1] == worlds[ALONE]["world"].equity[LAB]


def test_what_creditors_recover():
    """The lab fails in the second quarter, pays 2 of 10, and the rest of the contract is no claim. The cloud owes 50 and pays 32: 64 %."""
    found = run(chain())
    assert found["exposure_at_default"][0][:2] == pytest.approx([10.0, 50.0], **EXACT)
    assert found["default_loss"][0][:2] == pytest.approx([8.0, 18.0], **EXACT)


def test_no_lender_pays_draws_to_who_was_restructured():
    draws = {"draw": 2.0, "amort": 0.0, "bal0": 8.0}
    calm, failed = (
        run_path(tiny_model(seed=2, entities={"cash0": {LAB: 1e4}, "fails_step": {LAB: step}}, legs={BOND: draws}), 0)["worlds"][NETWORK]["trace"] for step in (-1, 2)
    )  # fmt: skip
    assert failed[2]["restructured"][LAB] == 1
    balance = [[step["balance"][BOND] for step in steps] for steps in (calm, failed)]
    assert np.diff(balance[0]) == pytest.approx([2.0] * (len(calm) - 1)) and balance[0][:2] == balance[1][:2]
    assert np.diff(balance[1][2:]) == pytest.approx([0.0] * (len(calm) - 3)) and 0.0 < balance[1][2] < balance[0][2]
