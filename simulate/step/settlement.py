"""Settlement after clearing: draws, default costs, commitments, new shares (docs/model.md 4.6). Amounts USD bn."""

from simulate.kernels.jit import part
from simulate.kernels.maths import LITTLE, copy_rows
from simulate.model import COMMITTED
from simulate.step.funding import draw_liquidity
from simulate.step.lists import legs_of, stakes_in


@part
def settle(net, now, w, s):
    """Compute cash after clearing: draws of the solvent, default costs, cash of estates; the insurer's account closes the sum."""
    grid, entities, rules = net.grid, net.entities, net.rules
    need = s.free[0]
    copy_rows(s.dues, s.paid)
    copy_rows(s.received, s.got)
    sum_payments_of_failing(net, w, s)
    if now.insured:
        account = s.got[grid.insurer]
        for i in range(grid.entities):
            for lane in range(account.size):
                account[lane] += s.paid[i, lane] - s.received[i, lane]
    for i in range(grid.entities):
        if entities.outside[i] > 0.0:
            for lane in range(need.size):
                w.cash[i, lane] += s.got[i, lane] - s.paid[i, lane]
            continue
        alive, sold, cash = w.alive[i], s.cover_sold[i], w.cash[i]
        for lane in range(need.size):
            had, got, failing = s.cash_in[i, lane], s.received[i, lane], s.failing[i, lane]
            cost = ((1.0 - rules.alpha) * had + (1.0 - rules.beta) * got) * failing * alive[lane]
            s.outside_out[i, lane] = cost
            rest = had + got - cost - s.paid[i, lane]
            need[lane] = max(0.0, -rest) * (1.0 - failing)
            cash[lane] = rest
        if s.dead[i] > 0:
            for lane in range(need.size):
                # Collateral of secured claims on an estate was sold outside; the money goes straight to their creditors.
                cash[lane] += sold[lane]
                s.outside_in[i, lane] += sold[lane]
        draw_liquidity(i, need, net, w, s)
        for lane in range(need.size):
            cash[lane] = max(0.0, cash[lane])


@part
def sum_payments_of_failing(net, w, s):
    """Sum `paid` of entities that do not pay their dues in full, and cover_sold, the collateral of estates that reaches creditors now."""
    for i in range(s.dead.size):
        if s.dead[i] > 0:
            s.cover_sold[i, :] = 0.0
    for lane in range(s.troubled.size):
        if s.troubled[lane] == 0.0:
            continue
        for g in net.lists.guarantee:
            net_of_returns = s.pay[g, lane] - s.returned[g, lane]
            w.subrogated[g, lane] += net_of_returns
            w.cover_left[g, lane] -= net_of_returns * w.alive[net.legs.payer[g], lane]  # no estate is called
        for i in net.lists.inside:
            if s.active[i, lane] > 0.0:
                paid, covered = 0.0, 0.0
                for l in legs_of(i, net.lists):
                    paid += s.pay[l, lane]
                    covered += w.covered[l, lane]
                s.paid[i, lane] = paid
                s.cover_sold[i, lane] = covered


@part
def pay_commitments(net, now, w, s):
    """Pay the tranches of equity commitments. An unpaid tranche is lost, but is no default. Outside investors always pay."""
    legs = net.legs
    tranches = 0
    for l in net.lists.commitment:
        tranches += 1 if legs.sched[l, now.t] != 0.0 else 0
    if tranches == 0:
        return
    share = s.free[3]
    s.arrived_tranches[:] = 0.0  # joins cash after the loop: an investor cannot pass on what it gets, whatever the order of rows
    s.flags[:] = 0  # 1: tranches of the entity, or of the insurer, arrive
    for i in range(net.grid.entities):
        if not share_of_tranches(i, share, net, now, w, s):
            continue
        for l in legs_of(i, net.lists):
            if legs.seniority[l] == COMMITTED:
                transfer_tranche(l, share, net, now, w, s)
    receive_arrived(s.arrived_tranches, w, s)


