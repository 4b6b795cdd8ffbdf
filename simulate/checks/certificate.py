"""Verify the clearing of a step from its input and its output: waterfall, calls of guarantees, greatest or least solution.

No kernel runs here. A *case* is one clearing: one world, step and path. Cases stand in rows, legs in columns sorted by payer
and class (docs/model.md 4.5 has the equations). Amounts USD bn.
Eisenberg and Noe (2001) with classes (Elsinger 2009) and default costs (Rogers and Veraart 2013).
"""

from typing import NamedTuple

import numpy as np

from simulate.model import CLEARED_CLASSES, GUARANTEE, SECURED, SENIOR, Array, Model
from simulate.step.watch import KEPT_ENTITIES, KEPT_LEGS

CLASSES = CLEARED_CLASSES
# Tolerances of docs/model.md 4.5, repeated on purpose: a checker must not take its thresholds from the code it checks.
SOLVENCY_TOLERANCE = 1e-10  # share of dues
CHANGE_TOLERANCE = 1e-12  # share of everything due
STILL_TO_COME = 10.0  # in units of the tolerance of change
ROUNDING = 1e-15  # share of a payment
ACTIVE_ESTATE = 1e-9  # USD bn
DOUBT = 1e-9  # share of cash, receipts and dues: closer to the solvency boundary only rounding decides, and both answers are right


def class_shares(money: Array, owed: Array) -> Array:
    """Return the paid share of each class when `money` [...] is distributed to the classes owed [C, ...] in their order; 0/0 = 1."""
    shares, left = np.empty_like(owed), money
    for c, claims in enumerate(owed):
        paid = np.minimum(np.maximum(left, 0.0), claims)
        left = left - claims
        np.divide(paid, claims, out=shares[c], where=claims > 0.0)
        shares[c][~(claims > 0.0)] = 1.0
    return shares


class Book(NamedTuple):
    """Cleared legs, sorted by payer and class; C columns."""

    legs: Array  # [C] leg of each column
    payer: Array  # [C] int64
    payee: Array  # [C]
    rank: Array  # [C] class in the waterfall, 0..3
    place: Array  # [C] rank x n + payer
    first: Array  # [G] first column of each group of one payer and class
    first_of_payer: Array  # [n] first column of each payer that has legs
    payers: Array  # [n]
    by_payee: Array  # [C] columns sorted by payee
    legs_by_payee: Array  # [C] leg of each column, in that order
    first_of_payee: Array  # first place of each payee that has legs in by_payee
    payees: Array
    guarantees: Array  # [g] columns of guarantees
    covered: Array  # [g] the columns that they cover
    share: Array  # [g]


def sort_book(model: Model) -> Book:
    """Sort the legs of classes 0 to 3 into columns; the uncovered part of a secured leg ranks in class 2."""
    legs = model.legs
    rank = np.where(legs.seniority == SECURED, SENIOR, legs.seniority)
    order = np.lexsort((rank, legs.payer))
    order = order[rank[order] < CLASSES]
    payer, payee, rank = legs.payer[order], legs.payee[order], rank[order]
    by_payee = np.argsort(payee, kind="stable")
    payers, first_of_payer = np.unique(payer, return_index=True)
    payees, first_of_payee = np.unique(payee[by_payee], return_index=True)
    _, first = np.unique(payer * CLASSES + rank, return_index=True)
    guarantees = np.flatnonzero(legs.driver[order] == GUARANTEE)
    guarantees = guarantees[np.argsort(order[guarantees])]  # called in the order of their rows
    column = np.empty(legs.payer.size, np.int64)
    column[order] = np.arange(order.size)
    covered = column[legs.covers[order[guarantees]]]
    share = legs.cover_share[order[guarantees]]
    place = rank * model.grid.entities + payer
    return Book(order, payer, payee, rank, place, first, first_of_payer, payers, by_payee, order[by_payee], first_of_payee, payees, guarantees, covered, share)


