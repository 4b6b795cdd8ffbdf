"""Names of rows in the packed arrays of the kernels.

A kernel argument of fifty small arrays takes seconds to compile, five big ones a tenth: so all values of one shape stand in one array
and are found by these constants. `simulate/kernels/state.py` packs a Model by the field names below, in the same order.
"""

ENTITIES_ROWS = (
    "revenue_process", "owner", "new_debt_leg",
)
(
    REVENUE_PROCESS, OWNER, NEW_DEBT_LEG,
) = range(len(ENTITIES_ROWS))

ENTITIES_BY_STEP = (
    "rev_ext", "cost_fixed", "plan_external", "cash_target", "receipts_plan", "ebitda_plan", "ebitda_fwd", "capex_plan",
)
(
    REV_EXT, COST_FIXED, PLAN_EXTERNAL, CASH_TARGET, RECEIPTS_PLAN, EBITDA_PLAN, EBITDA_FWD, CAPEX_PLAN,
) = range(len(ENTITIES_BY_STEP))

ENTITIES_TERMS = (
    "outside", "restructures", "systemic", "cost_var", "ai_share", "rental_share", "capacity_share", "flex", "runway_years", "headroom", "is_lab",
    "cash0", "min_cash", "line0", "payout", "payout_above", "insider", "fund_equity", "fund_phi", "fund_advance", "fund_flat", "fund_leverage",
    "fund_ltv", "fund_unbounded", "receipts0", "ebitda0", "committed", "follow", "power_follow", "in_race", "kappa", "equity0", "core0", "core_beta",
    "core_haircut", "mult0", "mult_mature", "mult_tau",
)
(
    OUTSIDE, RESTRUCTURES, SYSTEMIC, COST_VAR, AI_SHARE, RENTAL_SHARE, CAPACITY_SHARE, FLEX, RUNWAY_YEARS, HEADROOM, IS_LAB, CASH0, MIN_CASH, LINE0,
    PAYOUT, PAYOUT_ABOVE, INSIDER, FUND_EQUITY, FUND_PHI, FUND_ADVANCE, FUND_FLAT, FUND_LEVERAGE, FUND_LTV, FUND_UNBOUNDED, RECEIPTS0, EBITDA0,
    COMMITTED_SHARE, FOLLOW_RECEIPTS, POWER_FOLLOW, IN_RACE, KAPPA, EQUITY0, CORE0, CORE_BETA, CORE_HAIRCUT, MULT0, MULT_MATURE, MULT_TAU,
) = range(len(ENTITIES_TERMS))

FLEET_ROWS = (
    "entity", "stranded_deal",
)
(
    OWNER_ENTITY, STRANDED_DEAL,
) = range(len(FLEET_ROWS))

FLEET_BY_STEP = (
    "plan_gw",
)
(
    PLAN_GW,
) = range(len(FLEET_BY_STEP))

FLEET_TERMS = (
    "fleet0", "fleet_span", "book_life", "gw0", "power_exposure", "cost_per_gw", "chip_of_capex", "replace_price",
)
(
    FLEET0, FLEET_SPAN, BOOK_LIFE, GW0, POWER_EXPOSURE, COST_PER_GW, CHIP_OF_CAPEX, REPLACE_PRICE,
) = range(len(FLEET_TERMS))

LEGS_ROWS = (
    "payer", "payee", "seniority", "driver", "deal", "group", "host", "coll_holding", "gate_owner", "buys_holding", "covers",
)
(
    PAYER, PAYEE, SENIORITY, DRIVER, LEG_DEAL, LEG_GROUP, HOST, COLL_HOLDING, GATE_OWNER, BUYS_HOLDING, COVERS,
) = range(len(LEGS_ROWS))

LEGS_BY_STEP = (
    "sched", "supply_weight", "remaining", "amort", "draw",
)
(
    SCHED, SUPPLY_WEIGHT, REMAINING, AMORT, DRAW_PLAN,
) = range(len(LEGS_BY_STEP))

LEGS_TERMS = (
    "follow", "supply", "ends_with_payee", "haircut", "operating", "relet", "saved", "contract", "replaces", "delay", "receivable0", "damages", "bal0",
    "rate_fixed", "rate_float", "rate_spread", "ltv", "coll_fleet", "coll_core", "coll_stake", "capex_share", "chip_share", "gate_gw", "cover_share",
    "cover_cap",
)
(
    FOLLOW_DELIVERY, SUPPLY, ENDS_WITH_PAYEE, HAIRCUT_FLAG, OPERATING, RELET_SHARE, SAVED, CONTRACT, REPLACES, DELAY, OUT0, DAMAGES, BAL0, RATE_FIXED,
    RATE_FLOAT, RATE_SPREAD, LTV, COLL_FLEET, COLL_CORE, COLL_STAKE, CAPEX_SHARE, CHIP_SHARE, GATE_GW, COVER_SHARE, COVER_CAP,
) = range(len(LEGS_TERMS))

HOLDINGS_ROWS = (
    "holder", "issuer", "deal",
)
(
    HOLDER, ISSUER, HOLDING_DEAL,
) = range(len(HOLDINGS_ROWS))

