"""Reconciliation: reported figures already contain the network, so the part that the deals explain is taken out and the residual is simulated.

At plan only certain deals execute, balances run as scheduled, the short rate follows its mean, and spread and prices stay at their opening
values. Bridges (R external revenue; received and paid count only operating legs):

    fcf     R = plan revenue;                     fixed cost = R + received - paid - interest - capex - variable cost - plan FCF + replaced
    ocf     R = plan OCF + paid + interest - received;   no cost of its own
    margin  R = plan revenue - received;          cost = (1 - margin) plan revenue - paid, split into fixed and variable on R
    none    no revenue, no cost

Residuals are annual and then spread smoothly. A negative residual means that two figures contradict each other: in a year of the run that is an error
that names both; after the run it counts as 0. Everything here is computed as far as all plans go (reach.py), so that no run decides what it plans.
Shapes: n entities, T steps of the plans. USD bn.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from simulate.calendar import Calendar, planned_burn, spread_residual, spread_years
from simulate.deals.legs import Balance, Capex, Commitment, LegDraft, RevenueShare, Scheduled
from simulate.model import Array
from simulate.network.entities import Entity
from simulate.network.read import Reconciled

PASSES = 200  # over revenue shares that depend on each other
ROUNDING = 1e-9


class Flows(NamedTuple):
    """Cash flows of certain deals at plan; all [n, T], or [T] of one entity, USD bn a step."""

    received: Array
    paid: Array
    replaced: Array
    interest: Array
    principal: Array
    drawn: Array  # scheduled draws
    invested: Array  # commitments received less paid

    def of(self, i: int) -> "Flows":
        """[T] flows of the entity in row i."""
        return Flows(*(flow[i] for flow in self))


class Plan(NamedTuple):
    """One entity at plan; [T] USD bn a step."""

    external: Array  # R
    cost_fixed: Array
    cost_var: float
    capex: Array
    receipts: Array  # R plus received
    ebitda: Array
    fcf: Array


class Setting(NamedTuple):
    """Inputs that all entities share."""

    calendar: Calendar  # of the plans
    years: range  # of the run: faults and the reconciliation table speak of these
    rate: Array  # [T] short rate before each step, per year
    problems: list[str]  # faults go there
    file: str  # table that faults name


class Line(NamedTuple):
    """A line of the reconciliation of one entity; [T] USD bn a step."""

    name: str
    reported: Array
    in_deals: Array

    def of_year(self, year: int, calendar: Calendar) -> tuple[float, float, float]:
        """Return the totals of a year: reported, in deals, and the residual between them."""
        inside = calendar.year_of_step() == year
        reported, in_deals = float(self.reported[inside].sum()), float(self.in_deals[inside].sum())
        return reported, in_deals, reported - in_deals


def fixed_flows(entities: Sequence[Entity], legs: Sequence[LegDraft], capex: Array, setting: Setting) -> Flows:
    """Return the flows that depend on no revenue; `capex` [n, T]. Schedules of legs may go on after the plans."""
    row, dt, steps = {entity.id: i for i, entity in enumerate(entities)}, setting.calendar.dt, setting.calendar.steps
    flows = Flows(*(np.zeros((len(entities), steps)) for _ in Flows._fields))
    for leg in legs:
        i, j, driver = row[leg.payer], row[leg.payee], leg.driver
        if leg.group:
            continue
        if isinstance(driver, Scheduled) and leg.operating:
            earned = driver.sched[:steps]
            cash = as_paid(leg, earned, dt)
            flows.received[j] += earned if entities[j].bridge == "margin" else cash
            flows.paid[i] += earned if entities[i].bridge == "margin" else cash
            flows.replaced[i] += driver.replaces * earned
        elif isinstance(driver, Capex):
            flows.received[j] += leg.operating * driver.capex_share * capex[i]
        elif isinstance(driver, Commitment):
            flows.invested[j] += driver.sched[:steps]
            flows.invested[i] -= driver.sched[:steps]
        elif isinstance(driver, Balance) and driver.repaid == 0:
            before, amort = (course[:steps] for course in driver.run())
            flows.interest[i] += before * np.maximum(0.0, driver.rate_fixed + driver.rate_float * setting.rate + driver.rate_spread) * dt
            flows.principal[i] += before * amort
            flows.drawn[i] += driver.draw[:steps]
    return flows


def as_paid(leg: LegDraft, sched: Array, dt: float) -> Array:
    """[T] cash of a scheduled leg: with payment terms a share of the earned amount arrives one step later (docs/model.md 4.3).

    Plans of cash flow count cash. Plans of revenue and margin count earned amounts; their free cash flow then lacks the receivables.
    """
    late = leg.payment.delay(dt)
    return (1 - late) * sched + np.concatenate([[leg.opening_receivable(dt)], late * sched[:-1]])


def plan_entities(entities: Sequence[Entity], legs: Sequence[LegDraft], setting: Setting) -> tuple[list[Plan], list[Reconciled]]:
    """Return the plans of all entities in row order, and the reconciliation table."""
    capex = np.array([spread_years(setting.calendar, entity.plans.get("plan_capex", {})) for entity in entities])
    flows = fixed_flows(entities, legs, capex, setting)
    row = {entity.id: i for i, entity in enumerate(entities)}
    steps = setting.calendar.steps
    shares = [(row[leg.payer], row[leg.payee], leg.driver.sched[:steps]) for leg in legs if isinstance(leg.driver, RevenueShare) and not leg.group]
    external = np.zeros_like(capex)
    for _ in range(PASSES):  # the payee of a revenue share may pay one too; the longest chain gives the number of passes
        before = external.copy()
        received, ratio = shared_receipts(flows.received, external, shares)
        for i, entity in enumerate(entities):
            external[i] = external_revenue(entity, flows.of(i)._replace(received=received[i]), ratio[i], capex[i], setting)
        if np.allclose(external, before, rtol=1e-13, atol=1e-13):
            break
    else:
        setting.problems.append(f"{setting.file}: revenue shares feed each other without end; drop one of the deals with revenue_share in the circle.")
    received, ratio = shared_receipts(flows.received, external, shares)
    plans: list[Plan] = []
    table: list[Reconciled] = []
    for i, entity in enumerate(entities):
        own = flows.of(i)._replace(received=received[i], paid=flows.paid[i] + ratio[i] * external[i])
        plan, rows = plan_entity(entity, own, external[i], capex[i], setting)
        plans.append(plan)
        table.extend(rows)
    return plans, table


def shared_receipts(fixed: Array, external: Array, shares: Sequence[tuple[int, int, Array]]) -> tuple[Array, Array]:
    """Return receipts with revenue shares, and the share of its revenue that each entity pays away; [n, T]."""
    received, ratio = fixed.copy(), np.zeros_like(fixed)
    for payer, payee, share in shares:
        received[payee] += share * external[payer]
        ratio[payer] += share
    return received, ratio


def by_year(calendar: Calendar, amounts: Array) -> dict[int, float]:
    """Return the total of each year over its steps inside the calendar."""
    years = calendar.year_of_step()
    return {year: float(amounts[years == year].sum()) for year in calendar.years}


def planned_steps(entity: Entity, name: str, calendar: Calendar) -> Array:
    """[T] an annual plan spread over steps; planned revenue continues from the opening quarter where that figure is given."""
    opening = entity.figures["opening_revenue"] if name == "plan_revenue" else None
    return spread_years(
        calendar, entity.plans.get(name, {}), signed=name in ("plan_fcf", "plan_ocf"), opening=None if opening is None else opening * 4 * calendar.dt
    )


def external_revenue(entity: Entity, flows: Flows, ratio: Array, capex: Array, setting: Setting) -> Array:
    """[T] R of one entity. `ratio` is the share of its revenue that it pays away."""
    calendar = setting.calendar
    if entity.outside or entity.bridge == "none":
        return np.zeros(calendar.steps)
    if entity.bridge == "fcf":
        return planned_steps(entity, "plan_revenue", calendar)
    if entity.bridge == "margin":
        rest = planned_steps(entity, "plan_revenue", calendar) - flows.received
        return rest if np.all(rest >= 0) else spread_rest(calendar, rest)  # by step where it can be: the plan keeps the course that it begins with
    cash = planned_steps(entity, "plan_ocf", calendar)
    interest = flows.interest + new_interest(entity, flows, cash - capex, setting)
    # Annual: R (1 - ratio) = OCF + fixed payments + interest - received; the ratio is constant inside a year.
    return spread_rest(calendar, (cash + flows.paid + interest - flows.received) / np.maximum(1 - ratio, ROUNDING))


def spread_rest(calendar: Calendar, amounts: Array) -> Array:
    """[T] the annual totals of residuals, spread smoothly; a negative one counts as 0, and `refuse_negative` finds it where it matters."""
    return spread_residual(calendar, {year: max(0.0, amount) for year, amount in by_year(calendar, amounts).items()})


def new_interest(entity: Entity, flows: Flows, fcf: Array, setting: Setting, *, before_interest: bool = False) -> Array:
    """[T] interest on debt raised at plan: cash above minimum and buffer pays for a burn, the rest is borrowed at the market rate.

    `fcf` includes this interest, unless `before_interest`. Entities that raise equity alone borrow nothing.
    """
    steps, dt = setting.calendar.steps, setting.calendar.dt
    interest = np.zeros(steps)
    raises_debt = entity.figure("fund_advance") + entity.figure("fund_flat") > 0
    if entity.outside or (entity.figure("fund_phi") > 0 and not raises_debt):
        return interest
    floor = entity.figure("min_cash") + entity.figure("cash_buffer")
    amortised = min(1.0, dt / entity.figure("debt_tenor"))
    cash, debt = entity.figure("cash"), 0.0
    for t in range(steps):
        interest[t] = debt * max(0.0, setting.rate[t] + entity.figure("new_debt_margin")) * dt
        cash += fcf[t] - (interest[t] if before_interest else 0.0) - flows.principal[t] + flows.drawn[t] + flows.invested[t] - debt * amortised
        raised = max(0.0, floor - cash)
        cash += raised
        debt = debt * (1 - amortised) + raised
    return interest


def plan_entity(entity: Entity, flows: Flows, external: Array, capex: Array, setting: Setting) -> tuple[Plan, list[Reconciled]]:
    """Return the plan of one entity (cost residuals, EBITDA, free cash flow) and its rows of the reconciliation table.

    `flows` are those of the entity, with revenue shares in received and paid; `external` [T] is its R.
    """
    calendar = setting.calendar
    zero = np.zeros(calendar.steps)
    if entity.outside:
        return Plan(zero, zero, 0.0, zero, zero, zero, zero), []
    cost_fixed, cost_var = zero, entity.figure("cost_var")
    interest = flows.interest
    lines: list[Line] = []
    if entity.bridge == "fcf":
        target = planned_steps(entity, "plan_fcf", calendar)
        interest = flows.interest + new_interest(entity, flows, target, setting)
        spent = external + flows.received - capex - target  # on everything but capex
        in_deals = flows.paid - flows.replaced + interest
        lines = [Line("revenue", external, zero), Line("cost and interest", spent, in_deals)]
        cost_fixed = spent - in_deals - cost_var * external
    elif entity.bridge == "ocf":
        target = planned_steps(entity, "plan_ocf", calendar)
        interest = flows.interest + new_interest(entity, flows, target - capex, setting)
        lines = [Line("operating cash flow", target, flows.received - flows.paid - interest)]
    elif entity.bridge == "margin":
        plan = planned_steps(entity, "plan_revenue", calendar)
        cost = (1 - entity.figure("ebitda_margin")) * plan
        in_deals = flows.paid - flows.replaced
        lines = [Line("revenue", plan, flows.received), Line("cost", cost, in_deals)]
        cost_fixed, cost_var = split_cost(entity, calendar, cost - in_deals, external)
    bad = refuse_negative(entity, lines, setting)
    if entity.bridge in ("fcf", "margin") and not bad:
        cost_fixed = spread_fixed_cost(entity, cost_fixed, cost_var * external, setting)
    receipts = external + flows.received
    ebitda = receipts - flows.paid - cost_fixed + flows.replaced - cost_var * external
    if entity.bridge in ("margin", "none"):
        interest = flows.interest + new_interest(entity, flows, ebitda - flows.interest - capex, setting, before_interest=True)
    return Plan(external, cost_fixed, cost_var, capex, receipts, ebitda, ebitda - interest - capex), reconciled(entity, lines, setting)


def reconciled(entity: Entity, lines: Sequence[Line], setting: Setting) -> list[Reconciled]:
    """Return rows of the reconciliation table, one for each line and year of the run."""
    rows = []
    for line in lines:
        for year in setting.years:
            reported, in_deals, residual = line.of_year(year, setting.calendar)
            rows.append(Reconciled(entity=entity.id, line=line.name, year=year, reported=reported, in_deals=in_deals, residual=residual, unit="USD bn"))
    return rows


def spread_fixed_cost(entity: Entity, fixed: Array, variable: Array, setting: Setting) -> Array:
    """[T] fixed cost, smooth over the steps of a year; a year of the run in which variable cost exceeds total cost is a fault."""
    totals, variables = by_year(setting.calendar, fixed), by_year(setting.calendar, variable)
    for year in setting.years:
        if totals[year] < -ROUNDING:
            setting.problems.append(
                f"{setting.file}: '{entity.id}': variable cost of {year} is {variables[year]:.4g} USD bn, more than the "
                f"{totals[year] + variables[year]:.4g} USD bn of cost that the plan leaves; lower cost_var or the plan."
            )
    return spread_rest(setting.calendar, fixed)


def split_cost(entity: Entity, calendar: Calendar, cost: Array, external: Array) -> tuple[Array, float]:
    """Split cost into fixed cost [T] and a ratio of variable cost to R.

    All years have one ratio, that of the year with the least cost per dollar of R, so that the fixed part, the residual, is never below its share.
    A year with a cost below 0, which no run reaches, has none.
    """
    costs, revenues = by_year(calendar, cost), by_year(calendar, external)
    years = [year for year in calendar.years if revenues[year] > ROUNDING and costs[year] >= -ROUNDING * max(1.0, revenues[year])]
    cost_var = (1 - entity.figure("cost_fixed_share")) * max(0.0, min((costs[year] / revenues[year] for year in years), default=0.0))
    return cost - cost_var * external, cost_var


def refuse_negative(entity: Entity, lines: Sequence[Line], setting: Setting) -> bool:
    """Report negative residuals in years of the run, where two figures contradict each other; True if there is one."""
    bad = False
    for line in lines:
        for year in setting.years:
            said, explained, rest = line.of_year(year, setting.calendar)
            if rest < -ROUNDING * max(1.0, abs(said)):
                bad = True
                setting.problems.append(
                    f"{setting.file}: '{entity.id}': {line.name} of {year}: reported {said:.4g} USD bn, in its deals {explained:.4g} USD bn, so the residual is "
                    f"{rest:.4g}; both cannot be right: correct the plan or the schedules of its deals."
                )
    return bad


def cash_target(entity: Entity, fcf: Array, calendar: Calendar) -> Array:
    """[T] minimum cash plus the larger of the buffer and the planned burn of the next `prefund_years`, USD bn."""
    need = planned_burn(fcf, entity.figure("prefund_years") / calendar.dt)
    return entity.figure("min_cash") + np.maximum(entity.figure("cash_buffer"), need)
