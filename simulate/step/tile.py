"""The step loop: factors once, then every world on the same draws (docs/model.md, section 4). The whole step on one screen."""

from typing import Any, NamedTuple

from simulate.kernels.jit import kernel, stage
from simulate.model import CONFIDENCE, MARKS, NONPAYMENT, RELIEF, SUPPLY
from simulate.step.begin import open_tile, world_of
from simulate.step.capacity import deliver_capacity
from simulate.step.clearing import clear
from simulate.step.dues import fall_due, plan_capex, roll_balances, value_collateral
from simulate.step.earnings import bear_cost, earn_revenue, earn_scheduled, relet_volume
from simulate.step.factors import draw_paths, move_factors
from simulate.step.funding import find_liquidity, open_door
from simulate.step.ledger import add_up
from simulate.step.losses import book_claims, book_contracts, book_fleets
from simulate.step.market import feel_market
from simulate.step.memory import DETAIL, LEAST, SAVES, SAVES_FIRST
from simulate.step.outputs import Summary, keep_tile, summarise
from simulate.step.resolution import advance_claims, decide, resolve
from simulate.step.settlement import issue_shares, pay_commitments, settle
from simulate.step.spending import spend
from simulate.step.state import Now, Step, Worlds
from simulate.step.valuation import smooth_receipts, value_equity
from simulate.step.watch import Trace, keep_cleared, keep_end, keep_flows, keep_state


class Memory(NamedTuple):
    """Memory that one thread fills anew for every tile of W lanes."""

    worlds: Worlds
    step: Step
    state: Any  # FactorState
    draws: Any  # PathDraws
    factors: Any  # StepFactors
    summary: Summary


@kernel
def simulate_tiles(plans, worlds, memory, first_path, paths, out, trace, audit, net):
    """Simulate paths first_path .. first_path + paths - 1 into `out` (the path is the last axis), tile by tile.

    plans: the factors of the model; worlds: flags of each world, and who is saved in it (memory.pack_worlds). The last tile is padded and its surplus lanes are
    dropped. `trace` [worlds, T, kinds, n, W] and `audit` are filled for the last tile; pass arrays of size 0 to record nothing.
    One function: numba compiles every callee again for each caller, so three levels would cost three times the compile time.
    """
    s, draws, factors = memory.step, memory.draws, memory.factors
    lanes = s.lane.shape[1]
    for start in range(0, paths, lanes):
        draw_paths(plans, first_path + start, memory.state, draws, factors)
        open_tile(memory, worlds.saves, net)
        for t in range(net.grid.steps):
            move_factors(net.grid, plans, t, first_path + start, memory.state, draws, factors)
            for k in range(worlds.flags.shape[0]):
                w = world_of(k, memory.worlds)
                on = worlds.flags[k]
                now = Now(
                    t, on[NONPAYMENT] == 0.0, on[SUPPLY] > 0.0, on[RELIEF] > 0.0, on[MARKS] > 0.0, on[CONFIDENCE] > 0.0, on[LEAST] > 0.0,
                    on[SAVES] > 0.0, on[SAVES_FIRST] > 0.0, on[DETAIL] > 0.0, factors, draws,
                )  # fmt: skip
                if k == 0:
                    summarise(memory.summary, now)
                feel_market(net, now, w, s)
                earn(net, now, w, s)
                clear_dues(net, now, w, s)
                if audit.entity.size > 0:
                    keep_cleared(k, audit, now, w, s)
                settle_and_spend(net, now, w, s)
                if trace.size > 0:
                    keep_flows(Trace(trace[k, t]), s)
                book_and_resolve(net, now, w, s)
                value_equity(net, now, w, s)
                if trace.size > 0:
                    keep_state(Trace(trace[k, t]), net, w, s)
                if audit.entity.size > 0:
                    keep_end(k, audit, now, w, s)
        keep_tile(start, min(lanes, paths - start), plans, worlds.flags, memory, out, net)


@stage
def earn(net, now, w, s):
    """Compute capacity, revenue, cost, and dues."""
    deliver_capacity(net, now, w, s)
    earn_scheduled(net, now, w, s)
    earn_revenue(net, now, w, s)
    relet_volume(net, now, w, s)
    bear_cost(net, now, w, s)
    plan_capex(net, now, w, s)
    value_collateral(net, now, w, s)
    fall_due(net, now, w, s)


@stage
def clear_dues(net, now, w, s):
    """Compute liquidity, and the payments of the clearing."""
    open_door(net, now, w, s)
    find_liquidity(net, now, w, s)
    clear(net, now, w, s)


@stage
def settle_and_spend(net, now, w, s):
    """Settle cash after clearing, then commitments, discretionary spending and new shares."""
    settle(net, now, w, s)
    pay_commitments(net, now, w, s)
    spend(net, now, w, s)
    issue_shares(net, w, s)


@stage
def book_and_resolve(net, now, w, s):
    """Book losses and resolve defaults, which others feel from the next step on; smooth receipts and burn of the step."""
    decide(net, now, w, s)
    book_claims(net, now, w, s)
    book_contracts(net, now, w, s)
    if now.detail:
        book_fleets(net, now, w, s)
    advance_claims(net, w, s)
    roll_balances(net, now, w, s)
    resolve(net, now, w, s)
    add_up(net, now, w, s)
    smooth_receipts(net, now, w, s)
