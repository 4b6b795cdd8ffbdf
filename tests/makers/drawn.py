"""Networks drawn by Hypothesis: a `Model` of 1 to 12 inside entities with any deals between them, as compile could make it.

Deals become legs by the kinds of `simulate.deals` and by `simulate.rows`, so every kind is reached; entities, fleets, factors and rules are
arrays that are drawn directly, within the bounds that `simulate.figures` and the scenario check, without reconciliation: a network
need not be sensible. `models()` draws what is decided by a margin, `models(edges=True)` tenths without randomness, where exact ties
are common. The first value of each pool is what an example shrinks to.
"""

import math
from datetime import date
from types import SimpleNamespace

import numpy as np
from hypothesis import strategies as st

from simulate.calendar import Calendar
from simulate.compile.rows import Rows as RowNumbers
from simulate.compile.rows import holding_rows, leg_rows
from simulate.compile.worlds import sweeps_of
from simulate.factors.square_root import step_law
from simulate.model import COMMITMENT, GUARANTEE, REVENUE_SHARE, SCHEDULED, Entities, Fleet, Grid, Model, Rules
from tests.makers.drawn_deals import MARKET, OPERATIONS, Deals, Dice, Person
from tests.makers.tiny import calm_factors, change_rows, freeze, make_factors
from tests.oracle.random import key_of

MOST = 12  # inside entities
INSURER = "insurer"
NETWORK = (1.0,) * 5


@st.composite
def models(draw, edges=False, most=MOST, most_steps=6, rings=False, shocks=False):
    """A whole Model. Three worlds: the network and one with switches of its own, in either order, and the network with least clearing.

    shocks: some deals end and some firms fail whatever they hold.
    rings: firms with enough cash for all else owe each other in circles a multiple of what they have, and lose much in a default: with least clearing more fail.
    """
    dice = Dice(draw, edges, rings)
    n = dice.pick(*range(1, most + 1))
    steps = dice.pick(1, *range(2, most_steps + 1))
    start, months = dice.pick((date(2025, 12, 31), 3), (date(2026, 6, 30), 3), (date(2025, 12, 31), 1), (date(2025, 12, 31), 12))
    calendar = Calendar(start, steps, months)
    inside = [f"e{i}" for i in range(n)]
    names = [*inside, MARKET, OPERATIONS, INSURER] if dice.flag() else [MARKET, *inside, OPERATIONS, INSURER]
    unit = 1.0 if edges else dice.pick(1.0, 1.0, 1.0, 1.0, 1e-6, 1e6)
    people = [Person(dice, name, steps, calendar) for name in inside]
    groups = dice.pick(1, 2, 3)
    deals = Deals(dice, people, groups, calendar)
    model = assemble(dice, people, names, deals, groups, calendar)
    model = draw_shocks(dice, model) if shocks else model
    return scale(model, unit) if unit != 1.0 else model


def assemble(dice, people, names, deals, groups, calendar) -> Model:
    """Arrays of the model; what compile derives from plans is drawn here."""
    numbers = {name: row for row, name in enumerate(names)}
    by_id = {person.id: person for person in people}
    processes = [person for person in people if person.process]
    owners = [person for person in people if person.owner]
    surprised = [person for person in people if not person.process and dice.flag(2)]
    moves = [f"{kind}:{person.id}" for kind in ("value", "spread") for person in people if dice.flag(2)]
    volumes = [(group, row) for row in range(len(processes)) for group in range(groups) if dice.flag()]
    rows = RowNumbers(
        entity=numbers,
        deal={name: row for row, name in enumerate(deals.deals)},
        leg={leg.name: row for row, leg in enumerate(deals.legs)},
        group={"": 0} | {f"group{g}": g for g in range(1, groups)},
        process={person.id: row for row, person in enumerate(processes)},
        surprise={person.id: len(processes) + row for row, person in enumerate(surprised)},
        move={name: row for row, name in enumerate(moves)},
        volume={pair: groups + row for row, pair in enumerate(volumes)},
        owner={person.id: row for row, person in enumerate(owners)},
    )
    outside = [SimpleNamespace(id=name, outside=True, figures={"own_compute": 0.0}) for name in names if name not in by_id]
    everybody = [by_id.get(name) or next(node for node in outside if node.id == name) for name in names]
    entities = draw_entities(dice, everybody, rows, calendar)
    holdings = holding_rows(deals.holdings, rows, len(names))
    return Model(
        grid=Grid(calendar.steps, calendar.dt, len(names), numbers[INSURER], numbers[MARKET], len(deals.deals)),
        factors=draw_factors(dice, processes, entities, rows, groups, calendar),
        entities=entities,
        fleet=draw_fleet(dice, owners, rows, calendar),
        legs=freeze(leg_rows(deals.legs, deals.holdings, people, rows, calendar)),
        holdings=holdings,
        rules=draw_rules(dice, sweeps_of(deals.holdings, tuple(everybody[:-1]), rows), [person.outside for person in everybody]),
    )


