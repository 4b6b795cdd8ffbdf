"""Sections 3 and 4 of docs/model.md in plain Python: one path at a time, with the headings of the page.

An executable text of the page, to be read beside it. Nothing is shared with the kernels but `simulate.model`; sections 1
and 2 are in oracle_factors.py, one-period clearing problems (`clear`) in oracle_clearing.py. Each stage is a function of
the model, the step t, the factors `now` of the step, the world before and the results of earlier stages; the stages up
to clearing change nothing, the later ones change the `World` they are given and say so.
"""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from oracle_clearing import clear
from oracle_factors import clip, factor_path, path_draws, plain

from simulate.model import BALANCE, CAPEX, CHANNELS, COMMITMENT, GUARANTEE, OPEX, REVENUE_SHARE, SCHEDULED, Model

__all__ = ["clear", "factor_path", "path_draws", "run_path"]

CREDIT, CONTRACT, EQUITY, COLLATERAL, STRANDED = range(len(CHANNELS))
SECURED, UNSECURED = 1, 2  # classes of a leg
TOLERANCE = 1e-10  # of dues, on the side of solvency; of receipts, of claims: less is rounding
SMALLEST = 1e-12
WAITS = 1e-9  # USD bn: an estate with less to distribute waits
SHARE_OF_ALL = 1e-3  # of all dues, the least a margin is measured by: whoever is paid by firms a thousand times its size gets their rounding


class Nudge(NamedTuple):
    """Moves the edge of each yes-or-no question of a step, as a share of what is asked about; above 0: towards yes."""

    solvency: float = 0.0  # solvent?
    gate: float = 0.0  # open?
    choice: float = 0.0  # restructure?
    door: float = 0.0  # quarter open?
    runway: float = 0.0  # does it burn cash?
    call: float = 0.0  # was a guarantor that is restructured called?
    issue: float = 0.0  # did a worthless firm sell shares?


EXACT = Nudge()


def ratio(above, below, otherwise=1.0):
    return above / below if below > 0 else otherwise


# ---------------------------------------------------------------------------------------------------------------------
# 3. State of a world
# ---------------------------------------------------------------------------------------------------------------------


@dataclass
class World:
    """Section 3 for one path. Entities [n], owners [O], legs [L], holdings [H]; USD bn."""

    nonpayment: bool
    supply: bool
    relief: bool
    marks: bool
    confidence: bool
    # entities
    cash: list
    alive: list
    line: list
    equity: list  # E
    price: list  # what a whole company was marked at: E, or opening value x V where marks is off
    core_before: list  # core value before
    receipts: list  # z
    ebitda: list  # ze
    executed: list  # share of desired capex before
    burn: list  # before
    restructured: list
    proceeds: list  # of the sale of an estate, reach it next step
    fresh: list  # 1: liquidated in the step before
    # owners
    built: list
    delivered: list
    fleet: list  # [O][0..t] cumulative cost of chips at the beginning of step t
    unreplaced: list
    idle: list
    # legs
    balance: list
    out: list
    balance_undisturbed: list  # schedule run on (insured worlds)
    out_undisturbed: list
    volume: list
    claim: list  # u, net of what collateral covers
    claim_credit: list  # uc, likewise
    paid_on_claim: list  # off
    covered: list  # collateral cash due next step
    guaranteed: list  # paid so far on this guarantee and not forgiven by a restructuring
    cover_left: list
    # holdings
    stake: list
    cost: list
    # world
    shock: float = 0.0  # f
    lost: float = 0.0
    # cash flows of the step
    received: list = field(default_factory=list)
    paid: list = field(default_factory=list)
    external_in: list = field(default_factory=list)
    external_out: list = field(default_factory=list)
    leg_paid: list = field(default_factory=list)
    bought: list = field(default_factory=list)  # [H] cash paid for stakes, net of sales
    new_money: list = field(default_factory=list)  # [H] paid for new shares
    operating_in: list = field(default_factory=list)
    operating_out: list = field(default_factory=list)

    def clear_flows(self):
        n = len(self.cash)
        for name in ("received", "paid", "external_in", "external_out", "operating_in", "operating_out"):
            setattr(self, name, [0.0] * n)
        self.leg_paid = [0.0] * len(self.balance)
        self.bought = [0.0] * len(self.stake)
        self.new_money = [0.0] * len(self.stake)

    def transfer(self, payer, payee, amount):
        self.cash[payer] -= amount
        self.paid[payer] += amount
        self.cash[payee] += amount
        self.received[payee] += amount

    def enter(self, i, amount):
        self.cash[i] += amount
        self.external_in[i] += amount

    def leave(self, i, amount):
        self.cash[i] -= amount
        self.external_out[i] += amount


def open_world(model, switches) -> World:
    e, legs, fleet, h = model.entities, model.legs, model.fleet, model.holdings
    n, owners, count = model.grid.entities, len(fleet.entity), len(legs.payer)
    world = World(
        *(bool(switch) for switch in switches),
        cash=list(e.cash0),
        alive=[1.0] * n,
        line=list(e.line0),
        equity=list(e.equity0),
        price=list(e.equity0),
        core_before=list(e.core0),
        receipts=list(e.receipts0),
        ebitda=list(e.ebitda0),
        executed=[1.0] * n,
        burn=[0.0] * n,
        restructured=[0] * n,
        proceeds=[0.0] * n,
        fresh=[0] * n,
        built=[0.0] * owners,
        delivered=[0.0] * owners,
        fleet=[[cost] for cost in fleet.fleet0],
        unreplaced=[0.0] * owners,
        idle=[0.0] * owners,
        balance=list(legs.bal0),
        out=list(legs.out0),
        balance_undisturbed=list(legs.bal0),
        out_undisturbed=list(legs.out0),
        volume=[1.0] * count,
        claim=[0.0] * count,
        claim_credit=[0.0] * count,
        paid_on_claim=[0.0] * count,
        covered=[0.0] * count,
        guaranteed=[0.0] * count,
        cover_left=list(legs.cover_cap),
        stake=list(h.stake0),
        cost=list(h.cost0),
    )
    world.clear_flows()
    return world


# ---------------------------------------------------------------------------------------------------------------------
# 4.1 Capacity and fleet
# ---------------------------------------------------------------------------------------------------------------------


