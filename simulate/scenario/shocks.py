"""Shocks: what happens to the calibrated model. Another fact goes in before the reconciliation, which may absorb it; a shock goes in after it."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from simulate.dimensions import Plausible
from simulate.factors.section import Day, NonNegative, Rate, Section


class DealShock(Section):
    """[shocks.deals.<id>]"""

    ends: Day | None = None
    """Not there from the step that holds this day: nothing new is earned, drawn, bought or covered; what was earned or drawn before is owed. [date]"""
    rate: Annotated[Rate, Plausible(-0.1, 0.2)] = 0.0
    """Added to the rate of a loan from the opening on. [per year]"""


class EntityShock(Section):
    """[shocks.entities.<id>]"""

    cash: Annotated[float, Field(ge=-1e6, le=1e6), Plausible(-500, 500)] = 0.0
    """Added to its cash at the opening. [USD bn]"""
    revenue: Annotated[NonNegative, Plausible(0, 5)] = 1.0
    """Multiplies its revenue from outside the network. [ratio]"""
    revenue_from: Day | None = None
    """From the step that holds this day on; blank: from the opening. [date]"""
    fails: Day | None = None
    """Fails in the step that holds this day, whatever it holds: it is cleared, and restructured or liquidated, as any defaulter. [date]"""

    @model_validator(mode="after")
    def check_revenue(self) -> Self:
        """Refuse a day without a change of revenue."""
        if self.revenue_from is not None and self.revenue == 1.0:
            raise ValueError("has revenue_from without revenue; write by what its revenue is multiplied, such as revenue = 0.5")
        return self


class Shocks(Section):
    """[shocks]: by deal and by entity."""

    deals: dict[str, DealShock] = {}
    """Shocks to deals by id."""
    entities: dict[str, EntityShock] = {}
    """Shocks to entities by id."""
