"""Section 6 of docs/model.md: every parameter that a user can set, from the sections, figures and kinds of deals themselves.

`python -m tests.pages parameters` writes them between two markers of the page.
Meaning, unit, default and range come from the fields; symbols from validation/symbols.py; values and sources from the shipped scenario `ai_2025`.
"""

import csv
import importlib
import math
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from simulate.deals import KINDS
from simulate.deals.kind import Terms
from simulate.dimensions import DIMENSIONS, Plausible, plausible_range
from simulate.factors import FactorSections
from simulate.factors.section import split_unit
from simulate.network.figures import FIGURES, FigureKind
from simulate.network.tables import UNITS as SCALES
from simulate.scenario.load import load_scenario
from simulate.scenario.sections import ScenarioFile, World

from . import symbols

TABLES = Path(__file__).parents[2] / "configs" / "ai_2025"
SOURCES_ELSEWHERE = {
    "worlds": "`network`; choice of the run",
    "run": "choice of the run",
    "drivers.correlation": "assumption, except demand:spread (calibration trial); comments of configs/ai_2025.toml",
}
HEADER = ("Parameter", "Meaning", "Symbol", "Unit", "Default", "ai_2025", "Accepted", "Plausible", "Source of the value in ai_2025")


class Parameter(NamedTuple):
    """A row of the page."""

    name: str
    meaning: str
    symbol: str
    unit: str
    default: str
    value: str
    range: str
    plausible: str
    source: str


def write_parameters() -> str:
    """Section 6."""
    lines = [
        "## 6. Parameters",
        "",
        "Symbols in `code font` are the arrays that the parameter goes into; without them it acts where the text says. Default: what holds when the scenario does not",
        "give it; *needed*: it must be given; *none*: without it the mechanism is absent or the number is derived. Rates and shares a quarter are converted to the",
        "length of the step (docs/step.md). Accepted is what can be computed; a number that is not plausible is a warning, an error with `--strict`, and says which unit",
        "was probably meant (simulate/dimensions.py). Of `ai_2025` the value is shown with its source as the scenario states",
        "it; of figures and terms how many rows give it, their least and greatest value and how many of the rows say `assumption` (each row has its own source in",
        "`configs/ai_2025/figures.csv` and `terms.csv`).",
    ]
    for heading, text, parameters in [*section_tables(), figure_table(), *term_tables()]:
        lines += ["", f"### {heading}", "", *([text, ""] if text else []), *table(parameters)]
    return "\n".join(lines) + "\n"


def table(parameters: Iterable[Parameter]) -> list[str]:
    """Rows of Markdown."""
    rows = [[cell.replace("|", "\\|") for cell in parameter] for parameter in parameters]
    return [f"| {' | '.join(HEADER)} |", "|" + "---|" * len(HEADER), *(f"| `{row[0]}` | {' | '.join(row[1:])} |" for row in rows)]


# Sections of the scenario file


def section_tables() -> list[tuple[str, str, list[Parameter]]]:
    """Heading, text and parameters of every section of the scenario file but the paths of its tables."""
    scenario = load_scenario("ai_2025")
    top, factors = ScenarioFile.model_fields, FactorSections.model_fields
    made = [("[run]", "", section_parameters("run", top["run"].annotation, scenario.run, {}))]
    made.append(("[drivers]", "", section_parameters("drivers", top["drivers"].annotation, scenario.drivers, {})))
    for name, field in factors.items():
        section = getattr(scenario.factors, name)
        text = importlib.import_module(field.annotation.__module__).__doc__.strip()
        made.append((f"[factors.{name}]", text, section_parameters(f"factors.{name}", field.annotation, section, section.sources)))
    made.append(("[rules]", "", section_parameters("rules", top["rules"].annotation, scenario.rules, scenario.rules.sources)))
    made.append(("[worlds.<name>]", " ".join(World.__doc__.split()), section_parameters("worlds", World, scenario.worlds["network"], {})))
    return made


def section_parameters(prefix: str, section: type[BaseModel], values: BaseModel, sources: Mapping[str, str]) -> list[Parameter]:
    """Parameters of a section; those of a table inside it have its name in front and its source."""
    schema = section.model_json_schema()["properties"]
    made = []
    for name, field in section.model_fields.items():
        if name == "sources":
            continue
        value = getattr(values, name)
        source = sources.get(name) or SOURCES_ELSEWHERE.get(f"{prefix}.{name}") or SOURCES_ELSEWHERE.get(prefix, "not used")
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            inside = section_parameters(f"{prefix}.{name}", field.annotation, value, dict.fromkeys(field.annotation.model_fields, source))
            made += [parameter._replace(name=f"{name}.{parameter.name}") for parameter in inside]
            continue
        meaning, unit = split_unit(field.description or "")
        symbol = symbols.SECTIONS.get(prefix, {}).get(name, "")
        made.append(
            Parameter(name, meaning, symbol, unit, shown_default(field), shown(value), schema_range(schema[name]), plausible(plausible_range(field)), source)
        )
    return made


def shown_default(field) -> str:
    if field.is_required():
        return "*needed*"
    return shown(field.get_default(call_default_factory=True))


def shown(value) -> str:
    """A value as a user would write it."""
    if value is None or value is PydanticUndefined:
        return "*none*"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value:g}" if abs(value) < 1e6 else str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {shown(item)}" for key, item in value.items()) or "*none*"
    if isinstance(value, (tuple, list)):
        return ", ".join(shown(item) for item in value) or "*none*"
    return str(value) or "*none*"