class Cases(NamedTuple):
    """Clearings in which somebody fails or an estate distributes: B rows."""

    legs: dict[str, Array]  # [B, C] by the names of KEPT_LEGS
    entities: dict[str, Array]  # [B, n] by the names of KEPT_ENTITIES
    living: Array  # [B, n] True before the step
    due_in_all: Array  # [B] everything due, and claimed from estates


def find_cases(book: Book, legs: Array, entities: Array, alive: Array, every: bool = False) -> tuple[Cases, tuple[Array, Array]]:
    """Return the cases of one world, with their steps and lanes. legs: [T, K, L, W], entities: [T, K, n, W], alive: [T, n, W] before the step.

    every: include the clearings in which everybody pays; at the least clearing vector an entity may fail in them.
    """
    names = tuple(KEPT_ENTITIES)
    steps, lanes = np.nonzero((entities[:, names.index("active")] > 0.0).any(axis=1) | every)
    at = {name: np.ascontiguousarray(legs[steps, k, :, lanes][:, book.legs]) for k, name in enumerate(KEPT_LEGS)}
    of = {name: np.ascontiguousarray(entities[steps, k, :, lanes]) for k, name in enumerate(names)}
    living = alive[steps, :, lanes] > 0.0
    estates = ((of["active"] > 0.0) & ~living)[:, book.payer]
    due_in_all = (at["due"] + estates * np.maximum(0.0, at["claim"] - at["paid_on_claim"]) + at["covered"]).sum(axis=1)
    return Cases(at, of, living, due_in_all), (steps, lanes)


def take(cases: Cases, rows: Array) -> Cases:
    """Select rows of the cases."""
    legs, entities = ({name: values[rows] for name, values in group.items()} for group in (cases.legs, cases.entities))
    return Cases(legs, entities, cases.living[rows], cases.due_in_all[rows])


def sum_of_payers(book: Book, amounts: Array, entities: int) -> Array:
    """Sum amounts [T, C, W] or [B, C] by payer: [T, n, W] or [B, n]."""
    return _sum_groups(amounts, book.first_of_payer, book.payers, entities)


def sum_of_payees(book: Book, amounts: Array, entities: int) -> Array:
    """Sum amounts by payee; their columns stand in the order book.by_payee."""
    return _sum_groups(amounts, book.first_of_payee, book.payees, entities)


def _sum_groups(amounts: Array, first: Array, names: Array, entities: int) -> Array:
    out = np.zeros((amounts.shape[0], entities, *amounts.shape[2:]))
    if first.size:
        out[:, names] = np.add.reduceat(amounts, first, axis=1)
    return out


def waterfall(model: Model, book: Book, cases: Cases, received: Array, called: Array) -> Array:
    """[B, C] payments if every payer distributed its cash and its receipts [B, n] by the waterfall; called: [B, C] calls on guarantees."""
    x, living = cases.legs, cases.living
    alpha, beta = model.rules.alpha, model.rules.beta
    of_living = living[:, book.payer]
    cash = cases.entities["cash_in"]
    before = sum_of_payers(book, np.where(of_living, 0.0, x["paid_on_claim"]), living.shape[1])
    money = np.where(living, alpha * cash + beta * received, cash + received + before)
    cases_count, n = living.shape
    owed = np.zeros((cases_count, CLASSES * n))
    claims = np.where(of_living, x["claim_now"] + called, x["claim"])
    if book.first.size:
        owed[:, book.place[book.first]] = np.add.reduceat(claims, book.first, axis=1)
    share = class_shares(money, owed.reshape(cases_count, CLASSES, n).swapaxes(0, 1))
    share = share.swapaxes(0, 1).reshape(cases_count, CLASSES * n)[:, book.place]
    now = np.minimum(share * (x["due"] * x["uncovered_share"] + called), x["due"] + called)
    unpaid = np.maximum(0.0, x["claim"] - x["paid_on_claim"])
    later = np.minimum(np.maximum(0.0, share * x["claim"] - x["paid_on_claim"]), unpaid) + x["covered"]
    return np.where(of_living, now, later)


