"""A model small enough to work out by hand: built row by row, without the compile room.

Entities: 0 lab (restructures, buys compute), 1 cloud (owns the fleet), 2 holding (invests in the lab, guarantees),
3 vendor (sells chips), then outside nodes 4 operations, 5 lender (also the outside investor) and 6 insurer.
"""

import math
from importlib import import_module

import numpy as np
from scipy.special import ndtr

from simulate.factors.members import DRIVERS, Factors
from simulate.model import (
    BALANCE,
    CAPEX,
    COMMITMENT,
    GUARANTEE,
    OPEX,
    REVENUE_SHARE,
    SCHEDULED,
    Entities,
    Fleet,
    Grid,
    Holdings,
    Legs,
    Model,
    Rules,
)
from tests.oracle.random import key_of

LAB, CLOUD, HOLDING, VENDOR, OPERATIONS, LENDER, INSURER = range(7)
NAMES = ("lab", "cloud", "holding", "vendor", "operations", "lender", "insurer")
ENTITIES = len(NAMES)
INTEGER_OF_ENTITY = ("revenue_process", "surprise", "value_move", "spread_move", "owner", "new_debt_leg", "fails_step")
BY_STEP_OF_ENTITY = (
    "rev_ext", "cost_fixed", "plan_external", "cash_target", "receipts_plan", "ebitda_plan", "ebitda_fwd", "capex_plan", "compute_price",
)  # fmt: skip
INTEGER_OF_LEG = ("payer", "payee", "seniority", "driver", "deal", "group", "volume_row", "host", "coll_holding", "gate_owner", "buys_holding", "covers", "ends_step")  # fmt: skip
BY_STEP_OF_LEG = ("sched", "supply_weight", "remaining", "amort", "draw")
LEG_DEFAULTS = {"seniority": 2, "group": 0, "host": -1, "coll_holding": -1, "gate_owner": -1, "buys_holding": -1, "covers": -1, "ends_step": -1}

# One leg of every driver: 0 compute (delayed, damages, two suppliers), 1 revenue share, 2 loan to the cloud (secured),
# 3 bond of the lab (held inside by the vendor), 4 capex to the vendor, 5 capex to construction, 6-9 opex, 10 equity
# commitment, 11 guarantee of the bond, 12 new debt of the cloud, 13 lease without host, 14 purchase that is drawn, 15-17 new
# debt of the others.
COMPUTE, SHARE, LOAN, BOND, CHIPS, BUILDING, OPEX_LAB, OPEX_CLOUD, OPEX_HOLDING, OPEX_VENDOR, COMMIT, COVER, NEW_DEBT, LEASE, PURCHASE, DEBT_LAB, DEBT_HOLDING, DEBT_VENDOR = range(18)  # fmt: skip
LEG_ROWS = (
    dict(payer=LAB, payee=CLOUD, driver=SCHEDULED, sched=6.0, follow=1.0, host=CLOUD, supply=1.0, supply_weight=0.6,
         ends_with_payee=1.0, haircut=1.0, operating=1.0, relet=0.3, saved=0.12, contract=1.0, replaces=0.1, delay=0.3,
         receivable0=1.5, damages=0.25, remaining=True),
    dict(payer=LAB, payee=CLOUD, driver=REVENUE_SHARE, sched=0.1, operating=1.0),
    dict(payer=CLOUD, payee=LENDER, driver=BALANCE, seniority=1, bal0=20.0, amort=0.05, draw=1.0, rate_fixed=0.02,
         rate_float=1.0, rate_spread=0.03, ltv=0.9, coll_fleet=0.8, coll_later=0.6, coll_holding=2, coll_stake=0.5),
    dict(payer=LAB, payee=VENDOR, driver=BALANCE, bal0=8.0, amort=0.1, rate_fixed=0.08),
    dict(payer=CLOUD, payee=VENDOR, driver=CAPEX, operating=1.0, capex_share=0.6, chip_share=1.0),
    dict(payer=CLOUD, payee=OPERATIONS, driver=CAPEX, capex_share=0.4),
    dict(payer=LAB, payee=OPERATIONS, driver=OPEX, seniority=0, operating=1.0),
    dict(payer=CLOUD, payee=OPERATIONS, driver=OPEX, seniority=0, operating=1.0),
    dict(payer=HOLDING, payee=OPERATIONS, driver=OPEX, seniority=0, operating=1.0),
    dict(payer=VENDOR, payee=OPERATIONS, driver=OPEX, seniority=0, operating=1.0),
    dict(payer=HOLDING, payee=LAB, driver=COMMITMENT, seniority=4, sched=2.0, gate_owner=0, gate_gw=0.05, buys_holding=0),
    dict(payer=HOLDING, payee=VENDOR, driver=GUARANTEE, covers=BOND, cover_share=0.5, cover_cap=3.0),
    dict(payer=CLOUD, payee=LENDER, driver=BALANCE, seniority=3, amort=0.05, rate_float=1.0, rate_spread=0.05),
    dict(payer=CLOUD, payee=OPERATIONS, driver=SCHEDULED, sched=0.4, follow=0.0, operating=1.0, damages=0.1, remaining=True),
    dict(payer=LAB, payee=VENDOR, driver=SCHEDULED, sched=1.0, group=1, operating=1.0, ends_with_payee=1.0),
    dict(payer=LAB, payee=LENDER, driver=BALANCE, amort=0.05, rate_float=1.0, rate_spread=0.06, deal=21),
    dict(payer=HOLDING, payee=LENDER, driver=BALANCE, amort=0.05, rate_float=1.0, rate_spread=0.04, deal=22),
    dict(payer=VENDOR, payee=LENDER, driver=BALANCE, amort=0.05, rate_float=1.0, rate_spread=0.02, deal=23),
)  # fmt: skip

