"""Section 4.3 of docs/model.md in plain Python: what every leg owes in the step. Changes nothing."""

from simulate.model import BALANCE, CAPEX, COMMITMENT, GUARANTEE, OPEX, REVENUE_SHARE, SCHEDULED
from tests.oracle.factors import clip
from tests.oracle.valuation import collateral_value
from tests.oracle.world import has_ended, ratio


def desired_capex(model, t, now, world):
    """Desired capex [n] of the living; `plan_after_power` [n] is what runs on for the dead in insured worlds."""
    e, rules, n = model.entities, model.rules, model.grid.entities
    racers = [i for i in range(n) if e.in_race[i] and world.alive[i]]
    race = min(ratio(sum(world.executed[i] for i in racers), len(racers)), rules.capex_max)
    desired, plan_after_power = [], []
    for i in range(n):
        planned = e.receipts_plan[i][t - 1] if t > 0 else e.receipts0[i]
        zr = ratio(world.receipts[i], planned)
        power = 1 - e.power_follow[i] * now["gap"]
        plan_after_power.append(e.capex_plan[i][t] * power)
        follows = clip(1 + e.follow[i] * (zr - 1), 0.0, rules.capex_max)
        races = 1 + rules.race_theta * (race - 1) if e.in_race[i] else 1.0
        desired.append(e.capex_plan[i][t] * follows * power * races * world.alive[i])
    return desired, plan_after_power


def earned_by_schedule(legs, t, now, leg, scale, volume, share, revenue):
    """What a scheduled or revenue-share leg earns in the step at a given volume."""
    if legs.driver[leg] == SCHEDULED:
        host_share = share[legs.host[leg]] if legs.host[leg] >= 0 else 1.0
        follow = legs.follow[leg]
        return legs.sched[leg][t] * now["payable"][legs.volume_row[leg]] * volume * (1 - follow + follow * host_share)
    if legs.driver[leg] == REVENUE_SHARE:
        return legs.sched[leg][t] * scale[legs.group[leg]] * revenue[legs.payer[leg]] * volume
    return 0.0


def balance_terms(model, t, now, leg, balance, collateral):
    """Interest and principal (with covenant) of a balance."""
    legs, move = model.legs, model.entities.spread_move[model.legs.payer[leg]]
    own = now["own_move_before"][move] if move >= 0 else 1.0
    rate = legs.rate_fixed[leg] + legs.rate_float[leg] * now["rate_before"] + legs.rate_spread[leg] * now["spread_before"] * own
    interest = max(0.0, balance * model.grid.dt * rate)
    covenant = 0.0
    if legs.ltv[leg] > 0 and collateral is not None:
        covenant = max(0.0, balance * (1 - legs.amort[leg][t]) - legs.ltv[leg] * collateral)
    return interest, min(balance, balance * legs.amort[leg][t] + covenant)


def dues(model, t, now, scale, world, cap, earn):
    """4.3, per leg: due, receivable_next, balance_next (without prefunding) of the payer; `*_undisturbed` of the receiver in
    insured worlds; interest, drawn, sale (what the collateral brings); and desired_capex, committed_capex [n]."""
    legs, e = model.legs, model.entities
    desired, plan_after_power = desired_capex(model, t, now, world)
    committed = [e.committed[i] * desired[i] for i in range(model.grid.entities)]
    names = ("due", "receivable_next", "balance_next", "interest", "drawn", "sale")
    names += ("due_undisturbed", "receivable_next_undisturbed", "balance_next_undisturbed")
    result = {name: [0.0] * len(legs.payer) for name in names}
    result |= {"desired_capex": desired, "committed_capex": committed}
    for leg, payer in enumerate(legs.payer):
        driver, delay, alive = legs.driver[leg], legs.delay[leg], world.alive[payer]
        if driver in (COMMITMENT, GUARANTEE):
            continue
        collateral, sale = collateral_value(model, now, world, cap, leg)
        draw = legs.draw[leg][t] * scale[legs.group[leg]] * (alive and not world.restructured[payer])  # nobody lends on to who has failed
        result["sale"][leg], result["drawn"][leg] = sale, draw

        def earned(volume, committed_capex, balance, covenant_on, leg=leg, payer=payer, driver=driver):
            if driver == CAPEX:
                return legs.capex_share[leg] * committed_capex, 0.0, 0.0
            if driver == OPEX:
                return earn["cost"][payer], 0.0, 0.0
            if driver == BALANCE:
                interest, principal = balance_terms(model, t, now, leg, balance, covenant_on)
                return interest + principal, interest, principal
            return earned_by_schedule(legs, t, now, leg, scale, volume, cap["delivered_share"], earn["revenue"]), 0.0, 0.0

        result["balance_next"][leg] = world.balance[leg] + draw
        if alive:
            amount, interest, principal = earned(world.volume[leg], committed[payer], world.balance[leg], collateral)
            result["due"][leg] = (1 - delay) * amount + world.receivable[leg]
            result["receivable_next"][leg] = delay * amount
            result["balance_next"][leg] -= principal
            result["interest"][leg] = interest
        if not world.nonpayment:
            # After a failure a balance runs on by its schedule alone.
            quiet = alive and not world.restructured[payer]
            capex = committed[payer] if alive else plan_after_power[payer]
            amount, _, principal = earned(0.0 if has_ended(legs, t, leg) else 1.0, capex, world.balance_undisturbed[leg], collateral if quiet else None)
            result["due_undisturbed"][leg] = (1 - delay) * amount + world.receivable_undisturbed[leg]
            result["receivable_next_undisturbed"][leg] = delay * amount
            result["balance_next_undisturbed"][leg] = world.balance_undisturbed[leg] + draw - principal
    return result
