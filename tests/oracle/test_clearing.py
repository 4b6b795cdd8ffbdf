"""The least clearing vector of the oracle: on drawn networks of one step what every such vector obeys, published answers, and cases by hand."""

import random
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulate.model import GUARANTEE, SCHEDULED
from tests.known.answers import ANSWERS, of_kind
from tests.makers.drawn import models
from tests.makers.tiny import CLOUD, ENTITIES, HOLDING, LAB, LENDER, VENDOR, make_legs, tiny_model
from tests.oracle.clearing import clear_network, given_back, positions, waiting_legs
from tests.oracle.factors import factor_path, path_draws, plain
from tests.oracle.one_period import clear
from tests.oracle.step import run_world, step
from tests.oracle.world import SECURED, TOLERANCE, open_world

INSIDE = (LAB, CLOUD, HOLDING, VENDOR)
SLACK = 1e-9  # of all that is due
drawn = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


class Problem:
    """One clearing: dues and guarantees, cash, what can be raised, and what estates owe."""

    def __init__(self, legs, cash, can_raise=None, alpha=1.0, beta=1.0, estates=(), fresh=()):
        legs = [{"driver": SCHEDULED, "seniority": 2, "deal": 0} | leg for leg in legs]
        self.model = plain(tiny_model(rules={"alpha": alpha, "beta": beta})._replace(legs=make_legs(legs, 6)))
        self.cash, self.can_raise = list(cash), can_raise or [0.0] * ENTITIES
        count = len(legs)
        due = {name: [0.0] * count for name in ("balance_next", "receivable_next", "sale", "due")}
        self.world = open_world(self.model, [1.0] * 5)
        for i in estates:
            self.world.alive[i] = 0.0
            self.world.fresh[i] = int(i in fresh)
        for k, leg in enumerate(legs):
            if leg["driver"] == SCHEDULED:
                due["due"][k], due["balance_next"][k], due["sale"][k] = leg["sched"], leg.get("later", 0.0), leg.get("sale", 0.0)
            if leg["payer"] in estates:
                self.world.claim[k], self.world.claim_credit[k] = leg["sched"] + leg.get("later", 0.0), leg["sched"]
                self.world.paid_on_claim[k] = leg.get("offset", 0.0) * self.world.claim[k]
                self.world.covered[k] = leg.get("sale", 0.0) * (leg["payer"] in fresh)
            self.world.subrogated[k] = leg.get("before", 0.0)
        self.position = positions(self.model, 0, {"capacity": [1.0] * 4}, self.world, due)
        for leg in waiting_legs(self.model, self.world, self.cash, self.position, False):  # nothing is paid, nor called
            for name in ("full", "base", "claim_now", "offset"):
                self.position[name][leg] = 0.0

    def solve(self, least, undisturbed=None):
        self.world.least = least
        return clear_network(self.model, self.world, self.cash, self.can_raise, self.position, undisturbed)

    @property
    def size(self):
        return max(1.0, sum(self.position["full"]), sum(self.cash[i] for i in INSIDE))


@st.composite
def problems(draw, guarantees=True):
    """Four firms and a lender outside: debts of all classes, collateral, balances behind what is due, estates, guarantees of one debt or two."""
    amount = st.one_of(st.integers(0, 8).map(lambda k: k / 2), st.floats(0.1, 5.0))
    legs, estates = [], [i for i in INSIDE if guarantees and draw(st.integers(0, 4)) == 0]
    fresh = [i for i in estates if draw(st.booleans())]
    for i in INSIDE:
        for j in (*INSIDE, LENDER):
            if i != j and draw(st.integers(0, 2)) == 0:
                leg = {"payer": i, "payee": j, "seniority": draw(st.sampled_from((2, 0, SECURED, 3))), "sched": draw(amount)}
                leg["later"] = draw(st.sampled_from((0.0, 0.0, 3.0)))
                leg["sale"] = draw(amount) if leg["seniority"] == SECURED else 0.0
                leg["offset"] = draw(st.sampled_from((0.0, 0.5)))
                legs.append(leg)
    debts = len(legs)
    for k in range(debts if guarantees else 0):
        for _ in range(draw(st.sampled_from((0, 0, 1, 2)))):
            guarantor = draw(st.sampled_from([i for i in (*INSIDE, LENDER) if i not in (legs[k]["payer"], legs[k]["payee"])]))
            share, cap = draw(st.sampled_from((0.5, 0.25))), draw(st.sampled_from((9.0, 1.0)))
            guarantee = {"payer": guarantor, "payee": legs[k]["payee"], "driver": GUARANTEE, "covers": k, "cover_share": share, "cover_cap": cap, "sched": 0.0}
            legs.append(guarantee | {"before": 0.1 if legs[k]["payer"] in estates and draw(st.booleans()) else 0.0})
    cash = [draw(amount) if i in INSIDE else 100.0 for i in range(ENTITIES)]
    can_raise = [draw(st.sampled_from((0.0, 0.5))) if i in INSIDE else 0.0 for i in range(ENTITIES)]
    costs = draw(st.sampled_from(((1.0, 1.0), (0.7, 0.85), (0.5, 0.5), (0.0, 0.0))))
    return Problem(legs, cash, can_raise, *costs, estates=estates, fresh=fresh)


