"""What is discretionary: replacement, growth capex, top-up, payouts; and the price of new shares (docs/model.md 4.6, 4.7)."""

from simulate.kernels.funding import draw_liquidity
from simulate.kernels.jit import part
from simulate.kernels.maths import LITTLE
from simulate.kernels.rows import (
    ALIVE,
    ARRIVED,
    BUILT,
    CAPEX_PAID,
    CAPEX_PLAN,
    CAPEX_SHARE,
    CASH,
    CHIP_OF_CAPEX,
    CHIP_SHARE,
    CHIPS,
    CHIPS_SUM,
    COMMITTED,
    COST_PER_GW,
    DESIRED,
    EARNED,
    EQUITY,
    EXECUTED,
    FAILING,
    GOT,
    GROWTH,
    HOLDER,
    INSTALLED,
    KAPPA,
    LINE,
    MIN_CASH,
    OUTSIDE_OUT,
    OWNER,
    PAID,
    PAID_FOR_STAKES,
    PAYEE,
    PAYOUT,
    PAYOUT_ABOVE,
    REPLACE_PRICE,
    ROOM,
    ROWS_INSIDE,
    ROWS_RAISING,
    STAKE,
    STAKE_COST,
    UNREPLACED,
    WORN,
    WORN_BOOK,
)


@part
def spend(grid, entities, fleet, legs, layout, holdings, insured, follows_supply, t, w, s):
    """Executed capex, what vendors get of it, cash after payouts, and the fleet of the next step."""
    lanes = s.lane.shape[1]
    growth, replacement, need = s.claims[0, 0], s.claims[0, 1], s.claims[0, 2]  # free after clearing
    arrived = s.entity[ARRIVED]
    arrived[:] = 0.0
    s.flags[:] = 0  # who gets anything
    for a in range(layout.count[ROWS_INSIDE]):
        i = layout.rows[ROWS_INSIDE, a]
        o = entities.rows[OWNER, i]
        plan = entities.by_step[CAPEX_PLAN, i, t]
        growth[:] = 0.0
        replacement[:] = 0.0
        able, cash = s.free[2], w.entity[CASH, i]
        least, of_room = entities.terms[MIN_CASH, i], entities.terms[KAPPA, i]
        of_line = 1.0 - (1.0 - of_room) ** (4.0 * grid.dt)  # a line is a stock: a share a quarter, whatever the step
        desired, committed = s.entity[DESIRED, i], s.entity[COMMITTED, i]
        mask_able(i, w, s, able)
        if plan > 0.0 or o >= 0:
            afford = s.free[3]
            for lane in range(lanes):
                reach = of_room * s.entity[ROOM, i, lane] + of_line * w.entity[LINE, i, lane]
                afford[lane] = (max(0.0, cash[lane] - least) + reach) * able[lane]
            if o >= 0:
                replace_worn(o, plan, fleet, w, s, desired, w.entity[ALIVE, i], afford, replacement)
            for lane in range(lanes):
                growth[lane] = min((desired[lane] - committed[lane]) * able[lane], afford[lane] - replacement[lane])
        for lane in range(lanes):
            # One draw pays what exceeds cash above the minimum and tops up to the minimum.
            reach = s.entity[ROOM, i, lane] + w.entity[LINE, i, lane]
            need[lane] = min(max(0.0, replacement[lane] + growth[lane] + least - cash[lane]), reach) * able[lane]
        draw_liquidity(i, entities, holdings, w, s, need)
        for lane in range(lanes):
            cash[lane] = max(0.0, cash[lane] - (replacement[lane] + growth[lane]))
        if entities.terms[PAYOUT, i] > 0.0:
            for lane in range(lanes):
                surplus = entities.terms[PAYOUT, i] * max(0.0, cash[lane] - entities.terms[PAYOUT_ABOVE, i]) * able[lane]
                cash[lane] -= surplus
                s.entity[OUTSIDE_OUT, i, lane] += surplus
        if plan <= 0.0 and o < 0:
            s.entity[CAPEX_PAID, i, :] = 0.0
            s.entity[GROWTH, i, :] = 0.0
            w.entity[EXECUTED, i, :] = 1.0  # of nothing
            continue
        for lane in range(lanes):
            spent = replacement[lane] + growth[lane]
            s.entity[PAID, i, lane] += spent
            s.entity[CAPEX_PAID, i, lane] = spent + committed[lane] * able[lane]
        for lane in range(lanes):
            built = committed[lane] * able[lane] + growth[lane]
            s.entity[GROWTH, i, lane] = built
            w.entity[EXECUTED, i, lane] = built / desired[lane] if desired[lane] > 0.0 else 1.0
        pay_vendors(i, legs, layout, grid, insured, w, s, growth, replacement, arrived)
        if o >= 0:
            grow_fleet(i, o, grid, entities, fleet, follows_supply, t, w, s, replacement)
    for i in range(grid.entities):
        if s.flags[i] > 0:
            for lane in range(lanes):
                w.entity[CASH, i, lane] += arrived[i, lane]
                s.entity[GOT, i, lane] += arrived[i, lane]


