"""The scenario file: sections, inheritance, overrides, and the tables it names; errors that name file, key and remedy."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationError, field_validator, model_validator

from simulate.errors import InputError, did_you_mean, listed, refuse_if_any, sentences_of
from simulate.factors import Drivers, FactorSections
from simulate.factors.drivers import check_correlation
from simulate.factors.section import SourcedSection, StrictSection
from simulate.model import SWITCHES
from simulate.network import Dates, Network, read_network
from simulate.network_checks import check_network
from simulate.plans import Calendar

MONTHS = {"month": 1, "quarter": 3, "year": 12}
COMMAND_LINE = "--set"
LONGEST_NAME = 100


class Run(StrictSection):
    """Calendar and size of a run."""

    start: date
    """Opening day, the last day of a month. [date]"""
    steps: int = Field(ge=1, le=1200)
    """Number of steps. [steps]"""
    step: Literal["month", "quarter", "year"] = "quarter"
    """Length of a step. [calendar]"""
    paths: int = Field(10_000, ge=1)
    """Number of paths. [paths]"""
    seed: int = Field(0, ge=0, lt=2**64)
    """Seed of all draws; 0 is a seed. [1]"""
    discount: Literal["short_rate", "nominal"] = "short_rate"
    """Losses are discounted at the short rate of the path, or not at all. [choice]"""
    information_date: date | None = None
    """Last day on which plans and guidance were known; the opening day unless given. [date]"""

    @model_validator(mode="after")
    def check_dates(self) -> "Run":
        months = MONTHS[self.step]
        tomorrow = date.fromordinal(self.start.toordinal() + 1)
        if tomorrow.day != 1 or self.start.month % months:
            ends = {1: "the last day of a month", 3: "the last day of March, June, September or December", 12: "31 December"}[months]
            raise ValueError(f"start is {self.start}, but a run in steps of a {self.step} must start on {ends}")
        if self.information_date is not None and self.information_date < self.start:
            raise ValueError(f"information_date {self.information_date} is before start {self.start}; it must be the same day or later")
        return self

    @property
    def calendar(self) -> Calendar:
        """Steps of the run."""
        return Calendar(self.start, self.steps, MONTHS[self.step])


class Tables(StrictSection):
    """Tables of the network, paths relative to the scenario file."""

    entities: str
    """Who takes part."""
    figures: str
    """Their figures."""
    deals: str | None = None
    """Contracts between them."""
    schedules: str | None = None
    """Payments, principal and draws of deals by year."""
    terms: str | None = None
    """Terms of deals."""
    vendors: str | None = None
    """Who sells chips to whom."""


class World(StrictSection):
    """A world: the same draws with some contagion switched off, or with the least clearing vector (docs/model.md, section 3)."""

    off: list[Literal["nonpayment", "supply", "relief", "marks", "confidence"]] = []
    """Switches that are off. [switches]"""
    solution: Literal["greatest", "least"] = "greatest"
    """Clearing vector of every step: the greatest, or the least, where everybody fails that may. [choice]"""
    detail: bool = False
    """Keep losses by channel and deal, not only the system loss and defaults. [true or false]"""

    @model_validator(mode="after")
    def check_solution(self) -> "World":
        if self.solution == "least" and "nonpayment" in self.off:
            raise ValueError('solution is "least" and nonpayment is off: then everybody receives what is due and both solutions are one; leave out one of the two')
        return self


DEFAULT_WORLDS = {"network": World(detail=True), "alone": World(off=list(SWITCHES))}


class Door(StrictSection):
    """When the funding market shuts: only when confidence and valuation are both low (docs/model.md 4.4)."""

    confidence: float = Field(0.85, gt=0)
    """Confidence at which it is half shut. [share of plan]"""
    confidence_width: float = Field(0.05, gt=0)
    """Width of the logistic in confidence. [share of plan]"""
    valuation: float = Field(0.75, gt=0)
    """Valuation index at which it is half shut, over the opening. [ratio]"""
    valuation_width: float = Field(0.1, gt=0)
    """Width of the logistic in the logarithm of the index. [1]"""


class ConfidenceShock(StrictSection):
    """Shock to confidence after the default of a systemic entity; there are no data for its size."""

    size: float = Field(0.0, ge=0)
    """Loss of confidence. [share of plan]"""
    decay_years: float = Field(1.0, gt=0)
    """Time in which it fades to 1/e. [years]"""


class Rules(StrictSection, SourcedSection):
    """Parameters of the step that are not specific to an entity or a deal."""

    entry = "rule"

    alpha: float = Field(0.9, ge=0, le=1)
    """Share of its cash that a defaulter still pays out. [share]"""
    beta: float = Field(0.9, ge=0, le=1)
    """Share of its receipts that a defaulter still pays out. [share]"""
    forced_sale_haircut: float = Field(0.3, ge=0, lt=1)
    """Loss on fleets and stakes in a forced sale. [share]"""
    transfer: float = Field(0.5, ge=0, le=1)
    """Share of a lab's lost revenue that moves to living rivals with room. [share]"""
    smoothing_years: float = Field(1.0, ge=0)
    """Time constant of smoothed receipts and EBITDA; 0: the last step only. [years]"""
    door: Door = Door()
    """When the funding market shuts."""
    confidence_shock: ConfidenceShock = ConfidenceShock()
    """What a large default does to confidence."""
    race_theta: float = Field(0.0, ge=0, le=1)
    """Reaction of capex to the executed share of rivals. [1]"""
    capex_max: float = Field(1.5, ge=1)
    """Most that desired capex can be, over plan. [ratio]"""
    restructure_kappa: float = Field(0.8, ge=0)
    """Share of the value of the going concern that claims are cut to in a restructuring. [share]"""
    max_restructurings: int = Field(2, ge=0)
    """Restructurings an entity may have on a path. [restructurings]"""


