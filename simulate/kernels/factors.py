"""The drivers, correlated, and the factors that they move: section 2 of docs/model.md, in its order.

Every process advances its own rows. State is [row, lane] with lanes innermost; each kernel loops over rows outside and lanes inside
and touches few arrays at once (a loop over many arrays needs more checks of overlap than the compiler is willing to make before
it vectorises). All worlds share one set of draws, so this runs once a tile and step.

Letters: W lanes, R revenue processes, S deal groups, M most shots, T steps.
"""

import math
from typing import NamedTuple

import numpy as np

from simulate.kernels.jit import kernel
from simulate.kernels.maths import exp_in_place, log_in_place
from simulate.kernels.random import ONCE, fill_normal, fill_uniform, turn_normal
from simulate.model import DRIVERS, Array, Factors, Grid, Model

D_DEMAND, D_VALUATION, D_RATES, D_SPREAD, D_POWER, D_RENTAL = range(len(DRIVERS))
# Rows of FactorState.normal: the six drivers, the integral of the rate, then three for each revenue process.
N_RATE_INTEGRAL = len(DRIVERS)
N_REVENUE = N_RATE_INTEGRAL + 1


class PathDraws(NamedTuple):
    """What is drawn once a path."""

    delivery: Array  # [R, W] share d of the planned increase that arrives
    life: Array  # [W] useful life of chips, years
    scale: Array  # [S, W] executed size of a deal group, 0 where it is not executed


class StepFactors(NamedTuple):
    """What the factors are in one step."""

    ratio: Array  # [R, W] revenue over plan, x
    demand: Array  # [W] y, share of plan
    confidence: Array  # [W] k, share of plan
    log_valuation: Array  # [W]
    valuation: Array  # [W] V, relative to opening
    rate: Array  # [W] short rate at the end of the step, per year
    discount: Array  # [W] discount factor at the end of the step
    spread: Array  # [W] s, relative to its mean
    rental: Array  # [W] p, relative to opening
    gap: Array  # [W] g, share of planned additions without power
    regime: Array  # [W] 1 in disappointment


class FactorState(NamedTuple):
    """What the factors carry from step to step, and their scratch."""

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
    """Unset state of a tile; `begin_paths` sets it."""
    processes = model.factors.rev_plan.shape[0]
    most = model.factors.shot_cdf.size
    rows = N_REVENUE + 3 * processes
    lane, process = (lanes,), (processes, lanes)
    shapes = {"growth": process, "log_revenue": process, "regime_shift": process}
    shapes |= {"shot_time": (most, lanes), "shot_size": (most, lanes), "normal": (rows, lanes), "driver": (len(DRIVERS), lanes)}
    shapes |= {"tails": (rows * lanes,)}
    integers = {"shots_most": np.zeros(1, np.int64), "lanes": np.zeros(rows * lanes, np.int64)}
    return FactorState(**{name: integers[name] if name in integers else np.zeros(shapes.get(name, lane)) for name in FactorState._fields})


def new_path_draws(model: Model, lanes: int) -> PathDraws:
    """Unset draws of a tile."""
    factors = model.factors
    return PathDraws(np.zeros((factors.rev_plan.shape[0], lanes)), np.zeros(lanes), np.zeros((factors.exec_rho.size, lanes)))


def new_step_factors(model: Model, lanes: int) -> StepFactors:
    """Unset factors of a step."""
    ratio = np.zeros((model.factors.rev_plan.shape[0], lanes))
    return StepFactors(ratio, *(np.zeros(lanes) for _ in StepFactors._fields[1:]))


# ---------------------------------------------------------------------------------------------------------------- once a path


@kernel
def draw_delivery(factors: Factors, first_path, state: FactorState, delivery):
    """delivery [R, W]: Beta-PERT quantile at Phi(z), z tied across processes by one common normal. Leaves it in state.pull."""
    common = state.pull
    own = state.uniform
    fill_normal(factors.key_delivery_common, ONCE, 0, first_path, common)
    rho = factors.delivery_rho
    rest = math.sqrt(1.0 - rho * rho)
    table = factors.delivery_table
    last = table.shape[0] - 2
    dz = factors.delivery_dz
    for i in range(delivery.shape[0]):
        fill_normal(factors.key_delivery[i], ONCE, 0, first_path, own)
        for lane in range(own.size):
            place = (rho * common[lane] + rest * own[lane] - factors.delivery_z0) / dz
            place = min(max(place, 0.0), last + 1.0)
            k = min(int(place), last)
            s = place - k
            # Cubic Hermite with slopes in d/dz.
            h = s * s * (3.0 - 2.0 * s)
            bend = s * (1.0 - s) * dz * ((1.0 - s) * table[k, 1] - s * table[k + 1, 1])
            delivery[i, lane] = table[k, 0] + h * (table[k + 1, 0] - table[k, 0]) + bend


