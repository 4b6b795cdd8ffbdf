"""Section 4.5 of docs/model.md in plain Python: the greatest clearing vector of the network in a step. Changes nothing.

One-period problems without worlds and estates are solved by another method in one_period.py.
"""

import math

from simulate.model import COMMITMENT, GUARANTEE
from tests.oracle.factors import clip
from tests.oracle.world import SECURED, SMALLEST, TOLERANCE, UNSECURED, ratio

SHARE_OF_ALL = 1e-3  # of all dues, the least a margin is measured by: whoever is paid by firms a thousand times its size gets their rounding
WAITS = 1e-9  # USD bn: an estate with less to distribute waits


def positions(model, t, scale, world, due):
    """What is fixed before clearing, per leg: full payment, base and offset of a share, claim and credit net of what
    collateral covers, and the collateral itself (of a living payer: if it fails now; of an estate: cash paid now)."""
    legs, count = model.legs, len(model.legs.payer)
    names = ("full", "base", "offset", "claim", "credit", "covered")
    result = {name: [0.0] * count for name in names}
    for leg, payer in enumerate(legs.payer):
        if world.alive[payer]:
            if legs.driver[leg] in (COMMITMENT, GUARANTEE):
                continue
            credit = due["due"][leg] + due["balance_next"][leg] + due["out_next"][leg]
            claim = credit + legs.damages[leg] * world.volume[leg] * legs.remaining[leg][t] * scale[legs.group[leg]]
            covered = min(credit, max(0.0, due["sale"][leg])) if legs.seniority[leg] == SECURED else 0.0
            base = due["due"][leg] * ratio(claim - covered, claim)
            values = (due["due"][leg], base, 0.0, claim - covered, credit - covered, covered)
        else:
            claim, offset, covered = world.claim[leg], world.paid_on_claim[leg], world.covered[leg]
            values = (claim - offset + covered, claim, offset, claim, world.claim_credit[leg], covered)
        for name, value in zip(names, values, strict=True):
            result[name][leg] = value
    return result


def given_back(model, world, position, pay):
    """Guarantee leg -> what the creditor of an estate returns to the guarantor: what it has paid, before and now, beyond its share of what is still
    unpaid, and at most what the creditor gets now."""
    result = {}
    for leg, of in enumerate(model.legs.covers):
        if of >= 0 and not world.alive[model.legs.payer[of]] and position["claim"][of] > 0:
            paid = pay[of] - position["covered"][of]
            unpaid = position["claim"][of] - position["offset"][of] - paid
            beyond = world.guaranteed[leg] + pay[leg] - model.legs.cover_share[leg] * unpaid
            result[leg] = clip(beyond, 0.0, paid + pay[leg])
    return result


