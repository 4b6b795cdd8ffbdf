"""Base of all members: sections of a scenario file, the grid of a run, revenue processes and groups of deals.

A member is one file: source and equation; its section (parameters with units) with a method `compile_rows(context)` that returns its `Rows`, the keys of
its draws among them; what it carries from step to step (`STATE`), says in a step (`STEP`) or draws once a path (`DRAWS`), by shape; its kernels; and its
exact moments on the grid.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Annotated, ClassVar, NamedTuple, Self

import numpy as np
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from simulate.dimensions import doubt, plausible_range
from simulate.errors import did_you_mean, listed
from simulate.factors.keys import key_of
from simulate.model import Array

LARGEST = 1000.0  # of a parameter in its unit: beyond it nothing means anything, and products of parameters leave the numbers of a computer
NonNegative = Annotated[float, Field(ge=0, le=LARGEST)]
Positive = Annotated[float, Field(gt=0, le=LARGEST)]
Finite = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
Rate = Annotated[float, Field(ge=-1, le=LARGEST)]  # a year; nothing loses more than all of itself
FAR = 9.0  # standard deviations that no draw from a 53-bit uniform reaches
Share = Annotated[float, Field(ge=0, le=1)]
Correlation = Annotated[float, Field(ge=-1, le=1)]


def check_table(table: dict[int, float]) -> dict[int, float]:
    """Return the table in the order of years. Refuses an empty one, and keys that are no calendar years."""
    if not table:
        raise ValueError("needs at least one year, such as {2026 = 0.03}")
    if odd := [str(year) for year in table if not FIRST_YEAR <= year <= LAST_YEAR]:
        raise ValueError(f"names {listed(odd)}, which must be calendar years from {FIRST_YEAR} to {LAST_YEAR}, such as 2026")
    return dict(sorted(table.items()))


def read_day(value: object) -> object:
    """Return text such as "2027-06-30" as a day: from Python and JSON a day may come so."""
    if not isinstance(value, str):
        return value
    try:
        return datetime.strptime(value, "%Y-%m-%d").date()
    except ValueError:
        raise ValueError("should be a day, such as 2027-06-30") from None


Day = Annotated[date, BeforeValidator(read_day)]
FIRST_YEAR, LAST_YEAR = 1900, 2200
Year = Annotated[int, Field(strict=False)]  # keys of TOML are text
YearTable = Annotated[dict[Year, Finite], AfterValidator(check_table)]
RateTable = Annotated[dict[Year, Rate], AfterValidator(check_table)]
PositiveYearTable = Annotated[dict[Year, Positive], AfterValidator(check_table)]


class Section(BaseModel):
    """A section of a scenario file: frozen; refuses keys that it does not know, values of another type and numbers that are not finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, strict=True, allow_inf_nan=False)


def split_unit(description: str) -> tuple[str, str]:
    """Return meaning and unit of the sentence below a parameter, "Meaning. [unit]"."""
    text = " ".join(description.split())
    meaning, _, unit = text.removesuffix("]").rpartition("[") if text.endswith("]") else (text, "", "")
    return meaning.strip().rstrip("."), unit


def doubts(section: BaseModel, location: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the key of every number of a section, and of the sections inside, that is not plausible, and what is doubtful about it."""
    for name, field in type(section).model_fields.items():
        value, key = getattr(section, name), (*location, name)
        if isinstance(value, BaseModel):
            yield from doubts(value, key)
        elif isinstance(value, dict) and any(isinstance(inside, BaseModel) for inside in value.values()):  # sections by name
            for part, inside in value.items():
                yield from doubts(inside, (*key, str(part)))
        elif (plausible := plausible_range(field)) is not None and value is not None:
            unit = split_unit(field.description or "")[1]
            inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, tuple) else [(None, value)]
            for part, number in inside:
                if doubtful := doubt(number, plausible, unit):
                    yield (key if part is None else (*key, str(part))), doubtful


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


class Flexibility(NamedTuple):
    """How far a customer moves its contracts for compute."""

    floor: float  # least compute under contract over plan
    ceiling: float  # most
    years: float  # in which it comes closer to what it wants by all but 1/e
    fee: float  # years of payment for what is given up


RIGID = Flexibility(1.0, 1.0, 1.0, 0.0)


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
    growth0: float = 0.0  # growth above plan at the opening, per year
    growth_sd0: float = 0.0  # standard deviation of that, per year
    flexibility: Flexibility = RIGID  # of its contracts for compute


class OwnMove(NamedTuple):
    """An own move of a firm, beside the common ones."""

    name: str  # id of the entity
    kind: str  # value or spread
    sd: float  # volatility of the logarithm, per sqrt(year)


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
    moves: tuple[OwnMove, ...] = ()
    volumes: tuple[tuple[int, int], ...] = ()  # group of deals and process of the customer, of contracts whose volume moves

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
