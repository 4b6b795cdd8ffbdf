"""Who pays what: the greatest clearing vector of a step (docs/model.md 4.5), lane by lane.

Eisenberg and Noe (2001) with seniority (Elsinger 2009), default costs (Rogers and Veraart 2013), estates that distribute what they
hold, and covered guarantees. Found by descending from full payment. A payment is a share of a base less an offset:

    living, solvent     pay = due
    living, failing     pay = rho_c due (uncovered share)
    estate              pay = max(0, rho_c claim - paid before) + covered

The sums at full payment are vectors over lanes. Few lanes have a defaulter or an active estate in a step (one in seven on the real
network); each of them is cleared alone, so no lane feels its neighbours and no work is done for lanes where everybody pays
(all lanes in lock step took three times as long). Amounts USD bn; s.claims is [n, 4, W] by rank.
"""

import numpy as np

from simulate.kernels.jit import part
from simulate.kernels.maths import copy_rows
from simulate.kernels.rows import (
    ACTIVE,
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
    DUES,
    EARNED,
    FAILING,
    FRESH,
    FULL,
    LEG_GROUP,
    OFFSETS,
    PAID_ON_CLAIM,
    PAY,
    PAYEE,
    PAYER,
    PRINCIPAL,
    RECEIVED,
    RECEIVED_FULL,
    REMAINING,
    RETURNED,
    ROWS_GUARANTEE,
    ROWS_INSIDE,
    SENIORITY,
    SUBROGATED,
    TROUBLED,
    UNCONVERGED,
    UNCOVERED,
    VOLUME,
    WAVE,
    WORST,
)

SOLVENCY_TOLERANCE = 1e-10  # of dues, one side of the inequality everywhere
CHANGE_TOLERANCE = 1e-12  # of everything due in the lane
STILL_TO_COME = 10.0  # tolerances that a descent may still have before it: where each round shrinks little, one round says little
ROUNDING = 1e-15  # of a payment: less is no change, or what circulates among firms that owe each other drifts for ever
NOTHING = 1e-20  # of a payment in full: less is no change, or what runs dry never is
ACTIVE_ESTATE = 1e-9  # USD bn: an estate that holds and expects less than a dollar distributes nothing


@part
def clear(entities, legs, layout, rules, insured, t, draws, w, s):
    """Fill s PAY [L], RECEIVED [n], FAILING [n], WAVE [n] (-1: did not enter in this clearing) and TROUBLED [lane].

    Given DUES and RECEIVED_FULL [n]: what is due, and what everybody receives of it if all pay. FULL and PAY of a leg are written where
    its payer is cleared (`fix_claims`); everywhere else a leg pays its DUE.
    """
    find_active_estates(legs, layout, insured, w, s)
    add_claims_on_estates(legs, layout, insured, w, s)
    find_trouble(layout, w, s)
    for lane in range(s.lane.shape[1]):
        if s.lane[TROUBLED, lane] > 0.0:
            clear_lane(lane, False, entities, legs, layout, rules, insured, t, draws, w, s)