def cost_in_service(history, span, dt, x):
    """F(x) and C(x), the integral of F from 0, of a fleet with F(k dt) = history[k], bought evenly over `span` before 0."""
    if x < 0:
        reach = max(x, -span)
        return history[0] * (1 + reach / span), history[0] * (reach + reach * reach / (2 * span))
    k = min(int(x / dt + 1e-9), len(history) - 1)
    integral = sum((history[m] + history[m + 1]) / 2 * dt for m in range(k))
    rest = max(0.0, x - k * dt)
    slope = (history[k + 1] - history[k]) / dt if k + 1 < len(history) else 0.0
    return history[k] + slope * rest, integral + (history[k] + slope * rest / 2) * rest


def capacity(model, t, now, life, world):
    """4.1: share [n] delivered; per owner delivered, stranded [GW], worn (true and book life), carrying; fleet_value [n]."""
    n, dt, fleet = model.grid.entities, model.grid.dt, model.fleet
    share = [1.0] * n
    fleet_value, delivered, stranded, worn, worn_book, carrying = [0.0] * n, [], [], [], [], []
    for o, i in enumerate(fleet.entity):
        d = max(world.delivered[o], (1 - now["gap"] * fleet.power_exposure[o]) * world.built[o])
        delivered.append(d)
        stranded.append(max(0.0, world.built[o] - d) * world.alive[i])
        history, span, begin = world.fleet[o], fleet.fleet_span[o], t * dt
        wear = clip(ratio(world.unreplaced[o], history[-1], 0.0), 0.0, 1.0)
        planned = fleet.gw0[o] + fleet.plan_gw[o][t]
        there = world.alive[i] if world.supply else 1.0
        share[i] = min(1.0, ratio((fleet.gw0[o] + d) * (1 - wear), planned)) * there

        def f(x, history=history, span=span):
            return cost_in_service(history, span, dt, x)[0]

        def c(x, history=history, span=span):
            return cost_in_service(history, span, dt, x)[1]

        book = fleet.book_life[o]
        worn.append(f(begin - life) - f(begin - dt - life))
        worn_book.append(f(begin - book) - f(begin - dt - book))
        straight_line = f(begin) - (c(begin) - c(begin - life)) / life
        fleet_value[i] = max(0.0, straight_line) * now["rental"] * world.alive[i]
        used = min(life, book)
        kept = f(begin) - f(begin - used) - (c(begin) - c(begin - used) - used * f(begin - used)) / book
        carrying.append(max(0.0, kept - world.idle[o]))
    return {
        "share": share,
        "delivered": delivered,
        "stranded": stranded,
        "worn": worn,
        "worn_book": worn_book,
        "fleet_value": fleet_value,
        "carrying": carrying,
    }


# ---------------------------------------------------------------------------------------------------------------------
# 4.2 Earnings
# ---------------------------------------------------------------------------------------------------------------------


def earned_by_schedule(legs, t, leg, scale, volume, share, revenue):
    """4.3: what a scheduled or revenue-share leg earns in the step at a given volume."""
    if legs.driver[leg] == SCHEDULED:
        host_share = share[legs.host[leg]] if legs.host[leg] >= 0 else 1.0
        follow = legs.follow[leg]
        return legs.sched[leg][t] * scale[legs.group[leg]] * volume * (1 - follow + follow * host_share)
    if legs.driver[leg] == REVENUE_SHARE:
        return legs.sched[leg][t] * scale[legs.group[leg]] * revenue[legs.payer[leg]] * volume
    return 0.0


def earnings(model, t, now, scale, world, share):
    """4.2: revenue R [n], cost [n], relet [n] (4.10: what re-letting brings), index [n] and the lost revenue of the labs."""
    e, legs, n, dt = model.entities, model.legs, model.grid.entities, model.grid.dt
    there = [world.alive[i] if world.supply else 1.0 for i in range(n)]  # supply off: a dead host counts as alive
    index, room, lost = [now["demand"]] * n, [math.inf] * n, 0.0
    for i in range(n):
        if e.revenue_process[i] < 0:
            continue
        x = now["ratio"][e.revenue_process[i]]
        supplies = [leg for leg in range(len(legs.payer)) if legs.payer[leg] == i and legs.supply[leg]]
        cap = math.inf
        if supplies:
            # Own capacity is what the supply weights leave of 1.
            own = 1 - sum(legs.supply_weight[leg][t] for leg in supplies)
            hosted = 0.0
            for leg in supplies:
                host, weight = legs.host[leg], legs.supply_weight[leg][t]
                volume = world.volume[leg] if world.supply else 1.0
                hosted += weight * volume * (share[host] if host >= 0 else 1.0)
            cap = e.headroom[i] * (own + hosted)
        index[i] = min(x, cap)
        if cap < math.inf:
            room[i] = e.plan_external[i][t] * (cap - index[i])
        if e.is_lab[i]:
            lost += e.plan_external[i][t] * (x - index[i] * there[i])
    labs = [i for i in range(n) if e.is_lab[i] and there[i]]
    plan_of_labs = sum(e.plan_external[i][t] for i in labs)
    revenue, cost, relet = [0.0] * n, [0.0] * n, [0.0] * n
    for i in range(n):
        a, b, c = e.ai_share[i], e.rental_share[i], e.capacity_share[i] if e.owner[i] >= 0 else 0.0
        factor = ((1 - a) + a * index[i]) * ((1 - b) + b * now["rental"]) * ((1 - c) + c * share[i])
        gain = 0.0
        if i in labs:
            gain = min(model.rules.transfer * world.lost * ratio(e.plan_external[i][t], plan_of_labs, 0.0), room[i])
        revenue[i] = e.rev_ext[i][t] * factor + gain
    for i in range(n):
        replaced = sum(
            legs.replaces[leg] * earned_by_schedule(legs, t, leg, scale, world.volume[leg], share, revenue)
            for leg in range(len(legs.payer))
            if legs.payer[leg] == i
        )
        bend = 1.0
        if world.burn[i] > 0 and e.runway_years[i] > 0:
            runway = world.cash[i] / (world.burn[i] / dt)
            bend = 1 - e.flex[i] * clip(1 - runway / e.runway_years[i], 0.0, 1.0)
        cost[i] = max(0.0, e.cost_fixed[i][t] * bend - replaced + e.cost_var[i] * revenue[i]) * world.alive[i]
    for leg, payee in enumerate(legs.payee):
        released, phi = let_again(model, t, now, scale, world, share, leg)
        relet[payee] += released * phi * world.relief
    return {"revenue": revenue, "cost": cost, "relet": relet, "index": index, "lost": lost}


