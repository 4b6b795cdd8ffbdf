"""Capacity, revenue and cost (docs/model.md 4.1, 4.2). Money USD bn a step, power GW, shapes as in kernels/state.py."""

from simulate.kernels.jit import part
from simulate.kernels.rows import (
    AI_SHARE,
    ALIVE,
    BOOK_LIFE,
    BUILT,
    BURN,
    CAPACITY_SHARE,
    CAPEX_MAX,
    CAPEX_PLAN,
    CASH,
    CHIPS,
    CHIPS_SUM,
    COMMITTED,
    COMMITTED_SHARE,
    COST,
    COST_FIXED,
    COST_VAR,
    DELIVERED,
    DESIRED,
    DUE,
    DUE_ON,
    EARNED,
    EXECUTED,
    FLEET0,
    FLEET_SPAN,
    FLEET_VALUE,
    FLEX,
    FOLLOW_DELIVERY,
    FOLLOW_RECEIPTS,
    GW0,
    GW_IDLE,
    HEADROOM,
    HOST,
    IN_RACE,
    INSTALLED,
    IS_LAB,
    LEG_GROUP,
    LOST_POOL,
    OWNER,
    OWNER_ENTITY,
    PAYEE,
    PAYER,
    PLAN_EXTERNAL,
    PLAN_GW,
    POWER_EXPOSURE,
    POWER_FOLLOW,
    RACE_THETA,
    RECEIPTS,
    RECEIPTS_PLAN,
    RELET,
    RELET_SHARE,
    RENTAL_SHARE,
    REPLACES,
    REV_EXT,
    REVENUE,
    REVENUE_PROCESS,
    ROWS_CONTRACT,
    ROWS_INSIDE,
    ROWS_LABS,
    ROWS_RACE,
    ROWS_SCHEDULED,
    ROWS_SUPPLY,
    RUNWAY_YEARS,
    SAVED,
    SCHED,
    SHARE,
    SUPPLY_WEIGHT,
    TRANSFER,
    UNREPLACED,
    VOLUME,
    WORN,
    WORN_BOOK,
)


@part
def fill_cost(history, x, fleet0, span, dt, cost):
    """Cumulative cost in service F(x), x steps after the start (negative: before it), into cost [W].

    history: [T+1, W]. Piecewise linear between steps; linear over `span` years before 0.
    """
    if x < 0.0:
        before = fleet0 * (1.0 + max(x * dt, -span) / span)
        for lane in range(cost.size):
            cost[lane] = before
        return
    k = int(x)
    part = x - k
    low = history[k]
    high = history[k + 1] if part > 0.0 else history[k]
    for lane in range(cost.size):
        cost[lane] = low[lane] + part * (high[lane] - low[lane])


@part
def fill_cost_sum(history, integral, x, fleet0, span, dt, total):
    """The integral C(x) of the same, C(0) = 0, into total [W]; integral: [T+1, W] at the steps."""
    if x < 0.0:
        inside = max(x * dt, -span)
        area = -fleet0 * (-inside - inside * inside / (2.0 * span))
        for lane in range(total.size):
            total[lane] = area
        return
    k = int(x)
    part = x - k
    low, base = history[k], integral[k]
    high = history[k + 1] if part > 0.0 else history[k]
    for lane in range(total.size):
        total[lane] = base[lane] + part * dt * (low[lane] + 0.5 * (part * (high[lane] - low[lane])))


