"""Section 2 of docs/model.md in plain Python: factors, one path at a time, the same in every world."""

import math

from simulate.model import Model
from tests.oracle.random import ONCE_A_PATH, normal, uniform


def plain(model):
    """The same NamedTuples with lists for arrays, so that every number below is a Python float or int."""
    if hasattr(model, "_fields"):
        return type(model)(*(plain(value) for value in model))
    return model.tolist() if hasattr(model, "tolist") else model


def clip(x, low, high):
    return min(max(x, low), high)


def hermite(table, first, width, z):
    """Cubic Hermite interpolation of rows (value, slope) at first + k width; flat outside the table."""
    place = clip((z - first) / width, 0.0, len(table) - 1.0)
    k = min(int(place), len(table) - 2)
    h = place - k
    (value0, slope0), (value1, slope1) = table[k], table[k + 1]
    return value0 * (1 + 2 * h) * (1 - h) ** 2 + slope0 * width * h * (1 - h) ** 2 + value1 * h * h * (3 - 2 * h) + slope1 * width * h * h * (h - 1)


def exponential(key, path, draw):
    """Exponential number of mean 1 of a path."""
    return -math.log(uniform(key, path, ONCE_A_PATH, draw))


def path_draws(model: Model, path):
    """What is drawn once a path: delivery [R] (2.6), life [years], scale [S] (2.10), shots as (time, size) (2.5)."""
    grid, f = plain(model.grid), plain(model.factors)
    # 2.6 delivery
    common = normal(f.delivery.key_common, path, ONCE_A_PATH, 0)
    delivery = []
    for key in f.delivery.key:
        z = f.delivery.rho * common + math.sqrt(1 - f.delivery.rho**2) * normal(key, path, ONCE_A_PATH, 0)
        delivery.append(hermite(f.delivery.table, f.delivery.z0, f.delivery.dz, z))
    # 2.5 shots of the power gap, as far as the run goes
    shots: list[tuple[float, float]] = []
    arrival = exponential(f.power_gap.key, path, 1) / f.power_gap.shot_rate if f.power_gap.shot_rate > 0 else math.inf
    while arrival <= grid.steps * grid.dt:
        size = f.power_gap.shot_mean * exponential(f.power_gap.key, path, 2 + 2 * len(shots))
        shots.append((arrival, size))
        arrival += exponential(f.power_gap.key, path, 1 + 2 * len(shots)) / f.power_gap.shot_rate
    # 2.10 useful life and groups of deals; group 0 always has scale 1
    u_life = uniform(f.life.key, path, ONCE_A_PATH, 0)
    life = f.life.values[sum(1 for probability in f.life.cdf if u_life > probability)]
    scale = [1.0]
    for group in range(1, len(f.execution.key)):
        own = normal(f.execution.key[group], path, ONCE_A_PATH, 0)
        n = f.execution.rho[group] * common + math.sqrt(1 - f.execution.rho[group] ** 2) * own
        size = uniform(f.execution.key[group], path, ONCE_A_PATH, 1)
        full = f.execution.size_low[group] + (f.execution.size_high[group] - f.execution.size_low[group]) * size
        scale.append(full if n >= f.execution.threshold[group] else 0.0)
    return {"delivery": delivery, "life": life, "scale": scale, "shots": shots}


def cox_ingersoll_ross(f, r, z, n):
    """The next rate by Andersen's quadratic-exponential scheme, and what its integral is above its mean given r."""
    mean = f.short_rate.level + (r - f.short_rate.level) * f.short_rate.decay
    variance, covariance, of_integral = (constant + slope * r for constant, slope in f.short_rate.square_root)
    if variance == 0:
        return mean, math.sqrt(of_integral) * n
    psi = variance / mean**2
    if psi <= 1.5:
        b2 = 2 / psi - 1 + math.sqrt(2 / psi) * math.sqrt(2 / psi - 1)
        following = mean / (1 + b2) * (math.sqrt(b2) + z) ** 2
    else:
        p, upper = (psi - 1) / (psi + 1), math.erfc(z / math.sqrt(2)) / 2
        following = math.log((1 - p) / upper) * mean / (1 - p) if upper < 1 - p else 0.0
    rest = of_integral - covariance**2 / variance
    return following, covariance / variance * (following - mean) + math.sqrt(max(0.0, rest)) * n


def opening_growth(revenue, path):
    """m_i at the opening [R] (2.7.7): what was last seen and an uncertain part with fat tails."""
    q, k = revenue.tail_probability, revenue.tail_scale
    size = math.sqrt(1 - q + q * k * k)
    x = []
    for key in revenue.key:
        wide = uniform(key, path, ONCE_A_PATH, 1) < q
        x.append(normal(key, path, ONCE_A_PATH, 0) * (k if wide else 1.0) / size)
    rows = zip(revenue.opening_growth, revenue.opening_sd, revenue.mix, strict=True)
    return [seen + sd * sum(weight * xj for weight, xj in zip(mix, x, strict=True)) for seen, sd, mix in rows]


def contracts(p, before, ratio, rental, scale):
    """2.11: compute under contract and what it costs, over plan [R]; capacity and payment of every volume [C]."""
    after = [old + a * (clip(x, low, high) - old) for old, a, x, low, high in zip(before, p.speed, ratio, p.floor, p.ceiling, strict=True)]
    upkeep = [min(size, 1.0) + max(size - 1.0, 0.0) * rental for size in after]
    fee = [years * max(0.0, min(old, 1.0) - min(new, 1.0)) for years, old, new in zip(p.fee, before, after, strict=True)]
    rows = list(zip(p.group, p.process, strict=True))
    capacity = [scale[group] * (after[r] if r >= 0 else 1.0) for group, r in rows]
    payable = [scale[group] * (upkeep[r] + fee[r] if r >= 0 else 1.0) for group, r in rows]
    return after, upkeep, capacity, payable


