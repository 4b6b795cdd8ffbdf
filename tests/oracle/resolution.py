"""Section 4.8 of docs/model.md in plain Python: what becomes of who failed, and what the step leaves behind. Changes the world."""

import math

from simulate.model import BALANCE, COMMITMENT
from tests.oracle.factors import clip
from tests.oracle.market import chip_price
from tests.oracle.valuation import business, collateral_value, mark
from tests.oracle.world import COMMITTED, EXACT, SECURED, TOLERANCE


def resolve(model, t, now, scale, world, cap, due, position, clearing, nudge=EXACT):
    """Restructure or liquidate this step's defaulters, felt by others from t+1. Changes the world.

    Returns for each defaulter i: ("restructured", h) or ("liquidated", fleet proceeds); written_off [H], the cost of
    stakes in defaulters; lost_stakes, (holder, issuer, value) of each of them; equity of each defaulter before it costs anything;
    and the margins of the choice and of the calls on guarantors that are restructured."""
    e, legs, h, rules, n = model.entities, model.legs, model.holdings, model.rules, model.grid.entities
    every, outcome, written_off, margin, calls = range(len(legs.payer)), {}, [0.0] * len(h.holder), math.inf, math.inf
    lost_stakes, equity, concern = [], {}, {}
    world.fresh = [0] * n
    worthless = [i for i in range(n) if clearing["failing"][i] and world.marks]  # to who holds their shares
    for i in (j for j in range(n) if clearing["failing"][j]):
        core = (1 - e.core_haircut[i]) * now["core"][i]
        fleet_proceeds = chip_price(model, world, cap["fleet_value"][i]) * cap["fleet_value"][i]
        stakes = sum(world.stake[x] * mark(model, now, world, h.issuer[x]) for x in range(len(h.holder)) if h.holder[x] == i and h.issuer[x] not in worthless)
        cash = max(0.0, world.cash[i])
        broken = cash + fleet_proceeds + (1 - rules.d0) * stakes + core
        value = business(model, t, now, world, i) + now["core"][i] + cash + stakes
        concern[i] = value
        equity[i] = equity_left(model, t, now, world, cap, due, position, clearing, i, stakes)
        outcome[i] = ("liquidated", fleet_proceeds)
        if e.restructures[i] and world.restructured[i] < rules.max_restructurings:
            size = max(value, broken, clearing["dues"][i])
            if abs(value - broken) > 0.1 * TOLERANCE * size:  # worth nothing either way: what clearing leaves of its dues is far from the threshold
                margin = min(margin, abs(value - broken) / size)
            if value - broken > (TOLERANCE - nudge.choice) * size:
                owed = sum(
                    position["credit_part"][leg] + position["cover"][leg] + clearing["called"].get(leg, 0.0)
                    + world.volume[leg] * legs.remaining[leg][t] * now["capacity"][legs.volume_row[leg]]
                    for leg in every
                    if legs.payer[leg] == i and legs.seniority[leg] < COMMITTED
                )  # fmt: skip
                outcome[i] = ("restructured", clip(1 - rules.restructure_kappa * value / owed, 0.1, 0.9) if owed > 0 else 0.1)
    sale_now = [max(0.0, collateral_value(model, now, world, cap, leg, worthless)[1]) for leg in every]
    for i, (what, amount) in outcome.items():
        if not world.failed[i]:
            world.failed[i], world.last_mark[i] = True, world.equity[i] / max(now["valuation"], 1e-6)
        for leg in every:
            if legs.payer[leg] == i and what == "restructured":
                edge = clearing["call_edge"].get(leg, math.inf)
                called = clearing["called"].get(leg, 0.0) > 0 if edge > abs(nudge.call) else nudge.call > 0
                calls = min(calls, edge)
                restructure_leg(legs, world, leg, amount, due, clearing, called)
            elif legs.payer[leg] == i:
                called, of = clearing["called"].get(leg, 0.0), legs.covers[leg]
                world.covered[leg] = min(position["cover"][leg], sale_now[leg])
                world.claim[leg] = position["claim_now"][leg] + called
                world.claim_credit[leg] = position["credit_part"][leg] + called
                world.paid_on_claim[leg] = clearing["pay"][leg]
                if of >= 0 and legs.seniority[of] == SECURED and outcome.get(legs.payer[of], ("", 0))[0] == "restructured":
                    # what is not paid of a call is owed by the debtor again, in its arrears
                    world.claim[leg] = world.claim_credit[leg] = world.paid_on_claim[leg] = 0.0
                world.balance[leg] = world.receivable[leg] = world.volume[leg] = 0.0
            elif legs.payee[leg] == i and what == "liquidated" and legs.ends_with_payee[leg] and world.nonpayment:
                world.volume[leg] = 0.0
        # stakes in i are written off; where marks are off only their cost is
        for x in range(len(h.holder)):
            if h.issuer[x] == i:
                written_off[x] += world.stake_cost[x]
                lost_stakes.append((h.holder[x], i, world.stake[x] * max(0.0, equity[i])))
                world.stake_cost[x] = 0.0
                if world.marks:
                    world.stake[x] = 0.0
        if what == "restructured":
            world.restructured[i] += 1
            owner = h.outside_of[i]
            if world.marks and owner >= 0:
                world.stake[owner] = 1.0
            if owner >= 0:
                world.proceeds[i] = rules.exit_share * concern[i]
                world.stake_cost[owner] += world.proceeds[i]
                world.bought[owner] += world.proceeds[i]
        world.equity[i] = 0.0
    for i, (what, amount) in outcome.items():
        if what == "liquidated":
            core = (1 - e.core_haircut[i]) * now["core"][i]
            collateral = sum(world.covered[leg] for leg in every if legs.payer[leg] == i)
            world.proceeds[i] = max(0.0, amount + core + sell_stakes(model, now, world, i) - collateral)
            world.alive[i] = 0.0
            world.fresh[i] = 1
    return outcome, written_off, lost_stakes, equity, margin, calls