ENTITY_ROWS = {
    "outside": (0, 0, 0, 0, 1, 1, 1),
    "restructures": (1, 0, 0, 0, 0, 0, 0),
    "systemic": (1, 0, 0, 0, 0, 0, 0),
    "revenue_process": (0, -1, -1, 1, -1, -1, -1),
    "surprise": (-1, -1, -1, -1, -1, -1, -1),
    "value_move": (-1, -1, -1, -1, -1, -1, -1),
    "spread_move": (-1, -1, -1, -1, -1, -1, -1),
    "owner": (-1, 0, -1, -1, -1, -1, -1),
    "rev_ext": (9, 4, 1, 12, 0, 0, 0),
    "cost_fixed": (5, 2, 0.2, 6, 0, 0, 0),
    "cost_var": (0.1, 0.1, 0, 0.2, 0, 0, 0),
    "cost_follow": (0, 0, 0, 0, 0, 0, 0),
    "ai_share": (1, 0.5, 0, 0.8, 0, 0, 0),
    "rental_share": (0, 0.5, 0, 0, 0, 0, 0),
    "capacity_share": (0, 0.7, 0, 0, 0, 0, 0),
    "flex": (0.3, 0, 0, 0.1, 0, 0, 0),
    "runway_years": (1, 1, 1, 1, 1, 1, 1),
    "headroom": (1.3, 1, 1, 1, 1, 1, 1),
    "spot_share": (0, 0, 0, 0, 0, 0, 0),
    "compute_price": (10, 0, 0, 0, 0, 0, 0),
    "is_lab": (1, 0, 0, 0, 0, 0, 0),
    "plan_external": (9, 0, 0, 12, 0, 0, 0),
    "cash0": (12, 6, 15, 10, 0, 0, 0),
    "min_cash": (1, 1, 0.5, 1, 0, 0, 0),
    "line0": (2, 1, 0, 0, 0, 0, 0),
    "cash_target": (14, 7, 0, 0, 0, 0, 0),
    "payout": (0, 0, 0, 0.5, 0, 0, 0),
    "payout_above": (0, 0, 0, 12, 0, 0, 0),
    "insider": (0.1, 0.1, 0.2, 0.2, 0, 0, 0),
    "fund_phi": (0.04, 0, 0.02, 0, 0, 0, 0),
    "rescue": (0, 0, 0, 0, 0, 0, 0),
    "fund_advance": (0, 0.8, 0, 0, 0, 0, 0),
    "fund_flat": (0, 1, 0, 1, 0, 0, 0),
    "fund_leverage": (0, 4, 0, 2, 0, 0, 0),
    "fund_ltv": (0, 0, 0.3, 0, 0, 0, 0),
    "fund_unbounded": (1, 0, 0, 0, 0, 0, 0),
    "new_debt_leg": (DEBT_LAB, NEW_DEBT, DEBT_HOLDING, DEBT_VENDOR, -1, -1, -1),
    "receipts_plan": (9, 11, 1, 17, 0, 0, 0),
    "ebitda_plan": (-3, 6, 0.8, 9, 0, 0, 0),
    "ebitda_fwd": (-10, 26, 3, 36, 0, 0, 0),
    "receipts0": (9, 11, 1, 17, 0, 0, 0),
    "ebitda0": (-3, 6, 0.8, 9, 0, 0, 0),
    "capex_plan": (0, 5, 0, 0, 0, 0, 0),
    "committed": (0, 0.6, 0, 0, 0, 0, 0),
    "follow": (0, 0.5, 0, 0, 0, 0, 0),
    "power_follow": (0, 0.7, 0, 0, 0, 0, 0),
    "in_race": (0, 1, 0, 0, 0, 0, 0),
    "kappa": (0.2, 0.5, 0.3, 0.5, 0, 0, 0),
    "equity0": (60, 40, 30, 150, 0, 0, 0),
    "core0": (0, 5, 10, 60, 0, 0, 0),
    "core_beta": (1, 0.8, 1.2, 1, 0, 0, 0),
    "core_haircut": (0.5, 0.5, 0.4, 0.5, 0, 0, 0),
    "order_share": (0, 0, 0, 0, 0, 0, 0),
    "mult0": (1.6, 0.8, 0, 1.5, 0, 0, 0),
    "mult_mature": (1.2, 0.8, 0, 1.2, 0, 0, 0),
    "mult_tau": (1.5, 2, 2, 2, 2, 2, 2),
    "fails_step": (-1, -1, -1, -1, -1, -1, -1),
}

