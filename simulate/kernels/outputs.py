"""What a tile leaves behind, copied into the columns of the outputs of a block."""

from simulate.kernels.jit import part, stage
from simulate.kernels.rows import (
    DEFAULT_ROUND,
    DEFAULT_STEP,
    EQUITY,
    EQUITY0,
    HOLDER,
    INTEREST_SUM,
    ISSUER,
    OUTSIDE,
    PAID_FOR_STAKES,
    SHUT,
    STAKE,
    STAKE0,
    STRANDED,
    UNCONVERGED,
)


@stage
def keep_tile(grid, entities, holdings, plans, worlds, draws, factors, summary, start, count, out):
    """Copy what a tile leaves into columns start .. start + count - 1."""
    w, alone = worlds[0], worlds[1]
    steps = grid.steps
    for lane in range(count):
        b = start + lane
        out.log_weight[b] = 0.0
        # The order of state.FACTOR_SUMMARIES.
        out.factor[0, b] = factors.demand[lane]
        out.factor[1, b] = summary[0, lane]
        out.factor[2, b] = w.lane[SHUT, lane]
        out.factor[3, b] = draws.life[lane]
        out.factor[4, b] = summary[1, lane] / steps
        out.factor[5, b] = summary[2, lane] / steps
        out.factor[6, b] = summary[3, lane]
        out.factor[7, b] = summary[4, lane]
        out.factor[8, b] = factors.rental[lane]
        out.factor[9, b] = summary[5, lane]
        out.factor[10, b] = w.lane[INTEREST_SUM, lane]
        out.factor[11, b] = w.lane[STRANDED, lane]
        out.factor[12, b] = w.lane[UNCONVERGED, lane] + alone.lane[UNCONVERGED, lane]
    for i in range(grid.entities):
        for lane in range(count):
            b = start + lane
            out.default_step[i, b] = w.entity[DEFAULT_STEP, i, lane]
            out.default_step_alone[i, b] = alone.entity[DEFAULT_STEP, i, lane]
            out.default_round[i, b] = w.entity[DEFAULT_ROUND, i, lane]
            out.mark_change[i, b] = -w.entity[PAID_FOR_STAKES, i, lane]
        for c in range(w.loss.shape[1]):
            for lane in range(count):
                out.loss[i, c, start + lane] = w.loss[i, c, lane]
    for h in range(holdings.rows.shape[1]):
        i, j = holdings.rows[HOLDER, h], holdings.rows[ISSUER, h]
        opening = holdings.terms[STAKE0, h] * entities.terms[EQUITY0, j]
        for lane in range(count):
            out.mark_change[i, start + lane] += w.holding[STAKE, h, lane] * w.entity[EQUITY, j, lane] - opening
    for d in range(grid.deals):
        for lane in range(count):
            out.deal_loss[d, start + lane] = w.deal_loss[d, lane]
    for r in range(draws.delivery.shape[0]):
        for lane in range(count):
            out.delivery[r, start + lane] = draws.delivery[r, lane]
            out.revenue_final[r, start + lane] = factors.ratio[r, lane] * plans.rev_plan[r, steps - 1] / grid.dt
    sum_system_loss(entities, w, start, count, out.system_loss)
    sum_system_loss(entities, alone, start, count, out.system_loss_alone)


@part
def sum_system_loss(entities, w, start, count, total):
    """Credit and equity losses of outside nodes into total [B]: each dollar once, where it ends."""
    for lane in range(count):
        total[start + lane] = 0.0
    for i in range(w.loss.shape[0]):
        if entities.terms[OUTSIDE, i] > 0.0:
            for lane in range(count):
                total[start + lane] += w.loss[i, 0, lane] + w.loss[i, 2, lane]
