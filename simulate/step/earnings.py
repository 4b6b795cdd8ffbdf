"""Earnings: scheduled legs, external revenue, re-letting and cost (docs/model.md 4.2). Money USD bn a step."""

from simulate.kernels.jit import part, small
from simulate.step.lists import legs_of


@part
def earn_scheduled(net, now, w, s):
    """Compute earnings of scheduled legs, volume x delivered share, due at once unless payment terms delay them; insured worlds: also undisturbed."""
    legs = net.legs
    end_deals(net, now, w)
    for l in net.lists.scheduled:
        scale = now.factors.payable[legs.volume_row[l]]
        follow = legs.follow[l]
        share = s.delivered_share[max(legs.host[l], 0)]
        amount = legs.sched[l, now.t]
        earned, due, due_undisturbed, volume = s.earned[l], s.due[l], s.due_undisturbed[l], w.volume[l]
        if amount == 0.0:
            earned[:] = 0.0
            due[:] = 0.0
            due_undisturbed[:] = 0.0
        elif now.insured:
            for lane in range(scale.size):
                full = amount * scale[lane] * (1.0 - follow + follow * share[lane])
                due_undisturbed[lane] = 0.0 if has_ended(l, net, now) else full
                earned[lane] = full * volume[lane]
                due[lane] = earned[lane]
        else:
            for lane in range(scale.size):
                earned[lane] = amount * scale[lane] * (1.0 - follow + follow * share[lane]) * volume[lane]
                due[lane] = earned[lane]


@small
def has_ended(l, net, now):
    """True from the step on in which a shock ends the deal of leg l."""
    return net.legs.ends_step[l] >= 0 and now.t >= net.legs.ends_step[l]


@part
def end_deals(net, now, w):
    """Take the volume and the cover of deals that a shock has ended."""
    for l in net.lists.ending:
        if has_ended(l, net, now):
            w.volume[l, :] = 0.0
            w.cover_left[l, :] = 0.0


@part
def earn_revenue(net, now, w, s):
    """Compute the external revenue of every entity; other labs may win the lost revenue of a lab in the next step."""
    lists = net.lists
    plan_of_labs, lost, supplied, contracted = s.free[1], s.free[2], s.free[0], s.free[4]
    plan_of_labs[:] = 0.0
    for i in lists.labs:
        for lane in range(lost.size):
            plan_of_labs[lane] += net.entities.plan_external[i, now.t] * (w.alive[i, lane] if now.supply else 1.0)
    lost[:] = 0.0
    for i in lists.inside:
        own, capped = add_supply(i, supplied, contracted, net, now, w, s)
        serve_demand(i, own, capped, plan_of_labs, lost, net, now, w, s)
    for lane in range(lost.size):
        w.lost_revenue[lane] = lost[lane]


@part
def add_supply(i, supplied, contracted, net, now, w, s):
    """Fill supplied and contracted [W] with the compute that entity i gets and should get from supply legs, as share of its plan.

    Returns its own share, and whether its revenue is capped.
    """
    legs = net.legs
    own = 1.0
    capped = False
    supplied[:] = 0.0
    contracted[:] = 0.0
    for l in net.lists.supply:
        if legs.payer[l] == i and net.entities.revenue_process[i] >= 0:
            capped = True
            host = legs.host[l]
            weight = legs.supply_weight[l, now.t]
            own -= weight
            ended = has_ended(l, net, now)
            share, volume, scale = s.delivered_share[max(host, 0)], w.volume[l], now.factors.capacity[legs.volume_row[l]]
            provides = w.alive[legs.payee[l]]
            for lane in range(supplied.size):
                delivers = share[lane] if host >= 0 else 1.0
                taken = volume[lane] if now.supply or ended else 1.0
                supplied[lane] += weight * delivers * scale[lane] * taken
                contracted[lane] += weight * scale[lane] * (taken if provides[lane] > 0.0 or ended else 1.0)
    return own, capped