@part
def mask_able(i, w, s, able):
    """able [W] = 1 where row i lives and did not fail in this step."""
    alive, failing = w.entity[ALIVE, i], s.entity[FAILING, i]
    for lane in range(able.size):
        able[lane] = alive[lane] * (1.0 - failing[lane])


@part
def replace_worn(o, plan, fleet, w, s, desired, alive, afford, replacement):
    """Replacement of what wore out before its book life, as far as it is still needed and affordable (who fails affords nothing); the rest is lost capacity."""
    price = fleet.terms[REPLACE_PRICE, o]
    worn, worn_book, unreplaced = s.owner[WORN, o], s.owner[WORN_BOOK, o], w.owner[UNREPLACED, o]
    per_price = 1.0 / price if price > 0.0 else 0.0
    for lane in range(alive.size):
        needed = min(1.0, desired[lane] / plan) if plan > 0.0 else 1.0
        wanted = price * max(0.0, worn[lane] - worn_book[lane]) * needed * alive[lane]
        replacement[lane] = min(wanted, afford[lane])
        unreplaced[lane] = max(0.0, unreplaced[lane] + (wanted - replacement[lane]) * per_price)


@part
def pay_vendors(i, legs, layout, grid, insured, w, s, growth, replacement, arrived):
    """Discretionary capex reaches its receivers (`arrived` [n, W]) by the shares of the capex legs."""
    for b in range(layout.leg_start[i], layout.leg_start[i + 1]):
        l = layout.leg_of_payer[b]
        if legs.terms[CAPEX_SHARE, l] > 0.0 or legs.terms[CHIP_SHARE, l] > 0.0:
            j = legs.rows[PAYEE, l]
            s.flags[j] = 1
            more, chips = legs.terms[CAPEX_SHARE, l], legs.terms[CHIP_SHARE, l]
            amount, to, alive = s.leg[EARNED, l], arrived[j], w.entity[ALIVE, j]
            for lane in range(amount.size):
                amount[lane] = more * growth[lane] + chips * replacement[lane]
            if insured:
                s.flags[grid.insurer] = 1
                for lane in range(amount.size):
                    to[lane] += amount[lane] * alive[lane]
                    arrived[grid.insurer, lane] += amount[lane] * (1.0 - alive[lane])
            else:
                for lane in range(amount.size):
                    to[lane] += amount[lane]


@part
def grow_fleet(i, o, grid, entities, fleet, follows_supply, t, w, s, replacement):
    """Built GW and chips in service at the beginning of the next step."""
    plan = entities.by_step[CAPEX_PLAN, i, t] / fleet.terms[COST_PER_GW, o]
    for lane in range(s.lane.shape[1]):
        goes_on = 0.0 if follows_supply else 1.0 - w.entity[ALIVE, i, lane] * (1.0 - s.entity[FAILING, i, lane])
        w.owner[BUILT, o, lane] += s.entity[GROWTH, i, lane] / fleet.terms[COST_PER_GW, o] + goes_on * plan
        chips = fleet.terms[CHIP_OF_CAPEX, o] * s.entity[GROWTH, i, lane]
        w.owner[INSTALLED, o, lane] += chips
        before = w.chips[CHIPS, o, t, lane]
        after = before + chips + replacement[lane]
        w.chips[CHIPS, o, t + 1, lane] = after
        w.chips[CHIPS_SUM, o, t + 1, lane] = w.chips[CHIPS_SUM, o, t, lane] + 0.5 * grid.dt * (before + after)


@part
def issue_shares(layout, holdings, w, s):
    """New money x of the step at E-: all stakes x E-/(E- + x), each buyer gets its part of x/(E- + x)."""
    lanes = s.lane.shape[1]
    total = s.free[0]
    for a in range(layout.count[ROWS_RAISING]):
        i = layout.rows[ROWS_RAISING, a]
        total[:] = 0.0
        for b in range(layout.issue_start[i], layout.issue_start[i + 1]):
            h = layout.holding_of_issuer[b]
            for lane in range(lanes):
                total[lane] += s.new_money[h, lane]
        raised = 0
        for lane in range(lanes):
            raised += 1 if total[lane] > 0.0 else 0
        if raised == 0:
            continue
        for b in range(layout.issue_start[i], layout.issue_start[i + 1]):
            h = layout.holding_of_issuer[b]
            j = holdings.rows[HOLDER, h]
            for lane in range(lanes):
                # Who is worth nothing is not sold for what is only rounding.
                if total[lane] > 0.0 and (w.entity[EQUITY, i, lane] > 0.0 or total[lane] > LITTLE * s.entity[PAID, i, lane]):
                    after = w.entity[EQUITY, i, lane] + total[lane]
                    w.holding[STAKE, h, lane] = (w.holding[STAKE, h, lane] * w.entity[EQUITY, i, lane] + s.new_money[h, lane]) / after
                    w.holding[STAKE_COST, h, lane] += s.new_money[h, lane]
                    w.entity[PAID_FOR_STAKES, j, lane] += s.new_money[h, lane]
