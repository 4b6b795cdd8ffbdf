"""Turn drafts, plans and figures into the read-only arrays of `simulate.model`; derive cash targets, supply weights and amortisation by step.

Names become row numbers, and figures of a quarter or a year those of a step. Fields of the same name are copied: figures into `Entities` and
`Fleet`, terms of legs (deals/legs.py) into `Legs`. Only the other fields are named here.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from simulate.calendar import Calendar, next_year, smooth
from simulate.compile.bridge import Plan, cash_target
from simulate.compile.opening import OpeningValue
from simulate.deals.legs import FIELDS, HoldingDraft, LegDraft, Scheduled, supply_weights, values_of
from simulate.model import Array, Entities, Fleet, Holdings, Legs, freeze
from simulate.network.entities import Entity
from simulate.network.figures import FIGURES

FUND_HEADROOMS = ("fund_leverage", "fund_ltv")
OUTSIDE = {"runway_years": 1.0, "mult_tau": 1.0}  # figures of outside nodes that are not 0: the step divides by them


class Rows(NamedTuple):
    """Row numbers of names."""

    entity: Mapping[str, int]
    deal: Mapping[str, int]
    leg: Mapping[str, int]
    group: Mapping[str, int]
    process: Mapping[str, int]
    surprise: Mapping[str, int]
    move: Mapping[str, int]  # by kind and entity
    volume: Mapping[tuple[int, int], int]  # by group and process of the customer
    owner: Mapping[str, int]


def rows_of(values: Sequence[int]) -> Array:
    """Return the values as int64, also when there are none."""
    return np.array(values, dtype=np.int64)


# Entities


def entity_rows(
    entities: Sequence[Entity],
    plans: Sequence[Plan],
    opening: Mapping[str, OpeningValue],
    legs: Sequence[LegDraft],
    rows: Rows,
    calendar: Calendar,
    smoothing: float,
) -> Entities:
    """Return the rows of entities (docs/model.md, sections 3 and 4); the last one is the insurer, which has no figures."""
    n, dt = len(entities) + 1, calendar.dt
    quarters = 4 * dt

    def each(make: Callable[[Entity], float], empty: float = 0.0) -> Array:
        """[n] a number of every inside entity, `empty` for outside nodes and the insurer."""
        return np.array([empty if e.outside else float(make(e)) for e in entities] + [empty])

    def figure(name: str) -> Array:
        """[n] a figure, 0 where it is blank."""
        return each(lambda e: e.figures[name] or 0.0, OUTSIDE.get(name, 0.0))

    def row_in(numbers: Mapping[str, int], prefix: str = "") -> Array:
        """[n] rows of the entities in another table, -1 where they have none."""
        return rows_of([numbers.get(prefix + e.id, -1) for e in entities] + [-1])

    def by_step(make: Callable[[Entity, Plan], Array]) -> Array:
        """[n, T] amounts from the plans, 0 for outside nodes and the insurer."""
        table = np.zeros((n, calendar.steps))
        for i, (entity, plan) in enumerate(zip(entities, plans, strict=True)):
            if not entity.outside:
                table[i] = make(entity, plan)
        return table

    receipts = by_step(lambda e, p: p.receipts)
    ebitda = by_step(lambda e, p: p.ebitda)
    values = {name: figure(name) for name in Entities._fields if name in FIGURES}
    values |= {
        "outside": 1.0 - each(lambda e: 1.0),
        "restructures": each(lambda e: e.policy == "restructure"),
        "systemic": each(lambda e: e.systemic),
        "revenue_process": row_in(rows.process),
        "surprise": row_in(rows.surprise),
        "value_move": row_in(rows.move, "value:"),
        "spread_move": row_in(rows.move, "spread:"),
        "owner": row_in(rows.owner),
        "rev_ext": by_step(lambda e, p: p.external),
        "cost_fixed": by_step(lambda e, p: p.cost_fixed),
        "cost_var": np.array([0.0 if e.outside else p.cost_var for e, p in zip(entities, plans, strict=True)] + [0.0]),
        "is_lab": each(lambda e: e.lab),
        "compute_price": by_step(lambda e, p: compute_price(e, legs, calendar.steps)),
        "plan_external": by_step(lambda e, p: p.external if e.id in rows.process else 0.0 * p.external),
        "cash0": figure("cash"),
        "line0": figure("credit_line"),
        "cash_target": by_step(lambda e, p: cash_target(e, p.fcf, calendar)),
        "payout": each(lambda e: 1.0 - (1.0 - e.figure("payout")) ** quarters),
        "fund_phi": figure("fund_phi") * quarters,
        "rescue": figure("rescue") * quarters,
        "fund_flat": figure("fund_flat") * dt,
        "fund_unbounded": each(lambda e: all(e.figures[name] is None for name in FUND_HEADROOMS)),
        "new_debt_leg": row_in(rows.leg, "new_debt:"),
        "receipts_plan": np.array([smooth(row, smoothing) for row in receipts]),
        "ebitda_plan": np.array([smooth(row, smoothing) for row in ebitda]),
        "ebitda_fwd": np.array([next_year(row, calendar) for row in ebitda]),
        "receipts0": receipts[:, 0],
        "ebitda0": ebitda[:, 0],
        "capex_plan": by_step(lambda e, p: p.capex),
        "in_race": each(lambda e: e.race),
        "equity0": figure("equity_value"),
        "core0": each(lambda e: opening[e.id].core),
        "mult0": each(lambda e: opening[e.id].multiple),
        "fails_step": rows_of([-1] * n),
    }
    return freeze(Entities(**values))


def compute_price(entity: Entity, legs: Sequence[LegDraft], steps: int) -> Array:
    """[T] planned payments for compute over its share that is not the entity's own, USD bn a step."""
    paid = sum(
        (leg.driver.sched[:steps] for leg in legs if isinstance(leg.driver, Scheduled) and leg.carries_compute and leg.payer == entity.id), np.zeros(steps)
    )
    bought = 1.0 - (entity.figures["own_compute"] or 0.0)
    return paid / bought if bought > 0.0 else 0.0 * paid


