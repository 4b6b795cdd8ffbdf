"""Outputs: the results of a tile, copied into the columns of a block (the variables of simulate/schema.py)."""

from collections import namedtuple
from typing import Any, NamedTuple

import numpy as np

from simulate.kernels.fields import name_rows
from simulate.kernels.jit import part, stage
from simulate.model import CHANNELS, CREDIT, EQUITY, MARKS, Array, Model
from simulate.schema import FACTORS, VARIABLES
from simulate.step.begin import world_of
from simulate.step.memory import DETAIL, years_of, zeros

Outputs: Any = namedtuple("Outputs", VARIABLES)  # type: ignore[misc]  # fields of the schema; dims of the variables, the path last


class Summary(NamedTuple):
    """Summaries of the factors of each path of a tile; the names of FACTORS stand on its rows."""

    rows: Array  # [F, W]


name_rows(Summary, "rows", tuple(FACTORS))


def new_outputs(model: Model, paths: int) -> Any:
    """Allocate the outputs of a block of paths, zero."""
    rules = model.rules
    sizes = {
        "world": rules.world_detail.size,
        "detail": int((rules.world_detail > 0).sum()),
        "entity": model.grid.entities,
        "channel": len(CHANNELS),
        "deal": model.grid.deals,
        "year": years_of(model.grid),
        "factor": len(FACTORS),
        "process": len(model.factors.revenue.plan0) - int(np.count_nonzero(model.entities.surprise >= 0)),
    }
    return Outputs(*(zeros((*(sizes[dim] for dim in variable.dims[1:]), paths)) for variable in VARIABLES.values()))


@stage
def summarise(summary, now):
    """Update the summaries that depend on every step: least, largest, sums."""
    factors, first = now.factors, now.t == 0
    for lane in range(factors.rate.size):
        summary.confidence_min[lane] = factors.confidence[lane] if first else min(summary.confidence_min[lane], factors.confidence[lane])
        summary.short_rate_mean[lane] += factors.rate[lane]
        summary.spread_mean[lane] += factors.spread[lane]
        summary.power_gap_max[lane] = max(summary.power_gap_max[lane], factors.gap[lane])
        summary.valuation_min[lane] = factors.valuation[lane] if first else min(summary.valuation_min[lane], factors.valuation[lane])
        summary.disappointment[lane] += factors.regime[lane]


@stage
def keep_tile(start, count, plans, worlds, memory, out, net):
    """Copy the results of a tile into columns start .. start + count - 1; plans: the factors of the model, worlds: flags of its worlds."""
    keep_factors(start, count, plans, memory, out, net)
    detail = 0
    for k in range(memory.worlds.lane.shape[0]):
        w = world_of(k, memory.worlds)
        keep_world(k, start, count, out, net, w)
        keep_mark_change(k, start, count, worlds, out, net, w)
        if worlds[k, DETAIL] > 0.0:
            keep_detail(detail, start, count, out, w)
            detail += 1


@part
def keep_factors(start, count, plans, memory, out, net):
    """Copy weights, summaries of factors, and delivery and final revenue by process."""
    factors, draws, summary, steps = memory.factors, memory.draws, memory.summary, net.grid.steps
    for lane in range(count):
        out.log_weight[start + lane] = 0.0
        summary.demand_final[lane] = factors.demand[lane]
        summary.gpu_life[lane] = draws.life[lane]
        summary.short_rate_mean[lane] /= steps
        summary.spread_mean[lane] /= steps
        summary.rental_final[lane] = factors.rental[lane]
    for f in range(summary.rows.shape[0]):
        for lane in range(count):
            out.factor_summary[f, start + lane] = summary.rows[f, lane]
    for r in range(out.delivery.shape[0]):  # of processes that have a plan, which come first
        for lane in range(count):
            out.delivery[r, start + lane] = draws.delivery[r, lane]
            out.revenue_final[r, start + lane] = factors.ratio[r, lane] * plans.revenue.plan[r, steps - 1] / net.grid.dt


