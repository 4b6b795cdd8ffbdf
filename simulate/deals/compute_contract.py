"""Take-or-pay contract for compute: payer = customer, payee = provider; payment by year, by default for delivered volume.

With `revenue_share` the schedule is a ratio of the payer's revenue and the deal carries no capacity.
"""

from simulate.calendar import Calendar
from simulate.deals.kind import Deal, Drafts, Kind, Terms, by_step, draft_leg, needs_schedule, payment_terms, term
from simulate.deals.legs import RevenueShare, Scheduled, Volume
from simulate.model import CRITICAL, SENIOR, Array


class ComputeContractTerms(Terms):
    """Terms of a compute contract."""

    follow: float = term(1.0, "share", "share of the payment that follows delivery; 0: the payment is fixed", high=1)
    relet: float = term(0.3, "share", "share of lost volume the provider re-lets at the rental price", high=1)
    saved: float = term(0.12, "share", "cost saved on volume that is not re-let", high=1)
    damages: float = term(0.25, "share", "claim at default, share of the remaining payments", high=1)
    haircut: float = term(1.0, "flag", "1: volume is cut in a restructuring of the customer", high=1)
    days: float = term(0.0, "days", "payment terms")
    host_delivers: float = term(1.0, "flag", "1: the provider's fleet delivers", high=1)
    supply: float = term(1.0, "flag", "1: capacity that the customer's revenue needs", high=1)
    critical: float = term(0.0, "flag", "1: the current invoice is paid first (class 0)", high=1)
    revenue_share: float = term(0.0, "flag", "1: the schedule is a ratio of the payer's revenue", high=1)
    milestone_gw: float = term(0.0, "gw", "GW rented when the contract runs in full")

    @property
    def is_ratio(self) -> bool:
        """True where the schedule holds shares of the payer's revenue."""
        return bool(self.revenue_share)

    @property
    def carries_capacity(self) -> bool:
        """True where the payer's revenue needs the capacity and the payment is an amount."""
        return bool(self.supply) and not self.revenue_share

    @property
    def rents_gw(self) -> float:
        """GW rented when the contract runs in full."""
        return self.milestone_gw


def draft_compute_contract(deal: Deal[ComputeContractTerms], calendar: Calendar) -> Drafts:
    """Draft one scheduled leg, or one leg that follows the payer's revenue."""
    terms = deal.terms
    driver: Scheduled | RevenueShare
    if terms.revenue_share:
        driver = RevenueShare(ratio_by_step(deal, calendar))
    else:
        driver = Scheduled(
            by_step(deal, "payment", calendar),
            follow=terms.follow,
            host=deal.payee if terms.host_delivers else "",
            damages=terms.damages,
            volume=Volume(supply=terms.supply, relet=terms.relet, saved=terms.saved),
        )
    leg = draft_leg(
        deal,
        driver,
        terms.rank(CRITICAL if terms.critical else SENIOR),
        operating=1.0,
        ends_with_payee=1.0,
        haircut=terms.haircut,
        payment=payment_terms(deal, terms.days, calendar),
    )
    return Drafts(legs=(leg,))


def ratio_by_step(deal: Deal[ComputeContractTerms], calendar: Calendar) -> Array:
    """[T] the ratio of each step's calendar year, 0 outside the dates of the deal."""
    ratios = deal.schedule.get("payment", {})
    active = calendar.active(deal.start, deal.end)[calendar.offset : calendar.offset + calendar.steps]
    return active * [ratios.get(int(year), 0.0) for year in calendar.year_of_step()]


def check_compute_contract(deal: Deal[ComputeContractTerms], calendar: Calendar) -> list[str]:
    """Payments must be scheduled; a ratio of revenue is at most 1."""
    problems = needs_schedule(deal, "payment")
    if deal.terms.revenue_share and any(ratio > 1 for ratio in deal.schedule.get("payment", {}).values()):
        problems.append("shares more than the whole revenue; with revenue_share = 1 the payments are ratios, at most 1, unit 'share'")
    return problems


COMPUTE_CONTRACT = Kind("compute_contract", ComputeContractTerms, ("payment",), draft_compute_contract, check_compute_contract)
