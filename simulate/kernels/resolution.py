"""What default does: restructuring or liquidation, estates, stakes (docs/model.md 4.8). Amounts USD bn.

Defaults are rare, so this works lane by lane and only where somebody failed.
"""

from simulate.kernels.jit import part
from simulate.kernels.maths import LITTLE, exp_of
from simulate.kernels.rows import (
    ALIVE,
    BALANCE_NOW,
    CASH,
    CLAIM,
    CLAIM_CREDIT,
    CLAIM_NOW,
    COLL_CORE,
    COLL_FLEET,
    COLL_HOLDING,
    COLL_STAKE,
    CORE,
    CORE_HAIRCUT,
    COVER,
    COVER_DUE,
    COVER_LEFT,
    COVERED,
    COVERS,
    CREDIT,
    CUT,
    D0,
    DEFAULT_ROUND,
    DEFAULT_STEP,
    DUE,
    DUES,
    ENDS_WITH_PAYEE,
    EQUITY,
    EQUITY0,
    FAILING,
    FLEET_VALUE,
    FRESH,
    FULL,
    HAIRCUT_FLAG,
    HOLDER,
    HOLDING_DEAL,
    ISSUER,
    LEG_GROUP,
    LINE,
    MULT0,
    MULT_MATURE,
    MULT_TAU,
    OUT,
    PAID_FOR_STAKES,
    PAID_ON_CLAIM,
    PAY,
    PAYEE,
    PAYER,
    PENDING,
    RECEIPTS,
    REMAINING,
    RESTRUCTURE_KAPPA,
    RESTRUCTURED,
    RESTRUCTURES,
    ROWS_GUARANTEE,
    ROWS_INSIDE,
    SENIORITY,
    SHOCK,
    SHOCK_DECAY,
    SHOCK_SIZE,
    STAKE,
    STAKE_COST,
    SUBROGATED,
    SYSTEMIC,
    TROUBLED,
    VOLUME,
    WAVE,
)

LIQUIDATED = -1.0  # in CUT; a restructuring has its haircut there, a lane without default 0


@part
def multiple(entities, i, tau):
    """Multiple on yearly receipts at time tau [years]: fades from mult0 to the mature one."""
    return entities.terms[MULT_MATURE, i] + (entities.terms[MULT0, i] - entities.terms[MULT_MATURE, i]) * exp_of(-tau / entities.terms[MULT_TAU, i])


@part
def mark_of(h, lane, entities, holdings, marks, now, w):
    """Marked value of holding h; with marks off, its stake of the opening value at the common index."""
    j = holdings.rows[ISSUER, h]
    price = w.entity[EQUITY, j, lane] if marks else entities.terms[EQUITY0, j] * now.valuation[lane]
    return w.holding[STAKE, h, lane] * price


@part
def fails_now(i, lane, w, s):
    """True if row i lived and failed in this clearing: stakes in it are worth nothing."""
    return s.entity[FAILING, i, lane] * w.entity[ALIVE, i, lane] > 0.0


@part
def decide(grid, entities, legs, layout, holdings, rules, marks, t, now, draws, w, s):
    """Restructure where the going concern is worth more than liquidation: CUT of every row that failed in this clearing."""
    for a in range(layout.count[ROWS_INSIDE]):
        s.entity[CUT, layout.rows[ROWS_INSIDE, a], :] = 0.0
    for lane in range(s.lane.shape[1]):
        if s.lane[TROUBLED, lane] == 0.0:
            continue
        for a in range(layout.count[ROWS_INSIDE]):
            i = layout.rows[ROWS_INSIDE, a]
            if fails_now(i, lane, w, s):
                s.entity[CUT, i, lane] = choose(i, lane, grid, entities, legs, layout, holdings, rules, marks, t, now, draws, w, s)


@part
def choose(i, lane, grid, entities, legs, layout, holdings, rules, marks, t, now, draws, w, s):
    """Haircut of a restructuring, or LIQUIDATED."""
    price = multiple(entities, i, (t + 1) * grid.dt)
    stakes = 0.0
    for h in range(holdings.rows.shape[1]):
        if holdings.rows[HOLDER, h] == i and not (marks and fails_now(holdings.rows[ISSUER, h], lane, w, s)):
            stakes += mark_of(h, lane, entities, holdings, marks, now, w)
    cash, core = w.entity[CASH, i, lane], s.entity[CORE, i, lane]
    concern = price * now.valuation[lane] * w.entity[RECEIPTS, i, lane] / grid.dt + core + cash + stakes
    broken = cash + (1.0 - rules.terms[D0]) * (s.entity[FLEET_VALUE, i, lane] + stakes) + (1.0 - entities.terms[CORE_HAIRCUT, i]) * core
    may = entities.terms[RESTRUCTURES, i] > 0.0 and w.entity[RESTRUCTURED, i, lane] < rules.max_restructurings
    if not (may and concern - broken > LITTLE * max(concern, broken, s.entity[DUES, i, lane])):
        return LIQUIDATED
    claims = 0.0
    for b in range(layout.leg_start[i], layout.leg_start[i + 1]):
        l = layout.leg_of_payer[b]
        if layout.rank[l] <= 3:
            scale = draws.scale[legs.rows[LEG_GROUP, l], lane]
            claims += s.leg[CREDIT, l, lane] + s.leg[COVER_DUE, l, lane] + w.leg[VOLUME, l, lane] * legs.by_step[REMAINING, l, t] * scale
    cut = 1.0 - rules.terms[RESTRUCTURE_KAPPA] * concern / claims if claims > 0.0 else 0.1
    return min(max(cut, 0.1), 0.9)


