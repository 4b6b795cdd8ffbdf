"""Apply the shocks of a scenario to its compiled model: everything that they do not name stays as it was calibrated."""

from collections.abc import Collection
from datetime import date
from typing import NamedTuple

import numpy as np

from simulate.calendar import Calendar
from simulate.compile.rows import Rows
from simulate.errors import did_you_mean
from simulate.model import BALANCE, COMMITMENT, Model, freeze
from simulate.scenario.shocks import DealShock, EntityShock, Shocks


class Place(NamedTuple):
    """Where a sentence begins, and where faults go."""

    key: str
    problems: list[str]

    def fault(self, sentence: str) -> None:
        """Add a sentence."""
        self.problems.append(f"{self.key}: {sentence}")


def apply_shocks(model: Model, shocks: Shocks, rows: Rows, deals: Collection[str], calendar: Calendar, problems: list[str]) -> Model:
    """Return the model with shocks; `deals`: ids of the deals of the network. Faults go to `problems`."""
    for name, shock in shocks.deals.items():
        place = Place(f"shocks.deals.{name}", problems)
        if name not in deals:
            place.fault(f"there is no deal '{name}'{did_you_mean(name, deals)}; name one of the deals table.")
        else:
            model = shock_deal(model, shock, model.legs.deal == rows.deal[name], calendar, place)
    for name, change in shocks.entities.items():
        place = Place(f"shocks.entities.{name}", problems)
        row = rows.entity.get(name)
        if row is None:
            place.fault(f"there is no entity '{name}'{did_you_mean(name, rows.entity)}; name one of the entities table.")
        elif model.entities.outside[row]:
            place.fault(f"'{name}' is an outside node, which has no balance sheet and never fails; name an inside entity.")
        else:
            model = shock_entity(model, change, row, calendar, place)
    return model


def shock_deal(model: Model, shock: DealShock, mine: np.ndarray, calendar: Calendar, place: Place) -> Model:
    """Return the model with a shock to the legs of a deal, `mine` [L]."""
    legs = model.legs
    balances = mine & (legs.driver == BALANCE)
    if shock.rate and not balances.any():
        place.fault("has a rate, but the deal is no loan; drop it.")
    rate_fixed = np.where(balances, legs.rate_fixed + shock.rate, legs.rate_fixed)
    step = step_of(shock.ends, "ends", calendar, place)
    if step is None:
        return model._replace(legs=freeze(legs._replace(rate_fixed=rate_fixed)))
    if not mine.any():
        place.fault("ends a stake that is held at the opening; a stake does not end (its issuer can fail).")
    later = np.arange(calendar.steps) >= step
    none_drawn = np.where(balances[:, None] & later, 0.0, legs.draw)
    none_bought = np.where((mine & (legs.driver == COMMITMENT))[:, None] & later, 0.0, legs.sched)
    ends = np.where(mine & ~balances, step, legs.ends_step)
    return model._replace(legs=freeze(legs._replace(rate_fixed=rate_fixed, draw=none_drawn, sched=none_bought, ends_step=ends)))


def shock_entity(model: Model, shock: EntityShock, row: int, calendar: Calendar, place: Place) -> Model:
    """Return the model with a shock to an entity."""
    entities = model.entities
    mine = np.arange(len(entities.cash0)) == row
    cash = entities.cash0 + shock.cash * mine
    if cash[row] < 0.0:
        place.fault(f"takes {-shock.cash:g} of cash, but it has {entities.cash0[row]:g} USD bn at the opening; take at most that.")
    first = step_of(shock.revenue_from, "revenue_from", calendar, place) or 0
    hit = mine[:, None] & (np.arange(calendar.steps) >= first)
    fails = step_of(shock.fails, "fails", calendar, place)
    changed = entities._replace(
        cash0=cash,
        rev_ext=np.where(hit, entities.rev_ext * shock.revenue, entities.rev_ext),
        fails_step=np.where(mine, -1 if fails is None else fails, entities.fails_step),
    )
    return model._replace(entities=freeze(changed))


def step_of(day: date | None, key: str, calendar: Calendar, place: Place) -> int | None:
    """Return the step that holds a day of the run; None for no day, and for one that is not in the run, which is a fault."""
    if day is None:
        return None
    step = calendar.step_of(day)
    if 0 <= step < calendar.steps:
        return step
    place.fault(
        f"{key} = {day} is not in the run, which goes from the day after {calendar.start} to {calendar.end_of(calendar.steps - 1)}; choose a day in it."
    )
    return None
