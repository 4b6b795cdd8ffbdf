"""What falls due (docs/model.md 4.3). One leg is one line of obligation of one deal; all amounts USD bn."""

from simulate.kernels.jit import stage
from simulate.kernels.maths import exp_of
from simulate.kernels.rows import (
    ALIVE,
    AMORT,
    BALANCE_DUE_ON,
    BALANCE_NOW,
    CAPEX_PLAN,
    CAPEX_SHARE,
    COLL_CORE,
    COLL_FLEET,
    COLL_HOLDING,
    COLL_STAKE,
    COLLATERAL,
    COMMITTED,
    CORE,
    CORE0,
    CORE_BETA,
    COST,
    DELAY,
    DRAW_PLAN,
    DRAWN,
    DUE,
    DUE_ON,
    EARNED,
    EQUITY,
    EQUITY0,
    FLEET_VALUE,
    INTEREST,
    ISSUER,
    LEG_GROUP,
    LTV,
    OUT,
    OUT0,
    OUT_DUE_ON,
    PAYER,
    POWER_FOLLOW,
    PRINCIPAL,
    RATE_FIXED,
    RATE_FLOAT,
    RATE_SPREAD,
    RESTRUCTURED,
    REVENUE,
    ROWS_BALANCE,
    ROWS_CAPEX,
    ROWS_INSIDE,
    ROWS_OPEX,
    ROWS_REVENUE_SHARE,
    ROWS_SCHEDULED,
    SCHED,
    SENIORITY,
    STAKE,
    VOLUME,
)


@stage
def value_core(entities, layout, factors, s):
    """Core value of every entity at the common valuation index, core0 V^beta."""
    lanes = s.lane.shape[1]
    for a in range(layout.count[ROWS_INSIDE]):
        i = layout.rows[ROWS_INSIDE, a]
        if entities.terms[CORE0, i] > 0.0:
            core = s.entity[CORE, i]
            for lane in range(lanes):
                core[lane] = entities.terms[CORE0, i] * exp_of(entities.terms[CORE_BETA, i] * factors.log_valuation[lane])


@stage
def value_collateral(entities, legs, layout, holdings, marks, factors, w, s):
    """Market value of what secures each balance: chips of the payer, its core holdings, a stake."""
    lanes = s.lane.shape[1]
    for a in range(layout.count[ROWS_BALANCE]):
        l = layout.rows[ROWS_BALANCE, a]
        if legs.rows[SENIORITY, l] != 1 and legs.terms[LTV, l] <= 0.0:
            continue
        i, h = legs.rows[PAYER, l], legs.rows[COLL_HOLDING, l]
        value = s.leg[COLLATERAL, l]
        for lane in range(lanes):
            value[lane] = legs.terms[COLL_FLEET, l] * s.entity[FLEET_VALUE, i, lane] + legs.terms[COLL_CORE, l] * s.entity[CORE, i, lane]
        if h >= 0:
            j = holdings.rows[ISSUER, h]
            for lane in range(lanes):
                mark = w.entity[EQUITY, j, lane] if marks else entities.terms[EQUITY0, j] * factors.valuation[lane]
                value[lane] += legs.terms[COLL_STAKE, l] * w.holding[STAKE, h, lane] * mark