def calls(book: Book, cases: Cases, paying: Array, k: int, paid: Array) -> Array:
    """[B] call on guarantee k of the book at payments `paid` [B, C]; paying: [B, n] entities that pay by the waterfall."""
    g, l = book.guarantees[k], book.covered[k]
    x, debtor, guarantor = cases.legs, book.payer[l], book.payer[g]
    owed = np.where(cases.living[:, debtor], x["due"][:, l] * x["uncovered_share"][:, l], x["claim"][:, l] - x["paid_on_claim"][:, l])
    short = np.maximum(0.0, owed - (paid[:, l] - x["covered"][:, l]))
    most = np.minimum(x["cover_left"][:, g], np.maximum(0.0, book.share[k] * short - x["subrogated"][:, g]))
    return np.where(paying[:, debtor] & cases.living[:, guarantor], most, 0.0)


def give_back(book: Book, cases: Cases, k: int, paid: Array) -> Array:
    """[B] amount that the creditor of guarantee k returns to the guarantor at payments `paid` [B, C]."""
    x, g, l = cases.legs, book.guarantees[k], book.covered[k]
    of_estate = paid[:, l] - x["covered"][:, l]
    beyond = x["subrogated"][:, g] + paid[:, g] - book.share[k] * (x["claim"][:, l] - x["paid_on_claim"][:, l] - of_estate)
    return np.where(x["claim"][:, l] > 0.0, np.clip(beyond, 0.0, of_estate + paid[:, g]), 0.0)


def receive(book: Book, cases: Cases, paid: Array) -> Array:
    """[B, n] receipts at payments `paid`; creditors of an estate return to a guarantor its payments beyond its share of the unpaid rest."""
    received = sum_of_payees(book, paid[:, book.by_payee], cases.living.shape[1])
    for k, g in enumerate(book.guarantees):
        moved = give_back(book, cases, k, paid)
        received[:, book.payee[g]] -= moved
        received[:, book.payer[g]] += moved
    return received


def credit_losses(model: Model, book: Book, cases: Cases, paid: Array, cut: Array) -> Array:
    """[B, n] credit losses of each case, not discounted (docs/model.md 4.10). cut: [B, n] haircut of a restructuring, -1 of a liquidation, 0 else.

    A liquidation loses the whole claim less the credit part of the payments; later payments are recoveries. A restructuring loses the unpaid dues
    and the haircut on the rest of unsecured legs. A guarantor's payment, net of returns, is its own loss instead of the creditor's.
    """
    x, n = cases.legs, cases.living.shape[1]
    living, active, cut = cases.living[:, book.payer], (cases.entities["active"] > 0.0)[:, book.payer], cut[:, book.payer]
    guarantee, secured = np.zeros(book.legs.size, bool), model.legs.seniority[book.legs] == SECURED
    guarantee[book.guarantees] = True
    claim, credit = np.where(living, x["claim_now"], x["claim"]), np.where(living, x["credit_now"] - x["cover"], x["claim_credit"])
    part = np.divide(credit, claim, out=np.ones_like(claim), where=claim > 0.0)
    of_claim = part * (paid - x["covered"])
    restructured = np.where(secured, 0.0, x["due"] - paid + cut * (x["credit_now"] - x["due"]))
    lost = np.where(living, np.where(cut < 0.0, x["credit_now"] - of_claim, restructured), -of_claim - x["covered"])
    lost = np.where(active & ~guarantee, lost, 0.0)
    by_entity = sum_of_payees(book, lost[:, book.by_payee], n)
    for k, g in enumerate(book.guarantees):
        moved, l = paid[:, g] - give_back(book, cases, k, paid), book.covered[k]
        by_entity[:, book.payer[g]] += moved
        by_entity[:, book.payee[g]] -= np.where(secured[l] & (cut[:, l] > 0.0), 0.0, moved)
    return by_entity


