"""The family of risk factors: one file a process, `members.py` lists them, and this function compiles them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from simulate.errors import InputError, refuse_if_any
from simulate.factors import contracts
from simulate.factors.drivers import Drivers
from simulate.factors.members import Factors, FactorSections, largest_exponents
from simulate.factors.section import Context, Group, OwnMove, Process, Timeline
from simulate.model import freeze_array

MOST_EXPONENT = 300.0  # e^300 times any amount is still a number of a computer


def build_factors(
    sections: FactorSections,
    correlation: Mapping[str, float],
    timeline: Timeline,
    processes: Sequence[Process],
    groups: Sequence[Group],
    seed: int,
    *,
    discount: bool = True,
    moves: Sequence[OwnMove] = (),
    volumes: Sequence[tuple[int, int]] = (),
) -> Factors:
    """Return the parameters of docs/model.md, section 2. Processes and groups may be any tuples with the fields of Process and Group in their order.

    Raises InputError with all faults at once.
    """
    context = Context(timeline, tuple(Process(*row) for row in processes), tuple(Group(*row) for row in groups), seed, discount, tuple(moves), tuple(volumes))
    refuse_runaway(sections, context)
    members = {"drivers": Drivers.model_construct(correlation=dict(correlation)), **dict(sections)}
    rows: dict[str, Any] = {}
    problems: list[str] = []
    for name, member in members.items():
        try:
            rows[name] = freeze_rows(member.compile_rows(context))
        except InputError as error:
            problems += error.sentences
    if problems:
        raise InputError(problems)
    return Factors(**rows, contracts=freeze_rows(contracts.compile_rows(context)))


def refuse_runaway(sections: FactorSections, context: Context) -> None:
    """Refuse parameters that are too large together for the horizon, before a path leaves the numbers of a computer. Raises InputError."""
    timeline = context.timeline
    refuse_if_any(
        [
            f"{keys}: within {timeline.steps * timeline.dt:g} years a path could grow by e^{exponent:.0f}; at most e^{MOST_EXPONENT:.0f} can be computed, "
            "so lower one of them or the number of steps."
            for keys, exponent in largest_exponents(sections, timeline, context.processes).items()
            if exponent > MOST_EXPONENT
        ]
    )


def freeze_rows(rows: Any) -> Any:
    """Return the NamedTuple with arrays contiguous and read-only, and scalars as float."""
    return rows._make(freeze_array(value) if isinstance(value, np.ndarray) else float(value) for value in rows)


__all__ = ["Context", "Drivers", "FactorSections", "Factors", "Group", "Process", "Timeline", "build_factors"]
