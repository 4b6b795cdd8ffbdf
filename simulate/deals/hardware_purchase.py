"""Purchase of chips: payer = buyer, payee = vendor; the vendor keeps the cash margin, the rest goes to the vendor's own suppliers.

A financed share is lent by outside lessors as the chips are paid and repaid in equal parts over `finance_years`.
In a site group the purchase applies to the GW above those that the buyer rents there: a hosted lab pays rent, and the
host buys the chips.
"""

import numpy as np

from simulate.calendar import Calendar
from simulate.deals.kind import Deal, Drafts, Kind, Terms, by_step, draft_leg, needs_schedule, term
from simulate.deals.legs import Balance, Scheduled
from simulate.model import SENIOR, Array

SUPPLIERS = "chip_suppliers"
LESSORS = "lessors"


class HardwarePurchaseTerms(Terms):
    """Terms of a purchase."""

    margin: float = term(..., "share", "cash margin of the vendor", high=1)
    replaces: float = term(0.0, "share", "share of the payment that replaces fixed cost of the buyer", high=1)
    financed_share: float = term(0.0, "share", "share that outside lessors lend", high=1)
    finance_years: float = term(5.0, "years", "equal repayment over so many years")
    finance_rate: float = term(0.0, "rate", "fixed rate of the lessors, per year")
    gw: float = term(0.0, "gw", "GW that the purchase equips; with a site group, less the GW rented there")

    @property
    def outside_nodes(self) -> tuple[str, ...]:
        """Suppliers of the vendor, and lessors where a share is financed."""
        return (SUPPLIERS, LESSORS) if self.financed_share > 0 else (SUPPLIERS,)


def draft_hardware_purchase(deal: Deal[HardwarePurchaseTerms], calendar: Calendar) -> Drafts:
    """Draft legs of the vendor's margin, of the suppliers' cost and, when financed, of the lessors' balance."""
    terms = deal.terms
    payment = by_step(deal, "payment", calendar) * own_share(deal)
    margin = Scheduled(payment * terms.margin, replaces=terms.replaces)
    cost = Scheduled(payment * (1 - terms.margin), replaces=terms.replaces)
    rank = terms.rank(SENIOR)
    legs = [
        draft_leg(deal, margin, rank, operating=1.0, ends_with_payee=1.0),
        draft_leg(deal, cost, rank, suffix=":suppliers", payee=SUPPLIERS, operating=1.0),
    ]
    if terms.financed_share > 0:
        draw = payment * terms.financed_share
        loan = Balance(draw, equal_parts(draw, terms.finance_years / calendar.dt), rate_fixed=terms.finance_rate)
        legs.append(draft_leg(deal, loan, SENIOR, suffix=":financed", payee=LESSORS))
    return Drafts(legs=tuple(legs))


def own_share(deal: Deal[HardwarePurchaseTerms]) -> float:
    """Share of the purchase that is not already rented in the same site group."""
    if not deal.site_group or deal.terms.gw <= 0:
        return 1.0
    return max(0.0, 1.0 - deal.rented_gw / deal.terms.gw)


def equal_parts(draw: Array, parts: float) -> Array:
    """[T] principal when every draw is repaid in equal parts over the next steps."""
    count = max(1, round(parts))
    principal = np.zeros(len(draw))
    for t, amount in enumerate(draw):
        principal[t + 1 : t + 1 + count] += amount / count
    return principal


def check_hardware_purchase(deal: Deal[HardwarePurchaseTerms], calendar: Calendar) -> list[str]:
    """Payments must be scheduled; a financed share needs a rate and years; a site group needs the GW of the purchase."""
    problems = needs_schedule(deal, "payment")
    if deal.terms.financed_share > 0 and (deal.terms.finance_rate <= 0 or deal.terms.finance_years <= 0):
        problems.append("is financed; give finance_rate (per year) and finance_years above 0")
    if deal.site_group and deal.terms.gw <= 0:
        problems.append(f"is in the site group '{deal.site_group}'; give the term gw, so that rented GW can be taken off")
    return problems


HARDWARE_PURCHASE = Kind("hardware_purchase", HardwarePurchaseTerms, ("payment",), draft_hardware_purchase, check_hardware_purchase)
