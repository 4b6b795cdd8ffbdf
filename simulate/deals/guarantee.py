"""Guarantee: payer = guarantor, payee = the creditor of the covered deal; a share of the shortfall of its obligor, up to a cap.

A payee other than the creditor is refused: with naked cover clearing may have no greatest solution
(Schuldenzucker, Seuken and Battiston 2020).
"""

from simulate.calendar import Calendar
from simulate.deals import legs
from simulate.deals.kind import Deal, Drafts, Kind, Part, Terms, draft_leg, term, text_term


class GuaranteeTerms(Terms):
    """Terms of a guarantee."""

    covers: str = text_term(..., "deal whose obligor is covered")
    share: float = term(1.0, "share", "share of the shortfall", high=1)
    cap: float | None = term(None, "money", "most that is ever paid, USD bn; blank: the amount of the deal")

    @property
    def cover(self) -> Part:
        """Covered deal, and the share of its shortfall."""
        return Part(self.covers, self.share)


def draft_guarantee(deal: Deal[GuaranteeTerms], calendar: Calendar) -> Drafts:
    """Draft one leg that covers another."""
    terms = deal.terms
    driver = legs.Guarantee(terms.covers, cover_share=terms.share, cover_cap=deal.amount if terms.cap is None else terms.cap)
    return Drafts(legs=(draft_leg(deal, driver, terms.rank(legs.SENIOR)),))


def check_guarantee(deal: Deal[GuaranteeTerms], calendar: Calendar) -> list[str]:
    """A guarantee cannot depend on a draw, and needs a cap."""
    problems = []
    if deal.group:
        problems.append("is a guarantee and cannot depend on the draw of a group; leave the group blank")
    if deal.terms.cap is None and deal.amount <= 0:
        problems.append("has no cap; give the term cap or the amount of the deal (USD bn)")
    return problems


GUARANTEE = Kind("guarantee", GuaranteeTerms, (), draft_guarantee, check_guarantee, coverable=False)
