"""Identities that hold in every step of every path, whatever the numbers (docs/model.md, section 7). `--check` and the tests verify them.

Every identity has a residual, relative to a stated scale and computed in float64 from arrays that the kernels leave, and a tolerance.
A residual that is not a number counts as infinite. Shapes: n entities, H holdings, T steps, W paths of a tile; amounts USD bn.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from simulate.checks import certificate
from simulate.checks.certificate import ACTIVE_ESTATE, SOLVENCY_TOLERANCE
from simulate.checks.losses import residuals_of_losses
from simulate.model import CREDIT, MARKS, NONPAYMENT, Array, Model
from simulate.step.watch import KEPT_ENTITIES, KEPT_LEGS, TRACES


class Identity(NamedTuple):
    """A sentence that holds, the scale of its residual, and the largest residual that is only rounding."""

    title: str
    scale: str
    tolerance: float


_LANE = "1 + everything due, and claimed from estates"
IDENTITIES = {
    "finite": Identity("All numbers kept by step and by path are finite", "1 if one is not", 0.0),
    "cash": Identity("Opening + from outside - to outside + received - paid = closing cash", "1 + everything due + opening cash + turnover of all", 1e-11),
    "net_flows": Identity(
        "Payments inside the network are received: flows net to zero, and the insurer is idle where nobody is insured",
        "1 + everything due + all receipts",
        1e-12,
    ),
    "limited_liability": Identity("No inside entity has negative cash or pays more than it holds, receives and can raise", _LANE, 1e-11),
    "payments": Identity("A payment is between 0 and the amount due or claimed; a solvent entity pays its dues", _LANE, 1e-12),
    "receipts": Identity(
        "Receipts in clearing are the payments of others on the legs, with returns to guarantors (insured: the amounts of undisturbed deals)", _LANE, 1e-12
    ),
    "priority": Identity("A class is paid only when the classes before it are paid in full", _LANE, 1e-11),
    "pro_rata": Identity("Inside a class all are paid the same share", _LANE, 1e-11),
    "clearing": Identity("Failing entities and estates distribute their cash and receipts by the waterfall: payments are a fixed point", _LANE, 1e-11),
    "guarantees": Identity("A call is the guarantor's share of the amount neither paid nor covered, up to the cap", _LANE, 1e-11),
    "solvency": Identity("Failing entities, and no others, cannot cover their dues at the payments made", "held + received + due", 1e-12),
    "greatest": Identity("Payments are the greatest clearing vector: a descent from full payment ends there", _LANE, 1e-10),
    "least": Identity("In a world of least clearing, payments are the least clearing vector: an ascent from nothing ends there", _LANE, 1e-10),
    "waves": Identity("A failure has the wave that it has in that descent; 0 in an ascent", "1 wave", 0.0),
    "defaults": Identity("Default steps and waves agree with clearing; the dead stay dead and owe nothing new; outside nodes never fail", "1 if not so", 0.0),
    "stakes": Identity("The stakes in a living issuer sum to one", "1", 1e-11),
    "credit_loss": Identity(
        "Credit losses are unpaid claims at default less later recoveries; guarantors bear them as far as they pay", "1 + everything due", 1e-11
    ),
    "loss_by_deal": Identity("Losses by entity and channel sum to losses by deal", "1 + all losses", 1e-12),
    "fleet_loss": Identity("An owner's losses on its fleet equal those of its pseudo-deal, and no other entity has any", "1 + losses of the owner", 1e-12),
    "recovery": Identity("Of the claims on who fails, not less than nothing and not more than all is lost by the end of the run", "1 + the claims", 1e-11),
    "caused": Identity("Credit and contract losses are those that obligors caused, equity losses the cost of stakes wiped out", "1 + all losses", 1e-11),
    "conservation": Identity(
        "Where payments and marks pass losses on, the system loss is what entities caused and wiped out beyond what they lost on others, and what deals of outside "
        "nodes cost that a shock ended: nothing is lost twice, and nothing on the way",
        "1 + all losses",
        1e-11,
    ),
    "system_loss": Identity(
        "The system loss is the sum of the losses of outside nodes and of those borne through inside entities; outside and lender losses are parts of it",
        "1 + all losses",
        1e-11,
    ),
    "loss_by_year": Identity(
        "Where losses are not discounted, those of all years sum to the system loss, and without stranded to the losses of each entity", "1 + losses", 1e-12
    ),
}


class Tile(NamedTuple):
    """Arrays that a run of W consecutive paths leaves; worlds in the order of the model."""

    model: Model
    first_path: int
    outputs: dict[str, Array]  # [.., W]
    trace: Array  # [worlds, T, len(TRACES), n, W]
    legs: Array  # [worlds, T, len(KEPT_LEGS), L, W]
    entities: Array  # [worlds, T, len(KEPT_ENTITIES), n, W]
    outcomes: Array  # [worlds, T, n, W] haircut of a restructuring in the step, -1 of a liquidation, 0 without a default
    discounts: Array  # [worlds, T, W] discount factor of the losses of a step
    stakes: Array  # [worlds, T, H, W]
    losses: tuple[Array, ...]  # [n, channels, W] of each world

    def of(self, world: int, name: str) -> Array:
        """[T, n, W] one row of the trace of a world."""
        return self.trace[world, :, TRACES.index(name)]

    def cleared(self, world: int, name: str) -> Array:
        """[T, n, W] a variable of entities right after clearing."""
        return self.entities[world, :, KEPT_ENTITIES.index(name)]

    def leg(self, world: int, name: str) -> Array:
        """[T, L, W] a variable of legs right after clearing."""
        return self.legs[world, :, KEPT_LEGS.index(name)]

    def alive_before(self, world: int) -> Array:
        """[T, n, W] 1 where an entity is alive when the step begins."""
        alive = self.of(world, "alive")
        return np.concatenate([np.ones_like(alive[:1]), alive[:-1]])


class Finding(NamedTuple):
    """The largest residual of an identity and where it is; -1: nowhere in particular (no residual, no step, no entity)."""

    identity: str
    residual: float
    path: int = -1
    world: int = -1
    step: int = -1
    entity: int = -1

    @property
    def violated(self) -> bool:
        """True if the residual is more than rounding."""
        return not self.residual <= IDENTITIES[self.identity].tolerance


class IdentityError(ArithmeticError):
    """An identity does not hold: the run is wrong, whatever the input."""


def check_tile(tile: Tile) -> list[Finding]:
    """Return the largest residual of every identity on a tile, in the order of IDENTITIES."""
    found = {name: Finding(name, 0.0) for name in IDENTITIES}
    with np.errstate(invalid="ignore", over="ignore"):  # values that are not finite are findings, not warnings
        for name, world, residual in _residuals(tile):
            if residual.size and not residual.max() <= found[name].residual:
                found[name] = _locate(tile, name, world, residual)
    return list(found.values())


def largest(findings: Iterable[list[Finding]]) -> list[Finding]:
    """Merge lists of findings: the largest of each identity; ties go to the lowest path, so the result does not depend on the order of blocks."""
    rank: dict[str, Finding] = {}
    for finding in (finding for some in findings for finding in some):
        if finding.identity not in rank or (-finding.residual, finding.path) < (-rank[finding.identity].residual, rank[finding.identity].path):
            rank[finding.identity] = finding
    return list(rank.values())


def _locate(tile: Tile, name: str, world: int, residual: Array) -> Finding:
    """Find the largest value of a residual: [T, n, W], [1, n, W] of a whole path, [T, 1, W] of all entities, or [1, 1, W]."""
    size = np.nan_to_num(residual, nan=np.inf)
    step, entity, lane = (int(k) for k in np.unravel_index(size.argmax(), size.shape))
    steps, entities, _ = residual.shape
    return Finding(name, float(size.max()), tile.first_path + lane, world, step if steps == tile.model.grid.steps else -1, entity if entities > 1 else -1)


def _residuals(tile: Tile) -> Iterator[tuple[str, int, Array]]:
    """Yield name, world and residual [T or 1, n or 1, W] of every identity."""
    worlds = tile.trace.shape[0]
    book = certificate.sort_book(tile.model)
    yield "finite", 0, _not_finite(tile.outputs)
    for k in range(worlds):
        yield "finite", k, 1.0 - np.isfinite(tile.trace[k]).all(axis=1)
        cases, (steps, lanes) = certificate.find_cases(book, tile.legs[k], tile.entities[k], tile.alive_before(k), every=_is_least(tile, k))
        in_all = 1.0 + _everything_due(tile, k)  # [T, 1, W]; clearing stops at a share of it
        in_all[steps, 0, lanes] = np.maximum(in_all[steps, 0, lanes], 1.0 + cases.due_in_all)
        yield from _of_cash(tile, k, in_all)
        yield from _of_clearing(tile, k, book, cases, (steps, lanes), in_all)
        yield from _of_defaults(tile, k)
        yield from _of_stakes(tile, k)
    yield from residuals_of_losses(tile)


def _not_finite(outputs: dict[str, Array]) -> Array:
    """[1, 1, W] 1 on paths with an output that is not finite, in float64 or as float32, the type of a store."""
    fine = [np.isfinite(values.astype(np.float32)).reshape(-1, values.shape[-1]).all(axis=0) for values in outputs.values() if values.size]
    return 1.0 - np.logical_and.reduce(fine)[None, None]


def _is_insured(tile: Tile, world: int) -> bool:
    return bool(tile.model.rules.world_switches[world, NONPAYMENT] == 0.0)


def _is_least(tile: Tile, world: int) -> bool:
    """True if the world asks for the least clearing vector, and there can be two."""
    return bool(tile.model.rules.world_least[world] > 0.0) and not _is_insured(tile, world)


def _everything_due(tile: Tile, k: int) -> Array:
    """[T, 1, W] sum of all dues of a step; in insured worlds with what the undisturbed deals of the dead bring, for it is received."""
    due = tile.leg(k, "due")
    if _is_insured(tile, k):
        due = np.maximum(due, tile.leg(k, "due_undisturbed"))
    return due.sum(axis=1, keepdims=True)


def _of_cash(tile: Tile, k: int, in_all: Array) -> Iterator[tuple[str, int, Array]]:
    insurer = tile.model.grid.insurer
    cash, received, paid, enters, leaves = (tile.of(k, name) for name in ("cash", "received", "paid", "outside_in", "outside_out"))
    opening = np.broadcast_to(tile.model.entities.cash0[None, :, None], cash[:1].shape)
    before = np.concatenate([opening, cash[:-1]])
    scale = in_all + np.abs(before) + (received + paid + enters + leaves).sum(axis=1, keepdims=True)
    yield "cash", k, np.abs(before + enters - leaves + received - paid - cash) / scale
    net = received - paid
    off = np.abs(net.sum(axis=1))
    if not _is_insured(tile, k):
        off = np.maximum(off, np.abs(net[:, insurer]))
    yield (
        "net_flows",
        k,
        off[:, None] / (in_all + np.abs(received).sum(axis=1, keepdims=True)),
    )  # receipts are full payment less shortfalls, and round as it does


def _of_clearing(
    tile: Tile, k: int, book: certificate.Book, cases: certificate.Cases, places: tuple[Array, Array], in_all: Array
) -> Iterator[tuple[str, int, Array]]:
    """Vectorised over all entities where nobody fails; clearing by clearing (at `places`) where somebody fails or an estate distributes."""
    model, insured = tile.model, _is_insured(tile, k)
    n, inside = model.grid.entities, (model.entities.outside == 0)[:, None]
    alive, (steps, lanes) = tile.alive_before(k), places

    def spread(values: Array) -> Array:
        """[B, n] of the cases as [T, n, W]."""
        whole = np.zeros(alive.shape)
        whole[steps, :, lanes] = values
        return whole

    received, dues, cash, room = (tile.cleared(k, name) for name in ("received", "dues", "cash_in", "can_raise"))
    paying, called = cases.entities["active"] > 0.0, cases.legs["called"]
    by_case = np.where(paying[:, book.payer] | (called != 0.0), cases.legs["pay"], cases.legs["due"])
    # Outside of the cases everybody pays its dues.
    owed = certificate.sum_of_payers(book, tile.leg(k, "due")[:, book.legs], n)
    # A payment of an estate is its share of a claim less what it has paid before, and rounds as the claim does.
    before = np.where((paying & ~cases.living)[:, book.payer], cases.legs["paid_on_claim"], 0.0).sum(axis=1)
    of_case = 1.0 + (cases.due_in_all + before)[:, None]
    paid = owed.copy()
    paid[steps, :, lanes] = certificate.sum_of_payers(book, by_case, n)
    owed[steps, :, lanes] += certificate.sum_of_payers(book, called, n)
    expected = certificate.sum_of_payees(book, tile.leg(k, "due_undisturbed" if insured else "due")[:, book.legs_by_payee], n)
    if insured:
        expected *= np.where(inside, alive, 1.0)
    else:
        expected[steps, :, lanes] = certificate.receive(book, cases, by_case)
    yield "receipts", k, np.abs(received - expected) / in_all
    yield "payments", k, np.abs(dues - owed) / in_all
    has, living, failing = cash + room + expected, alive > 0.0, tile.cleared(k, "failing") > 0.0
    margin = has - owed * (1.0 - SOLVENCY_TOLERANCE)
    wrong = np.where(failing, np.maximum(0.0, margin), np.maximum(0.0, -margin))
    yield "solvency", k, np.where(living & inside, wrong / (1e-300 + np.abs(has) + owed), 0.0)
    covered = spread(certificate.sum_of_payers(book, cases.legs["covered"], n))
    most = cash + expected + np.where(failing, covered, room)
    over = np.maximum(0.0, paid - most - SOLVENCY_TOLERANCE * owed)
    over = np.maximum(over, -tile.of(k, "cash"))
    yield "limited_liability", k, np.where(inside, over / in_all, 0.0)

    # Payments leg by leg: bounds, priority, pro rata, waterfall, guarantees.
    yield "payments", k, spread(_worst_of_payers(book, _out_of_bounds(book, cases, paying, by_case), n) / of_case)
    early, within = _class_breaches(book, cases, paying, by_case)
    yield "priority", k, spread(early / of_case)
    yield "pro_rata", k, spread(within / of_case)
    wanted = certificate.waterfall(model, book, cases, cases.entities["received"], called)
    off = np.where(paying[:, book.payer], np.abs(by_case - wanted), 0.0)
    yield "clearing", k, spread(certificate.sum_of_payers(book, off, n) / of_case)
    sleeping = inside & ~living & (tile.cleared(k, "active") == 0.0)
    yield "clearing", k, np.where(sleeping, np.maximum(0.0, cash + received - ACTIVE_ESTATE), 0.0) / in_all
    calls = np.zeros_like(off)
    if not insured:
        for a, g in enumerate(book.guarantees):
            calls[:, g] = np.abs(called[:, g] - certificate.calls(book, cases, paying, a, by_case))
    yield "guarantees", k, spread(certificate.sum_of_payers(book, calls, n) / of_case)
    lost = spread(certificate.credit_losses(model, book, cases, by_case, tile.outcomes[k][steps, :, lanes])) * tile.discounts[k][:, None]
    off = np.abs(lost.sum(axis=0) - tile.losses[k][:, CREDIT])
    yield "credit_loss", k, (off / in_all.max(axis=0))[None]
    least = _is_least(tile, k)
    best = (certificate.ascend if least else certificate.descend)(model, book, cases, insured)
    yield "least" if least else "greatest", k, spread(certificate.sum_of_payers(book, np.abs(by_case - best.paid), n) / of_case)
    yield "waves", k, spread(1.0 - (cases.entities["wave"] == best.wave))


def _worst_of_payers(book: certificate.Book, values: Array, n: int) -> Array:
    """[B, n] the largest of the values [B, C] on the legs of each payer."""
    out = np.zeros((values.shape[0], n))
    if book.payers.size:
        out[:, book.payers] = np.maximum.reduceat(values, book.first_of_payer, axis=1)
    return out


def _out_of_bounds(book: certificate.Book, cases: certificate.Cases, paying: Array, paid: Array) -> Array:
    """[B, C] distance of a payment from its bounds, 0 and the amount due or claimed; from the amount due where the payer is solvent."""
    x, living = cases.legs, cases.living[:, book.payer]
    due = x["due"] + x["called"]
    most = np.where(living, due, np.where(paying[:, book.payer], np.maximum(0.0, x["claim"] - x["paid_on_claim"]), 0.0) + x["covered"])
    off = np.maximum(-paid, paid - most)
    off = np.maximum(off, np.where(x["called"] > 0.0, x["called"] - x["cover_left"], 0.0))
    return np.maximum(0.0, np.where(living & ~paying[:, book.payer], np.abs(paid - due), off))


def _class_breaches(book: certificate.Book, cases: certificate.Cases, paying: Array, paid: Array) -> tuple[Array, Array]:
    """[B, n] payments to a class while an earlier one is short, and the largest deviation of a leg from the share of its class.

    Computed from the payments alone, whatever the payer holds. Cover by collateral is paid apart from the classes. In an estate the share is one
    of the whole claim, earlier payments count, and a creditor that has received more than the share gets nothing.
    """
    x, (_, n) = cases.legs, cases.living.shape
    living, pays = cases.living[:, book.payer], paying[:, book.payer]
    base = np.where(pays, np.where(living, x["due"] * x["uncovered_share"] + x["called"], x["claim"]), 0.0)
    had = np.where(pays & ~living, x["paid_on_claim"], 0.0)
    now = np.where(pays, paid - np.where(living, 0.0, x["covered"]), 0.0)
    if not book.first.size:
        return np.zeros((base.shape[0], n)), np.zeros((base.shape[0], n))
    size = np.diff(np.append(book.first, base.shape[1]))
    # The share of a class is that of its largest paid leg: no small number is a divisor.
    counts = np.where(now > 0.0, base, -1.0)
    top = np.repeat(np.maximum.reduceat(counts, book.first, axis=1), size, axis=1)
    share = np.divide(had + now, base, out=np.zeros_like(base), where=(counts == top) & (counts > 0.0))
    share = np.repeat(np.maximum.reduceat(share, book.first, axis=1), size, axis=1)
    within = np.abs(had + now - np.maximum(had, share * base))
    short = np.add.reduceat(np.maximum(0.0, base - had - now), book.first, axis=1)  # [B, G]
    given = np.add.reduceat(now, book.first, axis=1)
    payers, breach = book.payer[book.first], np.zeros((base.shape[0], n))
    for a in range(payers.size):
        for b in range(a + 1, payers.size):
            if payers[b] != payers[a]:
                break
            i = payers[a]
            breach[:, i] = np.maximum(breach[:, i], np.minimum(short[:, a], given[:, b]))
    return breach, _worst_of_payers(book, within, n)


def _of_defaults(tile: Tile, k: int) -> Iterator[tuple[str, int, Array]]:
    """Compare the defaults in the outputs of a world with its clearings; the dead stay dead and owe nothing new."""
    outside = (tile.model.entities.outside > 0)[:, None]
    before, alive = tile.alive_before(k), tile.of(k, "alive")
    fails = (tile.cleared(k, "failing") > 0.0) & (before > 0.0)
    wrong = (alive > before) | ((alive < before) & ~fails) | ((before == 0.0) & (tile.of(k, "dues") != 0.0)) | (fails & outside)
    yield "defaults", k, wrong.astype(float)
    first = np.where(fails.any(axis=0), fails.argmax(axis=0), -1)
    wave = np.take_along_axis(tile.cleared(k, "wave"), np.maximum(first, 0)[None], axis=0)[0]
    wrong = (tile.outputs["default_step"][k] != first) | (tile.outputs["default_round"][k] != np.where(first >= 0, wave, -1))
    yield "defaults", k, wrong[None].astype(float)


def _of_stakes(tile: Tile, k: int) -> Iterator[tuple[str, int, Array]]:
    """Sum the stakes in each issuer, only where marks are on: there the failure of an issuer wipes them out."""
    holdings, marks = tile.model.holdings, tile.model.rules.world_switches[k, MARKS] > 0.0
    if not marks:
        return
    off = np.zeros(tile.of(k, "alive").shape)
    for issuer in np.flatnonzero(holdings.outside_of >= 0):
        total = tile.stakes[k][:, holdings.issuer == issuer].sum(axis=1)
        off[:, issuer] = np.abs(total - tile.of(k, "alive")[:, issuer])
    yield "stakes", k, off