ENDING = (SCHEDULED, REVENUE_SHARE, COMMITMENT, GUARANTEE)  # drivers of deals that a shock can end


def draw_shocks(dice, model) -> Model:
    """The model with some deals that end and some firms that fail, whatever they hold."""
    steps, legs, entities = model.grid.steps, model.legs, model.entities
    ends = np.array([dice.pick(-1, dice.pick(*range(steps))) if driver in ENDING else -1 for driver in legs.driver], np.int64)
    fails = np.array([dice.pick(-1, -1, dice.pick(*range(steps))) if not outside else -1 for outside in entities.outside], np.int64)
    gone = (legs.driver == COMMITMENT)[:, None] & (ends >= 0)[:, None] & (ends[:, None] <= np.arange(steps))
    legs = freeze(legs._replace(ends_step=ends, sched=np.where(gone, 0.0, legs.sched)))
    return model._replace(legs=legs, entities=freeze(entities._replace(fails_step=fails)))


def draw_entities(dice, everybody, rows, calendar) -> Entities:
    """Section 4 by entity; outside nodes have no figures but a runway and a fading time."""
    steps, fields = calendar.steps, {name: [] for name in Entities._fields}
    blank = {"outside": 1.0, "runway_years": 1.0, "mult_tau": 1.0, "revenue_process": -1, "owner": -1, "new_debt_leg": -1, "fails_step": -1}
    blank |= {"surprise": -1, "value_move": -1, "spread_move": -1}
    yearly = {"compute_price", "rev_ext", "cost_fixed", "plan_external", "cash_target", "receipts_plan", "ebitda_plan", "ebitda_fwd", "capex_plan"}
    for person in everybody:
        figures = blank if person.outside else draw_person(dice, person, rows, calendar)
        for name, values in fields.items():
            values.append(figures.get(name, np.zeros(steps) if name in yearly else 0.0))
    integer = ("revenue_process", "surprise", "value_move", "spread_move", "owner", "new_debt_leg", "fails_step")
    return freeze(Entities(**{name: np.array(values, np.int64 if name in integer else np.float64) for name, values in fields.items()}))


