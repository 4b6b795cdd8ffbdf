"""What compile makes and the kernels read: flat NamedTuples of read-only arrays, without names, units or behaviour.

Equations and symbols: docs/model.md. Shapes: n entities, L legs, H holdings, T steps, D deals, R revenue processes,
S deal groups, O fleet owners, W worlds, M most shots. Money USD bn, power GW, time years. Flags are 0.0 or 1.0 (float64)
where they multiply, int64 where they index. "row" is an index into entities unless said otherwise; -1 means none.
"""

from typing import Any, NamedTuple, TypeVar

import numpy as np

Array = np.ndarray
Rows = TypeVar("Rows", bound=NamedTuple)

CHANNELS = ("credit", "contract", "equity", "collateral", "stranded")
SWITCHES = ("nonpayment", "supply", "relief", "marks", "confidence")
DRIVERS = ("demand", "valuation", "rates", "spread", "power", "rental")
# What pays a leg (docs/model.md 4.3).
SCHEDULED, REVENUE_SHARE, CAPEX, OPEX, BALANCE, COMMITMENT, GUARANTEE = range(7)


class Grid(NamedTuple):
    """Time and sizes."""

    steps: int  # T
    dt: float  # years a step
    entities: int  # n
    insurer: int  # row of the node that pays in insured worlds
    outside_investor: int  # row of the node that buys new equity and inherits what creditors get
    deals: int  # D, rows of deal_loss


class Factors(NamedTuple):
    """Section 2. Philox keys are uint32 pairs (low, high)."""

    key_driver: Array  # [6, 2] uint32, in the order of DRIVERS
    key_regime: Array  # [2] uint32
    key_rate_integral: Array  # [2]
    key_revenue: Array  # [R, 2]
    key_delivery_common: Array  # [2]
    key_delivery: Array  # [R, 2]
    key_life: Array  # [2]
    key_shots: Array  # [2]
    key_group: Array  # [S, 2] (row 0 unused: group 0 always executes at full size)
    driver_cholesky: Array  # [6, 6] lower triangular
    regime_p01: float
    regime_p10: float
    rate0: float
    rate_theta: float
    rate_decay: float  # a
    rate_sd: float  # s1
    rate_int_gain: float  # (1-a)/kappa [years]
    rate_int_c1: float
    rate_int_c2: float
    rate_cir: Array  # [3, 2] Cox-Ingersoll-Ross: variance of r', its covariance with the integral, variance of that; constant and slope in r. [0, 2]: Vasicek
    discount: float  # 1: at the short rate, 0: nominal
    spread_decay: float
    spread_sd: float
    spread_var: Array  # [T]
    val_decay: float
    val_sd: float
    val_var: Array  # [T]
    val_shift: float  # log, in disappointment
    val_rate_duration: float  # years
    gap_plan: Array  # [T]
    gap_decay: float
    gap_sd: float
    shot_cdf: Array  # [M] Poisson CDF at 0..M-1
    shot_mean: float  # mean size of a shot, share
    shot_decay: float  # per year
    delivery_rho: float
    delivery_z0: float  # first z of the table
    delivery_dz: float  # step of the table
    delivery_table: Array  # [K, 2] value and slope d/dz of the Beta-PERT quantile at Phi(z)
    rev_plan0: Array  # [R] USD bn a step, the opening step
    rev_plan: Array  # [R, T] USD bn a step
    rev_loading: Array  # [R]
    rev_sd: Array  # [R, T] sd of the step's own shock
    rev_var: Array  # [R, T] variance of Y
    rev_shift: Array  # [R] log per year in disappointment
    rev_decay: Array  # [R]
    rev_m_sd: Array  # [R] b1
    rev_gain: Array  # [R] [years]
    rev_int_c1: Array  # [R] b2
    rev_int_c2: Array  # [R] b3
    demand_weight: Array  # [R, T] rows of labs sum to 1, others 0
    conf_lambda: float
    rent_decay: float
    rent_mean: Array  # [T] log, with obsolescence
    rent_pull: float
    rent_sd: float
    rent_var: Array  # [T]
    life_values: Array  # [V] years
    life_cdf: Array  # [V-1]
    exec_rho: Array  # [S]
    exec_threshold: Array  # [S]
    size_low: Array  # [S]
    size_high: Array  # [S]


class Entities(NamedTuple):
    """Section 4.1-4.9; all [n] unless said otherwise."""

    outside: Array  # 1: outside node, always pays, never defaults, unlimited cash
    restructures: Array  # 1: policy restructure, 0: liquidate
    systemic: Array  # 1: its default shocks confidence
    revenue_process: Array  # int64, row of Factors.rev_*, -1: none
    owner: Array  # int64, row of Fleet, -1: none
    rev_ext: Array  # [n, T] USD bn a step
    cost_fixed: Array  # [n, T] USD bn a step
    cost_var: Array
    ai_share: Array
    rental_share: Array
    capacity_share: Array
    flex: Array
    runway_years: Array
    headroom: Array
    is_lab: Array  # 1: takes part in the transfer of lost demand
    plan_external: Array  # [n, T] plan revenue of the own process, USD bn a step; 0 without one
    cash0: Array
    min_cash: Array
    line0: Array
    cash_target: Array  # [n, T]
    payout: Array  # share of the surplus paid out a step
    payout_above: Array  # USD bn
    insider: Array
    fund_equity: Array  # 1: market money is new equity
    fund_phi: Array  # of equity value a step
    fund_advance: Array  # of desired capex
    fund_flat: Array  # USD bn a step
    fund_leverage: Array  # x forward EBITDA
    fund_ltv: Array  # of holdings
    fund_unbounded: Array  # 1: no headroom applies
    new_debt_leg: Array  # int64 leg, -1: none
    receipts_plan: Array  # [n, T] planned operating receipts a step, smoothed as z is
    ebitda_plan: Array  # [n, T] planned EBITDA a step, smoothed as ze is
    ebitda_fwd: Array  # [n, T] planned EBITDA of the next four quarters, USD bn a year
    receipts0: Array  # opening z, USD bn a step
    ebitda0: Array  # opening ze
    capex_plan: Array  # [n, T] USD bn a step
    committed: Array
    follow: Array
    power_follow: Array
    in_race: Array
    kappa: Array
    equity0: Array  # opening value of equity; 0: not valued
    core0: Array  # solved or given
    core_beta: Array
    core_haircut: Array
    mult0: Array  # opening multiple on annualised receipts, solved or given
    mult_mature: Array
    mult_tau: Array  # years