@part
def resolve(grid, entities, legs, layout, holdings, rules, insured, marks, t, now, w, s):
    """Apply CUT: claims become fixed, balances and volumes change, stakes are wiped out or sold."""
    for lane in range(s.lane.shape[1]):
        w.lane[SHOCK, lane] *= rules.terms[SHOCK_DECAY]
        if s.lane[TROUBLED, lane] == 0.0:
            continue
        for a in range(layout.count[ROWS_INSIDE]):
            i = layout.rows[ROWS_INSIDE, a]
            w.entity[FRESH, i, lane] = 0.0
            if s.entity[CUT, i, lane] != 0.0:
                record_default(i, lane, entities, rules, t, w, s)
                change_legs(i, lane, entities, legs, layout, holdings, rules, insured, marks, now, w, s)
                wipe_out(i, lane, layout, holdings, marks, now, w, s)
        for a in range(layout.count[ROWS_INSIDE]):
            i = layout.rows[ROWS_INSIDE, a]
            if s.entity[CUT, i, lane] == LIQUIDATED:
                sell(i, lane, grid, entities, layout, holdings, rules, marks, now, w, s)
                w.entity[ALIVE, i, lane] = 0.0
                w.entity[FRESH, i, lane] = 1.0


@part
def record_default(i, lane, entities, rules, t, w, s):
    """First default of the path, its wave, and the shock to confidence."""
    if w.entity[DEFAULT_STEP, i, lane] < 0.0:
        w.entity[DEFAULT_ROUND, i, lane] = s.entity[WAVE, i, lane]
        w.entity[DEFAULT_STEP, i, lane] = t
    w.lane[SHOCK, lane] += rules.terms[SHOCK_SIZE] * entities.terms[SYSTEMIC, i]
    w.entity[RESTRUCTURED, i, lane] += 1.0 if s.entity[CUT, i, lane] > 0.0 else 0.0
    w.entity[LINE, i, lane] = 0.0


@part
def change_legs(i, lane, entities, legs, layout, holdings, rules, insured, marks, now, w, s):
    """Obligations of a defaulter: claims on the estate, or the haircut; contracts that end with a payee that is gone."""
    cut = s.entity[CUT, i, lane]
    gone = cut == LIQUIDATED
    for b in range(layout.leg_start[i], layout.leg_start[i + 1]):
        l = layout.leg_of_payer[b]
        if layout.rank[l] > 3:
            continue
        secured = legs.rows[SENIORITY, l] == 1
        if gone:
            # What is not paid of a call may be owed by the debtor again: the guarantor owes nothing of it.
            on = 0.0 if legs.rows[COVERS, l] >= 0 and takes_over_arrears(legs.rows[COVERS, l], lane, legs, s) else 1.0
            w.leg[CLAIM, l, lane] = (s.leg[CLAIM_NOW, l, lane] + s.leg[COVER_DUE, l, lane]) * on
            w.leg[CLAIM_CREDIT, l, lane] = (s.leg[CREDIT, l, lane] - s.leg[COVER, l, lane] + s.leg[COVER_DUE, l, lane]) * on
            w.leg[PAID_ON_CLAIM, l, lane] = s.leg[PAY, l, lane] * on
            w.leg[COVERED, l, lane] = s.leg[COVER, l, lane]
            if legs.rows[COLL_HOLDING, l] >= 0:
                sale = sell_collateral(l, i, lane, entities, legs, holdings, rules, marks, now, w, s)
                w.leg[COVERED, l, lane] = min(s.leg[COVER, l, lane], sale)
            w.leg[BALANCE_NOW, l, lane] = 0.0
            w.leg[OUT, l, lane] = 0.0
            w.leg[VOLUME, l, lane] = 0.0
            w.leg[COVER_LEFT, l, lane] = 0.0
        elif secured:
            # What a secured creditor was not paid is added to its balance.
            w.leg[BALANCE_NOW, l, lane] += s.leg[DUE, l, lane] - s.leg[PAY, l, lane]
        else:
            w.leg[BALANCE_NOW, l, lane] *= 1.0 - cut
            w.leg[OUT, l, lane] *= 1.0 - cut
            w.leg[VOLUME, l, lane] *= 1.0 - cut * legs.terms[HAIRCUT_FLAG, l]
            if legs.rows[COVERS, l] >= 0 and s.leg[COVER_DUE, l, lane] > LITTLE * s.leg[FULL, legs.rows[COVERS, l], lane]:
                w.leg[COVER_LEFT, l, lane] = 0.0  # what is called on a guarantor that is restructured is settled with it
    for a in range(layout.count[ROWS_GUARANTEE]):
        g = layout.rows[ROWS_GUARANTEE, a]
        if legs.rows[PAYER, legs.rows[COVERS, g]] == i and not gone:
            w.leg[SUBROGATED, g, lane] = 0.0  # a restructuring forgives the arrears
            if legs.rows[SENIORITY, legs.rows[COVERS, g]] == 1:
                w.leg[BALANCE_NOW, legs.rows[COVERS, g], lane] -= s.leg[PAY, g, lane]  # arrears that the guarantor paid are not owed again
    if gone and not insured:
        for l in range(legs.rows.shape[1]):
            if legs.rows[PAYEE, l] == i and legs.terms[ENDS_WITH_PAYEE, l] > 0.0:
                w.leg[VOLUME, l, lane] = 0.0


