"""Liquidity before clearing, settlement after it, commitments (docs/model.md 4.4, 4.6). Amounts USD bn."""

import math

from simulate.kernels.jit import part
from simulate.kernels.maths import copy_rows, exp_of
from simulate.kernels.rows import (
    ACTIVE,
    ALIVE,
    ALPHA,
    BETA,
    BUYS_HOLDING,
    CAPACITY,
    CASH,
    CASH_IN,
    CASH_TARGET,
    COVER_LEFT,
    COVER_SOLD,
    COVERED,
    DEBT,
    DELIVERED,
    DESIRED,
    DRAW_PLAN,
    DRAWN,
    DUES,
    EARNED,
    EBITDA,
    EBITDA_FWD,
    EBITDA_PLAN,
    EQUITY,
    FAILING,
    FUND_ADVANCE,
    FUND_EQUITY,
    FUND_FLAT,
    FUND_LEVERAGE,
    FUND_LTV,
    FUND_PHI,
    FUND_UNBOUNDED,
    GATE_GW,
    GATE_OWNER,
    GOT,
    HOLDINGS_VALUE,
    INSIDER,
    K_SHUT,
    K_WIDTH,
    LEG_GROUP,
    LINE,
    NEW_DEBT_LEG,
    OPEN,
    OUTSIDE,
    OUTSIDE_IN,
    OUTSIDE_OUT,
    PAID,
    PAY,
    PAYEE,
    PAYER,
    PENDING,
    RECEIVED,
    RECEIVED_FULL,
    RELET,
    RETURNED,
    REVENUE,
    ROOM,
    ROWS_BALANCE,
    ROWS_COMMITMENT,
    ROWS_GUARANTEE,
    ROWS_INSIDE,
    ROWS_RAISING,
    SCHED,
    SENIORITY,
    SHOCK,
    SHUT,
    SUBROGATED,
    TROUBLED,
    V_SHUT,
    V_WIDTH,
)


@part
def open_door(rules, confidence_on, factors, w, s):
    """Openness of the funding market; shut only when confidence and valuation are both bad."""
    for lane in range(s.lane.shape[1]):
        shock = w.lane[SHOCK, lane] if confidence_on else 0.0
        doubt = 1.0 / (1.0 + exp_of((factors.confidence[lane] - shock - rules.terms[K_SHUT]) / rules.terms[K_WIDTH]))
        cheap = 1.0 / (1.0 + exp_of((factors.log_valuation[lane] - rules.terms[V_SHUT]) / rules.terms[V_WIDTH]))
        s.lane[OPEN, lane] = 1.0 - doubt * cheap
        w.lane[SHUT, lane] += 1.0 if s.lane[OPEN, lane] < 0.5 else 0.0