def let_again(model, t, now, scale, world, share, leg):
    """4.10: what a living provider would earn on volume that is gone, and the share phi that comes back where relief is on."""
    legs = model.legs
    if not legs.contract[leg] or not world.alive[legs.payee[leg]]:
        return 0.0, 0.0
    released = earned_by_schedule(legs, t, leg, scale, 1 - world.volume[leg], share, None)
    return released, clip(legs.relet[leg] * now["rental"] + legs.saved[leg] * (1 - legs.relet[leg]), 0.0, 1.0)


# ---------------------------------------------------------------------------------------------------------------------
# 4.3 Dues
# ---------------------------------------------------------------------------------------------------------------------


def core_value(model, now, i):
    return model.entities.core0[i] * now["valuation"] ** model.entities.core_beta[i]


def mark(model, now, world, j):
    """What a whole company is marked at in the step: E before, or opening value x V where marks is off."""
    return world.equity[j] if world.marks else model.entities.equity0[j] * now["valuation"]


def collateral_value(model, now, world, fleet_value, leg):
    """Market value of the collateral of a leg, and what its sale brings."""
    legs, payer, d0 = model.legs, model.legs.payer[leg], model.rules.d0
    core = legs.coll_core[leg] * core_value(model, now, payer)
    rest = legs.coll_fleet[leg] * fleet_value[payer]
    h = legs.coll_holding[leg]
    if h >= 0:
        rest += legs.coll_stake[leg] * world.stake[h] * mark(model, now, world, model.holdings.issuer[h])
    return core + rest, (1 - model.entities.core_haircut[payer]) * core + (1 - d0) * rest


def desired_capex(model, t, now, world):
    """Desired capex [n] of the living; `plan_after_power` [n] is what runs on for the dead in insured worlds."""
    e, rules, n = model.entities, model.rules, model.grid.entities
    racers = [i for i in range(n) if e.in_race[i] and world.alive[i]]
    race = ratio(sum(world.executed[i] for i in racers), len(racers))
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


def balance_terms(legs, t, now, dt, leg, balance, collateral):
    """Interest and principal (with covenant) of a balance."""
    rate = legs.rate_fixed[leg] + legs.rate_float[leg] * now["rate_before"] + legs.rate_spread[leg] * now["spread_before"]
    interest = max(0.0, balance * dt * rate)
    covenant = 0.0
    if legs.ltv[leg] > 0 and collateral is not None:
        covenant = max(0.0, balance * (1 - legs.amort[leg][t]) - legs.ltv[leg] * collateral)
    return interest, min(balance, balance * legs.amort[leg][t] + covenant)


def dues(model, t, now, scale, world, cap, earn):
    """4.3, per leg: due, out_next, balance_next (without prefunding) of the payer; `*_undisturbed` of the receiver in
    insured worlds; interest, draw, collateral; and desired, committed [n]."""
    legs, e, dt = model.legs, model.entities, model.grid.dt
    desired, plan_after_power = desired_capex(model, t, now, world)
    committed = [e.committed[i] * desired[i] for i in range(model.grid.entities)]
    names = ("due", "out_next", "balance_next", "interest", "draw", "sale")
    names += ("due_undisturbed", "out_next_undisturbed", "balance_next_undisturbed")
    result = {name: [0.0] * len(legs.payer) for name in names}
    result |= {"desired": desired, "committed": committed}
    for leg, payer in enumerate(legs.payer):
        driver, delay, alive = legs.driver[leg], legs.delay[leg], world.alive[payer]
        if driver in (COMMITMENT, GUARANTEE):
            continue
        collateral, sale = collateral_value(model, now, world, cap["fleet_value"], leg)
        draw = legs.draw[leg][t] * scale[legs.group[leg]] * alive
        result["sale"][leg], result["draw"][leg] = sale, draw

        def earned(volume, committed_capex, balance, covenant_on, leg=leg, payer=payer, driver=driver):
            if driver == CAPEX:
                return legs.capex_share[leg] * committed_capex, 0.0, 0.0
            if driver == OPEX:
                return earn["cost"][payer], 0.0, 0.0
            if driver == BALANCE:
                interest, principal = balance_terms(legs, t, now, dt, leg, balance, covenant_on)
                return interest + principal, interest, principal
            return earned_by_schedule(legs, t, leg, scale, volume, cap["share"], earn["revenue"]), 0.0, 0.0

        result["balance_next"][leg] = world.balance[leg] + draw
        if alive:
            amount, interest, principal = earned(world.volume[leg], committed[payer], world.balance[leg], collateral)
            result["due"][leg] = (1 - delay) * amount + world.out[leg]
            result["out_next"][leg] = delay * amount
            result["balance_next"][leg] -= principal
            result["interest"][leg] = interest
        if not world.nonpayment:
            # After a failure a balance runs on by its schedule alone.
            quiet = alive and not world.restructured[payer]
            capex = committed[payer] if alive else plan_after_power[payer]
            amount, _, principal = earned(1.0, capex, world.balance_undisturbed[leg], collateral if quiet else None)
            result["due_undisturbed"][leg] = (1 - delay) * amount + world.out_undisturbed[leg]
            result["out_next_undisturbed"][leg] = delay * amount
            result["balance_next_undisturbed"][leg] = world.balance_undisturbed[leg] + draw - principal
    return result


# ---------------------------------------------------------------------------------------------------------------------
# 4.4 Prefunding and funding room
# ---------------------------------------------------------------------------------------------------------------------


def sigma(x):
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0  # exp would overflow


def door(model, now, world):
    rules = model.rules
    distrust = rules.k_shut - now["confidence"] + (world.shock if world.confidence else 0.0)
    return 1 - sigma(distrust / rules.k_width) * sigma((rules.v_shut - now["log_valuation"]) / rules.v_width)


