"""Compile a scenario: names to rows, calendar to steps, deals to legs, factors to parameters."""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

import numpy as np

from simulate.calendar import Calendar
from simulate.compile.bridge import Plan, Setting, plan_entities
from simulate.compile.opening import OpeningValue, outside_debt, solve_opening
from simulate.compile.processes import base_discount, find_volumes, make_groups, make_moves, make_processes, make_surprises, planned_rate, year_ends
from simulate.compile.reach import cut_plan, cut_rows, plan_calendar, schedule_calendar
from simulate.compile.rows import Rows, entity_rows, fleet_rows, holding_rows, leg_rows
from simulate.compile.shocks import apply_shocks
from simulate.compile.standing import OUTSIDE_INVESTORS, Label, outside_holdings, standing_legs
from simulate.compile.worlds import rule_rows, sweeps_of
from simulate.deals import KINDS
from simulate.deals.legs import DAYS_OF_TERMS, Guarantee, HoldingDraft, LegDraft
from simulate.errors import refuse_if_any
from simulate.factors import Factors, build_factors
from simulate.factors.section import Group, OwnMove, Process, Timeline
from simulate.model import BALANCE, CHANNELS, CLASSES, CLEARED_CLASSES, Array, Grid, Model
from simulate.network.entities import INSURER
from simulate.network.read import Reconciled
from simulate.scenario.load import Scenario


class Names(NamedTuple):
    """Names in row order."""

    entities: tuple[str, ...]
    deals: tuple[str, ...]
    legs: tuple[str, ...]
    processes: tuple[str, ...]
    groups: tuple[str, ...]
    channels: tuple[str, ...]
    worlds: tuple[str, ...]
    detail: tuple[str, ...]  # worlds that keep losses by channel and deal


class Compiled(NamedTuple):
    """A scenario ready to run."""

    model: Model
    names: Names
    outside: tuple[bool, ...]  # by entity
    reconciliation: list[Reconciled]
    digest: str  # SHA-256 of `resolved`, but for laws of uncertain parameters, as canonical JSON
    resolved: dict[str, Any]
    deal_labels: dict[str, Label]  # kind, obligor, creditor, description
    deal_classes: tuple[str, ...]  # class of the claims of each deal, "" without any
    start: date
    plans: tuple[Plan, ...]  # by entity, without the insurer
    year_ends: tuple[date, ...]  # last day of each year of the run
    base_discount: Array  # [Y] mean discount factor of each year on the fixed curve


def compile_scenario(scenario: Scenario, seed: int | None = None) -> Compiled:
    """Return the model of a scenario; `seed` replaces the seed of its file. Raises InputError with all inputs that do not fit each other."""
    problems: list[str] = []
    calendar, network = scenario.run.calendar, scenario.network
    seed = scenario.run.seed if seed is None else seed
    refuse_if_any(seed_faults(seed))
    seed = int(seed)

    plan_years = plan_calendar(network, calendar)
    schedule_years = schedule_calendar(network, plan_years)

    deal_legs, deal_holdings, labels = draft_deals(scenario, schedule_years)
    problems.extend(terms_beyond_a_step(deal_legs, calendar, network.names.get("terms", "terms table")))
    debts, debt_table = outside_debt(network, deal_legs, problems)
    own_legs, own_labels = standing_legs(network, debts, schedule_years)
    rest_holdings, rest_labels, equity_table = outside_holdings(network, deal_holdings)
    # A guarantee reads the leg it covers, so guarantees come last.
    legs = sorted([*deal_legs, *own_legs], key=lambda leg: isinstance(leg.driver, Guarantee))
    holdings = [*deal_holdings, *rest_holdings]
    labels |= own_labels | rest_labels

    setting = Setting(plan_years, calendar.years, planned_rate(scenario, plan_years), problems, network.names["figures"])
    plans, flow_table = plan_entities(network.entities, legs, setting)
    refuse_if_any(problems)
    receipts = {entity.id: float(plan.receipts[0]) for entity, plan in zip(network.entities, plans, strict=True)}
    opening = solve_opening(network, legs, holdings, receipts, calendar.dt, problems)
    processes = make_processes(network.entities, plans, setting, calendar.steps)
    refuse_if_any(problems)

    surprises = make_surprises(network.entities, calendar.steps)
    moves = make_moves(network.entities)
    groups = make_groups(scenario)
    group_rows = number(group.name for group in groups) | {"": 0}
    volumes = find_volumes(legs, processes, group_rows)
    factors = compile_factors(scenario, seed, [*processes, *surprises], groups, moves, volumes)
    names = Names(
        entities=(*(entity.id for entity in network.entities), INSURER),
        deals=tuple(labels),
        legs=tuple(leg.name for leg in legs),
        processes=tuple(p.name for p in processes),
        groups=tuple(g.name for g in groups),
        channels=CHANNELS,
        worlds=tuple(scenario.worlds),
        detail=tuple(name for name, world in scenario.worlds.items() if world.detail),
    )
    rows = Rows(
        entity=number(names.entities),
        deal=number(names.deals),
        leg=number(names.legs),
        group=group_rows,
        process=number(names.processes),
        surprise={process.name: len(processes) + row for row, process in enumerate(surprises)},
        move=number(f"{move.kind}:{move.name}" for move in moves),
        volume={pair: len(groups) + row for row, pair in enumerate(volumes)},
        owner=number(entity.id for entity in network.entities if entity.is_owner),
    )
    model = make_model(scenario, Drafted(legs, holdings, plans, opening, plan_years, schedule_years), factors, rows)
    model = apply_shocks(model, scenario.shocks, rows, {deal.id for deal in network.deals}, calendar, problems)
    refuse_if_any(problems)
    resolved = scenario.resolved(seed)
    return Compiled(
        model=model,
        names=names,
        outside=(*(entity.outside for entity in network.entities), True),
        reconciliation=[*flow_table, *debt_table, *equity_table],
        digest=digest_of(resolved),
        resolved=resolved,
        deal_labels=labels,
        deal_classes=classes_of(model),
        start=calendar.start,
        plans=tuple(cut_plan(plan, calendar.steps) for plan in plans),
        year_ends=year_ends(calendar),
        base_discount=base_discount(scenario, calendar),
    )


