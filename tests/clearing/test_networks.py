"""Clearing of random networks of 2 to 60 firms against independent methods and what every clearing vector obeys (validation/clearing.py says what)."""

import functools

import numpy as np
import pytest

from tests.makers.one_period import SHAPES, draw_network
from tests.validation import clearing

FAST, SLOW = range(2500, 2620), range(2500)
# Share of networks to which a claim must apply, 0.25 if not here.
LEAST_OFTEN = {
    "against_integer_programme": 0.1,
    "unique_where_money_leaves": 0.05,
    "against_oracle": 0.15,
    "nobody_gains_in_a_closed_network_without_cash": 0.999,
}


@functools.cache
def measured(fast: bool):
    return clearing.measure_all(clearing.CHECKS, FAST if fast else SLOW)


def assert_held(check, seeds, worst):
    name = check.measure.__name__
    assert worst.networks >= LEAST_OFTEN.get(name, 0.25) * len(seeds), f"{name} applies to {worst.networks} of {len(seeds)} networks"
    assert worst.residual <= check.tolerance, f"{check.claim}: {worst.residual:.3g} on draw_network({worst.seed})"


@pytest.mark.parametrize("check", clearing.CHECKS, ids=lambda check: check.measure.__name__)
def test_random_networks(check):
    assert_held(check, FAST, measured(True)[check])


@pytest.mark.slow
@pytest.mark.parametrize("check", clearing.CHECKS, ids=lambda check: check.measure.__name__)
def test_thousands_of_random_networks(check):
    assert_held(check, SLOW, measured(False)[check])


def test_the_networks_are_of_every_sort():
    """So that no claim holds because nothing happened."""
    solved = [clearing.solve_both(seed) for seed in FAST]
    count = len(solved)
    assert {one.network.shape for one in solved} == set(SHAPES)
    assert min(one.network.cash.size for one in solved) == 2 and max(one.network.cash.size for one in solved) >= 55
    assert {one.network.classes for one in solved} == {1, 2, 3, 4}

    def share(happens):
        return sum(bool(happens(one)) for one in solved) / count

    assert share(lambda one: (one.greatest.default_round >= 0).any()) > 0.6
    assert share(lambda one: (one.greatest.default_round < 0)[one.network.total > 0].any()) > 0.4
    assert share(lambda one: one.greatest.default_round.max() >= 3) > 0.1
    assert share(lambda one: (one.least.payment < one.greatest.payment - 1e-6 * one.network.scale).any()) > 0.04
    assert share(lambda one: (one.network.cash == 0).all() and one.greatest.payment.sum() > 0) > 0.02
    assert share(lambda one: 0 < one.network.alpha < 1) > 0.2


@pytest.mark.parametrize("change", ["payment", "default", "seniority", "alpha"])
def test_a_wrong_vector_is_seen(change):
    """The residuals see errors of a millionth: a payment, a default, the order of classes, a default cost."""
    for seed in FAST:
        solved = clearing.solve_both(seed)
        network, found = solved.network, solved.greatest
        failed = (found.default_round >= 0) & (found.payment > 0.1 * network.scale)
        if failed.any() and network.cash.size > 9 and network.classes > 1 and network.alpha < 1 and (network.cash[failed] > 0).any():
            break
    payment, rounds = found.payment.copy(), found.default_round.copy()
    if change == "payment":
        payment[np.flatnonzero(failed)[0]] *= 1 + 1e-6
    elif change == "default":
        rounds[np.flatnonzero(failed)[0]] = -1
    elif change == "seniority":
        network = network._replace(owed=network.owed[::-1], external=network.external[::-1])
    else:
        network = network._replace(alpha=network.alpha * (1 + 1e-6))
    clean = clearing.fixed_point_residual(solved.network, found.payment, found.default_round)
    assert clean < clearing.ROUNDING < 1e-8 < clearing.fixed_point_residual(network, payment, rounds)


def test_a_network_is_a_function_of_its_number():
    one, again = draw_network(7), draw_network(7)
    assert all(np.array_equal(a, b) for a, b in zip(one, again)) and not np.array_equal(one.cash, draw_network(8).cash)


@pytest.mark.parametrize(("worth", "fails"), [(0.45 - 1e-6, True), (0.45 + 1e-6, False)])
def test_contagion_goes_exactly_as_far_as_debts_carry_it(worth, fails):
    """Glasserman and Young (2015), section 3: firm 0 loses all it has outside, 1, of which 0.9 are its creditors' and half of that firm 1's."""
    owed, external = np.array([[0.0, 0.45], [0.0, 0.0]]), np.array([0.45, 2.0])
    cash = np.array([1.0, 2.0 - 0.45 + worth])
    before, after = (clearing.simulate.clearing_vector(owed, outside, external) for outside in (cash, cash * [0, 1]))
    assert before.equity == pytest.approx([0.1, worth]) and before.default_round.tolist() == [-1, -1]
    assert after.default_round.tolist() == [0, 1 if fails else -1]
