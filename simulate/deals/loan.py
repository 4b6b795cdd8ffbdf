"""Loan, bond or ladder of bonds (ACTUS: PAM, LAM): a balance with interest, principal by year and draws by year.

Payer = borrower, payee = lender. The amount is what is drawn at the opening. Principal comes from the schedule item
`principal` (a ladder is a list of years); what is left falls due in the step of `end` (bullet).
Interest a year on the balance: rate + float x short rate + margin x spread ratio.
"""

from simulate.deals.drafts import SECURED, SENIOR, SUBORDINATED, Deal, Drafts, Kind, LegDraft, Terms, by_step, is_running, term
from simulate.model import BALANCE
from simulate.plans import Calendar


class LoanTerms(Terms):
    """Terms of a loan or bond."""

    rate: float = term(0.0, "rate", "fixed part of the rate, per year")
    float_: float = term(0.0, "number", "multiple of the short rate that is paid on top", alias="float")
    margin: float = term(0.0, "rate", "margin over the short rate at a spread ratio of 1, per year")
    secured: float = term(0.0, "flag", "1: class 1, paid from its own collateral", high=1)
    subordinated: float = term(0.0, "flag", "1: class 3", high=1)
    fleet_share: float = term(0.0, "share", "share of the borrower's fleet that is collateral", high=1)
    core_share: float = term(0.0, "share", "share of the borrower's core value that is collateral", high=1)


def draft_loan(deal: Deal, calendar: Calendar) -> Drafts:
    """One leg driven by its balance."""
    return Drafts(legs=(loan_leg(deal, calendar),))


def loan_leg(deal: Deal, calendar: Calendar, **collateral) -> LegDraft:
    """The balance leg of any loan."""
    terms = deal.terms
    secured = getattr(terms, "secured", 1.0)
    seniority = SECURED if secured else SUBORDINATED if terms.subordinated else SENIOR
    return LegDraft(
        name=deal.id,
        deal=deal.id,
        payer=deal.payer,
        payee=deal.payee,
        driver=BALANCE,
        group=deal.group,
        seniority=seniority if terms.seniority is None else terms.seniority,
        bal0=opening_balance(deal, calendar),
        principal=by_step(deal, "principal", calendar),
        draw=by_step(deal, "draw", calendar),
        last_step=None if deal.end is None else calendar.step_of(deal.end),
        rate_fixed=terms.rate,
        rate_float=terms.float_,
        rate_spread=terms.margin,
        coll_fleet=terms.fleet_share,
        coll_core=terms.core_share,
        **collateral,
    )


def opening_balance(deal: Deal, calendar: Calendar) -> float:
    """USD bn drawn at the opening; a loan that starts later is drawn by its schedule."""
    return deal.amount if deal.start is None or is_running(deal, calendar) else 0.0


def check_loan(deal: Deal, calendar: Calendar) -> list[str]:
    """Balance, draws and principal must fit each other."""
    problems = check_balance(deal, calendar)
    if deal.terms.secured and deal.terms.subordinated:
        problems.append("is both secured and subordinated; choose one")
    if deal.terms.secured and not (deal.terms.fleet_share or deal.terms.core_share):
        problems.append("is secured but names no collateral; give fleet_share or core_share, or use the kind gpu_loan")
    return problems


def check_balance(deal: Deal, calendar: Calendar) -> list[str]:
    """What holds for every debt."""
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


LOAN = Kind("loan", LoanTerms, ("principal", "draw"), draft_loan, check_loan)
BOND = Kind("bond", LoanTerms, ("principal", "draw"), draft_loan, check_loan)
