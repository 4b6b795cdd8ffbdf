"""Section 4.2 of docs/model.md in plain Python: what capacity earns, and what it costs. Changes nothing."""

import math

from tests.oracle.dues import earned_by_schedule
from tests.oracle.factors import clip
from tests.oracle.losses import volume_left, worth_of_free
from tests.oracle.world import has_ended, ratio


def earnings(model, t, now, scale, world, share):
    """4.2: revenue R [n], cost [n], relet_receipts [n] (4.10: what re-letting brings), index [n] and lost_revenue of the labs."""
    e, legs, n, dt = model.entities, model.legs, model.grid.entities, model.grid.dt
    there = [world.alive[i] if world.supply else 1.0 for i in range(n)]  # supply off: a dead host counts as alive
    index, room, spot, lost = [now["demand"]] * n, [math.inf] * n, [0.0] * n, 0.0
    for i in range(n):
        if e.revenue_process[i] < 0:
            continue
        x = now["ratio"][e.revenue_process[i]]
        supplies = [leg for leg in range(len(legs.payer)) if legs.payer[leg] == i and legs.supply[leg]]
        cap = math.inf
        if supplies:
            # Own capacity is what the supply weights leave of 1.
            own = 1 - sum(legs.supply_weight[leg][t] for leg in supplies)
            had = contracted = own * now["size"][e.revenue_process[i]]
            for leg in supplies:
                host, compute = legs.host[leg], legs.supply_weight[leg][t] * now["capacity"][legs.volume_row[leg]]
                ended = has_ended(legs, t, leg)
                volume = world.volume[leg] if world.supply or ended else 1.0
                had += compute * volume * (share[host] if host >= 0 else 1.0)
                contracted += compute * (volume if world.alive[legs.payee[leg]] or ended else 1.0)
            bought = e.spot_share[i] * max(0.0, min(contracted, x) - had)
            spot[i] = bought * e.compute_price[i][t] * now["rental"]
            cap = e.headroom[i] * (had + bought)
        index[i] = min(x, cap)
        if cap < math.inf:
            room[i] = e.plan_external[i][t] * (cap - index[i])
        if e.is_lab[i]:
            lost += e.plan_external[i][t] * (x - index[i] * there[i])
    labs = [i for i in range(n) if e.is_lab[i] and there[i]]
    plan_of_labs = sum(e.plan_external[i][t] for i in labs)
    revenue, cost, relet = [0.0] * n, [0.0] * n, [0.0] * n
    for i in range(n):
        a, b, c = e.ai_share[i], e.rental_share[i], e.capacity_share[i] if e.owner[i] >= 0 else 0.0
        factor = ((1 - a) + a * index[i]) * ((1 - b) + b * now["rental"]) * ((1 - c) + c * share[i])
        factor *= now["ratio"][e.surprise[i]] if e.surprise[i] >= 0 else 1.0
        gain = 0.0
        if i in labs:
            gain = min(model.rules.transfer * world.lost_revenue * ratio(e.plan_external[i][t], plan_of_labs, 0.0), room[i])
        revenue[i] = e.rev_ext[i][t] * factor + gain
    for i in range(n):
        replaced = sum(
            legs.replaces[leg] * earned_by_schedule(legs, t, now, leg, scale, world.volume[leg], share, revenue)
            for leg in range(len(legs.payer))
            if legs.payer[leg] == i
        )
        bend = 1.0
        if world.burn[i] > 0 and e.runway_years[i] > 0:
            runway = world.cash[i] / (world.burn[i] / dt)
            bend = 1 - e.flex[i] * clip(1 - runway / e.runway_years[i], 0.0, 1.0)
        follows = 1.0
        if e.revenue_process[i] >= 0:
            follows = 1 - e.cost_follow[i] + e.cost_follow[i] * now["upkeep"][e.revenue_process[i]]
        cost[i] = (max(0.0, e.cost_fixed[i][t] * follows * bend - replaced + e.cost_var[i] * revenue[i]) + spot[i]) * world.alive[i]
    for leg, payee in enumerate(legs.payee):
        terms, free, _ = volume_left(model, t, now, scale, world, share, leg)
        relet[payee] += terms * worth_of_free(model, now, leg, free, world.relief)
    return {"revenue": revenue, "cost": cost, "relet_receipts": relet, "index": index, "lost_revenue": lost}
