"""Who pays what: the greatest clearing vector of a step (docs/model.md 4.5), lane by lane.

Eisenberg and Noe (2001) with seniority (Elsinger 2009), default costs (Rogers and Veraart 2013), estates that distribute what they
hold, and covered guarantees. Found by descending from full payment. A payment is a share of a base less an offset:

    living, solvent     pay = due
    living, failing     pay = rho_c due (uncovered share)
    estate              pay = max(0, rho_c claim - paid before) + covered

Only rows with a failing lane are touched; in a lane where nobody fails their corrections are exactly zero, so that no lane feels
its neighbours. Amounts USD bn; s.claims is [n, 4, W] by rank.
"""

from simulate.kernels.jit import stage
from simulate.kernels.maths import copy_rows
from simulate.kernels.rows import (
    ALIVE,
    ALPHA,
    BALANCE_NOW,
    BETA,
    CAPACITY,
    CASH_IN,
    CLAIM,
    CLAIM_NOW,
    COLL_CORE,
    COLLATERAL,
    CORE,
    CORE_HAIRCUT,
    COVER,
    COVER_DUE,
    COVER_LEFT,
    COVER_SHARE,
    COVERED,
    COVERS,
    CREDIT,
    D0,
    DAMAGES,
    DELAY,
    DRAWN,
    DUE,
    DUE_ON,
    DUES,
    EARNED,
    FAILING,
    FROZEN,
    FULL,
    LEG_GROUP,
    OFFSETS,
    PAID_ON_CLAIM,
    PAY,
    PAYEE,
    PAYER,
    PREVIOUS,
    PRINCIPAL,
    RECEIVED,
    RECEIVED_FULL,
    REMAINING,
    ROWS_GUARANTEE,
    ROWS_INSIDE,
    SENIORITY,
    SUBROGATED,
    UNCONVERGED,
    UNCOVERED,
    VOLUME,
    WAVE,
    WORST,
)

SOLVENCY_TOLERANCE = 1e-10  # of dues, one side of the inequality everywhere
CHANGE_TOLERANCE = 1e-12  # of everything due in the lane


@stage
def clear(entities, legs, layout, rules, insured, t, draws, w, s):
    """Fill s.leg[PAY] [L], s.entity[RECEIVED] [n], s.entity[FAILING] [n] and s.entity[WAVE] [n] (-1: did not enter in this clearing)."""
    sum_full_payment(legs, layout, insured, w, s)
    # A mask in row order, not a list in order of entry: the order of sums in a lane must not depend on its neighbours.
    troubled, anybody = s.flags, False
    troubled[:] = 0
    for a in range(layout.count[ROWS_INSIDE]):
        i = layout.rows[ROWS_INSIDE, a]
        if may_fail(i, legs, layout, w, s):
            troubled[i], anybody = 1, True
            fix_claims(i, entities, legs, layout, rules, t, draws, w, s)
    if anybody:
        iterate(entities, legs, layout, rules, insured, t, draws, w, s, troubled)


@stage
def sum_full_payment(legs, layout, insured, w, s):
    """Full payments, dues and what everybody would receive: the top from which the iteration descends."""
    lanes = s.lane.shape[1]
    s.entity[DUES, :] = 0.0
    s.entity[RECEIVED_FULL, :] = 0.0
    s.lane[WORST, :] = 0.0
    for l in range(legs.rows[PAYER].size):
        i, j = legs.rows[PAYER, l], legs.rows[PAYEE, l]
        source = s.leg[DUE_ON] if insured else s.leg[FULL]
        for lane in range(lanes):
            full = s.leg[DUE, l, lane] + (w.leg[CLAIM, l, lane] - w.leg[PAID_ON_CLAIM, l, lane]) + w.leg[COVERED, l, lane]
            s.leg[FULL, l, lane] = full
            s.leg[PAY, l, lane] = full
            s.entity[DUES, i, lane] += s.leg[DUE, l, lane]
            s.lane[WORST, lane] += full
            s.entity[RECEIVED_FULL, j, lane] += source[l, lane]
    for a in range(layout.count[ROWS_INSIDE]):
        i = layout.rows[ROWS_INSIDE, a]
        for lane in range(lanes):
            s.entity[RECEIVED_FULL, i, lane] *= w.entity[ALIVE, i, lane] if insured else 1.0
            s.entity[FAILING, i, lane] = 1.0 - w.entity[ALIVE, i, lane]
    copy_rows(s.entity[RECEIVED_FULL], s.entity[RECEIVED])
    s.entity[WAVE, :] = -1
    s.leg[COVER_DUE, :] = 0.0


