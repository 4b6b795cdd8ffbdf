"""Plausibility beside validity: what is accepted and unlikely is a warning with its place and the unit that was probably meant."""

import pytest

from simulate.cli.app import exit_code
from simulate.deals import KINDS
from simulate.dimensions import DIMENSIONS, OTHER_UNITS, Plausible, doubt, plausible_range
from simulate.factors import FactorSections
from simulate.factors.section import doubts
from simulate.network.doubts import sudden
from simulate.network.figures import FIGURES
from simulate.scenario.inherit import shipped_scenarios
from simulate.scenario.load import load_scenario
from simulate.scenario.sections import Rules, ScenarioFile
from tests.makers.small import SMALL, add, change, copy_small

TEST = "assumption: test"


@pytest.fixture
def small(tmp_path):
    return copy_small(tmp_path)


def warnings(path, *overrides):
    return load_scenario(path, overrides).warnings


@pytest.mark.parametrize("name", [*shipped_scenarios(), str(SMALL)])
def test_shipped_scenarios_have_no_warnings(name):
    assert warnings(name) == ()


# key=value -> what it says after the key
PARAMETERS = {
    "factors.short_rate.shift=300": "300 is not plausible (usual: -0.2 to 0.3 per year); if it means 300 basis points, write 0.03.",
    "factors.short_rate.mean=3.6": "3.6 is not plausible (usual: -0.05 to 0.3 per year); if it means 3.6 percent, write 0.036.",
    "factors.rental.volatility=45": "45 is not plausible (usual: 0 to 3 per sqrt(year)); if it means 45 percent, write 0.45.",
    "factors.spread.volatility=45": "45 is not plausible (usual: 0 to 3 per sqrt(year)); if it means 45 percent, write 0.45.",
    "factors.revenue.volatility_scale=100": "100 is not plausible (usual: 0 to 5); if it means 100 percent, write 1.",
    "factors.power_gap.plan.2030=25": "25 is not plausible (usual: 0 to 1 share of planned additions); if it means 25 percent, write 0.25.",
    "factors.delivery.fixed=90": "90 is not plausible (usual: 0 to 3 share); if it means 90 percent, write 0.9.",
    "factors.life.values=[3, 72]": "72 is not plausible (usual: 0.5 to 30 years); if it means 72 months, write 6.",
    "rules.door.valuation=75": "75 is not plausible (usual: 0.05 to 3 ratio); if it means 75 percent, write 0.75.",
}


@pytest.mark.parametrize("override", PARAMETERS)
def test_a_parameter_that_is_not_plausible_is_a_warning(override):
    key, _, _ = override.partition("=")
    (said,) = warnings(SMALL, override)
    assert said.startswith(f"--set: {key}") and said.endswith(f" = {PARAMETERS[override]}")
    assert exit_code(["validate", str(SMALL), "--set", override, "--strict"]) == 2


def test_a_warning_names_the_file_that_has_the_key(small):
    child = small.parent / "child.toml"
    child.write_text('extends = "small"\n[factors.spread]\nvolatility = 45.0\n[factors.spread.sources]\nvolatility = "assumption: test"\n')
    (said,) = warnings(child)
    assert said.startswith("child.toml: factors.spread.volatility = 45 is not plausible")


