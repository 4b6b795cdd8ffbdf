"""Revenue processes of entities, groups of uncertain deals, and the short rate that plans assume."""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np

from simulate.calendar import Calendar
from simulate.compile.bridge import Plan, Setting
from simulate.deals.legs import LegDraft
from simulate.factors import short_rate
from simulate.factors.section import RIGID, Flexibility, Group, OwnMove, Process, Timeline
from simulate.model import Array
from simulate.network.checks import SURE, groups_of, size_of
from simulate.network.entities import Entity
from simulate.scenario.load import Scenario


def planned_rate(scenario: Scenario, calendar: Calendar) -> Array:
    """[T] mean short rate before each step, per year, as plans assume it: without the shift of a scenario, which residuals would offset."""
    section = scenario.factors.short_rate.model_copy(update={"shift": 0.0})
    mean = short_rate.mean_rate(section, Timeline(calendar.start, calendar.steps, calendar.dt))
    return np.concatenate([[section.start], mean[:-1]])


def year_ends(calendar: Calendar) -> tuple[date, ...]:
    """Return the last day of each year of the run; the last year ends with the run."""
    years = calendar.years_of_run()
    return tuple(calendar.end_of(int(np.flatnonzero(years == year)[-1])) for year in range(int(years[-1]) + 1))


def base_discount(scenario: Scenario, calendar: Calendar) -> Array:
    """[Y] mean discount factor of the steps of each year on a curve that no stress of rates moves: `run.curve`, or the expected short rate of the base."""
    timeline = Timeline(calendar.start, calendar.steps, calendar.dt)
    if scenario.run.curve is None:
        integral = short_rate.mean_integral(scenario.base_rate, timeline)
    else:
        integral = timeline.at_step_ends(scenario.run.curve) * timeline.step_ends()
    years, factors = calendar.years_of_run(), np.exp(-integral)
    return np.array([factors[years == year].mean() for year in range(int(years[-1]) + 1)])


def make_processes(entities: tuple[Entity, ...], plans: list[Plan], setting: Setting, steps: int) -> list[Process]:
    """Return the revenue processes of the entities that have a volatility, for a run of so many steps."""
    processes, calendar = [], setting.calendar
    for entity, plan in zip(entities, plans, strict=True):
        figures = entity.figures
        volatility, later = figures["process_sd0"], figures["process_sd1"]
        if entity.outside or volatility is None:
            continue
        external = plan.external[:steps]
        if not np.all(external > 0):
            year = calendar.year_of_step()[int(np.argmin(external))]
            setting.problems.append(
                f"{setting.file}: '{entity.id}': its external revenue of {year} is 0 in some step, but a revenue process (process_sd0) needs a plan above 0; "
                "correct the plan or drop process_sd0."
            )
            continue
        given = figures["opening_revenue"]
        total = sum(entity.plans.get("plan_revenue", {}).get(year, 0.0) for year in calendar.years[:1])
        reported = total / calendar.steps_a_year
        # The opening figure is total revenue; its external share is that of the first year's plan.
        first_year = plan.external[calendar.year_of_step() == calendar.first_year]
        share = 1.0 if reported == 0 or entity.bridge == "fcf" else float(first_year.mean()) / reported
        opening = float(external[0]) if given is None else given * 4 * calendar.dt * share
        processes.append(
            Process(
                entity.id,
                opening,
                external,
                entity.figure("process_loading"),
                volatility,
                volatility if later is None else later,
                entity.figure("process_sd_tau"),
                entity.figure("growth_sd"),
                entity.figure("growth_decay"),
                entity.figure("regime_shift"),
                entity.lab,
                entity.figure("growth0"),
                entity.figure("growth_sd0"),
                Flexibility(*(entity.figure(name) for name in ("contract_floor", "contract_ceiling", "contract_years", "cancel_fee"))),
            )
        )
    return processes


def make_surprises(entities: tuple[Entity, ...], steps: int) -> list[Process]:
    """Return processes around 1 for the entities whose revenue has surprises of its own but follows the demand of others."""
    at_plan = np.ones(steps)
    return [
        Process(entity.id, 1.0, at_plan, 0.0, entity.figure("surprise_sd"), entity.figure("surprise_sd"), 0.0, 0.0, 1.0, 0.0, False)
        for entity in entities
        if not entity.outside and entity.figure("surprise_sd") > 0
    ]


def make_moves(entities: tuple[Entity, ...]) -> list[OwnMove]:
    """Return the own moves of value and spread of the entities that have a volatility of them."""
    inside = [entity for entity in entities if not entity.outside]
    return [OwnMove(entity.id, kind, entity.figure(f"{kind}_sd")) for kind in ("value", "spread") for entity in inside if entity.figure(f"{kind}_sd") > 0]


def find_volumes(legs: Sequence[LegDraft], processes: Sequence[Process], groups: Mapping[str, int]) -> list[tuple[int, int]]:
    """Return group and process of the customer of every contract for compute whose volume moves, each pair once."""
    movable = {process.name: row for row, process in enumerate(processes) if process.flexibility[:2] != RIGID[:2]}
    return sorted({(groups[leg.group], movable[leg.payer]) for leg in legs if leg.carries_compute and leg.payer in movable})


def make_groups(scenario: Scenario) -> list[Group]:
    """Return the sure group and the groups of deals; [factors.execution] gives probabilities by status and sizes where deals give none."""
    execution = scenario.factors.execution
    chances = {str(status): chance for status, chance in execution.probability.items()}
    groups = [Group(SURE, 1.0, 1.0, 1.0)]
    for name, deals in groups_of(scenario.network).items():
        chance = deals[0].probability
        if chance is None:
            chance = chances.get(deals[0].status, 1.0)  # completed and binding deals are executed
        groups.append(Group(name, chance, *size_of(deals, execution.size_low, execution.size_high)))
    return groups
