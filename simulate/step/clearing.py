"""Clearing: the payments of a step, its greatest or least clearing vector, lane by lane (docs/model.md 4.5).

Eisenberg and Noe (2001) with seniority (Elsinger 2009), default costs (Rogers and Veraart 2013), estates that distribute their
assets, and covered guarantees (step/guarantees.py). A payment is a share of a base less an offset:

    living, solvent     pay = due
    living, failing     pay = rho_c due (uncovered share)
    estate              pay = max(0, rho_c claim - paid before) + covered

The greatest vector is found by descending from full payment, the least by ascending from nothing. The sums at full payment are vectors
over lanes. Few lanes have a defaulter or an active estate in a step (one in seven on the real network); each of them is cleared alone,
so lanes do not depend on their neighbours, and lanes where everybody pays need no work (all lanes in lock step took three times as long).
Amounts USD bn; s.claims is [n, 4, W] by rank.
"""

import numpy as np

from simulate.kernels.jit import part
from simulate.kernels.maths import copy_rows
from simulate.model import CLEARED_CLASSES
from simulate.step.funding import BEYOND_MEANS
from simulate.step.guarantees import call_guarantees, return_to_guarantors
from simulate.step.lists import legs_of
from simulate.step.waterfall import fix_claims, is_short, pay_by_waterfall, start_leg, unpaid_on_claim

CHANGE_TOLERANCE = 1e-12  # share of everything due in the lane
STILL_TO_COME = 10.0  # tolerances of change that may lie ahead of an iteration: where rounds shrink slowly, one round says little
ACTIVE_ESTATE = 1e-9  # USD bn: an estate that holds and expects less than a dollar distributes nothing


@part
def clear(net, now, w, s):
    """Fill pay [L], received [n], failing [n], wave [n] (-1: it did not fail in this clearing) and troubled [lane].

    Input: dues [n], and received_full [n], the receipts if everybody pays in full. `full` and `pay` of a leg are written where
    its payer is cleared (`fix_claims`); everywhere else a leg pays its due.
    """
    find_active_estates(net, now, w, s)
    add_claims_on_estates(net, now, w, s)
    find_trouble(net, w, s)
    if now.saves_first:
        save_first(net, w, s)
    least = now.least and not now.insured  # insured receipts do not depend on payments: there is one clearing vector
    for lane in range(s.troubled.size):
        if least or s.troubled[lane] > 0.0:
            solve(lane, least, False, net, now, w, s)


@part
def find_active_estates(net, now, w, s):
    """Set failing = 1 for the dead, active = 1 for estates with assets to distribute, and wave = -1; `dead` counts lanes.

    An estate can distribute its receivables, also those from other estates; where deals are insured it receives none.
    """
    legs, lists = net.legs, net.lists
    expected = s.received
    for i in lists.inside:
        s.failing[i, :] = 0.0
        s.active[i, :] = 0.0
        s.wave[i, :] = -1.0
        dead = 0
        for lane in range(s.troubled.size):
            dead += 1 if w.alive[i, lane] == 0.0 else 0
        s.dead[i] = dead
        if dead > 0:
            for lane in range(s.troubled.size):
                expected[i, lane] = 0.0 if now.insured else s.received_full[i, lane]
    for l in range(legs.rows.shape[1]):
        i, j = legs.payer[l], legs.payee[l]
        if s.dead[i] > 0 and s.dead[j] > 0 and not now.insured:
            for lane in range(s.troubled.size):
                expected[j, lane] += unpaid_on_claim(l, lane, w) + w.covered[l, lane]
    for g in lists.guarantee:
        i = legs.payer[g]
        for lane in range(s.troubled.size):
            expected[i, lane] += w.subrogated[g, lane]
    for i in lists.inside:
        if s.dead[i] > 0:
            for lane in range(s.troubled.size):
                dead_here = 1.0 - w.alive[i, lane]
                holds = max(s.cash_in[i, lane] + expected[i, lane] - ACTIVE_ESTATE, w.fresh[i, lane]) > 0.0
                s.failing[i, lane] = dead_here
                s.active[i, lane] = dead_here if holds else 0.0