@stage
def may_fail(i, legs, layout, w, s):
    """True if row i may fail in some lane: an estate with claims, or too little even when everybody pays in full."""
    for lane in range(s.lane.shape[1]):
        if w.entity[ALIVE, i, lane] > 0.0:
            if s.entity[CASH_IN, i, lane] + s.entity[CAPACITY, i, lane] + s.entity[RECEIVED_FULL, i, lane] < s.entity[DUES, i, lane] * (1.0 - SOLVENCY_TOLERANCE):
                return True
        else:
            for b in range(layout.leg_start[i], layout.leg_start[i + 1]):
                if s.leg[FULL, layout.leg_of_payer[b], lane] > 0.0:
                    return True
    return False


@stage
def fix_claims(i, entities, legs, layout, rules, t, draws, w, s):
    """Claims on row i by rank if it fails now (or what is claimed from its estate); fixed before clearing."""
    lanes = s.lane.shape[1]
    s.claims[i] = 0.0
    s.entity[OFFSETS, i] = 0.0
    for b in range(layout.leg_start[i], layout.leg_start[i + 1]):
        l = layout.leg_of_payer[b]
        rank = layout.rank[l]
        if rank > 3:
            continue
        secured = 1.0 if legs.rows[SENIORITY, l] == 1 else 0.0
        core_sale = (1.0 - entities.terms[CORE_HAIRCUT, i]) * legs.terms[COLL_CORE, l]
        other_sale = 1.0 - rules.terms[D0]
        remaining = legs.terms[DAMAGES, l] * legs.by_step[REMAINING, l, t]
        scale = draws.scale[legs.rows[LEG_GROUP, l]]
        later = legs.terms[DELAY, l]
        for lane in range(lanes):
            alive = w.entity[ALIVE, i, lane]
            credit = s.leg[DUE, l, lane] + w.leg[BALANCE_NOW, l, lane] + s.leg[DRAWN, l, lane] - s.leg[PRINCIPAL, l, lane] + later * s.leg[EARNED, l, lane]
            damages = remaining * scale[lane] * w.leg[VOLUME, l, lane]
            core_part = legs.terms[COLL_CORE, l] * s.entity[CORE, i, lane]
            sale = other_sale * (s.leg[COLLATERAL, l, lane] - core_part) + core_sale * s.entity[CORE, i, lane]
            cover = secured * min(credit, max(0.0, sale))
            claim = credit + damages
            s.leg[CREDIT, l, lane] = credit
            s.leg[COVER, l, lane] = cover
            s.leg[CLAIM_NOW, l, lane] = claim - cover
            s.leg[UNCOVERED, l, lane] = (claim - cover) / claim if claim > 0.0 else 1.0
            s.claims[i, rank, lane] += alive * (claim - cover) + (1.0 - alive) * w.leg[CLAIM, l, lane]
            s.entity[OFFSETS, i, lane] += (1.0 - alive) * w.leg[PAID_ON_CLAIM, l, lane]