@part
def deliver_capacity(grid, fleet, entities, life_values, t, follows_supply, life, factors, w, s):
    """Delivered GW, the delivered share of each host, wear and the value of fleets."""
    lanes = life.size
    dt = grid.dt
    for o in range(fleet.rows[OWNER_ENTITY].size):
        i = fleet.rows[OWNER_ENTITY, o]
        alive = w.entity[ALIVE, i]
        built, delivered = w.owner[BUILT, o], w.owner[DELIVERED, o]
        unreplaced, installed = w.owner[UNREPLACED, o], w.owner[INSTALLED, o]
        now, now_sum = w.chips[CHIPS, o, t], w.chips[CHIPS_SUM, o, t]
        share = s.entity[SHARE, i]
        full = fleet.terms[GW0, o] + fleet.by_step[PLAN_GW, o, t]
        for lane in range(lanes):
            delivered[lane] = max(delivered[lane], (1.0 - factors.gap[lane] * fleet.terms[POWER_EXPOSURE, o]) * built[lane])
            s.owner[GW_IDLE, o, lane] = max(0.0, built[lane] - delivered[lane]) * alive[lane]
            wear = min(unreplaced[lane] / installed[lane], 1.0) if installed[lane] > 0.0 else 0.0
            part = min((fleet.terms[GW0, o] + delivered[lane]) * (1.0 - wear) / full, 1.0) if full > 0.0 else 1.0
            share[lane] = part * (alive[lane] if follows_supply else 1.0)
        history, integral = w.chips[CHIPS, o], w.chips[CHIPS_SUM, o]
        fleet0, span = fleet.terms[FLEET0, o], fleet.terms[FLEET_SPAN, o]
        before, last, total = s.free[0], s.free[1], s.free[2]
        worn, worn_book, value = s.owner[WORN, o], s.owner[WORN_BOOK, o], s.entity[FLEET_VALUE, i]
        age = fleet.terms[BOOK_LIFE, o] / dt
        fill_cost(history, t - age, fleet0, span, dt, worn_book)
        fill_cost(history, t - 1 - age, fleet0, span, dt, last)
        for lane in range(lanes):
            worn_book[lane] -= last[lane]
        for v in range(life_values.size):
            years = life_values[v]
            age = years / dt
            fill_cost(history, t - age, fleet0, span, dt, before)
            fill_cost(history, t - 1 - age, fleet0, span, dt, last)
            fill_cost_sum(history, integral, t - age, fleet0, span, dt, total)
            for lane in range(lanes):
                straight = max(0.0, now[lane] - (now_sum[lane] - total[lane]) / years)
                sells = straight * factors.rental[lane] * alive[lane]
                other = value[lane]
                value[lane] = sells if life[lane] == years else other
            for lane in range(lanes):
                wears, other = before[lane] - last[lane], worn[lane]
                worn[lane] = wears if life[lane] == years else other


@part
def fill_carrying(o, t, dt, fleet, life_values, life, w, s, carrying):
    """Book value of the chips of owner o at the beginning of step t into carrying [W], USD bn."""
    history, integral = w.chips[CHIPS, o], w.chips[CHIPS_SUM, o]
    now, now_sum = history[t], integral[t]
    fleet0, span, book = fleet.terms[FLEET0, o], fleet.terms[FLEET_SPAN, o], fleet.terms[BOOK_LIFE, o]
    before, total = s.free[6], s.free[7]
    for v in range(life_values.size):
        until = min(life_values[v], book)
        fill_cost(history, t - until / dt, fleet0, span, dt, before)
        fill_cost_sum(history, integral, t - until / dt, fleet0, span, dt, total)
        for lane in range(carrying.size):
            carried = now[lane] - before[lane] - (now_sum[lane] - total[lane] - until * before[lane]) / book
            other = carrying[lane]
            carrying[lane] = carried if life[lane] == life_values[v] else other


@part
def earn_scheduled(layout, legs, insured, t, draws, w, s):
    """What scheduled legs earn: contract volume x delivered share; it is due at once but for terms. Also the undisturbed amount (insured worlds)."""
    lanes = s.lane.shape[1]
    for a in range(layout.count[ROWS_SCHEDULED]):
        l = layout.rows[ROWS_SCHEDULED, a]
        scale = draws.scale[legs.rows[LEG_GROUP, l]]
        follow = legs.terms[FOLLOW_DELIVERY, l]
        share = s.entity[SHARE, max(legs.rows[HOST, l], 0)]
        amount = legs.by_step[SCHED, l, t]
        earned, due, due_on, volume = s.leg[EARNED, l], s.leg[DUE, l], s.leg[DUE_ON, l], w.leg[VOLUME, l]
        if amount == 0.0:
            earned[:] = 0.0
            due[:] = 0.0
            due_on[:] = 0.0
        elif insured:
            for lane in range(lanes):
                full = amount * scale[lane] * (1.0 - follow + follow * share[lane])
                due_on[lane] = full
                earned[lane] = full * volume[lane]
                due[lane] = earned[lane]
        else:
            for lane in range(lanes):
                earned[lane] = amount * scale[lane] * (1.0 - follow + follow * share[lane]) * volume[lane]
                due[lane] = earned[lane]


