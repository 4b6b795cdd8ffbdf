"""Dues: planned capex, collateral, amounts due by leg, and balances after payment (docs/model.md 4.3). A leg is one line of obligation of a deal; USD bn."""

from simulate.kernels.jit import part
from simulate.kernels.maths import copy_row
from simulate.model import CAPEX, SECURED
from simulate.step.earnings import has_ended
from simulate.step.values import chips_pledged, price_of


@part
def plan_capex(net, now, w, s):
    """Compute desired and committed capex: the plan, adjusted to receipts, power and rivals."""
    entities, rules, t, gap = net.entities, net.rules, now.t, now.factors.gap
    race, members = s.free[0], s.free[1]
    race[:] = 0.0
    members[:] = 0.0
    for i in net.lists.race:
        for lane in range(race.size):
            race[lane] += w.executed[i, lane] * w.alive[i, lane]
            members[lane] += w.alive[i, lane]
    for lane in range(race.size):
        race[lane] = min(race[lane] / members[lane], rules.capex_max) if members[lane] > 0.0 else 1.0
    for i in net.lists.inside:
        plan = entities.capex_plan[i, t]
        if plan <= 0.0:
            s.desired_capex[i, :] = 0.0
            s.committed_capex[i, :] = 0.0
            continue
        planned = entities.receipts_plan[i, t - 1] if t > 0 else 0.0
        theta = rules.race_theta * entities.in_race[i]
        for lane in range(race.size):
            demand = w.receipts[i, lane] / planned if planned > 0.0 else 1.0
            wanted = min(max(1.0 + entities.follow[i] * (demand - 1.0), 0.0), rules.capex_max)
            wanted *= plan * (1.0 - entities.power_follow[i] * gap[lane]) * (1.0 + theta * (race[lane] - 1.0))
            s.desired_capex[i, lane] = wanted * w.alive[i, lane]
            s.committed_capex[i, lane] = entities.committed[i] * wanted * w.alive[i, lane]


@part
def value_collateral(net, now, w, s):
    """Compute the market value of the collateral of each balance: chips of the payer, its core business, a stake."""
    legs = net.legs
    for l in net.lists.balance:
        if legs.seniority[l] != SECURED and legs.ltv[l] <= 0.0:
            continue
        i, h = legs.payer[l], legs.coll_holding[l]
        value = s.collateral[l]
        for lane in range(value.size):
            value[lane] = chips_pledged(l, i, lane, net, s) + legs.coll_core[l] * s.core_value[i, lane]
        if h >= 0:
            j = net.holdings.issuer[h]
            for lane in range(value.size):
                value[lane] += legs.coll_stake[l] * w.stake[h, lane] * price_of(j, lane, now, w)


@part
def fall_due(net, now, w, s):
    """Compute the amount due on every leg whose payer lives; in insured worlds also the amount that its payee would receive if nobody had failed.

    Sums operating_out (operating legs other than capex), interest_due and dues by payer, and received_full by payee, in the same loops.
    """
    s.operating_out[:] = 0.0
    s.dues[:] = 0.0
    s.received_full[:] = 0.0
    s.interest_due[:] = 0.0
    share_revenue(net, now, w, s)
    if now.insured:
        find_disturbed(net, w, s)
    fall_due_by_terms(net.lists.scheduled, net, now, w, s)
    fall_due_by_terms(net.lists.revenue_share, net, now, w, s)
    fall_due_as_capex(net, now, w, s)
    for l in net.lists.opex:
        copy_row(s.cost[net.legs.payer[l]], s.due[l])
        if now.insured:
            copy_row(s.due[l], s.due_undisturbed[l])
        add_dues(l, net, now, s)
    for l in net.lists.balance:
        fall_due_of_balance(l, net, now, w, s)
        run_undisturbed(l, net, now, w, s)
        add_dues(l, net, now, s)
    for i in range(s.dues.shape[0]):
        for lane in range(s.dues.shape[1]):
            s.dues[i, lane] += s.operating_out[i, lane]


