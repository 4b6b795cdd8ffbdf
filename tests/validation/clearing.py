"""Clearing: random networks of 2 to 60 firms.

Each line is a claim measured on the random networks of tests/makers/one_period.py (sparse, dense, rings, core and periphery, small integers; with and
without default costs, classes, cash and external creditors) to which it applies; their number is in the line. The result is the largest residual over
all of them, in units of the largest amount that a firm of the network owes or has. The tests measure the same on other networks: 120 in the first
stage, 2,500 in the slow one.
"""

import warnings
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

import simulate
from simulate.clearing import Clearing, build_problem, read_lane, read_network
from simulate.step.one_period import clear_one_period
from tests.makers.one_period import (
    Network,
    clear_by_integer_programme,
    clear_by_linear_equations,
    clear_by_linear_programme,
    draw_network,
    fixed_point_residual,
    least_by_linear_equations,
)
from tests.oracle.one_period import clear

from .claims import Finding, numeric_finding

ROUNDING = 1e-12  # of the scale of the network: sums over 60 firms and their solves
FIRST, COUNT = 10_000, 300  # networks of the page: others than those of the tests
MOST_FIRMS_OF_PROGRAMME, MOST_FIRMS_OF_ORACLE = 20, 25  # of integer programmes and of the oracle in plain Python


class Solved(NamedTuple):
    """A network with both of its vectors."""

    network: Network
    greatest: Clearing
    least: Clearing
    dice: np.random.Generator


class Check(NamedTuple):
    """A claim: `measure` gives the residual on a network, or None where it does not apply."""

    claim: str
    source: str
    tolerance: float
    measure: Callable[[Solved], float | None]


class Worst(NamedTuple):
    residual: float
    seed: int  # of the network where it was found
    networks: int  # to which the claim applied


def solve(network: Network, solution: str = "greatest") -> Clearing:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # who does not come to rest is counted
        return simulate.clearing_vector(network.owed, network.cash, network.external, alpha=network.alpha, beta=network.beta, solution=solution)


def solve_both(seed: int) -> Solved:
    network = draw_network(seed)
    return Solved(network, solve(network), solve(network, "least"), np.random.default_rng([seed, 1]))


def measure_all(checks: Iterable[Check], seeds: Iterable[int]) -> dict[Check, Worst]:
    """The largest residual of every check over the networks, each cleared once."""
    worst = {check: Worst(0.0, -1, 0) for check in checks}
    for seed in seeds:
        solved = solve_both(seed)
        for check, before in worst.items():
            residual = check.measure(solved)
            if residual is None:
                continue
            bigger = before.seed < 0 or not residual <= before.residual  # NaN is bigger
            worst[check] = Worst(residual, seed, before.networks + 1) if bigger else before._replace(networks=before.networks + 1)
    return worst


def largest(*parts) -> float:
    """The largest entry of all arrays, 0 for none."""
    return float(max((np.max(part) for part in parts if np.size(part)), default=0.0))


def distance(network: Network, one, other) -> float:
    return largest(np.abs(np.asarray(one) - np.asarray(other))) / network.scale


def same_defaults(one, other) -> bool:
    """Rounds agree."""
    return bool((np.asarray(one) == np.asarray(other)).all())


def unless(agreed: bool, residual: float) -> float:
    return residual if agreed else np.inf


# Independent methods


def against_linear_equations(solved: Solved) -> float | None:
    network = solved.network
    if network.classes > 1:
        return None
    payment, default_round = clear_by_linear_equations(network)
    return unless(same_defaults(default_round, solved.greatest.default_round), distance(network, payment, solved.greatest.payment))


def least_against_linear_equations(solved: Solved) -> float | None:
    network = solved.network
    if network.classes > 1:
        return None
    payment, default_round = least_by_linear_equations(network)
    return unless(same_defaults(default_round, solved.least.default_round), distance(network, payment, solved.least.payment))


def against_linear_programme(solved: Solved) -> float | None:
    return distance(solved.network, clear_by_linear_programme(solved.network), solved.greatest.payment) if solved.network.costless else None


def against_integer_programme(solved: Solved) -> float | None:
    network = solved.network
    if network.classes > 1 or network.costless or network.cash.size > MOST_FIRMS_OF_PROGRAMME:
        return None
    return distance(network, clear_by_integer_programme(network), solved.greatest.payment)


def against_oracle(solved: Solved) -> float | None:
    network, worst = solved.network, 0.0
    if network.classes == 1 or network.cash.size > MOST_FIRMS_OF_ORACLE:
        return None
    for found, solution in ((solved.greatest, "greatest"), (solved.least, "least")):
        other = clear(network.owed.tolist(), network.cash.tolist(), network.alpha, network.beta, network.external.tolist(), solution)
        matrix = distance(network, np.sum(other["payments"], axis=0), found.payment_matrix)
        outside = distance(network, other["paid_outside"], found.paid_to_external)
        worst = max(worst, unless(same_defaults(other["default_round"], found.default_round), max(matrix, outside)))
    return worst


