"""Guarantees: calls on guarantors, and returns of creditors to them (docs/model.md 4.5). Amounts USD bn."""

from simulate.kernels.jit import part
from simulate.step.waterfall import ROUNDING, pay_by_waterfall


@part
def call_guarantees(lane, may_fall, net, w, s):
    """Compute calls: a share of the amount neither paid nor covered by collateral, up to the cap. In a descent a call only rises.

    A call is paid in the same round as the shortfall that it makes up for: one round late, creditors would seem poorer than they are, their
    own payments would fall too far, and their guarantors would be called for too much. A guarantor that fails pays others less, and their
    shortfalls may be guaranteed too: so all calls are repeated until none moves. Returns the change of calls and payments.
    """
    change = 0.0
    for _ in range(net.rules.max_iterations):
        moved = move_calls(lane, may_fall, net, w, s)
        change += moved
        if moved == 0.0:
            break
    return change


@part
def move_calls(lane, may_fall, net, w, s):
    """Update every call once; returns the change of calls, and of payments by guarantors that fail."""
    legs = net.legs
    change = 0.0
    for g in net.lists.guarantee:
        l, i = legs.covers[g], legs.payer[g]
        debtor = legs.payer[l]
        if s.active[debtor, lane] == 0.0 and not may_fall or w.alive[i, lane] == 0.0:
            continue
        living = w.alive[debtor, lane] > 0.0
        owed = s.due[l, lane] * s.uncovered_share[l, lane] if living else w.claim[l, lane] - w.paid_on_claim[l, lane]
        short = max(0.0, owed - (s.pay[l, lane] - w.covered[l, lane])) if s.active[debtor, lane] > 0.0 else 0.0
        called = min(w.cover_left[g, lane], max(0.0, legs.cover_share[g] * short - w.subrogated[g, lane]))
        before = s.called[g, lane]
        more = called - before
        if more <= ROUNDING * before and not (may_fall and more < -ROUNDING * before):
            continue
        change += abs(more)
        s.called[g, lane] += more
        s.dues[i, lane] += more
        s.claims[i, net.lists.rank[g], lane] += more
        if s.failing[i, lane] == 0.0:
            s.pay[g, lane] += more
        else:
            change += pay_by_waterfall(i, lane, net, w, s)
    return change


@part
def return_to_guarantors(lane, net, w, s):
    """Compute the returns of creditors of estates to their guarantors at the payments of this round."""
    legs = net.legs
    for g in net.lists.guarantee:
        l = legs.covers[g]
        s.returned[g, lane] = 0.0
        if w.claim[l, lane] > 0.0:
            left = w.claim[l, lane] - w.paid_on_claim[l, lane]
            paid = s.pay[l, lane] - w.covered[l, lane]
            s.returned[g, lane] = give_back(legs.cover_share[g], left, paid, w.subrogated[g, lane], s.pay[g, lane])


@part
def give_back(share, left, paid, before, now):
    """Return the amount that a creditor of an estate gives back: payments of the guarantor, before and now, beyond its share of the unpaid rest.

    left: the rest of the claim before this payment, net of collateral. The amount is never more than estate and guarantor pay now. So the
    creditor keeps at least 1 - share of each dollar of the estate. If a part of that dollar belonged to the guarantor while it is still called,
    a creditor could have more when the estate pays less, and there would be no greatest clearing vector.
    """
    return min(max(0.0, before + now - share * (left - paid)), paid + now)
