"""Clearing alone: the stages of a step's clearing with nothing before and nothing after, for one-period networks.

The waterfall and the waves are those of kernels/clearing.py, so what is known of published examples is known of the step too.
Two differences: a step stops at a change of 1e-12 of what is due in its lane, here the iteration goes on until no payment changes by
more than its rounding; and a step takes receipts as full payment less what is missing, here they are summed from nothing. So a network
that leaks little, closed rings, and firms much smaller than their neighbours are exact too.
"""

from simulate.kernels.clearing import add_claims_on_estates, add_payments, clear_lane, find_active_estates, find_trouble, fix_claims, is_short, pay_by_waterfall
from simulate.kernels.jit import kernel, part
from simulate.kernels.rows import (
    ACTIVE,
    CAPACITY,
    CASH_IN,
    DUE,
    DUES,
    FAILING,
    PAY,
    PAYEE,
    PAYER,
    RECEIVED,
    RECEIVED_FULL,
    ROWS_INSIDE,
    TROUBLED,
    UNCONVERGED,
    WAVE,
    WORST,
)


@kernel
def clear_greatest(entities, legs, layout, rules, draws, w, s):
    """The greatest clearing vector of every lane: s PAY [L], RECEIVED [n], FAILING [n], WAVE [n]; given s DUE [L] and CASH_IN [n]."""
    sum_dues(legs, s)
    find_active_estates(legs, layout, False, w, s)
    add_claims_on_estates(legs, layout, False, w, s)
    find_trouble(layout, w, s)
    s.lane[WORST, :] = 0.0
    for lane in range(s.lane.shape[1]):
        for l in range(legs.rows.shape[1]):
            s.leg[PAY, l, lane] = s.leg[DUE, l, lane]  # clearing writes the payments of those who fail
        if s.lane[TROUBLED, lane] > 0.0:
            clear_lane(lane, True, entities, legs, layout, rules, False, 0, draws, w, s)


@kernel
def clear_least(entities, legs, layout, rules, draws, w, s):
    """The least clearing vector of every lane, in the same rows; WAVE is 0 for whoever fails.

    From below everybody fails until proven solvent: ascend from nothing with the default set fixed; at the limit let all who
    are solvent there pay in full; ascend on. With default costs the limit of the first ascent need not be a clearing vector
    (Rogers and Veraart 2013, example 3.3): a defaulter loses what would have made it solvent. Every clearing vector lies above
    every point passed, so the first fixed one is the least.
    """
    sum_dues(legs, s)
    find_active_estates(legs, layout, False, w, s)
    add_claims_on_estates(legs, layout, False, w, s)
    for lane in range(s.lane.shape[1]):
        ascend(lane, entities, legs, layout, rules, draws, w, s)


@part
def sum_dues(legs, s):
    """DUES by payer and RECEIVED_FULL by payee of what is due on every leg."""
    s.entity[DUES, :] = 0.0
    s.entity[RECEIVED_FULL, :] = 0.0
    for l in range(legs.rows.shape[1]):
        for lane in range(s.lane.shape[1]):
            s.entity[DUES, legs.rows[PAYER, l], lane] += s.leg[DUE, l, lane]
            s.entity[RECEIVED_FULL, legs.rows[PAYEE, l], lane] += s.leg[DUE, l, lane]


@part
def ascend(lane, entities, legs, layout, rules, draws, w, s):
    """One lane from nothing to its least clearing vector."""
    for a in range(layout.count[ROWS_INSIDE]):
        i = layout.rows[ROWS_INSIDE, a]
        s.entity[FAILING, i, lane] = 1.0
        s.entity[ACTIVE, i, lane] = 1.0
        s.entity[WAVE, i, lane] = 0.0
        fix_claims(i, lane, entities, legs, layout, rules, 0, draws, w, s)
    for l in range(legs.rows.shape[1]):
        s.leg[PAY, l, lane] = 0.0
    add_payments(lane, legs, w, s)
    for _ in range(rules.max_iterations):
        change = 0.0
        for a in range(layout.count[ROWS_INSIDE]):
            i = layout.rows[ROWS_INSIDE, a]
            if s.entity[ACTIVE, i, lane] > 0.0:
                change += pay_by_waterfall(i, lane, legs, layout, rules, w, s)
        add_payments(lane, legs, w, s)
        if change > 0.0:
            continue
        rescued = False
        for a in range(layout.count[ROWS_INSIDE]):
            i = layout.rows[ROWS_INSIDE, a]
            if s.entity[FAILING, i, lane] > 0.0 and not is_short(
                s.entity[CASH_IN, i, lane], s.entity[CAPACITY, i, lane], s.entity[RECEIVED, i, lane], s.entity[DUES, i, lane]
            ):
                s.entity[FAILING, i, lane] = 0.0
                s.entity[ACTIVE, i, lane] = 0.0
                s.entity[WAVE, i, lane] = -1.0
                for b in range(layout.leg_start[i], layout.leg_start[i + 1]):
                    l = layout.leg_of_payer[b]
                    s.leg[PAY, l, lane] = s.leg[DUE, l, lane]
                rescued = True
        if not rescued:
            return
        add_payments(lane, legs, w, s)
    w.lane[UNCONVERGED, lane] += 1.0
