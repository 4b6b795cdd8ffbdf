"""Hold a scenario against what happened after its information date: where each dated outcome lies in the distribution that the scenario simulated.

Outcomes stand in `outcomes.csv` beside the tables, each with its source. They are few and depend on each other, so the result is a list of places and not a
test with a level (probability integral transform: Diebold, Gunther and Tay 1998).
"""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np

from simulate.calendar import Calendar
from simulate.compile.scenario import Compiled, compile_scenario
from simulate.engine.blocks import Block, Workspace, split_paths
from simulate.errors import InputError, refuse_if_any
from simulate.model import BALANCE, Array, Model
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
    "sales_year": ("revenue from outside and receipts in the network, of the year to the day", "USD bn/year"),
    "drawn": ("balances that others owe to it, and those that it guarantees", "USD bn"),
    "credit_loss": ("what it lost on others since the opening", "USD bn"),
    "recovery": ("recovery of the claims on it by the end of the run, where it fails", "share"),
    "default": ("failed by the day", "0 or 1"),
}
EVENTS = ("default",)  # they happen or not; a probability is held against them, no quantile
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


class Seen(NamedTuple):
    """What a tile leaves of the paths of the first world."""

    rows: Mapping[str, Array]  # [T, n, W] by name: traces, what entities lost, the step of their first default
    balance: Array  # [T, L, W] USD bn
    owed: Array  # [D, W] USD bn, claims of a deal on who failed
    lost: Array  # [D, W] USD bn, of these


class Place(NamedTuple):
    """Where an outcome lies among the simulated values [paths]."""

    outcome: Outcome
    least: float
    quantiles: tuple[float, ...]  # at LEVELS
    largest: float
    below: float  # share of paths below it; of paths that hit it half

    @property
    def is_event(self) -> bool:
        """True where the outcome happened or not."""
        return self.outcome.quantity in EVENTS

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
    tiles: list[list[Array]] = [[] for _ in outcomes]
    for seen in watch(compiled.model, paths):
        for found, outcome in zip(tiles, outcomes, strict=True):
            found.append(simulated(outcome, seen, compiled, scenario.run.calendar))
    return Backtest(scenario, [place(outcome, np.concatenate(values)) for outcome, values in zip(outcomes, tiles, strict=True)], paths, seed)


def watch(model: Model, paths: int) -> Iterator[Seen]:
    """Yield what each tile leaves of its paths."""
    workspace = Workspace(model, LANES)
    trace, audit = (
        new_trace(model, LANES),
        audit_of(model, model.grid.steps, LANES, entity=("failing",), end_leg=("balance",), end_entity=("suffered", "default_step")),
    )
    for block in split_paths(paths, LANES):
        outputs = workspace.simulate(Block(block.first, LANES), trace, audit)
        rows = dict(zip(TRACES, np.moveaxis(trace[0], 1, 0), strict=True))
        rows |= {"suffered": audit.end_entity[0, :, 0], "default_step": audit.end_entity[0, :, 1]}
        kept = slice(block.paths)
        yield Seen(
            {name: values[..., kept] for name, values in rows.items()},
            audit.end_leg[0, :, 0, :, kept],
            outputs["exposure_at_default"][0, :, kept],
            outputs["default_loss"][0, :, kept],
        )


def simulated(outcome: Outcome, seen: Seen, compiled: Compiled, calendar: Calendar) -> Array:
    """Return the quantity of an outcome on every path [W]; a recovery on every path on which its entity fails."""
    i, legs = compiled.names.entities.index(outcome.entity), compiled.model.legs
    match outcome.quantity:
        case "drawn":
            guaranteed = legs.covers[(legs.payer == i) & (legs.covers >= 0)]
            owed = np.union1d(np.flatnonzero((legs.payee == i) & (legs.driver == BALANCE)), guaranteed)
            return at_day(outcome.day, seen.balance[:, owed].sum(axis=1), float(legs.bal0[owed].sum()), calendar)
        case "recovery":
            deals = np.unique(legs.deal[legs.payer == i])
            owed, lost = seen.owed[deals].sum(axis=0), seen.lost[deals].sum(axis=0)
            return 1.0 - lost[owed > 0.0] / owed[owed > 0.0]
        case "default":
            return (seen.rows["default_step"][calendar.step_of(outcome.day), i] >= 0.0).astype(float)
        case quantity:
            rows = {name: values[:, i] for name, values in seen.rows.items()}
            return traced(quantity, outcome.day, rows, float(compiled.model.entities.equity0[i]), calendar)


def traced(quantity: str, day: date, rows: Mapping[str, Array], equity0: float, calendar: Calendar) -> Array:
    """Return a quantity of an entity on a day on every path [W], from its traces by step [T, W]."""
    step = calendar.step_of(day)
    match quantity:
        case "revenue":
            return rows["revenue"][step]
        case "sales":
            return rows["revenue"][step] + rows["received"][step]
        case "burn":
            return -rows["free_cash_flow"][step]
        case "run_rate":  # that of a quarter is reached in its middle
            return between(passed(day, calendar) - 0.5, rows["revenue"] / calendar.dt)
        case "sales_year":
            sold = np.cumsum(rows["revenue"] + rows["received"], axis=0)
            since = np.concatenate([np.zeros_like(sold[:1]), sold])
            return between(passed(day, calendar), since) - between(passed(day, calendar) - calendar.steps_a_year, since)
        case "credit_loss":
            return at_day(day, rows["suffered"], 0.0, calendar)
        case _:
            return at_day(day, rows["equity"], equity0, calendar)


def passed(day: date, calendar: Calendar) -> float:
    """Return the steps that have passed since the opening at the end of a day."""
    step = calendar.step_of(day)
    begin, end = calendar.end_of(step - 1), calendar.end_of(step)
    return step + (day - begin).days / (end - begin).days


def at_day(day: date, values: Array, opening: float, calendar: Calendar) -> Array:
    """Return a value [W] of a day from those at the ends of steps [T, W] and that at the opening, linear between them."""
    return between(passed(day, calendar), np.concatenate([np.full_like(values[:1], opening), values]))


def between(position: float, values: Array) -> Array:
    """Return values [K, W] at a position between their rows, linearly; the first row before it, the last beyond it."""
    position = min(max(position, 0.0), len(values) - 1.0)
    low = int(position)
    high = min(low + 1, len(values) - 1)
    return values[low] + (position - low) * (values[high] - values[low])


def place(outcome: Outcome, values: Array) -> Place:
    """Return the place of an outcome among simulated values [paths]; nowhere where there are none."""
    if values.size == 0:
        return Place(outcome, np.nan, (np.nan,) * len(LEVELS), np.nan, np.nan)
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
    if quantity in EVENTS and value not in (0.0, 1.0):
        problems.append(f"{row.place}: the value of {quantity} is 1 if it happened by the day, and 0 if not.")
    if quantity == "sales_year" and day is not None and calendar.step_of(day) < calendar.steps_a_year - 1:
        problems.append(f"{row.place}: a year to {day} begins before the run, which starts on {calendar.start}; compare quarters (sales) instead.")
    if day is not None and not calendar.start < day <= last:
        problems.append(f"{row.place}: {day} is not in the run, which goes from the day after {calendar.start} to {last}.")
    if len(problems) > before or quantity is None or day is None or value is None:
        return None
    return Outcome(row["entity"], quantity, day, value, row["source"], row["note"])
