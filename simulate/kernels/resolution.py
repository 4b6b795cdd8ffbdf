"""What default does: restructuring or liquidation, estates, stakes (docs/model.md 4.8). Amounts USD bn."""

from simulate.kernels.jit import stage
from simulate.kernels.maths import exp_of
from simulate.kernels.rows import (
    ALIVE,
    BALANCE_NOW,
    CASH,
    CLAIM,
    CLAIM_CREDIT,
    CLAIM_NOW,
    CORE,
    CORE_HAIRCUT,
    COVER,
    COVER_LEFT,
    COVERED,
    COVERS,
    CREDIT,
    CUT,
    D0,
    DEFAULT_ROUND,
    DEFAULT_STEP,
    ENDS_WITH_PAYEE,
    EQUITY,
    EQUITY0,
    FAILING,
    FLEET_VALUE,
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
    SHOCK_SIZE,
    STAKE,
    STAKE_COST,
    SUBROGATED,
    SYSTEMIC,
    VOLUME,
    WAVE,
)

LIQUIDATED = -1.0  # in s.entity[CUT]; a restructuring has its haircut there, a lane without default 0


@stage
def newly_failing(i, w, s):
    """True if row i failed in this clearing in some lane."""
    for lane in range(s.lane.shape[1]):
        if s.entity[FAILING, i, lane] * w.entity[ALIVE, i, lane] > 0.0:
            return True
    return False


@stage
def multiple(entities, i, tau):
    """Multiple on yearly receipts at time tau [years]: fades from mult0 to the mature one."""
    return entities.terms[MULT_MATURE, i] + (entities.terms[MULT0, i] - entities.terms[MULT_MATURE, i]) * exp_of(-tau / entities.terms[MULT_TAU, i])


@stage
def decide(grid, entities, legs, layout, holdings, rules, marks, t, factors, draws, w, s):
    """Restructure where the going concern is worth more than liquidation; s.entity[CUT] [n, W]."""
    lanes = s.lane.shape[1]
    s.entity[CUT, :] = 0.0
    stakes, claims = s.free[0], s.free[1]
    for a in range(layout.count[ROWS_INSIDE]):
        i = layout.rows[ROWS_INSIDE, a]
        if not newly_failing(i, w, s):
            continue
        stakes[:] = 0.0
        claims[:] = 0.0
        for h in range(holdings.rows[HOLDER].size):
            if holdings.rows[HOLDER, h] == i:
                add_mark(h, entities, holdings, marks, factors, w, stakes)
        for b in range(layout.leg_start[i], layout.leg_start[i + 1]):
            l = layout.leg_of_payer[b]
            if layout.rank[l] <= 3:
                scale = draws.scale[legs.rows[LEG_GROUP, l]]
                for lane in range(lanes):
                    claims[lane] += s.leg[CREDIT, l, lane] + w.leg[VOLUME, l, lane] * legs.by_step[REMAINING, l, t] * scale[lane]
        price = multiple(entities, i, (t + 1) * grid.dt)
        for lane in range(lanes):
            concern = price * factors.valuation[lane] * w.entity[RECEIPTS, i, lane] / grid.dt
            sale = (1.0 - rules.terms[D0]) * (s.entity[FLEET_VALUE, i, lane] + stakes[lane])
            broken = w.entity[CASH, i, lane] + sale + (1.0 - entities.terms[CORE_HAIRCUT, i]) * s.entity[CORE, i, lane]
            goes_on = entities.terms[RESTRUCTURES, i] > 0.0 and w.entity[RESTRUCTURED, i, lane] < rules.max_restructurings and concern > broken
            cut = 1.0 - rules.terms[RESTRUCTURE_KAPPA] * concern / claims[lane] if claims[lane] > 0.0 else 0.1
            cut = min(max(cut, 0.1), 0.9)
            failed = s.entity[FAILING, i, lane] * w.entity[ALIVE, i, lane] > 0.0
            s.entity[CUT, i, lane] = (cut if goes_on else LIQUIDATED) if failed else 0.0


