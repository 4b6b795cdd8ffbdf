"""The errors that `python -m tests.mutation` makes: the right ones, in the right places."""

from tests.mutation.mutants import apply, find_mutants, read_families

ROWS = """
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
    return find_mutants("some.py", source, read_families(ROWS))


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