def unpaid(problem, result, guarantee):
    """What a guarantor owes by what is paid: its share of what is neither paid nor covered, less what it paid before."""
    legs, position, of = problem.model.legs, problem.position, problem.model.legs.covers[guarantee]
    debtor = legs.payer[of]
    if not (result["failing"][debtor] or not problem.world.alive[debtor]):
        return 0.0
    paid = result["pay"][of] - (0.0 if problem.world.alive[debtor] else position["cover"][of])
    short = max(0.0, position["base"][of] - position["offset"][of] - paid)
    return min(problem.world.cover_left[guarantee], max(0.0, legs.cover_share[guarantee] * short - problem.world.subrogated[guarantee]))


def residual(problem, result):
    """Largest distance of payments, receipts and calls from what the clearing condition says, worked out leg by leg; inf where solvency is another one."""
    model, world, position, pay = problem.model, problem.world, problem.position, result["pay"]
    legs, rules, off = model.legs, model.rules, 0.0
    received = [sum(pay[k] for k, payee in enumerate(legs.payee) if payee == i) for i in range(ENTITIES)]
    for k, amount in given_back(model, world, position, pay).items():
        received[legs.payee[k]] -= amount
        received[legs.payer[k]] += amount
    off = max(abs(a - b) for a, b in zip(received, result["received"], strict=True))
    for k, called in result["called"].items():
        off = max(off, abs(called - unpaid(problem, result, k)))
    owes = [result["called"].get(k, position["full"][k]) for k in range(len(pay))]
    for i in INSIDE:
        mine = [k for k, payer in enumerate(legs.payer) if payer == i]
        if world.alive[i]:
            dues = sum(owes[k] for k in mine)
            edge = problem.cash[i] + problem.can_raise[i] + received[i] - dues * (1 - TOLERANCE)
            if (edge < 0) != result["failing"][i] and abs(edge) > SLACK * problem.size:
                return float("inf")
            if not result["failing"][i]:
                off = max([off, *(abs(pay[k] - owes[k]) for k in mine)])
                continue
        left = rules.alpha * problem.cash[i] + rules.beta * received[i]
        if not world.alive[i]:
            left = problem.cash[i] + received[i] + sum(position["offset"][k] for k in mine)
        for rank in ((0,), (1, 2), (3,)):
            members = [k for k in mine if legs.seniority[k] in rank]
            claims = {k: result["called"].get(k, position["claim_now"][k]) for k in members}
            total = sum(claims.values())
            rho = min(1.0, max(0.0, left / total)) if total > 0 else 1.0
            left -= total
            for k in members:
                cover = 0.0 if world.alive[i] else position["cover"][k]
                base = result["called"].get(k, position["base"][k])
                off = max(off, abs(pay[k] - max(0.0, rho * base - position["offset"][k]) - cover))
    return off


@drawn
@given(problems())
def test_both_vectors_clear_and_the_least_is_the_smaller(problem):
    greatest, least = problem.solve(False), problem.solve(True)
    slack = SLACK * problem.size
    assert greatest["converged"] and least["converged"]
    assert residual(problem, greatest) <= slack and residual(problem, least) <= slack
    for i in range(ENTITIES):
        assert least["received"][i] <= greatest["received"][i] + slack
        assert least["failing"][i] or not greatest["failing"][i]
        assert least["wave"][i] == (0 if least["failing"][i] else -1)
    for leg, driver in enumerate(problem.model.legs.driver):
        if driver != GUARANTEE:
            assert least["pay"][leg] <= greatest["pay"][leg] + slack
    for leg, called in greatest["called"].items():
        assert called <= least["called"][leg] + slack


@drawn
@given(problems(guarantees=False), st.floats(0.1, 1.0))
def test_both_are_one_where_everybody_owes_somebody_outside_and_nothing_is_lost(problem, owed_outside):
    """Eisenberg and Noe 2001, theorem 2, of debts of one class without balances behind what is due."""
    legs, amounts = problem.model.legs, problem.position["full"]
    debts = [{"payer": i, "payee": j, "sched": due} for i, j, due in zip(legs.payer, legs.payee, amounts, strict=True)]
    regular = Problem([*debts, *({"payer": i, "payee": LENDER, "sched": owed_outside} for i in INSIDE)], problem.cash)
    greatest, least = regular.solve(False), regular.solve(True)
    assert least["pay"] == pytest.approx(greatest["pay"], abs=SLACK * regular.size)
    assert least["failing"] == greatest["failing"]