@part
def add_claims_on_estates(net, now, w, s):
    """Add the claims on estates to the amounts due, at full payment. Sets received and due_in_all."""
    legs, lists = net.legs, net.lists
    for g in lists.guarantee:
        s.called[g, :] = 0.0  # the rows of other legs are never written
    due_in_all = s.due_in_all
    due_in_all[:] = 0.0
    for i in range(s.dues.shape[0]):
        for lane in range(due_in_all.size):
            due_in_all[lane] += s.dues[i, lane]
        if s.dead[i] > 0:
            for lane in range(due_in_all.size):
                if s.active[i, lane] > 0.0:
                    for l in legs_of(i, lists):
                        more = unpaid_on_claim(l, lane, w) + w.covered[l, lane]
                        due_in_all[lane] += more
                        if not now.insured:
                            s.received_full[legs.payee[l], lane] += more
    if now.insured:
        for i in lists.inside:
            if s.dead[i] > 0:
                for lane in range(due_in_all.size):
                    s.received_full[i, lane] *= w.alive[i, lane]
    copy_rows(s.received_full, s.received)


@part
def find_trouble(net, w, s):
    """Set troubled = 1 in lanes where an entity cannot pay in full even if all others do, or an estate distributes."""
    trouble = s.troubled
    trouble[:] = 0.0
    for i in net.lists.inside:
        cash, can_raise, got, dues = s.cash_in[i], s.can_raise[i], s.received_full[i], s.dues[i]
        alive, active = w.alive[i], s.active[i]
        for lane in range(trouble.size):
            fails = 1.0 if is_short(cash[lane], can_raise[lane], got[lane], dues[lane]) else 0.0
            trouble[lane] = max(trouble[lane], max(fails * alive[lane], active[lane]))


@part
def save_first(net, w, s):
    """Save who cannot pay in full though all others do, in lanes where nobody is saved yet: nobody has failed there before."""
    for lane in range(s.troubled.size):
        saved = 0.0
        for i in net.lists.inside:
            saved += w.saved[i, lane]
        if s.troubled[lane] > 0.0 and saved == 0.0:
            for i in net.lists.inside:
                if is_short_now(i, lane, s):
                    w.saved[i, lane] = 1.0
                    s.can_raise[i, lane] = BEYOND_MEANS
            s.troubled[lane] = 0.0


@part
def is_short_now(i, lane, s):
    """True if entity i cannot cover its dues at the payments of this round."""
    return is_short(s.cash_in[i, lane], s.can_raise[i, lane], s.received[i, lane], s.dues[i, lane])


@part
def queue_active(lane, net, now, w, s):
    """Fix the claims on all payers by waterfall and put their rows into s.queue; returns their number."""
    for g in net.lists.guarantee:
        s.returned[g, lane] = 0.0
        start_leg(g, lane, w, s)
        start_leg(net.legs.covers[g], lane, w, s)
    count = np.int64(0)
    for i in net.lists.inside:
        if s.active[i, lane] > 0.0:
            s.queue[count] = i
            count += 1
            fix_claims(i, lane, net, now, w, s)
    return count


@part
def solve(lane, least, afresh, net, now, w, s):
    """Compute the clearing vector of one lane, greatest or least: iterate payments with the default set fixed, change it at rest, end when it stays.

    Greatest: waves of fictitious defaults. Descend from full payment; where payments rest, all insolvent entities enter the set together.
    Least: all living entities fail and pay nothing at first. Ascend; where payments rest, all solvent entities leave together. With default costs
    the limit of the first ascent need not be a clearing vector (Rogers and Veraart 2013, example 3.3): default takes from a firm the money
    that would have made it solvent. Every clearing vector lies above every point passed, so the first one that is a clearing vector is the least.

    afresh: for one period. `pay` of every leg is set and no leg is a guarantee; receipts are added up, instead of subtracting shortfalls from
    full payment, and an ascent goes on until no payment changes by more than its rounding.
    """
    tolerance = 0.0 if afresh and least else CHANGE_TOLERANCE * max(0.0, s.due_in_all[lane])  # what estates still owe may round below nothing
    if least:
        let_all_fail(lane, net, w, s)
    count = queue_active(lane, net, now, w, s)
    if least:
        pay_nothing(lane, count, net, w, s)
    last, wave, rescued = 0.0, 0.0, 0.0
    for k in range(net.rules.max_iterations + 1):
        change = rescued  # what the rescued pay more reaches others in this round
        rescued = 0.0
        if k > 0:  # before the first round: guarantors take their part of full payments too, or are called for all that is not paid
            for place in range(count):
                if s.active[s.queue[place], lane] > 0.0:
                    change += pay_by_waterfall(s.queue[place], lane, net, w, s)
        if not now.insured:
            if not afresh and (k > 0 or least):
                change += call_guarantees(lane, least, net, w, s)
            if afresh or least:
                receive_afresh(lane, net, w, s)
            else:
                receive(lane, count, net, w, s)
        # Rounds that shrink by a factor have change^2 / (last - change) before them: a circle that loses little a round goes on.
        if k == 0 or change > tolerance or change * change > STILL_TO_COME * tolerance * (last - change):
            last = change
            continue
        if least:
            rescued = rescue(lane, net, w, s)
            if rescued == 0.0:
                break
        else:
            before = count
            count = enter_wave(wave, lane, count, net, now, w, s)
            if count == before:
                break
            wave += 1.0
        last = 0.0
    else:
        w.unconverged[lane] += 1.0
    s.troubled[lane] = 0.0
    for i in net.lists.inside:
        s.troubled[lane] = max(s.troubled[lane], s.active[i, lane])