@part
def serve_demand(i, own, capped, plan_of_labs, lost, net, now, w, s):
    """Compute the revenue of entity i from demand, capped by own and supplied compute (add_supply) and what it buys beside; adds the loss of a lab to lost [W]."""
    entities, factors = net.entities, now.factors
    process, plan, lab = entities.revenue_process[i], entities.plan_external[i, now.t], entities.is_lab[i]
    demand = factors.ratio[process] if process >= 0 else factors.demand  # an entity without a process of its own follows demand, uncapped
    surprise = factors.ratio[entities.surprise[i]] if entities.surprise[i] >= 0 else factors.demand
    surprised = entities.surprise[i] >= 0
    size = factors.size[process] if process >= 0 else factors.demand
    sized = process >= 0
    always = 0.0 if now.supply else 1.0  # the customers of a dead lab are still served
    alive, revenue, supplied, index = w.alive[i], s.revenue[i], s.free[0], s.free[3]
    ai, rent = entities.ai_share[i], entities.rental_share[i]
    carried = entities.capacity_share[i] if entities.owner[i] >= 0 else 0.0
    contracted, spot = s.free[4], s.spot[i]
    spot_share, spot_price = entities.spot_share[i] if capped else 0.0, entities.compute_price[i, now.t]
    for lane in range(index.size):
        x = demand[lane]
        had = own * (size[lane] if sized else 1.0) + supplied[lane]
        bought = spot_share * max(0.0, min(had - supplied[lane] + contracted[lane], x) - had)
        spot[lane] = bought * spot_price * w.rental_felt[lane]
        cap = entities.headroom[i] * (had + bought)
        index[lane] = min(x, cap) if capped else x
        there = max(alive[lane], always)
        lost[lane] += lab * (plan * (x - index[lane] * there))
        shared, whole = net.rules.transfer * w.lost_revenue[lane] * plan, plan_of_labs[lane]
        moved = shared / whole * lab * there if whole > 0.0 else 0.0
        moved = min(moved, max(0.0, cap - index[lane]) * plan) if capped else moved
        revenue[lane] = (
            entities.rev_ext[i, now.t]
            * ((1.0 - ai) + ai * index[lane])
            * ((1.0 - rent) + rent * w.rental_felt[lane])
            * ((1.0 - carried) + carried * s.delivered_share[i, lane])
            * (surprise[lane] if surprised else 1.0)
            + moved
        )


@small
def relet_part(relet, saved, rental):
    """Return the part of a lost margin that is recovered by re-letting at the rental price and by cost saved on the rest."""
    return max(0.0, min(1.0, relet * rental + saved * (1.0 - relet)))


@small
def value_of_free(free, back, saved):
    """Return receipts and saved cost of volume that is free, over its terms: of less than nothing, the running cost of volume beyond the terms."""
    return free * (back if free > 0.0 else saved)


@part
def relet_volume(net, now, w, s):
    """Compute receipts and saved cost of providers on volume that their customers no longer take, less what more volume than in the terms costs them."""
    legs, rental = net.legs, w.rental_felt
    s.relet_receipts[:] = 0.0
    for l in net.lists.contract:
        i = legs.payee[l]
        relet, saved, follow = legs.relet[l], legs.saved[l], legs.follow[l]
        scale, share = now.draws.scale[legs.group[l]], s.delivered_share[max(legs.host[l], 0)]
        taken, volume, out = now.factors.capacity[legs.volume_row[l]], w.volume[l], s.relet_receipts[i]
        back = 1.0 if now.relief else 0.0
        for lane in range(scale.size):
            terms = legs.sched[l, now.t] * (1.0 - follow + follow * share[lane]) * w.alive[i, lane]
            free = scale[lane] - taken[lane] * volume[lane]
            out[lane] += terms * value_of_free(free, back * relet_part(relet, saved, rental[lane]), saved)


@part
def bear_cost(net, now, w, s):
    """Compute operating cost: fixed cost, cut when cash runs short and less replacement by contracts, and a share of revenue."""
    entities, legs = net.entities, net.legs
    replaced = s.free[0]
    for i in net.lists.inside:
        if entities.cost_fixed[i, now.t] == 0.0 and entities.cost_var[i] == 0.0 and entities.spot_share[i] == 0.0:
            s.cost[i, :] = 0.0
            continue
        replaced[:] = 0.0
        for l in legs_of(i, net.lists):
            if legs.replaces[l] > 0.0:
                for lane in range(replaced.size):
                    replaced[lane] += legs.replaces[l] * s.earned[l, lane]
        cost, cash, burn = s.cost[i], w.cash[i], w.burn[i]
        process = entities.revenue_process[i]
        upkeep = now.factors.upkeep[process] if process >= 0 else now.factors.demand
        follow = entities.cost_follow[i] if process >= 0 else 0.0
        for lane in range(replaced.size):
            held, burnt = cash[lane], burn[lane]
            runway = held / burnt * net.grid.dt if burnt > 0.0 else entities.runway_years[i]
            short = min(max(1.0 - runway / entities.runway_years[i], 0.0), 1.0)
            bend = 1.0 - entities.flex[i] * short
            fixed = entities.cost_fixed[i, now.t] * (1.0 - follow + (follow * upkeep[lane] if follow > 0.0 else 0.0))
            total = fixed * bend - replaced[lane] + entities.cost_var[i] * s.revenue[i, lane]
            cost[lane] = (max(0.0, total) + s.spot[i, lane]) * w.alive[i, lane]