HOLDINGS_TERMS = (
    "stake0", "cost0",
)
(
    STAKE0, COST0,
) = range(len(HOLDINGS_TERMS))

RULES_TERMS = (
    "alpha", "beta", "d0", "transfer", "smoothing", "k_shut", "k_width", "v_shut", "v_width", "shock_size", "shock_decay", "race_theta", "capex_max",
    "restructure_kappa",
)
(
    ALPHA, BETA, D0, TRANSFER, SMOOTHING, K_SHUT, K_WIDTH, V_SHUT, V_WIDTH, SHOCK_SIZE, SHOCK_DECAY, RACE_THETA, CAPEX_MAX, RESTRUCTURE_KAPPA,
) = range(len(RULES_TERMS))

NOW_ENTITY = (
    "cash", "alive", "line", "equity", "holdings_value", "debt", "receipts", "ebitda", "executed", "burn", "restructured", "pending", "fresh",
    "default_step", "default_round", "paid_for_stakes",
)
(
    CASH, ALIVE, LINE, EQUITY, HOLDINGS_VALUE, DEBT, RECEIPTS, EBITDA, EXECUTED, BURN, RESTRUCTURED, PENDING, FRESH, DEFAULT_STEP, DEFAULT_ROUND,
    PAID_FOR_STAKES,
) = range(len(NOW_ENTITY))

NOW_OWNER = (
    "built", "delivered", "unreplaced", "installed",
)
(
    BUILT, DELIVERED, UNREPLACED, INSTALLED,
) = range(len(NOW_OWNER))

NOW_LEG = (
    "balance", "balance_due_on", "out", "out_due_on", "volume", "claim", "claim_credit", "paid_on_claim", "covered", "subrogated", "cover_left",
)
(
    BALANCE_NOW, BALANCE_DUE_ON, OUT, OUT_DUE_ON, VOLUME, CLAIM, CLAIM_CREDIT, PAID_ON_CLAIM, COVERED, SUBROGATED, COVER_LEFT,
) = range(len(NOW_LEG))

NOW_HOLDING = (
    "stake", "cost",
)
(
    STAKE, STAKE_COST,
) = range(len(NOW_HOLDING))

NOW_LANE = (
    "shock", "lost_pool", "interest_paid", "stranded", "shut", "unconverged",
)
(
    SHOCK, LOST_POOL, INTEREST_SUM, STRANDED, SHUT, UNCONVERGED,
) = range(len(NOW_LANE))

NOW_CHIPS = (
    "fleet", "fleet_sum",
)
(
    CHIPS, CHIPS_SUM,
) = range(len(NOW_CHIPS))

STEP_ENTITY = (
    "share", "fleet_value", "revenue", "relet", "cost", "interest_paid", "desired", "committed", "growth", "cash_in", "capacity", "room", "dues",
    "received_full", "received", "offsets", "failing", "active", "wave", "paid", "got", "outside_in", "outside_out", "operating_in", "arrived",
    "worth", "cover_sold", "operating_out", "capex_paid", "core", "haircut",
)
(
    SHARE, FLEET_VALUE, REVENUE, RELET, COST, INTEREST_PAID, DESIRED, COMMITTED, GROWTH, CASH_IN, CAPACITY, ROOM, DUES, RECEIVED_FULL, RECEIVED,
    OFFSETS, FAILING, ACTIVE, WAVE, PAID, GOT, OUTSIDE_IN, OUTSIDE_OUT, OPERATING_IN, ARRIVED, WORTH, COVER_SOLD, OPERATING_OUT, CAPEX_PAID, CORE,
    CUT,
) = range(len(STEP_ENTITY))

STEP_OWNER = (
    "worn", "worn_book", "gw_idle",
)
(
    WORN, WORN_BOOK, GW_IDLE,
) = range(len(STEP_OWNER))

STEP_LEG = (
    "earned", "due", "due_on", "principal", "draw", "collateral", "full", "pay", "uncovered", "claim", "credit", "cover", "cover_due",
    "returned",
)
(
    EARNED, DUE, DUE_ON, PRINCIPAL, DRAWN, COLLATERAL, FULL, PAY, UNCOVERED, CLAIM_NOW, CREDIT, COVER, COVER_DUE, RETURNED,
) = range(len(STEP_LEG))

STEP_LANE = (
    "open", "troubled", "worst",
)
(
    OPEN, TROUBLED, WORST,
) = range(len(STEP_LANE))

LISTS = (
    "scheduled", "revenue_share", "capex", "opex", "balance", "commitment", "guarantee", "contract", "supply", "lent", "other_in", "operating_out",
    "inside", "labs", "race", "valued", "raising",
)
(
    ROWS_SCHEDULED, ROWS_REVENUE_SHARE, ROWS_CAPEX, ROWS_OPEX, ROWS_BALANCE, ROWS_COMMITMENT, ROWS_GUARANTEE, ROWS_CONTRACT, ROWS_SUPPLY, ROWS_LENT,
    ROWS_OTHER_IN, ROWS_OPERATING_OUT, ROWS_INSIDE, ROWS_LABS, ROWS_RACE, ROWS_VALUED, ROWS_RAISING,
) = range(len(LISTS))
