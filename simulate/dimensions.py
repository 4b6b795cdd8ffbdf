"""Dimensions of numbers: their unit, the range that is accepted and the one that is plausible, and the unit that a number beyond it was probably meant in.

Accepted is what the model can compute with, plausible what a number of its kind usually is: 3.6 is a rate, but who writes it means 3.6 percent. A field
that is declared (a figure, a term, a parameter of a section) has the ranges of its dimension unless it says otherwise.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True)
class Plausible:
    """Range in which a number usually lies, ends included. Stands in the annotation of a parameter, or in the declaration of a figure or term."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}"


class PartsOfOne:
    """Stands in the annotation of a list whose entries are parts of one whole: where one is moved, the others keep their proportions to each other."""


class Dimension(NamedTuple):
    """Unit in the model, plausible range, and the largest size that is accepted. Plausible None: every accepted number is, or each field says so itself."""

    unit: str
    plausible: Plausible | None
    most: float


DIMENSIONS = {
    "money": Dimension("USD bn", Plausible(0, 1000), 1e6),
    "flow": Dimension("USD bn/year", Plausible(0, 1000), 1e6),
    "quarterly money": Dimension("USD bn/quarter", Plausible(0, 250), 1e6),
    "quarterly share": Dimension("share/quarter", Plausible(0, 1), 1e4),
    "ratio": Dimension("ratio", Plausible(0, 1), 1e4),
    "share": Dimension("share", Plausible(0, 1), 1e4),
    "flag": Dimension("0 or 1", None, 1),
    "number": Dimension("1", None, 1e4),
    "rate": Dimension("per year", Plausible(0, 0.3), 1e4),
    "years": Dimension("years", Plausible(0, 40), 1e4),
    "days": Dimension("days", Plausible(0, 180), 1e4),
    "gw": Dimension("GW", Plausible(0, 20), 1e6),
    "money per gw": Dimension("USD bn/GW", Plausible(5, 100), 1e6),
    "text": Dimension("id", None, math.inf),
}

# What else a number of a unit is often written in: name, and how many of it make one unit. Every unit that is not named is a share or a rate.
MILLIONS = (("USD mn", 1e3), ("USD", 1e9))
OTHER_UNITS: dict[str, tuple[tuple[str, float], ...]] = {
    "USD bn": MILLIONS,
    "USD bn/year": MILLIONS,
    "USD bn/quarter": MILLIONS,
    "USD bn/GW": MILLIONS,
    "GW": (("MW", 1e3), ("kW", 1e6)),
    "years": (("months", 12), ("days", 365)),
    "days": (),
    "steps": (),
    "restructurings": (),
}
SHARES = (("percent", 100), ("basis points", 1e4))


def plausible_range(field: Any) -> Plausible | None:
    """Return the plausible range that the annotation of a pydantic field has; None: every accepted value is plausible."""
    return next((mark for mark in field.metadata if isinstance(mark, Plausible)), None)


def doubt(value: float, plausible: Plausible | None, unit: str) -> str:
    """Return what is doubtful about a number in this unit, as the end of a sentence that begins with its place; "" for a plausible one."""
    if plausible is None or value in plausible:
        return ""
    told = f"{value:g} is not plausible (usual: {plausible}{f' {unit}' if unit != '1' else ''})"
    for name, many in OTHER_UNITS.get(unit, SHARES):
        if value / many in plausible:
            return f"{told}; if it means {value:g} {name}, write {value / many:g}."
    return f"{told}; check it and its unit."
