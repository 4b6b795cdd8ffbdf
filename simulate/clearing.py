"""Clearing vectors of a one-period network, computed by the kernel that clears every step.

    i is solvent when cash_i + received_i covers its liabilities; then it pays in full.
    A defaulter distributes alpha cash_i + beta received_i, class by class, pro rata inside a class.

Eisenberg and Noe (2001) is alpha = beta = 1 and one class; default costs are of Rogers and Veraart (2013), classes of Elsinger (2009).
Letters: n firms, C classes (0 is paid first), L obligations. Amounts in any one unit.
"""

import math
import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from simulate.checks.certificate import SOLVENCY_TOLERANCE, class_shares
from simulate.errors import InputError, listed, refuse_if_any
from simulate.model import SENIOR, Array, Grid, freeze_array
from simulate.step.factors import new_path_draws, new_step_factors
from simulate.step.memory import (
    RULES,
    PackedEntities,
    PackedFleet,
    PackedHoldings,
    PackedLegs,
    PackedRules,
    empty_pack,
    freeze_all,
    new_step,
    new_worlds,
    pack_lists,
    split_worlds,
)  # fmt: skip
from simulate.step.one_period import clear_one_period
from simulate.step.state import Lists, Net, Now, Step, World

MOST_CLASSES = 4
MAX_ITERATIONS = 1_000_000  # a network that loses 0.01 % a round takes 400 000
LARGEST_RESIDUAL = 1e-10
SOLUTIONS = ("greatest", "least")


@dataclass(frozen=True, eq=False)
class Clearing:
    """A clearing vector and its consequences. Amounts in the unit of the liabilities."""

    payment: Array  # [n] paid in all
    payment_matrix: Array  # [n, n] paid by i to j
    paid_by_class: Array  # [C, n] paid by i to class c, firms and external creditors together
    paid_to_external: Array  # [n]
    equity: Array  # [n] cash + received - owed of the solvent (to the solvency tolerance, so never negative); 0 of defaulters
    default_round: Array  # [n] int64; -1 solvent, else the wave of fictitious defaults (0: fails though all others pay); least: 0
    recovery: Array  # [n] payment / liabilities; 1 where nothing is owed
    default_cost: float  # (1-alpha) cash + (1-beta) received of all defaulters: it reaches nobody
    created: float  # payments of the solvent beyond cash and receipts: at most 1e-10 of liabilities (solvency tolerance); compare it with the amounts at stake
    residual: float  # largest violation of the two conditions above, as share of the firm's liabilities; computed apart from the kernel
    converged: bool  # the iteration came to rest and residual <= 1e-10


class Network(NamedTuple):
    """A checked problem."""

    obligations: Array  # [C, n, n+1] debt of i to j in class c; column n is external
    cash: Array  # [n]
    alpha: float
    beta: float


class Problem(NamedTuple):
    """A network as the kernel reads it, W lanes that differ in cash."""

    net: Net
    now: Now
    world: World
    step: Step
    positions: tuple[Array, Array, Array]  # [L] class, payer, payee of every leg


def clearing_vector(
    liabilities: ArrayLike,
    external_assets: ArrayLike,
    external_liabilities: ArrayLike | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    seniority: ArrayLike | None = None,
    solution: str = "greatest",
) -> Clearing:
    """Return the greatest (or least) clearing vector of a network, with defaults, recoveries and losses.

    liabilities: [n, n], amount that firm i owes firm j; or [C, n, n] by class, the first paid first, at most 4 classes.
    external_assets: [n], the cash of each firm.
    external_liabilities: [n], amount that each firm owes to creditors outside the network; or [C, n] by class. Default: nothing.
    alpha, beta: shares of cash and of receipts that survive a default, 0 to 1.
    seniority: [n, n] integers 0..3, the class of each entry of liabilities [n, n]; lower is paid first. Entries without a debt are ignored.
    solution: "greatest": as few firms fail as can; "least": as many fail as can. They differ where payments wait for each other.

    Labels of pandas are matched: where liabilities is a DataFrame, its index names the firms, its columns and the labels of the others must be the same
    names, in any order, and results are in the order of the index.

    Amounts without classes rank in the last class: pari passu when nothing has classes. So, external creditors first:
    `clearing_vector(L, cash, [external, zeros])`; firms first: `clearing_vector([L, zeros], cash, external)`.

    Sources: Eisenberg and Noe (2001); Rogers and Veraart (2013) for default costs; Elsinger (2009) for classes.
    Raises InputError with all faults of the input. Warns (RuntimeWarning) if the iteration does not come to rest; `converged` is then False.

    >>> clearing_vector([[0, 2.2], [2.2, 0]], [1, 1], alpha=0.5, beta=0.5, solution="least").payment
    array([1., 1.])
    """
    network = read_network(liabilities, external_assets, external_liabilities, alpha, beta, seniority)
    if not isinstance(solution, str) or solution not in SOLUTIONS:
        raise InputError([f"solution is {solution!r}; it must be 'greatest' or 'least'."])
    problem = build_problem(network, network.cash[:, None], least=solution == "least")
    clear_one_period(problem.net, problem.now, problem.world, problem.step)
    return read_lane(network, problem, 0)


