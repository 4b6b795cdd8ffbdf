"""Fleets against single vintages.

The engine keeps the cost of chips as a piecewise linear function of time and its integral. Here every purchase is cut into slices of a 64th of a year, each
with its own age; lives are whole numbers of slices, so that both are exact and differ by rounding alone. What an owner's vintages are worth is read from
the results of the whole engine: its losses by channel, what its supplier gets, and what the sale of its fleet brings to its estate.
"""

import functools
from datetime import date
from typing import NamedTuple

import numpy as np

from simulate.engine.blocks import Block, Workspace
from simulate.factors import FactorSections, build_factors
from simulate.factors.section import Timeline
from simulate.model import CAPEX, CHANNELS, SCHEDULED, Entities, Fleet, Grid, Holdings, Model
from simulate.schema import FACTORS
from simulate.step.watch import TRACES
from tests.makers.results import of_network
from tests.makers.tiny import BY_STEP_OF_ENTITY, INTEGER_OF_ENTITY, freeze, make_legs, make_rules

from .claims import Finding, numeric_finding
from .firms import NO_SHOCKS, SURE

TEST = "validation/test_closed_forms.py::test_fleet_is_the_sum_of_its_vintages"
OWNER, SUPPLIER, INSURER = range(3)
OWN, DEALS = 2, 3  # deal row of the fleet
SLICES = 64  # a year
STEPS, DT, STEP_SLICES = 24, 0.25, 16
LIVES = (65 / 64, 2.5, 279 / 64, 7.0)  # years; below, at and above the book life
BOOK_LIFE, SPAN, OPENING = 323 / 64, 3.0, 18.0
CHIPS, REPLACE, COST_PER_GW, GAP, EXPOSURE = 0.6, 0.7, 35.0, 0.2, 0.5
CAPITAL = 2.0 + 1.5 * np.sin(np.arange(STEPS))  # growth capex, USD bn a step
COLLATERAL, STRANDED = CHANNELS.index("collateral"), CHANNELS.index("stranded")
PATHS = 32


class Record(NamedTuple):
    """What vintages say at each step, [T] USD bn."""

    value: np.ndarray  # straight line over the true life
    carrying: np.ndarray  # straight line over the book life, while the true life lasts
    early: np.ndarray  # book value of what wears out in the step before its book life ends
    idle: np.ndarray  # depreciation of chips without power in the step
    replacement: np.ndarray  # paid for what wears out before the plan replaces it


def count_vintages(life: float) -> Record:
    """Slice by slice; a purchase of a step is spread evenly over it."""
    opening = round(SPAN * SLICES)
    cost = np.zeros(opening + STEPS * STEP_SLICES)
    cost[:opening] = OPENING / opening
    bought = (np.arange(cost.size) - opening + 0.5) / SLICES
    record, built = Record(*np.zeros((5, STEPS))), 0.0
    for t in range(STEPS):
        age = t * DT - bought
        wears_out = [cost[(age >= years) & (age < years + DT)].sum() for years in (life, BOOK_LIFE)]
        alive = (age > 0) & (age < life)
        record.value[t] = np.sum(cost[alive] * (1 - age[alive] / life))
        kept = alive & (age < BOOK_LIFE)
        record.carrying[t] = np.sum(cost[kept] * (1 - age[kept] / BOOK_LIFE))
        record.early[t] = max(0.0, 1 - life / BOOK_LIFE) * wears_out[0]
        record.idle[t] = GAP * EXPOSURE * built * COST_PER_GW * CHIPS * DT / BOOK_LIFE
        record.replacement[t] = REPLACE * max(0.0, wears_out[0] - wears_out[1])
        built += CAPITAL[t] / COST_PER_GW
        new = slice(opening + t * STEP_SLICES, opening + (t + 1) * STEP_SLICES)
        cost[new] = (CHIPS * CAPITAL[t] + record.replacement[t]) / STEP_SLICES
    return record


