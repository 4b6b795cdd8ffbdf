"""Clearing alone, for one-period networks: the stages of a step's clearing with nothing before and nothing after.

The waterfall, the waves and the ascent are those of step/clearing.py, so published examples test the step too.
There are two differences. A step stops at a change of 1e-12 of the amounts due in its lane; here the iteration goes on until no payment
changes by more than its rounding. And a descent of a step computes receipts as full payment less shortfalls; here they are added up. So networks
that leak little, closed rings, and firms much smaller than their neighbours are exact too.
"""

from simulate.kernels.jit import kernel, part
from simulate.step.clearing import add_claims_on_estates, find_active_estates, find_trouble, solve


@kernel
def clear_one_period(net, now, w, s):
    """Compute the greatest or (now.least) the least clearing vector of every lane: pay [L], received, failing, wave [n]; given due [L] and cash_in [n]."""
    sum_dues(net, s)
    find_active_estates(net, now, w, s)
    add_claims_on_estates(net, now, w, s)
    find_trouble(net, w, s)
    s.due_in_all[:] = 0.0
    for lane in range(s.troubled.size):
        for l in range(net.legs.payer.size):
            s.pay[l, lane] = s.due[l, lane]  # clearing writes the payments of those who fail
        if now.least or s.troubled[lane] > 0.0:
            solve(lane, now.least, True, net, now, w, s)


@part
def sum_dues(net, s):
    """Sum the amounts due on all legs: dues by payer and received_full by payee."""
    s.dues[:] = 0.0
    s.received_full[:] = 0.0
    for l in range(net.legs.payer.size):
        for lane in range(s.troubled.size):
            s.dues[net.legs.payer[l], lane] += s.due[l, lane]
            s.received_full[net.legs.payee[l], lane] += s.due[l, lane]
