"""Draws made once a path, and the opening state of the factors (docs/model.md, sections 2, 2.6 and 2.10).

A process gets its own few rows and numbers as arguments, not the wide tuples (step/factors.py says why).

Letters: W lanes, R revenue processes, S deal groups, M most shots, T steps.
"""

import math
from typing import NamedTuple

import numpy as np

from simulate.kernels.jit import kernel, part, stage
from simulate.kernels.maths import exp_in_place, log_in_place
from simulate.kernels.random import FIRST_DRAW, ONCE, SECOND_DRAW, fill_normal, fill_uniform
from simulate.model import DRIVERS, Array, Factors, Grid, Model
from simulate.step.memory import zeros

# Rows of FactorState.normal: the six drivers, the integral of the rate, then three for each revenue process.
N_RATE_INTEGRAL = len(DRIVERS)
N_REVENUE = N_RATE_INTEGRAL + 1


class PathDraws(NamedTuple):
    """Draws made once a path."""

    delivery: Array  # [R, W] share d of the planned increase that arrives
    life: Array  # [W] useful life of chips, years
    scale: Array  # [S, W] executed size of a deal group, 0 where it is not executed


class FactorState(NamedTuple):
    """State that the factors carry from step to step, and their scratch."""

    regime: Array  # [W] c
    valuation: Array  # [W] v, log
    spread: Array  # [W] w, log
    power: Array  # [W] o, share
    rental: Array  # [W] q, log
    rate: Array  # [W] r, per year
    rate_integral: Array  # [W] I
    growth: Array  # [R, W] m, per year
    log_revenue: Array  # [R, W] Y
    regime_shift: Array  # [R, W] S, log
    confidence: Array  # [W] k
    shots: Array  # [W] A
    shot_time: Array  # [M, W] arrival, years; beyond the horizon where there is none
    shot_size: Array  # [M, W] J exp(shot_decay arrival)
    shots_most: Array  # [1] int64: most shots of any lane of the tile
    normal: Array  # [6 + 1 + 3 R, W] independent normals of the step
    driver: Array  # [6, W] correlated normals of the step
    uniform: Array  # [W] scratch
    pull: Array  # [W] scratch
    lanes: Array  # [rows x W] int64 scratch of turn_normal
    tails: Array  # [rows x W] scratch of turn_normal


def new_factor_state(model: Model, lanes: int) -> FactorState:
    """Allocate the state of a tile; `draw_paths` sets it."""
    processes = model.factors.rev_plan.shape[0]
    most = model.factors.shot_cdf.size
    rows = N_REVENUE + 3 * processes
    lane, process = (lanes,), (processes, lanes)
    shapes: dict[str, tuple[int, ...]] = {"growth": process, "log_revenue": process, "regime_shift": process}
    shapes |= {"shot_time": (most, lanes), "shot_size": (most, lanes), "normal": (rows, lanes), "driver": (len(DRIVERS), lanes)}
    shapes |= {"tails": (rows * lanes,)}
    integers = {"shots_most": zeros(1, np.int64), "lanes": zeros(rows * lanes, np.int64)}
    return FactorState(**{name: integers[name] if name in integers else zeros(shapes.get(name, lane)) for name in FactorState._fields})


def new_path_draws(model: Model, lanes: int) -> PathDraws:
    """Allocate the draws of a tile."""
    factors = model.factors
    return PathDraws(zeros((factors.rev_plan.shape[0], lanes)), zeros(lanes), zeros((factors.exec_rho.size, lanes)))


@part
def draw_delivery(keys, rho, table, z0, dz, first_path, common, own, delivery):
    """Draw delivery [R, W] (2.6): the Beta-PERT quantile at Phi(rho common + sqrt(1 - rho^2) own), cubic Hermite in table [K, 2]."""
    rest = math.sqrt(1.0 - rho * rho)
    last = table.shape[0] - 2
    for i in range(delivery.shape[0]):
        fill_normal(keys[i], ONCE, FIRST_DRAW, first_path, own)
        for lane in range(own.size):
            place = (rho * common[lane] + rest * own[lane] - z0) / dz
            place = min(max(place, 0.0), last + 1.0)
            k = min(int(place), last)
            s = place - k
            h = s * s * (3.0 - 2.0 * s)
            bend = s * (1.0 - s) * dz * ((1.0 - s) * table[k, 1] - s * table[k + 1, 1])
            delivery[i, lane] = table[k, 0] + h * (table[k + 1, 0] - table[k, 0]) + bend


