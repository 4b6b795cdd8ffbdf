"""Overrides without effect: a key that no row of the model reads is refused, because whoever set it expects a difference."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from simulate.compile.scenario import compile_scenario
from simulate.errors import InputError, refuse_if_any
from simulate.model import Model
from simulate.scenario.changes import find_changes
from simulate.scenario.inherit import COMMAND_LINE
from simulate.scenario.load import Scenario, load_scenario

# Sections that say how to run, or that are always read.
READ_ELSEWHERE = ("run", "name", "title", "tables", "worlds")


def refuse_idle(scenario: Scenario, seed: int, model: Model) -> None:
    """Raise InputError for every override that changes the scenario and not its model, which was compiled with this seed."""
    problems = []
    for key in scenario.overrides:
        if key.partition(".")[0] in READ_ELSEWHERE or ".sources" in key or (scenario.source, key) in _seen():
            continue
        if scenario.overrides[key] == {}:
            problems.append(f"{COMMAND_LINE} {key}: an empty section changes nothing; set its keys, such as {key}.<key>=<value>.")
        elif is_idle(scenario, key, seed, model):
            problems.append(f"{COMMAND_LINE} {key}: has no effect here: no row of this network reads it; drop it, or change what does.")
        else:
            _seen().add((scenario.source, key))
    refuse_if_any(problems)


@cache
def _seen() -> set[tuple[Path, str]]:
    """Keys that had an effect on a scenario, so that a sweep asks once."""
    return set()


def is_idle(scenario: Scenario, key: str, seed: int, model: Model) -> bool:
    """True where the scenario without this override is another one with the same model."""
    others = {name: value for name, value in scenario.overrides.items() if name != key}
    try:
        before = load_scenario(scenario.source, others)
        if not find_changes(before.resolved(seed), scenario.resolved(seed)):
            return False  # the value is that of the file
        return same_rows(compile_scenario(before, seed).model, model)
    except InputError:
        return False  # it needs this override


def same_rows(one: Any, other: Any) -> bool:
    """True for equal arrays and numbers in nested NamedTuples."""
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same_rows, one, other))
    return bool(np.array_equal(one, other))