@kernel
def draw_groups(factors: Factors, first_path, state: FactorState, scale):
    """scale [S, W]: size of each deal group where it is executed, else 0; tied to delivery by its common normal in state.pull."""
    common = state.pull
    own = state.uniform
    scale[0, :] = 1.0
    for g in range(1, scale.shape[0]):
        rho = factors.exec_rho[g]
        rest = math.sqrt(1.0 - rho * rho)
        low = factors.size_low[g]
        width = factors.size_high[g] - low
        fill_uniform(factors.key_group[g], ONCE, 1, first_path, own)
        for lane in range(own.size):
            scale[g, lane] = low + width * own[lane]
        fill_normal(factors.key_group[g], ONCE, 0, first_path, own)
        for lane in range(own.size):
            n = rho * common[lane] + rest * own[lane]
            scale[g, lane] = scale[g, lane] if n >= factors.exec_threshold[g] else 0.0


@kernel
def draw_life(factors: Factors, first_path, state: FactorState, life):
    """life [W]: a value of the mixture, years."""
    u = state.uniform
    fill_uniform(factors.key_life, ONCE, 0, first_path, u)
    life[:] = factors.life_values[0]
    for k in range(factors.life_cdf.size):
        edge = factors.life_cdf[k]
        value = factors.life_values[k + 1]
        for lane in range(life.size):
            life[lane] = value if u[lane] > edge else life[lane]


@kernel
def draw_shots(grid: Grid, factors: Factors, first_path, state: FactorState):
    """Number, arrival and size of the power shots of each lane; sizes are stored grown to time 0, so that a sum decays as one."""
    u = state.uniform
    count = state.pull
    count[:] = 0.0
    fill_uniform(factors.key_shots, ONCE, 0, first_path, u)
    for k in range(factors.shot_cdf.size):
        edge = factors.shot_cdf[k]
        for lane in range(u.size):
            count[lane] += 1.0 if u[lane] > edge else 0.0
    most = 0
    for lane in range(u.size):
        most = max(most, int(count[lane]))
    state.shots_most[0] = most
    horizon = grid.steps * grid.dt
    for k in range(most):
        time = state.shot_time[k]
        size = state.shot_size[k]
        fill_uniform(factors.key_shots, ONCE, 1 + 2 * k, first_path, time)
        fill_uniform(factors.key_shots, ONCE, 2 + 2 * k, first_path, size)
        for lane in range(u.size):
            time[lane] = horizon * time[lane]
        log_in_place(size)
        for lane in range(u.size):
            u[lane] = factors.shot_decay * time[lane]
        exp_in_place(u)
        for lane in range(u.size):
            size[lane] = -factors.shot_mean * size[lane] * u[lane] if k < count[lane] else 0.0


@kernel
def begin_paths(grid: Grid, factors: Factors, first_path, state: FactorState, draws: PathDraws):
    """Opening state of lanes l = path first_path + l, and what is drawn once a path."""
    draw_delivery(factors, first_path, state, draws.delivery)
    draw_groups(factors, first_path, state, draws.scale)
    draw_life(factors, first_path, state, draws.life)
    draw_shots(grid, factors, first_path, state)
    state.regime[:] = 0.0
    state.valuation[:] = 0.0
    state.spread[:] = 0.0
    state.power[:] = 0.0
    state.rental[:] = 0.0
    state.rate[:] = factors.rate0
    state.rate_integral[:] = 0.0
    state.growth[:] = 0.0
    state.log_revenue[:] = 0.0
    state.regime_shift[:] = 0.0
    state.confidence[:] = 1.0
    state.shots[:] = 0.0


# ---------------------------------------------------------------------------------------------------------------- every step