@part
def earn_revenue(grid, entities, legs, layout, rules, t, follows_supply, relief, factors, draws, w, s):
    """External revenue with the cap by usable compute and the transfer of lost demand, re-letting, cost, desired capex."""
    lanes = s.lane.shape[1]
    weight, plan_living = s.free[0], s.free[1]
    s.entity[RELET, :] = 0.0
    plan_living[:] = 0.0
    for a in range(layout.count[ROWS_LABS]):
        i = layout.rows[ROWS_LABS, a]
        for lane in range(lanes):
            plan_living[lane] += entities.by_step[PLAN_EXTERNAL, i, t] * (w.entity[ALIVE, i, lane] if follows_supply else 1.0)
    pool = s.free[2]
    pool[:] = 0.0
    for a in range(layout.count[ROWS_INSIDE]):
        i = layout.rows[ROWS_INSIDE, a]
        process = entities.rows[REVENUE_PROCESS, i]
        index = s.free[3]
        ratio = factors.ratio[process] if process >= 0 else factors.demand  # who has no process of its own follows demand, uncapped
        own = 1.0
        weight[:] = 0.0
        capped = False
        for b in range(layout.count[ROWS_SUPPLY]):
            l = layout.rows[ROWS_SUPPLY, b]
            if legs.rows[PAYER, l] == i and process >= 0:
                capped = True
                host = legs.rows[HOST, l]
                part = legs.by_step[SUPPLY_WEIGHT, l, t]
                own -= part
                share, volume, scale = s.entity[SHARE, max(host, 0)], w.leg[VOLUME, l], draws.scale[legs.rows[LEG_GROUP, l]]
                for lane in range(lanes):
                    delivers = share[lane] if host >= 0 else 1.0
                    weight[lane] += part * delivers * scale[lane] * (volume[lane] if follows_supply else 1.0)
        plan = entities.by_step[PLAN_EXTERNAL, i, t]
        lab = entities.terms[IS_LAB, i]
        always = 0.0 if follows_supply else 1.0  # the customers of a dead lab are still served
        alive, revenue = w.entity[ALIVE, i], s.entity[REVENUE, i]
        ai, rent, carried = entities.terms[AI_SHARE, i], entities.terms[RENTAL_SHARE, i], entities.terms[CAPACITY_SHARE, i]
        if entities.rows[OWNER, i] < 0:
            carried = 0.0
        for lane in range(lanes):
            cap = entities.terms[HEADROOM, i] * (own + weight[lane])
            x = ratio[lane]
            index[lane] = min(x, cap) if capped else x
            there = max(alive[lane], always)
            lost = plan * (x - index[lane] * there)
            pool[lane] += lab * lost
            shared, whole = w.lane[LOST_POOL, lane] * plan, plan_living[lane]
            moved = shared / whole * lab * there if whole > 0.0 else 0.0
            moved = min(moved, max(0.0, cap - index[lane]) * plan) if capped else moved
            revenue[lane] = (
                entities.by_step[REV_EXT, i, t]
                * ((1.0 - ai) + ai * index[lane])
                * ((1.0 - rent) + rent * factors.rental[lane])
                * ((1.0 - carried) + carried * s.entity[SHARE, i, lane])
                + moved
            )
    for lane in range(lanes):
        w.lane[LOST_POOL, lane] = rules.terms[TRANSFER] * pool[lane]
    if relief:
        relet_volume(legs, layout, t, factors, draws, w, s)
    replaced = s.free[0]
    for a in range(layout.count[ROWS_INSIDE]):
        i = layout.rows[ROWS_INSIDE, a]
        if entities.by_step[COST_FIXED, i, t] == 0.0 and entities.terms[COST_VAR, i] == 0.0:
            s.entity[COST, i, :] = 0.0
            continue
        replaced[:] = 0.0
        for b in range(layout.leg_start[i], layout.leg_start[i + 1]):
            l = layout.leg_of_payer[b]
            if legs.terms[REPLACES, l] > 0.0:
                for lane in range(lanes):
                    replaced[lane] += legs.terms[REPLACES, l] * s.leg[EARNED, l, lane]
        cost, cash, burn = s.entity[COST, i], w.entity[CASH, i], w.entity[BURN, i]
        for lane in range(lanes):
            held, burnt = cash[lane], burn[lane]
            runway = held / burnt * grid.dt if burnt > 0.0 else entities.terms[RUNWAY_YEARS, i]
            short = min(max(1.0 - runway / entities.terms[RUNWAY_YEARS, i], 0.0), 1.0)
            bend = 1.0 - entities.terms[FLEX, i] * short
            total = entities.by_step[COST_FIXED, i, t] * bend - replaced[lane] + entities.terms[COST_VAR, i] * s.entity[REVENUE, i, lane]
            cost[lane] = max(0.0, total) * w.entity[ALIVE, i, lane]
    plan_capex(grid, entities, layout, rules, t, factors, w, s)


