"""Resolution: restructuring or liquidation, estates, stakes (docs/model.md 4.8). Amounts USD bn.

Defaults are rare, so this works lane by lane, and only where an entity failed.
"""

from simulate.kernels.jit import part
from simulate.kernels.maths import LITTLE
from simulate.model import CLEARED_CLASSES, EQUITY, SECURED
from simulate.step.ledger import book, passes_on
from simulate.step.lists import legs_of, stakes_in, stakes_of
from simulate.step.values import chip_price, chips_pledged, mark_of, multiple

LIQUIDATED = -1.0  # in `outcome`; a restructuring has its haircut there, an entity without default 0
LEAST_HAIRCUT, MOST_HAIRCUT = 0.1, 0.9
LEAST_INDEX = 1e-6  # a mark over an index of 0 would be infinite


@part
def fails_now(i, lane, w, s):
    """True if entity i lived and failed in this clearing, so that stakes in it are worth nothing."""
    return s.failing[i, lane] * w.alive[i, lane] > 0.0


@part
def decide(net, now, w, s):
    """Decide the outcome of every entity that failed in this clearing: restructure where the going concern is worth more than liquidation."""
    for i in net.lists.inside:
        s.outcome[i, :] = 0.0
        s.equity_left[i, :] = 0.0
    for lane in range(s.troubled.size):
        if s.troubled[lane] == 0.0:
            continue
        for i in net.lists.inside:
            if fails_now(i, lane, w, s):
                s.equity_left[i, lane] = equity_at_failure(i, lane, net, now, w, s)
                s.outcome[i, lane] = choose(i, lane, net, now, w, s)


@part
def stakes_left(i, lane, net, now, w, s):
    """Return the marked value of the stakes of entity i; those in firms that fail in this clearing are worth nothing where marks are on."""
    stakes = 0.0
    for h in stakes_of(i, net.lists):
        if not (now.marks and fails_now(net.holdings.issuer[h], lane, w, s)):
            stakes += mark_of(h, lane, net, now, w)
    return stakes


@part
def business_at(i, lane, net, now, w, s):
    """Return the value of the business of entity i as a going concern, on the smoothed receipts of the step before."""
    return multiple(i, (now.t + 1) * net.grid.dt, net) * w.valuation_felt[lane] * s.appraisal[i, lane] * w.receipts[i, lane] / net.grid.dt


@part
def equity_at_failure(i, lane, net, now, w, s):
    """Return assets less claims of an entity that fails, before the failure costs anything: as (4.9.8), with what is due still to be paid."""
    legs = net.legs
    assets = s.core_value[i, lane] + max(business_at(i, lane, net, now, w, s), s.fleet_value[i, lane]) + stakes_left(i, lane, net, now, w, s)
    assets += s.cash_in[i, lane] + s.received[i, lane]
    for l in net.lists.lent:
        if legs.payee[l] == i and s.failing[legs.payer[l], lane] == 0.0:
            assets += w.balance[l, lane] - s.principal[l, lane]
    claims = 0.0
    for l in legs_of(i, net.lists):
        if net.lists.rank[l] < CLEARED_CLASSES:
            claims += s.credit_now[l, lane] + s.called[l, lane]
    return assets - claims


@part
def choose(i, lane, net, now, w, s):
    """Return the haircut of a restructuring, or LIQUIDATED."""
    entities, legs, rules = net.entities, net.legs, net.rules
    stakes, cash, core = stakes_left(i, lane, net, now, w, s), w.cash[i, lane], s.core_value[i, lane]
    concern = business_at(i, lane, net, now, w, s) + core + cash + stakes
    s.concern[i, lane] = concern
    chips = chip_price(i, lane, net, w, s) * s.fleet_value[i, lane]
    broken = cash + chips + (1.0 - rules.d0) * stakes + (1.0 - entities.core_haircut[i]) * core
    may = entities.restructures[i] > 0.0 and w.restructured[i, lane] < rules.max_restructurings
    if not (may and concern - broken > LITTLE * max(concern, broken, s.dues[i, lane])):
        return LIQUIDATED
    claims = 0.0
    for l in legs_of(i, net.lists):
        if net.lists.rank[l] < CLEARED_CLASSES:
            scale = now.factors.capacity[legs.volume_row[l], lane]
            claims += s.credit_now[l, lane] + s.called[l, lane] + w.volume[l, lane] * legs.remaining[l, now.t] * scale
    haircut = 1.0 - rules.restructure_kappa * concern / claims if claims > 0.0 else LEAST_HAIRCUT
    return min(max(haircut, LEAST_HAIRCUT), MOST_HAIRCUT)


