"""What falls due (docs/model.md 4.3). One leg is one line of obligation of one deal; all amounts USD bn."""

from simulate.kernels.jit import part, stage
from simulate.kernels.maths import copy_row, exp_of
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
    DRIVER,
    DUE,
    DUE_ON,
    DUES,
    EARNED,
    EQUITY,
    EQUITY0,
    FLEET_VALUE,
    INTEREST_PAID,
    ISSUER,
    LEG_GROUP,
    LTV,
    OPERATING,
    OPERATING_OUT,
    OUT,
    OUT0,
    OUT_DUE_ON,
    PAYEE,
    PAYER,
    POWER_FOLLOW,
    PRINCIPAL,
    RATE_FIXED,
    RATE_FLOAT,
    RATE_SPREAD,
    RECEIVED_FULL,
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
from simulate.model import CAPEX


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


@part
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


@part
def fall_due(grid, entities, legs, layout, insured, t, factors, rate_before, spread_before, draws, w, s):
    """Due of every leg of a living payer, what the undisturbed deal would bring its payee (`due_on`), and their sums.

    Sums while the amounts are at hand: OPERATING_OUT (operating legs but capex), INTEREST_PAID and DUES by payer, RECEIVED_FULL by payee.
    """
    lanes, dt = s.lane.shape[1], grid.dt
    s.entity[OPERATING_OUT, :] = 0.0
    s.entity[DUES, :] = 0.0
    s.entity[RECEIVED_FULL, :] = 0.0
    s.entity[INTEREST_PAID, :] = 0.0
    for a in range(layout.count[ROWS_REVENUE_SHARE]):
        l = layout.rows[ROWS_REVENUE_SHARE, a]
        i = legs.rows[PAYER, l]
        scale = draws.scale[legs.rows[LEG_GROUP, l]]
        for lane in range(lanes):
            full = legs.by_step[SCHED, l, t] * scale[lane] * s.entity[REVENUE, i, lane]
            s.leg[DUE_ON, l, lane] = full
            s.leg[EARNED, l, lane] = full * w.leg[VOLUME, l, lane]
        copy_row(s.leg[EARNED, l], s.leg[DUE, l])
    if insured:
        find_disturbed(layout, w, s)
    for both in range(2):
        kind = ROWS_SCHEDULED if both == 0 else ROWS_REVENUE_SHARE
        for a in range(layout.count[kind]):
            l = layout.rows[kind, a]
            if legs.terms[DELAY, l] == 0.0 and legs.terms[OUT0, l] == 0.0:
                if legs.by_step[SCHED, l, t] != 0.0:
                    add_dues(l, legs, insured, s)
                continue
            now = 1.0 - legs.terms[DELAY, l]
            due, due_on, earned = s.leg[DUE, l], s.leg[DUE_ON, l], s.leg[EARNED, l]
            out, out_on = w.leg[OUT, l], w.leg[OUT_DUE_ON, l]
            for lane in range(lanes):
                due[lane] = now * earned[lane] + out[lane]
            if insured:
                for lane in range(lanes):
                    later = legs.terms[DELAY, l] * due_on[lane]
                    due_on[lane] = now * due_on[lane] + out_on[lane]
                    out_on[lane] = later
            add_dues(l, legs, insured, s)
    for a in range(layout.count[ROWS_CAPEX]):
        l = layout.rows[ROWS_CAPEX, a]
        i = legs.rows[PAYER, l]
        part = legs.terms[CAPEX_SHARE, l]
        plan = part * entities.by_step[CAPEX_PLAN, i, t]
        due, committed = s.leg[DUE, l], s.entity[COMMITTED, i]
        for lane in range(lanes):
            due[lane] = part * committed[lane]
        if insured and s.disturbed[i] == 0:
            copy_row(due, s.leg[DUE_ON, l])
        elif insured:
            for lane in range(lanes):
                dead = plan * (1.0 - entities.terms[POWER_FOLLOW, i] * factors.gap[lane]) * (1.0 - w.entity[ALIVE, i, lane])
                s.leg[DUE_ON, l, lane] = due[lane] + dead
        add_dues(l, legs, insured, s)
    for a in range(layout.count[ROWS_OPEX]):
        l = layout.rows[ROWS_OPEX, a]
        copy_row(s.entity[COST, legs.rows[PAYER, l]], s.leg[DUE, l])
        if insured:
            copy_row(s.leg[DUE, l], s.leg[DUE_ON, l])
        add_dues(l, legs, insured, s)
    for a in range(layout.count[ROWS_BALANCE]):
        l = layout.rows[ROWS_BALANCE, a]
        i = legs.rows[PAYER, l]
        scale = draws.scale[legs.rows[LEG_GROUP, l]]
        amort, ltv = legs.by_step[AMORT, l, t], legs.terms[LTV, l]
        fixed, floating, margin = legs.terms[RATE_FIXED, l], legs.terms[RATE_FLOAT, l], legs.terms[RATE_SPREAD, l]
        balance, alive, drawn = w.leg[BALANCE_NOW, l], w.entity[ALIVE, i], legs.by_step[DRAW_PLAN, l, t]
        total, repaid, due, draw = s.entity[INTEREST_PAID, i], s.leg[PRINCIPAL, l], s.leg[DUE, l], s.leg[DRAWN, l]
        for lane in range(lanes):
            rate = max(0.0, fixed + floating * rate_before[lane] + margin * spread_before[lane]) * dt
            interest = balance[lane] * rate
            due[lane] = interest
            total[lane] += interest
        for lane in range(lanes):
            repaid[lane] = balance[lane] * amort
        if ltv > 0.0:
            for lane in range(lanes):
                call = max(0.0, balance[lane] - repaid[lane] - ltv * s.leg[COLLATERAL, l, lane])
                repaid[lane] = min(balance[lane], repaid[lane] + call)
        for lane in range(lanes):
            due[lane] += repaid[lane]
        if layout.draws[l] > 0:
            for lane in range(lanes):
                draw[lane] = drawn * scale[lane] * alive[lane]
        if insured and s.disturbed[i] == 0:
            copy_row(due, s.leg[DUE_ON, l])
        elif insured:
            due_on, full, restructured = w.leg[BALANCE_DUE_ON, l], s.leg[DUE_ON, l], w.entity[RESTRUCTURED, i]
            for lane in range(lanes):
                rate = max(0.0, fixed + floating * rate_before[lane] + margin * spread_before[lane]) * dt
                on = due_on[lane] * (rate + amort)
                quiet = alive[lane] * (1.0 if restructured[lane] == 0.0 else 0.0)
                now = due[lane]
                full[lane] = now if quiet > 0.0 else on
        add_dues(l, legs, insured, s)
    for i in range(s.entity.shape[1]):
        for lane in range(lanes):
            s.entity[DUES, i, lane] += s.entity[OPERATING_OUT, i, lane]


