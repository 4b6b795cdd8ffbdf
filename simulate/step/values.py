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
def mark_of(h, lane, net, now, w):
    """Return the marked value of holding h; with marks off, its stake of the opening value at the common index."""
    j = net.holdings.issuer[h]
    price = w.equity[j, lane] if now.marks else net.entities.equity0[j] * now.factors.valuation[lane]
    return w.stake[h, lane] * price


@part
def add_marks(i, total, net, now, w):
    """Add the marked value of the stakes of entity i to total [W]."""
    for h in stakes_of(i, net.lists):
        j = net.holdings.issuer[h]
        stake, price, opening = w.stake[h], w.equity[j], net.entities.equity0[j]
        for lane in range(total.size):
            total[lane] += stake[lane] * (price[lane] if now.marks else opening * now.factors.valuation[lane])
