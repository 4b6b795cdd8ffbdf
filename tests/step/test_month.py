"""Quarters against months: what must not depend on the step does not; what does (docs/step.md) goes the way the page says."""

import numpy as np
import pytest

from simulate.engine.blocks import Workspace
from simulate.model import BALANCE, CAPEX
from simulate.schema import FACTORS
from simulate.step.watch import TRACES
from simulate.studies import calibration
from tests.makers.tiny import freeze, make_legs
from tests.validation import steps
from tests.validation.claims import refuse_false
from tests.validation.firms import firm_model


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("what_tables_fix_by_year_is_the_same_on_every_grid", 10),
        ("laws_of_the_factors_is_the_same_on_every_grid", 12),
        ("chips_wear_out_alike_on_every_grid", 3),
    ],
)
def test_grid(name, count):
    """The findings of validation/steps.py."""
    mine = [finding for finding in steps.findings() if finding.test.endswith(f"[{name}]")]
    assert len(mine) == count
    refuse_false(mine)


def test_the_comparisons_compare_something():
    """No table is empty or all zeros, and quarters and months are two grids."""
    for gather in (steps.planned, steps.laws):
        for name, values in gather("quarter").items():
            assert values.size >= 7 and np.abs(values).max() > 0, name
    quarter, month = (steps.compiled(step).model for step in ("quarter", "month"))
    assert (quarter.grid.steps, month.grid.steps) == (28, 84) and quarter.entities.capex_plan.shape != month.entities.capex_plan.shape


def test_draws_once_a_path_are_shared_between_the_grids():
    """Delivery and life are the same on a path of both grids, so differences are paired."""
    quarter, month = (steps.simulate(steps.compiled(step).model, 200) for step in ("quarter", "month"))
    assert np.array_equal(quarter["delivery"], month["delivery"]) and np.ptp(quarter["delivery"]) > 0.1
    lives = [grid["factor_summary"][tuple(FACTORS).index("gpu_life")] for grid in (quarter, month)]
    assert np.array_equal(*lives) and np.ptp(lives[0]) > 0.0


def test_the_plan_run_by_month_is_the_plan(tmp_path):
    """Free cash flow when the plan is met, by calendar year: as by quarter (tests/engine/test_plan.py)."""
    file = tmp_path / "monthly.toml"
    file.write_text('extends = "ai_2025"\n[run]\nstep = "month"\nsteps = 84\n')
    lines = calibration.run_plan(file)
    assert len(lines) == 19
    for line in lines:
        gap = np.abs(line.simulated - line.planned)[:5].max()
        assert gap < 2.0, f"{line.entity}: {line.simulated[:5].round(2)} against {line.planned[:5].round(2)}"


def spent_from_a_line(steps_a_year: int) -> float:
    """Capex of the first year of a firm that has nothing but a line of 10, spends a fifth (kappa) of it at will and plans more than it can pay."""
    dt = 1 / steps_a_year
    model = firm_model(steps=steps_a_year, dt=dt, asset=1e-9)
    only_firm = np.array([1.0, 0.0, 0.0])
    entities = model.entities._replace(
        line0=10.0 * only_firm,
        kappa=0.2 * only_firm,
        new_debt_leg=np.array([1, -1, -1]),
        capex_plan=np.outer(only_firm, np.full(steps_a_year, 100.0 * dt)),
    )
    legs = make_legs([dict(payer=0, payee=1, driver=CAPEX, capex_share=1.0, chip_share=1.0), dict(payer=0, payee=1, driver=BALANCE)], steps_a_year)
    model = model._replace(entities=freeze(entities), legs=freeze(legs))
    return float(Workspace(model, 1).trace(0)[0, :, TRACES.index("paid"), 0, 0].sum())


def test_a_fifth_of_the_line_is_spent_a_quarter():
    assert spent_from_a_line(4) == pytest.approx(10 * (1 - 0.8**4))


def test_a_line_is_spent_as_fast_by_month():
    assert spent_from_a_line(12) == pytest.approx(10 * (1 - 0.8**4))


@pytest.fixture(scope="module")
def runs():
    return {name: steps.run(step, change) for name, step, change in [("quarter", "quarter", ""), ("month", "month", ""), ("all", "month", "all")]}


def paired_z(base, other) -> float:
    mean, error = steps.compare(base.astype(float), other.astype(float))
    return mean / error


@pytest.mark.slow
@pytest.mark.parametrize("entity", ["openai", "anthropic", "xai", "oracle", "coreweave", "neocloud_other", "softbank"])
def test_a_month_moves_no_default_probability_by_four_points(runs, entity):
    mean, error = steps.compare(runs["quarter"].failed(entity).astype(float), runs["month"].failed(entity).astype(float))
    assert abs(mean) < 0.04 and error < 0.01


@pytest.mark.slow
def test_coreweave_fails_less_by_month(runs):
    assert paired_z(runs["quarter"].failed("coreweave"), runs["month"].failed("coreweave")) < -4.0


@pytest.mark.slow
def test_what_the_page_names_explains_more_than_half_of_openai(runs):
    quarter, month, changed = (runs[name].failed("openai").mean() for name in ("quarter", "month", "all"))
    assert paired_z(runs["month"].failed("openai"), runs["all"].failed("openai")) > 4.0
    assert 0.5 * (quarter - month) < changed - month


@pytest.mark.slow
@pytest.mark.parametrize(("change", "entity", "sign"), [
    ("the opening multiple of the quarter", "openai", 1),
    ("equity a month older in the funding room", "openai", 1),
    ("reserves refilled once a quarter", "openai", 1),
    ("reserves refilled once a quarter", "coreweave", 1),
    ("bullets due over a quarter", "coreweave", -1),
])  # fmt: skip
def test_each_explanation_has_the_sign_of_the_page(runs, change, entity, sign):
    assert sign * paired_z(runs["month"].failed(entity), steps.run("month", change).failed(entity)) > 4.0


@pytest.mark.slow
def test_shocks_are_the_same_in_law_on_both_grids(runs):
    """Years of disappointment and the market's shut years differ by less than the end point of a step moves them."""
    quarter, month = (steps.quantities(runs[name]) for name in ("quarter", "month"))
    mean, error = steps.compare(quarter["years of disappointment"], month["years of disappointment"])
    # Sums of states at the ends of steps: (1/4 - 1/12)/2 of a year times the probability of disappointment at the horizon, 0.19.
    assert abs(mean + 0.016) < 4 * error