@part
def share_revenue(net, now, w, s):
    """Compute the earnings of the legs that share the revenue of their payer."""
    legs = net.legs
    for l in net.lists.revenue_share:
        i = legs.payer[l]
        scale = now.draws.scale[legs.group[l]]
        for lane in range(scale.size):
            full = legs.sched[l, now.t] * scale[lane] * s.revenue[i, lane]
            s.due_undisturbed[l, lane] = 0.0 if has_ended(l, net, now) else full
            s.earned[l, lane] = full * w.volume[l, lane]
        copy_row(s.earned[l], s.due[l])


@part
def fall_due_by_terms(which, net, now, w, s):
    """Compute dues of the legs in `which`, which earn by schedule or revenue: payment terms move a part to the next step."""
    legs = net.legs
    for l in which:
        if legs.delay[l] == 0.0 and legs.receivable0[l] == 0.0:
            if legs.sched[l, now.t] != 0.0:
                add_dues(l, net, now, s)
            continue
        at_once = 1.0 - legs.delay[l]
        due, earned, receivable = s.due[l], s.earned[l], w.receivable[l]
        for lane in range(due.size):
            due[lane] = at_once * earned[lane] + receivable[lane]
        if now.insured:
            undisturbed, receivable = s.due_undisturbed[l], w.receivable_undisturbed[l]
            for lane in range(due.size):
                later = legs.delay[l] * undisturbed[lane]
                undisturbed[lane] = at_once * undisturbed[lane] + receivable[lane]
                receivable[lane] = later
        add_dues(l, net, now, s)


@part
def fall_due_as_capex(net, now, w, s):
    """Committed capex falls due by the shares of its receivers; undisturbed, the planned capex of the dead goes on."""
    entities, legs, gap = net.entities, net.legs, now.factors.gap
    for l in net.lists.capex:
        i = legs.payer[l]
        share = legs.capex_share[l]
        plan = share * entities.capex_plan[i, now.t]
        due, committed = s.due[l], s.committed_capex[i]
        for lane in range(due.size):
            due[lane] = share * committed[lane]
        if now.insured and s.disturbed[i] == 0:
            copy_row(due, s.due_undisturbed[l])
        elif now.insured:
            for lane in range(due.size):
                dead = plan * (1.0 - entities.power_follow[i] * gap[lane]) * (1.0 - w.alive[i, lane])
                s.due_undisturbed[l, lane] = due[lane] + dead
        add_dues(l, net, now, s)


@part
def fall_due_of_balance(l, net, now, w, s):
    """Compute interest and principal of balance l, with the call of a covenant, and its scheduled draw: no lender pays a draw to who has failed."""
    legs, dt = net.legs, net.grid.dt
    i = legs.payer[l]
    amort, ltv, drawn = legs.amort[l, now.t], legs.ltv[l], legs.draw[l, now.t]
    fixed, floating, margin = legs.rate_fixed[l], legs.rate_float[l], legs.rate_spread[l]
    balance, repaid, due, m = w.balance[l], s.principal[l], s.due[l], net.entities.spread_move[i]
    own = now.factors.own_move_before[m] if m >= 0 else due  # of its spread
    total = s.interest_due[i]
    for lane in range(due.size):
        rate = max(0.0, fixed + floating * now.factors.rate_before[lane] + margin * w.spread_felt[lane] * (own[lane] if m >= 0 else 1.0)) * dt
        interest = balance[lane] * rate
        due[lane] = interest
        total[lane] += interest
    for lane in range(due.size):
        repaid[lane] = balance[lane] * amort
    if ltv > 0.0:
        for lane in range(due.size):
            call = max(0.0, balance[lane] - repaid[lane] - ltv * s.collateral[l, lane])
            repaid[lane] = min(balance[lane], repaid[lane] + call)
    for lane in range(due.size):
        due[lane] += repaid[lane]
    if net.lists.draws[l] > 0:
        scale = now.draws.scale[legs.group[l]]
        for lane in range(due.size):
            failed = w.alive[i, lane] == 0.0 or w.restructured[i, lane] > 0.0
            s.drawn[l, lane] = 0.0 if failed else drawn * scale[lane]


