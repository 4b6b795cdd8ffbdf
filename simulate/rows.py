"""Names to rows: drafts and figures become the read-only arrays of `simulate.model`. Nothing is decided here but the order of rows."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from simulate.bridge import Plan
from simulate.deals.drafts import HoldingDraft, LegDraft, delay_share
from simulate.model import BALANCE, SCHEDULED, Entities, Fleet, Holdings, Legs
from simulate.network import Entity
from simulate.opening import OpeningValue
from simulate.plans import Array, Calendar, run_balance

FUND_HEADROOMS = ("fund_leverage", "fund_ltv")


class Rows(NamedTuple):
    """Row numbers of names."""

    entity: Mapping[str, int]
    deal: Mapping[str, int]
    leg: Mapping[str, int]
    group: Mapping[str, int]
    process: Mapping[str, int]
    owner: Mapping[str, int]


def freeze(rows):
    """The NamedTuple with its arrays contiguous, int64 or float64, and read-only."""
    values = []
    for value in rows:
        if isinstance(value, (np.ndarray, list, tuple)):
            array = np.asarray(value)
            array = np.ascontiguousarray(array, dtype=np.int64 if array.dtype.kind == "i" else np.float64).copy()
            array.flags.writeable = False
            value = array
        values.append(value)
    return type(rows)(*values)


def rows_of(values: Sequence[int]) -> Array:
    """int64 even when empty."""
    return np.array(values, dtype=np.int64)


# Entities


def entity_rows(
    entities: Sequence[Entity], plans: Sequence[Plan], opening: Mapping[str, OpeningValue], rows: Rows, calendar: Calendar, smoothing: float
) -> Entities:
    """Section 3 and 4 by entity; the last row is the insurer, which has no figures."""
    n, dt = len(entities) + 1, calendar.dt

    def each(make, empty: float = 0.0) -> Array:
        """[n] a number of every inside entity, `empty` for outside nodes and the insurer."""
        return np.array([empty if e.outside else float(make(e)) for e in entities] + [empty])

    def figure(name: str, empty: float = 0.0) -> Array:
        return each(lambda e: e.figures[name] or 0.0, empty)

    def by_step(make) -> Array:
        """[n, T] from plans."""
        table = np.zeros((n, calendar.steps))
        for i, (entity, plan) in enumerate(zip(entities, plans, strict=True)):
            if not entity.outside:
                table[i] = make(entity, plan)
        return table

    quarters = 4 * dt
    receipts = by_step(lambda e, p: p.receipts)
    ebitda = by_step(lambda e, p: p.ebitda)
    return freeze(
        Entities(
            outside=1.0 - each(lambda e: 1.0),
            restructures=each(lambda e: e.policy == "restructure"),
            systemic=each(lambda e: e.systemic),
            revenue_process=rows_of([rows.process.get(e.id, -1) for e in entities] + [-1]),
            owner=rows_of([rows.owner.get(e.id, -1) for e in entities] + [-1]),
            rev_ext=by_step(lambda e, p: p.external),
            cost_fixed=by_step(lambda e, p: p.cost_fixed),
            cost_var=np.array([0.0 if e.outside else p.cost_var for e, p in zip(entities, plans, strict=True)] + [0.0]),
            ai_share=figure("ai_share"),
            rental_share=figure("rental_share"),
            capacity_share=figure("capacity_share"),
            flex=figure("flex"),
            runway_years=figure("runway_years", 1.0),
            headroom=figure("headroom"),
            is_lab=each(lambda e: e.lab),
            plan_external=by_step(lambda e, p: p.external if e.id in rows.process else 0.0 * p.external),
            cash0=figure("cash"),
            min_cash=figure("min_cash"),
            line0=figure("credit_line"),
            cash_target=by_step(lambda e, p: cash_target(e, p.fcf, calendar)),
            payout=each(lambda e: 1.0 - (1.0 - e.figures["payout"]) ** quarters),
            payout_above=figure("payout_above"),
            insider=figure("insider"),
            fund_equity=each(lambda e: e.figures["fund_phi"] > 0),
            fund_phi=figure("fund_phi") * quarters,
            fund_advance=figure("fund_advance"),
            fund_flat=figure("fund_flat") * dt,
            fund_leverage=figure("fund_leverage"),
            fund_ltv=figure("fund_ltv"),
            fund_unbounded=each(lambda e: all(e.figures[name] is None for name in FUND_HEADROOMS)),
            new_debt_leg=rows_of([rows.leg.get(f"new_debt:{e.id}", -1) for e in entities] + [-1]),
            receipts_plan=np.array([smooth(row, smoothing) for row in receipts]),
            ebitda_plan=np.array([smooth(row, smoothing) for row in ebitda]),
            ebitda_fwd=np.array([next_year(row, calendar) for row in ebitda]),
            receipts0=receipts[:, 0].copy(),
            ebitda0=ebitda[:, 0].copy(),
            capex_plan=by_step(lambda e, p: p.capex),
            committed=figure("committed"),
            follow=figure("follow"),
            power_follow=figure("power_follow"),
            in_race=each(lambda e: e.race),
            kappa=figure("kappa"),
            equity0=figure("equity_value"),
            core0=each(lambda e: opening[e.id].core),
            core_beta=figure("core_beta"),
            core_haircut=figure("core_haircut"),
            mult0=each(lambda e: opening[e.id].multiple),
            mult_mature=figure("mult_mature"),
            mult_tau=figure("mult_tau", 1.0),
        )
    )


def smooth(amounts: Array, weight: float) -> Array:
    """[T] z_t = z_{t-1} + weight (x_t - z_{t-1}) from z = x_0."""
    z, out = amounts[0], np.empty_like(amounts)
    for t, x in enumerate(amounts):
        z += weight * (x - z)
        out[t] = z
    return out


def next_year(amounts: Array, calendar: Calendar) -> Array:
    """[T] sum of the four quarters from each step on, flat beyond the horizon. USD bn a year."""
    steps = calendar.steps_a_year
    padded = np.concatenate([amounts, np.full(steps, amounts[-1])])
    return np.array([padded[t : t + steps].sum() for t in range(len(amounts))])


def cash_target(entity: Entity, fcf: Array, calendar: Calendar) -> Array:
    """[T] minimum cash plus the buffer, or plus the planned burn of the next `prefund_years` when that is more. USD bn."""
    figures = entity.figures
    ahead = figures["prefund_years"] / calendar.dt
    whole = int(ahead)
    burn = np.maximum(0.0, -fcf)
    padded = np.concatenate([burn, np.full(whole + 1, burn[-1])])
    need = np.array([padded[t : t + whole].sum() + (ahead - whole) * padded[t + whole] for t in range(len(fcf))])
    return figures["min_cash"] + np.maximum(figures["cash_buffer"], need)


def fleet_rows(entities: Sequence[Entity], plans: Sequence[Plan], rows: Rows) -> Fleet:
    """Owners in the order of entities."""
    owners = [(e, p) for e, p in zip(entities, plans, strict=True) if e.id in rows.owner]
    steps = plans[0].capex.shape[0]

    def figure(name: str) -> Array:
        return np.array([e.figures[name] for e, _ in owners], float)

    added = np.array([p.capex / e.figures["cost_per_gw"] for e, p in owners]).reshape(len(owners), steps)
    before = np.concatenate([np.zeros((len(owners), 1)), np.cumsum(added, axis=1)[:, :-1]], axis=1)
    return freeze(
        Fleet(
            entity=rows_of([rows.entity[e.id] for e, _ in owners]),
            fleet0=figure("fleet_cost"),
            fleet_span=figure("fleet_span"),
            book_life=figure("book_life"),
            gw0=figure("gw"),
            plan_gw=before,
            power_exposure=figure("power_exposure"),
            cost_per_gw=figure("cost_per_gw"),
            chip_of_capex=figure("chip_of_capex"),
            replace_price=figure("replace_price"),
            stranded_deal=rows_of([rows.deal[f"own:{e.id}"] for e, _ in owners]),
        )
    )


# Legs and holdings

PLAIN = (
    "seniority",
    "driver",
    "follow",
    "supply",
    "ends_with_payee",
    "haircut",
    "operating",
    "relet",
    "saved",
    "contract",
    "replaces",
    "damages",
    "bal0",
    "rate_fixed",
    "rate_float",
    "rate_spread",
    "ltv",
    "coll_fleet",
    "coll_core",
    "coll_stake",
    "capex_share",
    "chip_share",
    "gate_gw",
    "cover_share",
    "cover_cap",
)


def leg_rows(legs: Sequence[LegDraft], holdings: Sequence[HoldingDraft], entities: Sequence[Entity], rows: Rows, calendar: Calendar) -> Legs:
    """One row a draft."""
    steps, dt = calendar.steps, calendar.dt
    holding = {h.deal: k for k, h in enumerate(holdings)}
    values = {name: np.array([getattr(leg, name) for leg in legs], np.int64 if name in ("seniority", "driver") else np.float64) for name in PLAIN}
    host = rows_of([rows.entity[leg.host] if leg.host in rows.owner else -1 for leg in legs])
    values["follow"] = np.where(host < 0, 0.0, values["follow"])  # nobody in the network delivers: delivered in full

    def by_step(series: Sequence[Array]) -> Array:
        """[L, T], also of no legs."""
        return np.array(series, float).reshape(len(legs), steps)

    sched = by_step([np.zeros(steps) if leg.sched is None else leg.sched for leg in legs])
    delay = np.array([delay_share(leg.days, dt) for leg in legs])
    own = {e.id: e.figures["own_compute"] for e in entities}
    return freeze(
        Legs(
            **values,
            payer=rows_of([rows.entity[leg.payer] for leg in legs]),
            payee=rows_of([rows.entity[leg.payee] for leg in legs]),
            deal=rows_of([rows.deal[leg.deal] for leg in legs]),
            group=rows_of([rows.group[leg.group] for leg in legs]),
            sched=sched,
            host=host,
            supply_weight=supply_weights(legs, sched, own),
            delay=delay,
            receivable0=np.array([leg.running and leg.driver == SCHEDULED and not leg.group for leg in legs]) * delay * sched[:, 0],
            remaining=by_step([after(leg, row) for leg, row in zip(legs, sched, strict=True)]),
            amort=by_step([amortisation(leg, calendar) for leg in legs]),
            draw=by_step([np.zeros(steps) if leg.draw is None else leg.draw for leg in legs]),
            coll_holding=rows_of([holding.get(leg.coll_deal, -1) for leg in legs]),
            gate_owner=rows_of([rows.owner.get(leg.gate_host, -1) for leg in legs]),
            buys_holding=rows_of([holding.get(leg.buys_deal, -1) for leg in legs]),
            covers=rows_of([rows.leg.get(leg.covers, -1) for leg in legs]),
        )
    )


def amortisation(leg: LegDraft, calendar: Calendar) -> Array:
    """[T] share of the balance before that falls due."""
    if leg.driver != BALANCE:
        return np.zeros(calendar.steps)
    if leg.tenor > 0:
        return np.full(calendar.steps, min(1.0, calendar.dt / leg.tenor))
    return run_balance(leg.bal0, leg.principal, leg.draw, leg.last_step).amort


def after(leg: LegDraft, sched: Array) -> Array:
    """[T] scheduled after each step within the horizon, USD bn; 0 for what is no schedule of amounts."""
    if leg.driver != SCHEDULED:
        return np.zeros(len(sched))
    return np.concatenate([np.cumsum(sched[::-1])[::-1][1:], [0.0]])


def supply_weights(legs: Sequence[LegDraft], sched: Array, own: Mapping[str, float]) -> Array:
    """[L, T] share of each supply leg in the compute of its payer; what is missing to 1 is its own."""
    weights = np.zeros_like(sched)
    for payer in dict.fromkeys(leg.payer for leg in legs if leg.supply):
        supply = [k for k, leg in enumerate(legs) if leg.supply and leg.payer == payer]
        total = sched[supply].sum(axis=0)
        share = np.divide(sched[supply], total, out=np.zeros((len(supply), sched.shape[1])), where=total > 0)
        weights[supply] = share * (1.0 - own.get(payer, 0.0))
    return weights


def holding_rows(holdings: Sequence[HoldingDraft], rows: Rows, entities: int) -> Holdings:
    """Stakes; those of one issuer sum to 1 with the outside holder's."""
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