def read_network(  # noqa: C901 - a list of faults, each one a sentence
    liabilities: ArrayLike,
    external_assets: ArrayLike,
    external_liabilities: ArrayLike | None,
    alpha: float,
    beta: float,
    seniority: ArrayLike | None,
) -> Network:
    """Check the input. Raises InputError with all faults at once."""
    faults: list[str] = []
    firms = labels_of(liabilities, "index")
    liabilities = in_order("liabilities", liabilities, firms, faults)
    external_assets, external_liabilities = (
        in_order(name, value, firms, faults) for name, value in (("external_assets", external_assets), ("external_liabilities", external_liabilities))
    )
    seniority = in_order("seniority", seniority, firms, faults)
    refuse_if_any(faults)
    owed = read_amounts("liabilities", liabilities, faults)
    cash = read_amounts("external_assets", external_assets, faults)
    external = None if external_liabilities is None else read_amounts("external_liabilities", external_liabilities, faults)
    for name, share in (("alpha", alpha), ("beta", beta)):
        if not is_share(share):
            faults.append(f"{name} is {share!r}; it must be a number from 0 (all is lost in a default) to 1 (nothing is).")
    if owed is not None and (owed.ndim not in (2, 3) or owed.shape[-1] != owed.shape[-2] or owed.size == 0):
        faults.append(f"liabilities has shape {owed.shape}; it must be [n, n] (i owes j) or [classes, n, n], with at least one firm.")
        owed = None
    if owed is None:
        raise InputError(faults)
    n = owed.shape[-1]
    for place in np.argwhere(np.einsum("...ii->...i", owed) != 0)[:3]:
        faults.append(f"liabilities{[*map(int, place), int(place[-1])]} is on the diagonal; a firm cannot owe itself, so it must be 0.")
    if cash is not None and cash.shape != (n,):
        faults.append(f"external_assets has shape {cash.shape}; it must be ({n},), the cash of each firm.")
    if external is not None and (external.ndim not in (1, 2) or external.shape[-1] != n or external.size == 0):
        faults.append(f"external_liabilities has shape {external.shape}; it must be ({n},) or [classes, {n}].")
        external = None
    ranks = None if seniority is None else read_ranks(seniority, owed, faults)
    by_class = [
        owed.shape[0] if owed.ndim == 3 else 1,
        1 if ranks is None else int(ranks[owed > 0.0].max(initial=0)) + 1,
        external.shape[0] if external is not None and external.ndim == 2 else 1,
    ]
    classes = max(by_class)
    if classes > MOST_CLASSES:
        faults.append(f"There are {classes} classes; at most {MOST_CLASSES} are known.")
    if faults or cash is None:  # a fault says why there is no cash
        raise InputError(faults)
    obligations = np.zeros((classes, n, n + 1))
    if ranks is not None:
        for c in range(classes):
            obligations[c, :, :n] = np.where(ranks == c, owed, 0.0)
    elif owed.ndim == 3:
        obligations[: owed.shape[0], :, :n] = owed
    else:
        obligations[-1, :, :n] = owed
    if external is not None and external.ndim == 2:
        obligations[: external.shape[0], :, n] = external
    elif external is not None:
        obligations[-1, :, n] = external
    with np.errstate(over="ignore"):
        most = obligations.sum() + cash.sum()
    if not np.isfinite(most):
        raise InputError(["The amounts are so large that their sum is infinite; use a larger unit."])
    return Network(obligations, cash, float(alpha), float(beta))


def labels_of(value: Any, axis: str) -> list[Any] | None:
    """Return the labels of an axis of a Series or DataFrame of pandas; None of anything else."""
    return list(getattr(value, axis)) if hasattr(value, "reindex") and hasattr(value, axis) else None