# (table, what it says, what it is changed to, the warning)
CELLS = {
    "percent of a figure": ("figures.csv", "cloud,debt_rate,,0.06,", "cloud,debt_rate,,4.2,",
                            "figures.csv line 44 (entity 'cloud' figure 'debt_rate'): 'debt_rate' = 4.2 is not plausible (usual: 0 to 0.3 per year); if it means 4.2 percent, write 0.042."),
    "basis points of a loan": ("terms.csv", "notes,rate,0.07,", "notes,rate,450,",
                               "terms.csv line 9 (deal 'notes' term 'rate'): 'rate' = 450 is not plausible (usual: 0 to 0.3 per year); if it means 450 basis points, write 0.045."),
    "MW": ("figures.csv", "cloud,gw,,1.2,", "cloud,gw,,850,",
           "figures.csv line 67 (entity 'cloud' figure 'gw'): 'gw' = 850 is not plausible (usual: 0 to 20 GW); if it means 850 MW, write 0.85."),
    "percent of a covenant": ("terms.csv", "margin_loan,ltv,0.5,", "margin_loan,ltv,50,",
                              "terms.csv line 17 (deal 'margin_loan' term 'ltv'): 'ltv' = 50 is not plausible (usual: 0 to 2); if it means 50 percent, write 0.5."),
    "millions of a plan": ("figures.csv", "cloud,plan_capex,2028,36,", "cloud,plan_capex,2028,36000,",
                           "figures.csv line 80 (entity 'cloud' figure 'plan_capex' year '2028'): 'plan_capex' = 36000 is not plausible (usual: 0 to 1000 USD bn/year); if it means 36000 USD mn, write 36."),
    "millions of a contract": ("deals.csv", "lab,cloud,110,", "lab,cloud,110000,",
                               "deals.csv line 2 ('compute'): amount = 110000 is not plausible (usual: 0 to 1000 USD bn); if it means 110000 USD mn, write 110."),
    "as of after known": ("figures.csv", "lab,cash,,20,USD bn,2025-12-31,2025-12-31", "lab,cash,,20,USD bn,2025-12-31,2025-06-30",
                          "figures.csv line 2 (entity 'lab' figure 'cash'): is as of 2025-12-31, but was known on 2025-06-30 already; check the two dates."),
    "payments above the amount": ("deals.csv", "lab,cloud,110,", "lab,cloud,1,",
                                  "deals.csv line 2 ('compute'): its payments add up to 94 USD bn, but its amount is 1; the payments count, so correct the amount or leave it blank."),
    "a gap in a schedule": ("schedules.csv", f"compute,payment,2028,20,USD bn/year,{TEST}\n", "",
                            "schedules.csv: deal 'compute': no payment is given for 2028, between other years, so none is made; add the year, or write 0 there."),
    "a sudden payment": ("schedules.csv", "halls,payment,2028,1.4,", "halls,payment,2028,600,",
                         "schedules.csv: deal 'halls': payment of 2028 is 600, 400 times the years beside it; check its unit (USD bn, not mn)."),
    "paid in above the value": ("figures.csv", "lab,outside_cost,,60,", "lab,outside_cost,,301,",
                                "figures.csv: 'lab': outside_cost 301 is more than the whole equity is worth (equity_value 300 USD bn); check the unit of both, "
                                "or say in a note why holders have paid more."),
}  # fmt: skip


@pytest.mark.parametrize("case", CELLS)
def test_a_cell_that_is_not_plausible_is_a_warning(case, small, capsys):
    table, old, new, said = CELLS[case]
    change(small, table, old, new)
    assert said in warnings(small)
    assert exit_code(["validate", str(small), "--strict"]) == 2
    assert said in capsys.readouterr().err.splitlines()


def test_paid_in_capital_in_millions_is_two_warnings(small):
    change(small, "figures.csv", "lab,outside_cost,,60,", "lab,outside_cost,,20000,")
    own, relative = warnings(small)
    assert own.endswith("'outside_cost' = 20000 is not plausible (usual: 0 to 1000 USD bn); if it means 20000 USD mn, write 20.")
    assert "more than the whole equity is worth" in relative


def test_a_figure_that_is_set_by_its_key_is_doubted_too():
    (said,) = warnings(SMALL, "figures.cloud.debt_rate=4.2")
    assert said.startswith("--set: figures.cloud.debt_rate: 'debt_rate' = 4.2 is not plausible") and said.endswith("if it means 4.2 percent, write 0.042.")


def test_ids_that_differ_in_capitals_only(small):
    add(small, "entities.csv", f"Lab,Another lab,outside,outside,never,none,0,0,0,{TEST}")
    assert warnings(small) == ("'Lab' and 'lab' differ in capital letters only; if they are one, write them alike.",)


def test_a_deal_of_two_outside_nodes(small):
    change(small, "deals.csv", "term_loan,loan,holding,banks", "term_loan,loan,landlords,banks")
    assert any("'landlords' and 'banks' are both outside, so nobody in the network gains or loses by it" in said for said in warnings(small))