def schema_range(schema: Mapping) -> str:
    """What a field accepts, from its JSON schema."""
    options = [option for option in schema.get("anyOf", [schema]) if option.get("type") != "null"]
    if len(options) > 1:
        return " or ".join(schema_range(option) for option in options)
    (option,) = options
    if "const" in option:
        return str(option["const"])
    if "enum" in option:
        return " or ".join(option["enum"])
    kind = option.get("type")
    if kind == "object":
        each = schema_range(option["additionalProperties"])
        keys = option.get("propertyNames", {}).get("enum")
        return (each if each == "any" else f"each {each}") + (f" ({', '.join(keys)})" if keys else "")
    if kind == "array":
        return f"each {schema_range(option['items'])}"
    if kind == "boolean":
        return "true or false"
    if kind == "string":
        return "a date" if option.get("format") == "date" else "text"
    if kind not in ("number", "integer"):
        raise ValueError(f"no range for {schema}")
    low, high = option.get("minimum", option.get("exclusiveMinimum")), option.get("maximum", option.get("exclusiveMaximum"))
    return interval(low, high, "exclusiveMinimum" in option, "exclusiveMaximum" in option) + (", whole" if kind == "integer" else "")


def interval(low: float | None, high: float | None, above: bool = False, below: bool = False) -> str:
    """Bounds in words of mathematics."""
    least = "" if low is None else f"{'> ' if above else '>= '}{bound(low)}"
    most = "" if high is None else f"{'< ' if below else '<= '}{bound(high)}"
    return ", ".join(part for part in (least, most) if part) or "any"


def plausible(usual: Plausible | None) -> str:
    """The range outside of which a number is doubted; "accepted": none within the accepted one."""
    return "accepted" if usual is None else str(usual)


def bound(number: float) -> str:
    """2^64 rather than its digits."""
    return f"2^{round(math.log2(number))}" if number >= 2**32 else f"{number:g}"


# Figures and terms


def figure_table() -> tuple[str, str, list[Parameter]]:
    """Figures of entities."""
    rows = read_rows("figures.csv")
    made = []
    for name, kind in FIGURES.items():
        value, source = summary([row for row in rows if row["figure"] == name], kind.dimension)
        unit = DIMENSIONS[kind.dimension].unit + (", by calendar year" if kind.yearly else "")
        symbol = symbols.FIGURES.get(name, "")
        made.append(Parameter(name, kind.text, symbol, unit, figure_default(name, kind), value, interval(*kind.accepted), plausible(kind.plausible), source))
    return "Figures of an entity (`figures.csv`)", "", made


def figure_default(name: str, kind: FigureKind) -> str:
    """What a figure is when no row gives it."""
    if name == "cash":
        return "*needed*"
    return "0" if kind.yearly else shown(kind.default)


def term_tables() -> list[tuple[str, str, list[Parameter]]]:
    """Terms by kind of deal; those of all kinds first."""
    kinds = {row["id"]: row["kind"] for row in read_rows("deals.csv")}
    rows = read_rows("terms.csv")
    shared = tuple(Terms.model_fields)
    made = [("Terms of all kinds of deals (`terms.csv`)", "", [term(Terms, name, symbols.ALL_KINDS, rows) for name in shared])]
    for terms in dict.fromkeys(kind.terms for kind in KINDS.values()):
        members = [kind.name for kind in KINDS.values() if kind.terms is terms]
        mine = [row for row in rows if kinds[row["deal"]] in members]
        names = [name for name in terms.model_fields if name not in shared]
        text = terms.__doc__.strip()
        made.append((f"Terms: {', '.join(members)}", text, [term(terms, name, symbols.TERMS.get(members[0], {}), mine) for name in names]))
    return made


def term(terms: type[Terms], name: str, known: Mapping[str, str], rows: list[dict[str, str]]) -> Parameter:
    """One term of a kind."""
    field = terms.model_fields[name]
    written = field.alias or name
    dimension = field.json_schema_extra["dimension"]
    value, source = summary([row for row in rows if row["term"] == written], dimension)
    schema = terms.model_json_schema(by_alias=True)["properties"][written]
    limits = "an id" if dimension == "text" else schema_range(schema)
    return Parameter(
        written,
        field.description or "",
        known.get(name, ""),
        DIMENSIONS[dimension].unit,
        shown_default(field),
        value,
        limits,
        plausible(plausible_range(field)),
        source,
    )


def read_rows(name: str) -> list[dict[str, str]]:
    with (TABLES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def summary(rows: list[dict[str, str]], dimension: str) -> tuple[str, str]:
    """Least and greatest value in the unit of the page and how many rows there are; how many of them are assumptions."""
    if not rows:
        return "not given", "not used"
    assumed = sum("assumption" in row["source"].lower() for row in rows)
    count = f"{len(rows)} row{'s' if len(rows) > 1 else ''}"
    if dimension == "text":
        text = ", ".join(dict.fromkeys(row["value"] for row in rows))
    else:
        numbers = [float(row["value"]) * SCALES[dimension][row["unit"]] for row in rows]
        text = shown(min(numbers)) if min(numbers) == max(numbers) else f"{shown(min(numbers))} to {shown(max(numbers))}"
    return f"{text} ({count})", f"by row; {assumed} of {len(rows)} assumption"