def draw_person(dice, person, rows, calendar) -> dict:
    steps = calendar.steps
    external = dice.by_step(steps, dice.some())
    if person.process:  # needs a plan above 0
        external = (dice.some() + 0.1) * dice.pick(1.0, 1.2, 0.9) ** np.arange(steps)
    multiple, fades = dice.pick(0.0, dice.odd(1.0), dice.odd(4.0)), dice.pick(dice.odd(1.0), 0.0, dice.odd(8.0))
    receipts, ebitda = dice.by_step(steps, dice.some()), dice.by_step(steps, dice.some() * dice.pick(1.0, -1.0, 0.0))
    return {
        "restructures": float(person.restructures),
        "systemic": float(dice.flag()),
        "revenue_process": rows.process.get(person.id, -1),
        "surprise": rows.surprise.get(person.id, -1),
        "value_move": rows.move.get(f"value:{person.id}", -1),
        "spread_move": rows.move.get(f"spread:{person.id}", -1),
        "owner": rows.owner.get(person.id, -1),
        "rev_ext": external,
        "cost_fixed": dice.by_step(steps, dice.some()) * person.costs,
        "cost_var": dice.pick(0.0, dice.share() * 0.4) * person.costs,
        "cost_follow": dice.pick(0.0, dice.share()),
        "ai_share": dice.share(),
        "rental_share": dice.pick(0.0, dice.share()),
        "capacity_share": dice.share() if person.owner else 0.0,
        "flex": dice.pick(0.0, dice.share()),
        "runway_years": dice.pick(1.0, 0.01, 3.0),
        "headroom": dice.pick(1.0, 1.3, 0.0, 0.6),
        "spot_share": dice.pick(0.0, dice.share()),
        "compute_price": dice.by_step(steps, dice.some()),
        "is_lab": float(person.lab),
        "plan_external": external if person.process else np.zeros(steps),
        "cash0": 40.0 * (dice.some() + 0.5) if dice.rings else dice.pick(dice.some(), 0.0, dice.money()),
        "min_cash": dice.pick(0.0, dice.some()),
        "line0": person.line,
        "cash_target": np.full(steps, dice.pick(0.0, dice.some())),
        "payout": dice.pick(0.0, dice.share()),
        "payout_above": dice.some(),
        "insider": dice.share(),
        "fund_phi": person.phi,
        "rescue": dice.pick(0.0, 0.04, 0.3) if person.value and not dice.edges else 0.0,
        "fund_advance": person.advance,
        "fund_flat": person.flat,
        "fund_leverage": dice.pick(0.0, 4.0),
        "fund_ltv": dice.share(),
        "fund_unbounded": float(dice.flag()),
        "new_debt_leg": rows.leg.get(f"new_debt:{person.id}", -1),
        "fails_step": -1,
        "receipts_plan": receipts,
        "ebitda_plan": ebitda,
        "ebitda_fwd": ebitda * 4.0,
        "receipts0": receipts[0],
        "ebitda0": ebitda[0],
        "capex_plan": person.capex,
        "committed": dice.share(),
        "follow": dice.pick(0.0, 0.5, 2.0),
        "power_follow": dice.share(),
        "in_race": float(dice.flag()),
        "kappa": dice.share(),
        "equity0": person.value or 0.0,
        "core0": dice.pick(0.0, dice.some()),
        "core_beta": dice.pick(1.0, 0.0, 2.0),
        "core_haircut": dice.share(),
        "order_share": 0.0 if dice.edges else dice.pick(0.0, dice.share()),
        "mult0": multiple,
        "mult_mature": multiple * fades,
        "mult_tau": dice.pick(1.5, 0.01 if fades or not multiple else 1.4),  # something that is 1e-11 soon is a close question and nothing else
    }


def draw_fleet(dice, owners, rows, calendar) -> Fleet:
    """Owners of chips, with what `simulate.figures` allows at least."""
    cost = np.array([dice.pick(35.0, 8.0) for _ in owners])
    capex = np.array([owner.capex for owner in owners]).reshape(len(owners), calendar.steps)
    added = np.cumsum(capex / cost[:, None], axis=1)
    values = {
        "fleet0": [dice.pick(dice.some(), 0.0) for _ in owners],
        "fleet_span": [dice.pick(3.0, 0.01, 0.6) for _ in owners],
        "book_life": [dice.pick(5.0, 0.25, 1.3) for _ in owners],
        "gw0": [dice.pick(dice.odd(0.2), 0.0) for _ in owners],
        "power_exposure": [dice.share() for _ in owners],
        "chip_of_capex": [dice.share() for _ in owners],
        "replace_price": [dice.pick(0.7, 0.0, 2.0) for _ in owners],
    }
    return freeze(
        Fleet(
            entity=np.array([rows.entity[owner.id] for owner in owners], np.int64),
            plan_gw=np.concatenate([np.zeros((len(owners), 1)), added[:, :-1]], axis=1),
            cost_per_gw=cost,
            stranded_deal=np.array([rows.deal[f"own:{owner.id}"] for owner in owners], np.int64),
            **{name: np.array(value, np.float64) for name, value in values.items()},
        )
    )


