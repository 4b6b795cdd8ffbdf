"""Factors of three revenue processes and four groups of deals, and a run of them by themselves."""

from datetime import date

import numpy as np

from simulate.factors import (
    FactorSections,
    build_factors,
)
from simulate.factors.section import Group, Process, Timeline
from simulate.model import Grid, Model
from simulate.step.factors import PATH_DRAWS, STEP_FACTORS, advance_factors, begin_paths, new_factors

STEPS = 28
TIMELINE = Timeline(date(2025, 12, 31), STEPS, 0.25)
PATHS = 20_480
PLAN = np.linspace(5.0, 80.0, STEPS)
PROCESSES = (
    Process("openai", 4.6, PLAN, 0.6, 0.3, 0.12, 2.0, 0.05, 1.0, -0.2, True),
    Process("anthropic", 2.0, 0.4 * PLAN + 1.0, 0.6, 0.3, 0.12, 2.0, 0.0, 1.0, -0.2, True),
    Process("coreweave", 1.2, np.linspace(1.3, 9.0, STEPS), -0.3, 0.2, 0.2, 2.0, 0.1, 0.5, -0.1, False),
)
# The same with a growth that nobody knows at the opening, fat tails, and labs that win from each other and from rivals.
OPENED = tuple(process._replace(growth0=growth0, growth_sd0=sd) for process, growth0, sd in zip(PROCESSES, (0.3, -0.2, 0.0), (0.6, 0.4, 0.3), strict=True))
SHARING = {"revenue": {"tail_probability": 0.1, "tail_scale": 3.0, "share_switching": 0.5, "rival_share": 0.3}}
GROUPS = (Group("sure", 1.0, 1.0, 1.0), Group("letters", 0.25, 0.5, 1.0), Group("talks", 0.1, 1.0, 1.0), Group("never", 0.0, 1.0, 1.0))
CORRELATION = {"demand:valuation": 0.6, "demand:spread": -0.6, "power:rental": 0.3, "valuation:rates": -0.2}
QUIET = {"regime": {"hazard_in": 0.0}, "delivery": {"fixed": 1.0}}


def build(changes=None, *, correlation=CORRELATION, timeline=TIMELINE, processes=PROCESSES, groups=GROUPS, seed=0, discount=True):
    return build_factors(FactorSections(**(changes or {})), correlation, timeline, processes, groups, seed, discount=discount)


def simulate(factors, paths=PATHS, lanes=1024, first=0, dt=0.25, steps=None):
    """All step factors [T, .., path], all draws [.., path], and the pieces of the power gap, in tiles of `lanes`."""
    steps = steps or factors.power_gap.plan.size
    grid = Grid(factors.power_gap.plan.size, dt, 1, 0, 0, 1)
    model = Model(grid, factors, None, None, None, None, None)
    state, draws, out = new_factors(model, lanes)
    tiles = []
    for begin in range(first, first + paths, lanes):
        begin_paths(factors, begin, state, draws, out)
        rows = []
        for t in range(steps):
            advance_factors(grid, factors, t, begin, state, draws, out)
            seen = {name: getattr(out, name).copy() for names in STEP_FACTORS.values() for name in names}
            rows.append(
                seen
                | {
                    "power": state.fluctuation.copy(),
                    "shots": state.shots.copy(),
                    "shot_count": state.shot_count.copy(),
                    "driver": state.driver.copy(),
                }
            )
        tile = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
        tiles.append(tile | {f"draw_{name}": getattr(draws, name).copy() for names in PATH_DRAWS.values() for name in names})
    return {name: np.concatenate([tile[name] for tile in tiles], axis=-1)[..., :paths] for name in tiles[0]}


def check_mean(sample, mean, variance=None, limit=4.0):
    """Sample [.., n] against the exact mean, and against the exact variance where given."""
    sample, n = np.asarray(sample), sample.shape[-1]
    error = np.sqrt(sample.var(axis=-1) / n)
    np.testing.assert_array_less(np.abs(sample.mean(axis=-1) - mean), limit * error + 1e-12)
    if variance is not None:
        centred = (sample - np.asarray(mean)[..., None]) ** 2
        np.testing.assert_array_less(np.abs(centred.mean(axis=-1) - variance), limit * centred.std(axis=-1) / np.sqrt(n) + 1e-12)
