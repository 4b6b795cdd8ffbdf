"""Section 4.5 of docs/model.md in plain Python: the greatest and the least clearing vector of the network in a step. Changes nothing.

One-period problems without worlds and estates are solved by another method in one_period.py.
"""

import math

from simulate.model import COMMITMENT, GUARANTEE
from tests.oracle.factors import clip
from tests.oracle.funding import BEYOND_MEANS
from tests.oracle.world import COMMITTED, SECURED, SENIOR, SMALLEST, TOLERANCE, ratio

SHARE_OF_ALL = 1e-3  # of all dues, the least a margin is measured by: whoever is paid by firms a thousand times its size gets their rounding
WAITS = 1e-9  # USD bn: an estate with less to distribute waits
ROUNDING = 1e-15  # of an amount: less is no change
NOTHING = 1e-20  # of the base of a leg: less is no call


def positions(model, t, now, world, due):
    """What is fixed before clearing, per leg: full payment, base and offset of a share, claim and its credit part net of what
    collateral covers, and the cover itself (of a living payer: if it fails now; of an estate: cash paid now)."""
    legs, count = model.legs, len(model.legs.payer)
    names = ("full", "base", "offset", "claim_now", "credit_part", "cover")
    result = {name: [0.0] * count for name in names}
    for leg, payer in enumerate(legs.payer):
        if world.alive[payer]:
            if legs.driver[leg] in (COMMITMENT, GUARANTEE):
                continue
            credit = due["due"][leg] + due["balance_next"][leg] + due["receivable_next"][leg]
            claim = credit + legs.damages[leg] * world.volume[leg] * legs.remaining[leg][t] * now["capacity"][legs.volume_row[leg]]
            covered = min(credit, max(0.0, due["sale"][leg])) if legs.seniority[leg] == SECURED else 0.0
            base = due["due"][leg] * ratio(claim - covered, claim)
            values = (due["due"][leg], base, 0.0, claim - covered, credit - covered, covered)
        else:
            claim, offset, covered = world.claim[leg], world.paid_on_claim[leg], world.covered[leg]
            values = (max(0.0, claim - offset) + covered, claim, offset, claim, world.claim_credit[leg], covered)
        for name, value in zip(names, values, strict=True):
            result[name][leg] = value
    return result


def given_back(model, world, position, pay):
    """Guarantee leg -> what the creditor of an estate returns to the guarantor: what it has paid, before and now, beyond its share of what is still
    unpaid, and at most what the creditor gets now."""
    result = {}
    for leg, of in enumerate(model.legs.covers):
        if of >= 0 and not world.alive[model.legs.payer[of]] and position["claim_now"][of] > 0:
            paid = pay[of] - position["cover"][of]
            unpaid = position["claim_now"][of] - position["offset"][of] - paid
            beyond = world.subrogated[leg] + pay[leg] - model.legs.cover_share[leg] * unpaid
            result[leg] = clip(beyond, 0.0, paid + pay[leg])
    return result


