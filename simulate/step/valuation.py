"""Valuation at the end of the step: smoothed receipts and EBITDA, equity of all entities at once (docs/model.md 4.9). USD bn.

Equity: Elliott, Golub and Jackson (2014) with limited liability.
"""

from simulate.kernels.jit import part, stage
from simulate.kernels.maths import LITTLE
from simulate.model import BALANCE
from simulate.step.lists import legs_of
from simulate.step.values import add_marks, multiple


@part
def smooth_receipts(net, now, w, s):
    """Update smoothed operating receipts and EBITDA, and the burn of the step."""
    legs, lists, rules = net.legs, net.lists, net.rules
    # Receipts are operating, except on the short list of other legs.
    for i in lists.inside:
        for lane in range(s.open.size):
            s.operating_in[i, lane] = s.received[i, lane] + s.arrived[i, lane]
    for l in lists.other_in:
        j = legs.payee[l]
        arrives = s.due_undisturbed[l] if now.insured else s.due[l]
        for lane in range(s.open.size):
            s.operating_in[j, lane] -= arrives[lane]
    correct_receipts(net, now, s)
    for i in lists.inside:
        interest = s.interest[i]
        for lane in range(s.open.size):
            interest[lane] = s.interest_due[i, lane] * (1.0 - s.failing[i, lane])
            w.interest_paid[lane] += interest[lane]
        for lane in range(s.open.size):
            alive = w.alive[i, lane]
            receipts = (s.revenue[i, lane] + s.relet_receipts[i, lane] + s.operating_in[i, lane]) * alive
            earned = receipts - s.operating_out[i, lane] * alive
            w.receipts[i, lane] += rules.smoothing * (receipts - w.receipts[i, lane])
            w.ebitda[i, lane] += rules.smoothing * (earned - w.ebitda[i, lane])
            burnt = (interest[lane] + s.capex_paid[i, lane] - earned) * alive
            # Without cash, a burn that is only rounding would be a runway of 0.
            w.burn[i, lane] = burnt if burnt > LITTLE * receipts else 0.0


@part
def correct_receipts(net, now, s):
    """Replace dues by payments in lanes where an entity was cleared."""
    legs, lists = net.legs, net.lists
    for lane in range(s.troubled.size):
        if s.troubled[lane] == 0.0:
            continue
        for l in lists.operating_out:
            i = legs.payer[l]
            if s.active[i, lane] > 0.0:
                s.operating_out[i, lane] += s.pay[l, lane] - s.due[l, lane]
        if now.insured:
            continue
        for l in lists.other_in:
            if s.active[legs.payer[l], lane] > 0.0 or legs.covers[l] >= 0:
                s.operating_in[legs.payee[l], lane] -= s.pay[l, lane] - s.due[l, lane]
        for g in lists.guarantee:
            # Returns to a guarantor are no operating receipts of it, and do not reduce those of the creditor.
            s.operating_in[legs.payer[g], lane] -= s.returned[g, lane]
            s.operating_in[legs.payee[g], lane] += s.returned[g, lane]


@stage
def value_equity(net, now, w, s):
    """Compute the equity of every valued entity: assets at market less debt, at least 0; then debt and holdings for the next step."""
    lists, stakes = net.lists, s.free[0]
    sum_debts(net, now, w, s)
    for i in lists.valued:
        value_business(i, net, now, w, s)
    for _ in range(net.rules.equity_sweeps):
        for i in lists.valued:
            if lists.hold_start[i] == lists.hold_start[i + 1]:
                continue
            stakes[:] = 0.0
            add_marks(i, stakes, net, now, w)
            for lane in range(stakes.size):
                w.equity[i, lane] = max(0.0, s.worth[i, lane] + stakes[lane]) * w.alive[i, lane]
    for i in lists.inside:
        stakes[:] = 0.0
        add_marks(i, stakes, net, now, w)
        for lane in range(stakes.size):
            w.holdings_value[i, lane] = s.core_value[i, lane] + stakes[lane]


@part
def sum_debts(net, now, w, s):
    """Sum the balances that every entity owes (debt) and that living debtors owe it (lent; in insured worlds undisturbed)."""
    legs, lists = net.legs, net.lists
    if lists.lent.size > 0:
        s.lent[:] = 0.0
    for i in lists.inside:
        w.debt[i, :] = 0.0
        for l in legs_of(i, lists):
            if legs.driver[l] == BALANCE:
                for lane in range(s.open.size):
                    w.debt[i, lane] += w.balance[l, lane]
    for l in lists.lent:
        i, j = legs.payer[l], legs.payee[l]
        for lane in range(s.open.size):
            s.lent[j, lane] += w.balance_undisturbed[l, lane] if now.insured else w.balance[l, lane] * w.alive[i, lane]


@part
def value_business(i, net, now, w, s):
    """Compute the worth of entity i without its stakes: core, the larger of going concern and fleet, cash, and lent less debt."""
    price = multiple(i, (now.t + 1) * net.grid.dt, net) / net.grid.dt
    worth = s.worth[i]
    for lane in range(worth.size):
        concern = price * w.valuation_felt[lane] * s.appraisal[i, lane] * w.receipts[i, lane]
        worth[lane] = s.core_value[i, lane] + max(concern, s.fleet_value[i, lane]) + w.cash[i, lane]
    if net.lists.lent.size > 0:
        for lane in range(worth.size):
            worth[lane] += s.lent[i, lane] - w.debt[i, lane]
    else:
        for lane in range(worth.size):
            worth[lane] -= w.debt[i, lane]
    for lane in range(worth.size):
        w.equity[i, lane] = max(0.0, worth[lane]) * w.alive[i, lane]