class Solution(NamedTuple):
    """A clearing vector, and the wave in which each entity fails; -1: it does not fail."""

    paid: Array  # [B, C]
    wave: Array  # [B, n]


def call_all(model: Model, book: Book, cases: Cases, paying: Array, received: Array, called: Array, paid: Array) -> Array:
    """Raise `called` until it covers all shortfalls; return payments [B, C], in which a called guarantor that fails pays others less."""
    rising = True
    while rising:
        rising = False
        for k, g in enumerate(book.guarantees):
            more = calls(book, cases, paying, k, paid) - called[:, g]
            more[more <= ROUNDING * called[:, g]] = 0.0
            if not more.any():
                continue
            rising = True
            called[:, g] += more
            paid = paid.copy()
            paid[:, g] += more * ~paying[:, book.payer[g]]
            again = ((more > 0.0) & paying[:, book.payer[g]])[:, None] & (book.payer == book.payer[g])
            if again.any():
                paid = np.where(again, waterfall(model, book, cases, received, called), paid)
    return paid


def descend(model: Model, book: Book, cases: Cases, insured: bool) -> Solution:
    """Descend from full payment to the greatest clearing vector: where a wave comes to rest, all insolvent entities enter the default set together.

    Entities within DOUBT of the solvency boundary are classified as in the run: there only rounding decides.
    """
    rows = np.arange(cases.due_in_all.size)
    found = Solution(np.zeros((rows.size, book.legs.size)), np.full((rows.size, cases.living.shape[1]), -1.0))
    if not rows.size:
        return found
    inside = model.entities.outside == 0
    paying = (cases.entities["active"] > 0.0) & ~cases.living
    paid = cases.legs["due"] + paying[:, book.payer] * np.maximum(0.0, cases.legs["claim"] - cases.legs["paid_on_claim"]) + cases.legs["covered"]
    called, wave, round_ = np.zeros_like(paid), found.wave.copy(), np.zeros(rows.size)
    received = cases.entities["received"] if insured else receive(book, cases, paid)
    last = np.zeros(rows.size)
    for _ in range(model.rules.max_iterations):
        before = paid
        paid = np.where(paying[:, book.payer], waterfall(model, book, cases, received, called), paid)
        if not insured:
            paid = call_all(model, book, cases, paying, received, called, paid)
            received = receive(book, cases, paid)
        moved = np.abs(paid - before)
        rest, last = find_rest(cases, moved, before, last)
        if not rest.any():
            continue
        margin, doubtful = find_margins(book, cases, called, received)
        short = np.where(doubtful, cases.entities["wave"] == round_[:, None], margin < 0.0)
        enters = short & cases.living & inside & ~paying & rest[:, None]
        wave = np.where(enters, round_[:, None], wave)
        paying |= enters
        done = rest & ~enters.any(axis=1)
        round_ += rest
        if done.any():
            found.paid[rows[done]], found.wave[rows[done]] = paid[done], wave[done]
            go = np.flatnonzero(~done)
            rows, cases = rows[go], take(cases, go)
            paid, called, wave, round_, paying, received, last = (array[go] for array in (paid, called, wave, round_, paying, received, last))
            if not rows.size:
                break
    found.paid[rows], found.wave[rows] = np.nan, np.nan  # a case that did not come to rest is not verified
    return found