def funding(model, t, now, world, desired):
    """4.4: open, room [n], prefund [n] and K [n] of the living inside entities."""
    e, legs, h, n = model.entities, model.legs, model.holdings, model.grid.entities
    opened = door(model, now, world)
    room, prefund, k = [0.0] * n, [0.0] * n, [0.0] * n
    for i in range(n):
        if e.outside[i] or not world.alive[i]:
            continue
        planned = e.ebitda_plan[i][t - 1] if t > 0 else e.ebitda0[i]
        forward = e.ebitda_fwd[i][t] * clip(ratio(world.ebitda[i], planned), 0.0, 1.5)
        stakes = sum(world.stake[x] * world.price[h.issuer[x]] for x in range(len(h.holder)) if h.holder[x] == i)
        debt = sum(world.balance[leg] for leg in range(len(legs.payer)) if legs.payer[leg] == i)
        pace = e.fund_phi[i] * world.equity[i] + e.fund_advance[i] * desired[i] + e.fund_flat[i]
        headroom = e.fund_leverage[i] * forward + e.fund_ltv[i] * (world.core_before[i] + stakes) - debt
        if e.fund_unbounded[i]:
            headroom = math.inf
        share = e.insider[i] + (1 - e.insider[i]) * opened
        room[i] = share * max(0.0, min(pace, headroom))
        prefund[i] = min(room[i], max(0.0, e.cash_target[i][t] - world.cash[i]))
        k[i] = world.line[i] + room[i] - prefund[i]
    return {"open": opened, "room": room, "prefund": prefund, "capacity": k}


def raise_market_money(model, world, i, amount, balances):
    """Market money of i: new shares for the outside investor, or debt on its new-debt leg in each list of `balances`."""
    world.enter(i, amount)
    if model.entities.fund_equity[i]:
        world.new_money[model.holdings.outside_of[i]] += amount
    else:
        add_debt(model, i, amount, balances)


def add_debt(model, i, amount, balances):
    leg = model.entities.new_debt_leg[i]
    if leg >= 0:
        for balance in balances:
            balance[leg] += amount


def issue_shares(model, world, nudge=0.0):
    """4.6: all new money x of the step at E-: stakes x E-/(E- + x), each buyer its part of x/(E- + x). Changes the world.

    Returns a margin: money that is only rounding buys the whole of a firm with E- = 0."""
    h, margin = model.holdings, math.inf
    for issuer, value in enumerate(world.equity):
        mine = [x for x in range(len(h.issuer)) if h.issuer[x] == issuer]
        total = sum(world.new_money[x] for x in mine)
        outside = h.outside_of[issuer]
        if value == 0 and model.entities.fund_equity[issuer] and outside >= 0:
            size = max(world.paid[issuer], SMALLEST)
            margin = min(margin, total / size)
            if total < nudge * size:
                for x in mine:
                    world.stake[x] = 1.0 * (x == outside)
        if total > 0 and model.entities.equity0[issuer] > 0:
            for x in mine:
                world.stake[x] = (world.stake[x] * value + world.new_money[x]) / (value + total)
                world.cost[x] += world.new_money[x]
                world.bought[x] += world.new_money[x]
    return margin


def collect(model, world, earn, due, room):
    """Opening cash becomes e (changes the world): R, re-letting, draws, prefunding, and what estates sold beyond collateral."""
    for i in range(model.grid.entities):
        if world.alive[i] and not model.entities.outside[i]:  # what an outside provider lets again was outside before
            world.enter(i, earn["revenue"][i] + earn["relet"][i])
            if room["prefund"][i] > 0:
                raise_market_money(model, world, i, room["prefund"][i], (due["balance_next"], due["balance_next_undisturbed"]))
        world.enter(i, world.proceeds[i])
        world.proceeds[i] = 0.0
    for leg, payer in enumerate(model.legs.payer):
        world.enter(payer, due["draw"][leg])


# ---------------------------------------------------------------------------------------------------------------------
# 4.5 Clearing: the greatest clearing vector
# ---------------------------------------------------------------------------------------------------------------------


def positions(model, t, scale, world, due):
    """What is fixed before clearing, per leg: full payment, base and offset of a share, claim and credit net of what
    collateral covers, and the collateral itself (of a living payer: if it fails now; of an estate: cash paid now)."""
    legs, count = model.legs, len(model.legs.payer)
    names = ("full", "base", "offset", "claim", "credit", "covered")
    result = {name: [0.0] * count for name in names}
    for leg, payer in enumerate(legs.payer):
        if world.alive[payer]:
            if legs.driver[leg] in (COMMITMENT, GUARANTEE):
                continue
            credit = due["due"][leg] + due["balance_next"][leg] + due["out_next"][leg]
            claim = credit + legs.damages[leg] * world.volume[leg] * legs.remaining[leg][t] * scale[legs.group[leg]]
            covered = min(credit, max(0.0, due["sale"][leg])) if legs.seniority[leg] == SECURED else 0.0
            base = due["due"][leg] * ratio(claim - covered, claim)
            values = (due["due"][leg], base, 0.0, claim - covered, credit - covered, covered)
        else:
            claim, offset, covered = world.claim[leg], world.paid_on_claim[leg], world.covered[leg]
            values = (claim - offset + covered, claim, offset, claim, world.claim_credit[leg], covered)
        for name, value in zip(names, values, strict=True):
            result[name][leg] = value
    return result


def subrogated(model, world, position, pay):
    """Guarantee leg -> part of this step's payment of an estate that belongs to the guarantor, who paid its creditor before."""
    result = {}
    for leg, of in enumerate(model.legs.covers):
        if of >= 0 and not world.alive[model.legs.payer[of]] and position["claim"][of] > 0:
            result[leg] = (pay[of] - position["covered"][of]) * min(1.0, world.guaranteed[leg] / position["claim"][of])
    return result


