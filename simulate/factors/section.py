"""Base of all members: sections of a scenario file, the grid of a run, revenue processes and groups of deals.

A member is one file: source and equation; its section (parameters with units) with a method `compile_rows(context)` that returns its `Rows`, the keys of
its draws among them; what it carries from step to step (`STATE`), says in a step (`STEP`) or draws once a path (`DRAWS`), by shape; its kernels; and its
exact moments on the grid.
"""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, ClassVar, NamedTuple, Self

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from simulate.errors import did_you_mean, listed
from simulate.factors.keys import key_of
from simulate.model import Array

NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Correlation = Annotated[float, Field(ge=-1, le=1)]


def check_table(table: dict[int, float]) -> dict[int, float]:
    """Return the table in the order of years. Refuses an empty one."""
    if not table:
        raise ValueError("needs at least one year, such as {2026 = 0.03}")
    return dict(sorted(table.items()))


YearTable = Annotated[dict[int, Finite], AfterValidator(check_table)]
PositiveYearTable = Annotated[dict[int, Positive], AfterValidator(check_table)]


class Section(BaseModel):
    """A section of a scenario file: frozen, refuses keys that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class StrictSection(Section):
    """A section that refuses values of another type and numbers that are not finite too."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class SourcedSection(Section):
    """A section whose parameters have sources."""

    entry: ClassVar[str] = "parameter"
    """Word for one of its keys."""
    sources: dict[str, str] = Field(default_factory=dict)
    """Where each parameter comes from, one sentence each."""

    @model_validator(mode="after")
    def check_sources(self) -> Self:
        """Refuse sources of parameters that the section does not have."""
        known = [name for name in type(self).model_fields if name != "sources"]
        for name in self.sources:
            if name not in known:
                raise ValueError(f"sources names '{name}', which is no {self.entry} here{did_you_mean(name, known)}; {self.entry}s are {listed(known)}")
        return self


class Timeline(NamedTuple):
    """The grid of a run."""

    start: date  # opening; year tables hold values at the ends of calendar years
    steps: int  # T
    dt: float  # years a step

    def step_ends(self) -> Array:
        """tau, [T] years since the start."""
        return self.dt * np.arange(1, self.steps + 1)

    def at_step_ends(self, table: dict[int, float]) -> Array:
        """[T] values of a year table, linear between year ends and flat outside."""
        days = (date(self.start.year + 1, 1, 1) - date(self.start.year, 1, 1)).days
        opening = self.start.year + self.start.timetuple().tm_yday / days
        ends = np.array(sorted(table), float) + 1.0  # the end of calendar year Y is the instant Y + 1
        return np.interp(opening + self.step_ends(), ends, [table[year] for year in sorted(table)])


class Process(NamedTuple):
    """Revenue of one entity, as compiled from the tables."""

    name: str  # id of the entity
    plan0: float  # plan of the opening step, USD bn a step
    plan: Array  # [T] USD bn a step
    loading: float  # of its shock on the demand driver, -1..1
    sd0: float  # volatility at opening, per sqrt(year)
    sd1: float  # volatility in the end, per sqrt(year)
    sd_tau: float  # years over which the first fades into the second
    growth_sd: float  # volatility of the growth rate, per year per sqrt(year)
    growth_decay: float  # reversion of the growth rate, per year
    regime_shift: float  # log per year in disappointment
    is_lab: bool  # its revenue over plan counts in AI demand


class Group(NamedTuple):
    """Deals that share one draw of execution and size. Row 0 is the sure group."""

    name: str
    probability: float
    size_low: float
    size_high: float


class Context(NamedTuple):
    """Inputs of a member besides its own section."""

    timeline: Timeline
    processes: tuple[Process, ...]
    groups: tuple[Group, ...]
    seed: int
    discount: bool  # at the short rate; else nominal

    def key(self, name: str) -> Array:
        """[2] uint32 Philox key of a draw."""
        return key_of(self.seed, name)

    def keys(self, prefix: str, names: Sequence[str]) -> Array:
        """[names, 2] uint32 Philox keys of the draws "prefix:name"."""
        return np.array([key_of(self.seed, f"{prefix}:{name}") for name in names], np.uint32).reshape(-1, 2)

    @property
    def process_names(self) -> list[str]:
        """Entities with a revenue process."""
        return [process.name for process in self.processes]
