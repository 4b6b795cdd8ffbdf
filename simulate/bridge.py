"""Reconciliation: reported figures already contain the network, so what the deals explain is taken out and the residual is simulated.

Deals at plan are those that execute surely; balances run as scheduled, the short rate on its mean path, spread and prices at their
opening. Bridges (R external revenue, what is received from and paid to others counts only operating legs):

    fcf     R = plan revenue;                     fixed cost = R + received - paid - interest - capex - variable cost - plan FCF + replaced
    ocf     R = plan OCF + paid + interest - received;   no cost of its own
    margin  R = plan revenue - received;          cost = (1 - margin) plan revenue - paid, split into fixed and variable on R
    none    no revenue, no cost

Residuals are annual and then spread smoothly. A negative residual means that two figures contradict each other: an error that names both.
Shapes: n entities, T steps. USD bn.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from simulate.deals.drafts import LegDraft, delay_share
from simulate.model import BALANCE, CAPEX, COMMITMENT, REVENUE_SHARE, SCHEDULED
from simulate.network import Entity
from simulate.plans import Array, Calendar, run_balance, spread_residual, spread_years

PASSES = 200  # over revenue shares that depend on each other
ROUNDING = 1e-9


class Flows(NamedTuple):
    """What the sure deals bring and take at plan; all [n, T] USD bn a step."""

    received: Array
    paid: Array
    replaced: Array
    interest: Array
    principal: Array
    drawn: Array  # scheduled draws
    invested: Array  # commitments received less paid


class Plan(NamedTuple):
    """One entity at plan; [T] USD bn a step."""

    external: Array  # R
    cost_fixed: Array
    cost_var: float
    capex: Array
    receipts: Array  # R and what is received
    ebitda: Array
    fcf: Array


def fixed_flows(entities: Sequence[Entity], legs: Sequence[LegDraft], capex: Array, rate: Array, calendar: Calendar) -> Flows:
    """Flows that do not depend on anybody's revenue. `capex` [n, T]; `rate` [T] short rate before each step."""
    row = {entity.id: i for i, entity in enumerate(entities)}
    flows = Flows(*(np.zeros((len(entities), calendar.steps)) for _ in Flows._fields))
    for leg in legs:
        i, j = row[leg.payer], row[leg.payee]
        if leg.group:
            continue
        if leg.driver == SCHEDULED and leg.operating:
            cash = as_paid(leg, calendar.dt)
            flows.received[j] += leg.sched if entities[j].bridge == "margin" else cash
            flows.paid[i] += leg.sched if entities[i].bridge == "margin" else cash
            flows.replaced[i] += leg.replaces * leg.sched
        elif leg.driver == CAPEX:
            flows.received[j] += leg.operating * leg.capex_share * capex[i]
        elif leg.driver == COMMITMENT:
            flows.invested[j] += leg.sched
            flows.invested[i] -= leg.sched
        elif leg.driver == BALANCE and leg.tenor == 0:
            balance = run_balance(leg.bal0, leg.principal, leg.draw, leg.last_step)
            interest = balance.before * np.maximum(0.0, leg.rate_fixed + leg.rate_float * rate + leg.rate_spread) * calendar.dt
            flows.interest[i] += interest
            flows.principal[i] += balance.before * balance.amort
            flows.drawn[i] += leg.draw
    return flows


def as_paid(leg: LegDraft, dt: float) -> Array:
    """[T] cash of a scheduled leg: with payment terms a share of what is earned arrives one step later (docs/model.md 4.3).

    Plans of cash flow count cash. Plans of revenue and margin count what is earned; their free cash flow then lacks what customers still owe.
    """
    late = delay_share(leg.days, dt)
    opening = late * leg.sched[0] if leg.running else 0.0
    return (1 - late) * leg.sched + np.concatenate([[opening], late * leg.sched[:-1]])


