"""Worlds of a scenario: what may be said of them, and what is refused."""

import pytest

from simulate.compile.scenario import compile_scenario
from simulate.errors import InputError
from simulate.model import SWITCHES
from simulate.scenario.load import load_scenario
from tests.makers.small import SMALL


def worlds_of(overrides):
    return load_scenario(SMALL, overrides).worlds


def test_network_and_alone_are_always_there():
    worlds = worlds_of({"worlds.no_supply.off": ["supply"]})
    assert list(worlds) == ["network", "alone", "no_supply"]
    assert worlds["network"].off == [] and worlds["network"].detail and worlds["alone"].off == list(SWITCHES) and not worlds["alone"].detail


def test_worlds_become_rows_in_the_order_of_the_scenario():
    rules = compile_scenario(load_scenario(SMALL, {"worlds.no_supply.off": ["supply"], "worlds.run.solution": "least", "worlds.run.detail": True})).model.rules
    assert rules.world_switches.tolist() == [[1] * 5, [0] * 5, [1, 0, 1, 1, 1], [1] * 5]
    assert rules.world_least.tolist() == [0, 0, 0, 1] and rules.world_detail.tolist() == [1, 0, 0, 1]


def test_a_single_switch_needs_no_brackets():
    assert worlds_of(["worlds.no_supply.off=supply"])["no_supply"].off == ["supply"]


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"worlds.a.off": ["suply"]}, "worlds.a.off.0 = 'suply' is wrong: it should be 'nonpayment', 'supply', 'relief', 'marks' or 'confidence'"),
        ({"worlds.a.solution": "lest"}, "worlds.a.solution = 'lest' is wrong: it should be 'greatest' or 'least'"),
        ({"worlds.a.detial": True}, "worlds.a.detial is not known \\(did you mean 'detail'\\?\\)"),
        ({"worlds.a.solution": "least", "worlds.a.off": ["nonpayment"]}, "both solutions are one; leave out one of the two"),
        ({"worlds.network.detail": False}, "no world keeps detail"),
        ({"worlds.2x.detail": True}, "'2x' cannot be the name of a world"),
        ({"worlds.a": 3}, "worlds.a = 3 is wrong"),
    ],
)
def test_what_is_wrong_with_a_world_is_a_sentence(overrides, sentence):
    with pytest.raises(InputError, match=sentence):
        worlds_of(overrides)