def compile_factors(
    scenario: Scenario, seed: int, processes: list[Process], groups: list[Group], moves: list[OwnMove], volumes: list[tuple[int, int]]
) -> Factors:
    """Return the rows of all factors of a scenario."""
    calendar = scenario.run.calendar
    return build_factors(
        scenario.factors,
        scenario.drivers.correlation,
        Timeline(calendar.start, calendar.steps, calendar.dt),
        processes,
        groups,
        seed,
        discount=scenario.run.discount == "short_rate",
        moves=moves,
        volumes=volumes,
    )


class Drafted(NamedTuple):
    """Everything by step as far as the tables go."""

    legs: list[LegDraft]
    holdings: list[HoldingDraft]
    plans: list[Plan]  # by entity
    opening: Mapping[str, OpeningValue]
    plan_years: Calendar  # of plans
    schedule_years: Calendar  # of legs


def make_model(scenario: Scenario, drafted: Drafted, factors: Factors, rows: Rows) -> Model:
    """Return the model without shocks: rows of the drafts, cut to the run."""
    calendar, entities, rules = scenario.run.calendar, scenario.network.entities, scenario.rules
    legs, holdings, plans, opening, plan_years, schedule_years = drafted
    smoothing = 1.0 if rules.smoothing_years == 0 else -math.expm1(-calendar.dt / rules.smoothing_years)
    return Model(
        grid=Grid(calendar.steps, calendar.dt, len(rows.entity), rows.entity[INSURER], rows.entity[OUTSIDE_INVESTORS], len(rows.deal)),
        factors=factors,
        entities=cut_rows(entity_rows(entities, plans, opening, legs, rows, plan_years, smoothing), calendar.steps),
        fleet=cut_rows(fleet_rows(entities, plans, rows), calendar.steps),
        legs=cut_rows(leg_rows(legs, holdings, entities, rows, schedule_years), calendar.steps),
        holdings=holding_rows(holdings, rows, len(rows.entity)),
        rules=rule_rows(rules, scenario.worlds, calendar, smoothing, sweeps_of(holdings, entities, rows), rows),
    )


def classes_of(model: Model) -> tuple[str, ...]:
    """Return the class of the claims of each deal: that of its balance where it has one, else of its first leg that is cleared; "" without any."""
    legs, found = model.legs, [""] * model.grid.deals
    for balances in (False, True):
        for leg in np.flatnonzero((legs.seniority < CLEARED_CLASSES) & (legs.covers < 0) & ((legs.driver == BALANCE) == balances))[::-1]:
            found[legs.deal[leg]] = CLASSES[legs.seniority[leg]]
    return tuple(found)


def seed_faults(seed: int) -> list[str]:
    """Return a sentence if the seed is no number that Philox accepts."""
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool) and 0 <= seed < 2**64:
        return []
    return [f"seed = {seed!r} is wrong: it must be a whole number from 0 to 2^64 - 1 (0 is a seed like any other)."]


def draft_deals(scenario: Scenario, calendar: Calendar) -> tuple[list[LegDraft], list[HoldingDraft], dict[str, Label]]:
    """Return legs, holdings and labels of the deals, in the order of the table."""
    legs: list[LegDraft] = []
    holdings: list[HoldingDraft] = []
    labels: dict[str, Label] = {}
    for deal in scenario.network.deals:
        kind = KINDS[deal.kind]
        drafts = kind.draft(deal, calendar)
        legs.extend(drafts.legs)
        holdings.extend(drafts.holdings)
        labels[deal.id] = Label(deal.kind, *kind.parties(deal), deal.note)
    return legs, holdings, labels


def terms_beyond_a_step(legs: list[LegDraft], calendar: Calendar, file: str) -> list[str]:
    """Return a sentence for every deal whose payment terms are longer than a step, which the model cannot express."""
    most = DAYS_OF_TERMS * calendar.dt
    return [
        f"{file}: deal {leg.deal}: payment terms of {leg.payment.days:g} days reach beyond a step of {most:.1f} days; use shorter terms or a longer step (run.step)."
        for leg in legs
        if leg.payment.days > most
    ]


def number(names: Iterable[str]) -> dict[str, int]:
    """Return the row of each name."""
    return {name: row for row, name in enumerate(names)}


def digest_of(resolved: dict[str, Any]) -> str:
    """Return the SHA-256 of the canonical JSON of all that a run reads: laws of uncertain parameters are no part of it."""
    read = {name: value for name, value in resolved.items() if name != "uncertain"}
    text = json.dumps(read, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