class Network:
    """What is fixed in a clearing, and what moves: who is failing [n], and what is called on each guarantee leg of the living.

    cash is e [n]; of a called guarantee full, base and claim are what is called. In insured worlds (`undisturbed` given) received is
    what is undisturbed, and nothing is called."""

    def __init__(self, model, world, cash, position, undisturbed):
        legs, n = model.legs, model.grid.entities
        self.model, self.world, self.cash, self.position, self.undisturbed = model, world, cash, position, undisturbed
        self.insured = undisturbed is not None
        self.estate = [not alive for alive in world.alive]
        self.inside = [i for i in range(n) if not (self.estate[i] or model.entities.outside[i])]  # may fail
        self.failing = [False] * n
        self.full, self.base, self.claim = (list(position[name]) for name in ("full", "base", "claim_now"))
        for leg in waiting_legs(model, world, cash, position, self.insured):
            self.full[leg] = self.base[leg] = 0.0
        # who pays by the waterfall pays class by class; what collateral does not cover ranks behind it
        rank = [SENIOR if seniority == SECURED else seniority for seniority in legs.seniority]
        self.classes = [[[leg for leg, payer in enumerate(legs.payer) if payer == i and rank[leg] == c] for c in range(COMMITTED)] for i in range(n)]
        guarantees = [leg for leg in range(len(legs.payer)) if legs.driver[leg] == GUARANTEE and world.alive[legs.payer[leg]]]
        self.called, self.call_edge = dict.fromkeys(guarantees, 0.0), {}

    def received_of(self, pay):
        legs, received = self.model.legs, [0.0] * len(self.cash)
        for leg, payee in enumerate(legs.payee):
            received[payee] += self.undisturbed[leg] * self.world.alive[payee] if self.insured else pay[leg]
        if not self.insured:
            for leg, amount in given_back(self.model, self.world, self.position, pay).items():
                received[legs.payee[leg]] -= amount
                received[legs.payer[leg]] += amount
        return received

    def dues(self):
        owed = [0.0] * len(self.cash)
        for leg, payer in enumerate(self.model.legs.payer):
            if not self.estate[payer]:
                owed[payer] += self.full[leg]
        return owed

    def call(self, pay, bound):
        """Guarantors owe a share of what is neither paid nor covered by collateral, less what they paid on it before.

        `bound` is max where calls only rise within a clearing (payments fall), min where they only fall."""
        legs, world = self.model.legs, self.world
        for leg in self.called:
            of = legs.covers[leg]
            debtor, owed = legs.payer[of], 0.0
            if self.failing[debtor] or self.estate[debtor]:
                paid = pay[of] - (self.position["cover"][of] if self.estate[debtor] else 0.0)
                short = max(0.0, self.base[of] - self.position["offset"][of] - paid)
                open_part = legs.cover_share[leg] * short - world.subrogated[leg]
                owed = min(world.cover_left[leg], max(0.0, open_part))
                if world.cover_left[leg] > 0 and (short > 0 or self.estate[debtor]):  # who pays a class in full leaves exactly nothing
                    self.call_edge[leg] = abs(open_part) / max(self.base[of], SMALLEST)
            self.called[leg] = bound(self.called[leg], owed)
            self.full[leg] = self.base[leg] = self.claim[leg] = self.called[leg]

    def pay_by_waterfall(self, received):
        """Payments [L] out of what is received: in full, or of who is failing and of estates class by class."""
        rules, position, result = self.model.rules, self.position, list(self.full)
        for i, classes in enumerate(self.classes):
            if not (self.failing[i] or self.estate[i]):
                continue
            left = rules.alpha * self.cash[i] + rules.beta * received[i]
            if self.estate[i]:
                left = self.cash[i] + received[i] + sum(position["offset"][leg] for members in classes for leg in members)
            for members in classes:
                total = sum(self.claim[leg] for leg in members)
                rho = clip(left / total, 0.0, 1.0) if total > 0 else 1.0
                left -= total
                for leg in members:
                    cover = position["cover"][leg] if self.estate[i] else 0.0
                    result[leg] = min(self.full[leg], max(0.0, rho * self.base[leg] - position["offset"][leg]) + cover)
        return result

    def pay_next(self, received, bound):
        """One application of the map for the current default set: payments out of what is received, with the calls that they themselves make.

        Called with the payments they make up for: of a call one round late creditors would have too little, or too much, and never come back.
        A guarantor that fails pays others less, on whose debts guarantees stand too: so all are called again until no call moves."""
        pay, moved = self.pay_by_waterfall(received), not self.insured
        while moved:
            before = dict(self.called)
            self.call(pay, bound)
            pay = self.pay_by_waterfall(received)
            base = {leg: self.base[self.model.legs.covers[leg]] for leg in before}
            moved = any(abs(self.called[leg] - last) > ROUNDING * last + NOTHING * base[leg] for leg, last in before.items())
        return pay

    def edges(self, can_raise, received, who):
        """Entity -> (what it has beyond its dues, its dues, the least that distance is measured by)."""
        owed = self.dues()
        least = SHARE_OF_ALL * sum(owed)
        return {i: (self.cash[i] + can_raise[i] + received[i] - owed[i] * (1 - TOLERANCE), owed[i], max(owed[i], least)) for i in who}


def save_first(model, world, cash, can_raise, position, due_undisturbed=None, nudge=0.0):
    """In a world that saves the first: who is short though everybody pays in full is saved from now on, and can raise all, if nobody is saved yet.

    Changes the world and can_raise [n]; returns the margin."""
    margin = math.inf
    if world.saves_first and not any(world.saved):
        network = Network(model, world, cash, position, due_undisturbed)
        for i, (edge, owed, size) in network.edges(can_raise, network.received_of(network.full), network.inside).items():
            if owed > 0:
                margin = min(margin, abs(edge) / size)
            if edge < -nudge * owed:
                world.saved[i], can_raise[i] = True, BEYOND_MEANS
    return margin


class Iteration:
    """Applies the map for a default set until payments rest; counts rounds."""

    def __init__(self, network, bound, limit):
        self.network, self.bound, self.limit = network, bound, limit
        self.rounds, self.converged = 0, True

    def rest(self, pay):
        """The payments next to `pay` where the map stands still.

        A round is the last when payments change by at most 1e-14 of all that is due, and rounds that shrink by the factor of the last two have
        at most a thousand times that still before them (4.5 asks for less). Up and down alike: from nothing a circle of debts rises by what is
        put into it each round, and shrinks to its limit no faster than a descent does. A circle that nothing leaves rises by the same amount
        round after round, which never passes for rest."""
        network, last = self.network, 0.0
        for _ in range(self.limit):
            self.rounds += 1
            following = network.pay_next(network.received_of(pay), self.bound)
            moved = [abs(a - b) for a, b in zip(following, pay, strict=True)]
            change = sum(move for move, before in zip(moved, pay, strict=True) if move > ROUNDING * before)
            pay, little = following, 1e-14 * max(0.0, sum(network.full))
            if change <= little and change * change <= 1000 * little * (last - change):
                return pay
            last = change
        self.converged = False
        return pay