@part
def share_of_tranches(i, share, net, now, w, s):
    """Fill share [W] with the payable share of the tranches of investor i and draw the missing cash; returns whether it has any commitment."""
    entities, legs = net.entities, net.legs
    owed, need = s.free[2], s.free[4]
    owed[:] = 0.0
    any_leg = False
    for l in legs_of(i, net.lists):
        if legs.seniority[l] == COMMITTED:
            any_leg = True
            fix_tranche(l, net, now, w, s)
            for lane in range(owed.size):
                owed[lane] += s.tranche[l, lane]
    if not any_leg:
        return any_leg
    outside = entities.outside[i] > 0.0
    for lane in range(owed.size):
        able = w.cash[i, lane] + w.line[i, lane] + s.room[i, lane]
        part = min(max(able / owed[lane], 0.0), 1.0) if owed[lane] > 0.0 else 1.0
        able_to_act = w.alive[i, lane] * (1.0 - s.failing[i, lane])
        share[lane] = 1.0 if outside else part * able_to_act
        need[lane] = 0.0 if outside else max(0.0, share[lane] * owed[lane] - w.cash[i, lane])
    if not outside:
        draw_liquidity(i, need, net, w, s)
    return any_leg


@part
def fix_tranche(l, net, now, w, s):
    """Fix the tranche of commitment l, if its gate is open and the investee lives (in insured worlds also if it is dead)."""
    entities, legs = net.entities, net.legs
    j, gate = legs.payee[l], legs.gate_owner[l]
    scale = now.draws.scale[legs.group[l]]
    outside = entities.outside[j]
    for lane in range(scale.size):
        passed = 1.0
        if gate >= 0:
            passed = 1.0 if w.delivered[gate, lane] >= legs.gate_gw[l] else 0.0
        lives = max(outside, w.alive[j, lane] * (1.0 - s.failing[j, lane]))
        s.tranche[l, lane] = legs.sched[l, now.t] * scale[lane] * passed * (1.0 if now.insured else lives)


@part
def transfer_tranche(l, share, net, now, w, s):
    """Pay a tranche from investor to investee; in insured worlds the insurer adds the unpaid part."""
    legs, insurer = net.legs, net.grid.insurer
    i, j, h = legs.payer[l], legs.payee[l], legs.buys_holding[l]
    s.flags[j], s.flags[insurer] = 1, 1
    for lane in range(share.size):
        paid = share[lane] * s.tranche[l, lane]
        lives = max(net.entities.outside[j], w.alive[j, lane] * (1.0 - s.failing[j, lane]))
        arrives = s.tranche[l, lane] * lives if now.insured else paid
        s.paid[i, lane] += paid
        w.cash[i, lane] = w.cash[i, lane] - paid
        s.arrived_tranches[j, lane] += arrives
        s.arrived_tranches[insurer, lane] += paid - arrives
        if h >= 0:
            s.new_money[h, lane] += paid * lives


@part
def receive_arrived(arrived, w, s):
    """Add arrived [n, W] to the cash of the entities that s.flags marks."""
    for i in range(s.flags.size):
        if s.flags[i] > 0:
            for lane in range(arrived.shape[1]):
                w.cash[i, lane] += arrived[i, lane]
                s.got[i, lane] += arrived[i, lane]


@part
def issue_shares(net, w, s):
    """Issue shares for new money x at the value E-: all stakes shrink by E-/(E- + x), buyers share x/(E- + x); below value, x counts as more."""
    total = s.free[0]
    for i in net.lists.raising:
        total[:] = 0.0
        for h in stakes_in(i, net.lists):
            for lane in range(total.size):
                total[lane] += s.new_money[h, lane]
        for lane in range(total.size):
            total[lane] += s.discounted[i, lane]
        raised = 0
        for lane in range(total.size):
            raised += 1 if total[lane] > 0.0 else 0
        if raised == 0:
            continue
        for h in stakes_in(i, net.lists):
            j = net.holdings.holder[h]
            sold_below = 1.0 if h == net.lists.outside_of[i] else 0.0
            for lane in range(total.size):
                # A worthless firm issues no shares for an amount that is only rounding error.
                if total[lane] > 0.0 and (w.equity[i, lane] > 0.0 or total[lane] > LITTLE * s.paid[i, lane]):
                    after = w.equity[i, lane] + total[lane]
                    bought = s.new_money[h, lane] + sold_below * s.discounted[i, lane]
                    w.stake[h, lane] = (w.stake[h, lane] * w.equity[i, lane] + bought) / after
                    w.stake_cost[h, lane] += s.new_money[h, lane]
                    w.paid_for_stakes[j, lane] += s.new_money[h, lane]
