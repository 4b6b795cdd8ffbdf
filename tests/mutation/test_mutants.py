"""The errors that `python -m tests.mutation` makes: the right ones, in the right places."""

import pytest

from tests.mutation.mutants import apply, find_mutants
from tests.mutation.names import names_of_state, read_families

FAMILIES = """
KIND = ("a", "b", "c")
(A, B, C) = range(len(KIND))
"""
SOURCE = '''
LIMIT = 1  # outside a function: left alone


def work(x, t, w):
    """A docstring, with 1 + 1 and max(a, b)."""
    for lane in range(x.size):
        if x[lane] > 0.0 and lane < 9:
            w[A, lane] += x[lane] * max(LIMIT, w[B, t])
            continue
        w[C, lane] = x[lane] - (x[lane]
                                / 2.5)
    return w
'''
EXPECTED = {
    ("if x[lane] > 0.0 and lane < 9:", "if x[lane] >= 0.0 and lane < 9:"),
    ("if x[lane] > 0.0 and lane < 9:", "if x[lane] > 0.0 and lane <= 9:"),
    ("if x[lane] > 0.0 and lane < 9:", "if x[lane] > 0.0 or lane < 9:"),
    ("if x[lane] > 0.0 and lane < 9:", "if x[lane] > 1.0 and lane < 9:"),
    ("if x[lane] > 0.0 and lane < 9:", "if (not (x[lane] > 0.0 and lane < 9)):"),
    ("w[A, lane] += x[lane] * max(LIMIT, w[B, t])", "w[B, lane] += x[lane] * max(LIMIT, w[B, t])"),
    ("w[A, lane] += x[lane] * max(LIMIT, w[B, t])", "w[A, lane] -= x[lane] * max(LIMIT, w[B, t])"),
    ("w[A, lane] += x[lane] * max(LIMIT, w[B, t])", "w[A, lane] += x[lane] / max(LIMIT, w[B, t])"),
    ("w[A, lane] += x[lane] * max(LIMIT, w[B, t])", "w[A, lane] += x[lane] * min(LIMIT, w[B, t])"),
    ("w[A, lane] += x[lane] * max(LIMIT, w[B, t])", "w[A, lane] += x[lane] * max(LIMIT, w[C, t])"),
    ("w[A, lane] += x[lane] * max(LIMIT, w[B, t])", "w[A, lane] += x[lane] * max(LIMIT, w[B, max(t - 1, 0)])"),
    ("w[A, lane] += x[lane] * max(LIMIT, w[B, t])", "pass"),
    ("continue", "pass"),
    ("w[C, lane] = x[lane] - (x[lane]", "w[A, lane] = x[lane] - (x[lane]"),
    ("w[C, lane] = x[lane] - (x[lane]", "w[C, lane] = x[lane] + (x[lane]"),
    ("w[C, lane] = x[lane] - (x[lane] / 2.5)", "pass"),
    ("/ 2.5)", "* 2.5)"),
}


def find(source):
    return find_mutants("some.py", source, read_families(FAMILIES))


def test_every_kind_of_change_once_and_none_outside_functions():
    mutants = find(SOURCE)
    assert {(mutant.before, mutant.after) for mutant in mutants} == EXPECTED
    assert len(mutants) == len(EXPECTED)
    assert {mutant.function for mutant in mutants} == {"work"}


def test_a_change_is_one_change_and_still_python():
    for mutant in find(SOURCE):
        changed = apply(mutant, SOURCE)
        compile(changed, "some.py", "exec")
        assert changed[: mutant.start] == SOURCE[: mutant.start] and changed.endswith(SOURCE[mutant.end :]) and changed != SOURCE


def test_mutants_are_known_by_content():
    """An edit above leaves the names of all others as they are; equal changes of equal lines are told apart by their number."""
    assert [mutant.key for mutant in find(SOURCE)] == [mutant.key for mutant in find("# above\n" + SOURCE)]
    twice = find("def work(x):\n    x += 1\n    x += 1\n")
    assert [mutant.copy for mutant in twice if mutant.after == "x -= 1"] == [0, 1]


@pytest.mark.parametrize(
    ("line", "mutants"),
    [
        ("y = w.cash[i]", {"y = w.alive[i]"}),
        ("y = net.lists.lent.size", {"y = net.lists.other_in.size"}),
        ("y = s.cash_in.size", set()),  # all names of an array have its shape
        ("w.default_round = w.paid_for_stakes", {"w.default_round = w.cash", "pass"}),  # the last name of its array: the first follows
        ("y = net.legs.sched[i, now.t]", {"y = net.legs.supply_weight[i, now.t]", "y = net.legs.sched[i, max(now.t - 1, 0)]"}),
        ("y = w.fleet[i, t, lane]", {"y = w.fleet_sum[i, t, lane]", "y = w.fleet[i, max(t - 1, 0), lane]"}),
        (
            "y = rules.alpha + now.factors.rate",
            {"y = rules.beta + now.factors.rate", "y = rules.alpha - now.factors.rate", "y = rules.alpha + now.factors.rate_before"},
        ),
        ("y = other.cash", set()),
        ("y = w.due", set()),  # a name of the step, not of the world
    ],
)
def test_a_name_of_the_state_becomes_the_next_of_its_array(line, mutants):
    found = find_mutants("some.py", f"def work(net, now, w, s):\n    {line}\n", names_of_state())
    assert {mutant.after for mutant in found} == mutants and len(found) == len(mutants)
