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
from simulate.compile.scenario import Compiled, compile_scenario
from simulate.engine.blocks import Block, Workspace, split_paths
from simulate.errors import InputError, refuse_if_any
from simulate.model import BALANCE, CREDIT, GUARANTEE, Array, Legs
from simulate.network.tables import Row, need_entity, need_text, read_choice, read_date, read_number, read_table
from simulate.scenario.load import Scenario, load_scenario
from simulate.step.watch import TRACES, audit_of, new_trace

OUTCOMES = "outcomes.csv"
COLUMNS = ("entity", "quantity", "date", "value", "unit", "source", "note")
# What can be compared, in words and with its unit.
QUANTITIES = {
    "revenue": ("revenue from outside, of the quarter", "USD bn/quarter"),
    "sales": ("revenue from outside and receipts in the network, of the quarter", "USD bn/quarter"),
    "run_rate": ("revenue from outside, annualised", "USD bn/year"),
    "burn": ("cash burnt in the quarter", "USD bn/quarter"),
    "equity": ("value of equity", "USD bn"),
    "sales_year": ("the same as sales, of the twelve months to the day", "USD bn/year"),
    "drawn": ("balances owed to the entity or guaranteed by it, claims on who failed included", "USD bn"),
    "credit_loss": ("credit losses of the entity by the end of the step, calls of its guarantees included", "USD bn"),
    "recovery": ("share of the debt of the entity, as owed at its failures, that creditors have by the end of the step; of paths on which it fails", "share"),
    "default": ("1: failed by the end of the step, reorganisations included; 0: did not", "0 or 1"),
}
ENDED = ("credit_loss", "recovery", "default")  # read from the outputs of a run that ends with the step of the day
EVENTS = ("default",)  # happen or not: their place is a probability and no interval
BOUNDS = {"recovery": (0.0, 1.0), "default": (0.0, 1.0), **dict.fromkeys(("drawn", "revenue", "sales", "sales_year", "run_rate", "equity"), (0.0, None))}
WORLD = "network"
KEPT = ("balance", "claim_credit")  # of legs at the end of a step, for what is drawn
NOWHERE = float("nan")
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
    """Where an outcome lies among the simulated values [paths]; all numbers are nan where no path has a value."""

    outcome: Outcome
    least: float
    quantiles: tuple[float, ...]  # at LEVELS
    largest: float
    below: float  # share of paths below it; of paths that hit it half
    mean: float  # of an event its probability
    known: int  # paths with a value

    @property
    def in_support(self) -> bool:
        """True if some path lies on either side of it."""
        return self.least <= self.outcome.value <= self.largest

    @property
    def is_event(self) -> bool:
        """True of what happens or not."""
        return self.outcome.quantity in EVENTS

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
    """Return the place of every outcome of a scenario among the values of its paths. A run ends with the outcomes: the horizon decides nothing before it.

    Raises InputError for a scenario or a file of outcomes that is wrong.
    """
    scenario = load_scenario(source)
    outcomes, calendar = read_outcomes(scenario), scenario.run.calendar
    paths, seed = scenario.run.paths if paths is None else paths, scenario.run.seed if seed is None else seed
    followed = [outcome for outcome in outcomes if outcome.quantity not in ENDED]
    values: dict[Outcome, Array] = {}
    if followed:
        steps = max(calendar.step_of(outcome.day) for outcome in followed) + 2  # a run rate needs the middle of the next quarter
        short = load_scenario(source, {"run.steps": min(steps, scenario.run.steps)})
        values |= follow(compile_scenario(short, seed), followed, calendar, paths)
    ended = [outcome for outcome in outcomes if outcome.quantity in ENDED]
    for step in sorted({calendar.step_of(outcome.day) for outcome in ended}):
        short = load_scenario(source, {"run.steps": step + 1})
        values |= end_with(compile_scenario(short, seed), [outcome for outcome in ended if calendar.step_of(outcome.day) == step], paths)
    return Backtest(scenario, [place(outcome, values[outcome]) for outcome in outcomes], paths, seed)


def follow(compiled: Compiled, outcomes: list[Outcome], calendar: Calendar, paths: int) -> dict[Outcome, Array]:
    """Return the values [paths] of outcomes that are read step by step."""
    model, names = compiled.model, compiled.names
    workspace, world = Workspace(model, LANES), names.worlds.index(WORLD)
    watched = model.grid.steps if any(outcome.quantity == "drawn" for outcome in outcomes) else 0
    trace, audit = new_trace(model, LANES), audit_of(model, watched, LANES, entity=("failing",), end_leg=KEPT)  # the step fills it where entities are kept
    tiles: dict[Outcome, list[Array]] = {outcome: [] for outcome in outcomes}
    for block in split_paths(paths, LANES):
        workspace.simulate(Block(block.first, LANES), trace, audit)
        for outcome, found in tiles.items():
            i = names.entities.index(outcome.entity)
            rows = {name: trace[world, :, k, i, : block.paths].copy() for k, name in enumerate(TRACES)}
            if outcome.quantity == "drawn":
                rows["drawn"] = owed_to(i, model.legs, audit.end_leg[world][..., : block.paths].sum(axis=1))
            found.append(simulated(outcome, rows, float(model.entities.equity0[i]), calendar))
    return {outcome: np.concatenate(found) for outcome, found in tiles.items()}


