"""What kernels are given and what they keep: a Model packed into few arrays, the state of a world, scratch, outputs.

Shapes: n entities, L legs, H holdings, O fleet owners, T steps, D deals, W lanes (innermost, contiguous), K rows named in
kernels/rows.py. Allocation and packing only; the stages give the arrays their meaning. Money USD bn, power GW.
"""

from typing import NamedTuple

import numpy as np

from simulate.kernels import rows
from simulate.model import BALANCE, CAPEX, CHANNELS, COMMITMENT, GUARANTEE, OPEX, REVENUE_SHARE, SCHEDULED, Factors, Grid, Model

Array = np.ndarray

CACHE_LINE = 64


class Packed(NamedTuple):
    """Constants of one kind of row: integers, numbers, numbers by step."""

    rows: Array  # [K, count] int64
    terms: Array  # [K, count]
    by_step: Array  # [K, count, T]


class PackedHoldings(NamedTuple):
    rows: Array  # [K, H] int64
    terms: Array  # [K, H]
    outside_of: Array  # [n] int64


class PackedRules(NamedTuple):
    terms: Array  # [K]
    world_switches: Array  # [worlds, 5]
    max_restructurings: int
    equity_sweeps: int
    max_iterations: int


class PackedModel(NamedTuple):
    """A Model as the kernels read it."""

    grid: Grid
    factors: Factors
    entities: Packed
    fleet: Packed
    legs: Packed
    holdings: PackedHoldings
    rules: PackedRules


class Layout(NamedTuple):
    """Row lists derived from the model once. All int64."""

    leg_start: Array  # [n+1] slices of leg_of_payer
    leg_of_payer: Array  # [L] legs sorted by payer, stable
    issue_start: Array  # [n+1] slices of holding_of_issuer
    holding_of_issuer: Array  # [H]
    hold_start: Array  # [n+1] slices of holding_of_holder
    holding_of_holder: Array  # [H]
    rank: Array  # [L] class in the waterfall: what is secured and uncovered ranks as 2
    draws: Array  # [L] 1: a balance that is drawn by schedule, or takes market debt
    rows: Array  # [K, longest] lists named in rows.LISTS
    count: Array  # [K]


class World(NamedTuple):
    """State of one world of a tile (docs/model.md, section 3); rows of each array in kernels/rows.py, NOW_*."""

    entity: Array  # [K, n, W]
    owner: Array  # [K, O, W]
    chips: Array  # [K, O, T+1, W] fleet history at the beginning of each step, and its integral
    leg: Array  # [K, L, W]
    holding: Array  # [K, H, W]
    lane: Array  # [K, W]
    loss: Array  # [n, 5, W]
    deal_loss: Array  # [D, W]


class Step(NamedTuple):
    """Scratch of one step of one world; rows in kernels/rows.py, STEP_*."""

    entity: Array  # [K, n, W]
    owner: Array  # [K, O, W]
    leg: Array  # [K, L, W]
    claims: Array  # [n, 4, W] by rank; free between clearing and the next step
    new_money: Array  # [H, W]
    lane: Array  # [K, W]
    free: Array  # [8, W] scratch rows
    flags: Array  # [n] int64 scratch
    queue: Array  # [n] int64 scratch: rows that one lane clears
    disturbed: Array  # [n] int64: in how many lanes a row is dead or was restructured; of insured worlds


class Outputs(NamedTuple):
    """What a block keeps, the path axis last (B paths)."""

    loss: Array  # [n, 5, B]
    deal_loss: Array  # [D, B]
    system_loss: Array  # [B]
    system_loss_alone: Array  # [B]
    default_step: Array  # [n, B]
    default_step_alone: Array  # [n, B]
    default_round: Array  # [n, B]
    log_weight: Array  # [B]
    factor: Array  # [F, B]
    delivery: Array  # [R, B]
    revenue_final: Array  # [R, B]
    mark_change: Array  # [n, B]


