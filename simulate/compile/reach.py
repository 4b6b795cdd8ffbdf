"""How far a compilation looks: as far as the tables go, whatever the run, so that the horizon decides nothing before it.

Plans go to the last year that all of them cover: the longest run that the tables allow. Schedules of deals may go on after it, and what remains of them
counts. Everything by step is made on these two calendars, and cut to the run as the last thing.
"""

from typing import Any, TypeVar

import numpy as np

from simulate.calendar import Calendar
from simulate.compile.bridge import Plan
from simulate.model import ByStep, Entities, Fleet, Legs, freeze
from simulate.network.checks import needed_plans
from simulate.network.read import Network

Rows = TypeVar("Rows", Entities, Fleet, Legs)


def plan_calendar(network: Network, run: Calendar) -> Calendar:
    """Return the calendar through the last year that all plans cover; the same for every run, because no run is longer."""
    plans = [entity.plans.get(name, {}) for entity in network.entities if not entity.outside for name in needed_plans(entity)]
    last = run.years[-1]
    while plans and all(last + 1 in plan for plan in plans):
        last += 1
    return run.through(last)


def schedule_calendar(network: Network, plans: Calendar) -> Calendar:
    """Return the calendar through the last year with an amount in a schedule, and through the plans."""
    schedules = [
        *(amounts for deal in network.deals for amounts in deal.schedule.values()),
        *(entity.plans.get("debt_principal", {}) for entity in network.entities),
    ]
    return plans.through(max(plans.years[-1], *(year for amounts in schedules for year, amount in amounts.items() if amount), 0))


def cut_rows(rows: Rows, steps: int) -> Rows:
    """Return the rows with their first T steps."""
    by_step = [name for name, kind in type(rows).__annotations__.items() if kind is ByStep]
    return freeze(rows._replace(**{name: getattr(rows, name)[:, :steps] for name in by_step}))


def cut_plan(plan: Plan, steps: int) -> Plan:
    """Return the plan with its first T steps."""
    by_step: dict[str, Any] = {name: part[:steps] for name, part in plan._asdict().items() if isinstance(part, np.ndarray)}
    return plan._replace(**by_step)