@part
def advance_claims(net, w, s):
    """Count the payments of estates in this clearing as paid; proceeds of collateral are paid out once."""
    for lane in range(s.troubled.size):
        if s.troubled[lane] == 0.0:
            continue
        for i in net.lists.inside:
            if w.alive[i, lane] == 0.0 and s.active[i, lane] > 0.0:
                for l in legs_of(i, net.lists):
                    w.paid_on_claim[l, lane] += s.pay[l, lane] - w.covered[l, lane]
                    w.covered[l, lane] = 0.0


@part
def resolve(net, now, w, s):
    """Apply the outcomes: claims become fixed, balances and volumes change, stakes are wiped out or sold."""
    for lane in range(s.troubled.size):
        w.shock[lane] *= net.rules.shock_decay
        if s.troubled[lane] == 0.0:
            w.chips_sold[lane] *= net.rules.chip_decay
            continue
        for i in net.lists.inside:
            w.fresh[i, lane] = 0.0
            if s.outcome[i, lane] != 0.0:
                record_default(i, lane, net, now, w, s)
                w.line[i, lane] = 0.0  # no bank lends to a defaulter
                change_legs(i, lane, net, now, w, s)
                wipe_out(i, lane, net, now, w, s)
        for i in net.lists.inside:
            if s.outcome[i, lane] == LIQUIDATED:
                sell(i, lane, net, now, w, s)
                w.alive[i, lane] = 0.0
                w.fresh[i, lane] = 1.0
        absorb_chips(lane, net, w, s)


@part
def absorb_chips(lane, net, w, s):
    """Add the chips sold in the step to those that weigh on the price, of which the market absorbs a part a step."""
    for i in net.lists.inside:
        if s.outcome[i, lane] == LIQUIDATED:
            w.chips_sold[lane] += s.fleet_value[i, lane]
    w.chips_sold[lane] *= net.rules.chip_decay


@part
def record_default(i, lane, net, now, w, s):
    """Record the first default of the path, its wave, and the shock to confidence."""
    if w.default_step[i, lane] < 0.0:
        w.default_round[i, lane] = s.wave[i, lane]
        w.default_step[i, lane] = now.t
        w.last_mark[i, lane] = w.equity[i, lane] / max(w.valuation_felt[lane], LEAST_INDEX)
        w.failure_equity[i, lane] = s.equity_left[i, lane]
        had = s.cash_in[i, lane] + s.received[i, lane] + max(0.0, s.can_raise[i, lane])
        w.failure_short[i, lane] = max(0.0, s.dues[i, lane] - had)
    w.shock[lane] += net.entities.systemic[i]
    w.restructured[i, lane] += 1.0 if s.outcome[i, lane] > 0.0 else 0.0


@part
def change_legs(i, lane, net, now, w, s):
    """Change the obligations of a defaulter into claims on its estate, or by the haircut; end contracts that end with a liquidated payee."""
    legs, lists = net.legs, net.lists
    gone = s.outcome[i, lane] == LIQUIDATED
    for l in legs_of(i, lists):
        if lists.rank[l] >= CLEARED_CLASSES:
            continue
        if gone:
            claim_on_estate(l, i, lane, net, now, w, s)
        elif legs.seniority[l] == SECURED:
            # Unpaid dues of a secured creditor are added to its balance.
            w.balance[l, lane] += s.due[l, lane] - s.pay[l, lane]
        else:
            cut_leg(l, s.outcome[i, lane], lane, net, w, s)
    if not gone:
        forgive_arrears(i, lane, net, w, s)
    elif not now.insured:
        for l in range(legs.rows.shape[1]):
            if legs.payee[l] == i and legs.ends_with_payee[l] > 0.0:
                w.volume[l, lane] = 0.0


@part
def claim_on_estate(l, i, lane, net, now, w, s):
    """Turn leg l of a liquidated payer i into a fixed claim on its estate."""
    # The debtor may owe the unpaid part of a call again; then the guarantor owes none of it.
    on = 0.0 if net.legs.covers[l] >= 0 and takes_over_arrears(net.legs.covers[l], lane, net, s) else 1.0
    w.claim[l, lane] = (s.claim_now[l, lane] + s.called[l, lane]) * on
    w.claim_credit[l, lane] = (s.credit_now[l, lane] - s.cover[l, lane] + s.called[l, lane]) * on
    w.paid_on_claim[l, lane] = s.pay[l, lane] * on
    w.covered[l, lane] = s.cover[l, lane]
    if net.legs.coll_holding[l] >= 0:
        sale = sell_collateral(l, i, lane, net, now, w, s)
        w.covered[l, lane] = min(s.cover[l, lane], sale)
    w.balance[l, lane] = 0.0
    w.receivable[l, lane] = 0.0
    w.volume[l, lane] = 0.0
    w.cover_left[l, lane] = 0.0


