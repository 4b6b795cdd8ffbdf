"""Funding: the door of the market, funding room, prefunding, and how money is raised (docs/model.md 4.4). Amounts USD bn."""

import math

from simulate.kernels.jit import part
from simulate.kernels.maths import exp_of
from simulate.step.lists import stakes_in

BEYOND_MEANS = 1e18  # USD bn


@part
def open_door(net, now, w, s):
    """Compute the openness of the funding market, which shuts only when confidence and valuation are both low."""
    rules, factors = net.rules, now.factors
    for lane in range(s.open.size):
        shock = rules.shock_confidence * w.shock[lane] if now.confidence else 0.0
        doubt = 1.0 / (1.0 + exp_of((factors.confidence[lane] - shock - rules.k_shut) / rules.k_width))
        cheap = 1.0 / (1.0 + exp_of((w.log_valuation_felt[lane] - rules.v_shut) / rules.v_width))
        s.open[lane] = 1.0 - doubt * cheap
        w.steps_shut[lane] += 1.0 if s.open[lane] < 0.5 else 0.0


@part
def find_liquidity(net, now, w, s):
    """Compute the liquidity of every entity before clearing: cash_in, and can_raise in clearing; prefunding is raised now."""
    entities, legs, lists = net.entities, net.legs, net.lists
    for i in lists.raising:
        for h in stakes_in(i, lists):
            s.new_money[h, :] = 0.0
    for i in range(entities.outside.size):
        if entities.outside[i] > 0.0:
            s.outside_in[i, :] = 0.0
    for i in lists.inside:
        find_room(i, s.free[0], net, now, w, s)
        raise_money(i, s.free[0], net, s)
    for l in lists.balance:
        if legs.draw[l, now.t] > 0.0:
            i = legs.payer[l]
            for lane in range(s.open.size):
                s.outside_in[i, lane] += s.drawn[l, lane]
    withdraw_funds(net, now, s)
    if now.saves:
        support(net, w, s)
    for i in lists.inside:
        # Market debt that is raised early stands in `drawn` of a leg without schedule, and raise_money added it.
        for lane in range(s.open.size):
            s.cash_in[i, lane] = w.cash[i, lane] + s.outside_in[i, lane]
            w.proceeds[i, lane] = 0.0


@part
def withdraw_funds(net, now, s):
    """Make an entity fail in the step of its shock: it is asked for more than there is, so clearing finds it short whatever it holds."""
    for i in net.lists.inside:
        if net.entities.fails_step[i] == now.t:
            s.can_raise[i, :] = -BEYOND_MEANS


@part
def support(net, w, s):
    """Let outside stand behind who is saved: nothing that falls due is too much, also in the step of a shock."""
    for i in net.lists.inside:
        for lane in range(s.open.size):
            if w.saved[i, lane] > 0.0:
                s.can_raise[i, lane] = BEYOND_MEANS


@part
def find_room(i, early, net, now, w, s):
    """Compute the funding room of entity i, its prefunding up to the cash target into early [W], and its receipts from outside."""
    entities, t = net.entities, now.t
    planned = entities.ebitda_plan[i, t - 1] if t > 0 else 0.0
    unbounded = entities.fund_unbounded[i] > 0.0
    for lane in range(early.size):
        alive = w.alive[i, lane]
        access = (entities.insider[i] + (1.0 - entities.insider[i]) * s.open[lane]) * alive
        ratio = min(max(w.ebitda[i, lane] / planned, 0.0), 1.5) if planned > 0.0 else 1.0
        borrow = entities.fund_leverage[i] * entities.ebitda_fwd[i, t] * ratio + entities.fund_ltv[i] * w.holdings_value[i, lane] - w.debt[i, lane]
        headroom = math.inf if unbounded else borrow
        pace = entities.fund_advance[i] * s.desired_capex[i, lane] + entities.fund_flat[i]
        debt = access * max(0.0, min(pace, headroom))
        room = debt + access * entities.fund_phi[i] * w.equity[i, lane]
        raised = min(room, max(0.0, entities.cash_target[i, t] - w.cash[i, lane]) * alive)
        rescue = entities.rescue[i] * w.equity[i, lane] * alive
        s.room[i, lane] = room - raised
        s.debt_room[i, lane] = debt
        s.rescue[i, lane] = rescue
        s.rescue_limit[i, lane] = rescue
        s.discounted[i, lane] = 0.0
        s.can_raise[i, lane] = (w.line[i, lane] + room - raised) * alive + rescue
        s.outside_in[i, lane] = s.revenue[i, lane] * alive + s.relet_receipts[i, lane] + w.proceeds[i, lane]
        early[lane] = raised


@part
def raise_money(i, amount, net, s):
    """Book market money [W] of entity i, debt as far as it reaches and then new equity bought by outside investors. It reaches i through outside_in."""
    h, l = net.lists.outside_of[i], net.entities.new_debt_leg[i]
    both = l >= 0 and net.entities.fund_phi[i] > 0.0
    debt_only = 0.0 if net.entities.fund_phi[i] > 0.0 else 1.0
    for lane in range(amount.size):
        borrowed = min(amount[lane], s.debt_room[i, lane]) if both else amount[lane] * debt_only
        s.debt_room[i, lane] -= borrowed
        s.outside_in[i, lane] += amount[lane]
        if l >= 0:
            s.drawn[l, lane] += borrowed
        if debt_only == 0.0:
            s.new_money[h, lane] += amount[lane] - borrowed


@part
def issue_in_need(i, amount, net, s):
    """Book the money [W] of a last-resort issue of entity i: shares below their value, the more so the more are sold."""
    h, rules = net.lists.outside_of[i], net.rules
    for lane in range(amount.size):
        if amount[lane] > 0.0:
            s.rescue[i, lane] = max(0.0, s.rescue[i, lane] - amount[lane])
            used = 1.0 - s.rescue[i, lane] / s.rescue_limit[i, lane]
            discount = rules.rescue_low + (rules.rescue_high - rules.rescue_low) * used
            s.new_money[h, lane] += amount[lane]
            s.discounted[i, lane] += amount[lane] * discount / (1.0 - discount)
            s.outside_in[i, lane] += amount[lane]


@part
def draw_liquidity(i, need, net, w, s):
    """Cover need [W] of entity i: the credit line first (counted down), then the market, then a last-resort issue; of who is saved the rest is granted.

    Adds to cash.
    """
    short = 0  # counted, as the largest of floating-point numbers is not found by vectors
    for lane in range(need.size):
        short += 1 if need[lane] > 0.0 else 0
    if short == 0:
        return
    market, issued = s.free[1], s.free[7]
    l = net.entities.new_debt_leg[i]
    for lane in range(need.size):
        wanted = need[lane]
        from_line = min(w.line[i, lane], wanted)
        w.line[i, lane] -= from_line
        rest = wanted - from_line
        beyond = max(0.0, rest - s.room[i, lane])
        issued[lane] = min(beyond, s.rescue[i, lane])
        grant = (beyond - issued[lane]) * w.saved[i, lane]
        market[lane] = rest - issued[lane] - grant
        s.room[i, lane] = max(0.0, s.room[i, lane] - market[lane])
        w.granted[lane] += grant
        w.cash[i, lane] += wanted
        s.outside_in[i, lane] += from_line + grant
        if l >= 0:
            s.drawn[l, lane] += from_line
    raise_money(i, market, net, s)
    if net.entities.rescue[i] > 0.0:
        issue_in_need(i, issued, net, s)
