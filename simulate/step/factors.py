"""Factors: correlated drivers and the processes that they move (docs/model.md, section 2, in its order).

Every process advances its own rows. State is [row, lane] with lanes innermost; each kernel loops over rows outside and lanes inside
and touches few arrays at once (a loop over many arrays needs more checks of overlap than the compiler is willing to make before
it vectorises). All worlds share one set of draws, so this runs once a tile and step.

Only `draw_paths` (draws.py) and `move_factors` know the wide tuples; a process gets its own few rows and numbers. That is easier to read,
and each function that takes the tuples costs a second of compilation (25 s in all when every process did).

Letters: W lanes, R revenue processes, S deal groups, M most shots, T steps. z is a driver of the step [W].
"""

import math
from typing import NamedTuple

from simulate.kernels.fields import name_rows
from simulate.kernels.jit import kernel, part, stage
from simulate.kernels.maths import copy_row, exp_in_place, log_in_place
from simulate.kernels.random import FIRST_DRAW, fill_uniform, turn_normal
from simulate.model import DRIVERS, Array, Factors, Grid, Model
from simulate.step.draws import N_RATE_INTEGRAL, N_REVENUE, FactorState, PathDraws
from simulate.step.memory import zeros
from simulate.step.state import Variable

D_DEMAND, D_VALUATION, D_RATES, D_SPREAD, D_POWER, D_RENTAL = range(len(DRIVERS))
SQRT_HALF = math.sqrt(0.5)

STEP_FACTORS = {
    "demand": Variable("share of plan", "demand for AI compute over plan"),
    "confidence": Variable("share of plan", "confidence of the funding market"),
    "log_valuation": Variable("1", "logarithm of the valuation index"),
    "valuation": Variable("ratio", "valuation index, 1 at the opening"),
    "rate": Variable("1/year", "short rate at the end of the step"),
    "discount": Variable("1", "discount factor at the end of the step"),
    "spread": Variable("ratio", "credit spread over its mean"),
    "rental": Variable("ratio", "rental price of compute, 1 at the opening"),
    "gap": Variable("share", "planned additions without power"),
    "regime": Variable("0 or 1", "1 in disappointment"),
    "rate_before": Variable("1/year", "short rate at the end of the step before"),
    "spread_before": Variable("ratio", "credit spread of the step before"),
}


class StepFactors(NamedTuple):
    """Values of the factors in one step; the names of STEP_FACTORS stand on the rows of `lane`."""

    ratio: Array  # [R, W] revenue over plan, x
    lane: Array  # [K, W]

    def __getattr__(self, name: str) -> Array:
        """Raise AttributeError: no row has the name. For type checkers, a row is an array (kernels/fields.py puts the names on the rows)."""
        raise AttributeError(name)


name_rows(StepFactors, "lane", tuple(STEP_FACTORS))


def new_step_factors(model: Model, lanes: int) -> StepFactors:
    """Allocate the factors of a step."""
    ratio = zeros((model.factors.rev_plan.shape[0], lanes))
    return StepFactors(ratio, zeros((len(STEP_FACTORS), lanes)))


@part
def draw_normals(key_driver, key_rate_integral, key_revenue, growth_sd, t, first_path, normal, lanes, tails):
    """Draw all normals of the step at once, normal [6 + 1 + 3 R, W].

    Where a process has no growth risk its two draws are not made (their coefficients are 0, and 1/2 becomes the normal 0).
    """
    for d in range(N_RATE_INTEGRAL):
        fill_uniform(key_driver[d], t, FIRST_DRAW, first_path, normal[d])
    fill_uniform(key_rate_integral, t, FIRST_DRAW, first_path, normal[N_RATE_INTEGRAL])
    for i in range(key_revenue.shape[0]):
        for k in range(3):
            if k == 0 or growth_sd[i] > 0.0:
                fill_uniform(key_revenue[i], t, k, first_path, normal[N_REVENUE + 3 * i + k])
            else:
                normal[N_REVENUE + 3 * i + k, :] = 0.5
    turn_normal(normal.reshape(-1), lanes, tails)


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


@part
def advance_regime(key, p01, p10, t, first_path, u, regime):
    """Advance the regime (2.1), a two-state Markov chain, exact on the grid; regime [W] is 1 in disappointment."""
    fill_uniform(key, t, FIRST_DRAW, first_path, u)
    for lane in range(u.size):
        enters = 1.0 if u[lane] < p01 else 0.0
        stays = 1.0 if u[lane] >= p10 else 0.0
        regime[lane] = enters if regime[lane] == 0.0 else stays


@part
def advance_short_rate(theta, decay, sd, dt, gain, c1, c2, z, n, rate, integral):  # noqa: PLR0913 - its own rows and numbers, see the top
    """Advance the short rate (2.2) of Vasicek (1977), rate and integral jointly (Glasserman 2003, section 3.3)."""
    for lane in range(z.size):
        integral[lane] += theta * dt + (rate[lane] - theta) * gain + c1 * z[lane] + c2 * n[lane]
    for lane in range(z.size):
        rate[lane] = theta + (rate[lane] - theta) * decay + sd * z[lane]