@kernel
def draw_step(factors: Factors, t, first_path, state: FactorState):
    """All normals of the step at once, then the drivers: Z = `driver_cholesky` n.

    Where a process has no growth risk its two draws are not made: their coefficients are 0.
    """
    normal = state.normal
    for d in range(N_RATE_INTEGRAL):
        fill_uniform(factors.key_driver[d], t, 0, first_path, normal[d])
    fill_uniform(factors.key_rate_integral, t, 0, first_path, normal[N_RATE_INTEGRAL])
    for i in range(factors.rev_plan.shape[0]):
        row = N_REVENUE + 3 * i
        fill_uniform(factors.key_revenue[i], t, 0, first_path, normal[row])
        if factors.rev_m_sd[i] > 0.0:
            fill_uniform(factors.key_revenue[i], t, 1, first_path, normal[row + 1])
            fill_uniform(factors.key_revenue[i], t, 2, first_path, normal[row + 2])
        else:
            normal[row + 1, :] = 0.5
            normal[row + 2, :] = 0.5
    turn_normal(normal.reshape(-1), state.lanes, state.tails)
    for d in range(N_RATE_INTEGRAL):
        z = state.driver[d]
        z[:] = 0.0
        for e in range(d + 1):
            n = normal[e]
            weight = factors.driver_cholesky[d, e]
            for lane in range(z.size):
                z[lane] += weight * n[lane]


@kernel
def advance_regime(factors: Factors, t, first_path, state: FactorState, out: StepFactors):
    """1. Two-state Markov chain, exact on the grid."""
    u = state.uniform
    regime = state.regime
    fill_uniform(factors.key_regime, t, 0, first_path, u)
    for lane in range(u.size):
        enters = 1.0 if u[lane] < factors.regime_p01 else 0.0
        stays = 1.0 if u[lane] >= factors.regime_p10 else 0.0
        regime[lane] = enters if regime[lane] == 0.0 else stays
    out.regime[:] = regime


@kernel
def advance_short_rate(grid: Grid, factors: Factors, state: FactorState, out: StepFactors):
    """2. Vasicek (1977), rate and integral jointly (Glasserman 2003, section 3.3)."""
    z = state.driver[D_RATES]
    n = state.normal[N_RATE_INTEGRAL]
    rate = state.rate
    integral = state.rate_integral
    theta = factors.rate_theta
    for lane in range(z.size):
        noise = factors.rate_int_c1 * z[lane] + factors.rate_int_c2 * n[lane]
        integral[lane] += theta * grid.dt + (rate[lane] - theta) * factors.rate_int_gain + noise
    for lane in range(z.size):
        rate[lane] = theta + (rate[lane] - theta) * factors.rate_decay + factors.rate_sd * z[lane]
    out.rate[:] = rate
    for lane in range(z.size):
        out.discount[lane] = -factors.discount * integral[lane]
    exp_in_place(out.discount)


@kernel
def advance_spread(factors: Factors, t, state: FactorState, out: StepFactors):
    """3. Log-Ornstein-Uhlenbeck with mean 1."""
    z = state.driver[D_SPREAD]
    w = state.spread
    half = 0.5 * factors.spread_var[t]
    for lane in range(z.size):
        w[lane] = factors.spread_decay * w[lane] + factors.spread_sd * z[lane]
        out.spread[lane] = w[lane] - half
    exp_in_place(out.spread)


@kernel
def advance_valuation(factors: Factors, t, state: FactorState, out: StepFactors):
    """4. Log-Ornstein-Uhlenbeck, shifted in disappointment and by the short rate (after 1 and 2)."""
    z = state.driver[D_VALUATION]
    v = state.valuation
    log_v = out.log_valuation
    half = 0.5 * factors.val_var[t]
    for lane in range(z.size):
        v[lane] = factors.val_decay * v[lane] + factors.val_sd * z[lane]
        log_v[lane] = v[lane] - half
    for lane in range(z.size):
        log_v[lane] += factors.val_shift * out.regime[lane] - factors.val_rate_duration * (out.rate[lane] - factors.rate0)
    out.valuation[:] = log_v
    exp_in_place(out.valuation)


@kernel
def advance_power(grid: Grid, factors: Factors, t, state: FactorState, out: StepFactors):
    """5. Plan, Ornstein-Uhlenbeck and shot noise (Campbell 1909): each shot counts from its own arrival time on."""
    z = state.driver[D_POWER]
    o = state.power
    shots = state.shots
    begin = t * grid.dt
    end = (t + 1) * grid.dt
    for k in range(state.shots_most[0]):
        time = state.shot_time[k]
        size = state.shot_size[k]
        for lane in range(z.size):
            shots[lane] += size[lane] if (begin < time[lane]) & (time[lane] <= end) else 0.0
    fade = math.exp(-factors.shot_decay * end)
    plan = factors.gap_plan[t]
    for lane in range(z.size):
        o[lane] = factors.gap_decay * o[lane] + factors.gap_sd * z[lane]
    for lane in range(z.size):
        gap = plan + o[lane] + shots[lane] * fade
        gap = 0.0 if gap < 0.0 else gap
        out.gap[lane] = 1.0 if gap > 1.0 else gap


