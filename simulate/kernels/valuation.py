"""Equity of all entities at once, debt and holdings (docs/model.md 4.9; Elliott, Golub and Jackson 2014 with limited liability). USD bn."""

from simulate.kernels.jit import part, stage
from simulate.kernels.maths import LITTLE
from simulate.kernels.resolution import multiple
from simulate.kernels.rows import (
    ACTIVE,
    ALIVE,
    ARRIVED,
    BALANCE_DUE_ON,
    BALANCE_NOW,
    BURN,
    CAPEX_PAID,
    CASH,
    CORE,
    COVERS,
    DEBT,
    DRIVER,
    DUE,
    DUE_ON,
    EBITDA,
    EQUITY,
    EQUITY0,
    FAILING,
    FLEET_VALUE,
    HOLDINGS_VALUE,
    INTEREST_PAID,
    INTEREST_SUM,
    ISSUER,
    OPERATING_IN,
    OPERATING_OUT,
    PAY,
    PAYEE,
    PAYER,
    RECEIPTS,
    RECEIVED,
    RELET,
    RETURNED,
    REVENUE,
    ROWS_GUARANTEE,
    ROWS_INSIDE,
    ROWS_LENT,
    ROWS_OPERATING_OUT,
    ROWS_OTHER_IN,
    ROWS_VALUED,
    SMOOTHING,
    STAKE,
    TROUBLED,
    WORTH,
)
from simulate.model import BALANCE


@part
def correct_receipts(legs, layout, insured, s):
    """Where somebody was cleared: what was paid instead of what was due."""
    for lane in range(s.lane.shape[1]):
        if s.lane[TROUBLED, lane] == 0.0:
            continue
        for a in range(layout.count[ROWS_OPERATING_OUT]):
            l = layout.rows[ROWS_OPERATING_OUT, a]
            i = legs.rows[PAYER, l]
            if s.entity[ACTIVE, i, lane] > 0.0:
                s.entity[OPERATING_OUT, i, lane] += s.leg[PAY, l, lane] - s.leg[DUE, l, lane]
        if insured:
            continue
        for a in range(layout.count[ROWS_OTHER_IN]):
            l = layout.rows[ROWS_OTHER_IN, a]
            if s.entity[ACTIVE, legs.rows[PAYER, l], lane] > 0.0 or legs.rows[COVERS, l] >= 0:
                s.entity[OPERATING_IN, legs.rows[PAYEE, l], lane] -= s.leg[PAY, l, lane] - s.leg[DUE, l, lane]
        for a in range(layout.count[ROWS_GUARANTEE]):
            g = layout.rows[ROWS_GUARANTEE, a]
            # What an estate pays belongs in part to the guarantor: no operating receipt of its, none less of the creditor.
            s.entity[OPERATING_IN, legs.rows[PAYER, g], lane] -= s.leg[RETURNED, g, lane]
            s.entity[OPERATING_IN, legs.rows[PAYEE, g], lane] += s.leg[RETURNED, g, lane]


@part
def smooth_receipts(entities, legs, layout, rules, insured, w, s):
    """Operating receipts and EBITDA of the step into z and ze; burn of the step."""
    lanes = s.lane.shape[1]
    interest = s.entity[INTEREST_PAID]
    # What arrives is operating, but for the short list of other legs.
    for a in range(layout.count[ROWS_INSIDE]):
        i = layout.rows[ROWS_INSIDE, a]
        for lane in range(lanes):
            s.entity[OPERATING_IN, i, lane] = s.entity[RECEIVED, i, lane] + s.entity[ARRIVED, i, lane]
    for a in range(layout.count[ROWS_OTHER_IN]):
        l = layout.rows[ROWS_OTHER_IN, a]
        j = legs.rows[PAYEE, l]
        arrives = s.leg[DUE_ON, l] if insured else s.leg[DUE, l]
        for lane in range(lanes):
            s.entity[OPERATING_IN, j, lane] -= arrives[lane]
    correct_receipts(legs, layout, insured, s)
    for a in range(layout.count[ROWS_INSIDE]):
        i = layout.rows[ROWS_INSIDE, a]
        for lane in range(lanes):
            interest[i, lane] *= 1.0 - s.entity[FAILING, i, lane]
            w.lane[INTEREST_SUM, lane] += interest[i, lane]
        for lane in range(lanes):
            alive = w.entity[ALIVE, i, lane]
            receipts = (s.entity[REVENUE, i, lane] + s.entity[RELET, i, lane] + s.entity[OPERATING_IN, i, lane]) * alive
            earned = receipts - s.entity[OPERATING_OUT, i, lane] * alive
            w.entity[RECEIPTS, i, lane] += rules.terms[SMOOTHING] * (receipts - w.entity[RECEIPTS, i, lane])
            w.entity[EBITDA, i, lane] += rules.terms[SMOOTHING] * (earned - w.entity[EBITDA, i, lane])
            burnt = (interest[i, lane] + s.entity[CAPEX_PAID, i, lane] - earned) * alive
            # A burn that is only rounding would be a runway of nothing where no cash is held.
            w.entity[BURN, i, lane] = burnt if burnt > LITTLE * receipts else 0.0