def plan_entities(
    entities: Sequence[Entity], legs: Sequence[LegDraft], rate: Array, calendar: Calendar, problems: list[str], file: str
) -> tuple[list[Plan], list[dict]]:
    """Plans of all entities in row order, and the reconciliation table."""
    capex = np.array([spread_years(calendar, entity.plans.get("plan_capex", {})) for entity in entities])
    flows = fixed_flows(entities, legs, capex, rate, calendar)
    row = {entity.id: i for i, entity in enumerate(entities)}
    shares = [(row[leg.payer], row[leg.payee], leg.sched) for leg in legs if leg.driver == REVENUE_SHARE and not leg.group]
    external = np.zeros_like(capex)
    for _ in range(PASSES):  # who receives a share of revenue may pay one; settles in as many passes as the longest chain
        before = external.copy()
        received, ratio = shared_receipts(flows.received, external, shares)
        for i, entity in enumerate(entities):
            external[i] = external_revenue(entity, i, flows, received[i], ratio[i], capex[i], rate, calendar)
        if np.allclose(external, before, rtol=1e-13, atol=1e-13):
            break
    else:
        problems.append(f"{file}: revenue shares feed each other without end; drop one of the deals with revenue_share in the circle.")
    received, ratio = shared_receipts(flows.received, external, shares)
    plans, table = [], []
    for i, entity in enumerate(entities):
        paid = flows.paid[i] + ratio[i] * external[i]
        plan, rows = plan_entity(entity, i, flows, received[i], paid, external[i], capex[i], rate, calendar, problems, file)
        plans.append(plan)
        table.extend(rows)
    return plans, table


def shared_receipts(fixed: Array, external: Array, shares: Sequence[tuple[int, int, Array]]) -> tuple[Array, Array]:
    """Received with revenue shares, and the ratio of its revenue that each entity pays; [n, T]."""
    received, ratio = fixed.copy(), np.zeros_like(fixed)
    for payer, payee, share in shares:
        received[payee] += share * external[payer]
        ratio[payer] += share
    return received, ratio


def by_year(calendar: Calendar, amounts: Array) -> dict[int, float]:
    """Totals of the steps of each year inside the run."""
    years = calendar.year_of_step()
    return {year: float(amounts[years == year].sum()) for year in calendar.years}


def planned_steps(entity: Entity, name: str, calendar: Calendar) -> Array:
    """[T] a plan by year as steps; revenue starts from the opening quarter when it is given and the plan is all revenue."""
    opening = entity.figures["opening_revenue"] if name == "plan_revenue" else None
    return spread_years(
        calendar, entity.plans.get(name, {}), signed=name in ("plan_fcf", "plan_ocf"), opening=None if opening is None else opening * 4 * calendar.dt
    )


def external_revenue(entity: Entity, i: int, flows: Flows, received: Array, ratio: Array, capex: Array, rate: Array, calendar: Calendar) -> Array:
    """[T] R of one entity; negative annual residuals stay negative for the check."""
    if entity.outside or entity.bridge == "none":
        return np.zeros(calendar.steps)
    if entity.bridge == "fcf":
        return planned_steps(entity, "plan_revenue", calendar)
    if entity.bridge == "margin":
        plan = planned_steps(entity, "plan_revenue", calendar)
        return keep_sign(calendar, plan, by_year(calendar, plan - received))
    cash = planned_steps(entity, "plan_ocf", calendar)
    interest = flows.interest[i] + new_interest(entity, i, flows, cash - capex, rate, calendar)
    # Annual: R (1 - ratio) = OCF + fixed payments + interest - received; the ratio is constant inside a year.
    residual = by_year(calendar, (cash + flows.paid[i] + interest - received) / np.maximum(1 - ratio, ROUNDING))
    return keep_sign(calendar, cash, residual)


def keep_sign(calendar: Calendar, like: Array, totals: Mapping[int, float]) -> Array:
    """Spread totals smoothly; when a total is negative the spread is signed, so that the check finds the sum."""
    return spread_residual(calendar, totals, signed=min(totals.values()) < 0)


def new_interest(entity: Entity, i: int, flows: Flows, fcf: Array, rate: Array, calendar: Calendar, *, before_interest: bool = False) -> Array:
    """[T] interest on debt raised at plan: cash above minimum and buffer absorbs a burn, the rest is borrowed at the market's rate.

    `fcf` includes this interest, unless `before_interest`. Entities that raise equity borrow nothing.
    """
    interest = np.zeros(calendar.steps)
    if entity.outside or entity.figures["fund_phi"] > 0:
        return interest
    floor = entity.figures["min_cash"] + entity.figures["cash_buffer"]
    amortised = min(1.0, calendar.dt / entity.figures["debt_tenor"])
    cash, debt = entity.figures["cash"], 0.0
    for t in range(calendar.steps):
        interest[t] = debt * max(0.0, rate[t] + entity.figures["new_debt_margin"]) * calendar.dt
        cash += fcf[t] - (interest[t] if before_interest else 0.0) - flows.principal[i, t] + flows.drawn[i, t] + flows.invested[i, t] - debt * amortised
        raised = max(0.0, floor - cash)
        cash += raised
        debt = debt * (1 - amortised) + raised
    return interest