@part
def draw_square_root(mean, variance, z):
    """Return a rate at or above 0 with this mean and variance from a normal z: the quadratic-exponential scheme of Andersen (2008), section 3.2."""
    if variance <= 0.0:
        return mean
    spread = variance / (mean * mean)
    if spread <= 1.5:
        twice = 2.0 / spread
        square = twice - 1.0 + math.sqrt(twice) * math.sqrt(twice - 1.0)
        root = math.sqrt(square) + z
        return mean / (1.0 + square) * root * root
    share = 2.0 / (spread + 1.0)  # of the law that is not the atom at 0
    beyond = 0.5 * math.erfc(z * SQRT_HALF)
    return math.log(share / beyond) * mean / share if beyond < share else 0.0


@part
def advance_square_root(theta, decay, dt, gain, law, z, n, rate, integral):
    """Advance the short rate (2.2) of Cox, Ingersoll and Ross (1985): r' and its integral with their means, variances and covariance given r."""
    for lane in range(z.size):
        r = rate[lane]
        mean = theta + (r - theta) * decay
        variance = law[0, 0] + law[0, 1] * r
        covariance = law[1, 0] + law[1, 1] * r
        rate[lane] = draw_square_root(mean, variance, z[lane])
        slope = covariance / variance if variance > 0.0 else 0.0
        rest = max(0.0, law[2, 0] + law[2, 1] * r - slope * covariance)
        integral[lane] += theta * dt + (r - theta) * gain + slope * (rate[lane] - mean) + math.sqrt(rest) * n[lane]


@part
def advance_log(decay, sd, variance, z, x, out):
    """Advance a logarithm (2.3, 2.4), an Ornstein-Uhlenbeck process x' = decay x + sd z around 0; out = x' - variance/2, whose exponential has mean 1."""
    half = 0.5 * variance
    for lane in range(z.size):
        x[lane] = decay * x[lane] + sd * z[lane]
        out[lane] = x[lane] - half


@part
def shift_valuation(shift, duration, rate0, regime, rate, log_valuation):
    """Subtract the effects of disappointment and of the short rate from log V (2.4)."""
    for lane in range(rate.size):
        log_valuation[lane] += shift * regime[lane] - duration * (rate[lane] - rate0)


@part
def advance_power(plan, decay, sd, shot_decay, begin, end, most, times, sizes, z, fluctuation, shots, gap):  # noqa: PLR0913 - its own rows and numbers, see the top
    """Advance the power gap (2.5): plan, Ornstein-Uhlenbeck and shot noise (Campbell 1909); each shot counts from its own arrival in (begin, end] on, years."""
    for k in range(most):
        time = times[k]
        size = sizes[k]
        for lane in range(z.size):
            shots[lane] += size[lane] if (begin < time[lane]) & (time[lane] <= end) else 0.0
    fade = math.exp(-shot_decay * end)
    for lane in range(z.size):
        fluctuation[lane] = decay * fluctuation[lane] + sd * z[lane]
    for lane in range(z.size):
        share = plan + fluctuation[lane] + shots[lane] * fade
        share = 0.0 if share < 0.0 else share
        gap[lane] = 1.0 if share > 1.0 else share


@part
def advance_growth(decay, sd, gain, c1, c2, n1, n2, growth, log_revenue):
    """Advance the growth rate of revenue and its integral jointly (2.7)."""
    for lane in range(n1.size):
        log_revenue[lane] += gain * growth[lane] + c1 * n1[lane] + c2 * n2[lane]
    for lane in range(n1.size):
        growth[lane] = decay * growth[lane] + sd * n1[lane]


@part
def advance_revenue(loading, sd, variance, move, opening, plan, z, n, regime, delivery, log_revenue, shift, ratio):  # noqa: PLR0913 - its own rows and numbers, see the top
    """Advance revenue over plan (2.7) of Schwartz and Moon (2000) around the delivered plan; move: change of the log in a step of disappointment."""
    rest = math.sqrt(1.0 - loading * loading)
    half = 0.5 * variance
    for lane in range(z.size):
        log_revenue[lane] += sd * (loading * z[lane] + rest * n[lane])
    for lane in range(z.size):
        shift[lane] += move * regime[lane]
    for lane in range(z.size):
        ratio[lane] = log_revenue[lane] - half + shift[lane]
    exp_in_place(ratio)
    for lane in range(z.size):
        ratio[lane] *= max(0.0, opening + delivery[lane] * (plan - opening)) / plan


@part
def advance_demand(weights, t, memory, ratio, demand, confidence):
    """Advance demand (2.8), revenue of the labs over plan with weights [R, T] and ratio [R, W], and its memory, k' = k + memory (y - k)."""
    demand[:] = 0.0
    for i in range(ratio.shape[0]):
        weight = weights[i, t]
        x = ratio[i]
        if weight != 0.0:
            for lane in range(demand.size):
                demand[lane] += weight * x[lane]
    for lane in range(demand.size):
        confidence[lane] += memory * (demand[lane] - confidence[lane])