# What clearing vectors obey


def both_fixed(solved: Solved) -> float:
    return max(fixed_point_residual(solved.network, found.payment, found.default_round) for found in (solved.greatest, solved.least))


def certificate(solved: Solved) -> float:
    return unless(solved.greatest.converged and solved.least.converged, max(solved.greatest.residual, solved.least.residual))


def least_below_greatest(solved: Solved) -> float:
    nested = ((solved.greatest.default_round >= 0) <= (solved.least.default_round >= 0))[solved.network.total > 0.0].all()
    return unless(nested, max(0.0, largest(solved.least.payment - solved.greatest.payment)) / solved.network.scale)


def unique_where_money_leaves(solved: Solved) -> float | None:
    network = solved.network
    if not network.costless or (network.external[0][network.total > 0.0] <= 0.0).any():
        return None
    return distance(network, solved.greatest.payment, solved.least.payment)


def nothing_is_lost(solved: Solved) -> float:
    network, worst = solved.network, 0.0
    for found in (solved.greatest, solved.least):
        out = found.equity.sum() + found.paid_to_external.sum() + found.default_cost
        worst = max(worst, abs(network.cash.sum() - out) / (network.scale * network.cash.size))
    return worst


def costs_only_lower(solved: Solved) -> float | None:
    network = solved.network
    if network.alpha == network.beta == 1.0:
        return None
    free = solve(network._replace(alpha=1.0, beta=1.0))
    return max(0.0, largest(solved.greatest.payment - free.payment)) / network.scale


def without_costs_it_is_eisenberg_noe(solved: Solved) -> float | None:
    """p = min(owed, cash + received) of every firm, without a word about defaults: their equation."""
    network = solved.network
    if not network.alpha == network.beta == 1.0:
        return None
    parts = []
    for found in (solved.greatest, solved.least):
        received = found.payment_matrix.sum(axis=0)
        parts.append(np.abs(np.minimum(network.total, network.cash + received) - found.payment))
    return largest(*parts) / network.scale


def more_cash_lowers_nobody(solved: Solved) -> float:
    network = solved.network
    gift = np.where(solved.dice.random(network.cash.size) < 0.3, solved.dice.lognormal(-1.0, 1.0, network.cash.size) * network.scale, 0.0)
    richer, worst = network._replace(cash=network.cash + gift), 0.0
    for before, solution in ((solved.greatest, "greatest"), (solved.least, "least")):
        after = solve(richer, solution)
        nested = ((after.default_round >= 0) <= (before.default_round >= 0))[network.total > 0.0].all()
        worst = max(worst, unless(nested, max(0.0, largest(before.payment - after.payment)) / network.scale))
    return worst


def unit_does_not_matter(solved: Solved) -> float:
    network, unit = solved.network, float(np.exp(solved.dice.uniform(-20.0, 20.0)))
    scaled, worst = network._replace(owed=network.owed * unit, cash=network.cash * unit, external=network.external * unit), 0.0
    for before, solution in ((solved.greatest, "greatest"), (solved.least, "least")):
        after = solve(scaled, solution)
        worst = max(worst, unless(same_defaults(after.default_round, before.default_round), distance(network, after.payment / unit, before.payment)))
    return worst


def order_does_not_matter(solved: Solved) -> float:
    network, worst = solved.network, 0.0
    order = solved.dice.permutation(network.cash.size)
    moved = network._replace(owed=network.owed[:, order][:, :, order], cash=network.cash[order], external=network.external[:, order])
    for before, solution in ((solved.greatest, "greatest"), (solved.least, "least")):
        after = solve(moved, solution)
        worst = max(worst, unless(same_defaults(after.default_round, before.default_round[order]), distance(moved, after.payment, before.payment[order])))
    return worst


def paying_agent_changes_nothing(solved: Solved) -> float | None:
    """A firm pays all its creditors through one that owes them what it is owed: nobody else is paid anything else (receipts survive a default: beta = 1)."""
    network = solved.network
    if network.beta < 1.0:
        return None
    n, classes = network.cash.size, network.classes
    i = int(solved.dice.integers(n))
    owed = np.zeros((classes, n + 1, n + 1))
    owed[:, :n, :n] = network.owed
    owed[:, n, :n], owed[:, i, :n] = network.owed[:, i], 0.0
    external = np.append(network.external, network.external[:, i : i + 1], axis=1)
    owed[:, i, n] = network.owed[:, i].sum(axis=1) + network.external[:, i]
    external[:, i] = 0.0
    longer = network._replace(owed=owed, external=external, cash=np.append(network.cash, 0.0))
    worst = 0.0
    for before, solution in ((solved.greatest, "greatest"), (solved.least, "least")):
        after = solve(longer, solution)
        worst = max(worst, distance(network, after.payment, np.append(before.payment, before.payment[i])))
    return worst