@part
def find_liquidity(entities, legs, layout, holdings, t, w, s):
    """Funding room, prefunding, e (s.entity[CASH_IN]) and K (s.entity[CAPACITY]) of every inside row."""
    lanes = s.lane.shape[1]
    for a in range(layout.count[ROWS_RAISING]):
        i = layout.rows[ROWS_RAISING, a]
        for b in range(layout.issue_start[i], layout.issue_start[i + 1]):
            s.new_money[layout.holding_of_issuer[b], :] = 0.0
    for i in range(s.entity.shape[1]):
        if entities.terms[OUTSIDE, i] > 0.0:
            s.entity[OUTSIDE_IN, i, :] = 0.0
    for a in range(layout.count[ROWS_INSIDE]):
        i = layout.rows[ROWS_INSIDE, a]
        planned = entities.by_step[EBITDA_PLAN, i, t - 1] if t > 0 else 0.0
        unbounded = entities.terms[FUND_UNBOUNDED, i] > 0.0
        for lane in range(lanes):
            alive = w.entity[ALIVE, i, lane]
            access = entities.terms[INSIDER, i] + (1.0 - entities.terms[INSIDER, i]) * s.lane[OPEN, lane]
            ratio = min(max(w.entity[EBITDA, i, lane] / planned, 0.0), 1.5) if planned > 0.0 else 1.0
            borrow = (
                entities.terms[FUND_LEVERAGE, i] * entities.by_step[EBITDA_FWD, i, t] * ratio
                + entities.terms[FUND_LTV, i] * w.entity[HOLDINGS_VALUE, i, lane]
                - w.entity[DEBT, i, lane]
            )
            headroom = math.inf if unbounded else borrow
            base = (
                entities.terms[FUND_PHI, i] * w.entity[EQUITY, i, lane]
                + entities.terms[FUND_ADVANCE, i] * s.entity[DESIRED, i, lane]
                + entities.terms[FUND_FLAT, i]
            )
            room = access * max(0.0, min(base, headroom)) * alive
            early = min(room, max(0.0, entities.by_step[CASH_TARGET, i, t] - w.entity[CASH, i, lane]) * alive)
            s.entity[ROOM, i, lane] = room - early
            s.entity[CAPACITY, i, lane] = (w.entity[LINE, i, lane] + room - early) * alive
            s.entity[OUTSIDE_IN, i, lane] = s.entity[REVENUE, i, lane] * alive + s.entity[RELET, i, lane] + w.entity[PENDING, i, lane]
            s.free[0, lane] = early
        raise_money(i, entities, holdings, s, s.free[0])
    for a in range(layout.count[ROWS_BALANCE]):
        l = layout.rows[ROWS_BALANCE, a]
        if legs.by_step[DRAW_PLAN, l, t] > 0.0:
            i = legs.rows[PAYER, l]
            for lane in range(lanes):
                s.entity[OUTSIDE_IN, i, lane] += s.leg[DRAWN, l, lane]
    for a in range(layout.count[ROWS_INSIDE]):
        i = layout.rows[ROWS_INSIDE, a]
        # Money raised early on a market debt leg stands in s.leg[DRAWN] of a leg without schedule and was added by raise_money.
        for lane in range(lanes):
            s.entity[CASH_IN, i, lane] = w.entity[CASH, i, lane] + s.entity[OUTSIDE_IN, i, lane]
            w.entity[PENDING, i, lane] = 0.0


@part
def raise_money(i, entities, holdings, s, amount):
    """Book market money [W] of row i: new equity bought by outside investors, or debt. Cash reaches i through s.entity[OUTSIDE_IN]."""
    lanes = s.lane.shape[1]
    if entities.terms[FUND_EQUITY, i] > 0.0:
        h = holdings.outside_of[i]
        for lane in range(lanes):
            s.new_money[h, lane] += amount[lane]
            s.entity[OUTSIDE_IN, i, lane] += amount[lane]
    elif entities.rows[NEW_DEBT_LEG, i] >= 0:
        l = entities.rows[NEW_DEBT_LEG, i]
        for lane in range(lanes):
            s.leg[DRAWN, l, lane] += amount[lane]
            s.entity[OUTSIDE_IN, i, lane] += amount[lane]


@part
def draw_liquidity(i, entities, holdings, w, s, need):
    """Cover need [W] of row i: the credit line first (counted down), then the market. Adds to cash."""
    lanes = s.lane.shape[1]
    short = 0  # counted, as the largest of floating-point numbers is not found by vectors
    for lane in range(lanes):
        short += 1 if need[lane] > 0.0 else 0
    if short == 0:
        return
    market = s.free[1]
    l = entities.rows[NEW_DEBT_LEG, i]
    for lane in range(lanes):
        wanted = need[lane]
        from_line = min(w.entity[LINE, i, lane], wanted)
        w.entity[LINE, i, lane] -= from_line
        rest = wanted - from_line
        s.entity[ROOM, i, lane] = max(0.0, s.entity[ROOM, i, lane] - rest)
        market[lane] = rest
        w.entity[CASH, i, lane] += wanted
        s.entity[OUTSIDE_IN, i, lane] += from_line
        if l >= 0:
            s.leg[DRAWN, l, lane] += from_line
    raise_money(i, entities, holdings, s, market)


