"""The family of risk factors: one file per process, the list of its members, and the function that makes `simulate.model.Factors` of them.

To add a factor: a file with its section, `compile_rows` and its exact moments; its name in `FactorSections`; its fields in
`simulate.model.Factors`; its step in `simulate/step/factors.py`, and its reader. The steps of all members stand together there, because
numba and the kernels would add 0.14 s to the 0.35 s that importing these sections takes, in `simulate list` and `simulate validate` too.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from simulate.errors import InputError
from simulate.factors.confidence import Confidence
from simulate.factors.delivery import Delivery
from simulate.factors.drivers import Drivers
from simulate.factors.execution import Execution
from simulate.factors.life import Life
from simulate.factors.power_gap import PowerGap
from simulate.factors.regime import Regime
from simulate.factors.rental import Rental
from simulate.factors.revenue import Revenue
from simulate.factors.section import Context, FactorRows, Group, Member, Process, Section, Timeline
from simulate.factors.short_rate import ShortRate
from simulate.factors.spread import Spread
from simulate.factors.valuation import Valuation
from simulate.model import Array, Factors, freeze_array


class FactorSections(Section):
    """[factors]: the list of members, one section each; every section and every parameter has a default."""

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
    """Return the parameters of docs/model.md, section 2. Processes and groups may be any tuples with the fields of Process and Group in their order.

    Raises InputError with all faults at once.
    """
    context = Context(timeline, tuple(Process(*row) for row in processes), tuple(Group(*row) for row in groups), seed, discount)
    members: list[Member] = [Drivers.model_construct(correlation=dict(correlation)), *(getattr(sections, name) for name in FactorSections.model_fields)]
    rows: FactorRows = {}
    problems: list[str] = []
    for member in members:
        try:
            rows |= member.compile_rows(context)
        except InputError as error:
            problems += error.sentences
    if problems:
        raise InputError(problems)
    return Factors._make(frozen(rows[name]) for name in Factors._fields)


def frozen(value: Array | float) -> Array | float:
    """Return an array contiguous and read-only, a scalar as float."""
    return freeze_array(value) if isinstance(value, np.ndarray) else float(value)


__all__ = ["Context", "Drivers", "FactorSections", "Group", "Process", "Section", "Timeline", "build_factors"]