def lanes_do_not_touch(solved: Solved) -> float:
    """All amounts and defaults of a lane are the same bits alone and beside others: 0 or infinite."""
    network = solved.network
    checked = read_network(network.owed, network.cash, network.external, network.alpha, network.beta, None)
    together = np.stack([network.cash, 3.0 * network.cash, network.cash[::-1] + 0.1 * network.scale], axis=1)
    for least, alone in ((False, solved.greatest), (True, solved.least)):
        problem = build_problem(checked, together, least)
        clear_one_period(problem.net, problem.now, problem.world, problem.step)
        found = read_lane(checked, problem, 0)
        if found.payment_matrix.tobytes() != alone.payment_matrix.tobytes() or (found.default_round != alone.default_round).any():
            return np.inf
    return 0.0


# Cycles


def cycle_without_cash(solved: Solved) -> float:
    """All firms of the network in one ring of equal debts and no cash: paid in full or not at all, with whatever default costs."""
    network = solved.network
    n = network.cash.size
    owed = np.zeros((1, n, n))
    order = solved.dice.permutation(n)
    owed[0, order, np.roll(order, 1)] = network.scale
    ring = network._replace(owed=owed, cash=np.zeros(n), external=np.zeros((1, n)))
    greatest, least = solve(ring), solve(ring, "least")
    return unless(
        (greatest.default_round == -1).all() and (least.default_round == 0).all(), max(distance(ring, greatest.payment, network.scale), largest(least.payment))
    )


def nobody_gains_in_a_closed_network_without_cash(solved: Solved) -> float | None:
    """Nothing goes in and nothing comes out, so nobody has anything left.

    Of 2,500 networks one, of two classes, runs dry more slowly than a million rounds can follow, and says so.
    """
    network = solved.network
    closed = network._replace(cash=np.zeros(network.cash.size), external=np.zeros_like(network.external), alpha=1.0, beta=1.0)
    greatest, least = solve(closed), solve(closed, "least")
    if not (greatest.converged and least.converged):
        return None
    return max(largest(greatest.equity), largest(least.equity), largest(least.payment)) / closed.scale


# Glasserman and Young (2015). Their c_i is what a firm has outside the network, w_i its net worth when all pay, beta_i the part of what it owes that
# it owes inside; a shock x_i takes 0 to c_i. Default costs and classes: none.


class Bounded(NamedTuple):
    """A network in which everybody is solvent and owes somebody outside."""

    network: Network
    worth: np.ndarray  # [n] w
    inside: np.ndarray  # [n] beta


def make_solvent(solved: Solved) -> Bounded:
    """The debts of the network as one class; cash and external creditors drawn anew."""
    dice, n = solved.dice, solved.network.cash.size
    owed = solved.network.owed.sum(axis=0)
    unit = solved.network.scale
    external = owed.sum(axis=1) * dice.uniform(0.1, 1.5, n) + 0.01 * unit
    worth = unit * dice.exponential(dice.choice([0.01, 0.1, 1.0]), n)
    cash = owed.sum(axis=1) + external + worth - owed.sum(axis=0)
    worth = worth + np.maximum(0.0, -cash)  # a firm that is owed much more than it owes has no less than nothing
    network = Network("solvent", owed[None], np.maximum(0.0, cash), external[None], 1.0, 1.0)
    return Bounded(network, worth, owed.sum(axis=1) / network.total)


def contagion_from_one_firm(solved: Solved) -> float | None:
    """Who fails because one firm loses all it has outside is worth no more, in sum, than what that firm's debtors inside can lose: beta_i (c_i - w_i).

    Glasserman and Young (2015), section 3: else contagion from i is impossible. Of the shortfall s of firm i the part beta_i s goes inside, and what comes back to it, r, raises s by r;
    so beta_i (c_i - w_i) + beta_i r - r or less is lost for good by others, and who fails has lost its net worth. None where nobody else fails.
    """
    network, worth, inside = make_solvent(solved)
    worst, spread = 0.0, False
    for i in solved.dice.permutation(network.cash.size)[:3]:
        cash = network.cash.copy()
        cash[i] = 0.0
        failed = solve(network._replace(cash=cash)).default_round >= 0
        failed[i] = False
        spread |= bool(failed.any())
        worst = max(worst, worth[failed].sum() - inside[i] * max(0.0, network.cash[i] - worth[i]))
    return worst / network.scale if spread else None