@part
def find_active_estates(legs, layout, insured, w, s):
    """FAILING = 1 for the dead, ACTIVE = 1 for estates with anything to distribute, WAVE = -1; s.flags marks rows that are dead in some lane.

    An estate may distribute what is due to it and what other estates owe it; where deals are insured it receives nothing of them.
    """
    lanes = s.lane.shape[1]
    s.flags[:] = 0
    expected = s.entity[RECEIVED]
    for a in range(layout.count[ROWS_INSIDE]):
        i = layout.rows[ROWS_INSIDE, a]
        s.entity[FAILING, i, :] = 0.0
        s.entity[ACTIVE, i, :] = 0.0
        s.entity[WAVE, i, :] = -1.0
        dead = 0
        for lane in range(lanes):
            dead += 1 if w.entity[ALIVE, i, lane] == 0.0 else 0
        if dead > 0:
            s.flags[i] = 1
            for lane in range(lanes):
                expected[i, lane] = 0.0 if insured else s.entity[RECEIVED_FULL, i, lane]
    for l in range(legs.rows.shape[1]):
        i, j = legs.rows[PAYER, l], legs.rows[PAYEE, l]
        if s.flags[i] > 0 and s.flags[j] > 0 and not insured:
            for lane in range(lanes):
                expected[j, lane] += w.leg[CLAIM, l, lane] - w.leg[PAID_ON_CLAIM, l, lane] + w.leg[COVERED, l, lane]
    for a in range(layout.count[ROWS_GUARANTEE]):
        g = layout.rows[ROWS_GUARANTEE, a]
        i = legs.rows[PAYER, g]
        for lane in range(lanes):
            expected[i, lane] += w.leg[SUBROGATED, g, lane]
    for a in range(layout.count[ROWS_INSIDE]):
        i = layout.rows[ROWS_INSIDE, a]
        if s.flags[i] > 0:
            for lane in range(lanes):
                dead = 1.0 - w.entity[ALIVE, i, lane]
                fresh = w.entity[FRESH, i, lane]
                holds = max(s.entity[CASH_IN, i, lane] + expected[i, lane] - ACTIVE_ESTATE, fresh) > 0.0
                s.entity[FAILING, i, lane] = dead
                s.entity[ACTIVE, i, lane] = dead if holds else 0.0


@part
def add_claims_on_estates(legs, layout, insured, w, s):
    """Full payment is the top from which the iteration descends: to what is due comes what estates owe. Sets RECEIVED and WORST."""
    for a in range(layout.count[ROWS_GUARANTEE]):
        s.leg[COVER_DUE, layout.rows[ROWS_GUARANTEE, a], :] = 0.0  # the rows of other legs are never written
    worst = s.lane[WORST]
    worst[:] = 0.0
    lanes = worst.size
    for i in range(s.entity.shape[1]):
        for lane in range(lanes):
            worst[lane] += s.entity[DUES, i, lane]
        if s.flags[i] > 0:
            for lane in range(lanes):
                if s.entity[ACTIVE, i, lane] > 0.0:
                    for b in range(layout.leg_start[i], layout.leg_start[i + 1]):
                        l = layout.leg_of_payer[b]
                        more = w.leg[CLAIM, l, lane] - w.leg[PAID_ON_CLAIM, l, lane] + w.leg[COVERED, l, lane]
                        worst[lane] += more
                        if not insured:
                            s.entity[RECEIVED_FULL, legs.rows[PAYEE, l], lane] += more
    if insured:
        for a in range(layout.count[ROWS_INSIDE]):
            i = layout.rows[ROWS_INSIDE, a]
            if s.flags[i] > 0:
                for lane in range(lanes):
                    s.entity[RECEIVED_FULL, i, lane] *= w.entity[ALIVE, i, lane]
    copy_rows(s.entity[RECEIVED_FULL], s.entity[RECEIVED])


@part
def is_short(cash, capacity, received, dues):
    """True if dues exceed what is at hand: the one test of solvency."""
    return cash + capacity + received < dues * (1.0 - SOLVENCY_TOLERANCE)


@part
def find_trouble(layout, w, s):
    """TROUBLED = 1 in lanes where somebody cannot pay in full even if all others do, or an estate distributes."""
    lanes = s.lane.shape[1]
    trouble = s.lane[TROUBLED]
    trouble[:] = 0.0
    for a in range(layout.count[ROWS_INSIDE]):
        i = layout.rows[ROWS_INSIDE, a]
        cash, room, got, dues = s.entity[CASH_IN, i], s.entity[CAPACITY, i], s.entity[RECEIVED_FULL, i], s.entity[DUES, i]
        alive, active = w.entity[ALIVE, i], s.entity[ACTIVE, i]
        for lane in range(lanes):
            fails = 1.0 if is_short(cash[lane], room[lane], got[lane], dues[lane]) else 0.0
            trouble[lane] = max(trouble[lane], max(fails * alive[lane], active[lane]))


