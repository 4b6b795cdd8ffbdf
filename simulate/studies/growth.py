"""Choose the opening growth of labs from what was known at the opening, by stated rules; nothing later can enter.

Run rates stand in `run_rates.csv` beside the tables, each with its day and the day on which it was known. Rules:

1. growth0 = growth of the last year before the opening less planned growth of the first year after it, in logarithms; 0 where no run rate is within a
   half-year of the opening or none is a year older.
2. The decay is the mean of its likelihood over `DECAYS`, with dispersions of `PRIOR_SDS` (flat priors).
3. growth_sd0 is the largest dispersion that the likelihood does not reject at that decay (joint 95 % region of both), but not more than the one that gives a
   year's growth the dispersion of all yearly growth rates of all firms. Firms that are known today have lived and grown, so the smallest is not prudent.
"""

from collections.abc import Iterable
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2

from simulate.compile.scenario import compile_scenario
from simulate.errors import InputError, refuse_if_any
from simulate.model import Array
from simulate.network.tables import Row, need_entity, need_text, read_choice, read_date, read_number, read_table
from simulate.scenario.load import Scenario, load_scenario
from simulate.studies.growth_law import Forecasts, Law, OwnShocks, below, gain, log_likelihood, own_variance, with_best_reference

RUN_RATES = "run_rates.csv"
COLUMNS = ("entity", "date", "value", "unit", "known_on", "source", "note")
UNIT = "USD bn/year"
YEAR = 365.25  # days
SHORTEST = 1 / 3  # year between two dates that growth is read from: a half-year, as far as dates allow
FRESH = 0.5  # years before the opening
SDS = np.arange(21) / 10.0  # per year
PRIOR_SDS = (0.4, 2.0)
DECAYS = np.arange(2, 13) / 4.0  # per year
REJECTED = 0.5 * float(chi2.ppf(0.95, 2))  # log likelihood below its maximum
LEVELS = (0.5, 0.8, 0.95)
WIDEST = 20.0  # per year; searched up to it
DIGITS = 1  # of a chosen parameter
FEWEST = 3  # yearly growth rates of a dispersion


class RunRate(NamedTuple):
    """Annualised revenue on a day, USD bn a year."""

    entity: str
    day: date
    value: float


class Half(NamedTuple):
    """Growth up to a day, and what came in about a half-year."""

    entity: str
    origin: date
    target: date
    trailing: float  # per year
    years: float
    moved: float  # logarithm


class Opening(NamedTuple):
    """Growth of an entity around the opening, logarithms per year; None where the run rates do not tell."""

    entity: str
    trailing: float | None  # last year
    lately: float | None  # last half-year, at a yearly rate
    planned: float  # first year

    @property
    def growth0(self) -> float:
        """Return what was last seen less the plan; 0 where nothing was seen."""
        return 0.0 if self.trailing is None else self.trailing - self.planned


class Choice(NamedTuple):
    """Decay and dispersion by rules 2 and 3."""

    profile: Array  # [SDS, DECAYS] log likelihood at the best reference
    best: Law  # the most likely
    highest: float  # its log likelihood
    largest: float  # dispersion that is not rejected at the decay of `law`
    yearly: float  # standard deviation of a year's growth
    across: float  # dispersion that gives a year's growth that of `yearly`
    law: Law  # not rounded

    @property
    def rounded(self) -> tuple[float, float]:
        """Return growth_sd0 and growth_decay as the figures table has them."""
        return round(self.law.sd, DIGITS), round(self.law.decay, DIGITS)


class Growth(NamedTuple):
    """All that `simulate growth` prints."""

    scenario: Scenario
    rates: list[RunRate]
    yearly: list[tuple[str, int, float]]  # entity, year back from its last run rate, growth
    openings: list[Opening]
    halves: list[Half]
    choice: Choice
    without: dict[str, Choice | None]  # by firm left out; None where too little is left
    places: Array  # [halves] probability of less, parameters of all firms
    places_without: Array  # [halves] with the parameters of the other firms; NaN where too little is left
    normal: float  # log likelihood of the chosen law less that of the same without fat tails


