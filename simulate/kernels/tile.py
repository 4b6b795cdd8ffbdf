"""The step loop: draws once, then every world on the same draws (docs/model.md, section 4). The whole story on one screen."""

from simulate.kernels.accounting import book_claims, book_contracts, book_fleets
from simulate.kernels.clearing import clear
from simulate.kernels.earnings import deliver_capacity, earn_revenue, earn_scheduled
from simulate.kernels.factors import draw_paths, move_factors
from simulate.kernels.funding import find_liquidity, open_door, pay_commitments, settle
from simulate.kernels.jit import kernel, part, stage
from simulate.kernels.legs import fall_due, roll_balances, value_collateral, value_core
from simulate.kernels.maths import copy_row, copy_rows
from simulate.kernels.outputs import keep_tile
from simulate.kernels.resolution import decide, resolve
from simulate.kernels.rows import (
    ACTIVE,
    ALIVE,
    BAL0,
    BALANCE_DUE_ON,
    BALANCE_NOW,
    CAPEX_PAID,
    CASH,
    CASH0,
    CHIPS,
    CHIPS_SUM,
    CORE0,
    COST0,
    COVER_CAP,
    COVER_LEFT,
    COVERED,
    DEBT,
    DEFAULT_ROUND,
    DEFAULT_STEP,
    DUES,
    EBITDA,
    EBITDA0,
    EQUITY,
    EQUITY0,
    EXECUTED,
    FLEET0,
    GOT,
    HOLDER,
    HOLDINGS_VALUE,
    INSTALLED,
    INTEREST_PAID,
    ISSUER,
    LINE,
    LINE0,
    OPERATING_IN,
    OPERATING_OUT,
    OUT,
    OUT0,
    OUT_DUE_ON,
    OUTSIDE_IN,
    OUTSIDE_OUT,
    OWNER_ENTITY,
    PAID,
    PAID_ON_CLAIM,
    PAY,
    PAYER,
    RECEIPTS,
    RECEIPTS0,
    RELET,
    REVENUE,
    ROWS_INSIDE,
    SHARE,
    STAKE,
    STAKE0,
    STAKE_COST,
    TROUBLED,
    VOLUME,
)
from simulate.kernels.spending import issue_shares, spend
from simulate.kernels.valuation import smooth_receipts, value_equity


@kernel
def simulate_tiles(model, layout, worlds, s, state, draws, now, before, summary, first_path, paths, out, trace, audit):
    """Paths first_path .. first_path + paths - 1 into `out` (the path is the last axis), tile by tile.

    The last tile is padded and its surplus lanes are dropped. before: [2, W] short rate and spread of the step before; summary:
    [6, W]; trace: [worlds, T, kinds, n, W] of the last tile, or of size 0, and so audit (state.Audit). One function, because a caller of compiled kernels
    compiles them all again: three levels of callers cost three times the seconds.
    """
    grid, entities, fleet, legs, holdings, rules = model.grid, model.entities, model.fleet, model.legs, model.holdings, model.rules
    lanes, lives = s.lane.shape[1], model.factors.life_values
    for start in range(0, paths, lanes):
        draw_paths(grid, model.factors, first_path + start, state, draws)
        open_tile(grid, entities, fleet, legs, holdings, worlds, before, summary, model.factors.rate0)
        for t in range(grid.steps):
            move_factors(grid, model.factors, t, first_path + start, state, draws, now)
            summarise(t, now, summary)
            value_core(entities, layout, now, s)
            for k in range(len(worlds)):
                w = worlds[k]
                insured = rules.world_switches[k, 0] == 0.0
                supply, relief = rules.world_switches[k, 1] > 0.0, rules.world_switches[k, 2] > 0.0
                marks, confidence = rules.world_switches[k, 3] > 0.0, rules.world_switches[k, 4] > 0.0

                earn(grid, entities, fleet, legs, layout, holdings, rules, lives, insured, supply, relief, marks, t, now, before, draws, w, s)
                clear_dues(entities, legs, layout, holdings, rules, insured, confidence, t, now, draws, w, s)
                if audit.entity.size > 0:
                    keep_rows(s.leg, w.leg, audit.leg_rows, audit.leg[k, t])
                    keep_rows(s.entity, w.entity, audit.entity_rows, audit.entity[k, t])
                settle_and_spend(grid, entities, fleet, legs, layout, holdings, rules, insured, supply, t, draws, w, s)
                if trace.size > 0:
                    keep_flows(s, trace[k, t])
                book_and_resolve(grid, entities, fleet, legs, layout, holdings, rules, lives, k == 0, insured, marks, t, now, draws, w, s)
                if trace.size > 0:
                    keep_free_cash(layout, w, s, trace[k, t])
                value_equity(grid, entities, legs, layout, holdings, rules, insured, marks, t, now, w, s)
                if trace.size > 0:
                    keep_state(w, trace[k, t])
                if audit.entity.size > 0:
                    keep_end(now, w, s, audit, k, t)
            copy_row(now.rate, before[0])
            copy_row(now.spread, before[1])
        keep_tile(grid, entities, holdings, model.factors, worlds, draws, now, summary, start, min(lanes, paths - start), out)


