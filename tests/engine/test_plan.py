"""With the plan met and no shocks the engine's own cash flows are the plan: bridges, deals, funding and kernels fit together."""

import numpy as np
import pytest

from simulate.studies import calibration

PLAN_YEARS = range(2026, 2031)
OPENAI = (-25.0, -57.0, -85.0, -51.0, 39.0)


@pytest.fixture(scope="module")
def plan_run():
    return {line.entity: line for line in calibration.run_plan("ai_2025")}


def test_openai_burns_what_it_planned(plan_run):
    line = plan_run["openai"]
    assert line.years[:5] == tuple(PLAN_YEARS)
    assert line.planned[:5] == pytest.approx(OPENAI)
    assert np.abs(line.simulated[:5] - OPENAI).max() < 0.5


def test_everybody_else_is_within_two_billion_a_year(plan_run):
    assert len(plan_run) == 19
    for entity, line in plan_run.items():
        gap = np.abs(line.simulated - line.planned)[:5]
        assert gap.max() < 2.0, f"{entity}: {line.simulated[:5].round(2)} against {line.planned[:5].round(2)}"


def test_the_comparison_can_fail(plan_run):
    """The planned numbers are those of the tables, signed, and no two entities share them."""
    assert plan_run["amazon"].planned[0] == pytest.approx(178 - 200)
    assert plan_run["nvidia"].planned[:2] == pytest.approx([159 - 8, 190 - 9])
    assert plan_run["coreweave"].planned[0] < -25 and plan_run["softbank"].planned[0] > 0
    assert len({line.planned.tobytes() for line in plan_run.values()}) == len(plan_run)


def test_a_firm_that_cannot_fund_its_plan_shows():
    """Where nobody may draw on the market for growth, the plan run is off by more than the test above allows: it is no identity."""
    from simulate.compile.scenario import compile_scenario
    from simulate.engine.blocks import Workspace
    from simulate.scenario.load import load_scenario
    from simulate.step.watch import TRACES

    scenario = load_scenario("ai_2025", calibration.PLAN_MET | {"factors.life.weights": [0.0, 1.0]})
    compiled = compile_scenario(scenario, 0)
    row = compiled.names.entities.index("coreweave")
    entities = compiled.model.entities
    model = compiled.model._replace(entities=entities._replace(kappa=np.zeros_like(entities.kappa), cash_target=np.zeros_like(entities.cash_target)))
    flows = [Workspace(m, 1).trace(0)[0, :, TRACES.index("free_cash_flow"), row, 0] for m in (compiled.model, model)]
    first, second = (calibration.yearly(scenario.run.calendar, flow)[:5] for flow in flows)
    assert np.abs(first - second).max() > 2.0