@part
def keep_world(k, start, count, out, net, w):
    """Copy defaults, sums over time and the system loss of world k, and of every entity what it caused, bore and was worth at its failure."""
    for lane in range(count):
        b = start + lane
        out.steps_shut[k, b] = w.steps_shut[lane]
        out.interest_paid[k, b] = w.interest_paid[lane]
        out.stranded_gw_years[k, b] = w.stranded_gw_years[lane]
        out.unconverged[k, b] = w.unconverged[lane]
        out.system_loss[k, b] = w.system[lane]
        out.system_loss_at_mark[k, b] = w.system_marked[lane]
        out.granted[k, b] = w.granted[lane]
        out.lender_loss[k, b] = 0.0
        out.outside_loss[k, b] = 0.0
        out.owner_loss[k, b] = 0.0
    for year in range(w.year_system.shape[0]):
        for lane in range(count):
            out.system_loss_by_year[k, year, start + lane] = w.year_system[year, lane]
    for i in range(net.grid.entities):
        for lane in range(count):
            out.default_step[k, i, start + lane] = w.default_step[i, lane]
            out.default_round[k, i, start + lane] = w.default_round[i, lane]
            out.failure_equity[k, i, start + lane] = w.failure_equity[i, lane]
            out.failure_short[k, i, start + lane] = w.failure_short[i, lane]
            out.caused[k, i, start + lane] = w.caused[i, lane]
            out.written_off[k, i, start + lane] = w.written_off[i, lane]
            out.marked_off[k, i, start + lane] = w.marked_off[i, lane]
            through = max(0.0, w.suffered[i, lane] - w.caused[i, lane] - w.written_off[i, lane]) * (1.0 - net.entities.outside[i])
            out.borne_through[k, i, start + lane] = through
            out.owner_loss[k, start + lane] += through
        if net.entities.outside[i] > 0.0:
            for lane in range(count):
                out.lender_loss[k, start + lane] += w.loss[i, CREDIT, lane]
                out.outside_loss[k, start + lane] += w.loss[i, CREDIT, lane] + w.loss[i, EQUITY, lane]


@part
def keep_mark_change(k, start, count, worlds, out, net, w):
    """Compute the change of the marked stakes of every entity in world k, less the cash it paid for stakes."""
    holdings, equity0, marks = net.holdings, net.entities.equity0, worlds[k, MARKS] > 0.0
    for i in range(net.grid.entities):
        for lane in range(count):
            out.mark_change[k, i, start + lane] = -w.paid_for_stakes[i, lane]
    for h in range(holdings.holder.size):
        i, j = holdings.holder[h], holdings.issuer[h]
        opening = holdings.stake0[h] * equity0[j]
        for lane in range(count):
            kept = not marks and w.default_step[j, lane] >= 0.0
            price = w.last_mark[j, lane] * w.valuation_felt[lane] if kept else w.equity[j, lane]
            out.mark_change[k, i, start + lane] += w.stake[h, lane] * price - opening


@part
def keep_detail(d, start, count, out, w):
    """Copy losses by channel, by deal and by year of the d-th world that keeps them."""
    for i in range(w.loss.shape[0]):
        for c in range(w.loss.shape[1]):
            for lane in range(count):
                out.loss[d, i, c, start + lane] = w.loss[i, c, lane]
    for deal in range(w.deal_loss.shape[0]):
        for lane in range(count):
            out.deal_loss[d, deal, start + lane] = w.deal_loss[deal, lane]
            out.exposure_at_default[d, deal, start + lane] = w.exposure[deal, lane]
            out.default_loss[d, deal, start + lane] = w.default_loss[deal, lane]
    for year in range(w.year_loss.shape[0]):
        for i in range(w.year_loss.shape[1]):
            for lane in range(count):
                out.loss_by_year[d, year, i, start + lane] = w.year_loss[year, i, lane]
