"""Section 4.4 of docs/model.md in plain Python: door, room and prefunding; and new money of the step, wherever it is raised."""

import math

from tests.oracle.factors import clip
from tests.oracle.world import ratio

BEYOND_MEANS = 1e18  # USD bn


def sigma(x):
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0  # exp would overflow


def door(model, now, world):
    rules = model.rules
    distrust = rules.k_shut - now["confidence"] + (rules.shock_confidence * world.shock if world.confidence else 0.0)
    return 1 - sigma(distrust / rules.k_width) * sigma((rules.v_shut - now["log_valuation"]) / rules.v_width)


def funding(model, t, now, world, desired):
    """4.4: open, room [n], prefund [n] and K [n] of the living inside entities."""
    e, legs, h, n = model.entities, model.legs, model.holdings, model.grid.entities
    opened = door(model, now, world)
    room, debt_room, rescue, prefund, k = ([0.0] * n for _ in range(5))
    for i in range(n):
        if e.outside[i] or not world.alive[i]:
            continue
        planned = e.ebitda_plan[i][t - 1] if t > 0 else e.ebitda0[i]
        forward = e.ebitda_fwd[i][t] * clip(ratio(world.ebitda[i], planned), 0.0, 1.5)
        stakes = sum(world.stake[x] * world.price[h.issuer[x]] for x in range(len(h.holder)) if h.holder[x] == i)
        debt = sum(world.balance[leg] for leg in range(len(legs.payer)) if legs.payer[leg] == i)
        pace = e.fund_advance[i] * desired[i] + e.fund_flat[i]
        headroom = e.fund_leverage[i] * forward + e.fund_ltv[i] * (world.core_before[i] + stakes) - debt
        if e.fund_unbounded[i]:
            headroom = math.inf
        share = e.insider[i] + (1 - e.insider[i]) * opened
        debt_room[i] = share * max(0.0, min(pace, headroom))
        room[i] = debt_room[i] + share * e.fund_phi[i] * world.equity[i]
        rescue[i] = e.rescue[i] * world.equity[i]
        prefund[i] = min(room[i], max(0.0, e.cash_target[i][t] - world.cash[i]))
        k[i] = world.line[i] + room[i] - prefund[i] + rescue[i]
        if e.fails_step[i] == t:  # a shock: it is asked for more than there is
            k[i] = -BEYOND_MEANS
        if world.saved[i]:
            k[i] = BEYOND_MEANS
    return {"open": opened, "room": room, "debt_room": debt_room, "rescue": rescue, "prefund": prefund, "can_raise": k}


def collect(model, world, earn, due, room):
    """Opening cash becomes e (changes the world): R, re-letting, draws, prefunding, and what estates sold beyond collateral."""
    for i in range(model.grid.entities):
        if world.alive[i] and not model.entities.outside[i]:  # what an outside provider lets again was outside before
            world.enter(i, earn["revenue"][i] + earn["relet_receipts"][i])
            if room["prefund"][i] > 0:
                raise_market_money(model, world, i, room["prefund"][i], room["debt_room"], (due["balance_next"], due["balance_next_undisturbed"]))
        world.enter(i, world.proceeds[i])
        world.proceeds[i] = 0.0
    for leg, payer in enumerate(model.legs.payer):
        world.enter(payer, due["drawn"][leg])


# ---------------------------------------------------------------------------------------------------------------------
# New money: of prefunding, of draws on K (4.6, 4.7), of tranches (4.6)
# ---------------------------------------------------------------------------------------------------------------------


class Purse:
    """What is left of K in the step: the line first, then the market, then a last-resort issue of shares."""

    def __init__(self, model, world, funds):
        self.model, self.world = model, world
        self.market = [r - x for r, x in zip(funds["room"], funds["prefund"], strict=True)]
        self.debt_room = funds["debt_room"]
        self.limit, self.rescue = funds["rescue"], list(funds["rescue"])

    def left(self, i):
        return self.world.line[i] + self.market[i]

    def draw(self, i, amount):
        if amount <= 0:
            return
        world = self.world
        balances = (world.balance, world.balance_undisturbed)
        from_line = min(world.line[i], amount)
        if from_line > 0:
            world.line[i] -= from_line
            world.enter(i, from_line)
            add_debt(self.model, i, from_line, balances)
        from_market = min(self.market[i], amount - from_line)
        if from_market > 0:
            self.market[i] -= from_market
            raise_market_money(self.model, world, i, from_market, self.debt_room, balances)
        issued = min(self.rescue[i], amount - from_line - from_market)
        if issued > 0:
            self.issue_below_value(i, issued)
        grant = amount - from_line - from_market - issued
        if world.saved[i] and grant > 0:
            world.granted += grant
            world.enter(i, grant)

    def issue_below_value(self, i, amount):
        """4.6: shares at a discount that rises with the part of the issue that is used."""
        rules, world = self.model.rules, self.world
        self.rescue[i] -= amount
        discount = rules.rescue_low + (rules.rescue_high - rules.rescue_low) * (1 - self.rescue[i] / self.limit[i])
        world.new_money[self.model.holdings.outside_of[i]] += amount
        world.discounted[i] += amount / (1 - discount) - amount
        world.enter(i, amount)

    def close(self, i):
        self.market[i] = self.rescue[i] = 0.0
        self.world.line[i] = 0.0


def raise_market_money(model, world, i, amount, debt_room, balances):
    """Market money of i: debt on its new-debt leg in each list of `balances` as far as it reaches, then new shares for the outside investor."""
    world.enter(i, amount)
    borrowed = amount
    if model.entities.fund_phi[i] > 0:
        borrowed = min(amount, debt_room[i])
        world.new_money[model.holdings.outside_of[i]] += amount - borrowed
    debt_room[i] -= borrowed
    add_debt(model, i, borrowed, balances)


def add_debt(model, i, amount, balances):
    leg = model.entities.new_debt_leg[i]
    if leg >= 0:
        for balance in balances:
            balance[leg] += amount