def fleet_rows(entities: Sequence[Entity], plans: Sequence[Plan], rows: Rows) -> Fleet:
    """Return the rows of owners, in the order of entities."""
    owners = [(e, p) for e, p in zip(entities, plans, strict=True) if e.id in rows.owner]
    steps = plans[0].capex.shape[0]

    def figure(name: str) -> Array:
        return np.array([e.figures[name] for e, _ in owners], float)

    added = np.array([p.capex / e.figure("cost_per_gw") for e, p in owners]).reshape(len(owners), steps)
    values = {name: figure(name) for name in Fleet._fields if name in FIGURES}
    values |= {
        "entity": rows_of([rows.entity[e.id] for e, _ in owners]),
        "fleet0": figure("fleet_cost"),
        "gw0": figure("gw"),
        "plan_gw": np.concatenate([np.zeros((len(owners), 1)), np.cumsum(added, axis=1)[:, :-1]], axis=1),
        "stranded_deal": rows_of([rows.deal[f"own:{e.id}"] for e, _ in owners]),
    }
    return freeze(Fleet(**values))


# Legs and holdings


def volume_of(leg: LegDraft, rows: Rows) -> int:
    """Return the row of what is taken of a leg: that of its customer where it moves, else that of its group."""
    group = rows.group[leg.group]
    return rows.volume.get((group, rows.process.get(leg.payer, -1)), group) if leg.carries_compute else group


def leg_rows(legs: Sequence[LegDraft], holdings: Sequence[HoldingDraft], entities: Sequence[Entity], rows: Rows, calendar: Calendar) -> Legs:
    """Return one row for each draft; a field that a leg lacks is 0, or -1 where it is a row number."""
    values, steps, dt = [values_of(leg) for leg in legs], calendar.steps, calendar.dt
    holding = {h.deal: k for k, h in enumerate(holdings)}
    numbers = {
        "host": {name: rows.entity[name] for name in rows.owner},
        "coll_holding": holding,
        "gate_owner": rows.owner,
        "buys_holding": holding,
        "covers": rows.leg,
    }

    def field(name: str) -> Array:
        """[L], or [L, T] of amounts by step, of the field of that name of heads, drivers and their parts."""
        if name in numbers:
            return rows_of([numbers[name].get(value.get(name, ""), -1) for value in values])
        if FIELDS[name] is Array:
            return table([value.get(name) for value in values])
        return np.array([value.get(name, 0) for value in values], np.int64 if FIELDS[name] is int else np.float64)

    def table(series: Sequence[Array | None]) -> Array:
        """[L, T], also of no legs."""
        return np.array([np.zeros(steps) if row is None else row for row in series], float).reshape(len(legs), steps)

    host = field("host")
    derived = {
        "payer": rows_of([rows.entity[leg.payer] for leg in legs]),
        "payee": rows_of([rows.entity[leg.payee] for leg in legs]),
        "deal": rows_of([rows.deal[leg.deal] for leg in legs]),
        "group": rows_of([rows.group[leg.group] for leg in legs]),
        "volume_row": rows_of([volume_of(leg, rows) for leg in legs]),
        "driver": rows_of([leg.driver.number for leg in legs]),
        "follow": np.where(host < 0, 0.0, field("follow")),  # nobody in the network delivers: delivered in full
        "supply_weight": supply_weights(legs, {e.id: e.figures["own_compute"] or 0.0 for e in entities}, steps),
        "delay": np.array([leg.payment.delay(dt) for leg in legs]),
        "receivable0": np.array([leg.opening_receivable(dt) for leg in legs]),
        "remaining": table([getattr(leg.driver, "remaining", None) for leg in legs]),
        "amort": table([getattr(leg.driver, "amort", None) for leg in legs]),
        "ends_step": rows_of([-1] * len(legs)),
    }
    return freeze(Legs(**{name: derived[name] if name in derived else field(name) for name in Legs._fields}))


def holding_rows(holdings: Sequence[HoldingDraft], rows: Rows, entities: int) -> Holdings:
    """Return the rows of stakes; those of one issuer, with the outside holder's, sum to 1."""
    outside_of = np.full(entities, -1, np.int64)
    for k, h in enumerate(holdings):
        if h.deal.startswith("equity:"):
            outside_of[rows.entity[h.issuer]] = k
    return freeze(
        Holdings(
            holder=rows_of([rows.entity[h.holder] for h in holdings]),
            issuer=rows_of([rows.entity[h.issuer] for h in holdings]),
            stake0=np.array([h.stake for h in holdings], float),
            cost0=np.array([h.cost for h in holdings], float),
            deal=rows_of([rows.deal[h.deal] for h in holdings]),
            outside_of=outside_of,
        )
    )
