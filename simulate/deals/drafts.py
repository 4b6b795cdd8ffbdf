"""What a deal becomes before names are rows: leg and holding drafts, and the section of terms that all kinds share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from simulate.plans import Calendar, spread_years

Array = np.ndarray

DAYS_OF_TERMS = 365.0  # payment terms count days of a plain year

# Classes of claims (docs/model.md 4.5).
CRITICAL, SECURED, SENIOR, SUBORDINATED, COMMITTED = range(5)


def term(default, dimension: str, text: str, *, low: float | None = 0.0, high: float | None = None, alias: str | None = None):
    """A term of a deal: default (... when it must be given), dimension of its unit, bounds, and a sentence."""
    return Field(default, ge=low, le=high, description=text, alias=alias, json_schema_extra={"dimension": dimension})


def text_term(default, text: str):
    """A term that names something."""
    return Field(default, description=text, json_schema_extra={"dimension": "text"})


class Terms(BaseModel):
    """Terms that every kind of deal may have."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)

    seniority: int | None = term(None, "number", "class of the claim, 0 (critical) to 4 (commitment); blank: as the kind says", high=4, alias="class")
    size_low: float | None = term(None, "number", "least size of the deals of the group when they execute, share of the terms")
    size_high: float | None = term(None, "number", "greatest size of the deals of the group when they execute, share of the terms")


class Deal(NamedTuple):
    """One row of deals.csv with its terms and its schedule by year. Money USD bn."""

    id: str
    kind: str
    payer: str  # who owes the money; the holder of a stake
    payee: str  # who is owed; the issuer of a stake
    amount: float
    status: str
    group: str  # blank: executes surely
    probability: float | None  # of execution; None: as [factors.execution] says for its status
    start: date | None
    end: date | None
    site_group: str
    circle: str
    terms: Terms
    schedule: Mapping[str, Mapping[int, float]]  # item -> year -> USD bn a year, or ratio
    rented_gw: float  # GW that the payer rents in the same site group
    note: str
    line: int  # of deals.csv


@dataclass(frozen=True)
class LegDraft:
    """An obligation with names. Every field is explained at `simulate.model.Legs`; None stands for zeros [T]."""

    name: str
    deal: str
    payer: str
    payee: str
    driver: int
    seniority: int = SENIOR
    group: str = ""
    sched: Array | None = None
    follow: float = 0.0
    host: str = ""
    supply: float = 0.0
    ends_with_payee: float = 0.0
    haircut: float = 0.0
    operating: float = 0.0
    relet: float = 0.0
    saved: float = 0.0
    contract: float = 0.0
    replaces: float = 0.0
    days: float = 0.0
    running: bool = False  # the deal ran before the opening: the receivable of its terms is outstanding
    damages: float = 0.0
    bal0: float = 0.0
    principal: Array | None = None
    last_step: int | None = None  # clears the balance
    tenor: float = 0.0  # years; > 0: principal is balance x dt / tenor and not scheduled
    draw: Array | None = None
    rate_fixed: float = 0.0
    rate_float: float = 0.0
    rate_spread: float = 0.0
    ltv: float = 0.0
    coll_fleet: float = 0.0
    coll_core: float = 0.0
    coll_deal: str = ""  # equity_stake whose holding is the collateral
    coll_stake: float = 0.0
    capex_share: float = 0.0
    chip_share: float = 0.0
    gate_host: str = ""
    gate_gw: float = 0.0
    buys_deal: str = ""  # deal whose holding the commitment adds to
    covers: str = ""  # deal that a guarantee covers
    cover_share: float = 0.0
    cover_cap: float = 0.0


class HoldingDraft(NamedTuple):
    """A stake with names."""

    deal: str
    holder: str
    issuer: str
    stake: float
    cost: float  # USD bn


class Drafts(NamedTuple):
    """What one deal becomes."""

    legs: tuple[LegDraft, ...] = ()
    holdings: tuple[HoldingDraft, ...] = ()


class Kind(NamedTuple):
    """A member of the family: its name, its terms, the schedule items it reads and what it becomes.

    `check(deal)` yields what is wrong with one deal, as sentences without the place.
    """

    name: str
    terms: type[Terms]
    items: tuple[str, ...]
    draft: Callable[[Deal, Calendar], Drafts]
    check: Callable[[Deal, Calendar], list[str]]
    needs: tuple[str, ...] = ()  # nodes outside that its legs pay


def by_step(deal: Deal, item: str, calendar: Calendar) -> Array:
    """[T] USD bn a step of a schedule item, inside the dates of the deal."""
    return spread_years(calendar, deal.schedule.get(item, {}), active=calendar.active(deal.start, deal.end))


def is_running(deal: Deal, calendar: Calendar) -> bool:
    """True when the deal began on or before the opening day."""
    return deal.start is not None and deal.start <= calendar.start


def delay_share(days: float, dt: float) -> float:
    """Share of what is earned in a step that is paid one step later; terms longer than a step are refused before (compile.py)."""
    return days / (DAYS_OF_TERMS * dt)


def needs_schedule(deal: Deal, item: str) -> list[str]:
    """A deal that is not completed must say when it pays."""
    if deal.status == "completed" or any(deal.schedule.get(item, {}).values()):
        return []
    return [f"the kind {deal.kind} needs rows '{item}' in the schedules table (USD bn/year by calendar year)"]