@part
def clear_lane(lane, afresh, entities, legs, layout, rules, insured, t, draws, w, s):
    """Waves of fictitious defaults: descend with the default set fixed, then let all who fail at that point enter together.

    afresh: receipts are summed from nothing (PAY of every leg is set, no leg is a guarantee), not as what is missing of full payment.
    """
    tolerance = CHANGE_TOLERANCE * max(0.0, s.lane[WORST, lane])  # what estates still owe may round below nothing
    for a in range(layout.count[ROWS_GUARANTEE]):
        g = layout.rows[ROWS_GUARANTEE, a]
        s.leg[RETURNED, g, lane] = 0.0
        start_leg(g, lane, w, s)
        start_leg(legs.rows[COVERS, g], lane, w, s)
    count = np.int64(0)  # rows that pay by the waterfall, in s.queue
    for a in range(layout.count[ROWS_INSIDE]):
        i = layout.rows[ROWS_INSIDE, a]
        if s.entity[ACTIVE, i, lane] > 0.0:
            s.queue[count] = i
            count += 1
            fix_claims(i, lane, entities, legs, layout, rules, t, draws, w, s)
    if not insured:
        receive(lane, count, legs, layout, w, s)  # guarantors take their part of full payments too
    wave = 0.0
    last = 0.0
    for _ in range(rules.max_iterations):
        change = 0.0
        for k in range(count):
            change += pay_by_waterfall(s.queue[k], lane, legs, layout, rules, w, s)
        if not insured:
            if afresh:
                add_payments(lane, legs, w, s)
            else:
                change += call_guarantees(lane, legs, layout, rules, w, s)
                receive(lane, count, legs, layout, w, s)
        # Rounds that shrink by a factor have change^2 / (last - change) before them: a circle that loses little a round goes on.
        if change > tolerance or change * change > STILL_TO_COME * tolerance * (last - change):
            last = change
            continue
        entered = False
        for a in range(layout.count[ROWS_INSIDE]):
            i = layout.rows[ROWS_INSIDE, a]
            if s.entity[FAILING, i, lane] == 0.0 and is_short(
                s.entity[CASH_IN, i, lane], s.entity[CAPACITY, i, lane], s.entity[RECEIVED, i, lane], s.entity[DUES, i, lane]
            ):
                s.entity[FAILING, i, lane] = 1.0
                s.entity[ACTIVE, i, lane] = 1.0
                s.entity[WAVE, i, lane] = wave
                s.queue[count] = i
                count += 1
                fix_claims(i, lane, entities, legs, layout, rules, t, draws, w, s)
                entered = True
        if not entered:
            return
        wave += 1.0
        last = 0.0
    w.lane[UNCONVERGED, lane] += 1.0


@part
def start_leg(l, lane, w, s):
    """FULL, and PAY = FULL: what a leg pays at most, and where the iteration starts."""
    full = s.leg[DUE, l, lane] + w.leg[COVERED, l, lane]
    s.leg[FULL, l, lane] = full
    s.leg[PAY, l, lane] = full


@part
def fix_claims(i, lane, entities, legs, layout, rules, t, draws, w, s):
    """Claims on row i by rank if it fails now (or what is claimed from its estate); fixed before clearing."""
    living = w.entity[ALIVE, i, lane] > 0.0
    s.entity[OFFSETS, i, lane] = 0.0
    for rank in range(4):
        s.claims[i, rank, lane] = 0.0
    for b in range(layout.leg_start[i], layout.leg_start[i + 1]):
        l = layout.leg_of_payer[b]
        rank = layout.rank[l]
        if rank > 3:
            continue
        start_leg(l, lane, w, s)
        if not living:
            full = w.leg[CLAIM, l, lane] - w.leg[PAID_ON_CLAIM, l, lane] + w.leg[COVERED, l, lane]
            s.leg[FULL, l, lane] = full
            s.leg[PAY, l, lane] = full
            s.claims[i, rank, lane] += w.leg[CLAIM, l, lane]
            s.entity[OFFSETS, i, lane] += w.leg[PAID_ON_CLAIM, l, lane]
            continue
        later = s.leg[DRAWN, l, lane] - s.leg[PRINCIPAL, l, lane] + legs.terms[DELAY, l] * s.leg[EARNED, l, lane]
        credit = s.leg[DUE, l, lane] + w.leg[BALANCE_NOW, l, lane] + later
        scale = draws.scale[legs.rows[LEG_GROUP, l], lane]
        damages = legs.terms[DAMAGES, l] * legs.by_step[REMAINING, l, t] * scale * w.leg[VOLUME, l, lane]
        cover = 0.0
        if legs.rows[SENIORITY, l] == 1:
            core = legs.terms[COLL_CORE, l] * s.entity[CORE, i, lane]
            sale = (1.0 - rules.terms[D0]) * (s.leg[COLLATERAL, l, lane] - core) + (1.0 - entities.terms[CORE_HAIRCUT, i]) * core
            cover = min(credit, max(0.0, sale))
        claim = credit + damages
        s.leg[CREDIT, l, lane] = credit
        s.leg[COVER, l, lane] = cover
        s.leg[CLAIM_NOW, l, lane] = claim - cover
        s.leg[UNCOVERED, l, lane] = (claim - cover) / claim if claim > 0.0 else 1.0
        s.claims[i, rank, lane] += claim - cover + s.leg[COVER_DUE, l, lane]