def clear_network(model, world, cash, capacity_k, position, due_undisturbed=None, limit=100000, nudge=0.0):
    """4.5 for one path: payments [L], received, dues, cost of default [n], failed [n], round [n] and the margin.

    cash is e [n], capacity_k is K [n]. In insured worlds (due_undisturbed given) received is what is undisturbed. The margin is the
    least distance from the edge of solvency over dues; `rounds` says how often the map was applied."""
    e, legs, rules, n = model.entities, model.legs, model.rules, model.grid.entities
    every = range(len(legs.payer))
    insured = due_undisturbed is not None
    rank = [UNSECURED if legs.seniority[leg] == SECURED else legs.seniority[leg] for leg in every]
    covers = [leg for leg in every if legs.driver[leg] == GUARANTEE and world.alive[legs.payer[leg]]]
    called, call_edge = dict.fromkeys(covers, 0.0), {}
    full, base, claim = list(position["full"]), list(position["base"]), list(position["claim"])
    estate = [not world.alive[i] for i in range(n)]
    failed, default_round, margin, converged, rounds = [False] * n, [-1] * n, math.inf, True, 0
    for leg in waiting_legs(model, world, cash, position, insured):
        full[leg] = base[leg] = 0.0
    pay = list(full)

    def received_of(pay):
        received = [0.0] * n
        for leg in every:
            amount = due_undisturbed[leg] * world.alive[legs.payee[leg]] if insured else pay[leg]
            received[legs.payee[leg]] += amount
        if not insured:
            for leg, amount in subrogated(model, world, position, pay).items():
                received[legs.payee[leg]] -= amount
                received[legs.payer[leg]] += amount
        return received

    def call_guarantees(pay):
        """Guarantors owe a share of what is neither paid nor covered by collateral, less what they paid on it; it only rises."""
        for leg in covers:
            of = legs.covers[leg]
            if failed[legs.payer[of]] or estate[legs.payer[of]]:
                paid = pay[of] - (position["covered"][of] if estate[legs.payer[of]] else 0.0)
                short = max(0.0, base[of] - position["offset"][of] - paid)
                open_part = legs.cover_share[leg] * short - world.guaranteed[leg]
                owed = min(world.cover_left[leg], max(0.0, open_part))
                if world.cover_left[leg] > 0 and (short > 0 or estate[legs.payer[of]]):  # who pays a class in full leaves exactly nothing
                    call_edge[leg] = abs(open_part) / max(base[of], SMALLEST)
                called[leg] = max(called[leg], owed)
                full[leg] = base[leg] = claim[leg] = called[leg]

    def dues_of():
        owed = [0.0] * n
        for leg in every:
            if not estate[legs.payer[leg]]:
                owed[legs.payer[leg]] += full[leg]
        return owed

    def pay_next(received):
        """One application of the map for the current default set."""
        result = list(full)
        for i in range(n):
            if not (failed[i] or estate[i]):
                continue
            mine = [leg for leg in every if legs.payer[leg] == i and rank[leg] <= 3]
            left = rules.alpha * cash[i] + rules.beta * received[i]
            if estate[i]:
                left = cash[i] + received[i] + sum(position["offset"][leg] for leg in mine)
            for c in range(4):
                members = [leg for leg in mine if rank[leg] == c]
                total = sum(claim[leg] for leg in members)
                rho = clip(left / total, 0.0, 1.0) if total > 0 else 1.0
                left -= total
                for leg in members:
                    covered = position["covered"][leg] if estate[i] else 0.0
                    result[leg] = min(full[leg], max(0.0, rho * base[leg] - position["offset"][leg]) + covered)
        return result

    wave = 0
    while True:
        for _ in range(limit):
            rounds += 1
            received = received_of(pay)
            following = pay_next(received)
            if not insured:
                # called with the payments they make up for: a call one round late would fall too far and never come back
                call_guarantees(following)
                following = pay_next(received)
            change = sum(abs(a - b) for a, b in zip(following, pay, strict=True))
            pay = following
            if change <= 1e-14 * sum(full):
                break
        else:
            converged = False
        received, owed = received_of(pay), dues_of()
        new = []
        for i in range(n):
            if estate[i] or failed[i] or e.outside[i]:
                continue
            edge = cash[i] + capacity_k[i] + received[i] - owed[i] * (1 - TOLERANCE)
            if owed[i] > 0:
                margin = min(margin, abs(edge) / max(owed[i], SHARE_OF_ALL * sum(owed)))
            if edge < -nudge * owed[i]:
                new.append(i)
        if not new:
            break
        for i in new:
            failed[i], default_round[i] = True, wave
        wave += 1
    cost = [(1 - rules.alpha) * cash[i] + (1 - rules.beta) * received[i] if failed[i] else 0.0 for i in range(n)]
    return {
        "pay": pay,
        "received": received,
        "dues": owed,
        "default_cost": cost,
        "failed": failed,
        "round": default_round,
        "margin": margin,
        "converged": converged,
        "rounds": rounds,
        "called": called,
        "call_edge": call_edge,
    }


def waiting_legs(model, world, cash, position, insured):
    """Legs of estates that hold, and would receive if everybody paid in full, less than `WAITS`: nothing is distributed yet."""
    legs, waits = model.legs, set()
    for i in range(model.grid.entities):
        if not world.alive[i] and not world.fresh[i]:
            most = cash[i]
            for leg in range(len(legs.payer)):
                if legs.payee[leg] == i:
                    most += (0.0 if insured else position["full"][leg]) + max(0.0, world.cover_left[leg])
                if legs.payer[leg] == i:
                    most += world.guaranteed[leg]
            if most <= WAITS:
                waits.update(leg for leg in range(len(legs.payer)) if legs.payer[leg] == i)
    return waits


# ---------------------------------------------------------------------------------------------------------------------
# 4.6 Settlement, commitments
# ---------------------------------------------------------------------------------------------------------------------


class Purse:
    """What is left of K in the step: the line first, then the market."""

    def __init__(self, model, world, funds):
        self.model, self.world = model, world
        self.market = [r - x for r, x in zip(funds["room"], funds["prefund"], strict=True)]

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
            raise_market_money(self.model, world, i, from_market, balances)

    def close(self, i):
        self.market[i] = 0.0
        self.world.line[i] = 0.0


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
    returned = subrogated(model, world, position, clearing["pay"]) if world.nonpayment else {}
    for leg, payer in enumerate(legs.payer):
        paid = clearing["pay"][leg]
        pass_on(model, world, leg, paid, due["due_undisturbed"][leg] if not world.nonpayment else None)
        if estate[payer]:
            world.enter(payer, position["covered"][leg])  # collateral is sold outside
            world.paid_on_claim[leg] += paid - position["covered"][leg]
            world.covered[leg] = 0.0
        if leg in returned:  # the creditor hands on what belongs to its guarantor
            creditor, guarantor, amount = legs.payee[leg], payer, returned[leg]
            world.cash[creditor] -= amount
            world.received[creditor] -= amount
            world.cash[guarantor] += amount
            world.received[guarantor] += amount
        if legs.driver[leg] == GUARANTEE:
            world.cover_left[leg] -= paid
            world.guaranteed[leg] += paid
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