def ascend(model: Model, book: Book, cases: Cases, insured: bool) -> Solution:
    """Ascend from no payment, with all living entities in default, to the least clearing vector: at rest, all solvent entities leave the set together.

    Not for insured worlds, whose receipts do not depend on payments. Entities within DOUBT of the solvency boundary are classified as in the run.
    """
    rows = np.arange(cases.due_in_all.size)
    found = Solution(np.zeros((rows.size, book.legs.size)), np.full((rows.size, cases.living.shape[1]), -1.0))
    if not rows.size:
        return found
    inside = model.entities.outside == 0
    dead = ~cases.living
    paying = (cases.living & inside) | (dead & (cases.entities["active"] > 0.0))
    owed = cases.legs["due"] + (paying & dead)[:, book.payer] * np.maximum(0.0, cases.legs["claim"] - cases.legs["paid_on_claim"]) + cases.legs["covered"]
    paid = np.where(paying[:, book.payer], cases.legs["covered"], owed)  # proceeds of collateral do not depend on other payments
    called = call_anew(book, cases, paying, paid)
    received, last = receive(book, cases, paid), np.zeros(rows.size)
    for _ in range(model.rules.max_iterations):
        before, called_before = paid, called
        paid = np.where(paying[:, book.payer], waterfall(model, book, cases, received, called), owed + called)
        called, paid = settle_calls(model, book, cases, paying, received, called, owed, paid)
        received = receive(book, cases, paid)
        moved = np.abs(paid - before) + np.abs(called - called_before)
        rest, last = find_rest(cases, moved, before, last)
        if not rest.any():
            continue
        margin, doubtful = find_margins(book, cases, called, received)
        solvent = np.where(doubtful, cases.entities["wave"] < 0.0, margin >= 0.0)
        leaves = solvent & cases.living & paying & rest[:, None]
        done = rest & ~leaves.any(axis=1)
        paying = paying & ~leaves
        paid = np.where(leaves[:, book.payer], owed + called, paid)
        received = receive(book, cases, paid)
        if done.any():
            found.paid[rows[done]], found.wave[rows[done]] = paid[done], np.where(paying & cases.living, 0.0, -1.0)[done]
            go = np.flatnonzero(~done)
            rows, cases = rows[go], take(cases, go)
            dead, owed, paid, called, paying, received, last = (array[go] for array in (dead, owed, paid, called, paying, received, last))
            if not rows.size:
                break
    found.paid[rows], found.wave[rows] = np.nan, np.nan  # a case that did not come to rest is not verified
    return found


def find_rest(cases: Cases, moved: Array, before: Array, last: Array) -> tuple[Array, Array]:
    """Return which cases [B] come to rest in a round that moved payments [B, C] from `before`, and the change [B] that the next round is compared with."""
    change = np.where(moved > ROUNDING * before, moved, 0.0).sum(axis=1)
    tolerance = CHANGE_TOLERANCE * np.maximum(0.0, cases.due_in_all)  # the rest of claims on estates may round below 0
    rest = (change <= tolerance) & (change * change <= STILL_TO_COME * tolerance * (last - change))
    return rest, np.where(rest, 0.0, change)


def find_margins(book: Book, cases: Cases, called: Array, received: Array) -> tuple[Array, Array]:
    """[B, n] what every entity has beyond its dues, and where that is so little that only rounding decides."""
    has = cases.entities["cash_in"] + cases.entities["can_raise"] + received
    dues = sum_of_payers(book, cases.legs["due"] + called, has.shape[1])
    margin = has - dues * (1.0 - SOLVENCY_TOLERANCE)
    return margin, np.abs(margin) <= DOUBT * (np.abs(has) + dues)


def call_anew(book: Book, cases: Cases, paying: Array, paid: Array) -> Array:
    """[B, C] calls on guarantors at payments `paid` [B, C]."""
    called = np.zeros_like(paid)
    for k, g in enumerate(book.guarantees):
        called[:, g] = calls(book, cases, paying, k, paid)
    return called


def settle_calls(model: Model, book: Book, cases: Cases, paying: Array, received: Array, called: Array, owed: Array, paid: Array) -> tuple[Array, Array]:
    """Return consistent calls and payments at these receipts: a call on a failing guarantor changes its other payments, whose guarantees are called in turn."""
    for _ in range(model.rules.max_iterations):
        again = call_anew(book, cases, paying, paid)
        if (np.abs(again - called) <= ROUNDING * np.abs(called)).all():
            break
        called = again
        paid = np.where(paying[:, book.payer], waterfall(model, book, cases, received, called), owed + called)
    return called, paid
