"""Worlds of a scenario: what may be said of them, and what is refused."""

import re

import numpy as np
import pytest

from simulate.compile.scenario import compile_scenario
from simulate.errors import InputError
from simulate.model import SWITCHES
from simulate.scenario.load import load_scenario
from tests.makers.small import SMALL, copy_small


def worlds_of(overrides):
    return load_scenario(SMALL, overrides).worlds


def test_network_and_alone_are_always_there():
    worlds = worlds_of({"worlds.no_supply.off": ["supply"]})
    assert list(worlds) == ["network", "alone", "no_supply"]
    assert worlds["network"].off == [] and worlds["network"].detail and worlds["alone"].off == list(SWITCHES) and not worlds["alone"].detail


def test_what_is_not_given_of_the_usual_worlds_stays():
    """A key of `alone` does not bring contagion back into it, and `network` keeps its detail."""
    worlds = worlds_of({"worlds.alone.detail": True, "worlds.network.solution": "least"})
    assert worlds["alone"].off == list(SWITCHES) and worlds["alone"].detail
    assert worlds["network"].detail and worlds["network"].solution == "least"


@pytest.mark.parametrize(
    ("overrides", "warned"),
    [
        ({"worlds.alone.off": ["marks"]}, "--set: worlds.alone: is not the network without contagion"),
        ({"worlds.alone.saves": ["lab"]}, "--set: worlds.alone: is not the network without contagion"),
        ({"worlds.network.off": ["marks"]}, "--set: worlds.network: has not all of contagion"),
        ({"worlds.network.saves": "first"}, "--set: worlds.network: has not all of contagion"),
        ({"worlds.network.solution": "least"}, "--set: worlds.network: has not all of contagion"),
    ],
)
def test_a_usual_world_that_is_not_what_the_answer_calls_it_is_doubted(overrides, warned):
    assert [warning for warning in load_scenario(SMALL, overrides).warnings if warning.startswith(warned)]
    assert not [warning for warning in load_scenario(SMALL, {"worlds.alone.detail": True}).warnings if "worlds" in warning]


def test_an_entity_with_the_name_of_a_rule_cannot_be_saved(tmp_path):
    small = copy_small(tmp_path)
    for table in small.parent.glob("*.csv"):
        head, _, rows = table.read_text().partition("\n")
        rows = re.sub(r"(?<=,)vendor(?=,)|^vendor(?=,)", "first", rows, flags=re.MULTILINE)
        table.write_text(f"{head}\n{rows}".replace("first,The vendor,first,", "first,The vendor,vendor,"))
    assert load_scenario(small, {"worlds.a.saves": "first"}).worlds["a"].saves == "first"
    with pytest.raises(InputError, match="'first' stands for whoever fails first; give the entity another id"):
        load_scenario(small, {"worlds.a.saves": ["first"]})


def test_one_override_may_be_text():
    assert load_scenario(SMALL, "run.paths=7").run.paths == 7


def test_worlds_become_rows_in_the_order_of_the_scenario():
    rules = compile_scenario(load_scenario(SMALL, {"worlds.no_supply.off": ["supply"], "worlds.run.solution": "least", "worlds.run.detail": True})).model.rules
    assert rules.world_switches.tolist() == [[1] * 5, [0] * 5, [1, 0, 1, 1, 1], [1] * 5]
    assert rules.world_least.tolist() == [0, 0, 0, 1] and rules.world_detail.tolist() == [1, 0, 0, 1]


def test_who_is_saved_becomes_a_row_of_entities():
    overrides = {"worlds.rescue.saves": ["cloud", "lab"], "worlds.first.saves": "first"}
    compiled = compile_scenario(load_scenario(SMALL, overrides))
    rules, names = compiled.model.rules, compiled.names.entities
    assert [[names[i] for i in np.flatnonzero(row)] for row in rules.world_saves] == [[], [], [name for name in names if name in ("lab", "cloud")], []]
    assert rules.world_saves_first.tolist() == [0, 0, 0, 1]


def test_a_single_entity_needs_no_brackets():
    assert worlds_of(["worlds.rescue.saves=lab"])["rescue"].saves == ["lab"] and worlds_of(["worlds.rescue.saves=first"])["rescue"].saves == "first"


def test_a_single_switch_needs_no_brackets():
    assert worlds_of(["worlds.no_supply.off=supply"])["no_supply"].off == ["supply"]


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"worlds.a.off": ["suply"]}, "worlds.a.off.0 = 'suply' is wrong: it should be 'nonpayment', 'supply', 'relief', 'marks' or 'confidence'"),
        ({"worlds.a.solution": "lest"}, "worlds.a.solution = 'lest' is wrong: it should be 'greatest' or 'least'"),
        ({"worlds.a.detial": True}, "worlds.a.detial is not known \\(did you mean 'detail'\\?\\)"),
        ({"worlds.a.solution": "least", "worlds.a.off": ["nonpayment"]}, "both solutions are one; leave out one of the two"),
        (
            {"worlds.network.detail": False},
            "--set: worlds.network.detail = false: the answer is made of the losses by channel and deal of this world; leave it true",
        ),
        ({"worlds.a.saves": ["lab", "lab"]}, "worlds.a.saves is wrong: names 'lab' twice"),
        ({"worlds.a.off": ["marks", "marks"]}, "worlds.a.off is wrong: names 'marks' twice"),
        ({"worlds.2x.detail": True}, "'2x' cannot be the name of a world"),
        ({"worlds.a": 3}, "worlds.a = 3 is wrong"),
        ({"worlds.a.saves": ["lba"]}, "worlds.a.saves: there is no entity 'lba' \\(did you mean 'lab'\\?\\); name one of the entities table"),
        ({"worlds.a.saves": ["first", "lab"]}, "worlds.a.saves: there is no entity 'first'"),
        ({"worlds.a.saves": "operations"}, "worlds.a.saves: 'operations' is an outside node and never fails; name an inside entity"),
        ({"worlds.a.saves": "first", "worlds.a.solution": "least"}, "in which all may fail at once, so nobody fails first; name the entities to save"),
        ({"worlds.a.saves": 3}, 'worlds.a.saves = 3 is wrong: it should be a list of entities, such as ."lab"., or "first"'),
        ({"worlds.a.saves": ["lab", 3]}, "worlds.a.saves is wrong: it should be a list of entities"),
    ],
)
def test_what_is_wrong_with_a_world_is_a_sentence(overrides, sentence):
    with pytest.raises(InputError, match=sentence):
        worlds_of(overrides)


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        ({"worlds.rescue.saves": ["lab", "cloud"]}, "worlds.rescue nothing -> lab, cloud saved"),
        ({"worlds.calm.off": ["supply", "relief"], "worlds.calm.detail": True}, "worlds.calm nothing -> without supply, relief; with detail"),
        ({"worlds.run_on.solution": "least"}, "worlds.run_on nothing -> least clearing"),
        ({"worlds.same.off": []}, "worlds.same nothing -> all channels"),
        ({"worlds.network.off": ["marks"]}, "worlds.network with detail -> without marks; with detail"),
    ],
)
def test_a_world_is_told_in_a_few_words(overrides, told):
    assert [str(change) for change in load_scenario(SMALL, overrides).changes] == [told]