@part
def relet_volume(legs, layout, t, factors, draws, w, s):
    """Receipts and saved cost of providers on the volume that their customers no longer take."""
    lanes = s.lane.shape[1]
    for a in range(layout.count[ROWS_CONTRACT]):
        l = layout.rows[ROWS_CONTRACT, a]
        i = legs.rows[PAYEE, l]
        relet, saved, follow = legs.terms[RELET_SHARE, l], legs.terms[SAVED, l], legs.terms[FOLLOW_DELIVERY, l]
        scale, share = draws.scale[legs.rows[LEG_GROUP, l]], s.entity[SHARE, max(legs.rows[HOST, l], 0)]
        out = s.entity[RELET, i]
        for lane in range(lanes):
            lost = legs.by_step[SCHED, l, t] * scale[lane] * (1.0 - follow + follow * share[lane]) * (1.0 - w.leg[VOLUME, l, lane])
            part = max(0.0, min(1.0, relet * factors.rental[lane] + saved * (1.0 - relet)))
            out[lane] += lost * part * w.entity[ALIVE, i, lane]


@part
def plan_capex(grid, entities, layout, rules, t, factors, w, s):
    """Desired capex: the plan, bent by receipts, power and rivals (docs/model.md 4.3)."""
    lanes = s.lane.shape[1]
    race, members = s.free[0], s.free[1]
    race[:] = 0.0
    members[:] = 0.0
    for a in range(layout.count[ROWS_RACE]):
        i = layout.rows[ROWS_RACE, a]
        for lane in range(lanes):
            race[lane] += w.entity[EXECUTED, i, lane] * w.entity[ALIVE, i, lane]
            members[lane] += w.entity[ALIVE, i, lane]
    for lane in range(lanes):
        race[lane] = race[lane] / members[lane] if members[lane] > 0.0 else 1.0
    for a in range(layout.count[ROWS_INSIDE]):
        i = layout.rows[ROWS_INSIDE, a]
        plan = entities.by_step[CAPEX_PLAN, i, t]
        if plan <= 0.0:
            s.entity[DESIRED, i, :] = 0.0
            s.entity[COMMITTED, i, :] = 0.0
            continue
        planned = entities.by_step[RECEIPTS_PLAN, i, t - 1] if t > 0 else 0.0
        theta = rules.terms[RACE_THETA] * entities.terms[IN_RACE, i]
        for lane in range(lanes):
            demand = w.entity[RECEIPTS, i, lane] / planned if planned > 0.0 else 1.0
            wanted = min(max(1.0 + entities.terms[FOLLOW_RECEIPTS, i] * (demand - 1.0), 0.0), rules.terms[CAPEX_MAX])
            wanted *= plan * (1.0 - entities.terms[POWER_FOLLOW, i] * factors.gap[lane]) * (1.0 + theta * (race[lane] - 1.0))
            s.entity[DESIRED, i, lane] = wanted * w.entity[ALIVE, i, lane]
            s.entity[COMMITTED, i, lane] = entities.terms[COMMITTED_SHARE, i] * wanted * w.entity[ALIVE, i, lane]