@part
def draw_groups(keys, rho, threshold, low, high, first_path, common, own, scale):
    """Draw scale [S, W] (2.10): size of a deal group where rho common + sqrt(1 - rho^2) own reaches its threshold, else 0. Group 0 is sure."""
    scale[0, :] = 1.0
    for g in range(1, scale.shape[0]):
        rest = math.sqrt(1.0 - rho[g] * rho[g])
        width = high[g] - low[g]
        fill_uniform(keys[g], ONCE, SECOND_DRAW, first_path, own)
        for lane in range(own.size):
            scale[g, lane] = low[g] + width * own[lane]
        fill_normal(keys[g], ONCE, FIRST_DRAW, first_path, own)
        for lane in range(own.size):
            n = rho[g] * common[lane] + rest * own[lane]
            scale[g, lane] = scale[g, lane] if n >= threshold[g] else 0.0


@part
def draw_life(key, values, cdf, first_path, u, life):
    """Draw life [W] (2.10): one of values [V] with cumulative probabilities cdf [V-1], years."""
    fill_uniform(key, ONCE, FIRST_DRAW, first_path, u)
    life[:] = values[0]
    for k in range(cdf.size):
        for lane in range(life.size):
            life[lane] = values[k + 1] if u[lane] > cdf[k] else life[lane]


@part
def draw_shots(key, cdf, mean, decay, horizon, first_path, u, count, times, sizes):  # noqa: PLR0913 - its own rows and numbers, see the top
    """Draw arrival times and sizes [M, W] of each lane's shots (2.5); returns the largest number of any lane. cdf [M] of the count, horizon in years.

    Sizes are stored grown to time 0 by exp(decay time), so that the sum of all that have arrived fades as one number.
    """
    count[:] = 0.0
    fill_uniform(key, ONCE, FIRST_DRAW, first_path, u)
    for k in range(cdf.size):
        for lane in range(u.size):
            count[lane] += 1.0 if u[lane] > cdf[k] else 0.0
    most = 0
    for lane in range(u.size):
        most = max(most, int(count[lane]))
    for k in range(most):
        time = times[k]
        size = sizes[k]
        fill_uniform(key, ONCE, 1 + 2 * k, first_path, time)
        fill_uniform(key, ONCE, 2 + 2 * k, first_path, size)
        log_in_place(size)
        for lane in range(u.size):
            time[lane] = horizon * time[lane]
            u[lane] = decay * time[lane]
        exp_in_place(u)
        for lane in range(u.size):
            size[lane] = -mean * size[lane] * u[lane] if k < count[lane] else 0.0
    return most


@stage
def draw_paths(grid: Grid, factors: Factors, first_path, state: FactorState, draws: PathDraws):
    """Set the opening state of lanes l = path first_path + l, and make the draws of each path."""
    f = factors
    common = state.pull
    own = state.uniform
    fill_normal(f.key_delivery_common, ONCE, FIRST_DRAW, first_path, common)
    draw_delivery(f.key_delivery, f.delivery_rho, f.delivery_table, f.delivery_z0, f.delivery_dz, first_path, common, own, draws.delivery)
    draw_groups(f.key_group, f.exec_rho, f.exec_threshold, f.size_low, f.size_high, first_path, common, own, draws.scale)
    draw_life(f.key_life, f.life_values, f.life_cdf, first_path, own, draws.life)
    horizon = grid.steps * grid.dt
    times = state.shot_time
    sizes = state.shot_size
    state.shots_most[0] = draw_shots(f.key_shots, f.shot_cdf, f.shot_mean, f.shot_decay, horizon, first_path, own, common, times, sizes)
    state.regime[:] = 0.0
    state.valuation[:] = 0.0
    state.spread[:] = 0.0
    state.power[:] = 0.0
    state.rental[:] = 0.0
    state.rate[:] = f.rate0
    state.rate_integral[:] = 0.0
    state.growth[:] = 0.0
    state.log_revenue[:] = 0.0
    state.regime_shift[:] = 0.0
    state.confidence[:] = 1.0
    state.shots[:] = 0.0


@kernel
def begin_paths(grid: Grid, factors: Factors, first_path, state: FactorState, draws: PathDraws):
    """Call `draw_paths` from Python."""
    draw_paths(grid, factors, first_path, state, draws)