@part
def sum_payments_of_failing(legs, layout, w, s):
    """PAID of rows that do not pay their dues in full, and COVER_SOLD: collateral of estates that reaches its creditors now."""
    for i in range(s.flags.size):
        if s.flags[i] > 0:
            s.entity[COVER_SOLD, i, :] = 0.0
    for lane in range(s.lane.shape[1]):
        if s.lane[TROUBLED, lane] == 0.0:
            continue
        for a in range(layout.count[ROWS_GUARANTEE]):
            g = layout.rows[ROWS_GUARANTEE, a]
            net = s.leg[PAY, g, lane] - s.leg[RETURNED, g, lane]
            w.leg[SUBROGATED, g, lane] += net
            w.leg[COVER_LEFT, g, lane] -= net * w.entity[ALIVE, legs.rows[PAYER, g], lane]  # no estate is called
        for a in range(layout.count[ROWS_INSIDE]):
            i = layout.rows[ROWS_INSIDE, a]
            if s.entity[ACTIVE, i, lane] > 0.0:
                paid, covered = 0.0, 0.0
                for b in range(layout.leg_start[i], layout.leg_start[i + 1]):
                    l = layout.leg_of_payer[b]
                    paid += s.leg[PAY, l, lane]
                    covered += w.leg[COVERED, l, lane]
                s.entity[PAID, i, lane] = paid
                s.entity[COVER_SOLD, i, lane] = covered


@part
def settle(grid, entities, legs, layout, holdings, rules, insured, w, s):
    """Cash after clearing: draws of the solvent, default costs, what estates keep; the insurer's account closes the sum."""
    lanes = s.lane.shape[1]
    need = s.free[0]
    copy_rows(s.entity[DUES], s.entity[PAID])
    copy_rows(s.entity[RECEIVED], s.entity[GOT])
    sum_payments_of_failing(legs, layout, w, s)
    if insured:
        account = s.entity[GOT, grid.insurer]
        for i in range(grid.entities):
            for lane in range(lanes):
                account[lane] += s.entity[PAID, i, lane] - s.entity[RECEIVED, i, lane]
    for i in range(grid.entities):
        if entities.terms[OUTSIDE, i] > 0.0:
            for lane in range(lanes):
                w.entity[CASH, i, lane] += s.entity[GOT, i, lane] - s.entity[PAID, i, lane]
            continue
        alive, sold, cash = w.entity[ALIVE, i], s.entity[COVER_SOLD, i], w.entity[CASH, i]
        for lane in range(lanes):
            had, got, failing = s.entity[CASH_IN, i, lane], s.entity[RECEIVED, i, lane], s.entity[FAILING, i, lane]
            cost = ((1.0 - rules.terms[ALPHA]) * had + (1.0 - rules.terms[BETA]) * got) * failing * alive[lane]
            s.entity[OUTSIDE_OUT, i, lane] = cost
            rest = had + got - cost - s.entity[PAID, i, lane]
            need[lane] = max(0.0, -rest) * (1.0 - failing)
            cash[lane] = rest
        if s.flags[i] > 0:
            for lane in range(lanes):
                # What covers secured claims on an estate was sold outside and is paid straight to its creditor.
                cash[lane] += sold[lane]
                s.entity[OUTSIDE_IN, i, lane] += sold[lane]
        draw_liquidity(i, entities, holdings, w, s, need)
        for lane in range(lanes):
            cash[lane] = max(0.0, cash[lane])