# holder, issuer, stake, cost, deal: the holding's stake in the lab, the outside rest, the cloud's stake in the vendor,
# and the outside rest of every other issuer
HOLDING_ROWS = (
    (HOLDING, LAB, 0.2, 6.0, 10),
    (LENDER, LAB, 0.8, 20.0, 15),
    (CLOUD, VENDOR, 0.1, 4.0, 16),
    (LENDER, VENDOR, 0.9, 30.0, 17),
    (LENDER, CLOUD, 1.0, 15.0, 18),
    (LENDER, HOLDING, 1.0, 10.0, 19),
)
OWN_CLOUD = 20  # deal row of the pseudo-deal of the fleet
DEALS = 24


def by_step(value, steps):
    return [float(x) for x in value] if isinstance(value, (list, tuple)) else [float(value)] * steps


def tiny_model(seed=0, steps=6, dt=0.25, entities=None, legs=None, holdings=None, factors=None, rules=None) -> Model:
    """The tiny model. Changes: entities {field: {row: value}}, legs {row: {field: value}}, holdings {row: row tuple},
    factors and rules {field: value}."""
    rows = [dict(row) | (legs or {}).get(k, {}) for k, row in enumerate(LEG_ROWS)]
    model = Model(
        grid=Grid(steps, dt, ENTITIES, INSURER, LENDER, DEALS),
        factors=change_rows(make_factors(seed, steps, dt), factors or {}),
        entities=make_entities(steps, entities or {}),
        fleet=make_fleet(steps),
        legs=make_legs(rows, steps),
        holdings=make_holdings([(holdings or {}).get(k, row) for k, row in enumerate(HOLDING_ROWS)]),
        rules=make_rules()._replace(**(rules or {})),
    )
    return Model(*(freeze(group) for group in model))


