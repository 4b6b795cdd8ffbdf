"""Capacity: delivered power, delivered shares of hosts, wear and the value of fleets (docs/model.md 4.1). Power GW, money USD bn."""

from simulate.kernels.jit import part


@part
def deliver_capacity(net, now, w, s):
    """Compute the delivered power of every owner, and wear and value of its chips."""
    for o in range(net.fleet.entity.size):
        deliver_power(o, net, now, w, s)
        wear_chips(o, net, now, w, s)


@part
def deliver_power(o, net, now, w, s):
    """Compute delivered GW, idle GW and the delivered share of the plan of owner o."""
    fleet, gap, dt = net.fleet, now.factors.gap, net.grid.dt
    i = fleet.entity[o]
    alive, built, delivered = w.alive[i], w.built[o], w.delivered[o]
    unreplaced, installed, idle = w.unreplaced[o], w.installed[o], s.gw_idle[o]
    share = s.delivered_share[i]
    full = fleet.gw0[o] + fleet.plan_gw[o, now.t]
    for lane in range(gap.size):
        delivered[lane] = max(delivered[lane], (1.0 - gap[lane] * fleet.power_exposure[o]) * built[lane])
        idle[lane] = max(0.0, built[lane] - delivered[lane]) * alive[lane]
        wear = min(unreplaced[lane] / installed[lane], 1.0) if installed[lane] > 0.0 else 0.0
        part = min((fleet.gw0[o] + delivered[lane]) * (1.0 - wear) / full, 1.0) if full > 0.0 else 1.0
        share[lane] = part * (alive[lane] if now.supply else 1.0)
    for lane in range(gap.size):
        w.stranded_gw_years[lane] += idle[lane] * dt


@part
def wear_chips(o, net, now, w, s):
    """Compute the chips of owner o that wear out in the step, by true and by book life, and the market value of the others."""
    fleet, dt, t, life = net.fleet, net.grid.dt, now.t, now.draws.life
    i = fleet.entity[o]
    alive, chips, chips_sum = w.alive[i], w.fleet[o, t], w.fleet_sum[o, t]
    before, last, total = s.free[0], s.free[1], s.free[2]
    worn, worn_book, value = s.worn[o], s.worn_book[o], s.fleet_value[i]
    age = fleet.book_life[o] / dt
    fill_cost(o, t - age, worn_book, net, w)
    fill_cost(o, t - 1 - age, last, net, w)
    for lane in range(life.size):
        worn_book[lane] -= last[lane]
    for v in range(net.lives.size):
        years = net.lives[v]
        age = years / dt
        fill_cost(o, t - age, before, net, w)
        fill_cost(o, t - 1 - age, last, net, w)
        fill_cost_sum(o, t - age, total, net, w)
        for lane in range(life.size):
            straight = max(0.0, chips[lane] - (chips_sum[lane] - total[lane]) / years)
            sells = straight * w.rental_felt[lane] * alive[lane]
            other = value[lane]
            value[lane] = sells if life[lane] == years else other
        for lane in range(life.size):
            wears, other = before[lane] - last[lane], worn[lane]
            worn[lane] = wears if life[lane] == years else other
        opening = fleet.fleet0[o] * share_left(t * dt, fleet.fleet_span[o], years)
        for lane in range(life.size):
            other = s.opening_value[i, lane]
            s.opening_value[i, lane] = opening * w.rental_felt[lane] * alive[lane] if life[lane] == years else other


@part
def share_left(tau, span, life):
    """Return the share of its cost that a fleet is worth on a straight line, tau years after the opening, if it was bought evenly over `span` years before."""
    left = max(0.0, life - tau)  # of chips bought last
    young = min(span, left)  # age at the opening of the oldest chips that are worth anything
    return young * (left - 0.5 * young) / (span * life)


@part
def fill_cost(o, x, cost, net, w):
    """Fill cost [W] with the cumulative cost F(x) of the chips of owner o, x steps after the start (negative: before it).

    Piecewise linear between steps; linear over `fleet_span` years before 0.
    """
    history, span = w.fleet[o], net.fleet.fleet_span[o]
    if x < 0.0:
        before = net.fleet.fleet0[o] * (1.0 + max(x * net.grid.dt, -span) / span)
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
def fill_cost_sum(o, x, total, net, w):
    """Fill total [W] with the integral C(x) of that cost, C(0) = 0."""
    history, dt, span = w.fleet[o], net.grid.dt, net.fleet.fleet_span[o]
    if x < 0.0:
        inside = max(x * dt, -span)
        area = -net.fleet.fleet0[o] * (-inside - inside * inside / (2.0 * span))
        for lane in range(total.size):
            total[lane] = area
        return
    k = int(x)
    part = x - k
    low, base = history[k], w.fleet_sum[o, k]
    high = history[k + 1] if part > 0.0 else history[k]
    for lane in range(total.size):
        total[lane] = base[lane] + part * dt * (low[lane] + 0.5 * (part * (high[lane] - low[lane])))