@stage
def add_mark(h, entities, holdings, marks, factors, w, total):
    """Add the marked value of holding h to total [W]; with marks off, the opening value at the common index."""
    j = holdings.rows[ISSUER, h]
    for lane in range(total.size):
        mark = w.entity[EQUITY, j, lane] if marks else entities.terms[EQUITY0, j] * factors.valuation[lane]
        total[lane] += w.holding[STAKE, h, lane] * mark


@stage
def resolve(grid, entities, legs, layout, holdings, rules, insured, marks, t, factors, w, s):
    """Apply s.entity[CUT]: claims become fixed, balances and volumes change, stakes are wiped out or sold."""
    for a in range(layout.count[ROWS_INSIDE]):
        i = layout.rows[ROWS_INSIDE, a]
        if newly_failing(i, w, s):
            record_default(i, entities, rules, t, w, s)
            change_legs(i, legs, layout, insured, w, s)
            wipe_out(i, layout, holdings, factors, w, s)
    for a in range(layout.count[ROWS_INSIDE]):
        i = layout.rows[ROWS_INSIDE, a]
        if newly_failing(i, w, s):
            sell(grid, i, entities, legs, layout, holdings, rules, marks, factors, w, s)
    for a in range(layout.count[ROWS_INSIDE]):
        i = layout.rows[ROWS_INSIDE, a]
        for lane in range(s.lane.shape[1]):
            w.entity[ALIVE, i, lane] = 0.0 if s.entity[CUT, i, lane] == LIQUIDATED else w.entity[ALIVE, i, lane]


@stage
def record_default(i, entities, rules, t, w, s):
    """First default of the path, its wave, and the shock to confidence."""
    for lane in range(s.lane.shape[1]):
        cut = s.entity[CUT, i, lane]
        if cut != 0.0:
            first = w.entity[DEFAULT_STEP, i, lane] < 0
            w.entity[DEFAULT_ROUND, i, lane] = s.entity[WAVE, i, lane] if first else w.entity[DEFAULT_ROUND, i, lane]
            w.entity[DEFAULT_STEP, i, lane] = t if first else w.entity[DEFAULT_STEP, i, lane]
            w.lane[SHOCK, lane] += rules.terms[SHOCK_SIZE] * entities.terms[SYSTEMIC, i]
            w.entity[RESTRUCTURED, i, lane] += 1.0 if cut > 0.0 else 0.0
            w.entity[LINE, i, lane] = 0.0


@stage
def change_legs(i, legs, layout, insured, w, s):
    """Obligations of a defaulter: claims on the estate, or the haircut; contracts that end with a payee that is gone."""
    lanes = s.lane.shape[1]
    for b in range(layout.leg_start[i], layout.leg_start[i + 1]):
        l = layout.leg_of_payer[b]
        if layout.rank[l] > 3:
            continue
        unsecured = 0.0 if legs.rows[SENIORITY, l] == 1 else 1.0
        for lane in range(lanes):
            cut = s.entity[CUT, i, lane]
            gone = cut == LIQUIDATED
            kept = 0.0 if gone else 1.0 - max(cut, 0.0) * unsecured
            volume = 0.0 if gone else 1.0 - max(cut, 0.0) * legs.terms[HAIRCUT_FLAG, l]
            w.leg[BALANCE_NOW, l, lane] *= kept
            w.leg[OUT, l, lane] *= kept
            w.leg[VOLUME, l, lane] *= volume
            w.leg[COVER_LEFT, l, lane] *= 0.0 if gone else 1.0
            if gone:
                w.leg[CLAIM, l, lane] = s.leg[CLAIM_NOW, l, lane]
                w.leg[CLAIM_CREDIT, l, lane] = s.leg[CREDIT, l, lane] - s.leg[COVER, l, lane]
                w.leg[PAID_ON_CLAIM, l, lane] = s.leg[PAY, l, lane]
                w.leg[COVERED, l, lane] = s.leg[COVER, l, lane]
    for a in range(layout.count[ROWS_GUARANTEE]):
        g = layout.rows[ROWS_GUARANTEE, a]
        if legs.rows[PAYER, legs.rows[COVERS, g]] == i:
            for lane in range(lanes):
                # A restructuring forgives the arrears: nothing is left for the guarantor to claim.
                w.leg[SUBROGATED, g, lane] *= 0.0 if s.entity[CUT, i, lane] > 0.0 else 1.0
    if not insured:
        for l in range(legs.rows[PAYER].size):
            if legs.rows[PAYEE, l] == i and legs.terms[ENDS_WITH_PAYEE, l] > 0.0:
                for lane in range(lanes):
                    w.leg[VOLUME, l, lane] *= 0.0 if s.entity[CUT, i, lane] == LIQUIDATED else 1.0


