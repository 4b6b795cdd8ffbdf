"""Random one-period networks of 2 to 60 firms, and methods of their own that clear them: linear equations, linear and integer programmes.

Nothing here is shared with `simulate`. Letters: n firms, C classes (the first is paid first). Amounts in any one unit.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

SHAPES = ("sparse", "dense", "rings", "core", "tied")
SOLVENCY = 1e-10  # of what is owed, on the side of solvency: docs/model.md 4.5


class Network(NamedTuple):
    """What `clearing_vector` takes."""

    shape: str
    owed: np.ndarray  # [C, n, n] what i owes j
    cash: np.ndarray  # [n]
    external: np.ndarray  # [C, n] owed to nobody inside
    alpha: float
    beta: float

    @property
    def classes(self) -> int:
        return len(self.owed)

    @property
    def total(self) -> np.ndarray:
        """[n] all that a firm owes."""
        return self.owed.sum(axis=(0, 2)) + self.external.sum(axis=0)

    @property
    def costless(self) -> bool:
        """Eisenberg and Noe (2001): no default costs and one class."""
        return self.alpha == self.beta == 1.0 and self.classes == 1

    @property
    def scale(self) -> float:
        """What residuals are measured in: the largest amount that one firm owes or has."""
        return float(max(self.total.max(), self.cash.max(), 1e-300))


def draw_network(seed: int, *, most_firms: int = 60, shape: str = "", costs: bool | None = None, most_classes: int = 4) -> Network:
    """A network, a pure function of the arguments. costs: with default costs (True), without (False), or either (None).

    Sizes are log-uniform. Amounts are lognormal, but small integers where `tied`, so that firms stand exactly at the edge and pockets are
    exactly empty; `rings` are closed cycles of equal debts, some without any cash; `core` is a dense centre with a loose periphery.
    """
    dice = np.random.default_rng([20251231, seed])
    n = int(np.exp(dice.uniform(np.log(2), np.log(most_firms + 1))))
    shape = shape or SHAPES[dice.integers(len(SHAPES))]
    classes = 1 if dice.random() < 0.6 else int(dice.integers(1, most_classes + 1))
    owed = np.array([draw_debts(dice, shape, n) for _ in range(classes)])
    external = np.where(dice.random((classes, n)) < dice.choice([0.0, 0.3, 1.0]), draw_amounts(dice, shape, (classes, n)), 0.0)
    plenty = dice.choice([0.0, 0.05, 0.2, 0.5, 1.0])
    cash = np.where(dice.random(n) < dice.choice([0.3, 0.7, 1.0]), draw_amounts(dice, shape, n), 0.0)
    if shape != "tied":
        cash *= plenty * (owed.sum(axis=(0, 2)) + external.sum(axis=0))
    alpha, beta = (float(x) for x in dice.choice([0.0, 0.3, 0.5, 0.8, 0.9, 1.0], size=2))
    if costs is None:
        costs = dice.random() < 0.5
    return Network(shape, owed, cash, external, alpha if costs else 1.0, beta if costs else 1.0)


def draw_amounts(dice, shape: str, size) -> np.ndarray:
    return dice.integers(0, 5, size).astype(float) if shape == "tied" else dice.lognormal(0.0, 1.0, size)


def draw_debts(dice, shape: str, n: int) -> np.ndarray:
    """[n, n], diagonal 0."""
    if shape == "rings":
        owed = np.where(dice.random((n, n)) < 0.3 / n, draw_amounts(dice, shape, (n, n)), 0.0)
        order = dice.permutation(n)
        for ring in np.array_split(order, max(1, n // 6)):
            owed[ring, np.roll(ring, 1)] += float(dice.lognormal())
    else:
        linked = np.full((n, n), {"sparse": min(1.0, 2.5 / n), "dense": 0.8, "core": min(1.0, 1.0 / n), "tied": min(1.0, 3.0 / n)}[shape])
        if shape == "core":
            centre = max(2, n // 5)
            linked[:centre, :centre] = 0.9
        owed = np.where(dice.random((n, n)) < linked, draw_amounts(dice, shape, (n, n)), 0.0)
    np.fill_diagonal(owed, 0.0)
    return owed


def hand_out(network: Network, failed: np.ndarray, received: np.ndarray) -> np.ndarray:
    """[n] what each firm pays in all, by the rule: everything if solvent, else what default leaves of what it has."""
    left = network.alpha * network.cash + network.beta * received
    return np.where(failed, np.minimum(network.total, left), network.total)


def received_of(network: Network, payment: np.ndarray) -> np.ndarray:
    """[n] what each firm receives when `payment` [n] is handed out in order of the classes and pro rata inside a class."""
    received, left = np.zeros(network.cash.size), payment.copy()
    for owed, external in zip(network.owed, network.external):
        claims = owed.sum(axis=1) + external
        paid = np.clip(left, 0.0, claims)
        received += np.divide(paid, claims, out=np.zeros_like(paid), where=claims > 0.0) @ owed
        left -= claims
    return received


def fixed_point_residual(network: Network, payment: np.ndarray, default_round: np.ndarray) -> float:
    """Largest distance of a payment vector from the rule of the page applied to it, in units of `scale`; also how far a default or its absence is wrong."""
    failed = default_round >= 0
    received = received_of(network, payment)
    off = np.abs(hand_out(network, failed, received) - payment).max()
    gap = network.cash + received - network.total
    wrong = np.where(failed, np.maximum(0.0, gap), np.maximum(0.0, -gap - 2 * SOLVENCY * network.total)).max()
    return float(max(off, wrong) / network.scale)


def shares_of(network: Network) -> np.ndarray:
    """[n, n] part of what i pays that goes to j; one class."""
    total = network.total
    return np.divide(network.owed[0], total[:, None], out=np.zeros_like(network.owed[0]), where=total[:, None] > 0.0)


def clear_by_linear_equations(network: Network) -> tuple[np.ndarray, np.ndarray]:
    """Payment [n] and default round [n] of the greatest vector, one class: fictitious defaults, each wave a system of linear equations.

    Eisenberg and Noe (2001), section 3.1; with default costs Rogers and Veraart (2013), section 3.1. No set that the waves reach is closed
    with beta = 1 (its solvent firms would have to be short in sum of what they receive in sum), so no system is singular.
    """
    shares, total, cash = shares_of(network), network.total, network.cash
    default_round, payment = np.full(cash.size, -1), total.copy()
    for wave in range(cash.size + 1):
        short = (cash + payment @ shares < total * (1.0 - SOLVENCY)) & (default_round < 0)
        if not short.any():
            return payment, default_round
        default_round[short] = wave
        bad = default_round >= 0
        given = network.alpha * cash[bad] + network.beta * (total[~bad] @ shares[np.ix_(~bad, bad)])
        payment[bad] = np.linalg.solve(np.eye(bad.sum()) - network.beta * shares[np.ix_(bad, bad)].T, given)
    raise AssertionError("more waves than firms")


def least_by_linear_equations(network: Network) -> tuple[np.ndarray, np.ndarray]:
    """Payment [n] and default round [n] (0: fails) of the least vector, one class.

    Everybody fails until shown solvent. For given defaulters, firms that no cash reaches pay nothing, and on the others the equations
    p = min(total, alpha cash + beta received) have one solution, found from above: who is not limited by what it owes is solved for, until
    nobody else falls below it. Who is solvent at that point pays in full from then on (Rogers and Veraart 2013, section 3.2).
    """
    shares, total, cash = shares_of(network), network.total, network.cash
    linked = (network.beta * shares) > 0.0
    bad = np.ones(cash.size, bool)
    while True:
        given = network.alpha * cash + network.beta * ((total * ~bad) @ shares)
        reached = bad & (given > 0.0)
        while True:
            further = bad & (reached | linked[reached].any(axis=0))
            if (further == reached).all():
                break
            reached = further
        payment = np.where(bad & ~reached, 0.0, total)
        limited = np.zeros(cash.size, bool)
        while True:
            more = reached & (given + network.beta * ((payment * reached) @ shares) < total * (1.0 - 1e-15)) & ~limited
            if not more.any():
                break
            limited |= more
            full = reached & ~limited
            known = given[limited] + network.beta * (total[full] @ shares[np.ix_(full, limited)])
            payment[limited] = np.linalg.solve(np.eye(limited.sum()) - network.beta * shares[np.ix_(limited, limited)].T, known)
        rescued = bad & (cash + payment @ shares >= total * (1.0 - SOLVENCY))
        if not rescued.any():
            return payment, np.where(bad, 0, -1)
        bad &= ~rescued


def clear_by_linear_programme(network: Network) -> np.ndarray:
    """Payment [n] that maximises what is paid in all subject to limited liability: the greatest vector without default costs (Eisenberg and Noe 2001, lemma 4)."""
    n = network.cash.size
    unit = network.scale
    limits = list(zip(np.zeros(n), network.total / unit))
    best = linprog(-np.ones(n), A_ub=np.eye(n) - shares_of(network).T, b_ub=network.cash / unit, bounds=limits, method="highs")
    assert best.status == 0, best.message
    return best.x * unit


def clear_by_integer_programme(network: Network) -> np.ndarray:
    """Payment [n] of the greatest vector with default costs, one class, as a mixed-integer programme (Ararat and Meimanjan 2023, section 4).

    Variables (p, y), y_i = 1 where i is declared solvent: p_i <= alpha cash_i + beta received_i + total_i y_i, and total_i y_i <= cash_i + received_i.
    The largest sum of p has the largest set of solvent firms.
    """
    n, unit = network.cash.size, network.scale
    total, cash, flow = network.total / unit, network.cash / unit, shares_of(network).T
    rows = np.block([[np.eye(n) - network.beta * flow, -np.diag(total)], [-flow, np.diag(total)]])
    limit = np.concatenate([network.alpha * cash, cash])
    best = milp(
        np.concatenate([-np.ones(n), np.zeros(n)]),
        constraints=LinearConstraint(rows, -np.inf, limit),
        bounds=Bounds(np.zeros(2 * n), np.concatenate([total, np.ones(n)])),
        integrality=np.concatenate([np.zeros(n), np.ones(n)]),
        options={"mip_rel_gap": 0.0},
    )
    assert best.status == 0, best.message
    return best.x[:n] * unit