@part
def run_undisturbed(l, net, now, w, s):
    """Compute the amount that balance l would bring if its payer had not failed: after a failure it runs on by its schedule alone."""
    legs = net.legs
    i = legs.payer[l]
    due, full = s.due[l], s.due_undisturbed[l]
    if now.insured and s.disturbed[i] == 0:
        copy_row(due, full)
    elif now.insured:
        fixed, floating, margin, amort = legs.rate_fixed[l], legs.rate_float[l], legs.rate_spread[l], legs.amort[l, now.t]
        balance, alive, restructured, m = w.balance_undisturbed[l], w.alive[i], w.restructured[i], net.entities.spread_move[i]
        own = now.factors.own_move_before[m] if m >= 0 else due
        for lane in range(due.size):
            rate = max(0.0, fixed + floating * now.factors.rate_before[lane] + margin * w.spread_felt[lane] * (own[lane] if m >= 0 else 1.0)) * net.grid.dt
            on = balance[lane] * (rate + amort)
            quiet = alive[lane] * (1.0 if restructured[lane] == 0.0 else 0.0)
            owed = due[lane]
            full[lane] = owed if quiet > 0.0 else on


@part
def find_disturbed(net, w, s):
    """Count in disturbed [n] the lanes in which an entity is dead or was restructured. An entity disturbed in no lane has due_undisturbed equal to due."""
    for i in net.lists.inside:
        alive, restructured = w.alive[i], w.restructured[i]
        found = 0
        for lane in range(alive.size):
            found += 1 if alive[lane] == 0.0 or restructured[lane] > 0.0 else 0
        s.disturbed[i] = found


@part
def add_dues(l, net, now, s):
    """Add the due of leg l to the dues of its payer and the receipts of its payee (in insured worlds the undisturbed amount)."""
    legs = net.legs
    operating = legs.operating[l] > 0.0 and legs.driver[l] != CAPEX
    due, dues = s.due[l], (s.operating_out if operating else s.dues)[legs.payer[l]]
    arrives, receives = (s.due_undisturbed if now.insured else s.due)[l], s.received_full[legs.payee[l]]
    for lane in range(due.size):
        dues[lane] += due[lane]
        receives[lane] += arrives[lane]


@part
def roll_balances(net, now, w, s):
    """Compute balances after payment and draws, and receivables of the next step; an undisturbed balance runs on after a failure."""
    legs, t = net.legs, now.t
    for l in net.lists.balance:
        i = legs.payer[l]
        balance, drawn, repaid = w.balance[l], s.drawn[l], s.principal[l]
        if net.lists.draws[l] > 0:
            for lane in range(balance.size):
                balance[lane] += drawn[lane] - repaid[lane]
        elif legs.amort[l, t] == 0.0 and legs.ltv[l] <= 0.0:
            continue  # nothing moves, in the undisturbed balance neither
        else:
            for lane in range(balance.size):
                balance[lane] -= repaid[lane]
        if now.insured and s.disturbed[i] == 0:
            copy_row(balance, w.balance_undisturbed[l])
        elif now.insured:
            alive, restructured, undisturbed = w.alive[i], w.restructured[i], w.balance_undisturbed[l]
            stays = 1.0 - legs.amort[l, t]
            for lane in range(balance.size):
                quiet = alive[lane] * (1.0 if restructured[lane] == 0.0 else 0.0)
                after, on = balance[lane], undisturbed[lane] * stays + drawn[lane]
                undisturbed[lane] = after if quiet > 0.0 else on
    roll_receivables(net.lists.scheduled, net, w, s)
    roll_receivables(net.lists.revenue_share, net, w, s)


@part
def roll_receivables(which, net, w, s):
    """Keep the earnings of the step that the legs in `which` pay in the next."""
    legs = net.legs
    for l in which:
        if legs.delay[l] > 0.0 or legs.receivable0[l] > 0.0:
            for lane in range(w.receivable.shape[1]):
                w.receivable[l, lane] = legs.delay[l] * s.earned[l, lane]
