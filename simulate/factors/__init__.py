"""The family of risk factors: one file per process, an explicit list, and the one function that makes `simulate.model.Factors` of them.

To add a factor: a file with its section, `compile_rows` and its exact moments; its fields in `simulate.model.Factors`; its rows in
`simulate/kernels/factors.py`; its name in `MEMBERS` and in `FactorSections`.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from simulate.errors import InputError
from simulate.factors import confidence, delivery, drivers, execution, life, power_gap, regime, rental, revenue, short_rate, spread, valuation
from simulate.factors.confidence import Confidence
from simulate.factors.delivery import Delivery
from simulate.factors.drivers import Drivers
from simulate.factors.execution import Execution
from simulate.factors.life import Life
from simulate.factors.power_gap import PowerGap
from simulate.factors.regime import Regime
from simulate.factors.rental import Rental
from simulate.factors.revenue import Revenue
from simulate.factors.section import Context, Group, Process, Section, Timeline
from simulate.factors.short_rate import ShortRate
from simulate.factors.spread import Spread
from simulate.factors.valuation import Valuation
from simulate.model import Factors

MEMBERS = {
    "regime": regime,
    "short_rate": short_rate,
    "spread": spread,
    "valuation": valuation,
    "power_gap": power_gap,
    "delivery": delivery,
    "revenue": revenue,
    "confidence": confidence,
    "rental": rental,
    "life": life,
    "execution": execution,
}


class FactorSections(BaseModel):
    """[factors]: one section per member; every section and every parameter has a default."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    regime: Regime = Regime()
    """Delivery or disappointment."""
    short_rate: ShortRate = ShortRate()
    """Short rate, per year."""
    spread: Spread = Spread()
    """Credit spread relative to its mean."""
    valuation: Valuation = Valuation()
    """Common valuation index relative to opening."""
    power_gap: PowerGap = PowerGap()
    """Share of planned additions without power."""
    delivery: Delivery = Delivery()
    """Share of the planned increase of revenue that arrives."""
    revenue: Revenue = Revenue()
    """Scales of the revenue processes."""
    confidence: Confidence = Confidence()
    """Memory of revenue over plan."""
    rental: Rental = Rental()
    """Rental price of compute relative to opening."""
    life: Life = Life()
    """Useful life of chips, years."""
    execution: Execution = Execution()
    """Execution of deals that are not binding."""


def build_factors(
    sections: FactorSections,
    correlation: Mapping[str, float],
    timeline: Timeline,
    processes: Sequence[Process],
    groups: Sequence[Group],
    seed: int,
    *,
    discount: bool = True,
) -> Factors:
    """Section 2 of docs/model.md as rows. Any tuples with the fields of Process and Group in their order will do.

    Raises InputError with everything that is wrong at once.
    """
    context = Context(timeline, tuple(Process(*row) for row in processes), tuple(Group(*row) for row in groups), seed, discount)
    fields, problems = {}, []
    pieces = [(drivers, Drivers.model_construct(correlation=dict(correlation)))]
    pieces += [(member, getattr(sections, name)) for name, member in MEMBERS.items()]
    for member, section in pieces:
        try:
            fields.update(member.compile_rows(section, context))
        except InputError as error:
            problems += error.sentences
    if problems:
        raise InputError(problems)
    return Factors(**{name: freeze(value) for name, value in fields.items()})


def freeze(value):
    """Arrays contiguous and read-only, scalars as float."""
    if isinstance(value, np.ndarray):
        value = np.ascontiguousarray(value)
        value.flags.writeable = False
        return value
    return float(value)


__all__ = ["MEMBERS", "Context", "Drivers", "FactorSections", "Group", "Process", "Section", "Timeline", "build_factors"]