class Audit(NamedTuple):
    """What the checks of a tile read besides its trace; arrays of size 0 keep nothing."""

    leg_rows: Array  # [K] int64, rows of KEPT_LEGS
    leg: Array  # [worlds, T, K, L, W] right after clearing
    entity_rows: Array  # [K] int64, rows of KEPT_ENTITIES
    entity: Array  # [worlds, T, K, n, W] right after clearing
    end_leg_rows: Array  # [K] int64, rows counted likewise; so the next two
    end_leg: Array  # [worlds, T, K, L, W] at the end of the step
    end_entity_rows: Array
    end_entity: Array  # [worlds, T, K, n, W] at the end of the step
    end_owner_rows: Array
    end_owner: Array  # [worlds, T, K, O, W] at the end of the step
    discount: Array  # [worlds, T, W] the factor that losses of the step are discounted by
    holding: Array  # [worlds, T, K, H, W] all of NOW_HOLDING at the end of the step
    step_lane: Array  # [worlds, T, K, W] all of STEP_LANE at the end of the step
    now_lane: Array  # [worlds, T, K, W] all of NOW_LANE at the end of the step


FACTOR_SUMMARIES = (
    ("demand_final", "share of plan"),
    ("confidence_min", "share of plan"),
    ("quarters_shut", "steps"),
    ("gpu_life", "years"),
    ("short_rate_mean", "1/year"),
    ("spread_mean", "ratio"),
    ("power_gap_max", "share"),
    ("valuation_min", "ratio"),
    ("rental_final", "ratio"),
    ("disappointment", "steps"),
    ("interest_paid", "USD bn"),
    ("stranded_gw_years", "GW years"),
    ("unconverged", "clearings"),
)

TRACES = ("cash", "received", "paid", "outside_in", "outside_out", "equity", "alive", "dues", "revenue", "share", "free_cash_flow")

# Rows that checks read right after clearing: those of the step, and counted on after them those of the world.
KEPT_LEGS = {
    "due": rows.DUE, "due_on": rows.DUE_ON, "pay": rows.PAY, "claim_now": rows.CLAIM_NOW, "uncovered": rows.UNCOVERED, "called": rows.COVER_DUE,
    "claim": len(rows.STEP_LEG) + rows.CLAIM, "paid_before": len(rows.STEP_LEG) + rows.PAID_ON_CLAIM, "covered": len(rows.STEP_LEG) + rows.COVERED,
    "credit": rows.CREDIT, "cover": rows.COVER, "claim_credit": len(rows.STEP_LEG) + rows.CLAIM_CREDIT,
    "subrogated": len(rows.STEP_LEG) + rows.SUBROGATED, "cover_left": len(rows.STEP_LEG) + rows.COVER_LEFT,
}  # fmt: skip
KEPT_ENTITIES = {
    "cash": rows.CASH_IN, "capacity": rows.CAPACITY, "dues": rows.DUES, "received": rows.RECEIVED, "failing": rows.FAILING, "active": rows.ACTIVE,
    "wave": rows.WAVE,
}  # fmt: skip


def freeze(array: Array) -> Array:
    """The array, contiguous and read-only: one signature for all kernels."""
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array


def pack(group: NamedTuple, integer: tuple[str, ...], terms: tuple[str, ...], by_step: tuple[str, ...], count: int, steps: int) -> Packed:
    """Stack the named fields of a group of the Model in the order of the names."""
    return Packed(
        freeze(np.array([getattr(group, name) for name in integer], np.int64).reshape(len(integer), count)),
        freeze(np.array([getattr(group, name) for name in terms], np.float64).reshape(len(terms), count)),
        freeze(np.array([getattr(group, name) for name in by_step], np.float64).reshape(len(by_step), count, steps)),
    )


