"""Section 4.0 of docs/model.md in plain Python: what a world feels of the market. Changes nothing."""

import math

from tests.oracle.world import ratio


def felt(model, t, now, world):
    """The factors of the step as this world feels them, and what its core businesses are worth: a dict like `now` with core and appraisal [n] more."""
    e, rules = model.entities, model.rules
    shock = world.shock if world.confidence else 0.0
    here = now | {
        "log_valuation": now["log_valuation"] - rules.shock_valuation * shock,
        "valuation": now["valuation"] * math.exp(-rules.shock_valuation * shock),
        "spread_before": now["spread_before"] * (1 + rules.shock_spread * shock),
        "rental": now["rental"] * math.exp(-rules.shock_rental * shock),
    }
    appraisal = [now["own_move"][row] if row >= 0 else 1.0 for row in e.value_move]
    core = []
    for i, own in enumerate(appraisal):
        orders = ratio(world.receipts[i], e.receipts_plan[i][t - 1]) if t > 0 else 1.0
        follows = 1 - e.order_share[i] + e.order_share[i] * min(orders, rules.capex_max)
        core.append(e.core0[i] * here["valuation"] ** e.core_beta[i] * own * follows)
    return here | {"appraisal": appraisal, "core": core}


def chip_price(model, world, fleet_value):
    """What a forced sale of chips of this value brings, over their value: less, the more are sold at once and were sold lately."""
    return (1 - model.rules.d0) * math.exp(-model.rules.chip_impact * (fleet_value + world.chips_sold))
