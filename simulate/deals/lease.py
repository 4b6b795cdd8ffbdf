"""Lease: payer = lessee, payee = lessor, which keeps title and residual risk. Rent by year."""

from typing import ClassVar

from simulate.calendar import Calendar
from simulate.deals.kind import Deal, Drafts, Kind, Terms, by_step, draft_leg, needs_schedule, payment_terms, term
from simulate.deals.legs import Scheduled
from simulate.model import SENIOR


class LeaseTerms(Terms):
    """Terms of a lease."""

    silences: ClassVar = {"no damages are due when the lessee fails": ("damages",)}

    days: float = term(0.0, "days", "payment terms")
    ends_with_payee: float = term(0.0, "flag", "1: ends when the lessor fails", high=1)
    damages: float = term(0.0, "share", "claim at default, share of the remaining rent", high=1)
    follow: float = term(0.0, "share", "share of the rent that follows delivery by the lessor", high=1)
    haircut: float = term(0.0, "flag", "1: rent is cut in a restructuring of the lessee", high=1)


def draft_lease(deal: Deal[LeaseTerms], calendar: Calendar) -> Drafts:
    """Draft one scheduled leg."""
    terms = deal.terms
    driver = Scheduled(by_step(deal, "payment", calendar), follow=terms.follow, host=deal.payee if terms.follow else "", damages=terms.damages)
    leg = draft_leg(
        deal,
        driver,
        terms.rank(SENIOR),
        operating=1.0,
        ends_with_payee=terms.ends_with_payee,
        haircut=terms.haircut,
        payment=payment_terms(deal, terms.days, calendar),
    )
    return Drafts(legs=(leg,))


def check_lease(deal: Deal[LeaseTerms], calendar: Calendar) -> list[str]:
    """Rent must be scheduled."""
    return needs_schedule(deal, "payment")


LEASE = Kind("lease", LeaseTerms, ("payment",), draft_lease, check_lease)
