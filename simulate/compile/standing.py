"""Legs that every inside entity has besides its deals: operating cost, debt outside the network, new debt, capex.

Each is a pseudo-deal of its own in the table of losses: opex:<e>, debt:<e>, new_debt:<e>, capex:<e>:<vendor>, capex:<e>,
own:<e> (fleet owners) and equity:<e> (shares of outside holders).
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from simulate.calendar import Calendar, spread_years
from simulate.deals.legs import Balance, Capex, Driver, HoldingDraft, LegDraft, Opex
from simulate.model import CRITICAL, SENIOR
from simulate.network.entities import Entity, Vendor
from simulate.network.read import Network, Reconciled

OPERATIONS, BOND_MARKET, CONSTRUCTION, OUTSIDE_INVESTORS = "operations", "bond_market", "construction", "outside_investors"


class Label(NamedTuple):
    """Words for a row of the table of losses."""

    kind: str
    obligor: str
    creditor: str
    description: str


def standing_legs(network: Network, debts: Mapping[str, float], calendar: Calendar) -> tuple[list[LegDraft], dict[str, Label]]:
    """Return legs and labels of the pseudo-deals of all inside entities."""
    legs: list[LegDraft] = []
    labels: dict[str, Label] = {}
    for entity in network.entities:
        if entity.outside:
            continue
        made = [
            *operating_legs(entity),
            *debt_legs(entity, debts[entity.id], calendar),
            *capex_legs(entity, [v for v in network.vendors if v.entity == entity.id]),
        ]
        legs.extend(made)
        for leg in made:
            kind = leg.name.partition(":")[0]
            labels[leg.deal] = Label(kind, leg.payer, leg.payee, DESCRIPTIONS[kind].format(entity.name))
        if entity.is_owner:
            labels[f"own:{entity.id}"] = Label("own", entity.id, entity.id, f"fleet of {entity.name}")
    return legs, labels


DESCRIPTIONS = {
    "opex": "operating cost of {}",
    "debt": "debt of {} outside the listed deals",
    "new_debt": "debt that {} raises on the path, lines included",
    "capex": "capital expenditure of {}",
    "own": "fleet of {}",
    "equity": "shares of {} held outside",
}


def operating_legs(entity: Entity) -> list[LegDraft]:
    """Return the leg of operating cost, which is paid first; none where the bridge leaves no cost line. The step subtracts it from EBITDA as a payment."""
    if entity.bridge not in ("fcf", "margin") and not entity.figures["cost_var"]:
        return []
    return [standing_leg(entity, f"opex:{entity.id}", OPERATIONS, Opex(), CRITICAL, operating=1.0)]


def debt_legs(entity: Entity, outside_debt: float, calendar: Calendar) -> list[LegDraft]:
    """Return the legs of opening debt outside the listed deals and of debt raised on the path (floating, repaid at 1/tenor a year)."""
    legs: list[LegDraft] = []
    zero = np.zeros(calendar.steps)
    if outside_debt > 0:
        driver = Balance(
            draw=zero,
            principal=spread_years(calendar, entity.plans.get("debt_principal", {})),
            bal0=outside_debt,
            rate_fixed=entity.figure("debt_rate"),
            rate_float=entity.figure("debt_float"),
            rate_spread=entity.figure("debt_margin"),
        )
        legs.append(standing_leg(entity, f"debt:{entity.id}", BOND_MARKET, driver))
    if any(entity.figure(name) for name in ("credit_line", "fund_flat", "fund_advance")):  # else there is nothing to draw on but equity
        repaid = min(1.0, calendar.dt / entity.figure("debt_tenor"))
        driver = Balance(zero, zero, repaid=repaid, rate_float=1.0, rate_spread=entity.figure("new_debt_margin"))
        legs.append(standing_leg(entity, f"new_debt:{entity.id}", BOND_MARKET, driver))
    return legs


def capex_legs(entity: Entity, vendors: list[Vendor]) -> list[LegDraft]:
    """Return the legs of capex: vendors keep their margin on the chips, construction gets the rest. Growth and replacement shares each sum to 1."""
    if not (entity.is_owner or any(entity.plans.get("plan_capex", {}).values())):
        return []
    chips = sum(vendor.share for vendor in vendors)
    legs: list[LegDraft] = []
    growth, replacement = 0.0, 0.0
    for vendor in vendors:
        share = vendor.share * vendor.margin
        chip = share / chips if chips > 0 else 0.0
        growth, replacement = growth + share, replacement + chip
        if share > 0:
            legs.append(standing_leg(entity, f"capex:{entity.id}:{vendor.vendor}", vendor.vendor, Capex(share, chip), operating=1.0))
    legs.append(standing_leg(entity, f"capex:{entity.id}", CONSTRUCTION, Capex(1.0 - growth, 1.0 - replacement), operating=1.0))
    return legs


def standing_leg(entity: Entity, name: str, payee: str, driver: Driver, seniority: int = SENIOR, *, operating: float = 0.0) -> LegDraft:
    """Return a leg that is a pseudo-deal of its own."""
    return LegDraft(name=name, deal=name, payer=entity.id, payee=payee, driver=driver, seniority=seniority, operating=operating)


def outside_holdings(network: Network, holdings: list[HoldingDraft]) -> tuple[list[HoldingDraft], dict[str, Label], list[Reconciled]]:
    """Return stakes of outside investors, so that all stakes in a valued entity sum to 1; their labels; rows of the reconciliation table."""
    made: list[HoldingDraft] = []
    labels: dict[str, Label] = {}
    table: list[Reconciled] = []
    for entity in network.entities:
        if entity.outside or entity.figures["equity_value"] is None:
            continue
        name = f"equity:{entity.id}"
        inside = sum(h.stake for h in holdings if h.issuer == entity.id)
        made.append(HoldingDraft(name, OUTSIDE_INVESTORS, entity.id, max(0.0, 1.0 - inside), entity.figure("outside_cost")))
        labels[name] = Label("equity", entity.id, OUTSIDE_INVESTORS, DESCRIPTIONS["equity"].format(entity.name))
        table.append(Reconciled(entity=entity.id, line="equity", year=None, reported=1.0, in_deals=inside, residual=max(0.0, 1.0 - inside), unit="share"))
    return made, labels, table
