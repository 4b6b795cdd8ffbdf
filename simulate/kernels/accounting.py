"""Realised losses by entity, channel and deal (docs/model.md 4.10). Discounted USD bn. Channels: 0 credit, 1 contract, 2 equity, 3 collateral, 4 stranded."""

from simulate.kernels.earnings import fill_carrying
from simulate.kernels.jit import part
from simulate.kernels.resolution import LIQUIDATED
from simulate.kernels.rows import (
    ACTIVE,
    ALIVE,
    BOOK_LIFE,
    CHIP_OF_CAPEX,
    CLAIM,
    CLAIM_CREDIT,
    CLAIM_NOW,
    COST_PER_GW,
    COVER,
    COVERED,
    COVERS,
    CREDIT,
    CUT,
    D0,
    DUE,
    FLEET_VALUE,
    FOLLOW_DELIVERY,
    GW_IDLE,
    HOST,
    LEG_DEAL,
    LEG_GROUP,
    OWNER_ENTITY,
    PAY,
    PAYEE,
    PAYER,
    RELET_SHARE,
    RETURNED,
    ROWS_CONTRACT,
    ROWS_GUARANTEE,
    ROWS_INSIDE,
    SAVED,
    SCHED,
    SENIORITY,
    SHARE,
    STRANDED,
    STRANDED_DEAL,
    TROUBLED,
    VOLUME,
    WORN,
)


@part
def book_claims(legs, layout, by_deal, now, w, s):
    """Credit losses at default and recoveries later; damages received count against contract losses. Before the claims change.

    by_deal: also by deal and contract, which only the first world keeps.
    """
    for lane in range(s.lane.shape[1]):
        if s.lane[TROUBLED, lane] > 0.0:
            for a in range(layout.count[ROWS_INSIDE]):
                i = layout.rows[ROWS_INSIDE, a]
                if s.entity[ACTIVE, i, lane] > 0.0:
                    book_claims_on(i, lane, legs, layout, by_deal, now, w, s)
            book_guarantees(lane, legs, layout, now, w, s)


@part
def book_claims_on(i, lane, legs, layout, by_deal, now, w, s):
    """What the creditors of row i lose or recover. Every payment on a claim splits pro rata between its credit part and damages."""
    cut = s.entity[CUT, i, lane]
    living = w.entity[ALIVE, i, lane] > 0.0
    on = now.discount[lane]
    for b in range(layout.leg_start[i], layout.leg_start[i + 1]):
        l = layout.leg_of_payer[b]
        if layout.rank[l] > 3 or legs.rows[COVERS, l] >= 0:
            continue
        paid = s.leg[PAY, l, lane] - w.leg[COVERED, l, lane]
        if living:
            claim, credit_part = s.leg[CLAIM_NOW, l, lane], s.leg[CREDIT, l, lane] - s.leg[COVER, l, lane]
        else:
            claim, credit_part = w.leg[CLAIM, l, lane], w.leg[CLAIM_CREDIT, l, lane]
        part = credit_part / claim if claim > 0.0 else 1.0
        contract = -paid * (1.0 - part)
        if not living:
            credit = -(paid * part + w.leg[COVERED, l, lane])
        elif cut == LIQUIDATED:
            credit = s.leg[CREDIT, l, lane] - paid * part
        elif legs.rows[SENIORITY, l] == 1:
            credit, contract = 0.0, 0.0
        else:
            later = s.leg[CREDIT, l, lane] - s.leg[DUE, l, lane]
            credit, contract = s.leg[DUE, l, lane] - paid + cut * later, 0.0
        j, d = legs.rows[PAYEE, l], legs.rows[LEG_DEAL, l]
        w.loss[j, 0, lane] += credit * on
        if by_deal:
            w.loss[j, 1, lane] += contract * on
            w.deal_loss[d, lane] += (credit + contract) * on


