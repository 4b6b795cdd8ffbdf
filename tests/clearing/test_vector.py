"""`simulate.clearing_vector` against published answers, a method of its own, a linear programme, and what every clearing vector obeys."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import simulate
from simulate import clearing
from simulate.clearing import build_problem, read_lane, read_network
from simulate.step.one_period import clear_one_period
from tests.oracle.one_period import class_fractions, clear

ANSWERS = json.loads((Path(__file__).parents[1] / "known" / "answers.json").read_text())
PARI_PASSU = [name for name, answer in ANSWERS.items() if answer.get("kind") == "clearing_pari_passu"]
RING = [[0.0, 1.0], [1.0, 0.0]]


def examples(count):
    """Networks that hypothesis draws; where kernels are not compiled, and only their coverage is asked for, an eighth."""
    return count // 8 if os.environ.get("NUMBA_DISABLE_JIT") == "1" else count


# Known answers


def solve(inputs, **options):
    costs = {name: inputs[name] for name in ("alpha", "beta") if name in inputs}
    return simulate.clearing_vector(inputs["liabilities_i_owes_j"], inputs["external_assets"], inputs.get("external_liabilities"), **costs, **options)


def assert_expected(found, expected, tolerance):
    names = {"total_payment": "payment", "equity": "equity", "paid_to_external": "paid_to_external", "bankruptcy_cost_total": "default_cost"}
    for name, field in names.items():
        np.testing.assert_allclose(getattr(found, field), expected[name], rtol=0, atol=tolerance, err_msg=name)
    assert found.default_round.tolist() == expected["default_round"]
    assert found.converged


@pytest.mark.nojit
@pytest.mark.parametrize("name", PARI_PASSU)
def test_published_networks(name):
    answer = ANSWERS[name]
    assert_expected(solve(answer["inputs"]), answer["expected"], answer["tolerance"])


def test_all_published_networks_are_here():
    assert len(PARI_PASSU) == 11


@pytest.mark.nojit
def test_where_two_vectors_clear_both_are_found():
    answer = ANSWERS["rv2013_ex3_3_v2"]
    least = solve(answer["inputs"], solution="least")
    np.testing.assert_allclose(least.payment, answer["expected"]["least_clearing_vector"], rtol=0, atol=1e-9)
    assert least.default_round.tolist() == [0, 0]


@pytest.mark.nojit
def test_the_ascent_goes_on_where_its_limit_does_not_clear():
    """Rogers and Veraart, example 3.3: iterating from nothing stops at (1, 1), where the first firm could pay."""
    answer = ANSWERS["rv2013_ex3_3"]
    assert answer["expected"]["picard_from_zero_limit"] == [1.0, 1.0] and not answer["expected"]["picard_from_zero_is_clearing"]
    least = solve(answer["inputs"], solution="least")
    assert least.payment.tolist() == [2.0, 2.2] and least.default_round.tolist() == [-1, -1]


@pytest.mark.nojit
def test_priority_of_external_creditors_moves_the_loss_inside():
    answer = ANSWERS["seniority_matters_ring3"]
    inputs, expected = answer["inputs"], answer["expected"]
    assert_expected(solve(inputs), expected["pari_passu"], 1e-9)
    external = inputs["external_liabilities"]
    senior = solve(inputs | {"external_liabilities": [external, [0, 0, 0]]})
    np.testing.assert_allclose(senior.payment_matrix.sum(axis=1), expected["external_senior"]["interbank_payment"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(senior.paid_to_external, expected["external_senior"]["external_paid"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(senior.equity, expected["external_senior"]["equity"], rtol=0, atol=1e-9)


@pytest.mark.nojit
@pytest.mark.parametrize("solution", ["greatest", "least"])
def test_cycle_without_cash_pays_in_full_or_not_at_all(solution):
    answer = ANSWERS["en_cycle_zero_cash"]
    found = solve(answer["inputs"], solution=solution)
    assert found.payment.tolist() == answer["expected"][solution]
    assert found.converged and found.residual == 0.0


@pytest.mark.nojit
def test_waterfall_of_two_classes():
    answer = ANSWERS["waterfall_two_class"]
    amounts = {claim["name"]: claim["amount"] for claim in answer["inputs"]["claims"]}
    owed = np.zeros((3, 3))
    owed[0, 1:] = amounts["senior"], amounts["junior"]
    cash = [answer["inputs"]["assets"], 0, 0]
    ranked = simulate.clearing_vector(owed, cash, seniority=[[0, 0, 1], [0, 0, 0], [0, 0, 0]])
    assert ranked.payment_matrix[0, 1:].tolist() == [answer["expected"]["paid"][name] for name in ("senior", "junior")]
    mixed = simulate.clearing_vector(owed, cash)
    assert mixed.payment_matrix[0, 1:].tolist() == [answer["expected"]["pari_passu_alternative"][name] for name in ("senior", "junior")]


@pytest.mark.nojit
@pytest.mark.parametrize("name", ["waterfall_secured_deficiency", "waterfall_secured_excess"])
def test_collateral_first_and_the_deficiency_beside_the_unsecured(name):
    inputs, expected = ANSWERS[name]["inputs"], ANSWERS[name]["expected"]
    covered = min(inputs["secured_claim"], inputs["collateral_value"])
    owed = np.zeros((2, 3, 3))
    owed[0, 0, 1] = covered
    owed[1, 0, 1:] = inputs["secured_claim"] - covered, inputs["unsecured_claim"]
    found = simulate.clearing_vector(owed, [inputs["collateral_value"] + inputs["other_assets"], 0, 0])
    np.testing.assert_allclose(found.payment_matrix[0, 1:], [expected["secured_total"], expected["unsecured_total"]], rtol=0, atol=1e-9)


# Random networks: small integers, so that ties, empty pockets and closed cycles are common


@st.composite
def networks(draw, most_firms=12, most_classes=3):
    """(liabilities [C, n, n], cash [n], external [C, n], alpha, beta)"""
    n, classes = draw(st.integers(2, most_firms)), draw(st.integers(1, most_classes))
    amount = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 5, 7.5])
    count = classes * n * (n + 1) + n
    drawn = np.array(draw(st.lists(amount, min_size=count, max_size=count)), np.float64)
    owed = drawn[: classes * n * n].reshape(classes, n, n)
    owed[:, range(n), range(n)] = 0.0
    external = drawn[classes * n * n : -n].reshape(classes, n) * draw(st.sampled_from([0, 1, 1]))
    shares = st.sampled_from([1.0, 1.0, 0.9, 0.5, 0.3, 0.0])
    return owed, drawn[-n:], external, draw(shares), draw(shares)


def compute(network, solution="greatest"):
    owed, cash, external, alpha, beta = network
    return simulate.clearing_vector(owed, cash, external, alpha=alpha, beta=beta, solution=solution)


@pytest.mark.nojit
@pytest.mark.parametrize("solution", ["greatest", "least"])
@given(network=networks())
@settings(max_examples=examples(250), deadline=None)
def test_agrees_with_linear_solves_of_fictitious_defaults(solution, network):
    owed, cash, external, alpha, beta = network
    found = compute(network, solution)
    other = clear(owed.tolist(), cash.tolist(), alpha, beta, external.tolist(), solution)
    scale = 1.0 + owed.sum()
    np.testing.assert_allclose(found.payment, other["payment"], rtol=0, atol=1e-11 * scale)
    np.testing.assert_allclose(found.payment_matrix, np.sum(other["payments"], axis=0), rtol=0, atol=1e-11 * scale)
    np.testing.assert_allclose(found.paid_to_external, other["paid_outside"], rtol=0, atol=1e-11 * scale)
    np.testing.assert_allclose(found.equity, other["equity"], rtol=0, atol=1e-9 * scale)
    assert found.default_round.tolist() == other["default_round"]
    assert found.converged


@pytest.mark.nojit
@given(network=networks(), solution=st.sampled_from(["greatest", "least"]))
@settings(max_examples=examples(250), deadline=None)
def test_what_every_clearing_vector_obeys(network, solution):
    owed, cash, external, alpha, beta = network
    found = compute(network, solution)
    by_class = owed.sum(axis=2) + external
    total = by_class.sum(axis=0)
    received = found.payment_matrix.sum(axis=0)
    failed = found.default_round >= 0
    small = 1e-9 * (1.0 + total.sum())
    assert (found.payment <= total + small).all(), "nobody pays more than is owed"
    assert (found.payment <= cash + received + small).all() and (found.equity >= 0).all(), "limited liability"
    assert (found.equity[failed] == 0).all() and np.allclose(found.recovery[~failed], 1.0), "absolute priority of creditors over owners"
    np.testing.assert_allclose(found.payment[failed], (alpha * cash + beta * received)[failed], rtol=0, atol=small, err_msg="a defaulter hands out all")
    for c in range(len(owed) - 1):
        cut = found.paid_by_class[c] < by_class[c] - small
        assert (found.paid_by_class[c + 1 :, cut] <= small).all(), "a class gets nothing before the earlier ones have all"
    expected = np.zeros_like(found.payment_matrix)
    for i, payment in enumerate(found.payment):
        for c, share in enumerate(class_fractions(by_class[:, i], payment)):
            expected[i] += share * owed[c, i]
    np.testing.assert_allclose(found.payment_matrix, expected, rtol=0, atol=small, err_msg="pro rata inside a class")
    assert cash.sum() == pytest.approx(found.equity.sum() + found.paid_to_external.sum() + found.default_cost, abs=small), "value is conserved"
    assert ((cash + received < total * (1 - 1e-10) - small) <= failed).all() and (cash[failed] + received[failed] < total[failed] + small).all()


@pytest.mark.nojit
@given(network=networks())
@settings(max_examples=examples(150), deadline=None)
def test_least_lies_below_greatest_and_both_clear(network):
    greatest, least = compute(network), compute(network, "least")
    assert (least.payment <= greatest.payment + 1e-9 * (1.0 + network[0].sum())).all()
    assert ((greatest.default_round >= 0) <= (least.default_round >= 0)).all()
    assert greatest.residual <= 1e-12 and least.residual <= 1e-12


@given(network=networks(), firm=st.integers(0, 11), more=st.sampled_from([0.25, 1.0, 4.0]), solution=st.sampled_from(["greatest", "least"]))
@settings(max_examples=examples(150), deadline=None)
def test_more_cash_lowers_nobodys_payment(network, firm, more, solution):
    owed, cash, external, alpha, beta = network
    richer = cash.copy()
    richer[firm % cash.size] += more
    before, after = compute(network, solution), compute((owed, richer, external, alpha, beta), solution)
    assert (after.payment >= before.payment - 1e-9 * (1.0 + owed.sum())).all()
    assert ((after.default_round >= 0) <= (before.default_round >= 0)).all()


@given(network=networks(most_classes=1))
@settings(max_examples=examples(100), deadline=None)
def test_without_default_costs_the_greatest_vector_is_a_linear_programme(network):
    """Eisenberg and Noe (2001), lemma 4: it maximises what is paid in all, subject to limited liability."""
    owed, cash, external, _, _ = network
    total = owed[0].sum(axis=1) + external[0]
    shares = np.divide(owed[0], total[:, None], out=np.zeros_like(owed[0]), where=total[:, None] > 0)
    best = linprog(-np.ones(cash.size), A_ub=np.eye(cash.size) - shares.T, b_ub=cash, bounds=list(zip(np.zeros(cash.size), total)), method="highs")
    found = compute((owed, cash, external, 1.0, 1.0))
    np.testing.assert_allclose(found.payment, best.x, rtol=0, atol=1e-7 * (1.0 + total.sum()))


@given(network=networks(most_firms=6), power=st.integers(-60, 60), solution=st.sampled_from(["greatest", "least"]))
@settings(max_examples=examples(80), deadline=None)
def test_the_unit_does_not_matter(network, power, solution):
    owed, cash, external, alpha, beta = network
    found, scaled = compute(network, solution), compute((owed * 2.0**power, cash * 2.0**power, external * 2.0**power, alpha, beta), solution)
    assert (scaled.payment == found.payment * 2.0**power).all()
    assert (scaled.default_round == found.default_round).all()


@given(network=networks(most_firms=8), seed=st.integers(0, 1000), solution=st.sampled_from(["greatest", "least"]))
@settings(max_examples=examples(80), deadline=None)
def test_the_order_of_firms_does_not_matter(network, seed, solution):
    owed, cash, external, alpha, beta = network
    order = np.random.default_rng(seed).permutation(cash.size)
    moved = compute((owed[:, order][:, :, order], cash[order], external[:, order], alpha, beta), solution)
    found = compute(network, solution)
    np.testing.assert_allclose(moved.payment, found.payment[order], rtol=0, atol=1e-10 * (1.0 + owed.sum()))
    assert (moved.default_round == found.default_round[order]).all()


@given(network=networks(most_firms=8), least=st.booleans())
@settings(max_examples=examples(60), deadline=None)
def test_no_lane_feels_its_neighbours(network, least):
    owed, cash, external, alpha, beta = network
    checked = read_network(owed, cash, external, alpha, beta, None)
    together = np.stack([cash, 0.0 * cash, 2.0 * cash, cash[::-1]], axis=1)
    problem = build_problem(checked, together, least)
    clear_one_period(problem.net, problem.now, problem.world, problem.step)
    for lane in range(4):
        alone = build_problem(checked, np.ascontiguousarray(together[:, lane : lane + 1]), least)
        clear_one_period(alone.net, alone.now, alone.world, alone.step)
        assert (read_lane(checked, problem, lane).payment == read_lane(checked, alone, 0).payment).all()
        assert (read_lane(checked, problem, lane).default_round == read_lane(checked, alone, 0).default_round).all()


@pytest.mark.nojit
@pytest.mark.parametrize("least", [False, True])
def test_a_problem_is_solved_again_with_other_cash(least):
    """Nothing of the first solution is left in the second."""
    owed = [[0.0, 4.0, 0.0], [0.0, 0.0, 3.0], [1.0, 0.0, 0.0]]
    poor, rich = (read_network(owed, cash, None, 0.5, 0.5, None) for cash in ([1.0, 1.0, 0.0], [5.0, 0.0, 0.5]))
    problem = build_problem(poor, poor.cash[:, None], least)
    for network in (poor, rich, poor):
        problem.step.cash_in[:3, 0] = network.cash
        clear_one_period(problem.net, problem.now, problem.world, problem.step)
        alone = build_problem(network, network.cash[:, None], least)
        clear_one_period(alone.net, alone.now, alone.world, alone.step)
        again, once = read_lane(network, problem, 0), read_lane(network, alone, 0)
        assert (again.payment_matrix == once.payment_matrix).all() and (again.default_round == once.default_round).all()


@given(network=networks(most_firms=6, most_classes=1), seed=st.integers(0, 1000))
@settings(max_examples=examples(60), deadline=None)
def test_a_seniority_matrix_is_an_array_of_classes(network, seed):
    owed, cash, external, alpha, beta = network
    ranks = np.random.default_rng(seed).integers(0, 4, owed[0].shape)
    assume(ranks[owed[0] > 0].max(initial=0) == 3)
    named = simulate.clearing_vector(owed[0], cash, external[0], alpha=alpha, beta=beta, seniority=ranks)
    stacked = simulate.clearing_vector([np.where(ranks == c, owed[0], 0) for c in range(4)], cash, external[0], alpha=alpha, beta=beta)
    assert (named.payment_matrix == stacked.payment_matrix).all() and (named.paid_to_external == stacked.paid_to_external).all()
    assert named.paid_by_class.shape == (4, cash.size)


# Cases with a name


@pytest.mark.nojit
def test_exactly_enough_is_solvent_and_a_little_less_is_not():
    chain = [[0, 3, 0], [0, 0, 3], [0, 0, 0]]
    assert simulate.clearing_vector(chain, [3, 0, 0], alpha=0.5, beta=0.5).default_round.tolist() == [-1, -1, -1]
    less = simulate.clearing_vector(chain, [3 - 1e-6, 0, 0], alpha=0.5, beta=0.5)
    assert less.default_round.tolist() == [0, 1, -1]
    np.testing.assert_allclose(less.payment, [1.5, 0.75, 0.0], atol=1e-6)


@pytest.mark.nojit
def test_tenths_that_do_not_add_up_in_binary_are_a_tie():
    found = simulate.clearing_vector([[0, 0.1, 0.2], [0, 0, 0.1], [0, 0, 0]], [0.3, 0, 0], alpha=0, beta=0)
    assert 0.1 + 0.2 > 0.3 and found.default_round.tolist() == [-1, -1, -1]
    assert (found.equity >= 0).all()


@pytest.mark.nojit
def test_nobody_owes_anything():
    found = simulate.clearing_vector(np.zeros((3, 3)), [1, 0, 2])
    assert found.payment.tolist() == [0, 0, 0] and found.equity.tolist() == [1, 0, 2] and found.recovery.tolist() == [1, 1, 1]


@pytest.mark.nojit
def test_one_firm_with_external_creditors_only():
    found = simulate.clearing_vector([[0]], [6], [10], alpha=0.5)
    assert found.paid_to_external.tolist() == [3] and found.default_cost == 3 and found.recovery.tolist() == [0.3]


@pytest.mark.parametrize("leak", [1e-2, 1e-3, 1e-4])
def test_a_cycle_without_cash_that_leaks_runs_dry(leak):
    """Nothing is in the ring, so nothing can leave it: the greatest vector is zero, reached by a factor 1/(1 + leak) a round."""
    found = simulate.clearing_vector(RING, [0, 0], [leak, 0])
    assert found.converged and found.default_round.tolist() == [0, 1]
    np.testing.assert_allclose(found.payment, 0, atol=1e-11)


@pytest.mark.nojit
def test_a_small_network_beside_a_large_one_is_cleared_as_if_alone():
    small = np.array([[0, 1, 0], [0, 0, 1], [0.5, 0, 0]]) * 1e-9
    alone = simulate.clearing_vector(small, [1e-10, 0, 0], [1e-10, 0, 0], alpha=0.5, beta=0.5)
    both = np.zeros((5, 5))
    both[:3, :3], both[3:, 3:] = small, np.array(RING) * 1e9
    beside = simulate.clearing_vector(both, [1e-10, 0, 0, 1e8, 0], [1e-10, 0, 0, 5e8, 0], alpha=0.5, beta=0.5)
    assert (beside.default_round[:3] == alone.default_round).all() and alone.default_round.max() > 0
    np.testing.assert_allclose(beside.payment[:3], alone.payment, rtol=1e-12)


@pytest.mark.nojit
def test_what_has_no_class_ranks_last():
    owed = [[0, 4], [0, 0]]
    assert simulate.clearing_vector([owed, np.zeros((2, 2))], [4, 0], [4, 0]).paid_to_external.tolist() == [0, 0]
    assert simulate.clearing_vector(owed, [4, 0], [[4, 0], [0, 0]]).paid_to_external.tolist() == [4, 0]
    assert simulate.clearing_vector(owed, [4, 0], [4, 0]).paid_to_external.tolist() == [2, 0]


@pytest.mark.nojit
def test_the_class_of_what_is_not_owed_says_nothing():
    owed = [[0, 4], [0, 0]]
    for zero in (0, 3):
        assert simulate.clearing_vector(owed, [4, 0], [4, 0], seniority=[[zero, 0], [zero, zero]]).paid_to_external.tolist() == [2, 0]


@pytest.mark.nojit
def test_what_the_tolerance_of_solvency_creates_is_told():
    """Nobody has cash, but each is paid 1e12 by the other: 50 more are within 1e-10 of what is owed, and come from nowhere."""
    found = simulate.clearing_vector([[0, 1e12], [1e12, 0]], [0, 0], [0, 50])
    assert found.paid_to_external.tolist() == [0, 50] and found.created == 50.0
    assert simulate.clearing_vector([[0, 3], [0, 0]], [3, 0]).created == 0.0


@pytest.mark.nojit
def test_an_iteration_that_does_not_come_to_rest_says_so(monkeypatch):
    monkeypatch.setattr(clearing, "MAX_ITERATIONS", 20)
    with pytest.warns(RuntimeWarning, match="did not come to rest in 20 rounds"):
        found = simulate.clearing_vector(RING, [0, 0], [0.01, 0])
    assert not found.converged and found.residual > 1e-3


@pytest.mark.nojit
def test_a_receipt_that_is_next_to_nothing_keeps_its_digits():
    """Who is owed a million and gets a ten-millionth passes that on: a sum of payments, not what is missing of the million."""
    found = simulate.clearing_vector([[0.0, 1e6], [0.0, 0.0]], [1e-7, 0.0], [0.0, 5.0])
    assert found.payment == pytest.approx([1e-7, 1e-7], rel=1e-12, abs=0.0)


@pytest.mark.nojit
def test_an_ascent_that_is_not_at_rest_is_told_though_its_residual_is_small(monkeypatch):
    """A circle that loses a tenth a round."""
    circle, cash, external = [[0.0, 9.0], [10.0, 0.0]], [0.1, 0.0], [1.0, 0.0]
    monkeypatch.setattr(clearing, "MAX_ITERATIONS", 500)
    with pytest.warns(RuntimeWarning, match="did not come to rest"):
        found = simulate.clearing_vector(circle, cash, external, solution="least")
    assert found.residual < 1e-10 and not found.converged
    monkeypatch.setattr(clearing, "MAX_ITERATIONS", 2500)
    assert simulate.clearing_vector(circle, cash, external, solution="least").converged


@pytest.mark.parametrize("owed", [(0.3, 0.6), (0.1, 0.7, 0.1)])
def test_a_firm_that_owes_nothing_cannot_fail(owed):
    n = len(owed) + 1
    liabilities = np.zeros((n, n))
    liabilities[:-1, -1] = owed
    assert simulate.clearing_vector(liabilities, np.zeros(n)).default_round.tolist() == [0] * len(owed) + [-1]


def test_a_closed_ring_of_senior_claims_comes_to_rest():
    """Firms 1 and 4 pass 0.1 round and round in class 0; firm 3 gets 0.1 for the 0.3 that it owes."""
    senior, junior = np.zeros((2, 5, 5))
    senior[0, [1, 3, 4]], senior[1, 4], senior[4, 1] = (0.8, 0.3, 0.7), 0.1, 0.8
    junior[1, [0, 2, 3, 4]], junior[2, 3], junior[3, 2], junior[4, [1, 2]] = (0.2, 0.7, 0.5, 0.5), 0.1, 0.3, (0.5, 0.8)
    other = clear([senior.tolist(), junior.tolist()], [0.0] * 5)
    np.testing.assert_allclose(other["payment"], [0.0, 0.1, 0.1, 0.1, 0.1], atol=1e-12)
    found = simulate.clearing_vector([senior, junior], np.zeros(5))
    np.testing.assert_allclose(found.payment, other["payment"], atol=1e-12)
    assert found.converged and found.default_round.tolist() == other["default_round"] == [0, 1, -1, 2, 0]


@pytest.mark.nojit
def test_the_certificate_sees_a_wrong_payment_and_a_wrong_default():
    network = read_network([RING], [0.5, 0.5], [[1.0, 0.0]], 1.0, 1.0, None)
    problem = build_problem(network, network.cash[:, None], least=False)
    clear_one_period(problem.net, problem.now, problem.world, problem.step)
    paid = np.zeros_like(network.obligations)
    paid[problem.positions] = problem.step.pay[:, 0]
    failed = read_lane(network, problem, 0).default_round >= 0
    assert clearing.find_violation(network, network.cash, paid, failed) < 1e-12
    assert failed.any()
    assert clearing.find_violation(network, network.cash, 0.9 * paid, failed) > 0.01
    assert clearing.find_violation(network, network.cash, paid, ~failed) > 0.01


# Bad input

WRONG = [
    (dict(liabilities=[[0, 1, 2], [1, 0, 2]]), r"liabilities has shape \(2, 3\); it must be \[n, n\]"),
    (dict(liabilities=[]), "at least one firm"),
    (dict(liabilities=[[0, 1], [1]]), "liabilities is not an array of numbers"),
    (dict(liabilities=[[0, -1], [1, 0]]), r"liabilities\[0, 1\] is -1.0; amounts must be finite and not negative"),
    (dict(liabilities=[[0, np.nan], [1, 0]]), r"liabilities\[0, 1\] is nan"),
    (dict(liabilities=[[0, np.inf], [1, 0]]), r"liabilities\[0, 1\] is inf"),
    (dict(liabilities=[[0, 1], [1, 2]]), r"liabilities\[1, 1\] is on the diagonal; a firm cannot owe itself"),
    (dict(liabilities=[[[0, 1], [1, 0]], [[3, 1], [1, 0]]]), r"liabilities\[1, 0, 0\] is on the diagonal"),
    (dict(liabilities=np.zeros((5, 2, 2))), "There are 5 classes; at most 4 are known"),
    (dict(liabilities=[[0, 1e308], [1e308, 0]]), "use a larger unit"),
    (dict(external_assets=[1]), r"external_assets has shape \(1,\); it must be \(2,\)"),
    (dict(external_assets=[1, -1]), r"external_assets\[1\] is -1.0; .* belongs in external_liabilities"),
    (dict(external_assets=None), "external_assets"),
    (dict(external_liabilities=[1, 2, 3]), r"external_liabilities has shape \(3,\); it must be \(2,\) or \[classes, 2\]"),
    (dict(external_liabilities=[1, np.nan]), r"external_liabilities\[1\] is nan"),
    (dict(alpha=1.5), "alpha is 1.5; it must be a number from 0"),
    (dict(beta=-0.1), "beta is -0.1"),
    (dict(beta=float("nan")), "beta is nan"),
    (dict(alpha="half"), "alpha is 'half'"),
    (dict(seniority=[[0, 4], [0, 0]]), "integers 0 .paid first. to 3"),
    (dict(seniority=[[0, 0.5], [0, 0]]), "seniority must be a matrix"),
    (dict(seniority=[0, 1]), r"seniority must be a matrix of the shape of liabilities, \(2, 2\)"),
    (dict(seniority="first"), "seniority must be a matrix"),
    (dict(external_assets=[10**400, 1]), "external_assets is not an array of numbers"),
    (dict(external_assets=[1 + 1j, 1]), "external_assets is not an array of numbers"),
    (dict(external_assets=["1", "2"]), "external_assets is not an array of numbers"),
    (dict(external_assets=np.ma.masked_array([1.0, 2.0], [True, False])), "external_assets is not an array of numbers"),
    (dict(alpha=10**400), "alpha is 1000"),
    (dict(beta="0.5"), "beta is '0.5'"),
    (dict(solution=["greatest"]), "must be 'greatest' or 'least'"),
    (dict(liabilities=[RING], seniority=[[0, 0], [0, 0]]), "leave seniority out"),
    (dict(solution="best"), "solution is 'best'; it must be 'greatest' or 'least'"),
]


@pytest.mark.nojit
@pytest.mark.parametrize(("change", "sentence"), WRONG, ids=[str(k) for k in range(len(WRONG))])
def test_bad_input_is_a_sentence(change, sentence):
    given_input = dict(liabilities=RING, external_assets=[1, 1]) | change
    with pytest.raises(simulate.InputError, match=sentence):
        simulate.clearing_vector(given_input.pop("liabilities"), given_input.pop("external_assets"), **given_input)


@pytest.mark.nojit
def test_all_faults_are_told_at_once():
    with pytest.raises(ValueError) as error:
        simulate.clearing_vector([[1, 2], [3, 4]], [1, -1], alpha=2, beta=2)
    assert len(error.value.sentences) == 5
