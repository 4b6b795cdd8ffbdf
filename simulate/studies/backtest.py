"""Hold a scenario against what happened after its information date: where each dated outcome lies in the distribution that the scenario simulated.

Outcomes stand in `outcomes.csv` beside the tables, each with its source. They are few and depend on each other, so the result is a list of places and not a
test with a level (probability integral transform: Diebold, Gunther and Tay 1998).
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np

from simulate.calendar import Calendar
from simulate.compile.scenario import compile_scenario
from simulate.engine.blocks import Workspace, split_paths
from simulate.errors import InputError, refuse_if_any
from simulate.model import Array
from simulate.network.tables import Row, need_entity, need_text, read_choice, read_date, read_number, read_table
from simulate.scenario.load import Scenario, load_scenario
from simulate.step.watch import TRACES

OUTCOMES = "outcomes.csv"
COLUMNS = ("entity", "quantity", "date", "value", "unit", "source", "note")
# What can be compared, in words and with its unit.
QUANTITIES = {
    "revenue": ("revenue from outside, of the quarter", "USD bn/quarter"),
    "sales": ("revenue from outside and receipts in the network, of the quarter", "USD bn/quarter"),
    "run_rate": ("revenue from outside, annualised", "USD bn/year"),
    "burn": ("cash burnt in the quarter", "USD bn/quarter"),
    "equity": ("value of equity", "USD bn"),
}
LEVELS = (0.01, 0.05, 0.5, 0.95, 0.99)
INTERVALS = (0.5, 0.8, 0.95)  # central
LANES = 200


class Outcome(NamedTuple):
    """What happened: a quantity of an entity on a day."""

    entity: str
    quantity: str
    day: date
    value: float
    source: str
    note: str


class Place(NamedTuple):
    """Where an outcome lies among the simulated values [paths]."""

    outcome: Outcome
    least: float
    quantiles: tuple[float, ...]  # at LEVELS
    largest: float
    below: float  # share of paths below it; of paths that hit it half

    @property
    def in_support(self) -> bool:
        """True if some path lies on either side of it."""
        return self.least <= self.outcome.value <= self.largest

    def within(self, level: float) -> bool:
        """True if it lies in the central interval of that probability."""
        return abs(self.below - 0.5) <= level / 2


class Backtest(NamedTuple):
    """All places, and what they were measured with."""

    scenario: Scenario
    places: list[Place]
    paths: int
    seed: int


def backtest(source: str | Path, *, paths: int | None = None, seed: int | None = None) -> Backtest:
    """Return the place of every outcome of a scenario among the values of its paths. The run ends with the last outcome: the horizon decides nothing before it.

    Raises InputError for a scenario or a file of outcomes that is wrong.
    """
    scenario = load_scenario(source)
    outcomes = read_outcomes(scenario)
    steps = max(scenario.run.calendar.step_of(outcome.day) for outcome in outcomes) + 1
    scenario = load_scenario(source, {"run.steps": min(steps + 1, scenario.run.steps)})  # a run rate needs the middle of the next quarter
    paths, seed = scenario.run.paths if paths is None else paths, scenario.run.seed if seed is None else seed
    compiled = compile_scenario(scenario, seed)
    workspace, calendar = Workspace(compiled.model, LANES), scenario.run.calendar
    tiles: list[list[Array]] = [[] for _ in outcomes]
    for block in split_paths(paths, LANES):
        trace = dict(zip(TRACES, np.moveaxis(workspace.trace(block.first)[0], 1, 0), strict=True))
        for found, outcome in zip(tiles, outcomes, strict=True):
            i = compiled.names.entities.index(outcome.entity)
            rows = {name: values[:, i, : block.paths] for name, values in trace.items()}
            found.append(simulated(outcome, rows, float(compiled.model.entities.equity0[i]), calendar))
    return Backtest(scenario, [place(outcome, np.concatenate(values)) for outcome, values in zip(outcomes, tiles, strict=True)], paths, seed)


def simulated(outcome: Outcome, rows: Mapping[str, Array], equity0: float, calendar: Calendar) -> Array:
    """Return the quantity of an outcome on every path [W], from the trace of its entity by step [T, W]."""
    step = calendar.step_of(outcome.day)
    begin, end = calendar.end_of(step - 1), calendar.end_of(step)
    passed = (outcome.day - begin).days / (end - begin).days  # of the step
    match outcome.quantity:
        case "revenue":
            return rows["revenue"][step]
        case "sales":
            return rows["revenue"][step] + rows["received"][step]
        case "burn":
            return -rows["free_cash_flow"][step]
        case "run_rate":  # that of a quarter is reached in its middle
            return between(step + passed - 0.5, rows["revenue"] / calendar.dt)
        case _:
            return between(step + passed, np.concatenate([np.full_like(rows["equity"][:1], equity0), rows["equity"]]))


def between(position: float, values: Array) -> Array:
    """Return values [K, W] at a position between their rows, linearly; the first row before it, the last beyond it."""
    position = min(max(position, 0.0), len(values) - 1.0)
    low = int(position)
    high = min(low + 1, len(values) - 1)
    return values[low] + (position - low) * (values[high] - values[low])


def place(outcome: Outcome, values: Array) -> Place:
    """Return the place of an outcome among simulated values [paths]."""
    below = float((values < outcome.value).mean() + 0.5 * (values == outcome.value).mean())
    quantiles = tuple(float(np.quantile(values, level)) for level in LEVELS)
    return Place(outcome, float(values.min()), quantiles, float(values.max()), below)


def read_outcomes(scenario: Scenario) -> list[Outcome]:
    """Read the outcomes beside any file of the scenario. Raises InputError with all faults."""
    path = scenario.beside(OUTCOMES)
    if path is None:
        raise InputError([f"{scenario.name} has no {OUTCOMES} beside its tables; write what happened there, with the columns {', '.join(COLUMNS)}."])
    problems: list[str] = []
    found = [read_outcome(row, scenario, problems) for row in read_table(path, COLUMNS, ("entity", "quantity"), problems) or ()]
    refuse_if_any(problems or ([] if found else [f"{path.name} holds no outcome; write at least one row."]))
    return [outcome for outcome in found if outcome is not None]


def read_outcome(row: Row, scenario: Scenario, problems: list[str]) -> Outcome | None:
    """Read a row; None where it is wrong, and the sentences go to `problems`."""
    before, calendar = len(problems), scenario.run.calendar
    need_entity(row, "entity", [entity.id for entity in scenario.network.entities if not entity.outside], problems)
    quantity = read_choice(row, "quantity", tuple(QUANTITIES), problems)
    if quantity is not None and row["unit"] != QUANTITIES[quantity][1]:
        problems.append(f"{row.place}: the unit is '{row['unit']}'; {quantity} is in {QUANTITIES[quantity][1]}.")
    for column in ("date", "source"):
        need_text(row, column, problems)
    day, value = read_date(row, "date", problems, last=True), read_number(row, "value", problems, low=None)
    last = calendar.end_of(calendar.steps - 1)
    if day is not None and not calendar.start < day <= last:
        problems.append(f"{row.place}: {day} is not in the run, which goes from the day after {calendar.start} to {last}.")
    if len(problems) > before or quantity is None or day is None or value is None:
        return None
    return Outcome(row["entity"], quantity, day, value, row["source"], row["note"])
