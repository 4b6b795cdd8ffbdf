"""Names to rows, calendar to steps, deals to legs, factors to parameter rows: the only room that knows both worlds."""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

import numpy as np

from simulate.bridge import Plan, plan_entities
from simulate.deals import KINDS
from simulate.deals.legs import DAYS_OF_TERMS, Guarantee, HoldingDraft, LegDraft
from simulate.entity_legs import OUTSIDE_INVESTORS, Label, outside_holdings, standing_legs
from simulate.errors import refuse_if_any
from simulate.factors import Group, Process, Timeline, build_factors, short_rate
from simulate.model import CHANNELS, SWITCHES, Array, Grid, Model, Rules, freeze
from simulate.network import INSURER, Entity, Reconciled
from simulate.network_checks import SURE, groups_of, size_of
from simulate.opening import count_sweeps, outside_debt, solve_opening
from simulate.plans import Calendar
from simulate.rows import Rows, entity_rows, fleet_rows, holding_rows, leg_rows
from simulate.scenario import Rules as RuleSection
from simulate.scenario import Scenario, World

MOST_ITERATIONS = 20_000  # rounds of a clearing before a lane is marked as not converged: enough where a circle loses a thousandth a round


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
    digest: str  # SHA-256 of `resolved` as canonical JSON
    resolved: dict[str, Any]
    deal_labels: dict[str, Label]  # kind, obligor, creditor, description
    start: date
    plans: tuple[Plan, ...]  # by entity, without the insurer


def compile_scenario(scenario: Scenario, seed: int | None = None) -> Compiled:
    """The model of a scenario; `seed` replaces the seed of its file. Raises InputError with everything that does not fit."""
    problems: list[str] = []
    calendar, network = scenario.run.calendar, scenario.network
    seed = scenario.run.seed if seed is None else seed
    refuse_if_any(seed_faults(seed))
    seed = int(seed)

    deal_legs, deal_holdings, labels = draft_deals(scenario, calendar)
    problems.extend(terms_beyond_a_step(deal_legs, calendar, network.names.get("terms", "terms table")))
    debts, debt_table = outside_debt(network, deal_legs, problems)
    own_legs, own_labels = standing_legs(network, debts, calendar)
    rest_holdings, rest_labels, equity_table = outside_holdings(network, deal_holdings)
    # A guarantee reads the leg it covers, so guarantees come last.
    legs = sorted([*deal_legs, *own_legs], key=lambda leg: isinstance(leg.driver, Guarantee))
    holdings = [*deal_holdings, *rest_holdings]
    labels |= own_labels | rest_labels

    rate = planned_rate(scenario, calendar)
    plans, flow_table = plan_entities(network.entities, legs, rate, calendar, problems, network.names["figures"])
    refuse_if_any(problems)
    receipts = {entity.id: float(plan.receipts[0]) for entity, plan in zip(network.entities, plans, strict=True)}
    opening = solve_opening(network, legs, holdings, receipts, calendar.dt, problems)
    processes = make_processes(network.entities, plans, calendar, problems, network.names["figures"])
    refuse_if_any(problems)

    groups = make_groups(scenario)
    factors = build_factors(
        scenario.factors,
        scenario.drivers.correlation,
        Timeline(calendar.start, calendar.steps, calendar.dt),
        processes,
        groups,
        seed,
        discount=scenario.run.discount == "short_rate",
    )
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
        group=number(names.groups) | {"": 0},
        process=number(names.processes),
        owner=number(entity.id for entity in network.entities if entity.is_owner),
    )
    smoothing = 1.0 if scenario.rules.smoothing_years == 0 else -math.expm1(-calendar.dt / scenario.rules.smoothing_years)
    model = Model(
        grid=Grid(calendar.steps, calendar.dt, len(names.entities), rows.entity[INSURER], rows.entity[OUTSIDE_INVESTORS], len(names.deals)),
        factors=factors,
        entities=entity_rows(network.entities, plans, opening, rows, calendar, smoothing),
        fleet=fleet_rows(network.entities, plans, rows),
        legs=leg_rows(legs, holdings, network.entities, rows, calendar),
        holdings=holding_rows(holdings, rows, len(names.entities)),
        rules=rule_rows(scenario.rules, scenario.worlds, calendar, smoothing, sweeps_of(holdings, network.entities, rows)),
    )
    resolved = scenario.resolved(seed)
    outside = (*(entity.outside for entity in network.entities), True)
    return Compiled(model, names, outside, [*flow_table, *debt_table, *equity_table], digest_of(resolved), resolved, labels, calendar.start, tuple(plans))


def seed_faults(seed: int) -> list[str]:
    """A sentence where a seed is no number that Philox takes."""
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool) and 0 <= seed < 2**64:
        return []
    return [f"seed = {seed!r} is wrong: it must be a whole number from 0 to 2^64 - 1 (0 is a seed like any other)."]


