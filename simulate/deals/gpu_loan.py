"""Loan with recourse to its own collateral first (ACTUS: LAM with CEC): chips, core assets or shares, with a loan-to-value covenant.

With `stake_deal` it is the margin loan of a holding company: the shares of that equity_stake are the collateral and
the excess over `ltv` x their value falls due in the step.
"""

from typing import ClassVar

from simulate.calendar import Calendar
from simulate.deals.kind import Deal, Drafts, Kind, term, text_term
from simulate.deals.legs import Collateral
from simulate.deals.loan import DEBT_CLASSES, FLEET_SHARE, LATER_SHARE, DebtTerms, balance_leg, check_balance
from simulate.dimensions import Plausible
from simulate.model import SECURED


class GpuLoanTerms(DebtTerms):
    """Terms of a loan on collateral; at least one of fleet_share, later_share, core_share and stake_deal."""

    silences: ClassVar = DebtTerms.silences | {"there is no covenant on the value of the collateral": ("ltv",)}

    ltv: float = term(0.0, "number", "covenant: balance over collateral value above which the excess falls due; 0: none", usual=Plausible(0, 2))
    fleet_share: float = term(0.0, "share", FLEET_SHARE, high=1)
    later_share: float = term(0.0, "share", LATER_SHARE, high=1)
    core_share: float = term(0.0, "share", "share of the borrower's core value that is collateral", high=1)
    stake_deal: str = text_term("", "equity_stake of the borrower whose shares are collateral")
    stake_share: float = term(1.0, "share", "share of that stake that is pledged", high=1)

    @property
    def collateral(self) -> Collateral:
        """Chips, core assets and shares that secure the loan."""
        return Collateral(
            ltv=self.ltv,
            coll_fleet=self.fleet_share,
            coll_later=self.later_share,
            coll_core=self.core_share,
            coll_holding=self.stake_deal,
            coll_stake=self.stake_share if self.stake_deal else 0.0,
        )


def draft_gpu_loan(deal: Deal[GpuLoanTerms], calendar: Calendar) -> Drafts:
    """Draft one secured leg with its collateral."""
    return Drafts(legs=(balance_leg(deal, calendar, SECURED),))


def check_gpu_loan(deal: Deal[GpuLoanTerms], calendar: Calendar) -> list[str]:
    """A secured loan needs collateral."""
    problems = check_balance(deal, calendar)
    if not (deal.terms.fleet_share or deal.terms.later_share or deal.terms.core_share or deal.terms.stake_deal):
        problems.append("names no collateral; give fleet_share, later_share, core_share or stake_deal in the terms table")
    return problems


GPU_LOAN = Kind("gpu_loan", GpuLoanTerms, ("principal", "draw"), draft_gpu_loan, check_gpu_loan, classes=DEBT_CLASSES, debt=True)