@stage
def earn(grid, entities, fleet, legs, layout, holdings, rules, lives, insured, supply, relief, marks, t, now, before, draws, w, s):
    """Capacity, revenue, cost, and what falls due."""
    deliver_capacity(grid, fleet, entities, lives, t, supply, draws.life, now, w, s)
    earn_scheduled(layout, legs, insured, t, draws, w, s)
    earn_revenue(grid, entities, legs, layout, rules, t, supply, relief, now, draws, w, s)
    value_collateral(entities, legs, layout, holdings, marks, now, w, s)
    fall_due(grid, entities, legs, layout, insured, t, now, before[0], before[1], draws, w, s)


@stage
def clear_dues(entities, legs, layout, holdings, rules, insured, confidence, t, now, draws, w, s):
    """What everybody has and can raise, and who pays what."""
    open_door(rules, confidence, now, w, s)
    find_liquidity(entities, legs, layout, holdings, t, w, s)
    clear(entities, legs, layout, rules, insured, t, draws, w, s)


@stage
def settle_and_spend(grid, entities, fleet, legs, layout, holdings, rules, insured, supply, t, draws, w, s):
    """Cash after clearing, commitments, what is discretionary, new shares."""
    settle(grid, entities, legs, layout, holdings, rules, insured, w, s)
    pay_commitments(grid, entities, legs, layout, holdings, insured, t, draws, w, s)
    spend(grid, entities, fleet, legs, layout, holdings, insured, supply, t, w, s)
    issue_shares(layout, holdings, w, s)


@stage
def book_and_resolve(grid, entities, fleet, legs, layout, holdings, rules, lives, by_deal, insured, marks, t, now, draws, w, s):
    """Losses and what default does, felt by others from the next step on; receipts and burn of the step."""
    decide(grid, entities, legs, layout, holdings, rules, marks, t, now, draws, w, s)
    book_claims(legs, layout, by_deal, now, w, s)
    if by_deal:  # of other worlds only losses of credit and equity are kept
        book_contracts(legs, layout, t, now, draws, w, s)
        book_fleets(grid, fleet, rules, lives, t, draws.life, now, w, s)
    advance_claims(layout, w, s)
    roll_balances(legs, layout, insured, t, w, s)
    resolve(grid, entities, legs, layout, holdings, rules, insured, marks, t, now, w, s)
    smooth_receipts(entities, legs, layout, rules, insured, w, s)


@stage
def open_tile(grid, entities, fleet, legs, holdings, worlds, before, summary, rate0):
    """Opening state of every world, of what was before the first step, and of the summaries."""
    before[0, :] = rate0
    before[1, :] = 1.0
    summary[:] = 0.0
    for k in range(len(worlds)):
        open_world(grid, entities, fleet, legs, holdings, worlds[k])


@part
def advance_claims(layout, w, s):
    """Estates: what was paid in this clearing counts as paid; covered collateral is paid out once."""
    for lane in range(s.lane.shape[1]):
        if s.lane[TROUBLED, lane] == 0.0:
            continue
        for a in range(layout.count[ROWS_INSIDE]):
            i = layout.rows[ROWS_INSIDE, a]
            if w.entity[ALIVE, i, lane] == 0.0 and s.entity[ACTIVE, i, lane] > 0.0:
                for b in range(layout.leg_start[i], layout.leg_start[i + 1]):
                    l = layout.leg_of_payer[b]
                    w.leg[PAID_ON_CLAIM, l, lane] += s.leg[PAY, l, lane] - w.leg[COVERED, l, lane]
                    w.leg[COVERED, l, lane] = 0.0