def owed_to(i: int, legs: Legs, owed: Array) -> Array:
    """Return what is owed to entity i or guaranteed by it [1 + T, W], at the opening and at the end of each step.

    owed [T, L, W]: balance of each leg and, after a liquidation of its payer, the claim that was fixed at the failure: lenders carry it until they write it off.
    """
    levels = np.concatenate([np.broadcast_to(legs.bal0[:, None], owed.shape[1:])[None], owed])
    total = levels[:, (legs.driver == BALANCE) & (legs.payee == i)].sum(axis=1)
    for guarantee in np.flatnonzero((legs.driver == GUARANTEE) & (legs.payer == i)):
        total = total + np.minimum(legs.cover_share[guarantee] * levels[:, legs.covers[guarantee]], legs.cover_cap[guarantee])
    return np.asarray(total)


def end_with(compiled: Compiled, outcomes: list[Outcome], paths: int) -> dict[Outcome, Array]:
    """Return the values of outcomes at the end of a run: [paths], of recoveries only the paths on which there is a claim."""
    workspace = Workspace(compiled.model, LANES)
    tiles: dict[Outcome, list[Array]] = {outcome: [] for outcome in outcomes}
    for block in split_paths(paths, LANES):
        outputs = workspace.run(block)
        for outcome, found in tiles.items():
            found.append(final(outcome, outputs, compiled))
    return {outcome: np.concatenate(found) for outcome, found in tiles.items()}


def final(outcome: Outcome, outputs: Mapping[str, Array], compiled: Compiled) -> Array:
    """Return the quantity of an outcome from the outputs of a block, whose last axis is the path."""
    names, legs = compiled.names, compiled.model.legs
    i = names.entities.index(outcome.entity)
    if outcome.quantity == "default":
        return np.where(outputs["default_step"][names.worlds.index(WORLD), i] >= 0, 1.0, 0.0)
    detail = names.detail.index(WORLD)  # every scenario keeps it
    if outcome.quantity == "credit_loss":
        return np.asarray(outputs["loss"][detail, i, CREDIT])
    debts = np.unique(legs.deal[(legs.driver == BALANCE) & (legs.payer == i)])
    claims, lost = (outputs[name][detail, debts].sum(axis=0) for name in ("exposure_at_default", "default_loss"))
    there = claims > 0.0
    return np.asarray(1.0 - lost[there] / claims[there])


def simulated(outcome: Outcome, rows: Mapping[str, Array], equity0: float, calendar: Calendar) -> Array:
    """Return the quantity of an outcome on every path [W], from the trace of its entity by step [T, W]; what is drawn [1 + T, W] begins at the opening."""
    step = calendar.step_of(outcome.day)
    begin, end = calendar.end_of(step - 1), calendar.end_of(step)
    passed = (outcome.day - begin).days / (end - begin).days  # of the step
    match outcome.quantity:
        case "revenue":
            return rows["revenue"][step]
        case "sales":
            return rows["revenue"][step] + rows["received"][step]
        case "sales_year":
            sums = np.cumsum(rows["revenue"] + rows["received"], axis=0)
            sums = np.concatenate([np.zeros_like(sums[:1]), sums])
            return between(step + passed, sums) - between(step + passed - calendar.steps_a_year, sums)
        case "burn":
            return -rows["free_cash_flow"][step]
        case "run_rate":  # that of a quarter is reached in its middle
            return between(step + passed - 0.5, rows["revenue"] / calendar.dt)
        case "drawn":
            return between(step + passed, rows["drawn"])
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
    if not values.size:
        return Place(outcome, NOWHERE, (NOWHERE,) * len(LEVELS), NOWHERE, NOWHERE, NOWHERE, 0)
    below = float((values < outcome.value).mean() + 0.5 * (values == outcome.value).mean())
    quantiles = tuple(float(np.quantile(values, level)) for level in LEVELS)
    return Place(outcome, float(values.min()), quantiles, float(values.max()), below, float(values.mean()), values.size)


def read_outcomes(scenario: Scenario) -> list[Outcome]:
    """Read the outcomes beside any file of the scenario. Raises InputError with all faults."""
    path = scenario.beside(OUTCOMES)
    if path is None:
        raise InputError([f"{scenario.name} has no {OUTCOMES} beside its tables; write what happened there, with the columns {', '.join(COLUMNS)}."])
    problems: list[str] = []
    found = [read_outcome(row, scenario, problems) for row in read_table(path, COLUMNS, ("entity", "quantity"), problems) or ()]
    told = [(one.entity, one.quantity, one.day) for one in found if one is not None]
    twice = [key for key in dict.fromkeys(told) if told.count(key) > 1]
    problems += [f"{path.name}: {quantity} of '{entity}' on {day} stands in two rows; keep one of them." for entity, quantity, day in twice]
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
    low, high = BOUNDS.get(quantity or "", (None, None))
    day, value = read_date(row, "date", problems, last=True), read_number(row, "value", problems, low=low, high=high)
    last = calendar.end_of(calendar.steps - 1)
    if day is not None and not calendar.start < day <= last:
        problems.append(f"{row.place}: {day} is not in the run, which goes from the day after {calendar.start} to {last}.")
    elif day is not None and quantity == "sales_year" and day < (first := calendar.end_of(calendar.steps_a_year - 1)):
        problems.append(f"{row.place}: {day} has less than twelve months of the run before it; sales_year is there from {first} on.")
    if quantity in EVENTS and value is not None and value not in (0.0, 1.0):
        problems.append(f"{row.place}: value is {value:g}; a default is 1 (failed by that day) or 0 (did not).")
    if len(problems) > before or quantity is None or day is None or value is None:
        return None
    return Outcome(row["entity"], quantity, day, value, row["source"], row["note"])
