"""Kinds of deals with their traits, deals with their terms, and helpers that turn a deal into legs and holdings."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from simulate.calendar import Calendar, spread_years
from simulate.deals.legs import AT_ONCE, NO_COLLATERAL, Collateral, Driver, HoldingDraft, LegDraft, PaymentTerms
from simulate.dimensions import DIMENSIONS, Plausible
from simulate.model import CRITICAL, SENIOR, SUBORDINATED, Array

UNSECURED = (CRITICAL, SENIOR, SUBORDINATED)


def term(
    default: Any, dimension: str, text: str, *, low: float | None = 0.0, high: float | None = None, usual: Plausible | None = None, alias: str | None = None
) -> Any:
    """Return the field of a term: default (... when it must be given), dimension of its unit, accepted and plausible range, and a sentence.

    high None: as large as the dimension allows; usual None: plausible as the dimension says.
    """
    high = DIMENSIONS[dimension].most if high is None else high
    plausible = usual or DIMENSIONS[dimension].plausible
    field = Field(default, ge=low, le=high, description=text, alias=alias, json_schema_extra={"dimension": dimension})
    field.metadata += [plausible] if plausible else []
    return field


def text_term(default: Any, text: str) -> Any:
    """Return the field of a term that names something."""
    return Field(default, description=text, json_schema_extra={"dimension": "text"})


class Part(NamedTuple):
    """The share of one deal in a whole that several deals can divide: collateral, the equity of an issuer, cover."""

    deal: str
    share: float


class Terms(BaseModel):
    """Terms that every kind of deal may have.

    Other modules ask the properties instead of single terms; a kind overrides the properties that its own terms change.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)

    seniority: int | None = term(None, "number", "class of the claim, 0 (critical) to 4 (commitment); blank: as the kind says", high=4, alias="class")
    size_low: float | None = term(None, "number", "least size of the deals of the group when they execute, share of the terms", usual=Plausible(0, 3))
    size_high: float | None = term(None, "number", "greatest size of the deals of the group when they execute, share of the terms", usual=Plausible(0, 3))

    silences: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Effects of terms that are blank: what does not happen -> the terms without which it does not."""

    def rank(self, usual: int) -> int:
        """Return the class of the claim: the term, else the class that is usual for the kind."""
        return usual if self.seniority is None else self.seniority

    @property
    def outside_nodes(self) -> tuple[str, ...]:
        """Nodes outside that the legs pay besides the payee."""
        return ()

    @property
    def is_ratio(self) -> bool:
        """True where the schedule holds ratios of the payer's revenue instead of amounts."""
        return False

    @property
    def carries_capacity(self) -> bool:
        """True where the payer's revenue needs capacity that the payee delivers."""
        return False

    @property
    def rents_gw(self) -> float:
        """GW that the payer rents when the deal runs in full."""
        return 0.0

    @property
    def gate(self) -> str:
        """Owner whose delivered GW open the payments; blank: none."""
        return ""

    @property
    def collateral(self) -> Collateral:
        """Collateral that the payer pledges; none unless the kind says otherwise."""
        return NO_COLLATERAL

    @property
    def opening_stake(self) -> float:
        """Share of the payee's equity that the payer holds under the deal at the opening."""
        return 0.0

    @property
    def cover(self) -> Part | None:
        """Deal that this one covers, and the share of its shortfall; None: this deal is no guarantee."""
        return None

    def silent(self) -> dict[str, tuple[str, ...]]:
        """Return what is off because all these terms are blank: effect -> terms."""
        off = {effect: names for effect, names in self.silences.items() if self.model_fields_set.isdisjoint(names)}
        return {effect: tuple(type(self).model_fields[name].alias or name for name in names) for effect, names in off.items()}


TermsType = TypeVar("TermsType", bound=Terms)
AnyTerms = TypeVar("AnyTerms", bound=Terms, covariant=True)


