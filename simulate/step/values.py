"""Values that several sections use: multiple on receipts, marks of stakes (docs/model.md 4.9). USD bn."""

from simulate.kernels.jit import part
from simulate.kernels.maths import exp_of
from simulate.step.lists import stakes_of


@part
def multiple(i, tau, net):
    """Return the multiple on yearly receipts at time tau [years]: fades from mult0 to the mature one."""
    entities = net.entities
    return entities.mult_mature[i] + (entities.mult0[i] - entities.mult_mature[i]) * exp_of(-tau / entities.mult_tau[i])


@part
def price_of(j, lane, now, w):
    """Return what all of the equity of entity j is marked at: with marks off, after its failure, the last mark before it times the index its world feels."""
    kept = not now.marks and w.default_step[j, lane] >= 0.0
    return w.last_mark[j, lane] * w.valuation_felt[lane] if kept else w.equity[j, lane]


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
def chip_price(i, lane, net, w, s):
    """Return the share of their value that the chips of entity i bring in a forced sale: less, the more chips are sold at once and were sold lately."""
    sold = s.fleet_value[i, lane] + w.chips_sold[lane]
    return (1.0 - net.rules.d0) * exp_of(-sold * net.rules.chip_impact)


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