def draft_deals(scenario: Scenario, calendar: Calendar) -> tuple[list[LegDraft], list[HoldingDraft], dict[str, Label]]:
    """Legs, holdings and labels of the deals, in the order of the table."""
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
    """A sentence for every deal whose payment terms are longer than a step, which the model cannot express."""
    most = DAYS_OF_TERMS * calendar.dt
    return [
        f"{file}: deal {leg.deal}: payment terms of {leg.payment.days:g} days reach beyond a step of {most:.1f} days; use shorter terms or a longer step (run.step)."
        for leg in legs
        if leg.payment.days > most
    ]


def planned_rate(scenario: Scenario, calendar: Calendar) -> Array:
    """[T] mean of the short rate before each step, per year, as the plans knew it: without the shift of a scenario, or the residuals would make up for it."""
    section = scenario.factors.short_rate.model_copy(update={"shift": 0.0})
    mean = short_rate.mean_rate(section, Timeline(calendar.start, calendar.steps, calendar.dt))
    return np.concatenate([[section.start], mean[:-1]])


def make_processes(entities: tuple[Entity, ...], plans: list[Plan], calendar: Calendar, problems: list[str], file: str) -> list[Process]:
    """Revenue processes of the entities that have a volatility."""
    processes = []
    for entity, plan in zip(entities, plans, strict=True):
        figures = entity.figures
        volatility, later = figures["process_sd0"], figures["process_sd1"]
        if entity.outside or volatility is None:
            continue
        external = plan.external
        if not np.all(external > 0):
            year = calendar.year_of_step()[int(np.argmin(external))]
            problems.append(
                f"{file}: '{entity.id}': its external revenue of {year} is 0 in some step, but a revenue process (process_sd0) needs a plan above 0; "
                "correct the plan or drop process_sd0."
            )
            continue
        given = figures["opening_revenue"]
        total = sum(entity.plans.get("plan_revenue", {}).get(year, 0.0) for year in calendar.years[:1])
        reported = total / calendar.steps_a_year
        # The opening figure is all revenue; of the external part it is the same share as of the first year's plan.
        first_year = external[calendar.year_of_step() == calendar.first_year]
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
            )
        )
    return processes


def make_groups(scenario: Scenario) -> list[Group]:
    """The sure group and the groups of deals; [factors.execution] gives probabilities by status and sizes where deals give none."""
    execution = scenario.factors.execution
    chances = {str(status): chance for status, chance in execution.probability.items()}
    groups = [Group(SURE, 1.0, 1.0, 1.0)]
    for name, deals in groups_of(scenario.network).items():
        chance = deals[0].probability
        if chance is None:
            chance = chances.get(deals[0].status, 1.0)  # completed and binding deals are executed
        groups.append(Group(name, chance, *size_of(deals, execution.size_low, execution.size_high)))
    return groups


def number(names: Iterable[str]) -> dict[str, int]:
    """Name to row."""
    return {name: row for row, name in enumerate(names)}


def sweeps_of(holdings: list[HoldingDraft], entities: tuple[Entity, ...], rows: Rows) -> int:
    """Sweeps of the equity fixed point."""
    inside = np.array([not entity.outside for entity in entities] + [False])
    return count_sweeps(
        np.array([rows.entity[h.holder] for h in holdings], int),
        np.array([rows.entity[h.issuer] for h in holdings], int),
        np.array([h.stake for h in holdings], float),
        inside,
        len(inside),
    )


def rule_rows(rules: RuleSection, worlds: Mapping[str, World], calendar: Calendar, smoothing: float, sweeps: int) -> Rules:
    """Rules by step, and the worlds in the order of the scenario."""
    return freeze(
        Rules(
            world_switches=np.array([[switch not in world.off for switch in SWITCHES] for world in worlds.values()], float),
            world_least=np.array([world.solution == "least" for world in worlds.values()], float),
            world_detail=np.array([world.detail for world in worlds.values()], float),
            alpha=rules.alpha,
            beta=rules.beta,
            d0=rules.forced_sale_haircut,
            transfer=rules.transfer,
            smoothing=smoothing,
            k_shut=rules.door.confidence,
            k_width=rules.door.confidence_width,
            v_shut=math.log(rules.door.valuation),
            v_width=rules.door.valuation_width,
            shock_size=rules.confidence_shock.size,
            shock_decay=math.exp(-calendar.dt / rules.confidence_shock.decay_years),
            race_theta=rules.race_theta,
            capex_max=rules.capex_max,
            restructure_kappa=rules.restructure_kappa,
            max_restructurings=rules.max_restructurings,
            equity_sweeps=sweeps,
            max_iterations=MOST_ITERATIONS,
        )
    )


def digest_of(resolved: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON."""
    text = json.dumps(resolved, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