def draw_factors(dice, processes, entities, rows, groups, calendar):
    """Those of tests/makers/tiny.py with other processes, groups, lives and volatilities. On edges nothing moves."""
    steps, dt, count = calendar.steps, calendar.dt, len(processes) + len(rows.surprise)
    seed = dice.pick(*range(30))
    labs = np.array([*(float(person.lab) for person in processes), *(0.0 for _ in rows.surprise)])
    plan = entities.plan_external[[rows.entity[person.id] for person in processes]].reshape(len(processes), steps)
    plan = np.concatenate([plan, np.ones((len(rows.surprise), steps))])
    total = (labs[:, None] * plan).sum(axis=0) if count else np.zeros(steps)
    names = [*(person.id for person in processes), *(f"surprise:{name}" for name in rows.surprise)]
    times = dt * np.arange(1, steps + 1)

    def keys(kind, who):
        return np.array([key_of(seed, f"{kind}:{name}") for name in who], np.uint32).reshape(len(who), 2)

    changes = {
        "revenue.key": keys("revenue", [*names, "rivals"]), "delivery.key": keys("delivery", names), "execution.key": keys("execution", range(groups)),
        "revenue.plan0": plan[:, 0] if count else np.zeros(0), "revenue.plan": plan,
        "confidence.weight": np.divide(labs[:, None] * plan, total, out=np.zeros_like(plan), where=total > 0),
        "execution.rho": np.full(groups, dice.share()), "execution.threshold": np.array([-9.0, *(dice.pick(-9.0, 0.0, 1.0, 9.0) for _ in range(groups - 1))]),
        "execution.size_low": np.array([1.0, *(dice.share() for _ in range(groups - 1))]),
        "execution.size_high": np.array([1.0, *(dice.pick(1.0, 1.2) for _ in range(groups - 1))]),
    }  # fmt: skip
    changes |= draw_firms(dice, rows, steps, dt) | draw_contracts(dice, rows, groups, count, dt)
    if dice.edges:
        calm = calm_factors(steps) | {"delivery.table": np.array([[1.0, 0], [1.0, 0]]), "rental.mean": np.zeros(steps)}
        calm |= {"life.values": np.array([dice.pick(6.0, 1.0)]), "life.cdf": np.zeros(0)}
        calm |= {name: np.zeros((count, steps)) for name in ("revenue.sd", "revenue.correction")}
        calm |= {name: np.zeros(count) for name in ("revenue.opening_growth", "revenue.opening_sd")} | {"revenue.mix": np.eye(count, count + 1)}
        calm |= {"revenue.draws_opening": np.zeros(count + 1), "revenue.share_switching": 0.0}
        calm |= {name: np.zeros(count) for name in ("revenue.growth_sd", "revenue.c1", "revenue.c2")}
        calm |= {"revenue.loading": np.zeros(count), "revenue.shift": np.zeros(count), "revenue.decay": np.ones(count), "revenue.gain": np.zeros(count)}
        calm |= {"execution.threshold": np.full(groups, -9.0), "execution.size_low": np.ones(groups), "execution.size_high": np.ones(groups)}
        changes |= calm
    else:
        sd, growth = dice.pick(0.15, 0.0, 0.8) * math.sqrt(dt), dice.pick(0.05, 0.0)
        lives = dice.pick((3.0, 6.0), (0.001, 2.0), (0.1, 0.25), (5.0,))
        rates = {"short_rate.opening": dice.pick(0.04, 0.0, -0.01, 2.0)}
        if dice.flag() and rates["short_rate.opening"] >= 0.0:  # of Cox, Ingersoll and Ross, calm or often at 0
            rates["short_rate.square_root"] = step_law(0.3, dice.pick(0.06, 0.8), 0.035, dt)  # kappa and theta of tests/makers/tiny.py
        opening, mix = draw_opening(dice, count), draw_mix(dice, count)
        changes |= opening | {
            "revenue.mix": mix, "revenue.share_switching": float(np.any(mix[:, -1:] != 0.0)),
            "revenue.draws_opening": np.any((opening["revenue.opening_sd"][:, None] * mix) != 0.0, axis=0).astype(float),
            "revenue.loading": np.array([dice.pick(0.5, -1.0, 1.0, 0.0) for _ in names]), "revenue.sd": np.full((count, steps), sd),
            "revenue.correction": np.tile(0.5 * sd * sd * np.arange(1, steps + 1), (count, 1)), "revenue.shift": np.array([dice.pick(-0.6, 0.0, -3.0) for _ in names]),
            "revenue.decay": np.full(count, math.exp(-dt)), "revenue.gain": np.full(count, 1 - math.exp(-dt)),
            "revenue.growth_sd": np.full(count, growth), "revenue.c1": np.full(count, 0.1 * growth), "revenue.c2": np.full(count, 0.05 * growth),
            "regime.p01": dice.pick(0.2, 0.0, 1.0), "short_rate.discount": dice.pick(1.0, 0.0),
            "valuation.sd": dice.pick(0.4, 0.0, 1.5) * math.sqrt(dt), "power_gap.plan": dice.pick(0.05, 0.0, 3.0) * times, "confidence.memory": dice.pick(0.4, 0.0, 1.0),
            "rental.sd": dice.pick(0.45, 0.0) * math.sqrt(dt), "spread.sd": dice.pick(0.3, 0.0, 2.0) * math.sqrt(dt),
            "power_gap.shot_rate": dice.pick(4.0, 0.0, 20.0), "life.values": np.array(lives),
            "life.cdf": np.array([0.4][: len(lives) - 1]),
        } | rates  # fmt: skip
    return freeze(change_rows(make_factors(seed, steps, dt), {name: contiguous(value) for name, value in changes.items()}))


