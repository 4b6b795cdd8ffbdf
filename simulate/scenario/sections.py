"""Sections of the scenario file; each refuses a wrong value with a sentence."""

import re
from calendar import monthrange
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, field_validator, model_validator

from simulate.calendar import Calendar
from simulate.dimensions import Plausible
from simulate.factors import FactorSections
from simulate.factors.drivers import Drivers
from simulate.factors.section import FIRST_YEAR, LARGEST, LAST_YEAR, Day, RateTable, Section, SourcedSection
from simulate.model import FIRST, SWITCHES, Switch
from simulate.scenario.shocks import Shocks
from simulate.scenario.uncertain import Uncertain

MONTHS = {"month": 1, "quarter": 3, "year": 12}
LONGEST_NAME = 100
MOST_EXPONENT = 300.0  # of a discount factor


class Run(Section):
    """Calendar and size of a run."""

    start: Day
    """Opening day, the last day of a month. [date]"""
    steps: Annotated[int, Plausible(1, 480)] = Field(ge=1, le=1200)
    """Number of steps. [steps]"""
    step: Literal["month", "quarter", "year"] = "quarter"
    """Length of a step. [calendar]"""
    paths: int = Field(default=10_000, ge=1, le=2**40)
    """Number of paths. [paths]"""
    seed: int = Field(default=0, ge=0, lt=2**64)
    """Seed of all draws; 0 is a seed. [1]"""
    discount: Literal["short_rate", "nominal"] = "nominal"
    """Losses are discounted at the short rate of the path, which a stress of rates moves too, or not at all. [choice]"""
    curve: Annotated[RateTable | None, Plausible(-0.05, 0.3)] = None
    """Zero rates at the ends of years, continuously compounded, of the fixed curve at which results value losses too; blank: the base's expected short rate. [per year]"""
    information_date: Day | None = None
    """Last day on which plans and guidance were known; the opening day unless given. [date]"""

    @model_validator(mode="after")
    def check_dates(self) -> "Run":
        """Refuse a start inside of a step, and an information date before the start."""
        months = MONTHS[self.step]
        if not FIRST_YEAR <= self.start.year <= LAST_YEAR:
            raise ValueError(f"start is {self.start}; its year must be from {FIRST_YEAR} to {LAST_YEAR}")
        if self.start.day != monthrange(self.start.year, self.start.month)[1] or self.start.month % months:
            ends = {1: "the last day of a month", 3: "the last day of March, June, September or December", 12: "31 December"}[months]
            raise ValueError(f"start is {self.start}, but a run in steps of a {self.step} must start on {ends}")
        if self.information_date is not None and self.information_date < self.start:
            raise ValueError(f"information_date {self.information_date} is before start {self.start}; it must be the same day or later")
        years = self.steps * months / 12
        if self.curve is not None and -min(self.curve.values()) * years > MOST_EXPONENT:
            raise ValueError(f"the curve has a rate of {min(self.curve.values()):g}, at which {years:g} years cannot be discounted; write rates such as 0.04")
        return self

    @property
    def calendar(self) -> Calendar:
        """Steps of the run."""
        return Calendar(self.start, self.steps, MONTHS[self.step])


class Tables(Section):
    """Tables of the network, paths relative to the scenario file. In a list of files later rows replace earlier ones with the same key, a deal with the
    status `removed` is not there, and "..." stands for the files of the scenario that this one extends.
    """

    entities: str | list[str]
    """Entities of the network."""
    figures: str | list[str]
    """Figures of the entities."""
    deals: str | list[str] | None = None
    """Contracts between the entities."""
    schedules: str | list[str] | None = None
    """Payments, principal and draws of deals by year."""
    terms: str | list[str] | None = None
    """Terms of deals."""
    vendors: str | list[str] | None = None
    """Vendors of chips by buyer."""


Cells = dict[str, Any]  # by id; simulate/network/overlay.py reads them


class World(Section):
    """A world: the same draws with some contagion switched off, with the least clearing vector, or with somebody saved (docs/model.md, section 3)."""

    off: list[Switch] = []
    """Switches that are off. [switches]"""
    solution: Literal["greatest", "least"] = "greatest"
    """Clearing vector of every step: the greatest, or the least, in which as many entities fail as can. [choice]"""
    saves: Literal["first"] | list[str] = []
    """Entities that cannot fail, as outside gives them what they are short of; "first": whoever fails first on the path. [entities]"""
    detail: bool = False
    """Keep losses by channel and deal, not only the system loss and defaults. [true or false]"""

    @field_validator("saves", mode="before")
    @classmethod
    def read_saved(cls, saves: object) -> object:
        """A single entity may stand without brackets."""
        names = [saves] if isinstance(saves, str) else saves
        if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
            raise ValueError('should be a list of entities, such as ["lab"], or "first"')
        return saves if saves == FIRST else names

    @field_validator("off", mode="before")
    @classmethod
    def read_switches(cls, off: object) -> object:
        """A single switch may stand without brackets."""
        return [off] if isinstance(off, str) else off

    @field_validator("off", "saves")
    @classmethod
    def check_once(cls, names: str | list[str]) -> str | list[str]:
        """Refuse what stands twice in a list."""
        twice = [name for name in dict.fromkeys(names) if isinstance(names, list) and names.count(name) > 1]
        if twice:
            raise ValueError(f"names '{twice[0]}' twice; once is enough")
        return names

    @model_validator(mode="after")
    def check_solution(self) -> "World":
        """Refuse a least solution where there is only one."""
        if self.solution == "least" and "nonpayment" in self.off:
            raise ValueError(
                'solution is "least" and nonpayment is off: then everybody receives the amounts due and both solutions are one; leave out one of the two'
            )
        if self.solution == "least" and self.saves == FIRST:
            raise ValueError('saves is "first" and solution is "least", in which all may fail at once, so nobody fails first; name the entities to save')
        return self


