"""Stake: payer = holder, payee = issuer; a share of the issuer's equity with its cost basis."""

from simulate.calendar import Calendar
from simulate.deals.kind import Deal, Drafts, Kind, Terms, term
from simulate.deals.legs import HoldingDraft


class EquityStakeTerms(Terms):
    """Terms of a stake."""

    share: float = term(..., "share", "share of the issuer's equity", high=1)
    cost: float | None = term(None, "money", "cost basis, USD bn; blank: the amount of the deal")

    @property
    def opening_stake(self) -> float:
        """Share of the issuer held at the opening."""
        return self.share


def draft_equity_stake(deal: Deal[EquityStakeTerms], calendar: Calendar) -> Drafts:
    """Draft one holding, no leg."""
    cost = deal.amount if deal.terms.cost is None else deal.terms.cost
    return Drafts(holdings=(HoldingDraft(deal.id, deal.payer, deal.payee, deal.terms.share, cost),))


def check_equity_stake(deal: Deal[EquityStakeTerms], calendar: Calendar) -> list[str]:
    """A stake is held at the opening, so it cannot depend on a draw."""
    if deal.group:
        return ["is a stake held at the opening and cannot depend on the draw of a group; use equity_commitment for shares to come"]
    return []


EQUITY_STAKE = Kind("equity_stake", EquityStakeTerms, (), draft_equity_stake, check_equity_stake, issues_equity=True, pledgeable=True, coverable=False)