def study_growth(source: str | Path) -> Growth:
    """Return the choice of opening growth and all evidence for it. Raises InputError for a scenario or a file of run rates that is wrong."""
    scenario = load_scenario(source)
    rates = read_run_rates(scenario)
    own, planned = plans_of(scenario)
    halves, yearly = find_halves(rates), yearly_growth(rates)
    chosen = choose(halves, yearly, own)
    if chosen is None:
        raise InputError([f"{RUN_RATES} has too few run rates: a dispersion needs {FEWEST} yearly growth rates and two half-years that follow each other."])
    firms = list(dict.fromkeys(half.entity for half in halves))
    without = {firm: choose([half for half in halves if half.entity != firm], [one for one in yearly if one[0] != firm], own) for firm in firms}
    known = forecasts(halves)
    normal = with_best_reference(chosen.law._replace(outlier=0.0), own, known)[1]
    by_firm = {firm: np.full(len(halves), np.nan) if other is None else below(other.law, own, known) for firm, other in without.items()}
    return Growth(
        scenario,
        rates,
        yearly,
        [opening_of(entity, growth, rates, scenario.run.start) for entity, growth in planned.items()],
        halves,
        chosen,
        without,
        below(chosen.law, own, known),
        np.array([by_firm[half.entity][i] for i, half in enumerate(halves)]),
        log_likelihood(chosen.law, own, known) - normal,
    )


def plans_of(scenario: Scenario) -> tuple[OwnShocks, dict[str, float]]:
    """Return the own shocks of the first process, which stand for all, and the planned growth of the first year by entity with a process."""
    calendar = scenario.run.calendar
    compiled = compile_scenario(scenario)
    names, rows, year = compiled.names.processes, compiled.model.factors.revenue, calendar.steps_a_year
    if not names or calendar.steps < year:
        raise InputError([f"{scenario.name} has no revenue process over a year; give a lab process_sd0, and run.steps at least a year."])
    figures = next(entity.figures for entity in scenario.network.entities if entity.id == names[0])
    sd0, sd1, tau, growth_sd = (float(figures[name] or 0.0) for name in ("process_sd0", "process_sd1", "process_sd_tau", "growth_sd"))
    own = OwnShocks(sd0, sd0 if figures["process_sd1"] is None else sd1, tau, growth_sd)
    planned = {name: float(np.log(rows.plan[i, year - 1] / rows.plan0[i])) for i, name in enumerate(names)}
    return own, planned


def choose(halves: list[Half], yearly: list[tuple[str, int, float]], own: OwnShocks) -> Choice | None:
    """Return decay and dispersion by rules 2 and 3; None where there are too few growth rates."""
    if len(yearly) < FEWEST or not halves:
        return None
    known = forecasts(halves)

    def fit(sd: float, decay: float) -> tuple[Law, float]:
        return with_best_reference(Law(0.0, float(sd), float(decay)), own, known)

    fits = [[fit(sd, decay) for decay in DECAYS] for sd in SDS]
    profile = np.array([[likelihood for _, likelihood in row] for row in fits])
    best, highest = max((one for row in fits for one in row), key=lambda one: one[1])
    decay = mean_decay(profile)
    floor = highest - REJECTED

    def above(sd: float) -> float:
        return fit(sd, decay)[1] - floor

    begin = SDS[int(np.argmax([above(sd) for sd in SDS]))]
    largest = float(brentq(above, begin, WIDEST, xtol=1e-4)) if above(begin) > 0.0 > above(WIDEST) else float(begin)
    spread = float(np.std([growth for _, _, growth in yearly], ddof=1))
    across = opening_sd(spread, decay, own)
    return Choice(profile, best, highest, largest, spread, across, fit(min(largest, across), decay)[0])


def mean_decay(profile: Array) -> float:
    """Return the mean of the decay under the likelihood [SDS, DECAYS] with flat priors, by the trapezoidal rule."""
    prior = (SDS >= PRIOR_SDS[0]) & (SDS <= PRIOR_SDS[1])
    density = np.trapezoid(np.exp(profile[prior] - profile.max()), SDS[prior], axis=0)
    return float(np.trapezoid(density * DECAYS, DECAYS) / np.trapezoid(density, DECAYS))


def opening_sd(yearly: float, decay: float, own: OwnShocks) -> float:
    """Return the dispersion of opening growth that gives a year's growth that of `yearly`; 0 where own shocks do already."""
    rest = yearly**2 - float(own_variance(own, decay, 1.0))
    return float(np.sqrt(max(rest, 0.0)) / gain(decay, 1.0))


def find_halves(rates: list[RunRate]) -> list[Half]:
    """Return, for every run rate with a run rate at least `SHORTEST` before and after it, growth since the last such before it up to the first such after it."""
    found = []
    for entity, series in by_entity(rates).items():
        for here in series:
            before = [one for one in series if years_between(one.day, here.day) >= SHORTEST]
            after = [one for one in series if years_between(here.day, one.day) >= SHORTEST]
            if before and after:
                span, ahead = years_between(before[-1].day, here.day), years_between(here.day, after[0].day)
                trailing = float(np.log(here.value / before[-1].value)) / span
                found.append(Half(entity, here.day, after[0].day, trailing, ahead, float(np.log(after[0].value / here.value))))
    return found