class ScenarioFile(StrictSection):
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
    worlds: dict[str, World] = Field(DEFAULT_WORLDS, validate_default=True)
    """Worlds by name; `network` and `alone` are always there."""

    @field_validator("worlds")
    @classmethod
    def check_worlds(cls, worlds: dict[str, World]) -> dict[str, World]:
        for name in worlds:
            if not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII):
                raise ValueError(f"'{name}' cannot be the name of a world; use letters, digits and _, with a letter first")
        worlds = DEFAULT_WORLDS | worlds
        if not any(world.detail for world in worlds.values()):
            raise ValueError("no world keeps detail, so no losses by channel and deal; set detail = true in one of them")
        return worlds

    @field_validator("name")
    @classmethod
    def check_name(cls, name: str) -> str:
        if len(name) > LONGEST_NAME or not name.isprintable() or set(name) & set("/\\"):
            raise ValueError(f"must be usable as a file name: at most {LONGEST_NAME} characters, without slashes and line breaks")
        return name


class Scenario(ScenarioFile):
    """A scenario with its network; `files` are all files that were read."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    network: Network
    files: tuple[str, ...]

    def resolved(self, seed: int) -> dict[str, Any]:
        """All inputs as JSON-able data, table rows included; no paths of the machine."""
        content = self.model_dump(mode="json", exclude={"network", "files"})
        content["run"]["seed"] = seed
        content["tables"] = dict(self.network.names)
        content["rows"] = {name: [dict(row) for row in rows] for name, rows in self.network.rows.items()}
        return content


def shipped_scenarios() -> dict[str, Path]:
    """Scenarios that come with the package: name -> file."""
    package = Path(__file__).resolve().parent
    inside = package / "configs"  # in a wheel; in a checkout they lie next to the package
    folder = inside if inside.is_dir() else package.parent / "configs"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def load_scenario(path_or_name: str | Path, overrides: Sequence[str] | Mapping[str, Any] = ()) -> Scenario:
    """Read a scenario by file or by the name of a shipped one; overrides are "run.paths=1000" or {"run.paths": 1000}."""
    problems: list[str] = []
    path = find_scenario(path_or_name)
    raw, origins, files = read_chain(path, ())
    override(raw, overrides, origins, problems)
    refuse_if_any(problems)

    def place(location: Sequence) -> str:
        key = ".".join(str(part) for part in location)
        return f"{origin(origins, key, path.name)}: {key}" if key else path.name

    content = (
        {**raw, "tables": {k: Path(v).name if isinstance(v, str) else v for k, v in raw["tables"].items()}} if isinstance(raw.get("tables"), dict) else raw
    )
    file, refused = None, set()
    try:
        file = ScenarioFile.model_validate(content)
    except ValidationError as error:
        problems.extend(sentences_of(error, ScenarioFile, place))
        refused = {fault["loc"] for fault in error.errors()}
    problems.extend(missing_sources(raw, place, refused))
    if file is not None:
        try:
            check_correlation(file.drivers.correlation)
        except InputError as error:
            problems.extend(f"{place(('drivers', 'correlation')).partition(':')[0]}: {sentence}" for sentence in error.sentences)
    network = None
    tables = raw.get("tables")
    if isinstance(tables, dict):
        paths = {name: Path(value) for name, value in tables.items() if isinstance(value, str) and name in Tables.model_fields}
        files = [*files, *(str(p) for p in paths.values())]
        found: list[str] = []
        calendar = file.run.calendar if file else None
        dates = Dates(file.run.start, file.run.information_date or file.run.start) if file else None
        network = read_network(paths, calendar, dates, found)
        if not found and {"entities", "figures"} <= paths.keys():
            found.extend(check_network(network, calendar))
        problems.extend(found)
    refuse_if_any(problems)
    return Scenario.model_construct(**{name: getattr(file, name) for name in ScenarioFile.model_fields}, network=network, files=tuple(files))


def find_scenario(path_or_name: str | Path) -> Path:
    """The file of a scenario, or an error with what is near."""
    path = Path(path_or_name)
    if path.is_file():
        return path
    shipped = shipped_scenarios()
    if str(path_or_name) in shipped:
        return shipped[str(path_or_name)]
    folder = path.parent
    near = [p.name for p in sorted(folder.glob("*.toml")) if is_scenario(p)] if folder.is_dir() else []
    raise InputError(
        [
            f"{path_or_name}: there is no such scenario file{did_you_mean(path.name, [*shipped, *near])}; "
            f"shipped scenarios: {listed(shipped) or 'none'}" + (f"; files in that folder: {listed(near)}." if near else ".")
        ]
    )


def is_scenario(path: Path) -> bool:
    """True for a TOML file with a table [run], its own or that of a scenario that it extends."""
    try:
        return not {"run", "extends"}.isdisjoint(read_toml(path))
    except InputError:
        return False


def read_chain(path: Path, below: tuple[Path, ...]) -> tuple[dict[str, Any], dict[str, str], list[str]]:
    """The file merged over what it extends: content, the file that set each key, files read."""
    resolved = path.resolve()
    if resolved in below:
        chain = " extends ".join(p.stem for p in (*below[below.index(resolved) :], resolved))
        raise InputError([f"{path.name}: extends: the chain is a cycle ({chain}); let one of them extend nothing."])
    raw = read_toml(path)
    parent = raw.pop("extends", None)
    tables = raw.get("tables")
    if isinstance(tables, dict):  # relative to the file that names them, so resolved before merging
        raw["tables"] = {name: str(path.parent / value) if isinstance(value, str) else value for name, value in tables.items()}
    origins = {key: path.name for key in leaves(raw)}
    files = [str(path)]
    raw.setdefault("name", path.stem)
    if parent is None:
        return raw, origins, files
    if not isinstance(parent, str):
        raise InputError([f"{path.name}: extends = {parent!r} is wrong: it must be the name or path of one scenario."])
    base, base_origins, base_files = read_chain(find_parent(path, parent), (*below, resolved))
    return merge(base, raw), base_origins | origins, [*base_files, *files]


def find_parent(path: Path, parent: str) -> Path:
    """The file a scenario extends: next to it, or shipped."""
    for candidate in (path.parent / parent, path.parent / f"{parent}.toml"):
        if candidate.is_file():
            return candidate
    shipped = shipped_scenarios()
    if parent in shipped:
        return shipped[parent]
    near = [p.stem for p in sorted(path.parent.glob("*.toml"))]
    raise InputError(
        [
            f"{path.name}: extends = '{parent}': there is no such scenario{did_you_mean(parent, [*near, *shipped])}; "
            f"next to it: {listed(near) or 'none'}; shipped: {listed(shipped) or 'none'}."
        ]
    )


def read_toml(path: Path) -> dict[str, Any]:
    """Content of a TOML file, or an error with the line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError([f"{path.name}: the file cannot be read ({error.strerror}); name a scenario file that can."]) from None
    except tomllib.TOMLDecodeError as error:
        raise InputError([f"{path.name}: not valid TOML: {error}; correct that line."]) from None
    except UnicodeDecodeError as error:
        raise InputError([f"{path.name}: not UTF-8 at byte {error.start}; save the file as UTF-8."]) from None


def merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Deep merge; tables merge, everything else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def leaves(content: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Dotted keys of everything in a file, sections included."""
    keys = []
    for key, value in content.items():
        keys.append(prefix + key)
        if isinstance(value, dict):
            keys.extend(leaves(value, f"{prefix}{key}."))
    return keys


def origin(origins: Mapping[str, str], key: str, default: str) -> str:
    """The file that set a key or the section around it."""
    while key:
        if key in origins:
            return origins[key]
        key = key.rpartition(".")[0]
    return default


def override(raw: dict[str, Any], overrides: Sequence[str] | Mapping[str, Any], origins: dict[str, str], problems: list[str]) -> None:
    """Set dotted keys; a parameter that is set gets a source that says so."""
    pairs: list[tuple[str, Any]] = list(overrides.items()) if isinstance(overrides, Mapping) else []
    for text in () if isinstance(overrides, Mapping) else overrides:
        key, sign, value = text.partition("=")
        if not sign or not key.strip():
            problems.append(f"{COMMAND_LINE} {text}: there is no value; write key=value such as run.paths=1000.")
            continue
        pairs.append((key.strip(), parse_value(value.strip())))
    for key, value in pairs:
        *sections, last = key.split(".")
        if not all(part.strip() for part in key.split(".")):
            problems.append(f"{COMMAND_LINE} {key}: a part of the key is blank; write it as section.key such as run.paths.")
            continue
        target = raw
        for depth, name in enumerate(sections):
            if name not in target:
                origins[".".join(sections[: depth + 1])] = COMMAND_LINE
            target = target.setdefault(name, {})
            if not isinstance(target, dict):
                problems.append(f"{COMMAND_LINE} {key}: '{'.'.join(sections[: depth + 1])}' is a value, not a section; set that key itself.")
                break
        else:
            if sections == ["tables"] and isinstance(value, str):
                value = str(Path(value))
            target[last] = value
            for within in [known for known in origins if known.startswith(f"{key}.")]:
                del origins[within]  # a whole section was set
            origins[key] = COMMAND_LINE
            depth = {"factors": 2, "rules": 1}.get(sections[0] if sections else "", 0)
            if depth and len(sections) >= depth and "sources" not in sections:
                section = raw
                for name in sections[:depth]:
                    section = section[name]
                parameter = (*sections, last)[depth]
                if isinstance(section.setdefault("sources", {}), dict):
                    section["sources"].setdefault(parameter, "set on the command line")


def parse_value(text: str) -> Any:
    """A TOML value; what is none is a string."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return parsed["value"] if len(parsed) == 1 else text


def missing_sources(raw: Mapping[str, Any], place, refused: set[tuple]) -> list[str]:
    """Every numeric parameter of the factors and rules that a file gives has a sentence in `sources`; `refused` are the keys that are wrong anyway."""
    sections = {("rules",): raw.get("rules")}
    if isinstance(raw.get("factors"), dict):
        sections |= {("factors", name): section for name, section in raw["factors"].items()}
    problems = []
    for location, section in sections.items():
        if not isinstance(section, dict):
            continue
        sources = section.get("sources", {})
        if location in refused or not isinstance(sources, dict):
            continue
        for key, value in section.items():
            if key != "sources" and (*location, key) not in refused and has_numbers(value) and not str(sources.get(key, "")).strip():
                problems.append(f'{place((*location, key))} has no source; say where the number comes from in [{".".join(location)}.sources] {key} = "...".')
    return problems


def has_numbers(value: Any) -> bool:
    """True for numbers and for lists and tables that hold some."""
    if isinstance(value, dict):
        return any(has_numbers(v) for v in value.values())
    if isinstance(value, list):
        return any(has_numbers(v) for v in value)
    return isinstance(value, (int, float)) and not isinstance(value, bool)
