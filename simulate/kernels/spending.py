"""What is discretionary: replacement, growth capex, top-up, payouts; and the price of new shares (docs/model.md 4.6, 4.7)."""

from simulate.kernels.funding import draw_liquidity
from simulate.kernels.jit import stage
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
    ROWS_VALUED,
    STAKE,
    STAKE_COST,
    UNREPLACED,
    WORN,
    WORN_BOOK,
)


@stage
def spend(grid, entities, fleet, legs, layout, holdings, insured, follows_supply, t, w, s):
    """Executed capex, what vendors get of it, cash after payouts, and the fleet of the next step."""
    lanes = s.lane.shape[1]
    s.entity[CAPEX_PAID, :] = 0.0
    s.entity[GROWTH, :] = 0.0
    growth, replacement, need = s.claims[0, 0], s.claims[0, 1], s.claims[0, 2]  # free after clearing
    arrived = s.entity[ARRIVED]
    arrived[:] = 0.0
    for a in range(layout.count[ROWS_INSIDE]):
        i = layout.rows[ROWS_INSIDE, a]
        o = entities.rows[OWNER, i]
        plan = entities.by_step[CAPEX_PLAN, i, t]
        for lane in range(lanes):
            able = w.entity[ALIVE, i, lane] * (1.0 - s.entity[FAILING, i, lane])
            above = max(0.0, w.entity[CASH, i, lane] - entities.terms[MIN_CASH, i])
            reach = s.entity[ROOM, i, lane] + w.entity[LINE, i, lane]
            afford = (above + entities.terms[KAPPA, i] * reach) * able
            wanted = 0.0
            if o >= 0:
                needed = min(1.0, s.entity[DESIRED, i, lane] / plan) if plan > 0.0 else 1.0
                wanted = fleet.terms[REPLACE_PRICE, o] * max(0.0, s.owner[WORN, o, lane] - s.owner[WORN_BOOK, o, lane]) * needed * able
            replacement[lane] = min(wanted, afford)
            growth[lane] = min((s.entity[DESIRED, i, lane] - s.entity[COMMITTED, i, lane]) * able, afford - replacement[lane])
            spent = replacement[lane] + growth[lane]
            # One draw pays what exceeds cash above the minimum and tops up to the minimum.
            topped = max(0.0, spent + entities.terms[MIN_CASH, i] - w.entity[CASH, i, lane])
            need[lane] = min(topped, reach) * able
            if o >= 0:
                worn_out = wanted / fleet.terms[REPLACE_PRICE, o] if fleet.terms[REPLACE_PRICE, o] > 0.0 else 0.0
                made_good = replacement[lane] / fleet.terms[REPLACE_PRICE, o] if fleet.terms[REPLACE_PRICE, o] > 0.0 else 0.0
                w.owner[UNREPLACED, o, lane] = max(0.0, w.owner[UNREPLACED, o, lane] + worn_out - made_good)
        draw_liquidity(i, entities, holdings, w, s, need)
        for lane in range(lanes):
            able = w.entity[ALIVE, i, lane] * (1.0 - s.entity[FAILING, i, lane])
            spent = replacement[lane] + growth[lane]
            w.entity[CASH, i, lane] = max(0.0, w.entity[CASH, i, lane] - spent)
            s.entity[PAID, i, lane] += spent
            surplus = entities.terms[PAYOUT, i] * max(0.0, w.entity[CASH, i, lane] - entities.terms[PAYOUT_ABOVE, i]) * able
            w.entity[CASH, i, lane] -= surplus
            s.entity[OUTSIDE_OUT, i, lane] += surplus
            built = s.entity[COMMITTED, i, lane] * able + growth[lane]
            s.entity[GROWTH, i, lane] = built
            s.entity[CAPEX_PAID, i, lane] = spent + s.entity[COMMITTED, i, lane] * able
            w.entity[EXECUTED, i, lane] = built / s.entity[DESIRED, i, lane] if s.entity[DESIRED, i, lane] > 0.0 else 1.0
        pay_vendors(i, legs, layout, grid, insured, w, s, growth, replacement, arrived)
        if o >= 0:
            grow_fleet(i, o, grid, entities, fleet, follows_supply, t, w, s, replacement)
    for i in range(grid.entities):
        for lane in range(lanes):
            w.entity[CASH, i, lane] += arrived[i, lane]
            s.entity[GOT, i, lane] += arrived[i, lane]


@stage
def pay_vendors(i, legs, layout, grid, insured, w, s, growth, replacement, arrived):
    """Discretionary capex reaches its receivers (`arrived` [n, W]) by the shares of the capex legs."""
    for b in range(layout.leg_start[i], layout.leg_start[i + 1]):
        l = layout.leg_of_payer[b]
        if legs.terms[CAPEX_SHARE, l] > 0.0 or legs.terms[CHIP_SHARE, l] > 0.0:
            j = legs.rows[PAYEE, l]
            for lane in range(s.lane.shape[1]):
                amount = legs.terms[CAPEX_SHARE, l] * growth[lane] + legs.terms[CHIP_SHARE, l] * replacement[lane]
                k = grid.insurer if insured and w.entity[ALIVE, j, lane] == 0.0 else j
                s.leg[EARNED, l, lane] = amount
                arrived[k, lane] += amount


@stage
def grow_fleet(i, o, grid, entities, fleet, follows_supply, t, w, s, replacement):
    """Built GW and chips in service at the beginning of the next step."""
    plan = entities.by_step[CAPEX_PLAN, i, t] / fleet.terms[COST_PER_GW, o]
    for lane in range(s.lane.shape[1]):
        goes_on = 0.0 if follows_supply else 1.0 - w.entity[ALIVE, i, lane]
        w.owner[BUILT, o, lane] += s.entity[GROWTH, i, lane] / fleet.terms[COST_PER_GW, o] + goes_on * plan
        before = w.chips[CHIPS, o, t, lane]
        after = before + fleet.terms[CHIP_OF_CAPEX, o] * s.entity[GROWTH, i, lane] + replacement[lane]
        w.chips[CHIPS, o, t + 1, lane] = after
        w.chips[CHIPS_SUM, o, t + 1, lane] = w.chips[CHIPS_SUM, o, t, lane] + 0.5 * grid.dt * (before + after)


@stage
def issue_shares(layout, holdings, w, s):
    """New money x of the step at E-: all stakes x E-/(E- + x), each buyer gets its part of x/(E- + x)."""
    lanes = s.lane.shape[1]
    total = s.free[0]
    for a in range(layout.count[ROWS_VALUED]):
        i = layout.rows[ROWS_VALUED, a]
        total[:] = 0.0
        for b in range(layout.issue_start[i], layout.issue_start[i + 1]):
            h = layout.holding_of_issuer[b]
            for lane in range(lanes):
                total[lane] += s.new_money[h, lane]
        most = 0.0
        for lane in range(lanes):
            most = max(most, total[lane])
        if most == 0.0:
            continue
        for b in range(layout.issue_start[i], layout.issue_start[i + 1]):
            h = layout.holding_of_issuer[b]
            j = holdings.rows[HOLDER, h]
            for lane in range(lanes):
                if total[lane] > 0.0:
                    after = w.entity[EQUITY, i, lane] + total[lane]
                    w.holding[STAKE, h, lane] = (w.holding[STAKE, h, lane] * w.entity[EQUITY, i, lane] + s.new_money[h, lane]) / after
                    w.holding[STAKE_COST, h, lane] += s.new_money[h, lane]
                    w.entity[PAID_FOR_STAKES, j, lane] += s.new_money[h, lane]