def freeze(group):
    """Arrays contiguous and read-only, as compile makes them: kernels have one signature for both."""
    for value in group:
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
        elif isinstance(value, tuple):
            freeze(value)
    return group


def change_rows(factors, changes):
    """The factors with other rows, by name: {"power_gap.plan": value}."""
    for name, value in changes.items():
        member, row = name.split(".")
        factors = factors._replace(**{member: getattr(factors, member)._replace(**{row: value})})
    return factors


def nest(rows):
    """Factors from rows by name."""
    members = {}
    for name, value in rows.items():
        member, row = name.split(".")
        members.setdefault(member, {})[row] = value
    return Factors(**{member: import_module(f"simulate.factors.{member}").Rows(**its) for member, its in members.items()})


def calm_factors(steps=6):
    """Changes to `factors` that leave no randomness: no shocks, full delivery, a long life, no gap."""
    nothing = np.zeros((2, steps))
    return {
        "regime.p01": 0.0, "short_rate.sd": 0.0, "short_rate.c1": 0.0, "short_rate.c2": 0.0, "short_rate.level": 0.04, "short_rate.discount": 0.0,
        "spread.sd": 0.0, "spread.variance": np.zeros(steps), "valuation.sd": 0.0, "valuation.variance": np.zeros(steps),
        "power_gap.plan": np.zeros(steps), "power_gap.sd": 0.0, "power_gap.shot_rate": 0.0, "delivery.table": np.array([[1.0, 0], [1.0, 0]]),
        "revenue.sd": nothing, "revenue.correction": nothing, "revenue.growth_sd": np.zeros(2),
        "revenue.opening_growth": np.zeros(2), "revenue.opening_sd": np.zeros(2), "revenue.draws_opening": np.zeros(3), "revenue.c1": np.zeros(2), "revenue.c2": np.zeros(2),
        "rental.sd": 0.0, "rental.variance": np.zeros(steps), "rental.mean": np.zeros(steps), "rental.pull": 0.0,
        "life.values": np.array([6.0, 6.0]), "execution.threshold": np.full(2, -9.0), "execution.size_low": np.ones(2),
        "execution.size_high": np.ones(2),
    }  # fmt: skip


