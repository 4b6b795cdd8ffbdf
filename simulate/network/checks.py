"""Checks that need the whole network: shares that add up, covers that exist, nodes that must be there."""

from collections import defaultdict
from collections.abc import Iterable

from simulate.calendar import Calendar
from simulate.deals import KINDS
from simulate.deals.kind import Deal, Part
from simulate.errors import did_you_mean, listed
from simulate.model import COMMITTED, SECURED
from simulate.network.entities import Entity
from simulate.network.read import Network

ALWAYS_NEEDED = {
    "operations": "receives operating cost",
    "construction": "receives the capex that vendors do not",
    "bond_market": "lends all debt that is no listed deal",
    "outside_investors": "buys new equity",
}
ROUNDING = 1e-9
PLANS_OF_BRIDGE: dict[str, tuple[str, ...]] = {"fcf": ("plan_revenue", "plan_fcf"), "ocf": ("plan_ocf",), "margin": ("plan_revenue",), "none": ()}
SURE = "sure"  # group of deals that execute surely


def check_network(network: Network, calendar: Calendar | None) -> list[str]:
    """Return all faults of the network as a whole, in sentences."""
    problems: list[str] = []
    file = network.names
    for check in (
        check_nodes,
        check_classes,
        check_equity,
        check_circles,
        check_collateral,
        check_guarantees,
        check_groups,
        check_draws,
        check_hosts,
        check_vendors,
    ):
        problems.extend(check(network))
    for entity in network.entities:
        if not entity.outside:
            problems.extend(f"{file['figures']}: '{entity.id}': {sentence}." for sentence in check_figures(entity, calendar))
    if not any(e.lab and e.figures["process_sd0"] is not None for e in network.entities):
        problems.append(
            f"{file['entities']}: no lab has a revenue process, so there is no demand; set lab = 1 for at least one entity and give it process_sd0."
        )
    return problems


def is_outside(network: Network, identifier: str) -> bool:
    """True for outside nodes and for names that are refused elsewhere."""
    entity = network.entity(identifier)
    return entity is None or entity.outside


def check_nodes(network: Network) -> Iterable[str]:
    """The outside nodes that compile needs are there."""
    needed = dict(ALWAYS_NEEDED)
    for deal in network.deals:
        for node in deal.terms.outside_nodes:
            needed.setdefault(node, f"takes part in '{deal.id}'")
    for node, why in needed.items():
        entity = network.entity(node)
        if entity is None:
            yield f"{network.names['entities']}: there is no node '{node}', which {why}; add it with role 'outside'."
        elif not entity.outside:
            yield f"{entity.place}: this node {why}; its role must be 'outside'."


def check_classes(network: Network) -> Iterable[str]:
    """Only debts are secured (class 1), only commitments are of class 4: a step pays these two in ways of their own."""
    for deal in network.deals:
        rank, classes = deal.terms.seniority, KINDS[deal.kind].classes
        if rank == COMMITTED and COMMITTED not in classes:
            yield f"{deal.place}: a {deal.kind} cannot be of class 4, which is for commitments; give a class from 0 to 3, or drop the term."
        if rank == SECURED and SECURED not in classes:
            yield f"{deal.place}: a {deal.kind} cannot be of class 1 (secured), which is for loans and bonds; give class 0, 2 or 3, or drop the term."


def check_equity(network: Network) -> Iterable[str]:
    """Issuers have a value and are not sold more than once."""
    stakes: dict[str, list[Part]] = defaultdict(list)
    for deal in network.deals:
        if not KINDS[deal.kind].issues_equity:
            continue
        issuer = network.entity(deal.payee)
        if issuer is not None and (issuer.outside or issuer.figures["equity_value"] is None):
            yield f"{deal.place}: '{deal.payee}' issues shares but has no equity_value; add the figure" + (
                ", which only inside entities have." if issuer.outside else " to the figures table."
            )
        stakes[deal.payee].append(Part(deal.id, deal.terms.opening_stake))
    for name, parts in stakes.items():
        total = sum(part.share for part in parts)
        if total > 1 + ROUNDING:
            yield f"{network.names['terms']}: the shares in '{name}' add up to {total:g} ({in_words(parts)}); they must not exceed 1."


def check_circles(network: Network) -> Iterable[str]:
    """No firms own each other wholly: such a circle has any value or none (Elliott, Golub and Jackson 2014)."""
    owners: dict[str, list[Part]] = defaultdict(list)
    for deal in network.deals:
        if not is_outside(network, deal.payer):
            owners[deal.payee].append(Part(deal.payer, deal.terms.opening_stake))
    circle = {issuer for issuer, parts in owners.items() if sum(part.share for part in parts) >= 1 - ROUNDING}
    while outer := {issuer for issuer in circle if any(part.share > 0 and part.deal not in circle for part in owners[issuer])}:
        circle -= outer
    if circle:
        yield (
            f"{network.names['terms']}: {listed(sorted(circle))} own each other wholly, so their shares have no value of their own; "
            "leave a part of one of them to somebody else."
        )