@part
def sell_collateral(l, i, lane, entities, legs, holdings, rules, marks, now, w, s):
    """What secures leg l of row i brings in the end: nothing for shares of who failed too, less for a stake that was diluted in the step."""
    core = (1.0 - entities.terms[CORE_HAIRCUT, i]) * legs.terms[COLL_CORE, l] * s.entity[CORE, i, lane]
    rest = legs.terms[COLL_FLEET, l] * s.entity[FLEET_VALUE, i, lane]
    h = legs.rows[COLL_HOLDING, l]
    if not (marks and s.entity[CUT, holdings.rows[ISSUER, h], lane] != 0.0):
        rest += legs.terms[COLL_STAKE, l] * mark_of(h, lane, entities, holdings, marks, now, w)
    return core + (1.0 - rules.terms[D0]) * rest


@part
def takes_over_arrears(l, lane, legs, s):
    """True if what is not paid on leg l is added to its balance: secured, and its payer is restructured now."""
    return legs.rows[SENIORITY, l] == 1 and s.entity[CUT, legs.rows[PAYER, l], lane] > 0.0


@part
def wipe_out(i, lane, layout, holdings, marks, now, w, s):
    """Stakes in a defaulter are worth nothing: their cost is lost; after a restructuring its creditors (outside) own it.

    With marks off only the cost is booked: the mark of a stake follows the common index.
    """
    for b in range(layout.issue_start[i], layout.issue_start[i + 1]):
        h = layout.holding_of_issuer[b]
        lost = w.holding[STAKE_COST, h, lane] * now.discount[lane]
        w.loss[holdings.rows[HOLDER, h], 2, lane] += lost
        w.deal_loss[holdings.rows[HOLDING_DEAL, h], lane] += lost
        w.holding[STAKE_COST, h, lane] = 0.0
        if marks:
            w.holding[STAKE, h, lane] = 0.0
    h = holdings.outside_of[i]
    if h >= 0 and marks and s.entity[CUT, i, lane] > 0.0:
        w.holding[STAKE, h, lane] = 1.0
    w.entity[EQUITY, i, lane] = 0.0


@part
def sell(i, lane, grid, entities, layout, holdings, rules, marks, now, w, s):
    """A liquidated entity sells chips, core and stakes to the outside; cash beyond what covers secured claims reaches the estate next step."""
    keep = 1.0 - rules.terms[D0]
    proceeds = keep * s.entity[FLEET_VALUE, i, lane] + (1.0 - entities.terms[CORE_HAIRCUT, i]) * s.entity[CORE, i, lane]
    for h in range(holdings.rows.shape[1]):
        if holdings.rows[HOLDER, h] == i:
            paid = keep * mark_of(h, lane, entities, holdings, marks, now, w)
            buyer = holdings.outside_of[holdings.rows[ISSUER, h]]
            if buyer < 0:
                continue  # shares of who is not valued have no price
            proceeds += paid
            w.holding[STAKE, buyer, lane] += w.holding[STAKE, h, lane]
            w.holding[STAKE_COST, buyer, lane] += paid
            w.entity[PAID_FOR_STAKES, grid.outside_investor, lane] += paid
            w.entity[PAID_FOR_STAKES, i, lane] -= paid
            w.holding[STAKE, h, lane] = 0.0
            w.holding[STAKE_COST, h, lane] = 0.0
    for b in range(layout.leg_start[i], layout.leg_start[i + 1]):
        proceeds -= w.leg[COVERED, layout.leg_of_payer[b], lane]
    w.entity[PENDING, i, lane] = max(0.0, proceeds)