@part
def pay_by_waterfall(i, lane, legs, layout, rules, w, s):
    """Payments of row i from what it holds and receives; returns the sum of |change|."""
    living = w.entity[ALIVE, i, lane] > 0.0
    held, received = s.entity[CASH_IN, i, lane], s.entity[RECEIVED, i, lane]
    left = rules.terms[ALPHA] * held + rules.terms[BETA] * received if living else held + received
    left += s.entity[OFFSETS, i, lane]
    for rank in range(4):
        owed = s.claims[i, rank, lane]
        paid = min(max(left, 0.0), owed)
        left -= paid
        s.free[rank, lane] = paid / owed if owed > 0.0 else 1.0
    change = 0.0
    for b in range(layout.leg_start[i], layout.leg_start[i + 1]):
        l = layout.leg_of_payer[b]
        if layout.rank[l] > 3:
            continue
        rho = s.free[layout.rank[l], lane]
        most = s.leg[FULL, l, lane] + s.leg[COVER_DUE, l, lane]
        if living:
            new = rho * (s.leg[DUE, l, lane] * s.leg[UNCOVERED, l, lane] + s.leg[COVER_DUE, l, lane])
        else:
            new = max(0.0, rho * w.leg[CLAIM, l, lane] - w.leg[PAID_ON_CLAIM, l, lane]) + w.leg[COVERED, l, lane]
        new = min(new, most)
        moved = abs(new - s.leg[PAY, l, lane])
        change += moved if moved > ROUNDING * s.leg[PAY, l, lane] + NOTHING * most else 0.0
        s.leg[PAY, l, lane] = new
    return change


@part
def call_guarantees(lane, legs, layout, rules, w, s):
    """What guarantors owe now: a share of what is neither paid nor covered by collateral, up to the cap; only rises in a clearing.

    Paid in the same round as the payments it makes up for: one round late, creditors would seem poorer than they are, their own
    payments would fall too far, and so would be called too much. A guarantor that fails pays others less, on whose debts guarantees
    stand too: so all of them are looked at again until none is called for more.
    """
    change = 0.0
    for _ in range(rules.max_iterations):
        more = raise_calls(lane, legs, layout, rules, w, s)
        change += more
        if more == 0.0:
            break
    return change


@part
def raise_calls(lane, legs, layout, rules, w, s):
    """One look at every guarantee; returns what is called more, and by how much payments of guarantors that fail moved."""
    change = 0.0
    for a in range(layout.count[ROWS_GUARANTEE]):
        g = layout.rows[ROWS_GUARANTEE, a]
        l, i = legs.rows[COVERS, g], legs.rows[PAYER, g]
        debtor = legs.rows[PAYER, l]
        if s.entity[ACTIVE, debtor, lane] == 0.0 or w.entity[ALIVE, i, lane] == 0.0:
            continue
        living = w.entity[ALIVE, debtor, lane] > 0.0
        owed = s.leg[DUE, l, lane] * s.leg[UNCOVERED, l, lane] if living else w.leg[CLAIM, l, lane] - w.leg[PAID_ON_CLAIM, l, lane]
        short = max(0.0, owed - (s.leg[PAY, l, lane] - w.leg[COVERED, l, lane]))
        called = min(w.leg[COVER_LEFT, g, lane], max(0.0, legs.terms[COVER_SHARE, g] * short - w.leg[SUBROGATED, g, lane]))
        before = s.leg[COVER_DUE, g, lane]
        more = called - before
        if more <= ROUNDING * before:
            continue
        change += more
        s.leg[COVER_DUE, g, lane] += more
        s.entity[DUES, i, lane] += more
        s.claims[i, layout.rank[g], lane] += more
        if s.entity[FAILING, i, lane] == 0.0:
            s.leg[PAY, g, lane] += more
        else:
            change += pay_by_waterfall(i, lane, legs, layout, rules, w, s)
    return change


