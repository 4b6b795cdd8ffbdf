"""Firms that are nothing but an asset value and a bullet: the smallest `Model` in which the engine must reproduce a closed form.

Each firm receives its asset value at the end of the last step as external revenue, owes one bullet of `face` at that moment, has no cash, line or
market before, and is liquidated when it cannot pay. Nothing else happens: no plan, contract, stake, fleet, regime or power gap.
"""

from datetime import date

import numpy as np

from simulate.engine import blocks as engine
from simulate.factors import FactorSections, build_factors
from simulate.factors.section import Group, Process, Timeline
from simulate.model import BALANCE, Entities, Fleet, Grid, Holdings, Model
from tests.makers.results import of_network
from tests.makers.tiny import BY_STEP_OF_ENTITY, INTEGER_OF_ENTITY, freeze, make_legs, make_rules

SURE = Group("sure", 1.0, 1.0, 1.0)
NO_SHOCKS = {
    "regime": {"hazard_in": 0.0},
    "delivery": {"fixed": 1.0},
    "power_gap": {"scale": 0.0, "volatility": 0.0, "shots_per_year": 0.0},
}


def firm_model(  # noqa: PLR0913 - keyword-only parameters of the firms
    *, firms=1, face=80.0, asset=100.0, sd=0.2, loading=0.0, growth_sd=0.0, growth_decay=1.0, steps=1, dt=1.0, rate=0.0, rate_sd=0.0, alpha=1.0, seed=0
) -> Model:
    """Firms 0 .. firms-1, then the outside lender and the insurer.

    asset: its value today, USD bn; it grows at the mean short rate, as under the pricing measure. sd: per sqrt(year); loading: of each firm's shocks on
    the common driver. rate: short rate, flat in the mean, per year, with volatility rate_sd. alpha: share of its asset that a failed firm can pay out.
    """
    n, lender, insurer = firms + 2, firms, firms + 1
    timeline = Timeline(date(2025, 12, 31), steps, dt)
    forward = asset * np.exp(rate * steps * dt)
    processes = [Process(f"firm{i}", forward, np.full(steps, forward), loading, sd, sd, 0.0, growth_sd, growth_decay, 0.0, False) for i in range(firms)]
    short_rate = {"start": rate, "mean": rate, "volatility": rate_sd, "reversion": 0.3}
    factors = build_factors(FactorSections(short_rate=short_rate, **NO_SHOCKS), {}, timeline, processes, [SURE], seed)
    inside = np.arange(firms)

    fields = {name: np.zeros((n, steps)) if name in BY_STEP_OF_ENTITY else np.zeros(n) for name in Entities._fields}
    fields |= {name: np.full(n, -1, np.int64) for name in INTEGER_OF_ENTITY}
    fields |= {name: np.ones(n) for name in ("runway_years", "mult_tau", "headroom")}
    fields["outside"][firms:] = 1.0
    fields["revenue_process"][:firms] = inside
    fields["ai_share"][:firms] = 1.0
    fields["rev_ext"][:firms, -1] = forward
    fields["plan_external"][:firms, -1] = forward
    amort = [0.0] * (steps - 1) + [1.0]
    legs = [dict(payer=i, payee=lender, driver=BALANCE, bal0=face, amort=amort) for i in range(firms)]

    empty, no_rows = np.zeros(0), np.zeros(0, np.int64)
    model = Model(
        grid=Grid(steps, dt, n, insurer, lender, firms),
        factors=factors,
        entities=Entities(**fields),
        fleet=Fleet(no_rows, *[empty] * 4, np.zeros((0, steps)), *[empty] * 4, no_rows),
        legs=make_legs(legs, steps),
        holdings=Holdings(no_rows, no_rows, empty, empty, no_rows, np.full(n, -1, np.int64)),
        rules=make_rules(worlds=2)._replace(alpha=alpha, beta=1.0),
    )
    return Model(*(freeze(group) for group in model))


def run_engine(model: Model, paths: int, lanes: int = 500, first_path: int = 0) -> dict[str, np.ndarray]:
    """Outputs of all paths in the network, the last axis the path."""
    blocks = {}
    engine.run_blocks(model, paths=paths, on_block=blocks.__setitem__, block_paths=5000, tile_lanes=lanes, first_path=first_path)
    return of_network({name: np.concatenate([blocks[first][name] for first in sorted(blocks)], axis=-1) for name in blocks[first_path]})
