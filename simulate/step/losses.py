"""Realised losses by entity, channel, deal and year (docs/model.md 4.10). USD bn.

Every world keeps what each entity suffers and causes, which gives its system loss; a world with `detail` also keeps contract losses, fleets and deals.
"""

from simulate.kernels.jit import part
from simulate.model import CLEARED_CLASSES, COLLATERAL, CONTRACT, CREDIT, SECURED, STRANDED
from simulate.step.capacity import fill_cost, fill_cost_sum
from simulate.step.earnings import relet_part, value_of_free
from simulate.step.ledger import book, book_contract, book_own
from simulate.step.lists import legs_of
from simulate.step.resolution import LIQUIDATED
from simulate.step.values import chip_price


@part
def book_claims(net, now, w, s):
    """Book credit losses at default and later recoveries, before the claims change; damages received count against contract losses."""
    for lane in range(s.troubled.size):
        if s.troubled[lane] > 0.0:
            for i in net.lists.inside:
                if s.active[i, lane] > 0.0:
                    book_claims_on(i, lane, net, now, w, s)
            book_guarantees(lane, net, now, w, s)


@part
def book_claims_on(i, lane, net, now, w, s):
    """Book losses and recoveries of the creditors of entity i. Every payment on a claim splits pro rata between its credit part and damages."""
    legs = net.legs
    outcome = s.outcome[i, lane]
    living = w.alive[i, lane] > 0.0
    discount = now.factors.discount[lane]
    for l in legs_of(i, net.lists):
        if net.lists.rank[l] >= CLEARED_CLASSES or legs.covers[l] >= 0:
            continue
        paid = s.pay[l, lane] - w.covered[l, lane]
        if living:
            claim, credit_part = s.claim_now[l, lane], s.credit_now[l, lane] - s.cover[l, lane]
        else:
            claim, credit_part = w.claim[l, lane], w.claim_credit[l, lane]
        part = credit_part / claim if claim > 0.0 else 1.0
        contract = -paid * (1.0 - part)
        if not living:
            credit = -(paid * part + w.covered[l, lane])
        elif outcome == LIQUIDATED:
            credit = s.credit_now[l, lane] - paid * part
        elif legs.seniority[l] == SECURED:
            credit, contract = 0.0, 0.0
        else:
            later = s.credit_now[l, lane] - s.due[l, lane]
            credit, contract = s.due[l, lane] - paid + outcome * later, 0.0
        j, d = legs.payee[l], legs.deal[l]
        w.exposure[d, lane] += s.credit_now[l, lane] if living else 0.0
        w.default_loss[d, lane] += credit
        w.caused[i, lane] += credit + contract
        book(j, CREDIT, credit, lane, net, now, w)
        book(j, CONTRACT, contract, lane, net, now, w)
        w.deal_loss[d, lane] += (credit + contract) * discount


@part
def book_guarantees(lane, net, now, w, s):
    """Move losses from creditor to guarantor by its payments; its part of later recoveries moves back."""
    legs = net.legs
    for g in net.lists.guarantee:
        l, i, j = legs.covers[g], legs.payer[g], legs.payee[g]
        discount = now.factors.discount[lane]
        moved = s.pay[g, lane] - s.returned[g, lane]
        # The creditor of a secured leg books no loss in a restructuring that a guarantor could take over.
        taken = 0.0 if legs.seniority[l] == SECURED and s.outcome[legs.payer[l], lane] > 0.0 else moved
        book(j, CREDIT, -taken, lane, net, now, w)
        book(i, CREDIT, moved, lane, net, now, w)
        w.caused[legs.payer[l], lane] += moved - taken
        w.deal_loss[legs.deal[l], lane] -= taken * discount
        w.deal_loss[legs.deal[g], lane] += moved * discount


