"""What is accepted but not plausible in the network as a whole: numbers beside their neighbours, names beside each other. Warnings, as sentences."""

from collections.abc import Iterable, Mapping
from itertools import pairwise

from simulate.deals.kind import Deal
from simulate.errors import listed
from simulate.network.read import Network

SUDDEN = 200.0  # times its neighbours: no plan grows like this, and a factor of 1,000 between units does not hide in it
WIDE = 20.0  # times the payments of the run: no contract is so much longer than a run
WIDE_LADDER = 200.0  # the same of principal, which can be small until the end
ROUNDING = 1.5  # payments over amount


def doubts_of(network: Network) -> list[str]:
    """Return a sentence for everything that is doubtful beside something else."""
    return [
        sentence for find in (doubtful_capital, doubtful_plans, doubtful_schedules, doubtful_amounts, deals_outside, names_alike) for sentence in find(network)
    ]


def doubtful_capital(network: Network) -> Iterable[str]:
    """Outside holders have paid in at most what the whole equity is worth."""
    for entity in network.entities:
        value, paid = entity.figures["equity_value"], entity.figure("outside_cost")
        if value is not None and paid > value:
            yield (
                f"{network.names['figures']}: '{entity.id}': outside_cost {paid:g} is more than the whole equity is worth (equity_value {value:g} USD bn); "
                "check the unit of both, or say in a note why holders have paid more."
            )


def doubtful_plans(network: Network) -> Iterable[str]:
    """A year of a plan is no multiple of the years beside it."""
    for entity in network.entities:
        for name, plan in entity.plans.items():
            for sentence in sudden(plan):
                yield f"{network.names['figures']}: '{entity.id}': '{name}' {sentence}"


def doubtful_schedules(network: Network) -> Iterable[str]:
    """A year of a schedule is no multiple of the years beside it, and payments have no gap."""
    file = network.names.get("schedules", "schedules table")
    for deal in network.deals:
        for item, schedule in deal.schedule.items():
            for sentence in sudden(schedule):
                yield f"{file}: deal '{deal.id}': {item} {sentence}"
        years = sorted(deal.schedule.get("payment", {}))
        missing = [str(year) for before, after in pairwise(years) for year in range(before + 1, after)]
        if missing:
            yield f"{file}: deal '{deal.id}': no payment is given for {listed(missing)}, between other years, so none is made; add the year, or write 0 there."


def sudden(by_year: Mapping[int, float]) -> Iterable[str]:
    """Yield the years that are far above the two nearest on either side."""
    years = sorted(year for year, value in by_year.items() if value)
    for k, year in enumerate(years):
        beside = [abs(by_year[other]) for other in (*years[max(0, k - 2) : k], *years[k + 1 : k + 3])]
        if beside and abs(by_year[year]) >= SUDDEN * max(beside):
            yield f"of {year} is {by_year[year]:g}, {abs(by_year[year]) / max(beside):,.0f} times the years beside it; check its unit (USD bn, not mn)."


def doubtful_amounts(network: Network) -> Iterable[str]:
    """The amount of a deal is about what its schedule pays; contracts may reach beyond the run."""
    for deal in network.deals:
        if deal.terms.is_ratio or deal.amount == 0:
            continue
        for item, most in (("payment", WIDE), ("principal", WIDE_LADDER)):
            paid = sum(deal.schedule.get(item, {}).values())
            if paid and deal.amount > most * paid:
                yield f"{deal.place}: amount {deal.amount:g} is {deal.amount / paid:,.0f} times its {item}s ({paid:g} USD bn); check the unit of both."
        yield from overpaid(deal)


def overpaid(deal: Deal) -> Iterable[str]:
    """Payments are not more than the amount."""
    paid = sum(deal.schedule.get("payment", {}).values())
    if paid > ROUNDING * deal.amount:
        yield (
            f"{deal.place}: its payments add up to {paid:g} USD bn, but its amount is {deal.amount:g}; the payments count, so correct the amount "
            "or leave it blank."
        )


def deals_outside(network: Network) -> Iterable[str]:
    """A deal has somebody inside."""
    outside = {entity.id for entity in network.entities if entity.outside}
    for deal in network.deals:
        if {deal.payer, deal.payee} <= outside:
            yield f"{deal.place}: '{deal.payer}' and '{deal.payee}' are both outside, so nobody in the network gains or loses by it; drop it, or correct a party."


def names_alike(network: Network) -> Iterable[str]:
    """No two ids differ in capitals only."""
    first: dict[str, str] = {}
    for identifier in (*(entity.id for entity in network.entities), *(deal.id for deal in network.deals)):
        known = first.setdefault(identifier.lower(), identifier)
        if known != identifier:
            yield f"'{identifier}' and '{known}' differ in capital letters only; if they are one, write them alike."
