"""Sections 4.1 and 4.2 of docs/model.md in plain Python: what capacity is there, and what it earns. Changes nothing."""

import math

from simulate.model import REVENUE_SHARE, SCHEDULED
from tests.oracle.factors import clip
from tests.oracle.world import ratio

# ---------------------------------------------------------------------------------------------------------------------
# 4.1 Capacity and fleet
# ---------------------------------------------------------------------------------------------------------------------


def cost_in_service(history, span, dt, x):
    """F(x) and C(x), the integral of F from 0, of a fleet with F(k dt) = history[k], bought evenly over `span` before 0."""
    if x < 0:
        reach = max(x, -span)
        return history[0] * (1 + reach / span), history[0] * (reach + reach * reach / (2 * span))
    k = min(int(x / dt + 1e-9), len(history) - 1)
    integral = sum((history[m] + history[m + 1]) / 2 * dt for m in range(k))
    rest = max(0.0, x - k * dt)
    slope = (history[k + 1] - history[k]) / dt if k + 1 < len(history) else 0.0
    return history[k] + slope * rest, integral + (history[k] + slope * rest / 2) * rest


def capacity(model, t, now, life, world):
    """4.1: share [n] delivered; per owner delivered, stranded [GW], worn (true and book life), carrying; fleet_value [n]."""
    n, dt, fleet = model.grid.entities, model.grid.dt, model.fleet
    share = [1.0] * n
    fleet_value, delivered, stranded, worn, worn_book, carrying = [0.0] * n, [], [], [], [], []
    for o, i in enumerate(fleet.entity):
        d = max(world.delivered[o], (1 - now["gap"] * fleet.power_exposure[o]) * world.built[o])
        delivered.append(d)
        stranded.append(max(0.0, world.built[o] - d) * world.alive[i])
        history, span, begin = world.fleet[o], fleet.fleet_span[o], t * dt
        wear = clip(ratio(world.unreplaced[o], world.installed[o], 0.0), 0.0, 1.0)
        planned = fleet.gw0[o] + fleet.plan_gw[o][t]
        there = world.alive[i] if world.supply else 1.0
        share[i] = min(1.0, ratio((fleet.gw0[o] + d) * (1 - wear), planned)) * there

        def f(x, history=history, span=span):
            return cost_in_service(history, span, dt, x)[0]

        def c(x, history=history, span=span):
            return cost_in_service(history, span, dt, x)[1]

        book = fleet.book_life[o]
        worn.append(f(begin - life) - f(begin - dt - life))
        worn_book.append(f(begin - book) - f(begin - dt - book))
        straight_line = f(begin) - (c(begin) - c(begin - life)) / life
        fleet_value[i] = max(0.0, straight_line) * now["rental"] * world.alive[i]
        used = min(life, book)
        kept = f(begin) - f(begin - used) - (c(begin) - c(begin - used) - used * f(begin - used)) / book
        carrying.append(kept)
    return {
        "share": share,
        "delivered": delivered,
        "stranded": stranded,
        "worn": worn,
        "worn_book": worn_book,
        "fleet_value": fleet_value,
        "carrying": carrying,
    }


# ---------------------------------------------------------------------------------------------------------------------
# 4.2 Earnings
# ---------------------------------------------------------------------------------------------------------------------


def earned_by_schedule(legs, t, leg, scale, volume, share, revenue):
    """4.3: what a scheduled or revenue-share leg earns in the step at a given volume."""
    if legs.driver[leg] == SCHEDULED:
        host_share = share[legs.host[leg]] if legs.host[leg] >= 0 else 1.0
        follow = legs.follow[leg]
        return legs.sched[leg][t] * scale[legs.group[leg]] * volume * (1 - follow + follow * host_share)
    if legs.driver[leg] == REVENUE_SHARE:
        return legs.sched[leg][t] * scale[legs.group[leg]] * revenue[legs.payer[leg]] * volume
    return 0.0


def earnings(model, t, now, scale, world, share):
    """4.2: revenue R [n], cost [n], relet [n] (4.10: what re-letting brings), index [n] and the lost revenue of the labs."""
    e, legs, n, dt = model.entities, model.legs, model.grid.entities, model.grid.dt
    there = [world.alive[i] if world.supply else 1.0 for i in range(n)]  # supply off: a dead host counts as alive
    index, room, lost = [now["demand"]] * n, [math.inf] * n, 0.0
    for i in range(n):
        if e.revenue_process[i] < 0:
            continue
        x = now["ratio"][e.revenue_process[i]]
        supplies = [leg for leg in range(len(legs.payer)) if legs.payer[leg] == i and legs.supply[leg]]
        cap = math.inf
        if supplies:
            # Own capacity is what the supply weights leave of 1.
            own = 1 - sum(legs.supply_weight[leg][t] for leg in supplies)
            hosted = 0.0
            for leg in supplies:
                host, weight = legs.host[leg], legs.supply_weight[leg][t]
                volume = (world.volume[leg] if world.supply else 1.0) * scale[legs.group[leg]]
                hosted += weight * volume * (share[host] if host >= 0 else 1.0)
            cap = e.headroom[i] * (own + hosted)
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
        gain = 0.0
        if i in labs:
            gain = min(model.rules.transfer * world.lost * ratio(e.plan_external[i][t], plan_of_labs, 0.0), room[i])
        revenue[i] = e.rev_ext[i][t] * factor + gain
    for i in range(n):
        replaced = sum(
            legs.replaces[leg] * earned_by_schedule(legs, t, leg, scale, world.volume[leg], share, revenue)
            for leg in range(len(legs.payer))
            if legs.payer[leg] == i
        )
        bend = 1.0
        if world.burn[i] > 0 and e.runway_years[i] > 0:
            runway = world.cash[i] / (world.burn[i] / dt)
            bend = 1 - e.flex[i] * clip(1 - runway / e.runway_years[i], 0.0, 1.0)
        cost[i] = max(0.0, e.cost_fixed[i][t] * bend - replaced + e.cost_var[i] * revenue[i]) * world.alive[i]
    for leg, payee in enumerate(legs.payee):
        released, phi = let_again(model, t, now, scale, world, share, leg)
        relet[payee] += released * phi * world.relief
    return {"revenue": revenue, "cost": cost, "relet": relet, "index": index, "lost": lost}


def let_again(model, t, now, scale, world, share, leg):
    """4.10: what a living provider would earn on volume that is gone, and the share phi that comes back where relief is on."""
    legs = model.legs
    if not legs.contract[leg] or not world.alive[legs.payee[leg]]:
        return 0.0, 0.0
    released = earned_by_schedule(legs, t, leg, scale, 1 - world.volume[leg], share, None)
    return released, clip(legs.relet[leg] * now["rental"] + legs.saved[leg] * (1 - legs.relet[leg]), 0.0, 1.0)