def able_to_act(model, world, clearing):
    """Living, and not failed in this step's clearing."""
    return [bool(world.alive[i]) and not clearing["failed"][i] for i in range(model.grid.entities)]


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
        if able[i]:
            need = 0.0
            if o >= 0:
                executed_plan = min(1.0, ratio(desired, e.capex_plan[i][t]))
                need = fleet.replace_price[o] * max(0.0, cap["worn"][o] - cap["worn_book"][o]) * executed_plan
            own = max(0.0, world.cash[i] - e.min_cash[i])
            of_line = 1.0 - (1.0 - e.kappa[i]) ** (4.0 * model.grid.dt)
            affordable = own + e.kappa[i] * purse.market[i] + of_line * world.line[i]
            replacement[i] = min(need, affordable)
            extra = min(desired - committed, affordable - replacement[i])
            growth[i] = committed + extra
            if o >= 0:
                world.unreplaced[o] += ratio(need - replacement[i], fleet.replace_price[o], 0.0)
            purse.draw(i, max(0.0, replacement[i] + extra - own))
            for leg, payer in enumerate(legs.payer):
                if payer == i and legs.driver[leg] == CAPEX:
                    flows.append((leg, legs.capex_share[leg] * extra + legs.chip_share[leg] * replacement[i]))
            # top-up to the minimum from what is left of K, then payout, both on the cash after spending
            spent = replacement[i] + extra
            capex_paid[i] = spent + committed
            purse.draw(i, min(purse.left(i), max(0.0, e.min_cash[i] - (world.cash[i] - spent))))
            world.leave(i, e.payout[i] * max(0.0, world.cash[i] - spent - e.payout_above[i]))
        world.executed[i] = ratio(growth[i], desired)
    for leg, flow in flows:
        pass_on(model, world, leg, flow)
    for o, i in enumerate(fleet.entity):
        goes_on = 0.0 if world.supply or world.alive[i] else e.capex_plan[i][t]
        world.built[o] += ratio(growth[i] + goes_on, fleet.cost_per_gw[o], 0.0)
        world.fleet[o].append(world.fleet[o][-1] + fleet.chip_of_capex[o] * growth[i] + replacement[i])
    return {"growth": growth, "replacement": replacement, "capex_paid": capex_paid}


# ---------------------------------------------------------------------------------------------------------------------
# 4.8 Resolution
# ---------------------------------------------------------------------------------------------------------------------


def multiple(model, t, i):
    e, tau = model.entities, (t + 1) * model.grid.dt
    fade = math.exp(-tau / e.mult_tau[i]) if e.mult_tau[i] > 0 else 0.0
    return e.mult_mature[i] + (e.mult0[i] - e.mult_mature[i]) * fade


def going_concern(model, t, now, world, i):
    return multiple(model, t, i) * now["valuation"] * world.receipts[i] / model.grid.dt


def smooth(model, world, earn, due, clearing, spent, alive_before, nudge=0.0):
    """Receipts z, EBITDA ze and burn of the step, after resolution. Changes the world; returns interest paid and free cash flow [n], and a margin:
    who neither holds cash nor earns or burns any has a runway of 0/0, which is decided by rounding."""
    legs, n = model.legs, model.grid.entities
    interest, free, margin = [0.0] * n, [0.0] * n, math.inf
    for leg, payer in enumerate(legs.payer):
        if alive_before[payer] and not clearing["failed"][payer]:
            interest[payer] += due["interest"][leg]
    for i in range(n):
        receipts = (earn["revenue"][i] + earn["relet"][i] + world.operating_in[i]) * world.alive[i]
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


def resolve(model, t, now, scale, world, cap, due, position, clearing, nudge=EXACT):
    """Restructure or liquidate this step's defaulters, felt by others from t+1. Changes the world.

    Returns for each defaulter i: ("restructured", h) or ("liquidated", fleet proceeds); written_off [H], the cost of
    stakes in defaulters; and the margins of the choice and of the calls on guarantors that are restructured."""
    e, legs, h, rules, n = model.entities, model.legs, model.holdings, model.rules, model.grid.entities
    every, outcome, written_off, margin, calls = range(len(legs.payer)), {}, [0.0] * len(h.holder), math.inf, math.inf
    world.fresh = [0] * n
    for i in (j for j in range(n) if clearing["failed"][j]):
        core = (1 - e.core_haircut[i]) * core_value(model, now, i)
        fleet_proceeds = (1 - rules.d0) * cap["fleet_value"][i]
        stakes = sum(world.stake[x] * mark(model, now, world, h.issuer[x]) for x in range(len(h.holder)) if h.holder[x] == i)
        broken = max(0.0, world.cash[i]) + fleet_proceeds + (1 - rules.d0) * stakes + core
        value = going_concern(model, t, now, world, i)
        outcome[i] = ("liquidated", fleet_proceeds)
        if e.restructures[i] and world.restructured[i] < rules.max_restructurings:
            size = max(value, broken, clearing["dues"][i])
            margin = min(margin, abs(value - broken) / size)
            if value - broken > (TOLERANCE - nudge.choice) * size:
                owed = sum(
                    position["credit"][leg] + position["covered"][leg] + clearing["called"].get(leg, 0.0)
                    + world.volume[leg] * legs.remaining[leg][t] * scale[legs.group[leg]]
                    for leg in every
                    if legs.payer[leg] == i and legs.seniority[leg] <= 3
                )  # fmt: skip
                outcome[i] = ("restructured", clip(1 - rules.restructure_kappa * ratio(value, owed, math.inf), 0.1, 0.9))
    for i, (what, amount) in outcome.items():
        for leg in every:
            if legs.payer[leg] == i and what == "restructured":
                edge = clearing["call_edge"].get(leg, math.inf)
                called = clearing["called"].get(leg, 0.0) > 0 if edge > abs(nudge.call) else nudge.call > 0
                calls = min(calls, edge)
                restructure_leg(legs, world, leg, amount, due, clearing, called)
            elif legs.payer[leg] == i:
                called = clearing["called"].get(leg, 0.0)
                world.claim[leg] = position["claim"][leg] + called
                world.claim_credit[leg] = position["credit"][leg] + called
                world.paid_on_claim[leg] = clearing["pay"][leg]
                world.covered[leg] = position["covered"][leg]
                world.balance[leg] = world.out[leg] = world.volume[leg] = 0.0
            elif legs.payee[leg] == i and what == "liquidated" and legs.ends_with_payee[leg] and world.nonpayment:
                world.volume[leg] = 0.0
        # stakes in i are written off; where marks are off only their cost is
        for x in range(len(h.holder)):
            if h.issuer[x] == i:
                written_off[x] += world.cost[x]
                world.cost[x] = 0.0
                if world.marks:
                    world.stake[x] = 0.0
        if what == "restructured":
            world.restructured[i] += 1
            if world.marks and h.outside_of[i] >= 0:
                world.stake[h.outside_of[i]] = 1.0
        world.equity[i] = 0.0
    for i, (what, amount) in outcome.items():
        if what == "liquidated":
            core = (1 - e.core_haircut[i]) * core_value(model, now, i)
            collateral = sum(world.covered[leg] for leg in every if legs.payer[leg] == i)
            world.proceeds[i] = max(0.0, amount + core + sell_stakes(model, now, world, i) - collateral)
            world.alive[i] = 0.0
            world.fresh[i] = 1
    return outcome, written_off, margin, calls


