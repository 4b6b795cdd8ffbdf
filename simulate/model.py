"""The model that compile makes and the step reads: flat NamedTuples of read-only arrays, without names, units or behaviour.

Equations and symbols: docs/model.md. Shapes: n entities, L legs, H holdings, T steps, D deals, R revenue processes,
S deal groups, O fleet owners, W worlds. Money USD bn, power GW, time years. Flags are 0.0 or 1.0 (float64)
where they multiply, int64 where they index. "row" is an index into entities unless said otherwise; -1 means none.
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, TypeVar, get_args

import numpy as np

if TYPE_CHECKING:
    from simulate.factors.members import Factors

Array = np.ndarray
# The kernels read a group as few packed arrays (step/memory.py); which one a field goes to is its annotation.
Row = Annotated[np.ndarray, "rows"]  # [count] int64, an index of something else, or a class
Term = Annotated[np.ndarray, "terms"]  # [count] float64
ByStep = Annotated[np.ndarray, "by_step"]  # [count, T] float64
Rows = TypeVar("Rows", bound=NamedTuple)

# Ways in which a loss arises (docs/model.md 4.10).
CHANNELS = ("credit", "contract", "equity", "collateral", "stranded")
CREDIT, CONTRACT, EQUITY, COLLATERAL, STRANDED = range(len(CHANNELS))
# Channels of contagion that a world can switch off (docs/model.md, section 3).
Switch = Literal["nonpayment", "supply", "relief", "marks", "confidence"]
SWITCHES: tuple[Switch, ...] = get_args(Switch)
NONPAYMENT, SUPPLY, RELIEF, MARKS, CONFIDENCE = range(len(SWITCHES))
FIRST = "first"  # whom a world saves: whoever fails first on the path
# Classes of claims in the order of the waterfall (docs/model.md 4.5); commitments are no claims and paid after clearing (4.6).
CLASSES = ("critical", "secured", "senior", "subordinated")
CRITICAL, SECURED, SENIOR, SUBORDINATED, COMMITTED = range(5)
CLEARED_CLASSES = 4
# Drivers of a leg: the source of its payment (docs/model.md 4.3). The step has a list of legs for each.
LEG_DRIVERS = ("scheduled", "revenue_share", "capex", "opex", "balance", "commitment", "guarantee")
SCHEDULED, REVENUE_SHARE, CAPEX, OPEX, BALANCE, COMMITMENT, GUARANTEE = range(len(LEG_DRIVERS))


class Variable(NamedTuple):
    """The meaning of a name of the state."""

    unit: str
    about: str


class Grid(NamedTuple):
    """Time and sizes."""

    steps: int  # T
    dt: float  # years a step
    entities: int  # n
    insurer: int  # row of the node that pays in insured worlds
    outside_investor: int  # row of the node that buys new equity and takes over restructured firms for the creditors
    deals: int  # D, rows of deal_loss


class Entities(NamedTuple):
    """Section 4.1-4.9; all [n] unless said otherwise."""

    outside: Term  # 1: outside node, which always pays, never defaults and has unlimited cash
    restructures: Term  # 1: policy restructure, 0: liquidate
    systemic: Term  # 1: its default shocks confidence
    revenue_process: Row  # int64, row of Factors.revenue, -1: none
    value_move: Row  # int64, row of Factors.firms that multiplies its core value and multiple, -1: none
    spread_move: Row  # int64, row of Factors.firms that multiplies the spread on its debt, -1: none
    surprise: Row  # int64, row of Factors.revenue whose ratio multiplies its revenue, -1: none
    owner: Row  # int64, row of Fleet, -1: none
    rev_ext: ByStep  # [n, T] USD bn a step
    cost_fixed: ByStep  # [n, T] USD bn a step
    cost_var: Term
    cost_follow: Term  # share of fixed cost that follows the compute under contract
    ai_share: Term
    rental_share: Term
    capacity_share: Term
    flex: Term
    runway_years: Term
    headroom: Term
    spot_share: Term  # share of the compute that providers fail to deliver that it buys elsewhere
    compute_price: ByStep  # [n, T] planned payment for all of its compute under contract and its own, USD bn a step
    is_lab: Term  # 1: takes part in the transfer of lost demand
    plan_external: ByStep  # [n, T] plan revenue of the own process, USD bn a step; 0 without one
    cash0: Term
    min_cash: Term
    line0: Term
    cash_target: ByStep  # [n, T]
    payout: Term  # share of the surplus paid out a step
    payout_above: Term  # USD bn
    insider: Term
    fund_phi: Term  # new equity, of equity value a step
    rescue: Term  # most that a last-resort issue brings in a step, of equity value
    fund_advance: Term  # of desired capex
    fund_flat: Term  # USD bn a step
    fund_leverage: Term  # x forward EBITDA
    fund_ltv: Term  # of holdings
    fund_unbounded: Term  # 1: no headroom applies
    new_debt_leg: Row  # int64 leg, -1: none
    receipts_plan: ByStep  # [n, T] planned operating receipts a step, smoothed as z is
    ebitda_plan: ByStep  # [n, T] planned EBITDA a step, smoothed as ze is
    ebitda_fwd: ByStep  # [n, T] planned EBITDA of the next four quarters, after the run too, USD bn a year
    receipts0: Term  # opening z, USD bn a step
    ebitda0: Term  # opening ze
    capex_plan: ByStep  # [n, T] USD bn a step
    committed: Term
    follow: Term
    power_follow: Term
    in_race: Term
    kappa: Term
    equity0: Term  # opening value of equity; 0: not valued
    core0: Term  # solved or given
    core_beta: Term
    core_haircut: Term
    order_share: Term  # share of the core value that follows receipts over plan
    mult0: Term  # opening multiple on annualised receipts, solved or given
    mult_mature: Term
    mult_tau: Term  # years
    fails_step: Row  # int64 step in which a shock makes it fail, -1: none


class Fleet(NamedTuple):
    """Owners of chips; all [O] unless said otherwise."""

    entity: Row  # int64 row
    fleet0: Term  # USD bn cost in service at opening
    fleet_span: Term  # years over which the opening fleet was bought, evenly
    book_life: Term  # years
    gw0: Term
    plan_gw: ByStep  # [O, T] planned additions through the end of step t-1, cumulative
    power_exposure: Term
    cost_per_gw: Term
    chip_of_capex: Term
    replace_price: Term
    stranded_deal: Row  # int64 row of deal_loss (own:<entity>)


class Legs(NamedTuple):
    """Obligations; all [L] unless said otherwise."""

    payer: Row  # int64
    payee: Row  # int64
    seniority: Row  # int64 class 0..4
    driver: Row  # int64, SCHEDULED .. GUARANTEE
    deal: Row  # int64 row of deal_loss
    group: Row  # int64 row of Factors.execution
    volume_row: Row  # int64 row of Factors.contracts: the volume that the customer takes of the group
    sched: ByStep  # [L, T] USD bn a step (revenue share: ratio)
    follow: Term  # share of the amount that follows delivery
    host: Row  # int64 row of the entity that delivers (owner), -1: none
    supply: Term  # 1: capacity of the payer
    supply_weight: ByStep  # [L, T]
    ends_with_payee: Term
    haircut: Term  # 1: volume is cut in a restructuring of the payer
    operating: Term  # 1: counts in receipts and EBITDA
    relet: Term  # share re-let; meaningful where contract = 1
    saved: Term  # share of cost saved on volume that is not re-let
    contract: Term  # 1: volume of a provider that can be lost and re-let
    replaces: Term  # share of earnings that replaces fixed cost of the payer
    delay: Term  # share of earned paid one step later
    receivable0: Term  # opening receivable
    damages: Term  # of remaining
    remaining: ByStep  # [L, T] scheduled after step t, after the run too, USD bn
    bal0: Term
    amort: ByStep  # [L, T] of balance
    draw: ByStep  # [L, T] USD bn
    rate_fixed: Term
    rate_float: Term
    rate_spread: Term
    ltv: Term  # covenant, 0: none
    coll_fleet: Term  # share of the payer's chips of the opening
    coll_later: Term  # share of the payer's chips bought later
    coll_core: Term  # share of the payer's core value
    coll_holding: Row  # int64 holding row, -1: none
    coll_stake: Term  # share of that holding
    capex_share: Term  # of the payer's growth capex
    chip_share: Term  # of the payer's replacement
    gate_owner: Row  # int64 row of Fleet, -1: none
    gate_gw: Term
    buys_holding: Row  # int64 holding row that a commitment adds to, -1: none
    covers: Row  # int64 leg that a guarantee covers, -1: none
    cover_share: Term
    cover_cap: Term  # USD bn
    ends_step: Row  # int64 step from which a shock ends the deal, -1: none


class Holdings(NamedTuple):
    """Stakes; all [H]. Stakes of one issuer, with the outside holder's, sum to 1."""

    holder: Row  # int64
    issuer: Row  # int64
    stake0: Term
    cost0: Term
    deal: Row  # int64
    outside_of: Array  # int64 [n]: holding row of the outside investor for each issuer, -1: not valued