@kernel
def advance_revenue(grid: Grid, factors: Factors, t, state: FactorState, draws: PathDraws, out: StepFactors):
    """7. Schwartz and Moon (2000) around the delivered plan; growth and its integral jointly."""
    z = state.driver[D_DEMAND]
    for i in range(out.ratio.shape[0]):
        n0 = state.normal[N_REVENUE + 3 * i]
        n1 = state.normal[N_REVENUE + 3 * i + 1]
        n2 = state.normal[N_REVENUE + 3 * i + 2]
        growth = state.growth[i]
        log_revenue = state.log_revenue[i]
        shift = state.regime_shift[i]
        delivery = draws.delivery[i]
        ratio = out.ratio[i]
        loading = factors.rev_loading[i]
        rest = math.sqrt(1.0 - loading * loading)
        sd = factors.rev_sd[i, t]
        for lane in range(z.size):
            log_revenue[lane] += sd * (loading * z[lane] + rest * n0[lane])
        if factors.rev_m_sd[i] > 0.0:
            for lane in range(z.size):
                integral = factors.rev_gain[i] * growth[lane] + factors.rev_int_c1[i] * n1[lane] + factors.rev_int_c2[i] * n2[lane]
                log_revenue[lane] += integral
            for lane in range(z.size):
                growth[lane] = factors.rev_decay[i] * growth[lane] + factors.rev_m_sd[i] * n1[lane]
        move = factors.rev_shift[i] * grid.dt
        for lane in range(z.size):
            shift[lane] += move * out.regime[lane]
        half = 0.5 * factors.rev_var[i, t]
        for lane in range(z.size):
            ratio[lane] = log_revenue[lane] - half + shift[lane]
        exp_in_place(ratio)
        plan = factors.rev_plan[i, t]
        opening = factors.rev_plan0[i]
        for lane in range(z.size):
            ratio[lane] *= (opening + delivery[lane] * (plan - opening)) / plan


@kernel
def advance_demand(factors: Factors, t, state: FactorState, out: StepFactors):
    """8. Revenue of the labs over plan, and its memory."""
    demand = out.demand
    confidence = state.confidence
    demand[:] = 0.0
    for i in range(out.ratio.shape[0]):
        weight = factors.demand_weight[i, t]
        if weight != 0.0:
            ratio = out.ratio[i]
            for lane in range(demand.size):
                demand[lane] += weight * ratio[lane]
    for lane in range(demand.size):
        confidence[lane] += factors.conf_lambda * (demand[lane] - confidence[lane])
    out.confidence[:] = confidence


@kernel
def advance_rental(factors: Factors, t, state: FactorState, out: StepFactors):
    """9. Log-Ornstein-Uhlenbeck around a table, pulled by demand over usable power (after 5 and 8)."""
    z = state.driver[D_RENTAL]
    q = state.rental
    demand = state.pull
    supply = state.uniform
    for lane in range(z.size):
        demand[lane] = max(out.demand[lane], 0.05)
        supply[lane] = max(1.0 - out.gap[lane], 0.05)
    log_in_place(demand)
    log_in_place(supply)
    decay = factors.rent_decay
    mean = factors.rent_mean[t]
    half = 0.5 * factors.rent_var[t]
    for lane in range(z.size):
        theta = mean + factors.rent_pull * (demand[lane] - supply[lane])
        q[lane] = decay * q[lane] + (1.0 - decay) * theta + factors.rent_sd * z[lane]
    for lane in range(z.size):
        out.rental[lane] = q[lane] - half
    exp_in_place(out.rental)


@kernel
def advance_factors(grid: Grid, factors: Factors, t, first_path, state: FactorState, draws: PathDraws, out: StepFactors):
    """All factors of step t for lanes l = path first_path + l."""
    draw_step(factors, t, first_path, state)
    advance_regime(factors, t, first_path, state, out)
    advance_short_rate(grid, factors, state, out)
    advance_spread(factors, t, state, out)
    advance_valuation(factors, t, state, out)
    advance_power(grid, factors, t, state, out)
    advance_revenue(grid, factors, t, state, draws, out)
    advance_demand(factors, t, state, out)
    advance_rental(factors, t, state, out)
