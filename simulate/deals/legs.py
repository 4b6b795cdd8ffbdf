"""Obligations with names: the head that every leg has, one class per driver (docs/model.md 4.3), and parts that some drivers have.

Every field bears the name of a field of `simulate.model.Legs`, which explains it, and `simulate.compile.rows.leg_rows` copies fields of the same name:
a new term of a leg is a field here and a field there. Text names a row (an entity, a deal, a leg); blank: none. A comment marks the fields from
which others are only derived. Money USD bn, [T] by step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from simulate.calendar import Course, run_balance
from simulate.model import BALANCE, CAPEX, COMMITMENT, GUARANTEE, OPEX, REVENUE_SHARE, SCHEDULED, SENIOR, Array

DAYS_OF_TERMS = 365.0  # payment terms count days of a plain year


# Parts


@dataclass(frozen=True)
class PaymentTerms:
    """Terms under which a share of the earned amount is paid one step later. They serve to derive the delay and the opening receivable."""

    days: float = 0.0
    running: bool = False  # True: the deal ran before the opening, so the receivable of its terms is outstanding

    def delay(self, dt: float) -> float:
        """Share of the amount earned in a step that is paid one step later. Compile refuses terms longer than a step."""
        return self.days / (DAYS_OF_TERMS * dt)


AT_ONCE = PaymentTerms()


@dataclass(frozen=True)
class Collateral:
    """Collateral of a balance: shares of the payer's chips (of the opening, bought later), of its core value and of a stake that it holds."""

    ltv: float = 0.0
    coll_fleet: float = 0.0
    coll_later: float = 0.0
    coll_core: float = 0.0
    coll_holding: str = ""  # deal of the holding
    coll_stake: float = 0.0


NO_COLLATERAL = Collateral()


@dataclass(frozen=True)
class Volume:
    """Volume of a provider that can be lost and re-let."""

    contract: float = 1.0
    supply: float = 0.0
    relet: float = 0.0
    saved: float = 0.0


# Drivers


@dataclass(frozen=True)
class Scheduled:
    """Amounts by step, of which a share may follow delivery by a host."""

    number: ClassVar[int] = SCHEDULED
    sched: Array
    follow: float = 0.0
    host: str = ""
    replaces: float = 0.0
    damages: float = 0.0
    volume: Volume | None = None

    @property
    def remaining(self) -> Array:
        """[T] scheduled after each step, to the last payment of the schedule."""
        return np.concatenate([np.cumsum(self.sched[::-1])[::-1][1:], [0.0]])


@dataclass(frozen=True)
class RevenueShare:
    """Ratios of the payer's revenue by step."""

    number: ClassVar[int] = REVENUE_SHARE
    sched: Array


@dataclass(frozen=True)
class Capex:
    """Shares of the payer's growth capex and of its replacements."""

    number: ClassVar[int] = CAPEX
    capex_share: float
    chip_share: float


@dataclass(frozen=True)
class Opex:
    """The payer's operating cost."""

    number: ClassVar[int] = OPEX


@dataclass(frozen=True)
class Balance:
    """Interest and principal of a debt. `principal`, `last_step` and `repaid` serve to derive `amort`."""

    number: ClassVar[int] = BALANCE
    draw: Array
    principal: Array
    bal0: float = 0.0
    last_step: int | None = None  # repays the rest
    repaid: float = 0.0  # share of the balance that falls due in every step; 0: it falls due by `principal` and `last_step`
    rate_fixed: float = 0.0
    rate_float: float = 0.0
    rate_spread: float = 0.0
    collateral: Collateral = NO_COLLATERAL

    def run(self) -> Course:
        """Return the course of the balance when everything goes to plan."""
        return run_balance(self.bal0, self.principal, self.draw, self.last_step)

    @property
    def amort(self) -> Array:
        """[T] share of the balance before each step that falls due in it."""
        return np.full(len(self.draw), self.repaid) if self.repaid > 0 else self.run().amort


@dataclass(frozen=True)
class Commitment:
    """Tranches that buy new shares, open once a host has delivered its GW."""

    number: ClassVar[int] = COMMITMENT
    sched: Array
    buys_holding: str  # deal of the holding
    gate_owner: str = ""
    gate_gw: float = 0.0


@dataclass(frozen=True)
class Guarantee:
    """A share of the unpaid amount of another leg, up to a cap."""

    number: ClassVar[int] = GUARANTEE
    covers: str  # leg
    cover_share: float
    cover_cap: float


Driver = Scheduled | RevenueShare | Capex | Opex | Balance | Commitment | Guarantee
DRIVERS = (Scheduled, RevenueShare, Capex, Opex, Balance, Commitment, Guarantee)


# Heads


@dataclass(frozen=True)
class LegDraft:
    """An obligation: the head that any leg has, and its driver."""

    name: str
    deal: str
    payer: str
    payee: str
    driver: Driver
    seniority: int = SENIOR
    group: str = ""
    operating: float = 0.0
    ends_with_payee: float = 0.0
    haircut: float = 0.0
    payment: PaymentTerms = AT_ONCE

    @property
    def carries_compute(self) -> bool:
        """True where the payer buys compute that its revenue needs."""
        return isinstance(self.driver, Scheduled) and self.driver.volume is not None and bool(self.driver.volume.supply)

    def opening_receivable(self, dt: float) -> float:
        """Return the USD bn earned before the opening and not paid yet; 0 for a deal that may not execute."""
        if not isinstance(self.driver, Scheduled) or not self.payment.running or self.group:
            return 0.0
        return float(self.payment.delay(dt) * self.driver.sched[0])


class HoldingDraft(NamedTuple):
    """A stake with names."""

    deal: str
    holder: str
    issuer: str
    stake: float
    cost: float  # USD bn


PARTS = (LegDraft, *DRIVERS, Collateral, PaymentTerms, Volume)
FIELDS = {field.name: field.type for part in PARTS for field in fields(part)}  # with their types


def values_of(part: object) -> dict[str, Any]:
    """Return the fields of a leg (or of a part of it), its driver and its parts by name."""
    values: dict[str, Any] = {}
    for name, value in vars(part).items():
        values |= values_of(value) if is_dataclass(value) else {name: value}
    return values


def supply_weights(legs: Sequence[LegDraft], own: Mapping[str, float], steps: int) -> Array:
    """[L, T] share of each leg that carries capacity in the compute of its payer. `own`: the share that a payer owns itself."""
    weights = np.zeros((len(legs), steps))
    supply: dict[str, list[tuple[int, Array]]] = {}
    for row, leg in enumerate(legs):
        if isinstance(leg.driver, Scheduled) and leg.carries_compute:
            supply.setdefault(leg.payer, []).append((row, leg.driver.sched))
    for payer, found in supply.items():
        sched = np.array([amounts for _, amounts in found])
        total = sched.sum(axis=0)
        share = np.divide(sched, total, out=np.zeros_like(sched), where=total > 0)
        weights[[row for row, _ in found]] = share * (1.0 - own.get(payer, 0.0))
    return weights
