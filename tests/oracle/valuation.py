"""Section 4.9 of docs/model.md in plain Python: smoothed receipts and EBITDA, equity, and the values that other sections read too."""

import math

from tests.oracle.market import chip_price
from tests.oracle.world import TOLERANCE


def multiple(model, t, i):
    e, tau = model.entities, (t + 1) * model.grid.dt
    fade = math.exp(-tau / e.mult_tau[i]) if e.mult_tau[i] > 0 else 0.0
    return e.mult_mature[i] + (e.mult0[i] - e.mult_mature[i]) * fade


def business(model, t, now, world, i):
    """What the operating business of i is worth as a going concern."""
    return multiple(model, t, i) * now["valuation"] * now["appraisal"][i] * world.receipts[i] / model.grid.dt


def mark(model, now, world, j):
    """What a whole company is marked at in the step: E before; where marks is off and it has failed, its last mark x V."""
    return world.equity[j] if world.marks or not world.failed[j] else world.last_mark[j] * now["valuation"]


def collateral_value(model, now, world, cap, leg, worthless=()):
    """Market value of the collateral of a leg, and what its sale brings; stakes in the `worthless` bring nothing."""
    legs, payer, stake = model.legs, model.legs.payer[leg], 0.0
    core = legs.coll_core[leg] * now["core"][payer]
    old = cap["opening_value"][payer]
    chips = legs.coll_fleet[leg] * old + legs.coll_later[leg] * max(0.0, cap["fleet_value"][payer] - old)
    h = legs.coll_holding[leg]
    if h >= 0 and model.holdings.issuer[h] not in worthless:
        stake = legs.coll_stake[leg] * world.stake[h] * mark(model, now, world, model.holdings.issuer[h])
    sale = (1 - model.entities.core_haircut[payer]) * core + (1 - model.rules.d0) * stake
    return core + chips + stake, sale + chip_price(model, world, cap["fleet_value"][payer]) * chips


def smooth(model, world, earn, due, clearing, spent, alive_before, nudge=0.0):
    """Receipts z, EBITDA ze and burn of the step, after resolution. Changes the world; returns interest paid and free cash flow [n], and a margin:
    who neither holds cash nor earns or burns any has a runway of 0/0, which is decided by rounding."""
    legs, n = model.legs, model.grid.entities
    interest, free, margin = [0.0] * n, [0.0] * n, math.inf
    for leg, payer in enumerate(legs.payer):
        if alive_before[payer] and not clearing["failing"][payer]:
            interest[payer] += due["interest"][leg]
    for i in range(n):
        receipts = (earn["revenue"][i] + earn["relet_receipts"][i] + world.operating_in[i]) * world.alive[i]
        ebitda = receipts - world.operating_out[i] * world.alive[i]
        world.receipts[i] += model.rules.smoothing * (receipts - world.receipts[i])
        world.ebitda[i] += model.rules.smoothing * (ebitda - world.ebitda[i])
        free[i] = (ebitda - interest[i] - spent["capex_paid"][i]) * world.alive[i]
        world.burn[i] = -free[i] if -free[i] > TOLERANCE * receipts else 0.0
        if world.alive[i] and model.entities.flex[i] > 0 and receipts > 0:
            margin = min(margin, max(abs(free[i]), world.cash[i]) / receipts)
            if abs(free[i]) < abs(nudge) * receipts:
                world.burn[i] = max(0.0, nudge * receipts)
    return interest, free, margin


def equity_values(model, t, now, world, fleet_value):
    """E [n] and the price [n] stakes are marked at (E, or the last mark of who has failed x V where marks is off). Pure."""
    e, legs, h, n = model.entities, model.legs, model.holdings, model.grid.entities
    insured = not world.nonpayment
    kept = {i: world.last_mark[i] * now["valuation"] for i in range(n) if world.failed[i] and not world.marks}
    base = [0.0] * n
    for i in range(n):
        worth = max(business(model, t, now, world, i), fleet_value[i])
        base[i] = now["core"][i] + worth + world.cash[i]
    for leg, payer in enumerate(legs.payer):
        base[payer] -= world.balance[leg]
        if insured:
            base[legs.payee[leg]] += world.balance_undisturbed[leg]
        elif world.alive[payer]:
            base[legs.payee[leg]] += world.balance[leg]
    valued = [e.equity0[i] > 0 and world.alive[i] for i in range(n)]
    equity = [max(0.0, base[i]) if valued[i] else 0.0 for i in range(n)]  # where the sweeps start
    for _ in range(model.rules.equity_sweeps):
        before = list(equity)
        for i in range(n):
            stakes = sum(world.stake[x] * kept.get(h.issuer[x], equity[h.issuer[x]]) for x in range(len(h.holder)) if h.holder[x] == i)
            equity[i] = max(0.0, base[i] + stakes) if valued[i] else 0.0
        if equity == before:
            break
    return equity, [kept.get(i, equity[i]) for i in range(n)]