def forecasts(halves: list[Half]) -> Forecasts:
    """Return half-years as arrays. Those of a firm weigh together as many as fit into its time without overlap: its time over the sum of their lengths."""
    weights = {}
    for entity in {half.entity for half in halves}:
        here = [half for half in halves if half.entity == entity]
        weights[entity] = covered(here) / sum(half.years for half in here)
    columns = ([half.trailing, half.years, half.moved, weights[half.entity]] for half in halves)
    return Forecasts(*np.array(list(columns), float).reshape(-1, 4).T)


def covered(halves: Iterable[Half]) -> float:
    """Return the years that lie in at least one of the half-years."""
    total, end = 0.0, date.min
    for half in sorted(halves, key=lambda one: one.origin):
        total += max(0.0, years_between(max(half.origin, end), half.target)) if half.target > end else 0.0
        end = max(end, half.target)
    return total


def yearly_growth(rates: list[RunRate]) -> list[tuple[str, int, float]]:
    """Return the growth of each whole year back from the last run rate of a firm, run rates linear in logarithms between their days."""
    found = []
    for entity, series in by_entity(rates).items():
        last, whole = series[-1].day, int(years_between(series[0].day, series[-1].day) + 0.01)  # 365 days are a year too
        levels = [level(series, last, -float(back)) for back in range(whole + 1)]
        found += [(entity, back, newer - older) for back, (newer, older) in enumerate(pairwise(levels), start=1)]
    return found


def opening_of(entity: str, planned: float, rates: list[RunRate], start: date) -> Opening:
    """Return growth around the opening."""
    series = by_entity(rates).get(entity, [])
    trailing: list[float | None] = [None, None]
    if series and years_between(series[-1].day, start) <= FRESH:
        length, last = years_between(series[0].day, series[-1].day) + 0.01, series[-1].day
        trailing = [(level(series, last) - level(series, last, -back)) / back if back <= length else None for back in (1.0, 0.5)]
    return Opening(entity, trailing[0], trailing[1], planned)


def level(series: list[RunRate], day: date, shift: float = 0.0) -> float:
    """Return the logarithm of the run rate of a firm `shift` years after a day."""
    moments = [years_between(day, one.day) for one in series]
    return float(np.interp(shift, moments, [np.log(one.value) for one in series]))


def by_entity(rates: list[RunRate]) -> dict[str, list[RunRate]]:
    """Return the run rates of every firm by day."""
    return {entity: sorted((one for one in rates if one.entity == entity), key=lambda one: one.day) for entity in dict.fromkeys(one.entity for one in rates)}


def years_between(first: date, last: date) -> float:
    """Return the years from one day to another."""
    return (last - first).days / YEAR


def read_run_rates(scenario: Scenario) -> list[RunRate]:
    """Read the run rates beside any file of the scenario. Raises InputError with all faults, run rates that look ahead among them."""
    path = scenario.beside(RUN_RATES)
    if path is None:
        raise InputError(
            [f"{scenario.name} has no {RUN_RATES} beside its tables; write run rates before its opening there, with the columns {', '.join(COLUMNS)}."]
        )
    problems: list[str] = []
    seen: dict[tuple[str, date], Row] = {}
    found = []
    for row in read_table(path, COLUMNS, ("entity", "date"), problems) or ():
        one = read_run_rate(row, scenario, problems)
        if one is None:
            continue
        if other := seen.get((one.entity, one.day)):
            problems.append(f"{row.place}: line {other.line} has the same entity and day; keep one.")
        seen[one.entity, one.day] = row
        found.append(one)
    refuse_if_any(problems or ([] if found else [f"{path.name} holds no run rate; write at least one row."]))
    return found


def read_run_rate(row: Row, scenario: Scenario, problems: list[str]) -> RunRate | None:
    """Read a row; None where it is wrong, and the sentences go to `problems`."""
    before, run = len(problems), scenario.run
    need_entity(row, "entity", [entity.id for entity in scenario.network.entities if not entity.outside], problems)
    read_choice(row, "unit", (UNIT,), problems)
    for column in ("date", "known_on", "source"):
        need_text(row, column, problems)
    day, known_on = (read_date(row, column, problems, last=True) for column in ("date", "known_on"))
    value = read_number(row, "value", problems)
    if value == 0:
        problems.append(f"{row.place}: value is 0; growth needs a run rate above 0.")
    informed = run.information_date or run.start
    if day is not None and day > run.start:
        problems.append(f"{row.place}: {day} is after the opening {run.start}; what came later is an outcome (outcomes.csv) and chooses nothing.")
    if known_on is not None and known_on > informed:
        problems.append(f"{row.place}: known on {known_on}, after the information date {informed}; leave it out.")
    if day is not None and known_on is not None and known_on < day:
        problems.append(f"{row.place}: known on {known_on}, before its day {day}; correct one of them.")
    if len(problems) > before or day is None or value is None:
        return None
    return RunRate(row["entity"], day, value)
