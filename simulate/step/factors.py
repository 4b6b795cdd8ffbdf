"""Factors: what they carry, draw and say in a tile, and their step (docs/model.md, section 2).

Each factor has its equations in its own file of simulate/factors; here are the normals of a step, which drivers correlate, and the memory. State is
[row, lane] with lanes innermost; each kernel loops over rows outside and lanes inside and touches few arrays at once (a loop over many
arrays needs more checks of overlap than the compiler is willing to make before it vectorises). All worlds share one set of draws,
so this runs once a tile and step.

Letters: W lanes, R revenue processes, S deal groups, M own moves of firms, C volumes of
contracts.
"""

from typing import NamedTuple

import numpy as np

from simulate.factors.members import DRIVERS, advance_members, begin_members, collect, draw_members, own_normals
from simulate.kernels.fields import name_rows
from simulate.kernels.jit import kernel, part, stage
from simulate.kernels.random import FIRST_DRAW, fill_uniform, turn_normal
from simulate.model import Array, Model
from simulate.step.memory import zeros

FACTOR_STATE, STEP_FACTORS, PATH_DRAWS = collect("STATE"), collect("STEP"), collect("DRAWS")


class FactorState(NamedTuple):
    """What factors carry from step to step, and their scratch; names of the rows in FACTOR_STATE."""

    lane: Array  # [K, W]
    process: Array  # [K, R, W]
    move: Array  # [K, M, W]
    normal: Array  # [6 + 2 + 3 R + M, W] independent normals of the step: of drivers, then of factors
    driver: Array  # [6, W] correlated normals of the step
    free: Array  # [2, W] for the inside of a function
    lanes: Array  # [rows x W] int64 scratch of turn_normal
    tails: Array  # [rows x W] scratch of turn_normal

    def __getattr__(self, name: str) -> Array:
        """Raise AttributeError: no row has the name. For type checkers, a row is an array (kernels/fields.py puts the names on the rows)."""
        raise AttributeError(name)


class PathDraws(NamedTuple):
    """Draws made once a path; names of the rows in PATH_DRAWS."""

    lane: Array  # [K, W]
    process: Array  # [K, R, W]
    group: Array  # [K, S, W]

    def __getattr__(self, name: str) -> Array:
        """Raise AttributeError, as in FactorState."""
        raise AttributeError(name)


class StepFactors(NamedTuple):
    """Values of the factors in one step; names of the rows in STEP_FACTORS."""

    lane: Array  # [K, W]
    process: Array  # [K, R, W]
    move: Array  # [K, M, W]
    volume: Array  # [K, C, W]

    def __getattr__(self, name: str) -> Array:
        """Raise AttributeError, as in FactorState."""
        raise AttributeError(name)


for struct, groups in ((FactorState, FACTOR_STATE), (PathDraws, PATH_DRAWS), (StepFactors, STEP_FACTORS)):
    for shape, names in groups.items():
        name_rows(struct, shape, tuple(names))


def new_factors(model: Model, lanes: int) -> tuple[FactorState, PathDraws, StepFactors]:
    """Allocate the factors of a tile; `draw_paths` sets them."""
    f = model.factors
    processes, groups, moves = len(f.revenue.plan0), len(f.execution.threshold), len(f.firms.sd)
    state = new_factor_state(processes, moves, lanes)
    return state, new_path_draws(processes, groups, lanes), new_step_factors(processes, moves, len(f.contracts.group), lanes)


def new_factor_state(processes: int, moves: int, lanes: int) -> FactorState:
    """Allocate the state of a tile."""
    rows = len(DRIVERS) + own_normals(processes, moves)
    shapes = {"lane": (lanes,), "process": (processes, lanes), "move": (moves, lanes)}
    return FactorState(
        **{shape: zeros((len(FACTOR_STATE[shape]), *size)) for shape, size in shapes.items()},
        normal=zeros((rows, lanes)),
        driver=zeros((len(DRIVERS), lanes)),
        free=zeros((2, lanes)),
        lanes=zeros(rows * lanes, np.int64),
        tails=zeros(rows * lanes),
    )


def new_path_draws(processes: int, groups: int, lanes: int) -> PathDraws:
    """Allocate the draws of a tile."""
    shapes = {"lane": (lanes,), "process": (processes, lanes), "group": (groups, lanes)}
    return PathDraws(**{shape: zeros((len(PATH_DRAWS[shape]), *size)) for shape, size in shapes.items()})


def new_step_factors(processes: int, moves: int, volumes: int, lanes: int) -> StepFactors:
    """Allocate the factors of a step."""
    shapes = {"lane": (lanes,), "process": (processes, lanes), "move": (moves, lanes), "volume": (volumes, lanes)}
    return StepFactors(**{shape: zeros((len(STEP_FACTORS[shape]), *size)) for shape, size in shapes.items()})


@part
def draw_normals(f, t, first_path, state):
    """Draw all normals of step t at once."""
    normal, drivers = state.normal, len(DRIVERS)
    for d in range(drivers):
        fill_uniform(f.drivers.key[d], t, FIRST_DRAW, first_path, normal[d])
    draw_members(f, t, first_path, normal[drivers:])
    turn_normal(normal.reshape(-1), state.lanes, state.tails)


@part
def correlate(lower, normal, driver):
    """Set driver [6, W] = lower [6, 6] times the first rows of normal."""
    for d in range(driver.shape[0]):
        z = driver[d]
        z[:] = 0.0
        for e in range(d + 1):
            n = normal[e]
            weight = lower[d, e]
            for lane in range(z.size):
                z[lane] += weight * n[lane]


@stage
def draw_paths(f, first_path, state, draws, out):
    """Set the opening of the factors in lanes l = path first_path + l, and make the draws of each path."""
    begin_members(f, first_path, state, draws, out)


@stage
def move_factors(grid, f, t, first_path, state, draws, out):
    """Advance all factors to the end of step t for lanes l = path first_path + l."""
    draw_normals(f, t, first_path, state)
    correlate(f.drivers.cholesky, state.normal, state.driver)
    advance_members(f, grid.dt, t, first_path, state, draws, out)


@kernel
def begin_paths(f, first_path, state, draws, out):
    """Call `draw_paths` from Python."""
    draw_paths(f, first_path, state, draws, out)


@kernel
def advance_factors(grid, f, t, first_path, state, draws, out):
    """Call `move_factors` from Python."""
    move_factors(grid, f, t, first_path, state, draws, out)