def fleet_model(fails: int, haircut: float) -> Model:
    """An owner with more cash than it needs until step `fails`, when a due that nobody could pay liquidates it; the fleet is sold at 1 - haircut."""
    timeline = Timeline(date(2025, 12, 31), STEPS, DT)
    sections = NO_SHOCKS | {
        "power_gap": NO_SHOCKS["power_gap"] | {"scale": 1.0, "plan": {2025: GAP}},
        "life": {"values": LIVES, "weights": (1, 1, 1, 1)},
        "rental": {"volatility": 0.0, "obsolescence": 0.0, "demand_pull": 0.0},
    }
    factors = build_factors(FactorSections(**sections), {}, timeline, [], [SURE], 5, discount=False)
    fields = {name: np.zeros((3, STEPS)) if name in BY_STEP_OF_ENTITY else np.zeros(3) for name in Entities._fields}
    fields |= {name: np.full(3, -1, np.int64) for name in INTEGER_OF_ENTITY}
    fields |= {name: np.ones(3) for name in ("runway_years", "mult_tau", "headroom")}
    fields["outside"][SUPPLIER:] = 1.0
    fields["owner"][OWNER] = 0
    fields["cash0"][OWNER] = 1e4
    fields["capex_plan"][OWNER] = CAPITAL
    due = [0.0] * STEPS
    due[fails] = 1e6
    legs = [
        dict(payer=OWNER, payee=SUPPLIER, driver=CAPEX, deal=0, capex_share=1.0, chip_share=1.0),
        dict(payer=OWNER, payee=SUPPLIER, driver=SCHEDULED, deal=1, sched=due),
    ]
    fleet = {"fleet0": OPENING, "fleet_span": SPAN, "book_life": BOOK_LIFE, "gw0": 1.0, "power_exposure": EXPOSURE, "cost_per_gw": COST_PER_GW}
    fleet |= {"chip_of_capex": CHIPS, "replace_price": REPLACE}
    no_rows, empty = np.zeros(0, np.int64), np.zeros(0)
    model = Model(
        grid=Grid(STEPS, DT, 3, INSURER, SUPPLIER, DEALS),
        factors=factors,
        entities=Entities(**fields),
        fleet=Fleet(
            entity=np.array([OWNER]), plan_gw=np.zeros((1, STEPS)), stranded_deal=np.array([OWN]), **{name: np.array([value]) for name, value in fleet.items()}
        ),
        legs=make_legs(legs, STEPS),
        holdings=Holdings(no_rows, no_rows, empty, empty, no_rows, np.full(3, -1, np.int64)),
        rules=make_rules(worlds=2)._replace(d0=haircut),
    )
    return Model(*(freeze(group) for group in model))


@functools.cache
def findings() -> list[Finding]:
    worst = dict.fromkeys(("value", "carrying", "stranded", "replacement"), 0.0)
    largest = dict.fromkeys(worst, 0.0)
    records = {life: count_vintages(life) for life in LIVES}

    def compare(name, got, want):
        worst[name] = max(worst[name], abs(float(got) - float(want)))
        largest[name] = max(largest[name], float(want))

    seen = set()
    for fails in range(0, STEPS - 1):
        for haircut in (0.0, 1.0):  # 0: proceeds are the value; 1: nothing comes in, the loss is all that the books carry
            workspace = Workspace(fleet_model(fails, haircut), PATHS)
            out, trace = of_network(workspace.run(Block(0, PATHS))), workspace.trace(0)[0]
            lives = out["factor_summary"][tuple(FACTORS).index("gpu_life")]
            for lane, life in enumerate(lives):
                record = records[life]
                seen.add(float(life))
                assert out["default_step"][OWNER, lane] == fails
                received = trace[:fails, TRACES.index("received"), SUPPLIER, lane]
                for t in range(fails):
                    compare("replacement", received[t] - CAPITAL[t], record.replacement[t])
                compare("stranded", out["loss"][OWNER, STRANDED, lane], record.early[: fails + 1].sum() + record.idle[: fails + 1].sum())
                kept = record.carrying[fails] - record.idle[fails]  # idle chips lose their depreciation of the step first
                if haircut == 0.0:
                    compare("value", trace[fails + 1, TRACES.index("outside_in"), OWNER, lane], record.value[fails])
                    compare("carrying", out["loss"][OWNER, COLLATERAL, lane], max(0.0, kept - record.value[fails]))
                else:
                    compare("carrying", out["loss"][OWNER, COLLATERAL, lane], max(0.0, kept))
    assert seen == set(LIVES)
    assert min(largest.values()) > 0.1  # every comparison has met something
    claims = {
        "value": "Straight-line value of a fleet over its true life, as the sale brings it, USD bn: largest difference",
        "carrying": "Carrying value over the book life, as a failed owner loses it: largest difference",
        "stranded": "Chips that wear out before their book life and chips without power: largest difference",
        "replacement": "Replacement of chips that wear out before the plan replaces them: largest difference",
    }
    source = "docs/model.md 4.1, vintage by vintage"
    return [numeric_finding(claim, TEST, source, worst[name], 0.0, 1e-10) for name, claim in claims.items()]
