"""Section 6 of docs/model.md is what the sections, figures and kinds of deals say today, and every field that a user can set says enough."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from simulate import model
from simulate.factors.members import Factors
from simulate.scenario.load import TABLES as OF_NETWORK
from tests.validation import parameters, symbols

PAGE = Path(__file__).parents[2] / "docs" / "model.md"
FIELDS = {field for name, group in model.Model.__annotations__.items() if name != "factors" for field in group._fields}
FIELDS |= {f"{member}.{row}" for member in Factors._fields for row in import_module(f"simulate.factors.{member}").Rows._fields}
TABLES = [*parameters.section_tables(), parameters.figure_table(), *parameters.term_tables()]
EVERY = [pytest.param(heading, row, id=f"{heading.split(' (')[0]} {row.name}") for heading, _, rows in TABLES for row in rows]
NO_FIELDS = symbols.STATE | symbols.OF_THE_STEP | symbols.RESULTS | symbols.WORDS | set(model.SWITCHES)

EXAMPLES = {"[worlds.<name>]", 'solution = "least"', "rules.transfer = 0", "simulate run channels"}  # of a scenario
KEY = re.compile("(driver|short_rate|revenue|value|spread|execution):<?[a-z]+>?|regime|delivery|life|power:shots|delivery:<entity>")  # names of draws


@pytest.mark.parametrize(("heading", "row"), EVERY)
def test_a_field_has_meaning_symbol_unit_range_and_source(heading, row):
    assert len(row.meaning) >= 5 and row.unit and row.range and row.plausible and row.default and row.value and row.source, row
    assert row.symbol, f"{heading}: give {row.name} its place in tests/validation/symbols.py"
    for name in re.findall(r"`([^`]+)`", row.symbol):
        assert name in FIELDS, f"{row.name}: {name} is no field of simulate.model"


def test_every_section_figure_and_kind_has_a_table():
    headings = [heading for heading, _, _ in TABLES]
    assert headings[:2] == ["[run]", "[drivers]"] and "[rules]" in headings
    assert [heading for heading in headings if heading.startswith("[factors.")] == [f"[factors.{name}]" for name in parameters.FactorSections.model_fields]
    kinds = [kind for heading in headings if heading.startswith("Terms: ") for kind in heading.removeprefix("Terms: ").split(", ")]
    assert kinds == list(parameters.KINDS)
    assert [row.name for row in parameters.figure_table()[2]] == list(parameters.FIGURES)
    sections = [name for name in parameters.ScenarioFile.model_fields if name not in ("name", "title", "tables", "factors", "shocks", "uncertain", *OF_NETWORK)]
    assert sections == ["run", "drivers", "rules", "worlds"], "a section of the scenario file that section_tables does not show"


def test_no_symbol_is_left_over():
    rows = {heading: {row.name.rpartition(".")[2] for row in rows} for heading, _, rows in TABLES}
    for section, known in symbols.SECTIONS.items():
        heading = {"worlds": "[worlds.<name>]"}.get(section, "[rules]" if section.startswith("rules") else f"[{section}]")
        assert set(known) <= rows[heading], section
    assert set(symbols.FIGURES) == set(parameters.FIGURES)
    assert set(symbols.TERMS) == set(parameters.KINDS)
    for kind, known in symbols.TERMS.items():
        assert set(known) | set(symbols.ALL_KINDS) == set(parameters.KINDS[kind].terms.model_fields), kind


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("[factors.regime] hazard_in", ("per year", "0.12", "0.12", ">= 0, <= 1000", "0 to 5")),
        ("[factors.power_gap] reversion", ("per year", "1", "1", "> 0, <= 1000", "0.05 to 20")),
        ("[drivers] correlation", ("1", "*none*", None, "each >= -1, <= 1", "accepted")),
        ("[rules] forced_sale_haircut", ("share", "0.3", "0.25", ">= 0, < 1", "accepted")),
        ("[rules] door.valuation_width", ("1", "0.1", "0.05", "> 0, <= 1000", "0.001 to 2")),
        ("[run] seed", ("1", "0", "0", ">= 0, < 2^64, whole", "accepted")),
        ("Figures of an entity fund_phi", ("share/quarter", "0", "0.01 to 0.06 (5 rows)", ">= 0, <= 1", "0 to 0.25")),
        ("Terms: gpu_loan ltv", ("1", "0", "0 to 0.8 (6 rows)", ">= 0, <= 10000", "0 to 2")),
    ],
)
def test_rows_say_what_the_code_says(name, row):
    (found,) = [param.values[1] for param in EVERY if param.id == name]
    assert (found.unit, found.default, row[2] and found.value, found.range, found.plausible) == row


def test_a_range_is_where_the_section_refuses():
    """The least value shown as exclusive is refused, just above it is accepted."""
    from simulate.factors.power_gap import PowerGap

    with pytest.raises(ValueError):
        PowerGap(reversion=0.0)
    assert PowerGap(reversion=1e-9).reversion == 1e-9


def test_code_font_in_the_equations_names_fields_of_the_model():
    """Sections 2 to 4: a name in code font is a field, a name of the state, a factor of the step, a switch, a channel, a world, or a short list of other things."""
    text = PAGE.read_text(encoding="utf-8")
    equations = re.sub(r"^```.*?^```|^<!-- state.*?^<!-- end", "", text[text.index("## 2.") : text.index("## 5.")], flags=re.DOTALL | re.MULTILINE)
    for code in re.findall(r"`([^`]+)`", equations):
        for name in re.split(r", |/", code):
            bare = re.sub(r"\[.*?\]+", "", name)
            known = bare in FIELDS or bare in NO_FIELDS or bare.startswith("own:") or code in EXAMPLES or KEY.fullmatch(code)
            assert known, f"`{code}` names {bare}, which is no field of simulate.model"
