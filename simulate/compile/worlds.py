"""Turn the rules of a scenario into numbers by step, and its worlds into rows of switches."""

import math
from collections.abc import Mapping

import numpy as np

from simulate.calendar import Calendar
from simulate.compile.opening import count_sweeps
from simulate.compile.rows import Rows
from simulate.deals.legs import HoldingDraft
from simulate.model import FIRST, SWITCHES, freeze
from simulate.model import Rules as RuleRows
from simulate.network.entities import Entity
from simulate.scenario.sections import Rules as RuleSection
from simulate.scenario.sections import World

MOST_ITERATIONS = 1_000_000  # rounds of a clearing before a lane is marked as not converged: a network that loses 0.01 % a round takes 400,000


def sweeps_of(holdings: list[HoldingDraft], entities: tuple[Entity, ...], rows: Rows) -> int:
    """Return the number of sweeps of the equity fixed point."""
    inside = np.array([not entity.outside for entity in entities] + [False])
    return count_sweeps(
        np.array([rows.entity[h.holder] for h in holdings], int),
        np.array([rows.entity[h.issuer] for h in holdings], int),
        np.array([h.stake for h in holdings], float),
        inside,
        len(inside),
    )


def rule_rows(rules: RuleSection, worlds: Mapping[str, World], calendar: Calendar, smoothing: float, sweeps: int, rows: Rows) -> RuleRows:
    """Return the rules by step, and the worlds in the order of the scenario."""
    return freeze(
        RuleRows(
            world_switches=np.array([[switch not in world.off for switch in SWITCHES] for world in worlds.values()], float),
            world_least=np.array([world.solution == "least" for world in worlds.values()], float),
            world_detail=np.array([world.detail for world in worlds.values()], float),
            world_saves=np.array([[world.saves != FIRST and name in world.saves for name in rows.entity] for world in worlds.values()], float),
            world_saves_first=np.array([world.saves == FIRST for world in worlds.values()], float),
            alpha=rules.alpha,
            beta=rules.beta,
            d0=rules.forced_sale_haircut,
            transfer=rules.transfer,
            smoothing=smoothing,
            k_shut=rules.door.confidence,
            k_width=rules.door.confidence_width,
            v_shut=math.log(rules.door.valuation),
            v_width=rules.door.valuation_width,
            shock_confidence=rules.market_shock.confidence,
            shock_valuation=rules.market_shock.valuation,
            shock_spread=rules.market_shock.spread,
            shock_rental=rules.market_shock.rental,
            shock_decay=math.exp(-calendar.dt / rules.market_shock.decay_years),
            rescue_low=rules.rescue.discount_low,
            rescue_high=rules.rescue.discount_high,
            chip_impact=1.0 / rules.chip_market.depth if rules.chip_market.depth > 0.0 else 0.0,
            chip_decay=math.exp(-calendar.dt / rules.chip_market.memory_years),
            race_theta=rules.race_theta,
            capex_max=rules.capex_max,
            restructure_kappa=rules.restructure_kappa,
            exit_share=rules.exit_share,
            max_restructurings=rules.max_restructurings,
            equity_sweeps=sweeps,
            max_iterations=MOST_ITERATIONS,
        )
    )