@part
def advance_rental(mean, pull, decay, sd, variance, demand, gap, z, log_demand, log_supply, q, rental):  # noqa: PLR0913 - its own rows and numbers, see the top
    """Advance the rental price (2.9): log-Ornstein-Uhlenbeck around a table, pulled by demand over usable power; log_demand and log_supply are scratch."""
    for lane in range(z.size):
        log_demand[lane] = max(demand[lane], 0.05)
    for lane in range(z.size):
        log_supply[lane] = max(1.0 - gap[lane], 0.05)
    log_in_place(log_demand)
    log_in_place(log_supply)
    half = 0.5 * variance
    for lane in range(z.size):
        theta = mean + pull * (log_demand[lane] - log_supply[lane])
        q[lane] = decay * q[lane] + (1.0 - decay) * theta + sd * z[lane]
    for lane in range(z.size):
        rental[lane] = q[lane] - half
    exp_in_place(rental)


@stage
def move_factors(grid: Grid, factors: Factors, t, first_path, state: FactorState, draws: PathDraws, out: StepFactors):
    """Advance all factors to step t for lanes l = path first_path + l, in the order of docs/model.md."""
    f = factors
    s = state
    z = s.driver
    draw_normals(f.key_driver, f.key_rate_integral, f.key_revenue, f.rev_m_sd, t, first_path, s.normal, s.lanes, s.tails)
    correlate(f.driver_cholesky, s.normal, z)

    advance_regime(f.key_regime, f.regime_p01, f.regime_p10, t, first_path, s.uniform, s.regime)
    copy_row(s.regime, out.regime)

    n = s.normal[N_RATE_INTEGRAL]
    c1 = f.rate_int_c1
    if f.rate_cir.size > 0:
        advance_square_root(f.rate_theta, f.rate_decay, grid.dt, f.rate_int_gain, f.rate_cir, z[D_RATES], n, s.rate, s.rate_integral)
    else:
        advance_short_rate(f.rate_theta, f.rate_decay, f.rate_sd, grid.dt, f.rate_int_gain, c1, f.rate_int_c2, z[D_RATES], n, s.rate, s.rate_integral)
    copy_row(s.rate, out.rate)
    for lane in range(n.size):
        out.discount[lane] = -f.discount * s.rate_integral[lane]
    exp_in_place(out.discount)

    advance_log(f.spread_decay, f.spread_sd, f.spread_var[t], z[D_SPREAD], s.spread, out.spread)
    exp_in_place(out.spread)

    advance_log(f.val_decay, f.val_sd, f.val_var[t], z[D_VALUATION], s.valuation, out.log_valuation)
    shift_valuation(f.val_shift, f.val_rate_duration, f.rate0, out.regime, out.rate, out.log_valuation)
    copy_row(out.log_valuation, out.valuation)
    exp_in_place(out.valuation)

    begin = t * grid.dt
    end = (t + 1) * grid.dt
    most = s.shots_most[0]
    times = s.shot_time
    sizes = s.shot_size
    advance_power(f.gap_plan[t], f.gap_decay, f.gap_sd, f.shot_decay, begin, end, most, times, sizes, z[D_POWER], s.power, s.shots, out.gap)

    for i in range(out.ratio.shape[0]):
        row = N_REVENUE + 3 * i
        y = s.log_revenue[i]
        if f.rev_m_sd[i] > 0.0:
            c1 = f.rev_int_c1[i]
            c2 = f.rev_int_c2[i]
            advance_growth(f.rev_decay[i], f.rev_m_sd[i], f.rev_gain[i], c1, c2, s.normal[row + 1], s.normal[row + 2], s.growth[i], y)
        sd = f.rev_sd[i, t]
        variance = f.rev_var[i, t]
        move = f.rev_shift[i] * grid.dt
        plan = f.rev_plan[i, t]
        n = s.normal[row]
        d = draws.delivery[i]
        shift = s.regime_shift[i]
        advance_revenue(f.rev_loading[i], sd, variance, move, f.rev_plan0[i], plan, z[D_DEMAND], n, out.regime, d, y, shift, out.ratio[i])

    advance_demand(f.demand_weight, t, f.conf_lambda, out.ratio, out.demand, s.confidence)
    copy_row(s.confidence, out.confidence)

    mean = f.rent_mean[t]
    variance = f.rent_var[t]
    n = z[D_RENTAL]
    advance_rental(mean, f.rent_pull, f.rent_decay, f.rent_sd, variance, out.demand, out.gap, n, s.pull, s.uniform, s.rental, out.rental)


@kernel
def advance_factors(grid: Grid, factors: Factors, t, first_path, state: FactorState, draws: PathDraws, out: StepFactors):
    """Call `move_factors` from Python."""
    move_factors(grid, factors, t, first_path, state, draws, out)
