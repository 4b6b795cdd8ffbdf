"""The tables of telecom_2000: every number with a source, nothing that became known later in a plan, and commitments that add up to what was reported.

Read with csv alone, so that a fault of the loader cannot hide a fault of the tables; the last tests run the scenario.
"""

import csv
import re
import tomllib
from datetime import date
from pathlib import Path

import pytest

import simulate
from simulate.checks.identities import IDENTITIES
from simulate.scenario.load import load_scenario
from simulate.studies.backtest import read_outcomes

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
FOLDER = CONFIGS / "telecom_2000"
TABLES = ("entities", "figures", "deals", "schedules", "terms", "vendors", "outcomes")
START = date(2000, 9, 30)
YEARS = range(2000, 2005)
LUCENT_REVENUE = 33.8  # LU_rev_00, USD bn of FY2000, the denominator of LU_vf_ratio


def read(table: str) -> list[dict[str, str]]:
    """Rows of one table."""
    with open(FOLDER / f"{table}.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def tables() -> dict[str, list[dict[str, str]]]:
    return {table: read(table) for table in TABLES}


def committed(tables, vendor):
    """Drawn loans of a vendor, and the caps of its guarantees, USD bn."""
    loans = sum(float(row["amount"]) for row in tables["deals"] if row["payee"] == vendor)
    return loans, sum(float(row["amount"]) for row in tables["deals"] if row["kind"] == "guarantee" and row["payer"] == vendor)


def guaranteed(tables, vendor):
    """What is drawn at the opening of the loans that a vendor guarantees, USD bn."""
    covers = {row["deal"]: row["value"] for row in tables["terms"] if row["term"] == "covers"}
    amounts = {row["id"]: float(row["amount"]) for row in tables["deals"]}
    return sum(amounts[covers[row["id"]]] for row in tables["deals"] if row["kind"] == "guarantee" and row["payer"] == vendor)


def test_every_row_has_a_source_that_is_an_id_a_memory_or_an_assumption(tables):
    for table, rows in tables.items():
        for row in rows:
            source = row["source"]
            assert len(source) > 15, f"{table}: {row}"
            assert re.search(r"\bhistory: [A-Z]{2,3}_\w+|\(.*\brecalled\)|assumption: ", source), f"{table}: '{source}' names no fact, memory or assumption"


def test_nothing_was_known_after_the_opening(tables):
    for table in ("figures", "deals"):
        for row in tables[table]:
            assert date.fromisoformat(row["known_on"]) <= START and date.fromisoformat(row["as_of"]) <= START, row


def test_no_plan_holds_the_collapse(tables):
    for entity in {row["entity"] for row in tables["figures"]}:
        plan = {int(row["year"]): float(row["value"]) for row in tables["figures"] if row["entity"] == entity and row["figure"] == "plan_revenue"}
        assert list(plan) == list(YEARS)
        assert all(plan[year + 1] > 1.05 * plan[year] for year in YEARS[:-1]), f"the plan of {entity} does not grow: {plan}"


def test_vendor_finance_of_lucent_is_24_per_cent_of_its_revenue(tables):
    """8.1 of commitments (6.7 of loans, 1.4 of guarantees) over 33.8 of revenue; 2.0 of them drawn."""
    loans, covered = committed(tables, "lucent")
    assert loans + covered == pytest.approx(8.1) and (loans + covered) / LUCENT_REVENUE == pytest.approx(0.24, abs=0.0005)
    assert loans == pytest.approx(1.3) and guaranteed(tables, "lucent") == pytest.approx(0.7)
    winstar = sum(float(row["amount"]) for row in tables["deals"] if row["id"] in ("V_lucent_winstar", "G_lucent_winstar"))
    assert winstar == pytest.approx(2.0)


@pytest.mark.parametrize(("vendor", "total", "drawn"), [("nortel", 3.1, 0.8), ("cisco", 2.4, 0.6)])
def test_commitments_of_the_other_vendors(tables, vendor, total, drawn):
    loans, covered = committed(tables, vendor)
    assert loans + covered == pytest.approx(total) and loans + guaranteed(tables, vendor) == pytest.approx(drawn)


def test_a_vendor_guarantees_what_its_line_can_draw_and_no_more(tables):
    """The cap of a guarantee is what is drawn at the opening and all draws of the schedule."""
    amounts = {row["id"]: float(row["amount"]) for row in tables["deals"]}
    lines = [row["id"].removeprefix("G_") for row in tables["deals"] if row["kind"] == "guarantee"]
    assert len(lines) == 10
    for line in lines:
        draws = sum(float(row["value"]) for row in tables["schedules"] if row["deal"] == f"U_{line}" and row["item"] == "draw")
        assert amounts[f"U_{line}"] + draws == pytest.approx(amounts[f"G_{line}"]), line


def test_behaviour_is_that_of_ai_2025():
    """Rules and dynamics were set for another network: only what was measured in 2000 differs."""
    ours, base = (tomllib.loads((CONFIGS / f"{name}.toml").read_text(encoding="utf-8")) for name in ("telecom_2000", "ai_2025"))
    for part in (ours, base):
        part["rules"].pop("sources")
        for section in part["factors"].values():
            section.pop("sources")
    assert ours["rules"] == base["rules"]
    changed = {f"{name}.{key}" for name, section in ours["factors"].items() for key, value in section.items() if base["factors"][name].get(key) != value}
    assert changed == {
        "short_rate.start", "short_rate.mean", "valuation.volatility", "power_gap.plan", "power_gap.volatility", "power_gap.shots_per_year",
        "rental.table", "rental.obsolescence", "life.values",
    }  # fmt: skip


def test_every_parameter_of_the_scenario_has_a_source():
    content = tomllib.loads((CONFIGS / "telecom_2000.toml").read_text(encoding="utf-8"))
    for name, section in {**content["factors"], "rules": content["rules"]}.items():
        assert {key for key in section if key != "sources"} == section["sources"].keys(), name
        assert all(len(sentence) > 15 for sentence in section["sources"].values()), name


def test_the_scenario_loads_without_a_warning():
    scenario = load_scenario("telecom_2000")
    assert scenario.run.calendar.years == range(2000, 2004) and scenario.run.calendar.end_of(12) == date(2003, 12, 31)
    assert not scenario.warnings
    outcomes = read_outcomes(scenario)
    assert len(outcomes) == 27 and {one.quantity for one in outcomes} == {"sales", "sales_year", "equity", "drawn", "credit_loss", "recovery", "default"}


def test_all_identities_hold():
    result = simulate.run("telecom_2000", paths=200, seed=5, check=True)
    assert set(result["identity"].values) == set(IDENTITIES)
    assert (result["identity_residual"] <= result["identity_tolerance"]).all()
    assert (result["default_step"].sel(world="network") >= 0).any("path").sel(entity=["global_crossing", "clecs", "winstar"]).all()