@stage
def wipe_out(i, layout, holdings, factors, w, s):
    """Stakes in a defaulter are worth nothing; after a restructuring its creditors (outside) own it."""
    for b in range(layout.issue_start[i], layout.issue_start[i + 1]):
        h = layout.holding_of_issuer[b]
        j, d = holdings.rows[HOLDER, h], holdings.rows[HOLDING_DEAL, h]
        for lane in range(s.lane.shape[1]):
            cut = s.entity[CUT, i, lane]
            lost = w.holding[STAKE_COST, h, lane] * factors.discount[lane] if cut != 0.0 else 0.0
            w.loss[j, 2, lane] += lost
            w.deal_loss[d, lane] += lost
            w.holding[STAKE_COST, h, lane] = 0.0 if cut != 0.0 else w.holding[STAKE_COST, h, lane]
            w.holding[STAKE, h, lane] = 0.0 if cut != 0.0 else w.holding[STAKE, h, lane]
    h = holdings.outside_of[i]
    for lane in range(s.lane.shape[1]):
        cut = s.entity[CUT, i, lane]
        if h >= 0:
            w.holding[STAKE, h, lane] = 1.0 if cut > 0.0 else w.holding[STAKE, h, lane]
        w.entity[EQUITY, i, lane] = 0.0 if cut != 0.0 else w.entity[EQUITY, i, lane]


@stage
def sell(grid, i, entities, legs, layout, holdings, rules, marks, factors, w, s):
    """A liquidated entity sells chips, core and stakes to the outside; cash beyond what covers secured claims reaches the estate next step."""
    lanes = s.lane.shape[1]
    proceeds = s.free[0]
    price = s.free[1]
    for lane in range(lanes):
        proceeds[lane] = (1.0 - rules.terms[D0]) * s.entity[FLEET_VALUE, i, lane] + (1.0 - entities.terms[CORE_HAIRCUT, i]) * s.entity[CORE, i, lane]
    for h in range(holdings.rows[HOLDER].size):
        if holdings.rows[HOLDER, h] != i:
            continue
        price[:] = 0.0
        add_mark(h, entities, holdings, marks, factors, w, price)
        buyer = holdings.outside_of[holdings.rows[ISSUER, h]]
        for lane in range(lanes):
            gone = 1.0 if s.entity[CUT, i, lane] == LIQUIDATED else 0.0
            paid = (1.0 - rules.terms[D0]) * price[lane] * gone
            proceeds[lane] += paid
            w.holding[STAKE, buyer, lane] += w.holding[STAKE, h, lane] * gone
            w.holding[STAKE_COST, buyer, lane] += paid
            w.entity[PAID_FOR_STAKES, grid.outside_investor, lane] += paid
            w.entity[PAID_FOR_STAKES, i, lane] -= paid
            w.holding[STAKE, h, lane] *= 1.0 - gone
            w.holding[STAKE_COST, h, lane] *= 1.0 - gone
    for b in range(layout.leg_start[i], layout.leg_start[i + 1]):
        l = layout.leg_of_payer[b]
        for lane in range(lanes):
            proceeds[lane] -= s.leg[COVER, l, lane] if s.entity[CUT, i, lane] == LIQUIDATED else 0.0
    for lane in range(lanes):
        w.entity[PENDING, i, lane] = max(0.0, proceeds[lane]) if s.entity[CUT, i, lane] == LIQUIDATED else w.entity[PENDING, i, lane]
