"""Values that several sections use: core business, multiple on receipts, marks of stakes (docs/model.md 4.9). USD bn."""

from simulate.kernels.jit import part, stage
from simulate.kernels.maths import exp_of
from simulate.step.lists import stakes_of


@stage
def value_core(net, now, s):
    """Compute the core value of every entity at the common valuation index, core0 V^beta."""
    entities, log_valuation = net.entities, now.factors.log_valuation
    for i in net.lists.inside:
        if entities.core0[i] > 0.0:
            core = s.core_value[i]
            for lane in range(core.size):
                core[lane] = entities.core0[i] * exp_of(entities.core_beta[i] * log_valuation[lane])


@part
def multiple(i, tau, net):
    """Return the multiple on yearly receipts at time tau [years]: fades from mult0 to the mature one."""
    entities = net.entities
    return entities.mult_mature[i] + (entities.mult0[i] - entities.mult_mature[i]) * exp_of(-tau / entities.mult_tau[i])


@part
def price_of(j, lane, now, w):
    """Return what all of the equity of entity j is marked at: with marks off, after its failure, the last mark before it at the common index."""
    kept = not now.marks and w.default_step[j, lane] >= 0.0
    return w.last_mark[j, lane] * now.factors.valuation[lane] if kept else w.equity[j, lane]


@part
def mark_of(h, lane, net, now, w):
    """Return the marked value of holding h."""
    return w.stake[h, lane] * price_of(net.holdings.issuer[h], lane, now, w)


@part
def chips_pledged(l, i, lane, net, s):
    """Return the value of the chips of payer i that secure leg l: its shares of those of the opening, and of those bought later."""
    old = s.opening_value[i, lane]
    return net.legs.coll_fleet[l] * old + net.legs.coll_later[l] * max(0.0, s.fleet_value[i, lane] - old)


@part
def add_marks(i, total, net, now, w):
    """Add the marked value of the stakes of entity i to total [W]."""
    for h in stakes_of(i, net.lists):
        j = net.holdings.issuer[h]
        stake, price = w.stake[h], w.equity[j]
        if now.marks:
            for lane in range(total.size):
                total[lane] += stake[lane] * price[lane]
        else:
            for lane in range(total.size):
                total[lane] += stake[lane] * price_of(j, lane, now, w)