class Rules(NamedTuple):
    """Parameters of the step that are not specific to an entity or a deal, and the worlds."""

    world_switches: Array  # [worlds, 5] 1: on; in the order of SWITCHES
    world_least: Array  # [worlds] 1: the least clearing vector in every step, 0: the greatest
    world_detail: Array  # [worlds] 1: losses are kept by channel and deal
    world_saves: Array  # [worlds, n] 1: the entity never fails, outside gives it what it is short of
    world_saves_first: Array  # [worlds] 1: who fails first on the path is saved from then on
    alpha: float
    beta: float
    d0: float  # haircut of a forced sale
    transfer: float
    smoothing: float  # weight of the step in z, ze
    k_shut: float
    k_width: float
    v_shut: float  # log
    v_width: float
    shock_confidence: float  # of a systemic default on confidence, share of plan
    shock_valuation: float  # on the logarithm of the valuation index
    shock_spread: float  # on spreads, share
    shock_rental: float  # on the logarithm of the rental price
    shock_decay: float  # per step factor
    rescue_low: float  # discount of the first share of a last-resort issue
    rescue_high: float  # of the last one
    chip_impact: float  # fall of the log price of chips per USD bn sold by force
    chip_decay: float  # per step factor
    race_theta: float
    capex_max: float
    restructure_kappa: float
    exit_share: float  # new money after a restructuring, over the going concern
    max_restructurings: int
    equity_sweeps: int
    max_iterations: int


class Model(NamedTuple):
    """Everything a block needs."""

    grid: Grid
    factors: "Factors"
    entities: Entities
    fleet: Fleet
    legs: Legs
    holdings: Holdings
    rules: Rules


def freeze_array(array: Array) -> Array:
    """Return the array contiguous and read-only, so that kernels have one signature."""
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array


def freeze(rows: Rows) -> Rows:
    """Return the NamedTuple with copies of its arrays (lists and tuples too): int64 where they hold integers, else float64, contiguous and read-only."""
    return rows._make(freeze_array(typed_copy(value)) if isinstance(value, (np.ndarray, list, tuple)) else value for value in rows)


def typed_copy(values: Array | list[Any] | tuple[Any, ...]) -> Array:
    """Return an int64 or float64 array of the values."""
    array = np.asarray(values)
    return np.array(array, dtype=np.int64 if array.dtype.kind == "i" else np.float64)