@part
def let_all_fail(lane, net, w, s):
    """Begin an ascent: all living entities are in the default set."""
    for i in net.lists.inside:
        if w.alive[i, lane] > 0.0:
            s.failing[i, lane] = 1.0
            s.active[i, lane] = 1.0
            s.wave[i, lane] = 0.0


@part
def pay_nothing(lane, count, net, w, s):
    """Set the payments that begin an ascent: only proceeds of collateral, which do not depend on other payments."""
    for k in range(count):
        for l in legs_of(s.queue[k], net.lists):
            s.pay[l, lane] = w.covered[l, lane]


@part
def enter_wave(wave, lane, count, net, now, w, s):
    """Add all entities that are insolvent at this point of a descent to the default set; returns the length of the queue."""
    for i in net.lists.inside:
        if s.failing[i, lane] == 0.0 and is_short_now(i, lane, s):
            s.failing[i, lane] = 1.0
            s.active[i, lane] = 1.0
            s.wave[i, lane] = wave
            s.queue[count] = i
            count += 1
            fix_claims(i, lane, net, now, w, s)
    return count


@part
def rescue(lane, net, w, s):
    """Remove all living entities that are solvent at this point of an ascent from the default set; returns the rise of payments."""
    moved = 0.0
    for i in net.lists.inside:
        if s.failing[i, lane] * w.alive[i, lane] > 0.0 and not is_short_now(i, lane, s):
            s.failing[i, lane] = 0.0
            s.active[i, lane] = 0.0
            s.wave[i, lane] = -1.0
            for l in legs_of(i, net.lists):
                full = s.due[l, lane] + s.called[l, lane]
                moved += full - s.pay[l, lane]
                s.pay[l, lane] = full
    return moved


@part
def receive(lane, count, net, w, s):
    """Compute receipts at the payments of this round, for the payees of s.queue[:count] and of guarantees; the others keep theirs."""
    legs, lists = net.legs, net.lists
    for k in range(count):
        for l in legs_of(s.queue[k], lists):
            j = legs.payee[l]
            s.received[j, lane] = s.received_full[j, lane]
    for g in lists.guarantee:
        i, j = legs.payer[g], legs.payee[g]
        s.received[i, lane] = s.received_full[i, lane]
        s.received[j, lane] = s.received_full[j, lane]
    for k in range(count):
        for l in legs_of(s.queue[k], lists):
            if lists.rank[l] < CLEARED_CLASSES and legs.covers[l] < 0:
                # The rest of a sum of payments that all fail may round below 0.
                left = s.received[legs.payee[l], lane] - (s.full[l, lane] - s.pay[l, lane])
                s.received[legs.payee[l], lane] = max(0.0, left)
    return_to_guarantors(lane, net, w, s)
    for g in lists.guarantee:
        s.received[legs.payee[g], lane] += s.pay[g, lane] - s.full[g, lane] - s.returned[g, lane]
        s.received[legs.payer[g], lane] += s.returned[g, lane]


@part
def receive_afresh(lane, net, w, s):
    """Add up the payments received, instead of subtracting shortfalls from full payment (a difference of large numbers loses digits)."""
    legs = net.legs
    for i in range(s.received.shape[0]):
        s.received[i, lane] = 0.0
    for l in range(legs.rows.shape[1]):
        if legs.covers[l] < 0:
            s.received[legs.payee[l], lane] += s.pay[l, lane] if s.active[legs.payer[l], lane] > 0.0 else s.due[l, lane]
    return_to_guarantors(lane, net, w, s)
    for g in net.lists.guarantee:
        s.received[legs.payee[g], lane] += s.pay[g, lane] - s.returned[g, lane]
        s.received[legs.payer[g], lane] += s.returned[g, lane]