def in_order(name: str, value: Any, firms: list[Any] | None, faults: list[str]) -> Any:
    """Return a Series or DataFrame in the order of the firms, and a sentence in `faults` where its labels are others; anything else as it is."""
    for axis in ("index", "columns"):
        labels = labels_of(value, axis)
        if labels is None:
            continue
        if firms is None:
            faults.append(
                f"{name} has labels and liabilities has none, so nothing says which firm is which; give liabilities as a DataFrame, or {name} as an array."
            )
            return None
        if len(set(labels)) < len(labels) or set(labels) != set(firms):
            other = sorted(map(str, set(labels) ^ set(firms))) or ["one of them twice"]
            faults.append(f"{name}: the labels of its {axis} are not the firms of the index of liabilities; they differ in {listed(other)}.")
            return None
        value = value.reindex(**{axis: firms})
    return value


def read_amounts(name: str, value: ArrayLike, faults: list[str]) -> Array | None:
    """Return the value as float64; None, and a sentence in `faults`, when it is not an array of finite amounts that are not negative."""
    try:
        given = np.asarray(value)
        if given.dtype.kind not in "biufO" or isinstance(value, np.ma.MaskedArray):  # no text, dates, complex numbers or masks
            raise TypeError
        amounts = given.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        faults.append(f"{name} is not an array of numbers; rows must be numbers and of one length.")
        return None
    wrong = np.argwhere(~(np.isfinite(amounts) & (amounts >= 0.0)))
    if wrong.size:
        place = tuple(int(k) for k in wrong[0])
        hint = "; a debt of a firm belongs in external_liabilities" if name == "external_assets" else ""
        faults.append(f"{name}{list(place) or ''} is {amounts[place]}; amounts must be finite and not negative{hint}.")
    return amounts


def is_share(value: Any) -> bool:
    """True for a number in [0, 1]."""
    try:
        return not isinstance(value, str) and 0.0 <= float(value) <= 1.0
    except (TypeError, ValueError, OverflowError):
        return False


def read_ranks(seniority: ArrayLike, owed: Array, faults: list[str]) -> Array | None:
    """Return the seniority matrix as int64; None, and a sentence in `faults`, when it is no such matrix."""
    if owed.ndim == 3:
        faults.append("seniority is given and liabilities has classes of its own; give liabilities as [n, n] or leave seniority out.")
        return None
    try:
        ranks = np.asarray(seniority, np.float64)
    except (TypeError, ValueError, OverflowError):
        ranks = np.array(math.nan)
    if ranks.shape != owed.shape or not np.isin(ranks, range(MOST_CLASSES)).all():
        faults.append(f"seniority must be a matrix of the shape of liabilities, {owed.shape}, of integers 0 (paid first) to {MOST_CLASSES - 1}.")
        return None
    return ranks.astype(np.int64)


def build_problem(network: Network, cash: Array, least: bool) -> Problem:
    """Build the arrays of one step in which every obligation falls due and nothing else happens. cash: [n, W]."""
    _, n, columns = network.obligations.shape
    lanes = cash.shape[1]
    classes, payers, payees = np.nonzero(network.obligations)
    positions = classes, payers, payees
    grid = Grid(steps=1, dt=1.0, entities=columns, insurer=-1, outside_investor=-1, deals=0)
    (world,) = split_worlds(new_worlds(1, entities=columns, owners=0, grid=grid, legs=positions[0].size, holdings=0, lanes=lanes))
    world.alive[:] = 1.0
    step = new_step(entities=columns, owners=0, legs=positions[0].size, holdings=0, lanes=lanes)
    step.cash_in[:n] = cash
    step.due[:] = network.obligations[positions][:, None]
    nobody = np.zeros(0)
    draws, factors = new_path_draws(processes=0, groups=1, lanes=lanes), new_step_factors(processes=0, moves=0, volumes=1, lanes=lanes)
    draws.scale[:] = 1.0
    factors.capacity[:] = 1.0
    return Problem(
        Net(
            grid,
            freeze_all(empty_pack(PackedEntities, columns)),
            freeze_all(empty_pack(PackedFleet, 0)),
            freeze_all(build_legs(positions)),
            freeze_all(empty_pack(PackedHoldings, 0)),
            build_rules(network),
            build_lists(n, columns, *positions),
            freeze_array(nobody),
        ),
        Now(
            t=0,
            insured=False,
            supply=True,
            relief=True,
            marks=True,
            confidence=True,
            least=least,
            saves=False,
            saves_first=False,
            detail=False,
            factors=factors,
            draws=draws,
        ),
        world,
        step,
        positions,
    )


