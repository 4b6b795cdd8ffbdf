"""Lease: payer = lessee, payee = lessor, who keeps title and residual risk. Rent by year."""

from simulate.deals.drafts import SENIOR, Deal, Drafts, Kind, LegDraft, Terms, by_step, is_running, needs_schedule, term
from simulate.model import SCHEDULED
from simulate.plans import Calendar


class LeaseTerms(Terms):
    """Terms of a lease."""

    days: float = term(0.0, "days", "payment terms")
    ends_with_payee: float = term(0.0, "flag", "1: ends when the lessor fails", high=1)
    damages: float = term(0.0, "share", "claim at default, share of the remaining rent", high=1)
    follow: float = term(0.0, "share", "share of the rent that follows delivery by the lessor", high=1)
    haircut: float = term(0.0, "flag", "1: rent is cut in a restructuring of the lessee", high=1)


def draft_lease(deal: Deal, calendar: Calendar) -> Drafts:
    """One scheduled leg."""
    terms = deal.terms
    leg = LegDraft(
        name=deal.id,
        deal=deal.id,
        payer=deal.payer,
        payee=deal.payee,
        driver=SCHEDULED,
        group=deal.group,
        seniority=SENIOR if terms.seniority is None else terms.seniority,
        sched=by_step(deal, "payment", calendar),
        operating=1.0,
        follow=terms.follow,
        host=deal.payee if terms.follow else "",
        ends_with_payee=terms.ends_with_payee,
        haircut=terms.haircut,
        damages=terms.damages,
        days=terms.days,
        running=is_running(deal, calendar),
    )
    return Drafts(legs=(leg,))


def check_lease(deal: Deal, calendar: Calendar) -> list[str]:
    """Rent must be scheduled."""
    return needs_schedule(deal, "payment")


LEASE = Kind("lease", LeaseTerms, ("payment",), draft_lease, check_lease)