def clear_network(model, world, cash, capacity_k, position, due_undisturbed=None, limit=100000, nudge=0.0):
    """4.5 for one path: payments [L], received, dues, cost of default [n], failed [n], round [n] and the margin.

    cash is e [n], capacity_k is K [n]. In insured worlds (due_undisturbed given) received is what is undisturbed. The margin is the
    least distance from the edge of solvency over dues; `rounds` says how often the map was applied."""
    e, legs, rules, n = model.entities, model.legs, model.rules, model.grid.entities
    every = range(len(legs.payer))
    insured = due_undisturbed is not None
    rank = [UNSECURED if legs.seniority[leg] == SECURED else legs.seniority[leg] for leg in every]
    covers = [leg for leg in every if legs.driver[leg] == GUARANTEE and world.alive[legs.payer[leg]]]
    called, call_edge = dict.fromkeys(covers, 0.0), {}
    full, base, claim = list(position["full"]), list(position["base"]), list(position["claim"])
    estate = [not world.alive[i] for i in range(n)]
    failed, default_round, margin, converged, rounds = [False] * n, [-1] * n, math.inf, True, 0
    for leg in waiting_legs(model, world, cash, position, insured):
        full[leg] = base[leg] = 0.0
    pay = list(full)

    def received_of(pay):
        received = [0.0] * n
        for leg in every:
            amount = due_undisturbed[leg] * world.alive[legs.payee[leg]] if insured else pay[leg]
            received[legs.payee[leg]] += amount
        if not insured:
            for leg, amount in given_back(model, world, position, pay).items():
                received[legs.payee[leg]] -= amount
                received[legs.payer[leg]] += amount
        return received

    def call_guarantees(pay):
        """Guarantors owe a share of what is neither paid nor covered by collateral, less what they paid on it; it only rises."""
        for leg in covers:
            of = legs.covers[leg]
            if failed[legs.payer[of]] or estate[legs.payer[of]]:
                paid = pay[of] - (position["covered"][of] if estate[legs.payer[of]] else 0.0)
                short = max(0.0, base[of] - position["offset"][of] - paid)
                open_part = legs.cover_share[leg] * short - world.guaranteed[leg]
                owed = min(world.cover_left[leg], max(0.0, open_part))
                if world.cover_left[leg] > 0 and (short > 0 or estate[legs.payer[of]]):  # who pays a class in full leaves exactly nothing
                    call_edge[leg] = abs(open_part) / max(base[of], SMALLEST)
                called[leg] = max(called[leg], owed)
                full[leg] = base[leg] = claim[leg] = called[leg]

    def dues_of():
        owed = [0.0] * n
        for leg in every:
            if not estate[legs.payer[leg]]:
                owed[legs.payer[leg]] += full[leg]
        return owed

    def pay_next(received):
        """One application of the map for the current default set."""
        result = list(full)
        for i in range(n):
            if not (failed[i] or estate[i]):
                continue
            mine = [leg for leg in every if legs.payer[leg] == i and rank[leg] <= 3]
            left = rules.alpha * cash[i] + rules.beta * received[i]
            if estate[i]:
                left = cash[i] + received[i] + sum(position["offset"][leg] for leg in mine)
            for c in range(4):
                members = [leg for leg in mine if rank[leg] == c]
                total = sum(claim[leg] for leg in members)
                rho = clip(left / total, 0.0, 1.0) if total > 0 else 1.0
                left -= total
                for leg in members:
                    covered = position["covered"][leg] if estate[i] else 0.0
                    result[leg] = min(full[leg], max(0.0, rho * base[leg] - position["offset"][leg]) + covered)
        return result

    wave = 0
    while True:
        last = 0.0
        for _ in range(limit):
            rounds += 1
            received = received_of(pay)
            following = pay_next(received)
            raised = not insured
            while raised:
                # called with the payments they make up for: a call one round late would fall too far and never come back
                before = dict(called)
                call_guarantees(following)
                following = pay_next(received)
                raised = any(called[leg] > before[leg] * (1 + 1e-15) for leg in covers)
            moved = [abs(a - b) for a, b in zip(following, pay, strict=True)]
            change = sum(move for move, before in zip(moved, pay, strict=True) if move > 1e-15 * before)
            pay, little = following, 1e-14 * max(0.0, sum(full))
            if change <= little and change * change <= 1000 * little * (last - change):  # rounds that shrink by a factor have that before them
                break
            last = change
        else:
            converged = False
        received, owed = received_of(pay), dues_of()
        new = []
        for i in range(n):
            if estate[i] or failed[i] or e.outside[i]:
                continue
            edge = cash[i] + capacity_k[i] + received[i] - owed[i] * (1 - TOLERANCE)
            if owed[i] > 0:
                margin = min(margin, abs(edge) / max(owed[i], SHARE_OF_ALL * sum(owed)))
            if edge < -nudge * owed[i]:
                new.append(i)
        if not new:
            break
        for i in new:
            failed[i], default_round[i] = True, wave
        wave += 1
    cost = [(1 - rules.alpha) * cash[i] + (1 - rules.beta) * received[i] if failed[i] else 0.0 for i in range(n)]
    return {
        "pay": pay,
        "received": received,
        "dues": owed,
        "default_cost": cost,
        "failed": failed,
        "round": default_round,
        "margin": margin,
        "converged": converged,
        "rounds": rounds,
        "called": called,
        "call_edge": call_edge,
    }


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
                    most += world.guaranteed[leg]
            if most <= WAITS:
                waits.update(leg for leg in range(len(legs.payer)) if legs.payer[leg] == i)
    return waits