@part
def book_contracts(net, now, w, s):
    """Book the margin that living providers lose on volume no longer taken, step by step."""
    legs, factors, margin = net.legs, now.factors, s.free[0]
    for l in net.lists.contract:
        i, j, d = legs.payer[l], legs.payee[l], legs.deal[l]
        relet, saved, follow = legs.relet[l], legs.saved[l], legs.follow[l]
        scale, share = now.draws.scale[legs.group[l]], s.delivered_share[max(legs.host[l], 0)]
        signed, volume = now.factors.capacity[legs.volume_row[l]], w.volume[l]
        for lane in range(scale.size):
            terms = legs.sched[l, now.t] * (1.0 - follow + follow * share[lane]) * w.alive[j, lane]
            taken, back = signed[lane] * volume[lane], relet_part(relet, saved, w.rental_felt[lane])
            relief = value_of_free(scale[lane] - taken, back, saved) - value_of_free(scale[lane] - signed[lane], back, saved)
            margin[lane] = terms * (signed[lane] - taken - relief)
        book_contract(i, j, margin, net, now, w)
        if now.detail:
            for lane in range(scale.size):
                w.deal_loss[d, lane] += margin[lane] * factors.discount[lane]


@part
def book_fleets(net, now, w, s):
    """Book the owner's losses on idle and worn-out chips (stranded), and the shortfall of a forced sale (collateral)."""
    fleet, life, discount = net.fleet, now.draws.life, now.factors.discount
    for o in range(fleet.entity.size):
        i, d = fleet.entity[o], fleet.stranded_deal[o]
        idle_cost = fleet.cost_per_gw[o] * fleet.chip_of_capex[o] * net.grid.dt / fleet.book_life[o]
        alive, gw, worn, total, outcome = w.alive[i], s.gw_idle[o], s.worn[o], s.free[0], s.outcome[i]
        sold_in = 0
        for lane in range(total.size):
            sold_in += 1 if outcome[lane] == LIQUIDATED else 0
        if sold_in > 0:
            book_forced_sale(o, idle_cost, net, now, w, s)
        for lane in range(total.size):
            early = max(0.0, 1.0 - life[lane] / fleet.book_life[o]) * worn[lane] * alive[lane]
            total[lane] = (gw[lane] * idle_cost + early) * discount[lane]
        for lane in range(total.size):
            w.loss[i, STRANDED, lane] += total[lane]
            w.deal_loss[d, lane] += total[lane]


@part
def book_forced_sale(o, idle_cost, net, now, w, s):
    """Book the carrying value of the chips of owner o, after depreciation of idle ones, less the proceeds of their forced sale."""
    i, d, carrying = net.fleet.entity[o], net.fleet.stranded_deal[o], s.free[1]
    fill_carrying(o, carrying, net, now, w, s)
    for lane in range(carrying.size):
        if s.outcome[i, lane] == LIQUIDATED:
            sold = chip_price(i, lane, net, w, s) * s.fleet_value[i, lane]
            forced = max(0.0, carrying[lane] - s.gw_idle[o, lane] * idle_cost - sold)
            book_own(i, COLLATERAL, forced, lane, net, now, w)
            w.deal_loss[d, lane] += forced * now.factors.discount[lane]


@part
def fill_carrying(o, carrying, net, now, w, s):
    """Fill carrying [W] with the carrying value of the chips of owner o at the beginning of the step."""
    t, dt, life, book = now.t, net.grid.dt, now.draws.life, net.fleet.book_life[o]
    chips, chips_sum = w.fleet[o, t], w.fleet_sum[o, t]
    before, total = s.free[6], s.free[7]
    for v in range(net.lives.size):
        until = min(net.lives[v], book)
        fill_cost(o, t - until / dt, before, net, w)
        fill_cost_sum(o, t - until / dt, total, net, w)
        for lane in range(carrying.size):
            carried = chips[lane] - before[lane] - (chips_sum[lane] - total[lane] - until * before[lane]) / book
            other = carrying[lane]
            carrying[lane] = carried if life[lane] == net.lives[v] else other