def clear_network(model, world, cash, can_raise, position, due_undisturbed=None, limit=100000, nudge=0.0):
    """4.5 for one path: the greatest clearing vector, or the least where the world asks for it.

    cash is e [n], can_raise is K [n]. Returns pay [L], received, dues, default_cost [n], failing [n], wave [n] (-1: not failing), called
    {leg: amount}, converged, rounds (how often the map was applied), margin (the least distance from the edge of solvency over dues, of
    everybody at every point where the default set was looked at) and call_edge {leg: the same of a call}."""
    network = Network(model, world, cash, position, due_undisturbed)
    solve = ascend if world.least else descend
    iteration = Iteration(network, min if world.least else max, limit)
    pay, wave, margin = solve(network, iteration, can_raise, nudge)
    received, owed, rules = network.received_of(pay), network.dues(), model.rules
    lost = [(1 - rules.alpha) * cash[i] + (1 - rules.beta) * received[i] if fails else 0.0 for i, fails in enumerate(network.failing)]
    return {
        "pay": pay,
        "received": received,
        "dues": owed,
        "default_cost": lost,
        "failing": network.failing,
        "wave": wave,
        "margin": margin,
        "converged": iteration.converged,
        "rounds": iteration.rounds,
        "called": network.called,
        "call_edge": network.call_edge,
    }


def descend(network, iteration, can_raise, nudge):
    """Greatest: everybody pays in full at first; at rest all who cannot enter the default set together, as the next wave, until nobody does."""
    pay, wave, number, margin = list(network.full), [-1] * len(network.cash), 0, math.inf
    while True:
        pay = iteration.rest(pay)
        new = []
        standing = [i for i in network.inside if not network.failing[i]]
        for i, (edge, owed, size) in network.edges(can_raise, network.received_of(pay), standing).items():
            if owed > 0:
                margin = min(margin, abs(edge) / size)
            if edge < -nudge * owed:
                new.append(i)
        if not new:
            return pay, wave, margin
        for i in new:
            network.failing[i], wave[i] = True, number
        number += 1


def ascend(network, iteration, can_raise, nudge):
    """Least: all living inside entities count as failing and pay nothing at first, and all that is not paid is called.

    Who is failing pays by the waterfall out of what it holds and what the payments of the round before bring, so payments rise and calls fall.
    At rest all who are solvent leave the default set together and pay in full from then on; where nobody leaves, the vector clears. Nobody
    receives less at any clearing vector than at any point on the way: with more defaulters and smaller payments the map never pays more. A plain ascent that looks at
    solvency in each round could stop at a point that is none (Rogers and Veraart 2013, example 3.3)."""
    for i in network.inside:
        network.failing[i] = True
    pay = [0.0 if network.failing[payer] else full for payer, full in zip(network.model.legs.payer, network.full, strict=True)]
    for leg, payer in enumerate(network.model.legs.payer):
        if network.estate[payer]:
            pay[leg] = min(network.full[leg], network.position["cover"][leg])  # what collateral brings is there
    if not network.insured:
        network.called |= {leg: network.world.cover_left[leg] for leg in network.called}
        network.call(pay, min)
        for leg, amount in network.called.items():
            if not network.failing[network.model.legs.payer[leg]]:
                pay[leg] = amount
    margin = math.inf
    while True:
        pay = iteration.rest(pay)
        rescued = []
        for i, (edge, owed, size) in network.edges(can_raise, network.received_of(pay), [i for i in network.inside if network.failing[i]]).items():
            if owed > 0:
                margin = min(margin, abs(edge) / size)
            if edge >= -nudge * owed:
                rescued.append(i)
        if not rescued:
            return pay, [0 if fails else -1 for fails in network.failing], margin
        for i in rescued:
            network.failing[i] = False


def waiting_legs(model, world, cash, position, insured):
    """Legs of estates that hold, and would receive if everybody paid in full, less than `WAITS`: nothing is distributed yet."""
    legs, waits = model.legs, set()
    for i in range(model.grid.entities):
        if not world.alive[i] and not world.fresh[i]:
            most = cash[i]
            for leg in range(len(legs.payer)):
                if legs.payee[leg] == i and not insured:
                    most += position["full"][leg]
                if legs.payer[leg] == i:
                    most += world.subrogated[leg]
            if most <= WAITS:
                waits.update(leg for leg in range(len(legs.payer)) if legs.payer[leg] == i)
    return waits