def draw_firms(dice, rows, steps, dt):
    """Own moves of firms' values and spreads; on edges none."""
    key = np.array([key_of(0, name) for name in rows.move], np.uint32).reshape(len(rows.move), 2)
    sd = np.full(len(rows.move), 0.0 if dice.edges else dice.pick(0.3, 0.0, 1.0) * math.sqrt(dt))
    variance = sd[:, None] ** 2 * np.arange(1, steps + 1)
    return {"firms.key": key, "firms.decay": np.full(len(rows.move), dice.pick(0.8, 1.0)), "firms.sd": sd, "firms.variance": variance}


def draw_contracts(dice, rows, groups, count, dt):
    """Customers that stretch and shrink their contracts, at once or slowly, for a fee or for nothing; on edges nobody does."""
    moves = np.array([not dice.edges and dice.flag() for _ in range(count)], float)
    pairs = list(rows.volume)
    return {
        "contracts.floor": 1.0 - moves * dice.pick(0.5, 1.0, 0.0), "contracts.ceiling": 1.0 + moves * dice.pick(1.0, 5.0, 0.0),
        "contracts.speed": np.full(count, dice.pick(0.3, 1.0)), "contracts.fee": np.full(count, dice.pick(0.25, 0.0, 1.0) / dt),
        "contracts.group": np.array([*range(groups), *(group for group, _ in pairs)], np.int64),
        "contracts.process": np.array([-1] * groups + [process for _, process in pairs], np.int64),
    }  # fmt: skip


def draw_opening(dice, count):
    """Opening growth: at plan, or last seen apart from it; known, or uncertain, with fat tails or without."""
    return {
        "revenue.opening_growth": np.full(count, dice.pick(0.0, 0.8, -0.5)), "revenue.opening_sd": np.full(count, dice.pick(0.0, 0.5, 1.0)),
        "revenue.tail_probability": dice.pick(0.0, 0.1, 0.5), "revenue.tail_scale": dice.pick(1.0, 3.0),
    }  # fmt: skip


def draw_mix(dice, count):
    """Own shocks that are independent, or that one wins and others, or rivals outside, lose."""
    switching = dice.pick(0.0, 0.5, 1.0)
    mix = np.eye(count, count + 1) - switching * np.full((count, count + 1), 1.0 / (count + 1))
    return mix / np.linalg.norm(mix, axis=1, keepdims=True)


def contiguous(value):
    return np.ascontiguousarray(value) if isinstance(value, np.ndarray) else value