def restructure_leg(legs, world, leg, cut, due, clearing, called):
    """Balances, receivables and volume after a restructuring of the payer; arrears on collateral are added to the balance."""
    arrears = due["due"][leg] - clearing["pay"][leg]
    for guarantee, of in enumerate(legs.covers):
        if of == leg:  # what the guarantor paid is not owed again, and nothing is left for it to claim
            arrears -= clearing["pay"][guarantee]
            world.guaranteed[guarantee] = 0.0
    if legs.seniority[leg] == SECURED:
        world.balance[leg] += arrears
    elif legs.driver[leg] != COMMITMENT:
        world.balance[leg] *= 1 - cut
        world.out[leg] *= 1 - cut
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
            world.cost[buyer] += sold
            world.bought[buyer] += sold
            world.bought[x] -= sold
            world.stake[x] = world.cost[x] = 0.0
            total += sold
    return total


# ---------------------------------------------------------------------------------------------------------------------
# 4.9 Equity
# ---------------------------------------------------------------------------------------------------------------------


def equity_values(model, t, now, world, fleet_value):
    """E [n] and the price [n] stakes are marked at (E, or opening value x V where marks is off). Pure."""
    e, legs, h, n = model.entities, model.legs, model.holdings, model.grid.entities
    insured = not world.nonpayment
    frozen = [e.equity0[i] * now["valuation"] for i in range(n)]
    base = [0.0] * n
    for i in range(n):
        worth = max(going_concern(model, t, now, world, i), fleet_value[i])
        base[i] = core_value(model, now, i) + worth + world.cash[i]
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
            stakes = sum(world.stake[x] * (equity if world.marks else frozen)[h.issuer[x]] for x in range(len(h.holder)) if h.holder[x] == i)
            equity[i] = max(0.0, base[i] + stakes) if valued[i] else 0.0
        if equity == before:
            break
    return equity, equity if world.marks else frozen


# ---------------------------------------------------------------------------------------------------------------------
# 4.10 Losses
# ---------------------------------------------------------------------------------------------------------------------


def losses(model, t, now, scale, before, life, cap, due, position, clearing, outcome, written_off, returned):
    """Postings (entity, channel, deal, amount) of the step, discounted at tau. `before` holds alive and volume before the
    step's resolution and the switches."""
    legs, fleet, h = model.legs, model.fleet, model.holdings
    postings, discount, pays = [], now["discount"], clearing["pay"]

    def post(entity, channel, deal, amount):
        if amount != 0.0:
            postings.append((entity, channel, deal, amount * discount))

    for leg, payer in enumerate(legs.payer):
        deal, creditor = legs.deal[leg], legs.payee[leg]
        released, phi = let_again(model, t, now, scale, before, cap["share"], leg)
        post(creditor, CONTRACT, deal, released * (1 - phi))
        if legs.driver[leg] == GUARANTEE:
            # what a guarantor pays moves loss from the creditor to it, its part of recoveries moves it back
            of = legs.covers[leg]
            moved = pays[leg] - returned.get(leg, 0.0)
            post(payer, CREDIT, deal, moved)
            if not (legs.seniority[of] == SECURED and outcome.get(legs.payer[of], ("", 0))[0] == "restructured"):
                post(creditor, CREDIT, legs.deal[of], -moved)
        elif payer in outcome or not before.alive[payer]:
            what, cut = outcome.get(payer, ("estate", 0.0))
            covered = position["covered"][leg]
            part = ratio(position["credit"][leg], position["claim"][leg])
            if what == "liquidated":
                post(creditor, CREDIT, deal, position["credit"][leg] + covered - part * pays[leg])
                post(creditor, CONTRACT, deal, -(1 - part) * pays[leg])
            elif what == "estate":
                paid = pays[leg] - covered
                post(creditor, CREDIT, deal, -(part * paid + covered))
                post(creditor, CONTRACT, deal, -(1 - part) * paid)
            elif legs.seniority[leg] != SECURED:
                after = due["balance_next"][leg] + due["out_next"][leg]
                post(creditor, CREDIT, deal, due["due"][leg] - pays[leg] + cut * after)
    for x, holder in enumerate(h.holder):
        post(holder, EQUITY, h.deal[x], written_off[x])
    for o, i in enumerate(fleet.entity):
        deal = fleet.stranded_deal[o]
        if before.alive[i]:
            post(i, STRANDED, deal, idle_loss(model, cap, o))
            post(i, STRANDED, deal, max(0.0, 1 - life / fleet.book_life[o]) * cap["worn"][o])
        if i in outcome and outcome[i][0] == "liquidated":
            post(i, COLLATERAL, deal, max(0.0, cap["carrying"][o] - outcome[i][1]))
    return postings


def idle_loss(model, cap, o):
    fleet = model.fleet
    return cap["stranded"][o] * fleet.cost_per_gw[o] * fleet.chip_of_capex[o] * model.grid.dt / fleet.book_life[o]


# ---------------------------------------------------------------------------------------------------------------------
# The step, and a path
# ---------------------------------------------------------------------------------------------------------------------


@dataclass
class Before:
    """What the losses read as it was before resolution."""

    alive: list
    volume: list