@part
def cut_leg(l, haircut, lane, net, w, s):
    """Apply the haircut to an unsecured leg of a restructured payer."""
    w.balance[l, lane] *= 1.0 - haircut
    w.receivable[l, lane] *= 1.0 - haircut
    w.volume[l, lane] *= 1.0 - haircut * net.legs.haircut[l]
    covers = net.legs.covers[l]
    if covers >= 0 and s.called[l, lane] > LITTLE * s.full[covers, lane]:
        w.cover_left[l, lane] = 0.0  # what is called on a guarantor that is restructured is settled with it


@part
def forgive_arrears(i, lane, net, w, s):
    """Forgive a restructured payer i the payments of its guarantors: they are neither claimed back nor owed again."""
    legs = net.legs
    for g in net.lists.guarantee:
        l = legs.covers[g]
        if legs.payer[l] == i:
            w.subrogated[g, lane] = 0.0
            if legs.seniority[l] == SECURED:
                w.balance[l, lane] -= s.pay[g, lane]


@part
def takes_over_arrears(l, lane, net, s):
    """True if unpaid dues of leg l are added to its balance: the leg is secured and its payer is being restructured."""
    return net.legs.seniority[l] == SECURED and s.outcome[net.legs.payer[l], lane] > 0.0


@part
def sell_collateral(l, i, lane, net, now, w, s):
    """Return the final proceeds of the collateral of leg l of entity i: nothing for shares of a firm that fails too, less for a stake diluted in the step."""
    legs = net.legs
    core = (1.0 - net.entities.core_haircut[i]) * legs.coll_core[l] * s.core_value[i, lane]
    chips = chip_price(i, lane, net, w, s) * chips_pledged(l, i, lane, net, s)
    h = legs.coll_holding[l]
    if now.marks and s.outcome[net.holdings.issuer[h], lane] != 0.0:
        return core + chips
    return core + chips + (1.0 - net.rules.d0) * legs.coll_stake[l] * mark_of(h, lane, net, now, w)


@part
def wipe_out(i, lane, net, now, w, s):
    """Wipe out the stakes in a defaulter: their cost is lost; after a restructuring its creditors (outside) own it, and pay in new money for the next step.

    With marks off only the cost is booked, because the stake keeps its last mark.
    """
    holdings = net.holdings
    for h in stakes_in(i, net.lists):
        j, cost, value = holdings.holder[h], w.stake_cost[h, lane], w.stake[h, lane] * max(0.0, s.equity_left[i, lane])
        book(j, EQUITY, cost, lane, net, now, w)
        w.marked_gap[j, lane] += value - cost if passes_on(j, EQUITY, net, now) else 0.0
        w.written_off[i, lane] += cost
        w.marked_off[i, lane] += value
        w.deal_loss[holdings.deal[h], lane] += cost * now.factors.discount[lane]
        w.stake_cost[h, lane] = 0.0
        if now.marks:
            w.stake[h, lane] = 0.0
    h = net.lists.outside_of[i]
    if h >= 0 and s.outcome[i, lane] > 0.0:
        if now.marks:
            w.stake[h, lane] = 1.0
        money = net.rules.exit_share * s.concern[i, lane]
        w.proceeds[i, lane] = money
        w.stake_cost[h, lane] += money
        w.paid_for_stakes[holdings.holder[h], lane] += money
    w.equity[i, lane] = 0.0


@part
def sell(i, lane, net, now, w, s):
    """Sell chips, core and stakes of a liquidated entity to the outside; proceeds beyond the cover of secured claims reach the estate next step."""
    holdings, investor = net.holdings, net.grid.outside_investor
    keep = 1.0 - net.rules.d0
    proceeds = chip_price(i, lane, net, w, s) * s.fleet_value[i, lane] + (1.0 - net.entities.core_haircut[i]) * s.core_value[i, lane]
    for h in stakes_of(i, net.lists):
        paid = keep * mark_of(h, lane, net, now, w)
        buyer = net.lists.outside_of[holdings.issuer[h]]
        if buyer < 0:
            continue  # shares of an entity without an equity value have no price
        proceeds += paid
        w.stake[buyer, lane] += w.stake[h, lane]
        w.stake_cost[buyer, lane] += paid
        w.paid_for_stakes[investor, lane] += paid
        w.paid_for_stakes[i, lane] -= paid
        w.stake[h, lane] = 0.0
        w.stake_cost[h, lane] = 0.0
    for l in legs_of(i, net.lists):
        proceeds -= w.covered[l, lane]
    w.proceeds[i, lane] = max(0.0, proceeds)