@part
def find_disturbed(layout, w, s):
    """s.disturbed [n]: in how many lanes a row is dead or was restructured. Where in none, its deals are the undisturbed ones."""
    for a in range(layout.count[ROWS_INSIDE]):
        i = layout.rows[ROWS_INSIDE, a]
        alive, restructured = w.entity[ALIVE, i], w.entity[RESTRUCTURED, i]
        found = 0
        for lane in range(alive.size):
            found += 1 if alive[lane] == 0.0 or restructured[lane] > 0.0 else 0
        s.disturbed[i] = found


@part
def add_dues(l, legs, insured, s):
    """Add the due of leg l to what its payer owes and its payee receives (undisturbed in insured worlds)."""
    operating = legs.terms[OPERATING, l] > 0.0 and legs.rows[DRIVER, l] != CAPEX
    due, dues = s.leg[DUE, l], s.entity[OPERATING_OUT if operating else DUES, legs.rows[PAYER, l]]
    arrives, receives = s.leg[DUE_ON if insured else DUE, l], s.entity[RECEIVED_FULL, legs.rows[PAYEE, l]]
    for lane in range(due.size):
        dues[lane] += due[lane]
        receives[lane] += arrives[lane]


@part
def roll_balances(legs, layout, insured, t, w, s):
    """Balances after payment and draws, receivables of the next step; the undisturbed balance runs on after a failure."""
    lanes = s.lane.shape[1]
    for a in range(layout.count[ROWS_BALANCE]):
        l = layout.rows[ROWS_BALANCE, a]
        i = legs.rows[PAYER, l]
        balance, draw, repaid = w.leg[BALANCE_NOW, l], s.leg[DRAWN, l], s.leg[PRINCIPAL, l]
        if layout.draws[l] > 0:
            for lane in range(lanes):
                balance[lane] += draw[lane] - repaid[lane]
        elif legs.by_step[AMORT, l, t] == 0.0 and legs.terms[LTV, l] <= 0.0:
            continue  # nothing moves, in the undisturbed balance neither
        else:
            for lane in range(lanes):
                balance[lane] -= repaid[lane]
        if insured and s.disturbed[i] == 0:
            copy_row(balance, w.leg[BALANCE_DUE_ON, l])
        elif insured:
            alive, restructured, due_on = w.entity[ALIVE, i], w.entity[RESTRUCTURED, i], w.leg[BALANCE_DUE_ON, l]
            stays = 1.0 - legs.by_step[AMORT, l, t]
            for lane in range(lanes):
                quiet = alive[lane] * (1.0 if restructured[lane] == 0.0 else 0.0)
                after, on = balance[lane], due_on[lane] * stays + draw[lane]
                due_on[lane] = after if quiet > 0.0 else on
    for both in range(2):
        kind = ROWS_SCHEDULED if both == 0 else ROWS_REVENUE_SHARE
        for a in range(layout.count[kind]):
            l = layout.rows[kind, a]
            if legs.terms[DELAY, l] > 0.0 or legs.terms[OUT0, l] > 0.0:
                for lane in range(lanes):
                    w.leg[OUT, l, lane] = legs.terms[DELAY, l] * s.leg[EARNED, l, lane]