def check_collateral(network: Network) -> Iterable[str]:
    """Nothing is pledged twice, and the payer has everything that it pledges."""
    pledged: dict[tuple[str, str], list[Part]] = defaultdict(list)
    for deal in network.deals:
        collateral, borrower = deal.terms.collateral, network.entity(deal.payer)
        for what, share, key in (("opening fleet", collateral.coll_fleet, "fleet_share"), ("later fleet", collateral.coll_later, "later_share")):
            if share > 0:
                pledged[(what, deal.payer)].append(Part(deal.id, share))
                if borrower is not None and not borrower.is_owner:
                    yield f"{deal.place}: '{deal.payer}' owns no fleet to pledge; give it the figures gw and fleet_cost, or drop {key}."
        if collateral.coll_core > 0:
            pledged[("core value", deal.payer)].append(Part(deal.id, collateral.coll_core))
        if collateral.coll_holding:
            pledged[("stake", collateral.coll_holding)].append(Part(deal.id, collateral.coll_stake))
            yield from check_pledged_stake(network, deal, collateral.coll_holding)
    for (what, owner), parts in pledged.items():
        total = sum(part.share for part in parts)
        if total > 1 + ROUNDING:
            yield f"{network.names['terms']}: the collateral shares of the {what} of '{owner}' add up to {total:g} ({in_words(parts)}); they must not exceed 1."


def check_pledged_stake(network: Network, deal: Deal, stake: str) -> Iterable[str]:
    """A pledged stake is there, and the borrower holds it."""
    names = " or ".join(kind.name for kind in KINDS.values() if kind.pledgeable)
    stakes = {deal.id: deal for deal in network.deals if KINDS[deal.kind].pledgeable}
    if stake not in stakes:
        yield f"{deal.place}: stake_deal '{stake}' is no {names}{did_you_mean(stake, stakes)}; name one of {listed(stakes) or 'none there'}."
    elif stakes[stake].payer != deal.payer:
        yield f"{deal.place}: pledges '{stake}', which '{stakes[stake].payer}' holds; the borrower '{deal.payer}' can pledge only its own stakes."


def check_guarantees(network: Network) -> Iterable[str]:
    """A guarantee protects the creditor of the deal that it covers, once."""
    deals = {deal.id: deal for deal in network.deals}
    covered: dict[str, list[Part]] = defaultdict(list)
    for deal in network.deals:
        cover = deal.terms.cover
        if cover is None:
            continue
        target = deals.get(cover.deal)
        if target is None:
            yield f"{deal.place}: covers '{cover.deal}', which is no deal{did_you_mean(cover.deal, deals)}; name the deal it covers."
            continue
        covered[target.id].append(Part(deal.id, cover.share))
        if not KINDS[target.kind].coverable:
            yield f"{deal.place}: covers '{target.id}' of the kind {target.kind}; only debts, contracts, purchases and leases can be covered."
        elif target.payee != deal.payee:
            yield (
                f"{deal.place}: is a naked guarantee: it pays '{deal.payee}', but '{target.id}' is owed to '{target.payee}'; "
                f"the payee must be '{target.payee}'."
            )
        if target.payer == deal.payer:
            yield f"{deal.place}: '{deal.payer}' guarantees its own debt '{target.id}'; the guarantor must be somebody else."
    for name, parts in covered.items():
        total = sum(part.share for part in parts)
        if total > 1 + ROUNDING:
            yield f"{network.names['terms']}: the guarantees of '{name}' cover {total:g} of it ({in_words(parts)}); together at most 1."


def in_words(parts: Iterable[Part]) -> str:
    """Join shares by deal for a sentence."""
    return listed(f"{part.deal} {part.share:g}" for part in parts)


def check_groups(network: Network) -> Iterable[str]:
    """Deals of one group share one draw of execution and size."""
    for name, deals in groups_of(network).items():
        chances = {f"that of '{deal.status}'" if deal.probability is None else f"{deal.probability:g}" for deal in deals}
        if len(chances) > 1:
            yield (
                f"{network.names['deals']}: the deals of the group '{name}' ({listed(d.id for d in deals)}) have the probabilities "
                f"{listed(sorted(chances))}; one draw decides all of them, so they must agree."
            )
        if name == SURE:
            yield f"{network.names['deals']}: the group name '{SURE}' is taken by the deals without a group; name it otherwise."
        for what in ("size_low", "size_high"):
            sizes = {getattr(deal.terms, what) for deal in deals} - {None}
            if len(sizes) > 1:
                yield f"{network.names['terms']}: the group '{name}' has {what} {listed(sorted(f'{s:g}' for s in sizes))}; they must agree."
        low, high = size_of(deals, low=0.0, high=float("inf"))
        if low > high:
            yield f"{network.names['terms']}: the group '{name}' has size_low {low:g} above size_high {high:g}; swap them."
    for deal in network.deals:
        if not deal.group and (deal.terms.size_low is not None or deal.terms.size_high is not None):
            yield f"{deal.place}: has a size but no group; sizes are drawn by group, so name its group."


def groups_of(network: Network) -> dict[str, list[Deal]]:
    """Return deals by group, in order of appearance."""
    groups: dict[str, list[Deal]] = {}
    for deal in network.deals:
        if deal.group:
            groups.setdefault(deal.group, []).append(deal)
    return groups