@part
def receive(lane, count, legs, layout, w, s):
    """What everybody receives from the payments of this iteration; only payees of s.queue[:count] and of guarantees are touched."""
    for k in range(count):
        i = s.queue[k]
        for b in range(layout.leg_start[i], layout.leg_start[i + 1]):
            j = legs.rows[PAYEE, layout.leg_of_payer[b]]
            s.entity[RECEIVED, j, lane] = s.entity[RECEIVED_FULL, j, lane]
    for a in range(layout.count[ROWS_GUARANTEE]):
        g = layout.rows[ROWS_GUARANTEE, a]
        i, j = legs.rows[PAYER, g], legs.rows[PAYEE, g]
        s.entity[RECEIVED, i, lane] = s.entity[RECEIVED_FULL, i, lane]
        s.entity[RECEIVED, j, lane] = s.entity[RECEIVED_FULL, j, lane]
    for k in range(count):
        i = s.queue[k]
        for b in range(layout.leg_start[i], layout.leg_start[i + 1]):
            l = layout.leg_of_payer[b]
            if layout.rank[l] <= 3 and legs.rows[COVERS, l] < 0:
                # What is left of a sum of payments that all fail may round below nothing.
                left = s.entity[RECEIVED, legs.rows[PAYEE, l], lane] - (s.leg[FULL, l, lane] - s.leg[PAY, l, lane])
                s.entity[RECEIVED, legs.rows[PAYEE, l], lane] = max(0.0, left)
    for a in range(layout.count[ROWS_GUARANTEE]):
        g = layout.rows[ROWS_GUARANTEE, a]
        l, i, j = legs.rows[COVERS, g], legs.rows[PAYER, g], legs.rows[PAYEE, g]
        moved = 0.0
        if w.leg[CLAIM, l, lane] > 0.0:
            left = w.leg[CLAIM, l, lane] - w.leg[PAID_ON_CLAIM, l, lane]
            paid = s.leg[PAY, l, lane] - w.leg[COVERED, l, lane]
            moved = give_back(legs.terms[COVER_SHARE, g], left, paid, w.leg[SUBROGATED, g, lane], s.leg[PAY, g, lane])
        s.leg[RETURNED, g, lane] = moved
        s.entity[RECEIVED, j, lane] += s.leg[PAY, g, lane] - s.leg[FULL, g, lane] - moved
        s.entity[RECEIVED, i, lane] += moved


@part
def add_payments(lane, legs, w, s):
    """What everybody receives, summed from nothing: near zero a difference of large numbers would not do."""
    for i in range(s.entity.shape[1]):
        s.entity[RECEIVED, i, lane] = 0.0
    for l in range(legs.rows.shape[1]):
        s.entity[RECEIVED, legs.rows[PAYEE, l], lane] += s.leg[PAY, l, lane]


@part
def give_back(share, left, paid, before, now):
    """What a creditor returns to a guarantor of an estate: what it has paid, before and now, beyond its share of what is still not paid.

    left: of the claim before this payment, net of collateral. Never more than the estate and the guarantor pay now. So the creditor has
    at least 1 - share of each dollar of the estate: were a part of it the guarantor's outright while it is still called, a
    creditor could have more when the estate pays less, and there would be no greatest clearing vector.
    """
    return min(max(0.0, before + now - share * (left - paid)), paid + now)