def test_least_vector_is_that_of_limits_by_linear_solves():
    """Without balances, lines and estates: Rogers and Veraart's with seniority, by another method."""
    dice, failures, apart = random.Random(5), 0, 0
    for _ in range(150):
        rows = [
            (i, j, c, dice.uniform(0.2, 3.0))
            for i in INSIDE
            for j in (*INSIDE, *((LENDER,) if dice.random() < 0.3 else ()))
            for c in (0, 2, 3)
            if i != j and dice.random() < 0.35
        ]
        if not rows:
            continue
        cash = [dice.uniform(0.0, 1.5) if i in INSIDE else 100.0 for i in range(ENTITIES)]
        problem = Problem([{"payer": i, "payee": j, "seniority": c, "sched": due} for i, j, c, due in rows], cash, alpha=0.7, beta=0.85)
        result, greatest = problem.solve(True), problem.solve(False)
        liabilities = [[[0.0] * ENTITIES for _ in range(ENTITIES)] for _ in range(4)]
        for i, j, c, due in rows:
            liabilities[c][i][j] += due
        expected = clear(liabilities, cash, 0.7, 0.85, solution="least")
        total = [0.0] * ENTITIES
        for (i, *_), paid in zip(rows, result["pay"], strict=True):
            total[i] += paid
        assert total == pytest.approx(expected["payment"], abs=1e-10)
        assert result["wave"] == expected["default_round"]
        failures += sum(result["failing"])
        apart += result["failing"] != greatest["failing"]
    assert failures > 100 and apart > 10


# Published networks, and cases by hand


def published(inputs):
    """Firms of a published network as the first rows of the tiny one."""
    owed, outside = inputs["liabilities_i_owes_j"], inputs.get("external_liabilities", [0.0] * 9)
    count = len(owed)
    legs = [{"payer": i, "payee": j, "sched": owed[i][j]} for i in range(count) for j in range(count) if owed[i][j]]
    legs += [{"payer": i, "payee": LENDER, "sched": outside[i]} for i in range(count) if outside[i]]
    cash = [inputs["external_assets"][i] if i < count else 0.0 for i in range(ENTITIES)]
    return Problem(legs, cash, alpha=inputs.get("alpha", 1.0), beta=inputs.get("beta", 1.0)), count


def payments(problem, result, count):
    return [sum(paid for paid, payer in zip(result["pay"], problem.model.legs.payer, strict=True) if payer == i) for i in range(count)]


SMALL_ENOUGH = [
    name for name in (*of_kind("clearing_pari_passu"), *of_kind("clearing_multiplicity")) if len(ANSWERS[name]["inputs"]["liabilities_i_owes_j"]) <= len(INSIDE)
]


@pytest.mark.parametrize("name", SMALL_ENOUGH)
def test_published_networks(name):
    """Of the networks with as many firms as the tiny one: greatest vectors as published; least ones where a source gives them, and never above."""
    inputs, expected = ANSWERS[name]["inputs"], ANSWERS[name]["expected"]
    problem, count = published(inputs)
    greatest, least = (payments(problem, problem.solve(solution), count) for solution in (False, True))
    assert greatest == pytest.approx(expected.get("total_payment", expected.get("greatest")), abs=1e-9)
    want = expected.get("least_clearing_vector", expected.get("least"))
    assert least == pytest.approx(want, abs=1e-9) if want else all(a <= b + 1e-9 for a, b in zip(least, greatest, strict=True))


def test_the_ascent_goes_on_where_its_limit_does_not_clear():
    """Rogers and Veraart 2013, example 3.3: from nothing payments come to rest at (1, 1), where the first firm can pay; then the second can."""
    problem = Problem([{"payer": LAB, "payee": CLOUD, "sched": 2.0}, {"payer": CLOUD, "payee": LAB, "sched": 2.2}], [1.0] * ENTITIES, alpha=0.5, beta=0.5)
    least = problem.solve(True)
    assert least["pay"] == [2.0, 2.2] and not any(least["failing"])
    problem = Problem([{"payer": LAB, "payee": CLOUD, "sched": 2.2}, {"payer": CLOUD, "payee": LAB, "sched": 2.2}], [1.0] * ENTITIES, alpha=0.5, beta=0.5)
    assert problem.solve(False)["pay"] == [2.2, 2.2]
    least = problem.solve(True)
    assert least["pay"] == pytest.approx([1.0, 1.0]) and least["failing"][: CLOUD + 1] == [True, True]
    assert least["margin"] == pytest.approx(0.2 / 2.2)


