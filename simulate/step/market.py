"""What a world feels of the market: prices and spreads after defaults of systemic entities in it (docs/model.md 4.0).

Factors are drawn once for all worlds. A default lowers valuations and rents and widens spreads in the world in which it happened, and fades.
"""

from simulate.kernels.jit import part, stage
from simulate.kernels.maths import copy_row, exp_of


@stage
def feel_market(net, now, w, s):
    """Set valuation, spread and rental price of this world from the factors and the defaults that it remembers."""
    rules, factors = net.rules, now.factors
    copy_row(factors.log_valuation, w.log_valuation_felt)
    copy_row(factors.valuation, w.valuation_felt)
    copy_row(factors.spread_before, w.spread_felt)
    copy_row(factors.rental, w.rental_felt)
    if now.confidence and remembers(w) > 0:
        for lane in range(w.shock.size):
            felt = w.shock[lane]
            if felt > 0.0:
                w.log_valuation_felt[lane] -= rules.shock_valuation * felt
                w.valuation_felt[lane] *= exp_of(-rules.shock_valuation * felt)
                w.spread_felt[lane] *= 1.0 + rules.shock_spread * felt
                w.rental_felt[lane] *= exp_of(-rules.shock_rental * felt)
    value_core(net, now, w, s)


@part
def remembers(w):
    """Return the number of lanes in which the market remembers a default."""
    found = 0
    for lane in range(w.shock.size):
        found += 1 if w.shock[lane] > 0.0 else 0
    return found


@part
def value_core(net, now, w, s):
    """Compute the core value of every entity (4.0.5): it moves with the index, and that of vendors in part with their orders over plan."""
    entities = net.entities
    for i in net.lists.inside:
        own = s.appraisal[i]
        if entities.value_move[i] >= 0:
            copy_row(now.factors.own_move[entities.value_move[i]], own)
        else:
            own[:] = 1.0
        if entities.core0[i] > 0.0:
            core = s.core_value[i]
            for lane in range(core.size):
                core[lane] = entities.core0[i] * own[lane] * exp_of(entities.core_beta[i] * w.log_valuation_felt[lane])
            planned = entities.receipts_plan[i, now.t - 1] if now.t > 0 else 0.0
            if entities.order_share[i] > 0.0 and planned > 0.0:
                part_of = entities.order_share[i]
                for lane in range(core.size):
                    orders = min(w.receipts[i, lane] / planned, net.rules.capex_max)
                    core[lane] *= 1.0 - part_of + part_of * orders
