"""Laws of parameters that nobody knows. A run does not read them; `simulate ranges` draws from them (docs/model.md, section 8)."""

from typing import Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator
from scipy.special import betaincinv, ndtri

from simulate.errors import listed
from simulate.factors.section import Section
from simulate.model import Array

# Numbers of each law.
LAWS = {
    "uniform": ("low", "high"),
    "triangular": ("low", "mode", "high"),
    "pert": ("low", "mode", "high"),
    "lognormal": ("median", "sd"),
}
NUMBERS = tuple(dict.fromkeys(name for names in LAWS.values() for name in names))
FAR = 0.001  # of a law without ends, the share beyond what a key has to accept on either side


class Uncertain(Section):
    """[uncertain] "<key>": the law of what the key may be."""

    law: Literal["uniform", "triangular", "pert", "lognormal"]
    """Name of the law. [choice]"""
    low: float | None = None
    """Least value. [unit of the key]"""
    mode: float | None = None
    """Most likely value. [unit of the key]"""
    high: float | None = None
    """Largest value. [unit of the key]"""
    median: float | None = Field(default=None, gt=0)
    """Median of a lognormal law. [unit of the key]"""
    sd: float | None = Field(default=None, gt=0, le=10)
    """Standard deviation of the logarithm. [1]"""
    source: str
    """Where the range comes from, or "assumption: why". [text]"""

    @field_validator("source")
    @classmethod
    def check_source(cls, source: str) -> str:
        """Refuse a blank."""
        if not source.strip():
            raise ValueError("should say where the range comes from, or 'assumption: why'")
        return source

    @model_validator(mode="after")
    def check_numbers(self) -> Self:
        """Refuse numbers that the law does not have, and an order that leaves nothing in between."""
        needed, given = LAWS[self.law], [name for name in NUMBERS if getattr(self, name) is not None]
        if set(needed) != set(given):
            raise ValueError(f"has {listed(given) or 'no number'}, but the law {self.law} takes {listed(needed)}; give these and no others")
        if self.law != "lognormal" and not (self.numbers[0] < self.numbers[-1] and list(self.numbers) == sorted(self.numbers)):
            raise ValueError(f"has {self}; its numbers must rise from low to high")
        return self

    @property
    def numbers(self) -> tuple[float, ...]:
        """Numbers of the law, in its order."""
        return tuple(getattr(self, name) for name in LAWS[self.law])

    @property
    def ends(self) -> dict[str, float]:
        """What the key has to accept: the ends of the law by name, or the quantiles beyond which little lies."""
        if self.law != "lognormal":
            return {"low": self.numbers[0], "high": self.numbers[-1]}
        low, high = self.quantile(np.array([FAR, 1.0 - FAR]))
        return {f"the {100 * FAR:g} % quantile": float(low), f"the {100 - 100 * FAR:g} % quantile": float(high)}

    def quantile(self, u: Array) -> Array:
        """Return quantiles at u in (0, 1), of any shape, in the unit of the key (8.1 to 8.4)."""
        if self.law == "lognormal":
            median, sd = self.numbers
            return np.asarray(median * np.exp(sd * ndtri(u)))
        low, high = self.numbers[0], self.numbers[-1]
        width = high - low
        if self.law == "uniform":
            return np.asarray(low + width * u)
        rise = (self.numbers[1] - low) / width
        if self.law == "pert":
            return np.asarray(low + width * betaincinv(1.0 + 4.0 * rise, 5.0 - 4.0 * rise, u))
        return np.where(u < rise, low + width * np.sqrt(u * rise), high - width * np.sqrt((1.0 - u) * (1.0 - rise)))

    def __str__(self) -> str:
        return f"{self.law}({', '.join(f'{number:g}' for number in self.numbers)})"