def pack_model(model: Model) -> PackedModel:
    """The same numbers in few arrays (kernels/rows.py says why)."""
    n, steps = model.grid.entities, model.grid.steps
    holdings = pack(model.holdings, rows.HOLDINGS_ROWS, rows.HOLDINGS_TERMS, (), model.holdings.holder.size, 1)
    return PackedModel(
        model.grid,
        model.factors,
        pack(model.entities, rows.ENTITIES_ROWS, rows.ENTITIES_TERMS, rows.ENTITIES_BY_STEP, n, steps),
        pack(model.fleet, rows.FLEET_ROWS, rows.FLEET_TERMS, rows.FLEET_BY_STEP, model.fleet.entity.size, steps),
        pack(model.legs, rows.LEGS_ROWS, rows.LEGS_TERMS, rows.LEGS_BY_STEP, model.legs.payer.size, steps),
        PackedHoldings(holdings.rows, holdings.terms, freeze(model.holdings.outside_of.astype(np.int64))),
        PackedRules(
            freeze(np.array([getattr(model.rules, name) for name in rows.RULES_TERMS], np.float64)),
            freeze(np.asarray(model.rules.world_switches, np.float64)),
            int(model.rules.max_restructurings), int(model.rules.equity_sweeps), int(model.rules.max_iterations),
        ),
    )  # fmt: skip


def build_layout(model: Model) -> Layout:
    """Row lists in row order, so that sums have one order whatever the tile."""
    legs, entities, holdings = model.legs, model.entities, model.holdings
    n = model.grid.entities

    def slices(keys: Array) -> tuple[Array, Array]:
        order = np.argsort(keys, kind="stable").astype(np.int64)
        start = np.searchsorted(keys[order], np.arange(n + 1)).astype(np.int64)
        return start, order

    sold = holdings.issuer[legs.buys_holding[legs.buys_holding >= 0]]  # by tranches
    masks = {
        "scheduled": legs.driver == SCHEDULED,
        "revenue_share": legs.driver == REVENUE_SHARE,
        "capex": legs.driver == CAPEX,
        "opex": legs.driver == OPEX,
        "balance": legs.driver == BALANCE,
        "commitment": legs.driver == COMMITMENT,
        "guarantee": legs.driver == GUARANTEE,
        "contract": legs.contract > 0,
        "supply": legs.supply > 0,
        "lent": (legs.driver == BALANCE) & (entities.outside[legs.payee] == 0),
        "other_in": (legs.operating == 0) & (legs.driver != COMMITMENT) & (entities.outside[legs.payee] == 0),
        "operating_out": (legs.operating > 0) & (legs.driver != CAPEX) & (entities.outside[legs.payer] == 0),
        "inside": entities.outside == 0,
        "labs": entities.is_lab > 0,
        "race": entities.in_race > 0,
        "valued": entities.equity0 > 0,
        "raising": (entities.equity0 > 0) & ((entities.fund_equity > 0) | np.isin(np.arange(n), sold)),
    }
    lists = [np.flatnonzero(masks[name]).astype(np.int64) for name in rows.LISTS]
    table = np.full((len(lists), max(1, *(found.size for found in lists))), -1, np.int64)
    for k, found in enumerate(lists):
        table[k, : found.size] = found
    leg_start, leg_of_payer = slices(legs.payer)
    issue_start, holding_of_issuer = slices(holdings.issuer)
    hold_start, holding_of_holder = slices(holdings.holder)
    rank = np.where(legs.seniority == 1, 2, legs.seniority).astype(np.int64)
    count = np.array([found.size for found in lists], np.int64)
    draws = (legs.draw > 0.0).any(axis=1)
    draws[entities.new_debt_leg[entities.new_debt_leg >= 0]] = True
    by_entity = (leg_start, leg_of_payer, issue_start, holding_of_issuer, hold_start, holding_of_holder)
    return Layout(*(freeze(array) for array in (*by_entity, rank, draws.astype(np.int64), table, count)))


def zeros(shape, dtype=np.float64) -> Array:
    """Zeros that begin on a line of the cache, 64 bytes, as do their rows when W is a multiple of 8.

    NumPy begins 16 bytes after one, and then every vector of 64 bytes lies on two lines: a run took 60 us a path and took 52 (one core with AVX-512).
    """
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(size + CACHE_LINE, np.uint8)
    first = -raw.ctypes.data % CACHE_LINE
    return raw[first : first + size].view(dtype).reshape(shape)


