"""Discretionary spending: replacement, growth capex, top-up, payouts, and the fleet of the next step (docs/model.md 4.7). Amounts USD bn."""

from simulate.kernels.jit import part
from simulate.step.funding import draw_liquidity
from simulate.step.lists import legs_of
from simulate.step.settlement import receive_arrived


@part
def spend(net, now, w, s):
    """Let every entity replace, build, top up its cash and pay out; vendors receive their parts after all have spent."""
    able, growth, replacement = s.free[2], s.free[4], s.free[5]
    s.arrived[:] = 0.0
    s.flags[:] = 0  # 1: discretionary capex of others reaches the entity
    for i in net.lists.inside:
        growth[:] = 0.0
        replacement[:] = 0.0
        mask_able(i, able, w, s)
        invests = net.entities.capex_plan[i, now.t] > 0.0 or net.entities.owner[i] >= 0
        if invests:
            choose_spending(i, able, growth, replacement, net, now, w, s)
        pay_from_cash(i, able, growth, replacement, net, w, s)
        if invests:
            execute(i, able, growth, replacement, net, now, w, s)
            pay_vendors(i, growth, replacement, net, now, w, s)
            if net.entities.owner[i] >= 0:
                grow_fleet(i, replacement, net, now, w, s)
        else:
            s.capex_paid[i, :] = 0.0
            s.growth_capex[i, :] = 0.0
            w.executed[i, :] = 1.0  # of nothing
    receive_arrived(s.arrived, w, s)


@part
def mask_able(i, able, w, s):
    """Set able [W] = 1 where entity i lives and did not fail in this step."""
    alive, failing = w.alive[i], s.failing[i]
    for lane in range(able.size):
        able[lane] = alive[lane] * (1.0 - failing[lane])


@part
def choose_spending(i, able, growth, replacement, net, now, w, s):
    """Fill replacement and growth [W] with the spending that entity i can afford, replacement first."""
    entities = net.entities
    least, of_room = entities.min_cash[i], entities.kappa[i]
    of_line = 1.0 - (1.0 - of_room) ** (4.0 * net.grid.dt)  # a line is a stock: a share a quarter, whatever the step
    cash, desired, committed, afford = w.cash[i], s.desired_capex[i], s.committed_capex[i], s.free[3]
    for lane in range(able.size):
        reach = of_room * s.room[i, lane] + of_line * w.line[i, lane]
        afford[lane] = (max(0.0, cash[lane] - least) + reach) * able[lane]
    if entities.owner[i] >= 0:
        replace_worn(i, afford, replacement, net, now, w, s)
    for lane in range(able.size):
        growth[lane] = min((desired[lane] - committed[lane]) * able[lane], afford[lane] - replacement[lane])


@part
def replace_worn(i, afford, replacement, net, now, w, s):
    """Replace chips that wore out before their book life, as far as they are needed and owner i can afford it; the rest is lost capacity."""
    o, plan = net.entities.owner[i], net.entities.capex_plan[i, now.t]
    price = net.fleet.replace_price[o]
    desired, alive = s.desired_capex[i], w.alive[i]
    worn, worn_book, unreplaced = s.worn[o], s.worn_book[o], w.unreplaced[o]
    per_price = 1.0 / price if price > 0.0 else 0.0
    for lane in range(alive.size):
        needed = min(1.0, desired[lane] / plan) if plan > 0.0 else 1.0
        wanted = price * max(0.0, worn[lane] - worn_book[lane]) * needed * alive[lane]
        replacement[lane] = min(wanted, afford[lane])
        unreplaced[lane] = max(0.0, unreplaced[lane] + (wanted - replacement[lane]) * per_price)


@part
def pay_from_cash(i, able, growth, replacement, net, w, s):
    """Draw once for spending beyond the cash above the minimum and to top up to it; then pay out, to the outside of the network."""
    entities = net.entities
    need, cash = s.free[6], w.cash[i]
    for lane in range(able.size):
        reach = s.room[i, lane] + w.line[i, lane]
        need[lane] = min(max(0.0, replacement[lane] + growth[lane] + entities.min_cash[i] - cash[lane]), reach) * able[lane]
    draw_liquidity(i, need, net, w, s)
    for lane in range(able.size):
        cash[lane] = max(0.0, cash[lane] - (replacement[lane] + growth[lane]))
    if entities.payout[i] > 0.0:
        for lane in range(able.size):
            surplus = entities.payout[i] * max(0.0, cash[lane] - entities.payout_above[i]) * able[lane]
            cash[lane] -= surplus
            s.outside_out[i, lane] += surplus


@part
def execute(i, able, growth, replacement, net, now, w, s):
    """Compute the capex that entity i paid in the step, and its growth capex over its plan, what the power gap holds back taken off."""
    plan, held_back, gap, committed = net.entities.capex_plan[i, now.t], net.entities.power_follow[i], now.factors.gap, s.committed_capex[i]
    for lane in range(able.size):
        spent = replacement[lane] + growth[lane]
        s.paid[i, lane] += spent
        s.capex_paid[i, lane] = spent + committed[lane] * able[lane]
    for lane in range(able.size):
        built = committed[lane] * able[lane] + growth[lane]
        s.growth_capex[i, lane] = built
        planned = plan * (1.0 - held_back * gap[lane])
        w.executed[i, lane] = built / planned if planned > 0.0 else 1.0


@part
def pay_vendors(i, growth, replacement, net, now, w, s):
    """Pass discretionary capex of entity i to the payees of its capex legs by their shares; in insured worlds the insurer takes the part of dead payees."""
    legs, insurer, amount = net.legs, net.grid.insurer, s.free[7]
    for l in legs_of(i, net.lists):
        growth_share, chip_share = legs.capex_share[l], legs.chip_share[l]
        if growth_share > 0.0 or chip_share > 0.0:
            j = legs.payee[l]
            s.flags[j] = 1
            to, alive = s.arrived[j], w.alive[j]
            for lane in range(amount.size):
                amount[lane] = growth_share * growth[lane] + chip_share * replacement[lane]
            if now.insured:
                s.flags[insurer] = 1
                for lane in range(amount.size):
                    to[lane] += amount[lane] * alive[lane]
                    s.arrived[insurer, lane] += amount[lane] * (1.0 - alive[lane])
            else:
                for lane in range(amount.size):
                    to[lane] += amount[lane]


@part
def grow_fleet(i, replacement, net, now, w, s):
    """Compute built GW and chips in service at the beginning of the next step; where supply is off, the plan of a failed host goes on."""
    fleet, o, t = net.fleet, net.entities.owner[i], now.t
    plan = net.entities.capex_plan[i, t] / fleet.cost_per_gw[o]
    for lane in range(replacement.size):
        goes_on = 0.0 if now.supply else 1.0 - w.alive[i, lane] * (1.0 - s.failing[i, lane])
        w.built[o, lane] += s.growth_capex[i, lane] / fleet.cost_per_gw[o] + goes_on * plan
        chips = fleet.chip_of_capex[o] * s.growth_capex[i, lane]
        w.installed[o, lane] += chips
        before = w.fleet[o, t, lane]
        after = before + chips + replacement[lane]
        w.fleet[o, t + 1, lane] = after
        w.fleet_sum[o, t + 1, lane] = w.fleet_sum[o, t, lane] + 0.5 * net.grid.dt * (before + after)