def size_of(deals: Iterable[Deal], low: float = 1.0, high: float = 1.0) -> tuple[float, float]:
    """Return least and greatest size of a group; `low` and `high` unless its deals give them."""
    lows = [deal.terms.size_low for deal in deals if deal.terms.size_low is not None]
    highs = [deal.terms.size_high for deal in deals if deal.terms.size_high is not None]
    return (lows[0] if lows else low), (highs[0] if highs else high)


def check_draws(network: Network) -> Iterable[str]:
    """Draws come from outside: the model has no dues of an inside lender for them."""
    for deal in network.deals:
        if KINDS[deal.kind].debt and any(deal.schedule.get("draw", {}).values()) and not is_outside(network, deal.payee):
            yield f"{deal.place}: draws come from '{deal.payee}', which is inside; the lender of draws must be an outside node."


def check_hosts(network: Network) -> Iterable[str]:
    """A host owns a fleet; a payer that needs capacity has the figure headroom."""
    for deal in network.deals:
        gate = deal.terms.gate
        owners = [e.id for e in network.entities if e.is_owner]
        if gate and gate not in owners:
            yield f"{deal.place}: gate_host '{gate}' owns no fleet{did_you_mean(gate, owners)}; name one of {listed(owners) or 'none there'}."
        payer = network.entity(deal.payer)
        if deal.terms.carries_capacity and payer is not None and not payer.outside and payer.figures["headroom"] is None:
            yield f"{deal.place}: carries capacity of '{deal.payer}', whose figure 'headroom' is missing; add it, or set the term supply to 0."


def check_vendors(network: Network) -> Iterable[str]:
    """Shares of capex add up to at most 1 and belong to an inside entity."""
    shares: dict[str, float] = defaultdict(float)
    file = network.names.get("vendors", "vendors table")
    for vendor in network.vendors:
        shares[vendor.entity] += vendor.share
        if is_outside(network, vendor.entity):
            yield f"{vendor.place}: '{vendor.entity}' is outside and has no capex here; drop the row."
        if vendor.entity == vendor.vendor:
            yield f"{vendor.place}: '{vendor.entity}' buys from itself; name another vendor or drop the row."
    for entity, total in shares.items():
        if total > 1 + ROUNDING:
            yield f"{file}: the vendor shares of '{entity}' add up to {total:g}; they must not exceed 1."


def check_figures(entity: Entity, calendar: Calendar | None) -> Iterable[str]:
    """Figures that another figure, the bridge or a flag needs are there."""
    needed: dict[str, str] = {}
    if entity.is_owner:
        needed |= dict.fromkeys(("gw", "fleet_cost", "book_life", "cost_per_gw", "chip_of_capex"), "is an owner of a fleet")
    if entity.bridge == "margin":
        needed["ebitda_margin"] = "has the bridge 'margin'"
    if entity.lab:
        needed["process_sd0"] = "is a lab"
    for name, why in needed.items():
        if entity.figures[name] is None:
            yield f"{why} and needs the figure '{name}'; add it"
    if not entity.is_owner and entity.figure("capacity_share") > 0:
        yield "has a capacity_share but no fleet; give it gw and fleet_cost, or drop capacity_share"
    if entity.bridge == "ocf" and entity.figure("cost_var") > 0:
        yield "has the bridge 'ocf', which has no cost of its own; drop cost_var"
    if entity.figures["core_on"] and "core_value" in entity.given:
        yield "has a core_value and core_on = 1, which solves it; keep one of the two"
    for figure, does in (("fund_phi", "raises equity"), ("rescue", "issues shares as a last resort")):
        if entity.figure(figure) > 0 and entity.figures["equity_value"] is None:
            yield f"{does} ({figure}) and needs the figure 'equity_value'; add it"
    if entity.figures["process_sd0"] is not None and entity.figure("surprise_sd") > 0:
        yield "has a revenue process (process_sd0), whose shocks are its surprises; drop surprise_sd"
    if calendar is not None:
        yield from check_plans(entity, calendar)


def needed_plans(entity: Entity) -> tuple[str, ...]:
    """Return the plans that must cover every year of a run: those that the bridge reads, and capex where there is any."""
    return (*PLANS_OF_BRIDGE[entity.bridge], *(name for name in entity.plans if name == "plan_capex"))


def check_plans(entity: Entity, calendar: Calendar) -> Iterable[str]:
    """Plans cover every year of the run; a plan that the bridge does not read would be ignored."""
    wanted = PLANS_OF_BRIDGE[entity.bridge]
    for name in needed_plans(entity):
        missing = [year for year in calendar.years if year not in entity.plans.get(name, {})]
        if missing:
            yield f"'{name}' is missing for {listed(map(str, missing))}; the run needs {calendar.years[0]} to {calendar.years[-1]}"
    for name in entity.plans:
        if name not in (*wanted, "plan_capex", "debt_principal"):
            yield f"'{name}' is not read by the bridge '{entity.bridge}' (it reads {listed(wanted) or 'no plan'}); drop the rows or change the bridge"
