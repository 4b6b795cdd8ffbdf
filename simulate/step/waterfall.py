"""The waterfall of one payer: claims by class, and payments from its cash and receipts (docs/model.md 4.5). Amounts USD bn."""

from simulate.kernels.jit import part
from simulate.model import CLEARED_CLASSES, SECURED
from simulate.step.lists import legs_of
from simulate.step.values import chip_price, chips_pledged

SOLVENCY_TOLERANCE = 1e-10  # share of dues, on the same side of the inequality everywhere
ROUNDING = 1e-15  # share of a payment: less is no change, or money that circulates among firms that owe each other would drift for ever
NOTHING = 1e-20  # share of a payment in full: less is no change, or payments that run dry would shrink for ever


@part
def is_short(cash, can_raise, received, dues):
    """True if dues exceed liquidity: the one test of solvency."""
    return cash + can_raise + received < dues * (1.0 - SOLVENCY_TOLERANCE)


@part
def unpaid_on_claim(l, lane, w):
    """Return what an estate has not paid of claim l. What it has paid in full rounds to either side of the claim."""
    return max(0.0, w.claim[l, lane] - w.paid_on_claim[l, lane])


@part
def start_leg(l, lane, w, s):
    """Set the largest payment of leg l, with which a descent starts."""
    full = s.due[l, lane] + w.covered[l, lane]
    s.full[l, lane] = full
    s.pay[l, lane] = full


@part
def fix_claims(i, lane, net, now, w, s):
    """Fix the claims on entity i by rank before clearing: those of its failure now, or those on its estate."""
    entities, legs, rules = net.entities, net.legs, net.rules
    living = w.alive[i, lane] > 0.0
    s.offsets[i, lane] = 0.0
    for rank in range(CLEARED_CLASSES):
        s.claims[i, rank, lane] = 0.0
    for l in legs_of(i, net.lists):
        rank = net.lists.rank[l]
        if rank >= CLEARED_CLASSES:
            continue
        start_leg(l, lane, w, s)
        if not living:
            full = unpaid_on_claim(l, lane, w) + w.covered[l, lane]
            s.full[l, lane] = full
            s.pay[l, lane] = full
            s.claims[i, rank, lane] += w.claim[l, lane]
            s.offsets[i, lane] += w.paid_on_claim[l, lane]
            continue
        later = s.drawn[l, lane] - s.principal[l, lane] + legs.delay[l] * s.earned[l, lane]
        credit = s.due[l, lane] + w.balance[l, lane] + later
        scale = now.factors.capacity[legs.volume_row[l], lane]
        damages = legs.damages[l] * legs.remaining[l, now.t] * scale * w.volume[l, lane]
        cover = 0.0
        if legs.seniority[l] == SECURED:
            core = legs.coll_core[l] * s.core_value[i, lane]
            chips = chips_pledged(l, i, lane, net, s)
            sale = (1.0 - rules.d0) * (s.collateral[l, lane] - core - chips) + (1.0 - entities.core_haircut[i]) * core
            sale += chip_price(i, lane, net, w, s) * chips
            cover = min(credit, max(0.0, sale))
        claim = credit + damages
        s.credit_now[l, lane] = credit
        s.cover[l, lane] = cover
        s.claim_now[l, lane] = claim - cover
        s.uncovered_share[l, lane] = (claim - cover) / claim if claim > 0.0 else 1.0
        s.claims[i, rank, lane] += claim - cover + s.called[l, lane]


@part
def pay_by_waterfall(i, lane, net, w, s):
    """Pay the legs of entity i from its cash and receipts; returns the sum of |change|."""
    lists, rules = net.lists, net.rules
    living = w.alive[i, lane] > 0.0
    held, received = s.cash_in[i, lane], s.received[i, lane]
    left = rules.alpha * held + rules.beta * received if living else held + received
    left += s.offsets[i, lane]
    for rank in range(CLEARED_CLASSES):
        owed = s.claims[i, rank, lane]
        paid = min(max(left, 0.0), owed)
        left -= paid
        s.free[rank, lane] = paid / owed if owed > 0.0 else 1.0
    change = 0.0
    for l in legs_of(i, lists):
        if lists.rank[l] >= CLEARED_CLASSES:
            continue
        rho = s.free[lists.rank[l], lane]
        most = s.full[l, lane] + s.called[l, lane]
        if living:
            new = rho * (s.due[l, lane] * s.uncovered_share[l, lane] + s.called[l, lane])
        else:
            new = max(0.0, rho * w.claim[l, lane] - w.paid_on_claim[l, lane]) + w.covered[l, lane]
        new = min(new, most)
        moved = abs(new - s.pay[l, lane])
        change += moved if moved > ROUNDING * s.pay[l, lane] + NOTHING * most else 0.0
        s.pay[l, lane] = new
    return change
