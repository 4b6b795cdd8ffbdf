"""What is left blank: mechanisms that are off because of it, and figures and terms that have their default."""

from collections.abc import Callable
from typing import Any, NamedTuple

from simulate.deals import KINDS
from simulate.errors import listed
from simulate.network.entities import Entity
from simulate.network.figures import FIGURES
from simulate.network.read import Network


class Silent(NamedTuple):
    """A mechanism that is off for an entity when all these figures are blank, and the entities for which that matters."""

    figures: tuple[str, ...]
    effect: str
    matters: Callable[[Entity, Network], bool]


class Default(NamedTuple):
    """A figure, term or parameter that nobody gave, its value, and the entities or deals that have it; none for parameters of the scenario."""

    name: str  # of a term with its kind, of a parameter with its sections
    value: Any
    of: tuple[str, ...] = ()


def has_process(entity: Entity, network: Network) -> bool:
    """True where revenue has a process of its own."""
    return "process_sd0" in entity.given


def has_revenue(entity: Entity, network: Network) -> bool:
    """True where a plan gives external revenue."""
    return any(any(entity.plans.get(plan, {}).values()) for plan in ("plan_revenue", "plan_ocf"))


def has_only_demand(entity: Entity, network: Network) -> bool:
    """True where revenue can follow the demand of the labs, having no process of its own."""
    return has_revenue(entity, network) and not has_process(entity, network)


def has_fleet_revenue(entity: Entity, network: Network) -> bool:
    """True for the owner of a fleet that has revenue from outside."""
    return entity.is_owner and has_revenue(entity, network)


def has_outside_owners(entity: Entity, network: Network) -> bool:
    """True where the equity has a price and is not held inside altogether."""
    held = sum(deal.terms.opening_stake for deal in network.deals if deal.payee == entity.id)
    return entity.figures["equity_value"] is not None and held < 1 - 1e-9


def has_debt(entity: Entity, network: Network) -> bool:
    """True where more debt is reported than the listed deals owe."""
    listed_debt = sum(deal.amount for deal in network.deals if deal.payer == entity.id and KINDS[deal.kind].debt)
    return (entity.figures["reported_debt"] or 0.0) > listed_debt * (1 + 1e-9)


def raises_debt(entity: Entity, network: Network) -> bool:
    """True where new debt is raised in the market."""
    return entity.figure("fund_advance") + entity.figure("fund_flat") > 0


def has_core(entity: Entity, network: Network) -> bool:
    """True where assets beside business and fleet have a value."""
    return bool(entity.figures["core_on"] or entity.figures["core_value"])


def plans_capex(entity: Entity, network: Network) -> bool:
    """True where capital expenditure is planned."""
    return any(entity.plans.get("plan_capex", {}).values())


def always(entity: Entity, network: Network) -> bool:
    """True for every inside entity."""
    return True


SILENT = (
    Silent(("ai_share",), "revenue does not react to its own process", has_process),
    Silent(("ai_share",), "revenue does not react to demand for AI", has_only_demand),
    Silent(("process_loading",), "the revenue process does not move with the demand driver", has_process),
    Silent(("regime_shift",), "the revenue process loses nothing in disappointment", has_process),
    Silent(("capacity_share",), "revenue does not react to the capacity that the fleet delivers", has_fleet_revenue),
    Silent(("rental_share",), "revenue does not react to the rental price of compute", has_fleet_revenue),
    Silent(("equity_value",), "the equity has no price, so owners lose nothing at a default", always),
    Silent(("outside_cost",), "outside owners lose nothing at a default", has_outside_owners),
    Silent(("reported_debt",), "there is no debt besides the listed deals", always),
    Silent(("debt_rate", "debt_float", "debt_margin"), "debt outside the network bears no interest", has_debt),
    Silent(("fund_phi", "fund_advance", "fund_flat"), "no money is raised in the market", always),
    Silent(("fund_leverage", "fund_ltv"), "new debt has no limit from earnings or holdings", raises_debt),
    Silent(("new_debt_margin",), "new debt costs the short rate without a margin", raises_debt),
    Silent(("committed",), "no capex is committed", plans_capex),
    Silent(("follow",), "capex does not react to receipts", plans_capex),
    Silent(("core_haircut",), "the core loses nothing in a liquidation", has_core),
)


def silent_mechanisms(network: Network) -> list[str]:
    """Return a sentence for every mechanism that is off because figures or terms are blank, with the entities or deals for which it matters."""
    found: dict[str, list[str]] = {}
    inside = [entity for entity in network.entities if not entity.outside]
    for silent in SILENT:
        for entity in inside:
            if entity.given.isdisjoint(silent.figures) and silent.matters(entity, network):
                found.setdefault(f"{silent.effect}, because {blank(silent.figures)}.", []).append(entity.id)
    for deal in network.deals:
        for effect, terms in deal.terms.silent().items():
            found.setdefault(f"{effect}, because {blank(terms)}.", []).append(deal.id)
    return [f"{listed(names)}: {sentence}" for sentence, names in found.items()]


def blank(names: tuple[str, ...]) -> str:
    """Say that names are blank."""
    return f"{listed(names)} {'is' if len(names) == 1 else 'are'} blank"


def default_figures(network: Network) -> list[Default]:
    """Return the figures that have their default, each with its entities; those that are not read without another figure only beside it."""
    found = []
    for name, kind in FIGURES.items():
        if kind.default is None:
            continue
        entities = tuple(
            entity.id
            for entity in network.entities
            if not entity.outside
            and name not in entity.given
            and (not kind.beside or any(other in entity.given or other in entity.plans for other in kind.beside))
        )
        if entities:
            found.append(Default(name, kind.default, entities))
    return found


def default_terms(network: Network) -> list[Default]:
    """Return the terms that have their default, each with its deals; those without a default say nothing."""
    found: dict[str, Default] = {}
    for deal in network.deals:
        for name, field in type(deal.terms).model_fields.items():
            if name in deal.terms.model_fields_set or field.is_required() or field.default in (None, ""):
                continue
            key = f"{deal.kind}.{field.alias or name}"
            known = found.get(key, Default(key, field.default))
            found[key] = known._replace(of=(*known.of, deal.id))
    return list(found.values())