def test_firms_that_owe_each_other_and_hold_nothing_pay_in_full_or_nothing():
    ring = Problem([{"payer": LAB, "payee": CLOUD, "sched": 3.0}, {"payer": CLOUD, "payee": LAB, "sched": 3.0}], [0.0] * ENTITIES)
    assert ring.solve(False)["pay"] == [3.0, 3.0]
    least = ring.solve(True)
    assert least["pay"] == [0.0, 0.0] and least["wave"][: CLOUD + 1] == [0, 0] and least["converged"]


def test_a_guarantor_is_called_for_less_as_payments_rise():
    """The ring again, its first debt guaranteed for half by a holding of 5: it pays 1.5, which goes round and comes back as what is no longer called.
    Nobody fails: with 1.5 the cloud pays 1.5, the lab 1.5, so 0.75 is called; in the limit the cloud has what the lab pays and half of the rest."""
    ring = [{"payer": LAB, "payee": CLOUD, "sched": 3.0}, {"payer": CLOUD, "payee": LAB, "sched": 3.0}]
    cover = {"payer": HOLDING, "payee": CLOUD, "driver": GUARANTEE, "covers": 0, "cover_share": 0.5, "cover_cap": 9.0, "sched": 0.0}
    cash = [5.0 if i == HOLDING else 0.0 for i in range(ENTITIES)]
    least = Problem([*ring, cover], cash).solve(True)
    assert least["pay"] == pytest.approx([3.0, 3.0, 0.0], abs=1e-9) and not any(least["failing"])
    # with a holding of nothing the debt is called on it, and nobody pays anything
    least = Problem([*ring, cover], [0.0] * ENTITIES).solve(True)
    assert least["pay"] == pytest.approx([0.0, 0.0, 0.0]) and least["called"] == {2: 1.5} and least["failing"][: HOLDING + 1] == [True] * 3


def test_insured_receipts_do_not_depend_on_payments():
    """Both vectors are one: everybody receives what is undisturbed."""
    ring = Problem([{"payer": LAB, "payee": CLOUD, "sched": 3.0}, {"payer": CLOUD, "payee": LAB, "sched": 3.5}], [0.0] * ENTITIES)
    greatest, least = ring.solve(False, [3.0, 3.5]), ring.solve(True, [3.0, 3.5])
    assert least["pay"] == greatest["pay"] == pytest.approx([3.0, 3.0]) and least["wave"] == greatest["wave"]
    assert least["received"][CLOUD] == 3.0 and least["failing"][CLOUD] and not least["failing"][LAB]


# Whole paths


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(models(most=6, most_steps=4))
def test_worlds_of_least_vectors_add_up_on_drawn_networks(model):
    """Cash of every entity and step; and in the first step nobody receives more than with the greatest vector."""
    model = plain(model)
    factors, draws = factor_path(model, 0), path_draws(model, 0)
    switches = model.rules.world_switches[0]
    least, greatest = open_world(model, switches, 1.0), open_world(model, switches)
    stages = step(model, 0, factors[0], draws, greatest)
    highest, size = stages["clearing"]["received"], max(1.0, sum(stages["position"]["full"]))
    for t, now in enumerate(factors):
        stages = step(model, t, now, draws, least)
        if t == 0:
            assert all(mine <= other + SLACK * size for mine, other in zip(stages["clearing"]["received"], highest, strict=True))
        flows = zip(stages["opening"]["cash"], least.outside_in, least.outside_out, least.got, least.paid, strict=True)
        for cash, (before, enters, leaves, got, paid) in zip(least.cash, flows, strict=True):
            assert cash == pytest.approx(before + enters - leaves + got - paid, abs=SLACK * max(1.0, abs(before), enters, leaves, got, paid))
        assert sum(least.got) == pytest.approx(sum(least.paid), abs=SLACK * max(1.0, *least.paid))


def test_a_world_takes_the_solution_that_the_model_says():
    model = plain(tiny_model(seed=1))
    worlds = {"world_switches": [[1.0] * 5] * 2, "world_least": [0.0, 1.0], "world_saves": [[0.0] * model.grid.entities] * 2, "world_saves_first": [0.0, 0.0]}
    model = model._replace(rules=SimpleNamespace(**(model.rules._asdict() | worlds)))
    factors, draws = factor_path(model, 0), path_draws(model, 0)
    assert [run_world(model, factors, draws, row)["world"].least for row in range(2)] == [False, True]