DEFAULT_WORLDS = {"network": World(detail=True), "alone": World(off=list(SWITCHES))}


class Door(Section):
    """When the funding market shuts: only when confidence and valuation are both low (docs/model.md 4.4)."""

    confidence: Annotated[float, Plausible(0.05, 1.5)] = Field(default=0.85, gt=0, le=LARGEST)
    """Confidence at which it is half shut. [share of plan]"""
    confidence_width: Annotated[float, Plausible(0.001, 1)] = Field(default=0.05, gt=0, le=LARGEST)
    """Width of the logistic in confidence. [share of plan]"""
    valuation: Annotated[float, Plausible(0.05, 3)] = Field(default=0.75, gt=0, le=LARGEST)
    """Valuation index at which it is half shut, over the opening. [ratio]"""
    valuation_width: Annotated[float, Plausible(0.001, 2)] = Field(default=0.1, gt=0, le=LARGEST)
    """Width of the logistic in the logarithm of the index. [1]"""


class MarketShock(Section):
    """What the default of a systemic entity does to the market, in the world in which it happens."""

    confidence: Annotated[float, Plausible(0, 1)] = Field(default=0.0, ge=0, le=LARGEST)
    """Loss of confidence. [share of plan]"""
    valuation: Annotated[float, Plausible(0, 1)] = Field(default=0.0, ge=0, le=LARGEST)
    """Fall of the logarithm of the valuation index. [1]"""
    spread: Annotated[float, Plausible(0, 3)] = Field(default=0.0, ge=0, le=LARGEST)
    """Rise of credit spreads. [share]"""
    rental: Annotated[float, Plausible(0, 1)] = Field(default=0.0, ge=0, le=LARGEST)
    """Fall of the logarithm of the rental price, as compute comes free. [1]"""
    decay_years: Annotated[float, Plausible(0.01, 20)] = Field(default=1.0, gt=0, le=LARGEST)
    """Time in which it fades to 1/e. [years]"""


class Rescue(Section):
    """Price of a last-resort issue of shares, over their value: the discount rises with the part of the issue that is used."""

    discount_low: float = Field(default=0.2, ge=0, lt=1)
    """Discount of a small issue. [share]"""
    discount_high: float = Field(default=0.6, ge=0, lt=1)
    """Discount of the largest. [share]"""

    @model_validator(mode="after")
    def check_order(self) -> "Rescue":
        """Refuse a discount that falls as more is sold."""
        if self.discount_low > self.discount_high:
            raise ValueError(
                f"discount_low = {self.discount_low:g} is above discount_high = {self.discount_high:g}; the more shares are sold, the lower their price"
            )
        return self


class ChipMarket(Section):
    """What forced sales do to the price of chips: it falls to 1/e for each `depth` that is sold (Cifuentes, Ferrucci and Shin 2005, eq. 7)."""

    depth: Annotated[float, Plausible(0, 2000)] = Field(default=0.0, ge=0, le=1e6)
    """Chips sold by force at which the price falls to 1/e; 0: any amount sells at one price. [USD bn]"""
    memory_years: Annotated[float, Plausible(0.1, 5)] = Field(default=1.0, gt=0, le=LARGEST)
    """Time in which the market absorbs all but 1/e of them. [years]"""