@part
def pay_commitments(grid, entities, legs, layout, holdings, insured, t, draws, w, s):
    """Tranches of equity commitments: no default when one is not paid, but it is lost. Outside investors always pay."""
    lanes = s.lane.shape[1]
    tranches = 0
    for a in range(layout.count[ROWS_COMMITMENT]):
        tranches += 1 if legs.by_step[SCHED, layout.rows[ROWS_COMMITMENT, a], t] != 0.0 else 0
    if tranches == 0:
        return
    owed, share, need = s.claims[0, 0], s.claims[0, 1], s.claims[0, 2]  # free after clearing
    arrived = s.entity[RECEIVED_FULL]  # joins the cash after the loop: an investor cannot pass on what it gets, whatever the order of rows
    arrived[:] = 0.0
    s.flags[:] = 0  # who gets anything
    for i in range(grid.entities):
        owed[:] = 0.0
        any_leg = False
        for b in range(layout.leg_start[i], layout.leg_start[i + 1]):
            l = layout.leg_of_payer[b]
            if legs.rows[SENIORITY, l] == 4:
                any_leg = True
                fix_tranche(l, entities, legs, insured, t, draws, w, s)
                for lane in range(lanes):
                    owed[lane] += s.leg[EARNED, l, lane]
        if not any_leg:
            continue
        outside = entities.terms[OUTSIDE, i] > 0.0
        for lane in range(lanes):
            able = w.entity[CASH, i, lane] + w.entity[LINE, i, lane] + s.entity[ROOM, i, lane]
            part = min(max(able / owed[lane], 0.0), 1.0) if owed[lane] > 0.0 else 1.0
            able_to_act = w.entity[ALIVE, i, lane] * (1.0 - s.entity[FAILING, i, lane])
            share[lane] = 1.0 if outside else part * able_to_act
            need[lane] = 0.0 if outside else max(0.0, share[lane] * owed[lane] - w.entity[CASH, i, lane])
        if not outside:
            draw_liquidity(i, entities, holdings, w, s, need)
        for b in range(layout.leg_start[i], layout.leg_start[i + 1]):
            l = layout.leg_of_payer[b]
            if legs.rows[SENIORITY, l] == 4:
                transfer_tranche(grid, l, entities, legs, insured, w, s, share, arrived)
    for i in range(grid.entities):
        if s.flags[i] > 0:
            for lane in range(lanes):
                w.entity[CASH, i, lane] += arrived[i, lane]
                s.entity[GOT, i, lane] += arrived[i, lane]


@part
def fix_tranche(l, entities, legs, insured, t, draws, w, s):
    """Amount of a tranche if its gate is open and the investee lives (insured worlds: lives or not), in s.leg[EARNED]."""
    j, gate = legs.rows[PAYEE, l], legs.rows[GATE_OWNER, l]
    scale = draws.scale[legs.rows[LEG_GROUP, l]]
    outside = entities.terms[OUTSIDE, j]
    for lane in range(s.lane.shape[1]):
        passed = 1.0
        if gate >= 0:
            passed = 1.0 if w.owner[DELIVERED, gate, lane] >= legs.terms[GATE_GW, l] else 0.0
        lives = max(outside, w.entity[ALIVE, j, lane] * (1.0 - s.entity[FAILING, j, lane]))
        s.leg[EARNED, l, lane] = legs.by_step[SCHED, l, t] * scale[lane] * passed * (1.0 if insured else lives)


@part
def transfer_tranche(grid, l, entities, legs, insured, w, s, share, arrived):
    """Pay a tranche from investor to investee (`arrived` [n, W]); insured worlds fill what the investor could not pay."""
    i, j, h = legs.rows[PAYER, l], legs.rows[PAYEE, l], legs.rows[BUYS_HOLDING, l]
    s.flags[j], s.flags[grid.insurer] = 1, 1
    for lane in range(s.lane.shape[1]):
        paid = share[lane] * s.leg[EARNED, l, lane]
        lives = max(entities.terms[OUTSIDE, j], w.entity[ALIVE, j, lane] * (1.0 - s.entity[FAILING, j, lane]))
        arrives = s.leg[EARNED, l, lane] * lives if insured else paid
        s.entity[PAID, i, lane] += paid
        w.entity[CASH, i, lane] = w.entity[CASH, i, lane] - paid
        arrived[j, lane] += arrives
        arrived[grid.insurer, lane] += paid - arrives
        if h >= 0:
            s.new_money[h, lane] += paid * lives
