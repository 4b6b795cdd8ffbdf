"""The tables of ai_2025: every figure with a source, known at the time, counted once, and in line with what was reported.

Read with csv alone, so that a fault of the loader cannot hide a fault of the tables; the last tests load the scenario.
"""

import csv
import re
import tomllib
from datetime import date
from pathlib import Path

import pytest

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
FOLDER = CONFIGS / "ai_2025"
TABLES = ("entities", "figures", "deals", "schedules", "terms", "vendors")
TEXT_TERMS = {"covers", "gate_host", "stake_deal"}
DEBT = {"loan", "bond", "gpu_loan"}
START, INFORMATION = date(2025, 12, 31), date(2026, 2, 28)
YEARS = range(2026, 2033)
ORIGIN = re.compile(r"^(assumption|calibration trial|entities|deals|schedules|parameters|factors|parties|growth)\b")
SHARED_ID = re.compile(r"\b[ETSHLGRW]\d\d\b")


def read(table: str) -> list[dict[str, str]]:
    """Rows of one table."""
    with open(FOLDER / f"{table}.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def tables() -> dict[str, list[dict[str, str]]]:
    return {table: read(table) for table in TABLES}


@pytest.fixture(scope="module")
def readme() -> str:
    return (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def figure(tables):
    """figure("openai", "cash") or, by year, figure("openai", "plan_fcf", 2026)."""
    values = {(row["entity"], row["figure"], row["year"]): float(row["value"]) for row in tables["figures"]}
    return lambda entity, name, year="": values[entity, name, str(year)]


@pytest.fixture(scope="module")
def scheduled(tables):
    """scheduled("T01", 2026): payment of the calendar year, 0 when there is none."""
    values = {(row["deal"], row["item"], int(row["year"])): float(row["value"]) for row in tables["schedules"]}
    return lambda deal, year, item="payment": values.get((deal, item, year), 0.0)


# Rows


@pytest.mark.parametrize("table", TABLES)
def test_every_row_says_where_it_comes_from(table):
    for line, row in enumerate(read(table), start=2):
        assert ORIGIN.match(row["source"]), f"{table}.csv line {line}: source '{row['source']}' names no table of the data set and is no assumption"
        assert len(row["source"]) > 15, f"{table}.csv line {line}: source '{row['source']}' says too little"
        assert None not in row, f"{table}.csv line {line}: more cells than columns"


def test_assumptions_give_a_reason(tables):
    for table, rows in tables.items():
        for line, row in enumerate(rows, start=2):
            assert row["source"] not in ("assumption", "assumption:"), f"{table}.csv line {line}"


def test_numbers_are_numbers(tables):
    for row in tables["figures"]:
        float(row["value"])
        assert row["year"] == "" or int(row["year"]) in YEARS
    for row in tables["schedules"]:
        assert float(row["value"]) > 0 and int(row["year"]) in YEARS
    for row in tables["terms"]:
        assert row["term"] in TEXT_TERMS or float(row["value"]) >= 0
    for row in tables["deals"]:
        assert row["amount"] == "" or float(row["amount"]) > 0
        assert row["probability"] == "" or 0 < float(row["probability"]) < 1


def test_only_a_ratio_has_no_amount(tables):
    ratios = {row["deal"] for row in tables["terms"] if row["term"] == "revenue_share" and float(row["value"])}
    assert {row["id"] for row in tables["deals"] if row["amount"] == ""} == ratios
    assert {row["deal"] for row in tables["schedules"] if row["unit"] == "share"} == ratios


def test_names_exist(tables):
    entities = {row["id"] for row in tables["entities"]}
    inside = {row["id"] for row in tables["entities"] if row["role"] == "inside"}
    deals = {row["id"]: row for row in tables["deals"]}
    assert len(entities) == len(tables["entities"]) and len(deals) == len(tables["deals"])
    assert {row["entity"] for row in tables["figures"]} == inside
    for row in tables["deals"]:
        assert {row["payer"], row["payee"]} <= entities and row["payer"] != row["payee"], row["id"]
    for table in ("schedules", "terms"):
        assert {row["deal"] for row in tables[table]} <= deals.keys()
    for row in tables["vendors"]:
        assert {row["entity"], row["vendor"]} <= inside
    for row in tables["terms"]:
        if row["term"] == "covers":
            assert deals[row["value"]]["payee"] == deals[row["deal"]]["payee"], f"{row['deal']} would be naked"
        if row["term"] == "gate_host":
            assert row["value"] in inside


def test_nothing_is_said_twice(tables):
    for table, key in {
        "figures": ("entity", "figure", "year"),
        "schedules": ("deal", "item", "year"),
        "terms": ("deal", "term"),
        "vendors": ("entity", "vendor"),
    }.items():
        names = [tuple(row[column] for column in key) for row in tables[table]]
        assert len(names) == len(set(names)), f"{table}.csv: {sorted({n for n in names if names.count(n) > 1})}"


# Known then


def test_figures_were_known_then(tables):
    for row in tables["figures"]:
        as_of, known_on = date.fromisoformat(row["as_of"]), date.fromisoformat(row["known_on"])
        place = f"{row['entity']} {row['figure']} {row['year']}"
        if row["figure"] == "equity_value":
            assert known_on <= START, f"{place}: a price of {known_on}"
        elif row["year"] or as_of > START:
            assert known_on <= INFORMATION, f"{place}: known on {known_on}"
        else:
            assert as_of <= START, place


def test_deals_were_known_then(tables):
    for row in tables["deals"]:
        assert date.fromisoformat(row["known_on"]) <= START, f"{row['id']} became known on {row['known_on']}"
        if date.fromisoformat(row["as_of"]) > START:
            assert "fiscal year nearest" in row["note"], f"{row['id']}: an amount of {row['as_of']} without a word why"


# Counted once


def test_pairs_that_must_not_be_added(tables, readme):
    paragraph = readme.split("## Pairs that must not both be included")[1].split("##")[0]
    pairs = re.findall(r"\b([ETSHLGRW]\d\d)/([ETSHLGRW]\d\d)\b", paragraph)
    assert len(pairs) >= 19
    deals = {row["id"] for row in tables["deals"]}
    for first, second in pairs:
        assert not {first, second} <= deals, f"{first} and {second} are both in deals.csv"


def test_what_is_entered_net_is_net(tables, scheduled):
    amount = {row["id"]: float(row["amount"] or 0) for row in tables["deals"]}
    assert amount["S02_less_S01_S03"] + amount["S01"] + amount["S03"] == pytest.approx(248)
    assert amount["S05_less_S04"] + amount["S04"] == pytest.approx(103.77)
    assert amount["T16_less_T14"] + amount["T14"] == pytest.approx(26)
    for year, total in zip(YEARS, (2, 7, 12, 15, 16, 16, 16), strict=True):
        assert scheduled("S02_less_S01_S03", year) + scheduled("S01", year) + scheduled("S03", year) == pytest.approx(total)
    for year, total in zip(YEARS, (1.5, 4, 6, 7, 7.5, 7.5, 7.5), strict=True):
        assert scheduled("S05_less_S04", year) + scheduled("S04", year) == pytest.approx(total)
    for year, total in zip(YEARS, (6, 11, 11.5, 11.5, 9.5, 3.16, 0), strict=True):
        assert sum(scheduled(deal, year) for deal in ("T17", "T18", "T19", "T20")) == pytest.approx(total)


def test_every_deal_of_the_data_set_is_in_or_explained(tables, readme):
    text = readme.split("## Every base_2025 deal of the data set")[1]
    listed, omitted = text.split("Not in the table:")
    inside = {row["id"] for row in tables["deals"]}
    named = dict(re.findall(r"\b([ETSHLGRW]\d\d) \(as (\w+)", listed))
    claimed = set(SHARED_ID.findall(re.sub(r"\(as [^)]*\)", "", listed)))
    reasons = dict(re.findall(r"^\| ([ETSHLGRW]\d\d) \| (.+) \|$", omitted, re.MULTILINE))
    assert all(len(reason) > 5 for reason in reasons.values())
    assert not claimed & reasons.keys()
    assert len(claimed | reasons.keys()) == 105, "the data set has 105 deals of the layer base_2025"
    for deal in claimed:
        assert named.get(deal, deal) in inside, f"the README says that {deal} is in deals.csv"
    assert not inside & reasons.keys()
    own = set(re.findall(r"`(\w+)`", readme.split("## Rows that are no rows of the data set")[1].split("##")[0]))
    for deal in inside - own:
        assert deal.split("_")[0] in claimed, f"{deal} is in deals.csv and not in the README"


def test_debt_deals_fit_in_reported_debt(tables, figure):
    for entity in (row["id"] for row in tables["entities"] if row["role"] == "inside"):
        listed = sum(float(row["amount"]) for row in tables["deals"] if row["kind"] in DEBT and row["payer"] == entity)
        due = sum(float(row["value"]) for row in tables["figures"] if row["entity"] == entity and row["figure"] == "debt_principal")
        rest = figure(entity, "reported_debt") - listed
        assert rest >= -1e-9, f"{entity}: reported debt {figure(entity, 'reported_debt')} against {listed} in deals"
        assert due <= rest + 1e-9, f"{entity}: {due} of principal on {rest} of debt that is no deal"


def test_contracts_pay_no_more_than_was_signed(tables, scheduled):
    for row in tables["deals"]:
        if row["kind"] in ("compute_contract", "lease", "hardware_purchase", "equity_commitment") and row["amount"]:
            # T01 runs at its full rate to the end of 2032: 300, all inside. H08_lease is rent with interest, also all inside.
            assert sum(scheduled(row["id"], year) for year in YEARS) <= float(row["amount"]) + 1e-6, row["id"]


def test_stakes_leave_something_to_outside_holders(tables):
    share = {row["deal"]: float(row["value"]) for row in tables["terms"] if row["term"] == "share"}
    held: dict[str, float] = {}
    for row in tables["deals"]:
        if row["kind"] == "equity_stake":
            held[row["payee"]] = held.get(row["payee"], 0.0) + share[row["id"]]
    assert held["openai"] == pytest.approx(0.38) and held["anthropic"] == pytest.approx(0.30)
    assert all(total < 1 for total in held.values())


def test_fleet_is_pledged_once_and_covenants_hold_at_the_opening(tables, figure):
    term = {(row["deal"], row["term"]): float(row["value"]) for row in tables["terms"] if row["term"] not in TEXT_TERMS}
    loans = [row for row in tables["deals"] if row["kind"] == "gpu_loan" and row["payer"] == "coreweave"]
    assert sum(term[row["id"], "fleet_share"] for row in loans) <= 1
    cost, span = figure("coreweave", "fleet_cost"), figure("coreweave", "fleet_span")
    for life in (3, 6):  # bought evenly over `span` years: mean age span / 2
        value = cost * (1 - span / 2 / life)
        for row in loans:
            assert float(row["amount"]) < term[row["id"], "ltv"] * term[row["id"], "fleet_share"] * value, f"{row['id']} breaches at a life of {life} years"


def test_vehicles_can_serve_their_debt_from_rent(tables, figure, scheduled):
    """At a rate of 3.64 % + margin, cash never goes below zero at plan, year by year."""
    term = {(row["deal"], row["term"]): float(row["value"]) for row in tables["terms"] if row["term"] not in TEXT_TERMS}
    plan = {(row["entity"], int(row["year"])): float(row["value"]) for row in tables["figures"] if row["figure"] == "plan_capex"}
    for vehicle in (row["id"] for row in tables["entities"] if row["type"] == "spv"):
        rents = [row["id"] for row in tables["deals"] if row["kind"] == "lease" and row["payee"] == vehicle]
        loans = {row["id"]: float(row["amount"]) for row in tables["deals"] if row["kind"] in DEBT and row["payer"] == vehicle}
        assert rents and loans
        cash = figure(vehicle, "cash")
        for year in YEARS:
            cash += sum(scheduled(rent, year) for rent in rents) - plan.get((vehicle, year), 0.0)
            for loan, balance in loans.items():
                rate = term[loan, "rate"] + 0.0364 * term[loan, "float"] + term[loan, "margin"]
                drawn, repaid = scheduled(loan, year, "draw"), scheduled(loan, year, "principal")
                cash += drawn - repaid - rate * (balance + (drawn - repaid) / 2)
                loans[loan] = balance + drawn - repaid
                assert loans[loan] >= -1e-9, loan
            assert cash >= 0, f"{vehicle} is short by {-cash:.2f} in {year}"


# What was reported


def test_openai_bridge_of_the_calibration(figure, scheduled):
    contracts = {year: sum(scheduled(deal, year) for deal in ("T01", "T02", "T03", "T05", "T06", "T07", "T08")) for year in YEARS}
    assert [round(contracts[year], 1) for year in range(2026, 2031)] == [28.6, 58.9, 92.9, 112.0, 114.9]
    residual = []
    for year in YEARS:
        revenue = figure("openai", "plan_revenue", year)
        residual.append(revenue * (1 - scheduled("R01", year) - figure("openai", "cost_var")) - contracts[year] - figure("openai", "plan_fcf", year))
    assert [round(value, 1) for value in residual] == [18.3, 43.4, 65.1, 41.2, 50.5, 101.9, 120.0]


def test_labs_have_no_negative_residual(figure, scheduled):
    interest = 0.1225 * 5  # L40
    payments = {"anthropic": ("T30", "T34", "H08_lease"), "xai": ("S06",)}
    for lab, deals in payments.items():
        for year in YEARS:
            revenue = figure(lab, "plan_revenue", year)
            usage = scheduled("AWS_usage_anthropic", year) if lab == "anthropic" else 0.0
            rest = revenue * (1 - usage - figure(lab, "cost_var")) - sum(scheduled(deal, year) for deal in deals) - figure(lab, "plan_fcf", year)
            rest -= figure(lab, "plan_capex", year) + (interest if lab == "xai" else 0.0)
            assert rest > 1, f"{lab} {year}: {rest:.2f}"


def test_vendors_keep_a_positive_rest(tables, figure, scheduled):
    """Operating cash flow less the margin on what the network buys, as in the bridge."""
    for vendor in ("nvidia", "amd", "broadcom"):
        for year in YEARS:
            margin = sum(
                float(row["share"]) * float(row["margin"]) * figure(row["entity"], "plan_capex", year) for row in tables["vendors"] if row["vendor"] == vendor
            )
            margin += 0.45 * scheduled("H08", year) if vendor == "broadcom" else 0.0
            assert figure(vendor, "plan_ocf", year) - margin > 0, f"{vendor} {year}"


def test_chips_of_vendors_fit_in_the_chips_of_capex(tables, figure):
    bought: dict[str, float] = {}
    for row in tables["vendors"]:
        bought[row["entity"]] = bought.get(row["entity"], 0.0) + float(row["share"])
    for entity, share in bought.items():
        assert share <= figure(entity, "chip_of_capex") + 1e-9, f"{entity}: {share} of capex buys chips, {figure(entity, 'chip_of_capex')} is chips"


@pytest.mark.parametrize(
    ("entity", "name", "value"),
    [
        ("openai", "cash", 40),
        ("openai", "equity_value", 500),
        ("openai", "opening_revenue", 4.6),
        ("anthropic", "cash", 13),
        ("anthropic", "equity_value", 350),
        ("oracle", "reported_debt", 108),
        ("oracle", "cash", 20),
        ("oracle", "committed", 0.7),
        ("oracle", "fund_flat", 44),
        ("oracle", "fund_leverage", 4.5),
        ("coreweave", "reported_debt", 21.4),
        ("coreweave", "credit_line", 4.7),
        ("coreweave", "ebitda_margin", 0.62),
        ("coreweave", "fund_leverage", 8),
        ("softbank", "reported_debt", 68),
        ("softbank", "cash", 24.3),
        ("nvidia", "cash", 62.6),
        ("microsoft", "equity_value", 3600),
        ("meta", "reported_debt", 58.7),
    ],
)
def test_single_figures_agree_with_the_calibration(figure, entity, name, value):
    assert figure(entity, name) == pytest.approx(value)


def test_listed_debt_of_coreweave(tables):
    listed = sum(float(row["amount"]) for row in tables["deals"] if row["kind"] in DEBT and row["payer"] == "coreweave")
    assert listed == pytest.approx(18.47)


def test_letters_of_intent_share_a_draw(tables):
    groups = {row["id"]: (row["group"], row["probability"]) for row in tables["deals"] if row["status"] in ("conditional", "letter_of_intent", "talks")}
    assert groups == {"H01": ("openai_nvidia", "0.25"), "E03": ("openai_nvidia", "0.25"), "H02": ("openai_amd", "0.25"), "H03": ("openai_broadcom", "0.25")}
    assert all(row["group"] == "" for row in tables["deals"] if row["status"] in ("completed", "binding"))


# The file


def test_every_parameter_of_the_scenario_has_a_source():
    content = tomllib.loads((CONFIGS / "ai_2025.toml").read_text(encoding="utf-8"))
    sections = {**content["factors"], "rules": content["rules"]}
    assert len(sections) == 12 + 1
    for name, section in sections.items():
        given = {key for key in section if key != "sources"}
        assert given == section["sources"].keys(), name
        assert all(len(sentence) > 15 for sentence in section["sources"].values()), name


def test_the_scenario_loads():
    from simulate.scenario.load import load_scenario

    scenario = load_scenario(CONFIGS / "ai_2025.toml")
    assert scenario.run.calendar.years == YEARS
    assert len(scenario.network.deals) == len(read("deals"))


def test_compiled_residuals_are_the_bridges_of_the_calibration(figure):
    from simulate.compile.scenario import compile_scenario
    from simulate.scenario.load import load_scenario

    compiled = compile_scenario(load_scenario(CONFIGS / "ai_2025.toml"), 0)
    assert all(row["residual"] >= 0 for row in compiled.reconciliation)
    residual = {(row["entity"], row["line"], row["year"]): row["residual"] for row in compiled.reconciliation}
    for (entity, year), value in {
        ("microsoft", 2026): 171.4,
        ("amazon", 2026): 173.3,
        ("alphabet", 2026): 188.9,
        ("oracle", 2026): 32.0,
        ("amd", 2026): 5.4,
        ("oracle", 2030): 57.8,
        ("microsoft", 2030): 227.6,
        ("softbank", 2028): 4.7,
    }.items():
        # The calibration ran interest on another path of new debt and knew no payment terms (a third of the last quarter of T01): within one per cent or 0.6.
        assert residual[entity, "operating cash flow", year] == pytest.approx(value, rel=0.01, abs=0.6), f"{entity} {year}"
    assert residual["coreweave", "debt", None] == pytest.approx(2.93) and residual["softbank", "debt", None] == pytest.approx(53.3)
    assert residual["oracle", "debt", None] == 0 and residual["openai", "debt", None] == 0
    names, entities = compiled.names.entities, compiled.model.entities
    for entity, core in {"oracle": 648 - 25, "softbank": 148.7, "broadcom": 1688.9, "amd": 342.65}.items():
        assert entities.core0[names.index(entity)] == pytest.approx(core, rel=1e-6), f"{entity}: core at the opening, the fleet taken out"


def test_what_is_uncertain_has_a_source_and_holds_the_value_of_the_scenario():
    from simulate.scenario.keys import cells_by_table, numbers_of
    from simulate.scenario.load import load_scenario

    scenario = load_scenario("ai_2025")
    assert len(scenario.uncertain) >= 15 and not [warning for warning in scenario.warnings if "outside of" in warning]
    tables = cells_by_table(scenario.network)
    for key, law in scenario.uncertain.items():
        assert ORIGIN.match(law.source), key
        middle = law.numbers[1] if law.law in ("triangular", "pert") else law.numbers[0]
        assert {number.value for number in numbers_of(key, scenario, tables)} == {middle}, f"{key}: the most likely value is another than that of the scenario"


def test_every_uncertain_parameter_moves_the_model():
    from simulate.compile.scenario import compile_scenario
    from simulate.scenario.load import load_scenario
    from simulate.studies.ranges import plan_study, refuse_idle

    plan = plan_study(load_scenario("ai_2025"))
    refuse_idle(plan, compile_scenario(plan.scenario, plan.seed).model)
    assert not plan.held
