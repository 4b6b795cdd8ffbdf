"""Sections 4.6 and 4.7 of docs/model.md in plain Python: settlement, commitments and spending. Each changes the world it is given."""

import math

from simulate.model import CAPEX, COMMITMENT, GUARANTEE
from tests.oracle.clearing import given_back
from tests.oracle.factors import clip
from tests.oracle.world import SMALLEST, ratio


def able_to_act(model, world, clearing):
    """Living, and not failed in this step's clearing."""
    return [bool(world.alive[i]) and not clearing["failed"][i] for i in range(model.grid.entities)]


def pass_on(model, world, leg, amount, undisturbed=None):
    """Move money on a leg. In insured worlds the insurer stands between payer and payee and makes up the difference."""
    payer, payee, insurer = model.legs.payer[leg], model.legs.payee[leg], model.grid.insurer
    world.leg_paid[leg] += amount
    if world.nonpayment:
        world.transfer(payer, payee, amount)
        reaches = amount
    else:
        reaches = (amount if undisturbed is None else undisturbed) * world.alive[payee]
        world.transfer(payer, insurer, amount)
        world.transfer(insurer, payee, reaches)
    if model.legs.operating[leg]:
        world.operating_in[payee] += reaches
        if model.legs.driver[leg] != CAPEX:  # capex is no cost
            world.operating_out[payer] += amount


# ---------------------------------------------------------------------------------------------------------------------
# 4.6 Settlement, commitments
# ---------------------------------------------------------------------------------------------------------------------


def settle(model, world, due, position, clearing, purse):
    """Payments, default costs, shortfalls of the solvent; legs go on to their balances after the step. Changes the world."""
    legs, estate = model.legs, [not alive for alive in world.alive]
    returned = given_back(model, world, position, clearing["pay"]) if world.nonpayment else {}
    for leg, payer in enumerate(legs.payer):
        paid = clearing["pay"][leg]
        pass_on(model, world, leg, paid, due["due_undisturbed"][leg] if not world.nonpayment else None)
        if estate[payer]:
            world.enter(payer, position["covered"][leg])  # collateral is sold outside
            world.paid_on_claim[leg] += paid - position["covered"][leg]
            world.covered[leg] = 0.0
        if leg in returned:  # the creditor returns what its guarantor paid too much
            creditor, guarantor, amount = legs.payee[leg], payer, returned[leg]
            world.cash[creditor] -= amount
            world.received[creditor] -= amount
            world.cash[guarantor] += amount
            world.received[guarantor] += amount
        if legs.driver[leg] == GUARANTEE:
            net = paid - returned.get(leg, 0.0)
            world.guaranteed[leg] += net
            world.cover_left[leg] -= net * world.alive[payer]  # no estate is called
        world.balance[leg], world.out[leg] = due["balance_next"][leg], due["out_next"][leg]
        if not world.nonpayment:
            world.balance_undisturbed[leg] = due["balance_next_undisturbed"][leg]
            world.out_undisturbed[leg] = due["out_next_undisturbed"][leg]
    for i in range(model.grid.entities):
        if clearing["failed"][i]:
            world.leave(i, clearing["default_cost"][i])
            purse.close(i)
        elif world.alive[i] and not model.entities.outside[i]:
            # cash after payments is e + received - dues
            purse.draw(i, max(0.0, -world.cash[i]))
    return returned


def commitments(model, t, scale, world, cap, clearing, purse, nudge=0.0):
    """Class 4: tranches with an open gate, paid as far as cash and K reach; the rest is lost. Changes the world.

    Investors pay at once: nobody can pass on what it gets here. Returns the margin of the gates."""
    legs, e, n, insurer = model.legs, model.entities, model.grid.entities, model.grid.insurer
    able, insured, margin = able_to_act(model, world, clearing), not world.nonpayment, math.inf
    tranche, total = {}, [0.0] * n
    for leg, payer in enumerate(legs.payer):
        if legs.driver[leg] != COMMITMENT:
            continue
        gate = legs.gate_owner[leg]
        if gate >= 0:
            margin = min(margin, abs(cap["delivered"][gate] - legs.gate_gw[leg]) / max(legs.gate_gw[leg], SMALLEST))
        if (gate < 0 or cap["delivered"][gate] >= legs.gate_gw[leg] * (1 - nudge)) and (insured or able[legs.payee[leg]]):
            tranche[leg] = legs.sched[leg][t] * scale[legs.group[leg]]
            total[payer] += tranche[leg]
    share = [1.0 if e.outside[i] else able[i] * clip(ratio(world.cash[i] + purse.left(i), total[i]), 0.0, 1.0) for i in range(n)]
    for i in range(n):
        if not e.outside[i] and able[i]:
            purse.draw(i, max(0.0, share[i] * total[i] - world.cash[i]))
    for leg, amount in tranche.items():
        payer, payee, h = legs.payer[leg], legs.payee[leg], legs.buys_holding[leg]
        paid = share[payer] * amount
        arrives = amount * able[payee] if insured else paid
        world.leg_paid[leg] += paid
        if insured:
            world.transfer(payer, insurer, paid)
            world.transfer(insurer, payee, arrives)
        else:
            world.transfer(payer, payee, paid)
        if h >= 0:
            world.new_money[h] += paid * able[payee]
    return margin


# ---------------------------------------------------------------------------------------------------------------------
# 4.7 Spending
# ---------------------------------------------------------------------------------------------------------------------


def spending(model, t, world, cap, due, clearing, purse):
    """Replacement, discretionary growth, top-up, payouts; fleets grow. Changes the world; returns growth, replacement and
    capex paid [n]. Who fails in the step builds nothing. What vendors get here they can use from the next step on."""
    e, legs, fleet, n = model.entities, model.legs, model.fleet, model.grid.entities
    growth, replacement, capex_paid, flows = [0.0] * n, [0.0] * n, [0.0] * n, []
    able = able_to_act(model, world, clearing)
    for i in range(n):
        if e.outside[i]:
            continue
        o, desired, committed = e.owner[i], due["desired"][i], due["committed"][i]
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
        world.executed[i] = ratio(growth[i], desired)
    for leg, flow in flows:
        pass_on(model, world, leg, flow)
    for o, i in enumerate(fleet.entity):
        goes_on = 0.0 if world.supply or able[i] else e.capex_plan[i][t]
        world.installed[o] += fleet.chip_of_capex[o] * growth[i]
        world.built[o] += ratio(growth[i] + goes_on, fleet.cost_per_gw[o], 0.0)
        world.fleet[o].append(world.fleet[o][-1] + fleet.chip_of_capex[o] * growth[i] + replacement[i])
    return {"growth": growth, "replacement": replacement, "capex_paid": capex_paid}