def plan_entity(
    entity: Entity,
    i: int,
    flows: Flows,
    received: Array,
    paid: Array,
    external: Array,
    capex: Array,
    rate: Array,
    calendar: Calendar,
    problems: list[str],
    file: str,
) -> tuple[Plan, list[dict]]:
    """Cost residuals, planned EBITDA and free cash flow of one entity, with its rows of the reconciliation table."""
    zero = np.zeros(calendar.steps)
    if entity.outside:
        return Plan(zero, zero, 0.0, zero, zero, zero, zero), []
    cost_fixed, cost_var = zero, entity.figures["cost_var"]
    listed = flows.interest[i]
    lines: list[tuple[str, Array, Array, Array]] = []  # line, reported, in deals, residual
    if entity.bridge == "fcf":
        target = planned_steps(entity, "plan_fcf", calendar)
        interest = listed + new_interest(entity, i, flows, target, rate, calendar)
        reported = external + received - capex - target  # all that is spent and is not capex
        in_deals = paid - flows.replaced[i] + interest
        lines = [("revenue", external, zero, external), ("cost and interest", reported, in_deals, reported - in_deals)]
        cost_fixed = reported - in_deals - cost_var * external
    elif entity.bridge == "ocf":
        target = planned_steps(entity, "plan_ocf", calendar)
        interest = listed + new_interest(entity, i, flows, target - capex, rate, calendar)
        lines = [("operating cash flow", target, received - paid - interest, external)]
    elif entity.bridge == "margin":
        plan = planned_steps(entity, "plan_revenue", calendar)
        cost = (1 - entity.figures["ebitda_margin"]) * plan
        in_deals = paid - flows.replaced[i]
        lines = [("revenue", plan, received, external), ("cost", cost, in_deals, cost - in_deals)]
        cost_fixed, cost_var = split_cost(entity, calendar, cost - in_deals, external)
    bad = refuse_negative(entity, lines, calendar, problems, file)
    if entity.bridge in ("fcf", "margin") and not bad:
        fixed = by_year(calendar, cost_fixed)
        for year, amount in fixed.items():
            if amount < -ROUNDING:
                problems.append(
                    f"{file}: '{entity.id}': variable cost of {year} is {by_year(calendar, cost_var * external)[year]:.4g} USD bn, more than the "
                    f"{amount + by_year(calendar, cost_var * external)[year]:.4g} USD bn of cost that the plan leaves; lower cost_var or the plan."
                )
        cost_fixed = spread_residual(calendar, {year: max(0.0, amount) for year, amount in fixed.items()})
    receipts = external + received
    ebitda = receipts - paid - cost_fixed + flows.replaced[i] - cost_var * external
    if entity.bridge in ("margin", "none"):
        interest = listed + new_interest(entity, i, flows, ebitda - listed - capex, rate, calendar, before_interest=True)
    rows = [
        dict(
            entity=entity.id,
            line=line,
            year=year,
            reported=by_year(calendar, reported)[year],
            in_deals=by_year(calendar, deals)[year],
            residual=by_year(calendar, residual)[year],
            unit="USD bn",
        )
        for line, reported, deals, residual in lines
        for year in calendar.years
    ]
    return Plan(external, cost_fixed, cost_var, capex, receipts, ebitda, ebitda - interest - capex), rows


def split_cost(entity: Entity, calendar: Calendar, cost: Array, external: Array) -> tuple[Array, float]:
    """Fixed cost [T] and variable cost a dollar of R. One ratio for all years: that of the year with the least cost a dollar,
    so that the fixed part, the residual, is never below its share."""
    costs, revenues = by_year(calendar, cost), by_year(calendar, external)
    ratios = [costs[year] / revenues[year] for year in calendar.years if revenues[year] > ROUNDING]
    cost_var = (1 - entity.figures["cost_fixed_share"]) * max(0.0, min(ratios, default=0.0))
    return cost - cost_var * external, cost_var


def refuse_negative(entity: Entity, lines: Sequence[tuple], calendar: Calendar, problems: list[str], file: str) -> bool:
    """Two figures contradict each other where a residual is negative."""
    bad = False
    for line, reported, in_deals, residual in lines:
        totals = by_year(calendar, reported), by_year(calendar, in_deals), by_year(calendar, residual)
        for year in calendar.years:
            said, explained, rest = (total[year] for total in totals)
            if rest < -ROUNDING * max(1.0, abs(said)):
                bad = True
                problems.append(
                    f"{file}: '{entity.id}': {line} of {year}: reported {said:.4g} USD bn, in its deals {explained:.4g} USD bn, so the residual is "
                    f"{rest:.4g}; both cannot be right: correct the plan or the schedules of its deals."
                )
    return bad