@stage
def pay_by_waterfall(i, legs, layout, rules, w, s, change):
    """Payments of row i from what it holds and receives; adds |change| of the lane to `change` [W]."""
    lanes = s.lane.shape[1]
    left = s.free[4]
    for lane in range(lanes):
        alive = w.entity[ALIVE, i, lane]
        kept = (rules.terms[ALPHA] if alive > 0.0 else 1.0) * s.entity[CASH_IN, i, lane]
        left[lane] = kept + (rules.terms[BETA] if alive > 0.0 else 1.0) * s.entity[RECEIVED, i, lane] + s.entity[OFFSETS, i, lane]
    for rank in range(4):
        for lane in range(lanes):
            owed = s.claims[i, rank, lane]
            paid = min(max(left[lane], 0.0), owed)
            left[lane] -= paid
            s.free[rank, lane] = paid / owed if owed > 0.0 else 1.0
    for b in range(layout.leg_start[i], layout.leg_start[i + 1]):
        l = layout.leg_of_payer[b]
        if layout.rank[l] > 3:
            continue
        rho = s.free[layout.rank[l]]
        for lane in range(lanes):
            alive = w.entity[ALIVE, i, lane] > 0.0
            base = (s.leg[DUE, l, lane] + s.leg[COVER_DUE, l, lane]) * s.leg[UNCOVERED, l, lane] if alive else w.leg[CLAIM, l, lane]
            share = max(0.0, rho[lane] * base - w.leg[PAID_ON_CLAIM, l, lane]) + w.leg[COVERED, l, lane]
            share = min(share, s.leg[FULL, l, lane] + s.leg[COVER_DUE, l, lane])
            solvent = s.leg[FULL, l, lane] + s.leg[COVER_DUE, l, lane]
            new = share if s.entity[FAILING, i, lane] > 0.0 else solvent
            new = s.leg[PAY, l, lane] if s.lane[FROZEN, lane] > 0.0 else new
            change[lane] += abs(new - s.leg[PAY, l, lane])
            s.leg[PAY, l, lane] = new


@stage
def call_guarantees(legs, layout, w, s, change):
    """What guarantors owe now: a share of what is not paid on the covered leg, up to the cap; only rises within a clearing."""
    for a in range(layout.count[ROWS_GUARANTEE]):
        g = layout.rows[ROWS_GUARANTEE, a]
        l, i = legs.rows[COVERS, g], legs.rows[PAYER, g]
        for lane in range(s.lane.shape[1]):
            short = max(0.0, s.leg[FULL, l, lane] - s.leg[PAY, l, lane])
            uncalled = max(0.0, legs.terms[COVER_SHARE, g] * short - w.leg[SUBROGATED, g, lane])
            owed = max(s.leg[COVER_DUE, g, lane], min(w.leg[COVER_LEFT, g, lane], uncalled))
            more = (owed - s.leg[COVER_DUE, g, lane]) * (1.0 - s.lane[FROZEN, lane]) * w.entity[ALIVE, i, lane]
            change[lane] += more
            s.leg[COVER_DUE, g, lane] += more
            s.entity[DUES, i, lane] += more
            s.claims[i, layout.rank[g], lane] += more
            if s.entity[FAILING, i, lane] == 0.0:
                s.leg[PAY, g, lane] += more


@stage
def receive(legs, layout, troubled, w, s):
    """What everybody receives from the payments of this iteration."""
    lanes = s.lane.shape[1]
    copy_rows(s.entity[RECEIVED], s.entity[PREVIOUS])
    copy_rows(s.entity[RECEIVED_FULL], s.entity[RECEIVED])
    for i in range(troubled.size):
        if troubled[i] == 0:
            continue
        for b in range(layout.leg_start[i], layout.leg_start[i + 1]):
            l = layout.leg_of_payer[b]
            if layout.rank[l] <= 3 and legs.rows[COVERS, l] < 0:
                j = legs.rows[PAYEE, l]
                for lane in range(lanes):
                    s.entity[RECEIVED, j, lane] -= s.leg[FULL, l, lane] - s.leg[PAY, l, lane]
    for a in range(layout.count[ROWS_GUARANTEE]):
        g = layout.rows[ROWS_GUARANTEE, a]
        l, i, j = legs.rows[COVERS, g], legs.rows[PAYER, g], legs.rows[PAYEE, g]
        for lane in range(lanes):
            s.entity[RECEIVED, j, lane] += s.leg[PAY, g, lane]
            moved = subrogate(w.leg[CLAIM, l, lane], w.leg[SUBROGATED, g, lane], s.leg[PAY, l, lane], w.leg[COVERED, l, lane])
            s.entity[RECEIVED, j, lane] -= moved
            s.entity[RECEIVED, i, lane] += moved
    for i in range(s.entity[RECEIVED].shape[0]):
        for lane in range(lanes):
            s.entity[RECEIVED, i, lane] = s.entity[PREVIOUS, i, lane] if s.lane[FROZEN, lane] > 0.0 else s.entity[RECEIVED, i, lane]


