"""Volume of compute contracts: customers sign more as they grow, and stretch or cancel against a fee as they fall short.

A customer with a revenue process wants the compute that its revenue needs, between a floor and a ceiling over plan, and comes closer by a share a step.
More than planned is bought at the rental price of the day; less than planned costs a fee, once, in years of payment of what is given up. What nobody defaults
on is no contagion: volumes are the same in all worlds.
"""

import math
from typing import NamedTuple

import numpy as np

from simulate.factors.section import Context
from simulate.kernels.jit import part
from simulate.model import Array, Variable

STATE = {"process": {"contracted": Variable("share of plan", "compute under contract over plan, floor and ceiling kept")}}
STEP = {
    "process": {
        "size": Variable("share of plan", "compute under contract over plan"),
        "upkeep": Variable("share of plan", "cost of that compute over plan: beyond it at the rental price"),
    },
    "volume": {
        "capacity": Variable("ratio", "compute of a contract over its terms: executed size of its group times the customer's size"),
        "payable": Variable("ratio", "payment of a contract over its terms, with what more compute costs and the fee for less"),
    },
}


class Rows(NamedTuple):
    """Parameters of a step: a row a process, and a row a volume, which is a group of deals seen by a customer."""

    floor: Array  # [R]
    ceiling: Array  # [R]
    speed: Array  # [R] share of the way in a step
    fee: Array  # [R] steps of payment
    group: Array  # [C] int64 row of the groups of deals; the first S volumes are the groups themselves
    process: Array  # [C] int64 process of the customer, -1: none that moves


def compile_rows(context: Context) -> Rows:
    """Return the rows of all processes, and of the groups of deals followed by the volumes that move."""
    dt, customers, groups = context.timeline.dt, [process.flexibility for process in context.processes], len(context.groups)
    return Rows(
        floor=np.array([customer.floor for customer in customers], float),
        ceiling=np.array([customer.ceiling for customer in customers], float),
        speed=np.array([-math.expm1(-dt / customer.years) for customer in customers], float),
        fee=np.array([customer.fee / dt for customer in customers], float),
        group=np.array([*range(groups), *(group for group, _ in context.volumes)], np.int64),
        process=np.array([-1] * groups + [process for _, process in context.volumes], np.int64),
    )


@part
def begin(p, draws, state, out):
    """Begin as contracted: volumes are the executed sizes of their groups."""
    state.contracted[:] = 1.0
    out.size[:] = 1.0
    out.upkeep[:] = 1.0
    for c in range(p.group.size):
        for lane in range(out.rental.size):
            out.capacity[c, lane] = draws.scale[p.group[c], lane]
            out.payable[c, lane] = draws.scale[p.group[c], lane]


@part
def advance(p, draws, fee, state, out):
    """Advance the contracts of every customer, and what volumes bring and cost (2.11); fee [W] is scratch."""
    for r in range(p.floor.size):
        if p.floor[r] == 1.0 and p.ceiling[r] == 1.0:
            continue
        move_size(p, r, fee, state, out)
        upkeep, size = out.upkeep[r], out.size[r]
        for c in range(p.group.size):
            if p.process[c] == r:
                scale, capacity, payable = draws.scale[p.group[c]], out.capacity[c], out.payable[c]
                for lane in range(fee.size):
                    capacity[lane] = scale[lane] * size[lane]
                    payable[lane] = scale[lane] * (upkeep[lane] + fee[lane])


@part
def move_size(p, r, fee, state, out):
    """Move the contracts of customer r towards what its revenue needs; fee [W]: steps of payment for what it gives up."""
    floor, ceiling, speed, price = p.floor[r], p.ceiling[r], p.speed[r], p.fee[r]
    before, size, upkeep, ratio = state.contracted[r], out.size[r], out.upkeep[r], out.ratio[r]
    for lane in range(fee.size):
        old = before[lane]
        new = old + speed * (min(max(ratio[lane], floor), ceiling) - old)
        less, more = min(new, 1.0), max(new - 1.0, 0.0)
        fee[lane] = price * max(0.0, min(old, 1.0) - less)
        size[lane] = new
        upkeep[lane] = less + more * out.rental[lane]
        before[lane] = new