def make_factors(seed, steps, dt):
    def key(name):
        return np.array(key_of(seed, name), dtype=np.uint32)

    def keys(names):
        return np.array([key_of(seed, name) for name in names], dtype=np.uint32)

    correlation = np.full((6, 6), 0.2)
    np.fill_diagonal(correlation, 1.0)
    rate_kappa, rate_sigma = 0.3, 0.012
    a = math.exp(-rate_kappa * dt)
    rate_sd = rate_sigma * math.sqrt((1 - a * a) / (2 * rate_kappa))
    z = np.linspace(-6, 6, 49)
    # a smooth increasing stand-in for the PERT quantile: value and exact slope
    delivery_table = np.stack([0.25 + 0.9 * ndtr(z), 0.9 * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)], axis=1)
    times = dt * np.arange(1, steps + 1)
    rev_sd = np.tile(0.15 * math.sqrt(dt) * np.exp(-0.3 * times), (2, 1))
    rows = {
        "drivers.key": keys([f"driver:{name}" for name in DRIVERS]),
        "regime.key": key("regime"),
        "short_rate.key": key("short_rate:integral"),
        "revenue.key": keys(["revenue:lab", "revenue:vendor", "revenue:rivals"]),
        "delivery.key_common": key("delivery"),
        "delivery.key": keys(["delivery:lab", "delivery:vendor"]),
        "life.key": key("life"),
        "power_gap.key": key("power:shots"),
        "execution.key": keys(["execution:none", "execution:chips"]),
        "drivers.cholesky": np.linalg.cholesky(correlation),
        "regime.p01": 0.2,
        "regime.p10": 0.3,
        "short_rate.opening": 0.04,
        "short_rate.level": 0.035,
        "short_rate.decay": a,
        "short_rate.sd": rate_sd,
        "short_rate.gain": (1 - a) / rate_kappa,
        "short_rate.c1": 0.1 * rate_sd,
        "short_rate.c2": 0.05 * rate_sd,
        "short_rate.square_root": np.zeros((0, 2)),
        "short_rate.discount": 1.0,
        "spread.decay": math.exp(-0.5 * dt),
        "spread.sd": 0.3 * math.sqrt(dt),
        "spread.variance": 0.09 * times,
        "valuation.decay": math.exp(-0.4 * dt),
        "valuation.sd": 0.4 * math.sqrt(dt),
        "valuation.variance": 0.16 * times,
        "valuation.shift": -0.5,
        "valuation.rate_duration": 5.0,
        "power_gap.plan": 0.05 * times,
        "power_gap.decay": math.exp(-dt),
        "power_gap.sd": 0.05 * math.sqrt(dt),
        "power_gap.shot_rate": 0.8,
        "power_gap.shot_mean": 0.1,
        "power_gap.shot_decay": 0.8,
        "delivery.rho": 0.5,
        "delivery.z0": float(z[0]),
        "delivery.dz": float(z[1] - z[0]),
        "delivery.table": delivery_table,
        "revenue.plan0": np.array([8.0, 11.0]),
        "revenue.plan": np.tile([[9.0], [12.0]], (1, steps)) * (1 + 0.1 * np.arange(steps)),
        "revenue.loading": np.array([0.6, 0.4]),
        "revenue.sd": rev_sd,
        "revenue.mix": np.array([[0.8, 0.0, -0.6], [0.0, 1.0, 0.0]]),
        "revenue.opening_growth": np.array([0.4, -0.1]),
        "revenue.opening_sd": np.array([0.5, 0.3]),
        "revenue.draws_opening": np.ones(3),
        "revenue.tail_probability": 0.2,
        "revenue.tail_scale": 3.0,
        "revenue.share_switching": 0.5,
        "revenue.correction": 0.5 * np.cumsum(rev_sd**2, axis=1),
        "revenue.shift": np.array([-0.6, -0.2]),
        "revenue.decay": np.full(2, math.exp(-dt)),
        "revenue.growth_sd": np.full(2, 0.05),
        "revenue.gain": np.full(2, 1 - math.exp(-dt)),
        "revenue.c1": np.full(2, 0.006),
        "revenue.c2": np.full(2, 0.003),
        "confidence.weight": np.stack([np.ones(steps), np.zeros(steps)]),
        "confidence.memory": 0.4,
        "rental.decay": math.exp(-0.7 * dt),
        "rental.mean": -0.1 * times,
        "rental.pull": 0.5,
        "rental.sd": 0.45 * math.sqrt(dt),
        "rental.variance": 0.2 * times,
        "life.values": np.array([3.0, 6.0]),
        "life.cdf": np.array([0.4]),
        "execution.rho": np.array([0.0, 0.5]),
        "execution.threshold": np.array([-9.0, 0.0]),
        "execution.size_low": np.array([1.0, 0.3]),
        "execution.size_high": np.array([1.0, 1.2]),
        "firms.key": keys(["value:lab", "spread:cloud"]),
        "firms.decay": np.full(2, math.exp(-0.8 * dt)),
        "firms.sd": np.array([0.3, 0.4]) * math.sqrt(dt),
        "firms.variance": np.array([[0.09], [0.16]]) * times,
        "contracts.floor": np.array([0.4, 1.0]),
        "contracts.ceiling": np.array([2.0, 1.0]),
        "contracts.speed": np.array([0.5, 0.2]),
        "contracts.fee": np.array([0.3, 0.0]) / dt,
        "contracts.group": np.array([0, 1, 0, 1]),
        "contracts.process": np.array([-1, -1, 0, 0]),
    }
    return nest(rows)


