"""Section 4.6 of docs/model.md in plain Python: settlement, commitments, and shares for new money. Each changes the world it is given."""

import math

from simulate.model import CAPEX, COMMITMENT, GUARANTEE
from tests.oracle.clearing import given_back
from tests.oracle.factors import clip
from tests.oracle.world import SMALLEST, ratio


def able_to_act(model, world, clearing):
    """Living, and not failed in this step's clearing."""
    return [bool(world.alive[i]) and not clearing["failing"][i] for i in range(model.grid.entities)]


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


def settle(model, world, due, position, clearing, purse):
    """Payments, default costs, shortfalls of the solvent; legs go on to their balances after the step. Changes the world."""
    legs, estate = model.legs, [not alive for alive in world.alive]
    returned = given_back(model, world, position, clearing["pay"]) if world.nonpayment else {}
    for leg, payer in enumerate(legs.payer):
        paid = clearing["pay"][leg]
        pass_on(model, world, leg, paid, due["due_undisturbed"][leg] if not world.nonpayment else None)
        if estate[payer]:
            world.enter(payer, position["cover"][leg])  # collateral is sold outside
            world.paid_on_claim[leg] += paid - position["cover"][leg]
            world.covered[leg] = 0.0
        if leg in returned:  # the creditor returns what its guarantor paid too much
            creditor, guarantor, amount = legs.payee[leg], payer, returned[leg]
            world.cash[creditor] -= amount
            world.got[creditor] -= amount
            world.cash[guarantor] += amount
            world.got[guarantor] += amount
        if legs.driver[leg] == GUARANTEE:
            net = paid - returned.get(leg, 0.0)
            world.subrogated[leg] += net
            world.cover_left[leg] -= net * world.alive[payer]  # no estate is called
        world.balance[leg], world.receivable[leg] = due["balance_next"][leg], due["receivable_next"][leg]
        if not world.nonpayment:
            world.balance_undisturbed[leg] = due["balance_next_undisturbed"][leg]
            world.receivable_undisturbed[leg] = due["receivable_next_undisturbed"][leg]
    for i in range(model.grid.entities):
        if clearing["failing"][i]:
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


def issue_shares(model, world, nudge=0.0):
    """All new money x of the step at E-: stakes x E-/(E- + x), each buyer its part of x/(E- + x). Changes the world.

    Returns a margin: money that is only rounding buys the whole of a firm with E- = 0."""
    h, margin = model.holdings, math.inf
    for issuer, value in enumerate(world.equity):
        mine = [x for x in range(len(h.issuer)) if h.issuer[x] == issuer]
        outside = h.outside_of[issuer]
        shares = {x: world.new_money[x] + (world.discounted[issuer] if x == outside else 0.0) for x in mine}
        total = sum(shares.values())
        if value == 0 and model.entities.fund_phi[issuer] > 0 and outside >= 0:
            size = max(world.paid[issuer], SMALLEST)
            margin = min(margin, total / size)
            if total < nudge * size:
                for x in mine:
                    world.stake[x] = 1.0 * (x == outside)
        if total > 0 and model.entities.equity0[issuer] > 0:
            for x in mine:
                world.stake[x] = (world.stake[x] * value + shares[x]) / (value + total)
                world.stake_cost[x] += world.new_money[x]
                world.bought[x] += world.new_money[x]
    return margin