def draw_rules(dice, sweeps, outside) -> Rules:
    """The step. The second world has switches of its own, or the first, and may save somebody; the third is the network with least clearing."""
    switches, moving = tuple(float(dice.flag()) for _ in NETWORK), 0.0 if dice.edges else 1.0  # on edges prices stand still
    own = dice.pick((0.0,) * 5, switches, NETWORK)
    saves = np.array([0.0 if outside_node else float(dice.flag(3)) for outside_node in outside])
    rescue, last = dice.pick("nobody", "some", "first"), dice.flag(3)
    worlds = [(NETWORK, 0.0 * saves, 0.0), (own, saves * (rescue == "some"), float(rescue == "first"))]
    worlds = [*(worlds[::-1] if last else worlds), (NETWORK, saves * dice.flag(3), 0.0)]
    return freeze(
        Rules(
            world_switches=np.array([world[0] for world in worlds]),
            world_saves=np.array([world[1] for world in worlds]),
            world_saves_first=np.array([world[2] for world in worlds]),
            world_least=np.array([0.0, 0.0, 1.0]),
            world_detail=np.array([1.0, 0.0, 1.0]),
            alpha=dice.pick(1.0, dice.share()),
            beta=dice.odd(0.5) if dice.rings else dice.pick(1.0, dice.share()),
            d0=dice.share(),
            transfer=dice.share(),
            smoothing=dice.pick(1.0, 0.3),
            k_shut=dice.pick(0.7, 0.3, 1.1),
            k_width=dice.pick(0.05, 0.001),
            v_shut=math.log(dice.pick(0.75, 1.2)),
            v_width=dice.pick(0.1, 0.001),
            shock_confidence=dice.pick(0.0, 0.13, 3.0),
            shock_valuation=dice.pick(0.0, 0.2, 1.0) * moving,
            shock_spread=dice.pick(0.0, 0.5) * moving,
            shock_rental=dice.pick(0.0, 0.3) * moving,
            shock_decay=dice.pick(0.7, 0.999),
            rescue_low=dice.pick(0.2, 0.0),
            rescue_high=dice.pick(0.6, 0.2, 0.9),
            chip_impact=dice.pick(0.0, 0.02, 0.3) * moving,
            chip_decay=dice.pick(0.8, 0.0),
            race_theta=dice.pick(0.0, 0.3, 1.0),  # above 1 desired capex can be negative
            capex_max=dice.pick(1.5, 1.0),
            restructure_kappa=dice.pick(0.5, 0.0, 1.0),
            exit_share=0.0 if dice.edges else dice.pick(0.0, 0.1, 0.5),
            max_restructurings=dice.pick(2, 0, 1, 5),
            equity_sweeps=sweeps,
            max_iterations=1_000_000,
        )
    )


MONEY = {
    "entities": ("rev_ext", "cost_fixed", "plan_external", "cash0", "min_cash", "line0", "cash_target", "payout_above", "fund_flat", "receipts_plan",
                 "ebitda_plan", "ebitda_fwd", "receipts0", "ebitda0", "capex_plan", "equity0", "core0", "compute_price"),
    "fleet": ("fleet0", "cost_per_gw"),
    "legs": ("receivable0", "remaining", "bal0", "draw", "cover_cap"),
    "holdings": ("cost0",),
}  # fmt: skip


def scale(model, unit) -> Model:
    """The same network in other money."""
    changed = {}
    for group, names in MONEY.items():
        rows = getattr(model, group)
        changed[group] = freeze(rows._replace(**{name: getattr(rows, name) * unit for name in names}))
    revenue = model.factors.revenue
    plans = {"revenue.plan0": revenue.plan0 * unit, "revenue.plan": revenue.plan * unit}
    changed["factors"] = freeze(change_rows(model.factors, plans))
    ratio = model.legs.driver == REVENUE_SHARE  # no money
    sched = np.where(ratio[:, None], model.legs.sched, model.legs.sched * unit)
    changed["legs"] = freeze(changed["legs"]._replace(sched=sched))
    changed["rules"] = freeze(model.rules._replace(chip_impact=model.rules.chip_impact / unit))
    return model._replace(**changed)