def make_entities(steps, changes):
    fields = {}
    for name in Entities._fields:
        values = list(ENTITY_ROWS[name])
        for row, value in changes.get(name, {}).items():
            values[row] = value
        if name in BY_STEP_OF_ENTITY:
            fields[name] = np.array([by_step(value, steps) for value in values])
        else:
            fields[name] = np.array(values, dtype=np.int64 if name in INTEGER_OF_ENTITY else np.float64)
    return Entities(**fields)


def make_fleet(steps):
    one = {
        "fleet0": 18.0, "fleet_span": 3.0, "book_life": 5.0, "gw0": 1.0, "power_exposure": 0.8, "cost_per_gw": 35.0,
        "chip_of_capex": 0.6, "replace_price": 0.7,
    }  # fmt: skip
    return Fleet(
        entity=np.array([CLOUD]),
        plan_gw=np.array([[5.0 / 35.0 * t for t in range(steps)]]),
        stranded_deal=np.array([OWN_CLOUD]),
        **{name: np.array([value]) for name, value in one.items()},
    )


def make_legs(rows, steps):
    fields = {}
    for name in Legs._fields:
        values = [row.get(name, LEG_DEFAULTS.get(name, 0)) for row in rows]
        if name == "deal":
            values = [row.get("deal", k) for k, row in enumerate(rows)]
        if name == "volume_row":  # as the group says, unless the row says more
            values = [row.get("volume_row", row.get("group", 0)) for row in rows]
        if name == "remaining":
            fields[name] = np.array([np.cumsum([0.0, *by_step(row.get("sched", 0), steps)[:0:-1]])[::-1] * bool(row.get("remaining", False)) for row in rows])
        elif name in BY_STEP_OF_LEG:
            fields[name] = np.array([by_step(value, steps) for value in values])
        else:
            fields[name] = np.array(values, dtype=np.int64 if name in INTEGER_OF_LEG or name == "deal" else np.float64)
    return Legs(**fields)


def make_holdings(rows):
    holder, issuer, stake, cost, deal = zip(*rows, strict=True)
    outside_of = [-1] * ENTITIES
    for k, row in enumerate(rows):
        if row[0] == LENDER:
            outside_of[row[1]] = k
    return Holdings(np.array(holder), np.array(issuer), np.array(stake), np.array(cost), np.array(deal), np.array(outside_of))


def make_rules(worlds=3):
    """Worlds: the network, nothing let through, and the network with least clearing."""
    return Rules(
        world_switches=np.array([[1.0] * 5, [0.0] * 5, [1.0] * 5])[:worlds],
        world_least=np.array([0.0, 0.0, 1.0])[:worlds],
        world_detail=np.array([1.0, 0.0, 1.0])[:worlds],
        world_saves=np.zeros((worlds, ENTITIES)),
        world_saves_first=np.zeros(worlds),
        alpha=0.8,
        beta=0.9,
        d0=0.3,
        transfer=0.5,
        smoothing=0.4,
        k_shut=0.7,
        k_width=0.05,
        v_shut=math.log(0.75),
        v_width=0.1,
        shock_confidence=0.1,
        shock_valuation=0.0,
        shock_spread=0.0,
        shock_rental=0.0,
        shock_decay=0.7,
        rescue_low=0.2,
        rescue_high=0.6,
        chip_impact=0.0,
        chip_decay=0.8,
        race_theta=0.3,
        capex_max=1.5,
        restructure_kappa=0.5,
        exit_share=0.0,
        max_restructurings=2,
        equity_sweeps=30,
        max_iterations=200,
    )
