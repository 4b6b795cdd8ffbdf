"""Commitment to buy new shares: payer = investor, payee = investee; tranches by year, gated by a host's delivered GW.

Class 4: a missed tranche is a breach, not a default.
"""

from simulate.calendar import Calendar
from simulate.deals.kind import Deal, Drafts, Kind, Terms, by_step, draft_leg, needs_schedule, term, text_term
from simulate.deals.legs import Commitment, HoldingDraft
from simulate.model import COMMITTED


class EquityCommitmentTerms(Terms):
    """Terms of a commitment."""

    stake0: float = term(0.0, "share", "share of the investee held under this deal at the opening", high=1)
    cost0: float = term(0.0, "money", "cost of that share, USD bn")
    gate_host: str = text_term("", "owner whose delivered GW open the tranches")
    gate_gw: float = term(0.0, "gw", "GW added by that owner from which tranches are paid")

    @property
    def gate(self) -> str:
        """Owner whose delivered GW open the tranches; blank: none."""
        return self.gate_host

    @property
    def opening_stake(self) -> float:
        """Share of the investee held at the opening."""
        return self.stake0


def draft_equity_commitment(deal: Deal[EquityCommitmentTerms], calendar: Calendar) -> Drafts:
    """Draft a leg of tranches and the holding that they add to."""
    terms = deal.terms
    driver = Commitment(by_step(deal, "payment", calendar), buys_holding=deal.id, gate_owner=terms.gate_host, gate_gw=terms.gate_gw)
    leg = draft_leg(deal, driver, terms.rank(COMMITTED), ends_with_payee=1.0)
    return Drafts(legs=(leg,), holdings=(HoldingDraft(deal.id, deal.payer, deal.payee, terms.stake0, terms.cost0),))


def check_equity_commitment(deal: Deal[EquityCommitmentTerms], calendar: Calendar) -> list[str]:
    """Tranches must be scheduled; a gate needs host and GW; the class is fixed."""
    problems = needs_schedule(deal, "payment")
    if bool(deal.terms.gate_host) != (deal.terms.gate_gw > 0):
        problems.append("has half a gate; give both gate_host and gate_gw, or neither")
    if deal.terms.seniority not in (None, COMMITTED):
        problems.append("is a commitment and always of class 4; drop the term class")
    return problems


EQUITY_COMMITMENT = Kind(
    "equity_commitment",
    EquityCommitmentTerms,
    ("payment",),
    draft_equity_commitment,
    check_equity_commitment,
    classes=(COMMITTED,),
    issues_equity=True,
    coverable=False,
)