def losses_of_shocks(solved: Solved) -> float:
    """Shortfalls of all firms are at most the sum of (x_i - w_i)^+ over 1 - the largest beta.

    s = (x - w + beta's s)^+ for each firm; summed over all, s is at most the sum of (x - w)^+ and the largest beta times s. With shocks whose hazard rate
    rises this is theorem 3 of Glasserman and Young (2015): extra loss over direct loss at most sum(delta c) / ((1 - largest beta) sum(c)).
    """
    network, worth, inside = make_solvent(solved)
    worst = 0.0
    for _ in range(3):
        shock = network.cash * solved.dice.beta(0.5, solved.dice.choice([0.5, 2.0]), network.cash.size)
        found = solve(network._replace(cash=network.cash - shock))
        shortfall = (network.total - found.payment).sum()
        worst = max(worst, shortfall - np.maximum(0.0, shock - worth).sum() / (1.0 - inside.max()))
    return worst / network.scale


CHECKS = (
    Check("Greatest vector and default rounds are those of fictitious defaults with linear solves (one class)", "Eisenberg and Noe 2001, section 3.1; Rogers and Veraart 2013, section 3.1", ROUNDING, against_linear_equations),
    Check("Greatest vector without default costs is the optimum of a linear programme (HiGHS)", "Eisenberg and Noe 2001, lemma 4", 1e-9, against_linear_programme),
    Check("Greatest vector with default costs is the optimum of a mixed-integer programme (HiGHS)", "Ararat and Meimanjan 2023, section 4", 1e-6, against_integer_programme),
    Check("Least vector is that of limits by linear solves (one class)", "Rogers and Veraart 2013, section 3.2 and example 3.3", ROUNDING, least_against_linear_equations),
    Check("Greatest and least vectors with two to four classes are those of the oracle in plain Python", "Elsinger 2009", ROUNDING, against_oracle),
    Check("Both vectors are fixed points of the clearing map", "Eisenberg and Noe 2001, section 2; Rogers and Veraart 2013, section 2", ROUNDING, both_fixed),
    Check("Every solve carries a certificate, computed apart from the kernel: its residual", "docs/model.md 4.5", ROUNDING, certificate),
    Check("Nobody pays more in the least vector than in the greatest, and who fails in the greatest fails in the least", "Eisenberg and Noe 2001, theorem 1; Rogers and Veraart 2013, section 3", ROUNDING, least_below_greatest),
    Check("Greatest and least are one where everybody owes somebody outside and nothing is lost in default", "Eisenberg and Noe 2001, theorem 2", ROUNDING, unique_where_money_leaves),
    Check("Cash is what is left to owners, paid outside or lost in default", "Eisenberg and Noe 2001, section 2", ROUNDING, nothing_is_lost),
    Check("Default costs raise nobody's payment", "Rogers and Veraart 2013, section 3", ROUNDING, costs_only_lower),
    Check("With alpha = beta = 1 everybody pays the smaller of what it owes and what it has", "Eisenberg and Noe 2001, section 2", ROUNDING, without_costs_it_is_eisenberg_noe),
    Check("More cash lowers nobody's payment, in both vectors", "Eisenberg and Noe 2001, section 3.3; Rogers and Veraart 2013, section 3", ROUNDING, more_cash_lowers_nobody),
    Check("The unit of money does not matter", "homogeneity", ROUNDING, unit_does_not_matter),
    Check("The order of firms does not matter", "symmetry", ROUNDING, order_does_not_matter),
    Check("Where receipts survive a default (beta = 1), a firm that owes exactly what it is owed, put between a debtor and its creditors, changes nobody's payment", "pass-through invariance", ROUNDING, paying_agent_changes_nothing),
    Check("A lane has the same bits alone and beside others", "docs/model.md 4.5", 0.0, lanes_do_not_touch),
    Check("A ring of equal debts without cash is paid in full (greatest) or not at all (least)", "Eisenberg and Noe 2001, section 2", 0.0, cycle_without_cash),
    Check("In a closed network without cash nobody has anything left, and in the least vector nobody pays", "conservation", ROUNDING, nobody_gains_in_a_closed_network_without_cash),
    Check("Net worth of those who fail because one firm lost everything, less what its debts can carry to them", "Glasserman and Young 2015, section 3", ROUNDING, contagion_from_one_firm),
    Check("Shortfalls of all firms less their bound by shocks beyond net worth", "Glasserman and Young 2015, the step behind theorem 3", ROUNDING, losses_of_shocks),
)  # fmt: skip


def findings() -> list[Finding]:
    """The largest residual of every claim over networks that the tests do not see."""
    test = "clearing/test_networks.py::test_random_networks"
    return [
        numeric_finding(f"{check.claim}. {worst.networks} networks", test, check.source, worst.residual, 0.0, check.tolerance)
        for check, worst in measure_all(CHECKS, range(FIRST, FIRST + COUNT)).items()
    ]