def step(model, t, now, draws, world, nudge=EXACT):
    """All of section 4 in one world. Changes the world; returns what the stages said."""
    scale, life, fleet = draws["scale"], draws["life"], model.fleet
    world.clear_flows()
    opening = {"cash": list(world.cash), "stake": list(world.stake), "price": list(world.price)}

    cap = capacity(model, t, now, life, world)
    earn = earnings(model, t, now, scale, world, cap["share"])
    due = dues(model, t, now, scale, world, cap, earn)
    funds = funding(model, t, now, world, due["desired"])
    collect(model, world, earn, due, funds)
    position = positions(model, t, scale, world, due)
    undisturbed = None if world.nonpayment else due["due_undisturbed"]
    clearing = clear_network(model, world, world.cash, funds["capacity"], position, undisturbed, nudge=nudge.solvency)
    before = Before(list(world.alive), list(world.volume))

    purse = Purse(model, world, funds)
    returned = settle(model, world, due, position, clearing, purse)
    gates = commitments(model, t, scale, world, cap, clearing, purse, nudge.gate)
    spent = spending(model, t, world, cap, due, clearing, purse)
    issued = issue_shares(model, world, nudge.issue)
    outcome, written_off, choice, calls = resolve(model, t, now, scale, world, cap, due, position, clearing, nudge)
    interest, free, runway = smooth(model, world, earn, due, clearing, spent, before.alive, nudge.runway)
    world.equity, world.price = equity_values(model, t, now, world, cap["fleet_value"])
    postings = losses(model, t, now, scale, before, life, cap, due, position, clearing, outcome, written_off, returned)

    # what the next step reads
    world.delivered = cap["delivered"]
    for o, i in enumerate(fleet.entity):
        if before.alive[i]:
            world.idle[o] += idle_loss(model, cap, o)
    for i in range(model.grid.entities):
        world.core_before[i] = core_value(model, now, i)
    world.lost = earn["lost"]
    fallen = sum(model.entities.systemic[i] for i in outcome)
    world.shock = world.shock * model.rules.shock_decay + model.rules.shock_size * fallen
    return {
        "opening": opening,
        "capacity": cap,
        "earnings": earn,
        "dues": due,
        "funding": funds,
        "position": position,
        "clearing": clearing,
        "spending": spent,
        "outcome": outcome,
        "postings": postings,
        "interest": sum(interest),
        "free_cash_flow": free,
        "margin": Nudge(clearing["margin"], gates, choice, abs(funds["open"] - 0.5), runway, calls, issued),
    }


def run_path(model: Model, path, keep_stages=False, nudge=EXACT):
    """One path in every world of the model, and the summaries of its factors. Its close decisions can be nudged to the other side.

    Returns {"worlds": [one dict a world], "factor": {name: value}, "delivery": [R], "revenue_final": [R]}. A world has
    loss [n][5], deal_loss [D], system_loss, default_step [n], default_round [n], mark_change [n], margins (the least distance of
    each kind of question from its edge), margin (the least of the first four kinds: the others are close where nothing is compared
    with nothing), unconverged, rounds (the most of a clearing), world (its final state) and trace, one dict a step; with keep_stages
    also what each stage of each step said."""
    model = plain(model)
    factors, draws = factor_path(model, path), path_draws(model, path)
    worlds = [run_world(model, factors, draws, switches, keep_stages, nudge) for switches in model.rules.world_switches]
    last, f = factors[-1], model.factors
    summary = {
        "demand_final": last["demand"],
        "confidence_min": min(now["confidence"] for now in factors),
        "quarters_shut": worlds[0]["quarters_shut"],
        "gpu_life": draws["life"],
        "short_rate_mean": sum(now["rate"] for now in factors) / len(factors),
        "spread_mean": sum(now["spread"] for now in factors) / len(factors),
        "power_gap_max": max(now["gap"] for now in factors),
        "valuation_min": min(now["valuation"] for now in factors),
        "rental_final": last["rental"],
        "disappointment": sum(now["regime"] for now in factors),
        "interest_paid": worlds[0]["interest_paid"],
        "stranded_gw_years": worlds[0]["stranded_gw_years"],
        "unconverged": sum(world["unconverged"] for world in worlds),
    }
    return {
        "worlds": worlds,
        "factor": summary,
        "delivery": draws["delivery"],
        "revenue_final": [last["ratio"][i] * f.rev_plan[i][-1] / model.grid.dt for i in range(len(f.rev_plan))],
    }


def run_world(model, factors, draws, switches, keep_stages=False, nudge=EXACT):
    grid, e, h = model.grid, model.entities, model.holdings
    n, world = grid.entities, open_world(model, switches)
    result = {
        "loss": [[0.0] * len(CHANNELS) for _ in range(n)],
        "deal_loss": [0.0] * grid.deals,
        "system_loss": 0.0,
        "default_step": [-1] * n,
        "default_round": [-1] * n,
        "mark_change": [0.0] * n,
        "margins": Nudge(*[math.inf] * len(Nudge._fields)),
        "unconverged": 0,
        "rounds": 0,
        "world": world,
        "quarters_shut": 0,
        "interest_paid": 0.0,
        "stranded_gw_years": 0.0,
        "trace": [],
        "stages": [],
    }
    for t in range(grid.steps):
        now = factors[t]
        stages = step(model, t, now, draws, world, nudge)
        clearing = stages["clearing"]
        for entity, channel, deal, amount in stages["postings"]:
            result["loss"][entity][channel] += amount
            result["deal_loss"][deal] += amount
            if e.outside[entity] and channel in (CREDIT, EQUITY):
                result["system_loss"] += amount
        for i in stages["outcome"]:
            if result["default_step"][i] < 0:
                result["default_step"][i], result["default_round"][i] = t, clearing["round"][i]
        for x, holder in enumerate(h.holder):
            marked = world.stake[x] * world.price[h.issuer[x]]
            opening = stages["opening"]["stake"][x] * stages["opening"]["price"][h.issuer[x]]
            result["mark_change"][holder] += marked - opening - world.bought[x]
        result["margins"] = Nudge(*map(min, result["margins"], stages["margin"]))
        result["rounds"] = max(result["rounds"], clearing["rounds"])
        result["unconverged"] += not clearing["converged"]
        result["quarters_shut"] += stages["funding"]["open"] < 0.5 - nudge.door
        result["interest_paid"] += stages["interest"]
        result["stranded_gw_years"] += sum(stages["capacity"]["stranded"]) * grid.dt
        result["trace"].append(
            {
                "opening_cash": stages["opening"]["cash"],
                "cash": list(world.cash),
                "received": world.received,
                "paid": world.paid,
                "external_in": world.external_in,
                "external_out": world.external_out,
                "free_cash_flow": stages["free_cash_flow"],
                "equity": list(world.equity),
                "alive": list(world.alive),
                "restructured": list(world.restructured),
                "dues": clearing["dues"],
                "revenue": stages["earnings"]["revenue"],
                "share": [stages["capacity"]["share"][i] for i in model.fleet.entity],
                "leg_paid": world.leg_paid,
                "balance": list(world.balance),
            }
        )
        if keep_stages:
            result["stages"].append(stages)
    result["margin"] = min(result["margins"][:4])
    return result
