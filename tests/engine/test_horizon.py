"""The horizon decides nothing before it: a path of a longer run is the same bits as far as the shorter one goes."""

import numpy as np
import pytest

from simulate.compile.scenario import compile_scenario
from simulate.engine.blocks import Block, Workspace
from simulate.scenario.load import load_scenario
from simulate.step.factors import PATH_DRAWS, STEP_FACTORS, advance_factors, begin_paths, new_factors
from tests.makers.small import SMALL

LANES = 32
EVENTS = {"factors.power_gap.shots_per_year": 2.0, "factors.regime.hazard_in": 0.5}  # enough to happen in a few steps
PAIRS = [
    (SMALL, EVENTS, 1, 20),
    (SMALL, EVENTS, 7, 12),
    (SMALL, EVENTS, 13, 20),
    (SMALL, {"run.step": "month", "terms.compute.days": 20} | EVENTS, 38, 60),
    (SMALL, {"run.step": "year"} | EVENTS, 2, 5),
    ("ai_2025", {}, 12, 28),
    ("ai_2025", {}, 10, 13),
]


def models(scenario, changes, *steps):
    return [compile_scenario(load_scenario(scenario, {**changes, "run.steps": count}), 7).model for count in steps]


def factors_of(model, steps):
    """Draws of a path, and all factors of the first steps."""
    state, draws, out = new_factors(model, LANES)
    begin_paths(model.factors, 64, state, draws, out)
    found = {name: [getattr(draws, name).copy()] for names in PATH_DRAWS.values() for name in names}
    for t in range(steps):
        advance_factors(model.grid, model.factors, t, 64, state, draws, out)
        for name in (name for names in STEP_FACTORS.values() for name in names):
            found.setdefault(name, []).append(getattr(out, name).copy())
    return {name: np.array(rows) for name, rows in found.items()}


@pytest.mark.parametrize(("scenario", "changes", "short", "long"), PAIRS)
def test_factors_do_not_see_the_end(scenario, changes, short, long):
    one, other = (factors_of(model, short) for model in models(scenario, changes, short, long))
    for name, values in one.items():
        assert values.tobytes() == other[name].tobytes(), name


@pytest.mark.parametrize(("scenario", "changes", "short", "long"), PAIRS)
def test_no_default_and_no_state_sees_the_end(scenario, changes, short, long):
    """The trace is every entity's state and flows in every world and step."""
    one, other = (Workspace(model, LANES) for model in models(scenario, changes, short, long))
    for first in (0, 96):
        assert one.trace(first).tobytes() == np.ascontiguousarray(other.trace(first)[:, :short]).tobytes()
    early, late = (work.run(Block(0, 400))["default_step"] for work in (one, other))
    assert np.array_equal(early, np.where(late < short, late, -1))
    assert (early >= 0).any() or short == 1


@pytest.mark.parametrize(("scenario", "changes"), [(SMALL, EVENTS), ("ai_2025", {})])
def test_losses_of_whole_years_are_the_same(scenario, changes):
    one, other = (Workspace(model, LANES).run(Block(0, 200)) for model in models(scenario, changes, 8, 14))
    assert one["loss_by_year"].shape[:2] == other["loss_by_year"][:, :2].shape[:2]
    assert one["loss_by_year"].any()
    assert np.array_equal(one["loss_by_year"], other["loss_by_year"][:, :2])
