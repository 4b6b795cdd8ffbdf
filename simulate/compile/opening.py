"""Derive the opening balance sheet: debt outside the network, the core value or multiple that gives the opening price, sweeps of equity.

Equations: docs/model.md 4.9 at t = 0 with V = 1, p = 1, z = planned receipts of the first step.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from simulate.deals import KINDS
from simulate.deals.legs import Balance, HoldingDraft, LegDraft
from simulate.model import Array
from simulate.network.entities import Entity
from simulate.network.read import Network, Reconciled

MOST_SWEEPS = 200
PRECISION = 1e-14  # relative error that sweeps may leave
SMALLEST_CIRCLE = 0.1  # least share held inside that is assumed, because commitments add to stakes during the run


class OpeningValue(NamedTuple):
    """Core value and multiple of an entity; one of the two is solved from its opening price."""

    core: float  # USD bn
    multiple: float  # of annual receipts


def outside_debt(network: Network, legs: Sequence[LegDraft], problems: list[str]) -> tuple[dict[str, float], list[Reconciled]]:
    """Return reported debt less the listed deals, USD bn by entity, and rows of the reconciliation table."""
    listed_debts = {deal.id for deal in network.deals if KINDS[deal.kind].debt}
    debts: dict[str, float] = {}
    table: list[Reconciled] = []
    for entity in network.entities:
        if entity.outside:
            continue
        listed = [(leg.deal, bal0) for leg, bal0 in opening_balances(legs) if leg.payer == entity.id and bal0 > 0 and leg.deal in listed_debts]
        total = sum(balance for _, balance in listed)
        reported = entity.figures["reported_debt"]
        if reported is None:
            reported = total  # without a figure the listed deals are all its debt
        rest = reported - total
        if rest < -1e-9 * max(1.0, reported):
            names = ", ".join(f"{name} {balance:.4g}" for name, balance in listed)
            problems.append(
                f"{network.names['figures']}: '{entity.id}': reported_debt is {reported:.4g} USD bn, but its deals owe {total:.4g} USD bn ({names}); "
                "raise the figure or take out the deal that is not in it."
            )
        debts[entity.id] = max(0.0, rest) if rest > 1e-9 * max(1.0, reported) else 0.0
        repaid = sum(entity.plans.get("debt_principal", {}).values())
        if repaid > debts[entity.id] * (1 + 1e-9) + 1e-9:
            problems.append(
                f"{network.names['figures']}: '{entity.id}': debt_principal adds up to {repaid:.4g} USD bn, but its debt outside the listed deals is "
                f"{debts[entity.id]:.4g} USD bn (reported_debt {reported:.4g} less deals {total:.4g}); lower the principal."
            )
        table.append(Reconciled(entity=entity.id, line="debt", year=None, reported=reported, in_deals=total, residual=debts[entity.id], unit="USD bn"))
    return debts, table


def opening_balances(legs: Sequence[LegDraft]) -> list[tuple[LegDraft, float]]:
    """Return the legs driven by a balance, each with its opening balance in USD bn."""
    return [(leg, leg.driver.bal0) for leg in legs if isinstance(leg.driver, Balance)]


def opening_fleet_value(entity: Entity) -> float:
    """Straight-line value of the opening fleet over its book life, USD bn. F(x) = F0 max(0, 1 + x/span) before 0."""
    if not entity.is_owner:
        return 0.0
    cost, span, life = (entity.figure(name) for name in ("fleet_cost", "fleet_span", "book_life"))
    years = min(life, span)
    in_service = years - years * years / (2 * span)  # integral of F/F0 over the last `life` years
    return cost * (1 - in_service / life)


def solve_opening(
    network: Network, legs: Sequence[LegDraft], holdings: Sequence[HoldingDraft], receipts: Mapping[str, float], dt: float, problems: list[str]
) -> dict[str, OpeningValue]:
    """Solve the core value or the multiple of every entity so that its equity has the opening price; `receipts` USD bn of the first step."""
    solved: dict[str, OpeningValue] = {}
    balances = opening_balances(legs)
    value = {entity.id: entity.figures["equity_value"] or 0.0 for entity in network.entities if not entity.outside}
    for entity in network.entities:
        if entity.outside:
            continue
        figures, file = entity.figures, network.names["figures"]
        core, multiple, price, cash = figures["core_value"] or 0.0, entity.figure("mult_mature"), figures["equity_value"], entity.figure("cash")
        if price is None:
            solved[entity.id] = OpeningValue(core, multiple)
            continue
        debt = sum(bal0 for leg, bal0 in balances if leg.payer == entity.id)
        claims = sum(bal0 for leg, bal0 in balances if leg.payee == entity.id)
        stakes = sum(h.stake * value.get(h.issuer, 0.0) for h in holdings if h.holder == entity.id)
        fleet, annual = opening_fleet_value(entity), receipts[entity.id] / dt
        needed = price - cash - claims - stakes + debt
        parts = f"equity_value {price:.4g} - cash {cash:.4g} - claims {claims:.4g} - stakes {stakes:.4g} + debt {debt:.4g}"
        if figures["core_on"]:
            core = needed - max(multiple * annual, fleet)
            if core < 0:
                problems.append(
                    f"{file}: '{entity.id}': the core value that gives its opening price is negative ({core:.4g} USD bn = {parts} - business "
                    f"{max(multiple * annual, fleet):.4g}); correct equity_value, mult_mature or an amount subtracted."
                )
        else:
            business = needed - core
            if business < fleet * (1 - 1e-12) or annual <= 0:
                problems.append(
                    f"{file}: '{entity.id}': no multiple on its receipts ({annual:.4g} USD bn a year) gives its opening price: its business would be worth "
                    f"{business:.4g} USD bn ({parts} - core {core:.4g}), its fleet alone {fleet:.4g}; correct equity_value, or solve the core instead (core_on = 1)."
                )
            multiple = business / annual if annual > 0 else 0.0
        solved[entity.id] = OpeningValue(core, multiple)
    return solved


def count_sweeps(holder: Array, issuer: Array, stake: Array, inside: Array, entities: int) -> int:
    """Return the number of Gauss-Seidel sweeps that settle equity.

    Without a circle of holdings it is their longest chain and one more. With a circle, as many sweeps as shrink the error to rounding: each
    shrinks it at least by the largest share held inside (Elliott, Golub and Jackson 2014).
    """
    matrix = np.zeros((entities, entities))  # [holder, issuer]
    link = np.zeros((entities, entities), bool)
    for i, j, s in zip(holder, issuer, stake, strict=True):
        if inside[i] and inside[j]:
            matrix[i, j] += s
            link[i, j] = True
    length = np.zeros(entities, int)
    for _ in range(entities + 1):
        longer = np.array([max((length[j] + 1 for j in np.flatnonzero(link[i])), default=0) for i in range(entities)], int)
        if np.array_equal(longer, length):
            return int(length.max(initial=0)) + 1
        length = longer
    largest = max(matrix.sum(axis=0).max(), SMALLEST_CIRCLE)
    return MOST_SWEEPS if largest >= 1 else min(MOST_SWEEPS, math.ceil(round(math.log(PRECISION) / math.log(largest), 9)))
