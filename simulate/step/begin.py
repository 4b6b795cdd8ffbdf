"""Opening state of a tile and its worlds (docs/model.md, section 3)."""

from simulate.kernels.jit import part, small, stage
from simulate.step.state import World


@stage
def open_tile(memory, saves, net):
    """Set the opening state of every world, and the summaries. saves: [worlds, n] 1 for who is saved."""
    memory.summary.rows[:] = 0.0
    for k in range(memory.worlds.lane.shape[0]):
        w = world_of(k, memory.worlds)
        open_world(net, w)
        for i in net.lists.inside:
            w.saved[i, :] = saves[k, i]


@small
def world_of(k, worlds):
    """Return world k, as views."""
    return World(
        worlds.entity[k], worlds.owner[k], worlds.chips[k], worlds.leg[k], worlds.holding[k], worlds.lane[k], worlds.loss[k], worlds.deal_loss[k],
        worlds.exposure[k], worlds.default_loss[k], worlds.year_loss[k], worlds.year_system[k],
    )  # fmt: skip


@part
def open_world(net, w):
    """Set the opening state of a world."""
    w.entity[:] = 0.0
    w.owner[:] = 0.0
    w.leg[:] = 0.0
    w.lane[:] = 0.0
    w.loss[:] = 0.0
    w.deal_loss[:] = 0.0
    w.exposure[:] = 0.0
    w.default_loss[:] = 0.0
    w.year_loss[:] = 0.0
    w.year_system[:] = 0.0
    w.alive[:] = 1.0
    w.executed[:] = 1.0
    w.volume[:] = 1.0
    w.default_step[:] = -1
    w.default_round[:] = -1
    open_entities(net, w)
    open_legs(net, w)
    open_holdings(net, w)
    for o in range(net.fleet.entity.size):
        w.fleet[o, 0] = net.fleet.fleet0[o]
        w.installed[o] = net.fleet.fleet0[o]
    w.fleet_sum[:, 0] = 0.0


@part
def open_entities(net, w):
    """Set balance sheets and smoothed receipts of entities at the opening."""
    entities = net.entities
    for i in range(net.grid.entities):
        w.cash[i] = entities.cash0[i]
        w.line[i] = entities.line0[i]
        w.equity[i] = entities.equity0[i]
        w.receipts[i] = entities.receipts0[i]
        w.ebitda[i] = entities.ebitda0[i]


@part
def open_legs(net, w):
    """Set balances and receivables at the opening."""
    legs = net.legs
    for l in range(legs.payer.size):
        w.balance[l] = legs.bal0[l]
        w.balance_undisturbed[l] = legs.bal0[l]
        w.receivable[l] = legs.receivable0[l]
        w.receivable_undisturbed[l] = legs.receivable0[l]
        w.cover_left[l] = legs.cover_cap[l]
        for lane in range(w.debt.shape[1]):
            w.debt[legs.payer[l], lane] += legs.bal0[l]


@part
def open_holdings(net, w):
    """Set stakes at the opening, and the value of core business and stakes."""
    holdings, entities = net.holdings, net.entities
    for h in range(holdings.holder.size):
        w.stake[h] = holdings.stake0[h]
        w.stake_cost[h] = holdings.cost0[h]
        for lane in range(w.debt.shape[1]):
            w.holdings_value[holdings.holder[h], lane] += holdings.stake0[h] * entities.equity0[holdings.issuer[h]]
    for i in range(net.grid.entities):
        for lane in range(w.debt.shape[1]):
            w.holdings_value[i, lane] += entities.core0[i]