@stage
def subrogate(claim, paid_by_guarantor, pay, covered):
    """Part of an estate's payment that belongs to the guarantor who paid its creditor."""
    return (pay - covered) * min(1.0, paid_by_guarantor / claim) if claim > 0.0 and paid_by_guarantor > 0.0 else 0.0


@stage
def iterate(entities, legs, layout, rules, insured, t, draws, w, s, troubled):
    """Waves of fictitious defaults: descend with the default set fixed, then let all who fail at that point enter together."""
    lanes = s.lane.shape[1]
    s.lane[FROZEN, :] = 0.0
    tolerance = s.lane[WORST]
    for lane in range(lanes):
        tolerance[lane] *= CHANGE_TOLERANCE
    change, next_wave = s.free[5], s.free[6]
    next_wave[:] = 0.0
    for _ in range(rules.max_iterations):
        change[:] = 0.0
        for i in range(troubled.size):
            if troubled[i] > 0:
                pay_by_waterfall(i, legs, layout, rules, w, s, change)
        if not insured:
            call_guarantees(legs, layout, w, s, change)
            receive(legs, layout, troubled, w, s)
        settled = False
        for lane in range(lanes):
            if s.lane[FROZEN, lane] == 0.0 and change[lane] <= tolerance[lane]:
                settled = True
        if not settled:
            continue
        entered = s.free[7]
        entered[:] = 0.0
        for a in range(layout.count[ROWS_INSIDE]):
            i = layout.rows[ROWS_INSIDE, a]
            fails = False
            for lane in range(lanes):
                short = s.entity[CASH_IN, i, lane] + s.entity[CAPACITY, i, lane] + s.entity[RECEIVED, i, lane] < s.entity[DUES, i, lane] * (1.0 - SOLVENCY_TOLERANCE)
                if short and s.entity[FAILING, i, lane] == 0.0 and s.lane[FROZEN, lane] == 0.0 and change[lane] <= tolerance[lane]:
                    fails = True
                    s.entity[FAILING, i, lane] = 1.0
                    s.entity[WAVE, i, lane] = next_wave[lane]
                    entered[lane] = 1.0
            if fails and troubled[i] == 0:
                troubled[i] = 1
                fix_claims(i, entities, legs, layout, rules, t, draws, w, s)
                add_guarantee_claims(i, legs, layout, s)
        open_lanes = False
        for lane in range(lanes):
            if entered[lane] > 0.0:
                next_wave[lane] += 1.0
            elif change[lane] <= tolerance[lane]:
                s.lane[FROZEN, lane] = 1.0
            if s.lane[FROZEN, lane] == 0.0:
                open_lanes = True
        if not open_lanes:
            return
    for lane in range(lanes):
        w.lane[UNCONVERGED, lane] += 1.0 - s.lane[FROZEN, lane]


@stage
def add_guarantee_claims(i, legs, layout, s):
    """Guarantees that were called before their guarantor entered the list are claims on it too."""
    for a in range(layout.count[ROWS_GUARANTEE]):
        g = layout.rows[ROWS_GUARANTEE, a]
        if legs.rows[PAYER, g] == i:
            for lane in range(s.lane.shape[1]):
                s.claims[i, layout.rank[g], lane] += s.leg[COVER_DUE, g, lane]