def factor_path(model: Model, path):
    """Section 2 for all steps: a list of dicts with the names of `StepFactors`, plus rate and spread before."""
    grid, f = plain(model.grid), plain(model.factors)
    dt, processes = grid.dt, range(len(f.revenue.plan))
    draws = path_draws(model, path)
    c, v, w, o, q, r, integral = 0, 0.0, 0.0, 0.0, 0.0, f.short_rate.opening, 0.0
    m = opening_growth(f.revenue, path)  # m_i
    log_ratio, drift = ([0.0 for _ in processes] for _ in range(2))  # Y_i, S_i
    confidence, spread, steps = 1.0, 1.0, []
    contracted, moves = [1.0 for _ in processes], [1.0 for _ in f.firms.sd]
    log_moves = [0.0 for _ in f.firms.sd]
    for t in range(grid.steps):
        tau = (t + 1) * dt
        n = [normal(key, path, t, 0) for key in f.drivers.key]
        z_demand, z_valuation, z_rates, z_spread, z_power, z_rental = (sum(f.drivers.cholesky[d][e] * n[e] for e in range(d + 1)) for d in range(6))
        before = {"rate_before": r, "spread_before": spread}
        # 1. Regime
        u = uniform(f.regime.key, path, t, 0)
        c = 1 if (c == 0 and u < f.regime.p01) or (c == 1 and u >= f.regime.p10) else 0
        # 2. Short rate and its integral
        n_integral, expected = normal(f.short_rate.key, path, t, 0), f.short_rate.level * dt + (r - f.short_rate.level) * f.short_rate.gain
        if len(f.short_rate.square_root):
            r, surprise = cox_ingersoll_ross(f, r, z_rates, n_integral)
            integral += expected + surprise
        else:
            integral += expected + f.short_rate.c1 * z_rates + f.short_rate.c2 * n_integral
            r = f.short_rate.level + (r - f.short_rate.level) * f.short_rate.decay + f.short_rate.sd * z_rates
        discount = math.exp(-integral) if f.short_rate.discount else 1.0
        # 3. Spread
        w = f.spread.decay * w + f.spread.sd * z_spread
        spread = math.exp(w - f.spread.variance[t] / 2)
        # 4. Valuation
        v = f.valuation.decay * v + f.valuation.sd * z_valuation
        log_valuation = v - f.valuation.variance[t] / 2 + f.valuation.shift * c - f.valuation.rate_duration * (r - f.short_rate.opening)
        # 5. Power gap
        o = f.power_gap.decay * o + f.power_gap.sd * z_power
        shot_sum = sum(size * math.exp(-f.power_gap.shot_decay * (tau - arrival)) for arrival, size in draws["shots"] if arrival <= tau)
        gap = clip(f.power_gap.plan[t] + o + shot_sum, 0.0, 1.0)
        # 7. Revenue
        ratio = []
        own = [normal(key, path, t, 0) for key in f.revenue.key]  # of every process, and of rivals
        for i in processes:
            n0 = sum(weight * n for weight, n in zip(f.revenue.mix[i], own, strict=True))
            n1, n2 = (normal(f.revenue.key[i], path, t, draw) for draw in (1, 2))
            shock = f.revenue.loading[i] * z_demand + math.sqrt(1 - f.revenue.loading[i] ** 2) * n0
            growth = f.revenue.gain[i] * m[i] + f.revenue.c1[i] * n1 + f.revenue.c2[i] * n2
            m[i] = f.revenue.decay[i] * m[i] + f.revenue.growth_sd[i] * n1
            log_ratio[i] += growth + f.revenue.sd[i][t] * shock
            drift[i] += f.revenue.shift[i] * dt * c
            plan0, plan = f.revenue.plan0[i], f.revenue.plan[i][t]
            delivered = max(0.0, plan0 + draws["delivery"][i] * (plan - plan0)) / plan if plan > 0 else 1.0
            ratio.append(delivered * math.exp(log_ratio[i] - f.revenue.correction[i][t] + drift[i]))
        # 8. Demand and confidence
        demand = sum(f.confidence.weight[i][t] * ratio[i] for i in processes)
        confidence += f.confidence.memory * (demand - confidence)
        # 9. Rental price
        theta = f.rental.mean[t] + f.rental.pull * (math.log(max(demand, 0.05)) - math.log(max(1 - gap, 0.05)))
        q = f.rental.decay * q + (1 - f.rental.decay) * theta + f.rental.sd * z_rental
        rental = math.exp(q - f.rental.variance[t] / 2)
        # 11. Contracts
        contracted, upkeep, capacity, payable = contracts(f.contracts, contracted, ratio, rental, draws["scale"])
        # 12. Own moves
        before |= {"own_move_before": moves}
        log_moves = [a * x + sd * normal(key, path, t, 0) for a, x, sd, key in zip(f.firms.decay, log_moves, f.firms.sd, f.firms.key, strict=True)]
        moves = [math.exp(x - v[t] / 2) for x, v in zip(log_moves, f.firms.variance, strict=True)]
        steps.append(
            {
                "ratio": ratio,
                "size": contracted,
                "upkeep": upkeep,
                "capacity": capacity,
                "payable": payable,
                "own_move": moves,
                "demand": demand,
                "confidence": confidence,
                "log_valuation": log_valuation,
                "valuation": math.exp(log_valuation),
                "rate": r,
                "discount": discount,
                "spread": spread,
                "rental": rental,
                "gap": gap,
                "regime": c,
                **before,
            }
        )
    return steps