@stage
def fall_due(grid, entities, legs, layout, t, factors, rate_before, spread_before, draws, w, s):
    """Due of every leg of a living payer, and what the undisturbed deal would bring its payee (`due_on`)."""
    lanes, dt = s.lane.shape[1], grid.dt
    for a in range(layout.count[ROWS_REVENUE_SHARE]):
        l = layout.rows[ROWS_REVENUE_SHARE, a]
        i = legs.rows[PAYER, l]
        scale = draws.scale[legs.rows[LEG_GROUP, l]]
        for lane in range(lanes):
            full = legs.by_step[SCHED, l, t] * scale[lane] * s.entity[REVENUE, i, lane]
            s.leg[DUE_ON, l, lane] = full
            s.leg[EARNED, l, lane] = full * w.leg[VOLUME, l, lane]
    for both in range(2):
        kind = ROWS_SCHEDULED if both == 0 else ROWS_REVENUE_SHARE
        for a in range(layout.count[kind]):
            l = layout.rows[kind, a]
            now = 1.0 - legs.terms[DELAY, l]
            due, due_on, earned = s.leg[DUE, l], s.leg[DUE_ON, l], s.leg[EARNED, l]
            out, out_on = w.leg[OUT, l], w.leg[OUT_DUE_ON, l]
            for lane in range(lanes):
                later = legs.terms[DELAY, l] * due_on[lane]
                due[lane] = now * earned[lane] + out[lane]
                due_on[lane] = now * due_on[lane] + out_on[lane]
                out_on[lane] = later
    for a in range(layout.count[ROWS_CAPEX]):
        l = layout.rows[ROWS_CAPEX, a]
        i = legs.rows[PAYER, l]
        part = legs.terms[CAPEX_SHARE, l]
        plan = part * entities.by_step[CAPEX_PLAN, i, t]
        for lane in range(lanes):
            due = part * s.entity[COMMITTED, i, lane]
            dead = plan * (1.0 - entities.terms[POWER_FOLLOW, i] * factors.gap[lane]) * (1.0 - w.entity[ALIVE, i, lane])
            s.leg[DUE, l, lane] = due
            s.leg[DUE_ON, l, lane] = due + dead
    for a in range(layout.count[ROWS_OPEX]):
        l = layout.rows[ROWS_OPEX, a]
        i = legs.rows[PAYER, l]
        for lane in range(lanes):
            s.leg[DUE, l, lane] = s.entity[COST, i, lane]
            s.leg[DUE_ON, l, lane] = s.entity[COST, i, lane]
    for a in range(layout.count[ROWS_BALANCE]):
        l = layout.rows[ROWS_BALANCE, a]
        i = legs.rows[PAYER, l]
        scale = draws.scale[legs.rows[LEG_GROUP, l]]
        amort, ltv = legs.by_step[AMORT, l, t], legs.terms[LTV, l]
        balance, due_on = w.leg[BALANCE_NOW, l], w.leg[BALANCE_DUE_ON, l]
        for lane in range(lanes):
            alive = w.entity[ALIVE, i, lane]
            rate = legs.terms[RATE_FIXED, l] + legs.terms[RATE_FLOAT, l] * rate_before[lane] + legs.terms[RATE_SPREAD, l] * spread_before[lane]
            rate = max(0.0, rate) * dt
            principal = balance[lane] * amort
            call = max(0.0, balance[lane] - principal - ltv * s.leg[COLLATERAL, l, lane]) if ltv > 0.0 else 0.0
            principal = min(balance[lane], principal + call)
            s.leg[INTEREST, l, lane] = balance[lane] * rate
            s.leg[PRINCIPAL, l, lane] = principal
            s.leg[DUE, l, lane] = balance[lane] * rate + principal
            quiet = alive > 0.0 and w.entity[RESTRUCTURED, i, lane] == 0.0
            s.leg[DUE_ON, l, lane] = s.leg[DUE, l, lane] if quiet else due_on[lane] * (rate + amort)
            s.leg[DRAWN, l, lane] = legs.by_step[DRAW_PLAN, l, t] * scale[lane] * alive


@stage
def roll_balances(legs, layout, t, w, s):
    """Balances after payment and draws, receivables of the next step; the undisturbed balance runs on after a failure."""
    lanes = s.lane.shape[1]
    for a in range(layout.count[ROWS_BALANCE]):
        l = layout.rows[ROWS_BALANCE, a]
        i = legs.rows[PAYER, l]
        for lane in range(lanes):
            after = w.leg[BALANCE_NOW, l, lane] + s.leg[DRAWN, l, lane] - s.leg[PRINCIPAL, l, lane]
            quiet = w.entity[ALIVE, i, lane] > 0.0 and w.entity[RESTRUCTURED, i, lane] == 0.0
            w.leg[BALANCE_NOW, l, lane] = after
            w.leg[BALANCE_DUE_ON, l, lane] = after if quiet else w.leg[BALANCE_DUE_ON, l, lane] * (1.0 - legs.by_step[AMORT, l, t]) + s.leg[DRAWN, l, lane]
    for both in range(2):
        kind = ROWS_SCHEDULED if both == 0 else ROWS_REVENUE_SHARE
        for a in range(layout.count[kind]):
            l = layout.rows[kind, a]
            if legs.terms[DELAY, l] > 0.0 or legs.terms[OUT0, l] > 0.0:
                for lane in range(lanes):
                    w.leg[OUT, l, lane] = legs.terms[DELAY, l] * s.leg[EARNED, l, lane]