class Fleet(NamedTuple):
    """Owners of chips; all [O] unless said otherwise."""

    entity: Array  # int64 row
    fleet0: Array  # USD bn cost in service at opening
    fleet_span: Array  # years over which the opening fleet was bought, evenly
    book_life: Array  # years
    gw0: Array
    plan_gw: Array  # [O, T] planned additions through the end of step t-1, cumulative
    power_exposure: Array
    cost_per_gw: Array
    chip_of_capex: Array
    replace_price: Array
    stranded_deal: Array  # int64 row of deal_loss (own:<entity>)


class Legs(NamedTuple):
    """Obligations; all [L] unless said otherwise."""

    payer: Array  # int64
    payee: Array  # int64
    seniority: Array  # int64 class 0..4
    driver: Array  # int64, SCHEDULED .. GUARANTEE
    deal: Array  # int64 row of deal_loss
    group: Array  # int64 row of Factors.key_group
    sched: Array  # [L, T] USD bn a step (revenue share: ratio)
    follow: Array  # share of the amount that follows delivery
    host: Array  # int64 row of the entity that delivers (owner), -1: none
    supply: Array  # 1: capacity of the payer
    supply_weight: Array  # [L, T]
    ends_with_payee: Array
    haircut: Array  # 1: volume is cut in a restructuring of the payer
    operating: Array  # 1: counts in receipts and EBITDA
    relet: Array  # share re-let; meaningful where contract = 1
    saved: Array  # share of cost saved on what is not re-let
    contract: Array  # 1: volume of a provider that can be lost and re-let
    replaces: Array  # share of what is earned that replaces fixed cost of the payer
    delay: Array  # share of earned paid one step later
    out0: Array  # opening receivable
    damages: Array  # of remaining
    remaining: Array  # [L, T] scheduled after step t within the horizon, USD bn
    bal0: Array
    amort: Array  # [L, T] of balance
    draw: Array  # [L, T] USD bn
    rate_fixed: Array
    rate_float: Array
    rate_spread: Array
    ltv: Array  # covenant, 0: none
    coll_fleet: Array  # share of the payer's fleet
    coll_core: Array  # share of the payer's core value
    coll_holding: Array  # int64 holding row, -1: none
    coll_stake: Array  # share of that holding
    capex_share: Array  # of the payer's growth capex
    chip_share: Array  # of the payer's replacement
    gate_owner: Array  # int64 row of Fleet, -1: none
    gate_gw: Array
    buys_holding: Array  # int64 holding row that a commitment adds to, -1: none
    covers: Array  # int64 leg that a guarantee covers, -1: none
    cover_share: Array
    cover_cap: Array  # USD bn


class Holdings(NamedTuple):
    """Stakes; all [H]. Stakes of one issuer, with the outside holder's, sum to 1."""

    holder: Array  # int64
    issuer: Array  # int64
    stake0: Array
    cost0: Array
    deal: Array  # int64
    outside_of: Array  # int64 [n]: holding row of the outside investor for each issuer, -1: not valued


class Rules(NamedTuple):
    """Parameters of the step that are not specific to an entity or a deal, and the worlds."""

    world_switches: Array  # [W, 5] in the order of SWITCHES
    alpha: float
    beta: float
    d0: float  # haircut of a forced sale
    transfer: float
    smoothing: float  # weight of the step in z, ze
    k_shut: float
    k_width: float
    v_shut: float  # log
    v_width: float
    shock_size: float
    shock_decay: float  # per step factor
    race_theta: float
    capex_max: float
    restructure_kappa: float
    max_restructurings: int
    equity_sweeps: int
    max_iterations: int


class Model(NamedTuple):
    """Everything a block needs."""

    grid: Grid
    factors: Factors
    entities: Entities
    fleet: Fleet
    legs: Legs
    holdings: Holdings
    rules: Rules


def freeze_array(array: Array) -> Array:
    """The array, contiguous and read-only: one signature for all kernels."""
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array


def freeze(rows: Rows) -> Rows:
    """The NamedTuple with copies of its arrays (lists and tuples too): int64 where they hold integers, else float64, contiguous and read-only."""
    return rows._make(freeze_array(typed_copy(value)) if isinstance(value, (np.ndarray, list, tuple)) else value for value in rows)


def typed_copy(values: Array | list[Any] | tuple[Any, ...]) -> Array:
    """An int64 or float64 array of the values."""
    array = np.asarray(values)
    return np.array(array, dtype=np.int64 if array.dtype.kind == "i" else np.float64)