@part
def add_marks(i, entities, layout, holdings, marks, factors, w, total):
    """Add the marked value of what row i holds to total [W]; with marks off, the opening value at the common index."""
    for b in range(layout.hold_start[i], layout.hold_start[i + 1]):
        h = layout.holding_of_holder[b]
        j = holdings.rows[ISSUER, h]
        stake, price = w.holding[STAKE, h], w.entity[EQUITY, j]
        for lane in range(total.size):
            total[lane] += stake[lane] * (price[lane] if marks else entities.terms[EQUITY0, j] * factors.valuation[lane])


@stage
def value_equity(grid, entities, legs, layout, holdings, rules, insured, marks, t, factors, w, s):
    """E of every valued row: what it owns at market less debt, floored at 0; then debt and holdings for the next step."""
    lanes = s.lane.shape[1]
    stakes = s.claims[0, 1]
    lent = s.entity[OPERATING_OUT]
    if layout.count[ROWS_LENT] > 0:
        lent[:] = 0.0
    for a in range(layout.count[ROWS_INSIDE]):
        i = layout.rows[ROWS_INSIDE, a]
        w.entity[DEBT, i, :] = 0.0
        for b in range(layout.leg_start[i], layout.leg_start[i + 1]):
            l = layout.leg_of_payer[b]
            if legs.rows[DRIVER, l] == BALANCE:
                for lane in range(lanes):
                    w.entity[DEBT, i, lane] += w.leg[BALANCE_NOW, l, lane]
    for a in range(layout.count[ROWS_LENT]):
        l = layout.rows[ROWS_LENT, a]
        i, j = legs.rows[PAYER, l], legs.rows[PAYEE, l]
        for lane in range(lanes):
            lent[j, lane] += w.leg[BALANCE_DUE_ON, l, lane] if insured else w.leg[BALANCE_NOW, l, lane] * w.entity[ALIVE, i, lane]
    for a in range(layout.count[ROWS_VALUED]):
        i = layout.rows[ROWS_VALUED, a]
        price = multiple(entities, i, (t + 1) * grid.dt) / grid.dt
        worth = s.entity[WORTH, i]
        for lane in range(lanes):
            concern = price * factors.valuation[lane] * w.entity[RECEIPTS, i, lane]
            worth[lane] = s.entity[CORE, i, lane] + max(concern, s.entity[FLEET_VALUE, i, lane]) + w.entity[CASH, i, lane]
        if layout.count[ROWS_LENT] > 0:
            for lane in range(lanes):
                worth[lane] += lent[i, lane] - w.entity[DEBT, i, lane]
        else:
            for lane in range(lanes):
                worth[lane] -= w.entity[DEBT, i, lane]
        for lane in range(lanes):
            w.entity[EQUITY, i, lane] = max(0.0, worth[lane]) * w.entity[ALIVE, i, lane]
    for _ in range(rules.equity_sweeps):
        for a in range(layout.count[ROWS_VALUED]):
            i = layout.rows[ROWS_VALUED, a]
            if layout.hold_start[i] == layout.hold_start[i + 1]:
                continue
            stakes[:] = 0.0
            add_marks(i, entities, layout, holdings, marks, factors, w, stakes)
            for lane in range(lanes):
                w.entity[EQUITY, i, lane] = max(0.0, s.entity[WORTH, i, lane] + stakes[lane]) * w.entity[ALIVE, i, lane]
    for a in range(layout.count[ROWS_INSIDE]):
        i = layout.rows[ROWS_INSIDE, a]
        stakes[:] = 0.0
        add_marks(i, entities, layout, holdings, marks, factors, w, stakes)
        for lane in range(lanes):
            w.entity[HOLDINGS_VALUE, i, lane] = s.entity[CORE, i, lane] + stakes[lane]