@part
def book_guarantees(lane, legs, layout, now, w, s):
    """What a guarantor pays moves the loss from creditor to guarantor; its part of later recoveries moves back."""
    for a in range(layout.count[ROWS_GUARANTEE]):
        g = layout.rows[ROWS_GUARANTEE, a]
        l, i, j = legs.rows[COVERS, g], legs.rows[PAYER, g], legs.rows[PAYEE, g]
        moved = (s.leg[PAY, g, lane] - s.leg[RETURNED, g, lane]) * now.discount[lane]
        # The creditor of a secured leg books no loss in a restructuring that a guarantor could take over.
        taken = 0.0 if legs.rows[SENIORITY, l] == 1 and s.entity[CUT, legs.rows[PAYER, l], lane] > 0.0 else moved
        w.loss[j, 0, lane] -= taken
        w.loss[i, 0, lane] += moved
        w.deal_loss[legs.rows[LEG_DEAL, l], lane] -= taken
        w.deal_loss[legs.rows[LEG_DEAL, g], lane] += moved


@part
def book_contracts(legs, layout, t, factors, draws, w, s):
    """Margin that providers lose on volume that is no longer taken, step by step, while they live."""
    for a in range(layout.count[ROWS_CONTRACT]):
        l = layout.rows[ROWS_CONTRACT, a]
        j, d = legs.rows[PAYEE, l], legs.rows[LEG_DEAL, l]
        relet, saved, follow = legs.terms[RELET_SHARE, l], legs.terms[SAVED, l], legs.terms[FOLLOW_DELIVERY, l]
        scale, share = draws.scale[legs.rows[LEG_GROUP, l]], s.entity[SHARE, max(legs.rows[HOST, l], 0)]
        for lane in range(s.lane.shape[1]):
            lost = legs.by_step[SCHED, l, t] * scale[lane] * (1.0 - follow + follow * share[lane]) * (1.0 - w.leg[VOLUME, l, lane])
            part = max(0.0, min(1.0, relet * factors.rental[lane] + saved * (1.0 - relet)))
            loss = lost * (1.0 - part) * w.entity[ALIVE, j, lane] * factors.discount[lane]
            w.loss[j, 1, lane] += loss
            w.deal_loss[d, lane] += loss


@part
def book_fleets(grid, fleet, rules, life_values, t, life, factors, w, s):
    """Idle and worn-out chips (stranded), and the shortfall of a forced sale (collateral); of their owner only."""
    lanes = s.lane.shape[1]
    for o in range(fleet.rows[OWNER_ENTITY].size):
        i, d = fleet.rows[OWNER_ENTITY, o], fleet.rows[STRANDED_DEAL, o]
        idle_cost = fleet.terms[COST_PER_GW, o] * fleet.terms[CHIP_OF_CAPEX, o] * grid.dt / fleet.terms[BOOK_LIFE, o]
        alive, gw, worn, total = w.entity[ALIVE, i], s.owner[GW_IDLE, o], s.owner[WORN, o], s.free[0]
        cut = s.entity[CUT, i]
        sold_in = 0
        for lane in range(lanes):
            sold_in += 1 if cut[lane] == LIQUIDATED else 0
        if sold_in > 0:
            book_forced_sale(o, i, d, idle_cost, grid, fleet, rules, life_values, t, life, factors, w, s)
        for lane in range(lanes):
            early = max(0.0, 1.0 - life[lane] / fleet.terms[BOOK_LIFE, o]) * worn[lane] * alive[lane]
            total[lane] = (gw[lane] * idle_cost + early) * factors.discount[lane]
        for lane in range(lanes):
            w.lane[STRANDED, lane] += gw[lane] * grid.dt
        for lane in range(lanes):
            w.loss[i, 4, lane] += total[lane]
            w.deal_loss[d, lane] += total[lane]


@part
def book_forced_sale(o, i, d, idle_cost, grid, fleet, rules, life_values, t, life, factors, w, s):
    """What the chips of owner o (entity i, pseudo-deal d) stand in the books for after the depreciation of idle ones, less what their forced sale brings."""
    carrying = s.free[1]
    fill_carrying(o, t, grid.dt, fleet, life_values, life, w, s, carrying)
    for lane in range(carrying.size):
        if s.entity[CUT, i, lane] == LIQUIDATED:
            sold = (1.0 - rules.terms[D0]) * s.entity[FLEET_VALUE, i, lane]
            forced = max(0.0, carrying[lane] - s.owner[GW_IDLE, o, lane] * idle_cost - sold) * factors.discount[lane]
            w.loss[i, 3, lane] += forced
            w.deal_loss[d, lane] += forced