def build_legs(positions: tuple[Array, Array, Array]) -> Any:
    """Build a leg for each obligation, with payer and payee only: the amounts due stand in the step."""
    _, payers, payees = positions
    legs = empty_pack(PackedLegs, payers.size)
    legs.payer[:] = payers
    legs.payee[:] = payees
    legs.seniority[:] = SENIOR  # the rank of a leg is in the lists; a secured leg would ask for its collateral
    legs.coll_holding[:] = -1
    legs.covers[:] = -1
    return legs


def build_rules(network: Network) -> PackedRules:
    """Build the rules of a world with default costs and no other loss."""
    terms = np.zeros(len(RULES))
    terms[RULES.index("alpha")], terms[RULES.index("beta")] = network.alpha, network.beta
    return PackedRules(freeze_array(terms), max_restructurings=0, equity_sweeps=0, max_iterations=MAX_ITERATIONS)


def build_lists(n: int, columns: int, classes: Array, payers: Array, payees: Array) -> Lists:
    """Build the index lists: legs by payer and their ranks; the first n entities are inside."""
    order = np.argsort(payers, kind="stable")
    nowhere = np.zeros(columns + 1)
    starts = {"leg_start": np.searchsorted(payers[order], np.arange(columns + 1)), "issue_start": nowhere, "hold_start": nowhere}
    lists = {"leg_of_payer": order, "inside": np.arange(n), "rank": classes, "outside_of": np.full(columns, -1), "draws": np.zeros_like(payers)}
    return pack_lists(starts, lists)


def read_lane(network: Network, problem: Problem, lane: int) -> Clearing:
    """Read the result of one lane and certify it."""
    n = network.cash.size
    paid = np.zeros_like(network.obligations)
    paid[problem.positions] = problem.step.pay[:, lane]
    failed = problem.step.failing[:n, lane] > 0.0
    cash = problem.step.cash_in[:n, lane]
    received, payment, owed = paid[:, :, :n].sum(axis=(0, 1)), paid.sum(axis=(0, 2)), network.obligations.sum(axis=(0, 2))
    residual = find_violation(network, cash, paid, failed)
    converged = bool(problem.world.unconverged[lane] == 0.0 and residual <= LARGEST_RESIDUAL)
    if not converged:
        warnings.warn(
            f"The clearing of {n} firms did not come to rest in {MAX_ITERATIONS} rounds (money circulates and hardly any leaves): its payments may be far "
            "from the clearing vector, and residual is no bound on how far.",
            RuntimeWarning,
            stacklevel=3,
        )
    return Clearing(
        payment=payment,
        payment_matrix=paid[:, :, :n].sum(axis=0),
        paid_by_class=paid.sum(axis=2),
        paid_to_external=paid[:, :, n].sum(axis=0),
        equity=np.where(failed, 0.0, np.maximum(0.0, cash + received - owed)),
        default_round=problem.step.wave[:n, lane].astype(np.int64),
        recovery=np.divide(payment, owed, out=np.ones(n), where=owed > 0.0),
        default_cost=float((((1.0 - network.alpha) * cash + (1.0 - network.beta) * received) * failed).sum()),
        created=float(np.where(failed, 0.0, np.maximum(0.0, owed - cash - received)).sum()),
        residual=residual,
        converged=converged,
    )


def find_violation(network: Network, cash: Array, paid: Array, failed: Array) -> float:
    """Return the largest violation of the clearing condition, as share of the firm's liabilities.

    Compares each payment with the waterfall of the money that the payments themselves bring, and each default with the test of solvency
    (beyond the one tolerance that the algorithm grants).
    """
    obligations, n = network.obligations, cash.size
    owed = obligations.sum(axis=(0, 2))
    received = paid[:, :, :n].sum(axis=(0, 1))
    left = np.where(failed, network.alpha * cash + network.beta * received, owed)
    worst = np.where(failed, np.maximum(0.0, cash + received - owed), np.maximum(0.0, owed * (1.0 - SOLVENCY_TOLERANCE) - cash - received))
    for claims, handed_out, share in zip(obligations, paid, class_shares(left, obligations.sum(axis=2))):
        worst = np.maximum(worst, np.abs(handed_out - share[:, None] * claims).sum(axis=1))
    return float(np.divide(worst, owed, out=np.zeros(n), where=owed > 0.0).max())
