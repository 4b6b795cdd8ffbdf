"""Loan, bond or ladder of bonds (ACTUS: PAM, LAM): a balance with interest, principal by year and draws by year.

Payer = borrower, payee = lender. The amount is the balance at the opening. Principal comes from the schedule item
`principal` (a ladder is a list of years); the rest falls due in the step of `end` (bullet).
Interest a year on the balance: rate + float x short rate + margin x spread ratio.
"""

from typing import ClassVar

from simulate.calendar import Calendar
from simulate.deals.kind import UNSECURED, Deal, Drafts, Kind, Terms, by_step, draft_leg, is_running, term
from simulate.deals.legs import Balance, Collateral, LegDraft
from simulate.dimensions import Plausible
from simulate.model import SECURED, SENIOR, SUBORDINATED

DEBT_CLASSES = (*UNSECURED, SECURED)
FLEET_SHARE = "share of the chips the borrower has at the opening that is collateral"
LATER_SHARE = "share of the chips it buys later that is collateral"


class DebtTerms(Terms):
    """Interest of any debt."""

    silences: ClassVar = {"the loan bears no interest": ("rate", "float_", "margin")}

    rate: float = term(0.0, "rate", "fixed part of the rate, per year")
    float_: float = term(0.0, "number", "multiple of the short rate that is paid on top", usual=Plausible(0, 1.5), alias="float")
    margin: float = term(0.0, "rate", "margin over the short rate at a spread ratio of 1, per year")


class LoanTerms(DebtTerms):
    """Terms of a loan or bond."""

    secured: float = term(0.0, "flag", "1: class 1, paid from its own collateral", high=1)
    subordinated: float = term(0.0, "flag", "1: class 3", high=1)
    fleet_share: float = term(0.0, "share", FLEET_SHARE, high=1)
    later_share: float = term(0.0, "share", LATER_SHARE, high=1)
    core_share: float = term(0.0, "share", "share of the borrower's core value that is collateral", high=1)

    @property
    def collateral(self) -> Collateral:
        """Chips and core assets that secure the loan."""
        return Collateral(coll_fleet=self.fleet_share, coll_later=self.later_share, coll_core=self.core_share)


def draft_loan(deal: Deal[LoanTerms], calendar: Calendar) -> Drafts:
    """Draft one leg that is driven by its balance."""
    terms = deal.terms
    return Drafts(legs=(balance_leg(deal, calendar, SECURED if terms.secured else SUBORDINATED if terms.subordinated else SENIOR),))


def balance_leg(deal: Deal[DebtTerms], calendar: Calendar, usual: int) -> LegDraft:
    """Draft the leg of any debt; `usual` is its class unless its terms give one."""
    terms = deal.terms
    driver = Balance(
        draw=by_step(deal, "draw", calendar),
        principal=by_step(deal, "principal", calendar),
        bal0=opening_balance(deal, calendar),
        last_step=None if deal.end is None else calendar.step_of(deal.end),
        rate_fixed=terms.rate,
        rate_float=terms.float_,
        rate_spread=terms.margin,
        collateral=terms.collateral,
    )
    return draft_leg(deal, driver, terms.rank(usual))


def opening_balance(deal: Deal[DebtTerms], calendar: Calendar) -> float:
    """USD bn drawn at the opening; a loan that starts later is drawn by its schedule."""
    return deal.amount if deal.start is None or is_running(deal, calendar) else 0.0


def check_loan(deal: Deal[LoanTerms], calendar: Calendar) -> list[str]:
    """Balance, draws and principal must fit each other."""
    problems = check_balance(deal, calendar)
    if deal.terms.secured and deal.terms.subordinated:
        problems.append("is both secured and subordinated; choose one")
    if deal.terms.secured and not (deal.terms.fleet_share or deal.terms.later_share or deal.terms.core_share):
        problems.append("is secured but names no collateral; give fleet_share, later_share or core_share, or use the kind gpu_loan")
    return problems


def check_balance(deal: Deal[DebtTerms], calendar: Calendar) -> list[str]:
    """Return the faults that any debt can have."""
    opening = opening_balance(deal, calendar)
    drawn = sum(deal.schedule.get("draw", {}).values())
    repaid = sum(deal.schedule.get("principal", {}).values())
    problems = []
    if opening == 0 and drawn == 0:
        problems.append("has no balance: give the amount drawn at the opening (a deal that started), or rows 'draw' in the schedules table")
    if repaid > (opening + drawn) * (1 + 1e-9):
        problems.append(f"repays {repaid:g} USD bn, more than its balance {opening:g} plus draws {drawn:g}; correct the principal rows")
    if opening > 0 and deal.group:
        problems.append("has an opening balance, so it cannot depend on the draw of a group; leave the group blank")
    if deal.end is not None and calendar.step_of(deal.end) < 0:
        problems.append(f"ended on {deal.end}, before the run starts; drop the row or correct the end")
    return problems


LOAN = Kind("loan", LoanTerms, ("principal", "draw"), draft_loan, check_loan, classes=DEBT_CLASSES, debt=True)
BOND = LOAN._replace(name="bond")
