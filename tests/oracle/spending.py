"""Section 4.7 of docs/model.md in plain Python: replacement, growth, top-up and payout. Changes the world."""

from simulate.model import CAPEX
from tests.oracle.settlement import able_to_act, pass_on
from tests.oracle.world import ratio


def spending(model, t, now, world, cap, due, clearing, purse):
    """Replacement, discretionary growth, top-up, payouts; fleets grow. Changes the world; returns growth, replacement and
    capex paid [n]. Who fails in the step builds nothing. What vendors get here they can use from the next step on."""
    e, legs, fleet, n = model.entities, model.legs, model.fleet, model.grid.entities
    growth, replacement, capex_paid, flows = [0.0] * n, [0.0] * n, [0.0] * n, []
    able = able_to_act(model, world, clearing)
    for i in range(n):
        if e.outside[i]:
            continue
        o, desired, committed = e.owner[i], due["desired_capex"][i], due["committed_capex"][i]
        need = 0.0
        if o >= 0 and world.alive[i]:
            executed_plan = min(1.0, ratio(desired, e.capex_plan[i][t]))
            need = fleet.replace_price[o] * max(0.0, cap["worn"][o] - cap["worn_book"][o]) * executed_plan
        if able[i]:
            own = max(0.0, world.cash[i] - e.min_cash[i])
            of_line = 1.0 - (1.0 - e.kappa[i]) ** (4.0 * model.grid.dt)
            affordable = own + e.kappa[i] * purse.market[i] + of_line * world.line[i]
            replacement[i] = min(need, affordable)
            extra = min(desired - committed, affordable - replacement[i])
            growth[i] = committed + extra
            purse.draw(i, max(0.0, replacement[i] + extra - own))
            for leg, payer in enumerate(legs.payer):
                if payer == i and legs.driver[leg] == CAPEX:
                    flows.append((leg, legs.capex_share[leg] * extra + legs.chip_share[leg] * replacement[i]))
            # top-up to the minimum from what is left of K, then payout, both on the cash after spending
            spent = replacement[i] + extra
            capex_paid[i] = spent + committed
            purse.draw(i, min(purse.left(i), max(0.0, e.min_cash[i] - (world.cash[i] - spent))))
            world.leave(i, e.payout[i] * max(0.0, world.cash[i] - spent - e.payout_above[i]))
        if o >= 0:
            world.unreplaced[o] += ratio(need - replacement[i], fleet.replace_price[o], 0.0)
        world.executed[i] = ratio(growth[i], e.capex_plan[i][t] * (1 - e.power_follow[i] * now["gap"]))
    for leg, flow in flows:
        pass_on(model, world, leg, flow)
    for o, i in enumerate(fleet.entity):
        goes_on = 0.0 if world.supply or able[i] else e.capex_plan[i][t]
        world.installed[o] += fleet.chip_of_capex[o] * growth[i]
        world.built[o] += ratio(growth[i] + goes_on, fleet.cost_per_gw[o], 0.0)
        world.fleet[o].append(world.fleet[o][-1] + fleet.chip_of_capex[o] * growth[i] + replacement[i])
    return {"growth_capex": growth, "replacement": replacement, "capex_paid": capex_paid}