def new_world(model: Model, lanes: int) -> World:
    """State arrays of one world, zero."""
    n, owners, steps = model.grid.entities, model.fleet.entity.size, model.grid.steps
    return World(
        zeros((len(rows.NOW_ENTITY), n, lanes)),
        zeros((len(rows.NOW_OWNER), owners, lanes)),
        zeros((len(rows.NOW_CHIPS), owners, steps + 1, lanes)),
        zeros((len(rows.NOW_LEG), model.legs.payer.size, lanes)),
        zeros((len(rows.NOW_HOLDING), model.holdings.holder.size, lanes)),
        zeros((len(rows.NOW_LANE), lanes)),
        zeros((n, len(CHANNELS), lanes)),
        zeros((model.grid.deals, lanes)),
    )


def new_step(model: Model, lanes: int) -> Step:
    """Scratch arrays of a step: zero, but for what stages write for the inside rows only and what means nothing else for the others."""
    n = model.grid.entities
    entity = zeros((len(rows.STEP_ENTITY), n, lanes))
    entity[rows.SHARE] = 1.0
    entity[rows.WAVE] = -1.0
    return Step(
        entity,
        zeros((len(rows.STEP_OWNER), model.fleet.entity.size, lanes)),
        zeros((len(rows.STEP_LEG), model.legs.payer.size, lanes)),
        zeros((n, 4, lanes)),
        zeros((model.holdings.holder.size, lanes)),
        zeros((len(rows.STEP_LANE), lanes)),
        zeros((8, lanes)),
        zeros(n, np.int64),
        zeros(n, np.int64),
        zeros(n, np.int64),
    )


def new_audit(model: Model, steps: int, lanes: int) -> Audit:
    """Arrays of a tile that is checked, zero; with 0 steps and lanes those of a tile that is not."""
    return audit_of(model, steps, lanes, leg=tuple(KEPT_LEGS.values()), entity=tuple(KEPT_ENTITIES.values()), end_entity=(rows.CUT,))


def audit_of(model: Model, steps: int, lanes: int, leg=(), entity=(), end_leg=(), end_entity=(), end_owner=()) -> Audit:
    """Arrays that keep the rows named: numbers in STEP_*, and counted on after them in NOW_*."""
    size = {"leg": model.legs.payer.size, "entity": model.grid.entities, "owner": model.fleet.entity.size, "holding": model.holdings.holder.size}

    def kept(*shape):
        return zeros((model.rules.world_switches.shape[0], steps, *shape, lanes))

    return Audit(
        np.array(leg, np.int64), kept(len(leg), size["leg"]), np.array(entity, np.int64), kept(len(entity), size["entity"]),
        np.array(end_leg, np.int64), kept(len(end_leg), size["leg"]), np.array(end_entity, np.int64), kept(len(end_entity), size["entity"]),
        np.array(end_owner, np.int64), kept(len(end_owner), size["owner"]),
        kept(), kept(len(rows.NOW_HOLDING), size["holding"]), kept(len(rows.STEP_LANE)), kept(len(rows.NOW_LANE)),
    )  # fmt: skip


def new_outputs(model: Model, paths: int) -> Outputs:
    """Arrays of a block of paths; the last axis is the path."""
    n, processes = model.grid.entities, model.factors.rev_plan0.size
    return Outputs(
        loss=zeros((n, len(CHANNELS), paths)),
        deal_loss=zeros((model.grid.deals, paths)),
        system_loss=zeros(paths),
        system_loss_alone=zeros(paths),
        default_step=zeros((n, paths)),
        default_step_alone=zeros((n, paths)),
        default_round=zeros((n, paths)),
        log_weight=zeros(paths),
        factor=zeros((len(FACTOR_SUMMARIES), paths)),
        delivery=zeros((processes, paths)),
        revenue_final=zeros((processes, paths)),
        mark_change=zeros((n, paths)),
    )
