"""The table of what a change moved lists every number of the model that differs, and no other."""

import numpy as np
import pytest

from simulate.cli.app import exit_code
from simulate.compile.moved import find_moved
from simulate.compile.scenario import compile_scenario
from simulate.scenario.load import load_scenario
from tests.makers.small import SMALL


def moved(*overrides):
    one, other = (compile_scenario(load_scenario(SMALL, given)) for given in ((), overrides))
    return find_moved(one, other)


def test_nothing_moved_without_a_change():
    assert moved() == []


def test_a_shock_moves_its_row_and_no_other():
    (cash,) = moved("shocks.entities.cloud.cash=-3")
    assert cash.what == "entities.cash0" and cash.row == "cloud" and cash.step is None and cash.after == cash.before - 3
    (ends,) = moved("shocks.deals.compute.ends=2027-06-30")
    assert ends[:2] == ("legs.ends_step", "compute") and (ends.before, ends.after) == (-1, 5)


@pytest.mark.parametrize(("overrides", "grid"), [(["run.steps=8"], {"grid.steps"}), (["run.step=year", "run.steps=5"], {"grid.steps", "grid.dt"})])
def test_of_another_calendar_only_numbers_of_no_step_are_compared(overrides, grid):
    found = moved(*overrides)
    assert {one.what for one in found if one.what.startswith("grid")} == grid
    assert not [one for one in found if one.step is not None and one.what in ("entities.rev_ext", "legs.sched")]


def test_another_fact_moves_what_the_reconciliation_solves_for():
    found = {(one.what, one.row): one for one in moved("figures.lab.cash=10")}
    assert found["entities.cash0", "lab"][3:] == (20, 10)
    assert found["entities.mult0", "lab"].after > found["entities.mult0", "lab"].before, "the value of equity is held"


def test_a_deal_that_is_gone_is_one_line_and_what_takes_its_place_is_there():
    found = moved("deals.compute.status=removed")
    gone = [one for one in found if np.isnan(one.after)]
    assert [one.row for one in gone if one.what.startswith("legs.")] == ["compute"]
    assert any(one.what == "entities.cost_fixed" and one.row == "lab" and one.after > one.before for one in found), "the rent becomes another cost"


def test_parameters_and_worlds_are_listed_too():
    assert [one.what for one in moved("rules.alpha=0.5")] == ["rules.alpha"]
    assert {one.what for one in moved("factors.short_rate.shift=0.03")} >= {"factors.short_rate.level"}
    assert any(one.what == "rules.world_switches" and one.row == "10 numbers, then 15" for one in moved('worlds.calm={off = ["marks"]}'))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--shock", "entities.cloud.cash=-3"], "entities.cash0  cloud"),
        ([], "Nothing moved in the compiled model against small."),
    ],
)
def test_validate_prints_it_on_request(arguments, says, capsys):
    assert exit_code(["validate", str(SMALL), *arguments, "--moved"]) == 0
    assert says in capsys.readouterr().out
    assert exit_code(["validate", str(SMALL), *arguments]) == 0
    assert says not in capsys.readouterr().out
