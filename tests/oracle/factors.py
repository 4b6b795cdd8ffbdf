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


def path_draws(model: Model, path):
    """What is drawn once a path: delivery [R] (2.6), life [years], scale [S] (2.10), shots as (time, size) (2.5)."""
    grid, f = plain(model.grid), plain(model.factors)
    # 2.6 delivery
    common = normal(f.key_delivery_common, path, ONCE_A_PATH, 0)
    delivery = []
    for key in f.key_delivery:
        z = f.delivery_rho * common + math.sqrt(1 - f.delivery_rho**2) * normal(key, path, ONCE_A_PATH, 0)
        delivery.append(hermite(f.delivery_table, f.delivery_z0, f.delivery_dz, z))
    # 2.5 shots of the power gap
    u_count = uniform(f.key_shots, path, ONCE_A_PATH, 0)
    count = sum(1 for probability in f.shot_cdf if u_count > probability)
    shots = [
        (
            grid.steps * grid.dt * uniform(f.key_shots, path, ONCE_A_PATH, 1 + 2 * k),
            -f.shot_mean * math.log(uniform(f.key_shots, path, ONCE_A_PATH, 2 + 2 * k)),
        )
        for k in range(count)
    ]
    # 2.10 useful life and groups of deals; group 0 always has scale 1
    u_life = uniform(f.key_life, path, ONCE_A_PATH, 0)
    life = f.life_values[sum(1 for probability in f.life_cdf if u_life > probability)]
    scale = [1.0]
    for group in range(1, len(f.key_group)):
        own = normal(f.key_group[group], path, ONCE_A_PATH, 0)
        n = f.exec_rho[group] * common + math.sqrt(1 - f.exec_rho[group] ** 2) * own
        size = uniform(f.key_group[group], path, ONCE_A_PATH, 1)
        full = f.size_low[group] + (f.size_high[group] - f.size_low[group]) * size
        scale.append(full if n >= f.exec_threshold[group] else 0.0)
    return {"delivery": delivery, "life": life, "scale": scale, "shots": shots}


def cox_ingersoll_ross(f, r, z, n):
    """The next rate by Andersen's quadratic-exponential scheme, and what its integral is above its mean given r."""
    mean = f.rate_theta + (r - f.rate_theta) * f.rate_decay
    variance, covariance, of_integral = (constant + slope * r for constant, slope in f.rate_cir)
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


def factor_path(model: Model, path):
    """Section 2 for all steps: a list of dicts with the names of `StepFactors`, plus rate and spread before."""
    grid, f = plain(model.grid), plain(model.factors)
    dt, processes = grid.dt, range(len(f.rev_plan))
    draws = path_draws(model, path)
    c, v, w, o, q, r, integral = 0, 0.0, 0.0, 0.0, 0.0, f.rate0, 0.0
    m, log_ratio, drift = ([0.0 for _ in processes] for _ in range(3))  # m_i, Y_i, S_i
    confidence, shot_sum, spread, steps = 1.0, 0.0, 1.0, []
    for t in range(grid.steps):
        tau = (t + 1) * dt
        n = [normal(key, path, t, 0) for key in f.key_driver]
        z_demand, z_valuation, z_rates, z_spread, z_power, z_rental = (sum(f.driver_cholesky[d][e] * n[e] for e in range(d + 1)) for d in range(6))
        before = {"rate_before": r, "spread_before": spread}
        # 1. Regime
        u = uniform(f.key_regime, path, t, 0)
        c = 1 if (c == 0 and u < f.regime_p01) or (c == 1 and u >= f.regime_p10) else 0
        # 2. Short rate and its integral
        n_integral, expected = normal(f.key_rate_integral, path, t, 0), f.rate_theta * dt + (r - f.rate_theta) * f.rate_int_gain
        if len(f.rate_cir):
            r, surprise = cox_ingersoll_ross(f, r, z_rates, n_integral)
            integral += expected + surprise
        else:
            integral += expected + f.rate_int_c1 * z_rates + f.rate_int_c2 * n_integral
            r = f.rate_theta + (r - f.rate_theta) * f.rate_decay + f.rate_sd * z_rates
        discount = math.exp(-integral) if f.discount else 1.0
        # 3. Spread
        w = f.spread_decay * w + f.spread_sd * z_spread
        spread = math.exp(w - f.spread_var[t] / 2)
        # 4. Valuation
        v = f.val_decay * v + f.val_sd * z_valuation
        log_valuation = v - f.val_var[t] / 2 + f.val_shift * c - f.val_rate_duration * (r - f.rate0)
        # 5. Power gap
        o = f.gap_decay * o + f.gap_sd * z_power
        shot_sum += sum(size * math.exp(f.shot_decay * arrival) for arrival, size in draws["shots"] if t * dt < arrival <= tau)
        gap = clip(f.gap_plan[t] + o + shot_sum * math.exp(-f.shot_decay * tau), 0.0, 1.0)
        # 7. Revenue
        ratio = []
        for i in processes:
            n0, n1, n2 = (normal(f.key_revenue[i], path, t, draw) for draw in range(3))
            shock = f.rev_loading[i] * z_demand + math.sqrt(1 - f.rev_loading[i] ** 2) * n0
            growth = f.rev_gain[i] * m[i] + f.rev_int_c1[i] * n1 + f.rev_int_c2[i] * n2
            m[i] = f.rev_decay[i] * m[i] + f.rev_m_sd[i] * n1
            log_ratio[i] += growth + f.rev_sd[i][t] * shock
            drift[i] += f.rev_shift[i] * dt * c
            plan0, plan = f.rev_plan0[i], f.rev_plan[i][t]
            delivered = max(0.0, plan0 + draws["delivery"][i] * (plan - plan0)) / plan if plan > 0 else 1.0
            ratio.append(delivered * math.exp(log_ratio[i] - f.rev_var[i][t] / 2 + drift[i]))
        # 8. Demand and confidence
        demand = sum(f.demand_weight[i][t] * ratio[i] for i in processes)
        confidence += f.conf_lambda * (demand - confidence)
        # 9. Rental price
        theta = f.rent_mean[t] + f.rent_pull * (math.log(max(demand, 0.05)) - math.log(max(1 - gap, 0.05)))
        q = f.rent_decay * q + (1 - f.rent_decay) * theta + f.rent_sd * z_rental
        steps.append(
            {
                "ratio": ratio,
                "demand": demand,
                "confidence": confidence,
                "log_valuation": log_valuation,
                "valuation": math.exp(log_valuation),
                "rate": r,
                "discount": discount,
                "spread": spread,
                "rental": math.exp(q - f.rent_var[t] / 2),
                "gap": gap,
                "regime": c,
                **before,
            }
        )
    return steps