def test_years_are_compared_with_their_neighbours_on_both_sides():
    assert not list(sudden({2026: 0.1, 2027: 2, 2028: 18, 2029: 60}))
    assert not list(sudden({2026: -15, 2027: 0.05, 2028: 20}))
    assert not list(sudden({2026: 5}))
    (said,) = sudden({2026: 20, 2027: 40000, 2028: 70})
    assert said.startswith("of 2027 is 40000, 571 times")
    (said,) = sudden({2026: 20000, 2027: 40, 2028: 70})
    assert said.startswith("of 2026")


def test_validate_prints_warnings_and_run_says_them_on_stderr(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    override = ["--set", "factors.spread.volatility=45"]
    assert exit_code(["validate", str(SMALL), *override]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == "All checks passed, with 1 warning." and "Warnings:\n  --set: factors.spread.volatility = 45 is" in out and err == ""
    assert exit_code(["run", str(SMALL), *override, "--strict"]) == 2
    assert "factors.spread.volatility = 45 is not plausible" in capsys.readouterr().err and not list(tmp_path.iterdir())
    assert exit_code(["run", str(SMALL), *override, "--paths", "20"]) == 0
    assert "warning: --set: factors.spread.volatility = 45 is not plausible" in capsys.readouterr().err


def test_a_unit_is_guessed_only_where_the_number_is_then_plausible():
    assert doubt(0.02, Plausible(0, 0.3), "per year") == ""
    assert doubt(1e6, Plausible(0, 0.3), "per year").endswith("; check it and its unit.")
    assert "usual: 0 to 3)" in doubt(9, Plausible(0, 3), "1")
    assert doubt(-5.0, Plausible(-0.2, 0.3), "per year").endswith("if it means -5 percent, write -0.05.")


def test_every_number_of_the_schema_has_a_plausible_range_and_defaults_lie_in_it():
    for name, kind in FIGURES.items():
        low, high = kind.accepted
        usual = kind.plausible
        bounded = kind.dimension == "flag" or high <= 1
        assert bounded or usual is not None, f"figure {name} has no plausible range"
        assert usual is None or kind.default is None or kind.default in usual, name
        assert usual is None or (usual.low <= high and usual.high >= low), name
    for kind in KINDS.values():
        for name, field in kind.terms.model_fields.items():
            dimension, usual = field.json_schema_extra["dimension"], plausible_range(field)
            assert dimension in ("flag", "text") or name == "seniority" or usual is not None, f"term {kind.name}.{name} has no plausible range"
            assert usual is None or not isinstance(field.default, float) or field.default in usual, name
    assert not list(doubts(FactorSections())) and not list(doubts(Rules()))


def parameters(section, key=""):
    for name, field in section.model_fields.items():
        inside = getattr(field.annotation, "model_fields", None)
        if inside is not None:
            yield from parameters(field.annotation, f"{key}{name}.")
        else:
            yield f"{key}{name}", field


def test_parameters_without_a_plausible_range_are_bounded_by_what_is_accepted():
    numbers = [(key, field) for key, field in parameters(ScenarioFile) if key.startswith(("factors.", "rules.")) and not key.endswith("sources")]
    without = {key for key, field in numbers if plausible_range(field) is None}
    assert without == {
        "factors.short_rate.process",
        "factors.delivery.correlation",
        "factors.execution.correlation",
        "factors.execution.probability",
        "factors.life.weights",
        "factors.revenue.tail_probability",
        "factors.revenue.share_switching",
        "factors.revenue.rival_share",
        "rules.rescue.discount_low",
        "rules.rescue.discount_high",
        "rules.exit_share",
        "rules.alpha",
        "rules.beta",
        "rules.forced_sale_haircut",
        "rules.transfer",
        "rules.race_theta",
    }, "each of these lies between 0 and 1, is scaled to a sum of 1, or is a name"


def test_dimensions_name_their_units():
    assert set(OTHER_UNITS) >= {dimension.unit for name, dimension in DIMENSIONS.items() if name in ("money", "flow", "quarterly money", "gw", "years", "days")}
