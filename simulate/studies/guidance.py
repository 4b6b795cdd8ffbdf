"""How far the revenue of a quarter lies from what was known before it: company guidance beside the tables, and the growth of the last quarter carried on.

Guidance stands in `guidance.csv` beside the tables, with the day on which it was given and the day on which the outcome was known.
"""

from datetime import date
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from simulate.errors import refuse_if_any
from simulate.model import Array
from simulate.network.tables import Row, need_entity, need_text, read_choice, read_date, read_number, read_table
from simulate.scenario.load import Scenario
from simulate.studies.growth import RunRate, by_entity

GUIDANCE = "guidance.csv"
COLUMNS = ("entity", "date", "low", "high", "outcome", "unit", "guided_on", "known_on", "source", "note")
UNIT = "USD bn"
QUARTER = (80.0, 100.0)  # days


class Guided(NamedTuple):
    """Guidance of a quarter and its outcome."""

    entity: str
    day: date  # last day of the quarter
    middle: float  # USD bn
    outcome: float  # USD bn

    @property
    def surprise(self) -> float:
        """Return the logarithm of the outcome over the middle of the guidance."""
        return float(np.log(self.outcome / self.middle))


class Surprise(NamedTuple):
    """Surprises of a group of firms, logarithms."""

    group: str
    firms: tuple[str, ...]
    quarters: int
    mean: float  # firms guide low
    sd: float  # around the mean
    size: float  # root of the mean square: around the guidance


def measure_surprises(scenario: Scenario, rates: list[RunRate]) -> list[Surprise]:
    """Return surprises by type of entity, and those of last quarter's growth carried on where run rates are quarterly. Raises InputError for a wrong file."""
    types = {entity.id: entity.type for entity in scenario.network.entities}
    guided = read_guidance(scenario)
    found = []
    for group in dict.fromkeys(types[one.entity] for one in guided):
        own = [one for one in guided if types[one.entity] == group]
        found.append(surprise_of(f"{group}, guidance", [one.entity for one in own], np.array([one.surprise for one in own])))
    for entity, series in by_entity(rates).items():
        errors = carried_on(series)
        if len(errors):
            found.append(surprise_of(f"{types[entity]}, last growth carried on", [entity], errors))
    return found


def surprise_of(group: str, firms: list[str], errors: Array) -> Surprise:
    """Return the moments of surprises; the one around their mean is not a number for a single one."""
    spread = float(np.std(errors, ddof=1)) if len(errors) > 1 else float("nan")
    return Surprise(group, tuple(dict.fromkeys(firms)), len(errors), float(errors.mean()), spread, float(np.sqrt((errors**2).mean())))


def carried_on(series: list[RunRate]) -> Array:
    """Return log revenue of a quarter less that of the last one with its growth carried on, wherever three quarters follow each other."""
    steps = [(QUARTER[0] <= (b.day - a.day).days <= QUARTER[1], float(np.log(b.value / a.value))) for a, b in pairwise(series)]
    return np.array([later - earlier for (first, earlier), (second, later) in pairwise(steps) if first and second], float)


def read_guidance(scenario: Scenario) -> list[Guided]:
    """Read the guidance beside any file of the scenario; none where there is no such file. Raises InputError with all faults."""
    path = scenario.beside(GUIDANCE)
    if path is None:
        return []
    problems: list[str] = []
    found = [read_row(row, scenario, problems) for row in read_table(path, COLUMNS, ("entity", "date"), problems) or ()]
    refuse_if_any(problems)
    return [one for one in found if one is not None]


def read_row(row: Row, scenario: Scenario, problems: list[str]) -> Guided | None:
    """Read a row; None where it is wrong, and the sentences go to `problems`."""
    before, run = len(problems), scenario.run
    need_entity(row, "entity", [entity.id for entity in scenario.network.entities if not entity.outside], problems)
    read_choice(row, "unit", (UNIT,), problems)
    for column in ("date", "guided_on", "known_on", "source"):
        need_text(row, column, problems)
    day, guided, known = (read_date(row, column, problems, last=True) for column in ("date", "guided_on", "known_on"))
    low, high, outcome = (read_number(row, column, problems) for column in ("low", "high", "outcome"))
    if 0 in (low, outcome):
        problems.append(f"{row.place}: low and outcome must be above 0.")
    if low is not None and high is not None and low > high:
        problems.append(f"{row.place}: low is {low:g} and high is {high:g}; exchange them.")
    informed = run.information_date or run.start
    if day is not None and day > run.start:
        problems.append(f"{row.place}: {day} is after the opening {run.start}; leave it out.")
    if known is not None and known > informed:
        problems.append(f"{row.place}: known on {known}, after the information date {informed}; leave it out.")
    if guided is not None and known is not None and guided >= known:
        problems.append(f"{row.place}: guided on {guided}, when the outcome was known ({known}); guidance comes before it.")
    if len(problems) > before or day is None or low is None or high is None or outcome is None:
        return None
    return Guided(row["entity"], day, 0.5 * (low + high), outcome)