class Deal(NamedTuple, Generic[AnyTerms]):
    """One row of deals.csv with its terms and its schedule by year. Money USD bn."""

    id: str
    kind: str
    payer: str  # owes the money; the holder of a stake
    payee: str  # is owed the money; the issuer of a stake
    amount: float
    status: str
    group: str  # blank: executes surely
    probability: float | None  # of execution; None: as [factors.execution] says for its status
    start: date | None
    end: date | None
    site_group: str
    circle: str
    terms: AnyTerms
    schedule: Mapping[str, Mapping[int, float]]  # item -> year -> USD bn a year, or ratio
    rented_gw: float  # GW that the payer rents in the same site group
    note: str
    place: str  # file and line: the beginning of sentences about it


class Drafts(NamedTuple):
    """Legs and holdings of one deal."""

    legs: tuple[LegDraft, ...] = ()
    holdings: tuple[HoldingDraft, ...] = ()


class Kind(NamedTuple, Generic[TermsType]):
    """A member of the family, with traits that other modules ask for instead of its name.

    name: the word in the column kind of the deals table.
    terms: its section of terms.
    items: the items of the schedules table that it reads.
    draft: makes legs and holdings of a deal.
    check: gives the faults of one deal, as sentences without the place.
    classes: its claims may have these classes.
    debt: its balance is part of the payer's reported debt, and an inside payee lends no draws.
    issues_equity: its payer holds or buys shares in its payee, which is the obligor and needs a value.
    pledgeable: its holding can be the collateral of a loan.
    coverable: a guarantee can cover it.
    """

    name: str
    terms: type[TermsType]
    items: tuple[str, ...]
    draft: Callable[[Deal[TermsType], Calendar], Drafts]
    check: Callable[[Deal[TermsType], Calendar], list[str]]
    classes: tuple[int, ...] = UNSECURED
    debt: bool = False
    issues_equity: bool = False
    pledgeable: bool = False
    coverable: bool = True

    def parties(self, deal: Deal[TermsType]) -> tuple[str, str]:
        """Return obligor and creditor. The obligor of a share is its issuer."""
        return (deal.payee, deal.payer) if self.issues_equity else (deal.payer, deal.payee)


def draft_leg(
    deal: Deal[Terms],
    driver: Driver,
    seniority: int,
    *,
    suffix: str = "",
    payee: str = "",
    operating: float = 0.0,
    ends_with_payee: float = 0.0,
    haircut: float = 0.0,
    payment: PaymentTerms = AT_ONCE,
) -> LegDraft:
    """Draft a leg of a deal; `suffix` tells the legs of one deal apart, `payee` replaces the payee of the deal."""
    return LegDraft(
        name=deal.id + suffix,
        deal=deal.id,
        payer=deal.payer,
        payee=payee or deal.payee,
        driver=driver,
        seniority=seniority,
        group=deal.group,
        operating=operating,
        ends_with_payee=ends_with_payee,
        haircut=haircut,
        payment=payment,
    )


def payment_terms(deal: Deal[Terms], days: float, calendar: Calendar) -> PaymentTerms:
    """Return the payment terms of a deal; a deal that began on or before the opening day runs at the opening."""
    return PaymentTerms(days, is_running(deal, calendar))


def by_step(deal: Deal[Terms], item: str, calendar: Calendar) -> Array:
    """[T] USD bn a step of a schedule item, inside the dates of the deal."""
    return spread_years(calendar, deal.schedule.get(item, {}), active=calendar.active(deal.start, deal.end))


def is_running(deal: Deal[Terms], calendar: Calendar) -> bool:
    """True when the deal began on or before the opening day."""
    return deal.start is not None and deal.start <= calendar.start


def needs_schedule(deal: Deal[Terms], item: str) -> list[str]:
    """A deal that is not completed must have a schedule."""
    if deal.status == "completed" or any(deal.schedule.get(item, {}).values()):
        return []
    return [f"the kind {deal.kind} needs rows '{item}' in the schedules table (USD bn/year by calendar year)"]