class Rules(SourcedSection):
    """Parameters of the step that are not specific to an entity or a deal."""

    entry = "rule"

    alpha: float = Field(default=0.9, ge=0, le=1)
    """Share of its cash that a defaulter still pays out. [share]"""
    beta: float = Field(default=0.9, ge=0, le=1)
    """Share of its receipts that a defaulter still pays out. [share]"""
    forced_sale_haircut: float = Field(default=0.3, ge=0, lt=1)
    """Loss on fleets and stakes in a forced sale. [share]"""
    transfer: float = Field(default=0.5, ge=0, le=1)
    """Share of a lab's lost revenue that moves to living rivals with room. [share]"""
    smoothing_years: Annotated[float, Plausible(0, 10)] = Field(default=1.0, ge=0, le=LARGEST)
    """Time constant of smoothed receipts and EBITDA; 0: the last step only. [years]"""
    door: Door = Door()
    """When the funding market shuts."""
    market_shock: MarketShock = MarketShock()
    """Effect of a large default on the market."""
    rescue: Rescue = Rescue()
    """Price of a last-resort issue of shares."""
    chip_market: ChipMarket = ChipMarket()
    """Price impact of forced sales of chips."""
    race_theta: float = Field(default=0.0, ge=0, le=1)
    """Reaction of capex to that of rivals over plan. [1]"""
    capex_max: Annotated[float, Plausible(1, 5)] = Field(default=1.5, ge=1, le=LARGEST)
    """Most that desired capex can be, over plan. [ratio]"""
    restructure_kappa: Annotated[float, Plausible(0, 2)] = Field(default=0.8, ge=0, le=LARGEST)
    """Share of the value of the going concern that claims are cut to in a restructuring. [share]"""
    exit_share: float = Field(default=0.0, ge=0, le=1)
    """New money that owners outside pay in after a restructuring, over the value of the going concern. [share]"""
    max_restructurings: Annotated[int, Plausible(0, 10)] = Field(default=2, ge=0, le=LARGEST)
    """Restructurings an entity may have on a path. [restructurings]"""


class ScenarioFile(Section):
    """Everything in the TOML file after inheritance and overrides."""

    name: str = Field(min_length=1)
    """Name of the scenario."""
    title: str = ""
    """One line about it."""
    run: Run
    """Calendar and size."""
    tables: Tables
    """Tables of the network."""
    drivers: Drivers = Drivers()
    """Correlation of the drivers."""
    factors: FactorSections = FactorSections()
    """Risk factors, one section each."""
    rules: Rules = Rules()
    """Rules of the step."""
    worlds: dict[str, World] = Field(default=DEFAULT_WORLDS, validate_default=True)
    """Worlds by name; `network` and `alone` are always there."""
    shocks: Shocks = Shocks()
    """Shocks to the calibrated model."""
    uncertain: dict[str, Uncertain] = {}
    """Laws of what keys may be: "rules.transfer" = { law = "uniform", low = 0.2, high = 0.8, source = "..." }."""
    entities: dict[str, Cells] = {}
    """Changed cells: entities.openai.policy. [text]"""
    figures: dict[str, Cells] = {}
    """Changed figures: figures.openai.cash, figures.openai.plan_revenue.2027. [unit of the model]"""
    deals: dict[str, Cells] = {}
    """Changed cells: deals.H01.probability. [unit of the model]"""
    schedules: dict[str, Cells] = {}
    """Changed amounts: schedules.T01.payment.2027. [USD bn/year or share]"""
    terms: dict[str, Cells] = {}
    """Changed terms: terms.T01.days. [unit of the model]"""
    vendors: dict[str, Cells] = {}
    """Changed cells: vendors.openai.nvidia.share. [share]"""

    @field_validator("worlds", mode="before")
    @classmethod
    def complete_worlds(cls, worlds: object) -> object:
        """Keys that are given of the two worlds that are always there replace theirs; the others stay."""
        if not isinstance(worlds, dict):
            return worlds
        usual = {name: world.model_dump() for name, world in DEFAULT_WORLDS.items()}
        return usual | {name: usual.get(name, {}) | given if isinstance(given, dict) else given for name, given in worlds.items()}

    @field_validator("uncertain", mode="before")
    @classmethod
    def check_quotes(cls, uncertain: object) -> object:
        """Refuse keys without quotes, which TOML reads as sections inside of sections."""
        for key, law in uncertain.items() if isinstance(uncertain, dict) else ():
            if isinstance(law, dict) and law and all(isinstance(inside, dict) for inside in law.values()):
                raise ValueError(f"'{key}' holds sections; write whole keys in quotes, such as \"{key}.{next(iter(law))}\" = {{ law = ... }}")
        return uncertain

    @field_validator("worlds")
    @classmethod
    def check_worlds(cls, worlds: dict[str, World]) -> dict[str, World]:
        """Refuse names that are no words."""
        for name in worlds:
            if not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII):
                raise ValueError(f"'{name}' cannot be the name of a world; use letters, digits and _, with a letter first")
        return worlds

    @field_validator("name")
    @classmethod
    def check_name(cls, name: str) -> str:
        """Refuse a name that cannot be that of a store."""
        if len(name) > LONGEST_NAME or not name.isprintable() or set(name) & set("/\\"):
            raise ValueError(f"must be usable as a file name: at most {LONGEST_NAME} characters, without slashes and line breaks")
        return name


def not_given(section: BaseModel, key: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield key and value of every parameter of a section, and of the sections inside, that has its default."""
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield from not_given(value, (*key, name))
        elif name not in section.model_fields_set and name != "sources" and value is not None:
            yield (*key, name), value