def equity_left(model, t, now, world, cap, due, position, clearing, i, stakes):
    """Assets less claims of a defaulter before its failure costs anything: as equity at the end of a step, with what is due still to be paid."""
    legs = model.legs
    lent = sum(
        due["lent"][leg]
        for leg, payer in enumerate(legs.payer)
        if legs.payee[leg] == i and legs.driver[leg] == BALANCE and world.alive[payer] and not clearing["failing"][payer]
    )
    claims = sum(
        position["credit_part"][leg] + position["cover"][leg] + clearing["called"].get(leg, 0.0)
        for leg in range(len(legs.payer))
        if legs.payer[leg] == i and legs.seniority[leg] < COMMITTED
    )
    worth = now["core"][i] + max(business(model, t, now, world, i), cap["fleet_value"][i]) + stakes
    return worth + clearing["liquidity"][i] + lent - claims


def restructure_leg(legs, world, leg, cut, due, clearing, called):
    """Balances, receivables and volume after a restructuring of the payer; arrears on collateral are added to the balance."""
    arrears = due["due"][leg] - clearing["pay"][leg]
    for guarantee, of in enumerate(legs.covers):
        if of == leg:  # what the guarantor paid is not owed again, and nothing is left for it to claim
            arrears -= clearing["pay"][guarantee]
            world.subrogated[guarantee] = 0.0
    if legs.seniority[leg] == SECURED:
        world.balance[leg] += arrears
    elif legs.driver[leg] != COMMITMENT:
        world.balance[leg] *= 1 - cut
        world.receivable[leg] *= 1 - cut
        world.volume[leg] *= 1 - cut * legs.haircut[leg]
        if called:  # what is called on a guarantor that is restructured is settled with it
            world.cover_left[leg] = 0.0


def sell_stakes(model, now, world, i):
    """Stakes held by the liquidated i go to the outside investor at the forced-sale price. Changes the world; returns the price."""
    h, total = model.holdings, 0.0
    for x, holder in enumerate(h.holder):
        buyer = h.outside_of[h.issuer[x]]
        if holder == i and buyer >= 0:
            sold = (1 - model.rules.d0) * world.stake[x] * mark(model, now, world, h.issuer[x])
            world.stake[buyer] += world.stake[x]
            world.stake_cost[buyer] += sold
            world.bought[buyer] += sold
            world.bought[x] -= sold
            world.stake[x] = world.stake_cost[x] = 0.0
            total += sold
    return total