@part
def open_world(grid, entities, fleet, legs, holdings, w):
    """Opening state of a world."""
    lanes = w.lane.shape[1]
    w.entity[:] = 0.0
    w.owner[:] = 0.0
    w.leg[:] = 0.0
    w.lane[:] = 0.0
    w.loss[:] = 0.0
    w.deal_loss[:] = 0.0
    for i in range(grid.entities):
        w.entity[CASH, i] = entities.terms[CASH0, i]
        w.entity[LINE, i] = entities.terms[LINE0, i]
        w.entity[EQUITY, i] = entities.terms[EQUITY0, i]
        w.entity[RECEIPTS, i] = entities.terms[RECEIPTS0, i]
        w.entity[EBITDA, i] = entities.terms[EBITDA0, i]
    w.entity[ALIVE, :] = 1.0
    w.entity[EXECUTED, :] = 1.0
    for l in range(legs.rows[PAYER].size):
        w.leg[BALANCE_NOW, l] = legs.terms[BAL0, l]
        w.leg[BALANCE_DUE_ON, l] = legs.terms[BAL0, l]
        w.leg[OUT, l] = legs.terms[OUT0, l]
        w.leg[OUT_DUE_ON, l] = legs.terms[OUT0, l]
        w.leg[COVER_LEFT, l] = legs.terms[COVER_CAP, l]
        for lane in range(lanes):
            w.entity[DEBT, legs.rows[PAYER, l], lane] += legs.terms[BAL0, l]
    w.leg[VOLUME, :] = 1.0
    for h in range(holdings.rows[HOLDER].size):
        w.holding[STAKE, h] = holdings.terms[STAKE0, h]
        w.holding[STAKE_COST, h] = holdings.terms[COST0, h]
        for lane in range(lanes):
            w.entity[HOLDINGS_VALUE, holdings.rows[HOLDER, h], lane] += holdings.terms[STAKE0, h] * entities.terms[EQUITY0, holdings.rows[ISSUER, h]]
    for i in range(grid.entities):
        for lane in range(lanes):
            w.entity[HOLDINGS_VALUE, i, lane] += entities.terms[CORE0, i]
    for o in range(fleet.rows[OWNER_ENTITY].size):
        w.chips[CHIPS, o, 0] = fleet.terms[FLEET0, o]
        w.owner[INSTALLED, o] = fleet.terms[FLEET0, o]
    w.chips[CHIPS_SUM, :, 0] = 0.0
    w.entity[DEFAULT_STEP, :] = -1
    w.entity[DEFAULT_ROUND, :] = -1


@stage
def summarise(t, factors, summary):
    """Path summaries of factors: least confidence, sums of rate and spread, largest gap, least valuation, steps of disappointment."""
    for lane in range(factors.rate.size):
        summary[0, lane] = min(summary[0, lane], factors.confidence[lane]) if t > 0 else factors.confidence[lane]
        summary[1, lane] += factors.rate[lane]
        summary[2, lane] += factors.spread[lane]
        summary[3, lane] = max(summary[3, lane], factors.gap[lane])
        summary[4, lane] = min(summary[4, lane], factors.valuation[lane]) if t > 0 else factors.valuation[lane]
        summary[5, lane] += factors.regime[lane]


@stage
def keep_flows(s, trace):
    """Flows of the step for audits; trace: [kinds, n, W] in the order of state.TRACES."""
    copy_rows(s.entity[GOT], trace[1])
    copy_rows(s.entity[PAID], trace[2])
    copy_rows(s.entity[OUTSIDE_IN], trace[3])
    copy_rows(s.entity[OUTSIDE_OUT], trace[4])
    copy_rows(s.entity[DUES], trace[7])
    copy_rows(s.entity[REVENUE], trace[8])
    copy_rows(s.entity[SHARE], trace[9])


@stage
def keep_free_cash(layout, w, s, trace):
    """Free cash flow of the living inside rows: revenue and operating receipts less operating payments, interest and capex, as paid.

    The scratch holds these only until equity is valued.
    """
    for a in range(layout.count[ROWS_INSIDE]):
        i = layout.rows[ROWS_INSIDE, a]
        for lane in range(w.entity.shape[2]):
            operating = s.entity[REVENUE, i, lane] + s.entity[RELET, i, lane] + s.entity[OPERATING_IN, i, lane] - s.entity[OPERATING_OUT, i, lane]
            trace[10, i, lane] = (operating - s.entity[INTEREST_PAID, i, lane] - s.entity[CAPEX_PAID, i, lane]) * w.entity[ALIVE, i, lane]


@stage
def keep_state(w, trace):
    """State at the end of the step for audits."""
    copy_rows(w.entity[CASH], trace[0])
    copy_rows(w.entity[EQUITY], trace[5])
    copy_rows(w.entity[ALIVE], trace[6])


@stage
def keep_end(now, w, s, audit, k, t):
    """What checks read of world k at the end of step t."""
    copy_row(now.discount, audit.discount[k, t])
    keep_rows(s.leg, w.leg, audit.end_leg_rows, audit.end_leg[k, t])
    keep_rows(s.entity, w.entity, audit.end_entity_rows, audit.end_entity[k, t])
    keep_rows(s.owner, w.owner, audit.end_owner_rows, audit.end_owner[k, t])
    for row in range(w.holding.shape[0]):
        copy_rows(w.holding[row], audit.holding[k, t, row])
    copy_rows(s.lane, audit.step_lane[k, t])
    copy_rows(w.lane, audit.now_lane[k, t])


@stage
def keep_rows(step, now, chosen, kept):
    """Chosen rows of `step` and, counted on after them, of `now` (each [rows, m, W]) into kept [K, m, W], for checks."""
    for k in range(chosen.size):
        row = chosen[k]
        if row < step.shape[0]:
            copy_rows(step[row], kept[k])
        else:
            copy_rows(now[row - step.shape[0]], kept[k])
