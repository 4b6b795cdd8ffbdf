"""Nothing risky by default: a blank that switches a mechanism off is said, and so is every default that is used."""

import pytest

from simulate.cli.app import exit_code
from simulate.network.blanks import SILENT
from simulate.network.figures import FIGURES
from simulate.scenario.load import load_scenario
from tests.makers.small import SMALL, change, copy_small

TEST = "assumption: test"


@pytest.fixture
def small(tmp_path):
    return copy_small(tmp_path)


def without(path, *figures):
    """The scenario without these figures of these entities."""
    file = path.parent / "figures.csv"
    header, *rows = file.read_text().splitlines()
    kept = [row for row in rows if tuple(row.split(",")[:2]) not in figures]
    assert len(kept) < len(rows)
    file.write_text("\n".join([header, *kept]) + "\n")
    return load_scenario(path)


# figures that are left out -> what is said
BLANK = {
    (("lab", "ai_share"),): "lab: revenue does not react to its own process, because ai_share is blank.",
    (("vendor", "ai_share"),): "vendor: revenue does not react to demand for AI, because ai_share is blank.",
    (("lab", "process_loading"),): "lab: the revenue process does not move with the demand driver, because process_loading is blank.",
    (("lab", "regime_shift"),): "lab: the revenue process loses nothing in disappointment, because regime_shift is blank.",
    (("cloud", "capacity_share"),): "cloud: revenue does not react to the capacity that the fleet delivers, because capacity_share is blank.",
    (("cloud", "rental_share"),): "cloud: revenue does not react to the rental price of compute, because rental_share is blank.",
    (("lab", "outside_cost"), ("holding", "outside_cost")): "lab, holding: outside owners lose nothing at a default, because outside_cost is blank.",
    (("vendor", "reported_debt"),): "vendor: there is no debt besides the listed deals, because reported_debt is blank.",
    (("vendor", "debt_rate"),): "vendor: debt outside the network bears no interest, because debt_rate, debt_float, debt_margin are blank.",
    (("lab", "fund_phi"),): "lab: no money is raised in the market, because fund_phi, fund_advance, fund_flat are blank.",
    (("cloud", "fund_leverage"),): "cloud: new debt has no limit from earnings or holdings, because fund_leverage, fund_ltv are blank.",
    (("cloud", "new_debt_margin"),): "cloud: new debt costs the short rate without a margin, because new_debt_margin is blank.",
    (("cloud", "committed"),): "cloud: no capex is committed, because committed is blank.",
    (("cloud", "follow"),): "cloud: capex does not react to receipts, because follow is blank.",
    (("holding", "core_haircut"),): "holding: the core loses nothing in a liquidation, because core_haircut is blank.",
}  # fmt: skip


@pytest.mark.parametrize("figures", BLANK)
def test_a_blank_that_switches_a_mechanism_off_is_said(figures, small, capsys):
    before = load_scenario(small).silent
    scenario = without(small, *figures)
    assert set(scenario.silent) - set(before) == {BLANK[figures]}
    assert exit_code(["validate", str(small)]) == 0
    assert f"  {BLANK[figures]}" in capsys.readouterr().out.splitlines()


def test_a_figure_that_is_given_as_zero_is_not_blank(small):
    change(small, "figures.csv", "lab,ai_share,,1,", "lab,ai_share,,0,")
    assert load_scenario(small).silent == load_scenario(SMALL).silent


def test_an_issuer_without_a_price_is_said(small):
    """A stake would refuse it, so nobody holds any."""
    for row in ("cross_stake,equity_stake,vendor,cloud,1,USD bn,completed,1,,2024,,,,2025-11-30,2025-12-15,assumption: test,a twentieth of the cloud\n",):
        change(small, "deals.csv", row, "")
    change(small, "terms.csv", f"cross_stake,share,0.05,share,{TEST}\ncross_stake,cost,2,USD bn,{TEST}\n", "")
    assert (
        "cloud: the equity has no price, so owners lose nothing at a default, because equity_value is blank."
        in without(small, ("cloud", "equity_value")).silent
    )


def test_outside_owners_matter_only_where_there_are_some(small):
    change(small, "terms.csv", "seed_stake,share,0.1,", "seed_stake,share,1,")
    assert not [said for said in without(small, ("lab", "outside_cost")).silent if "outside owners" in said]


def test_terms_that_are_blank_are_said(small):
    change(small, "terms.csv", f"notes,rate,0.07,per year,{TEST}\n", "")
    change(small, "terms.csv", f"halls,damages,0.2,share,{TEST}\n", "")
    silent = load_scenario(small).silent
    assert "notes: the loan bears no interest, because rate, float, margin are blank." in silent
    assert "halls: no damages are due when the lessee fails, because damages is blank." in silent
    assert "chip_loan: there is no covenant on the value of the collateral, because ltv is blank." in silent


def test_what_is_said_to_be_silent_is_a_figure_with_a_case_here():
    assert {name for silent in SILENT for name in silent.figures} <= set(FIGURES)
    said = " ".join(BLANK.values()) + "the equity has no price, so owners lose nothing at a default"
    assert not [silent.effect for silent in SILENT if silent.effect not in said]


def test_every_default_is_listed_with_its_value_and_who_has_it(small):
    defaults = {one.name: (one.value, one.of) for one in load_scenario(small).defaults}
    assert defaults["cash_buffer"] == (0.0, ("lab", "cloud", "holding", "vendor"))
    assert defaults["debt_tenor"] == (5.0, ("holding", "vendor"))
    assert defaults["rules.transfer"] == (0.5, ()) and defaults["rules.market_shock.confidence"] == (0.0, ()) and "rules.alpha" not in defaults
    assert defaults["compute_contract.damages"] == (0.25, ("compute", "more_compute", "royalty"))
    assert defaults["loan.rate"] == (0.0, ("term_loan",)) and "loan.margin" not in defaults
    assert "process_sd_tau" not in defaults and "fleet_span" not in defaults, "nobody without a process or a fleet reads them"
    assert "own_compute" not in defaults and "headroom" not in defaults, "given, and without a default"


def test_validate_lists_defaults_in_few_lines(capsys):
    assert exit_code(["validate", "ai_2025"]) == 0
    lines = capsys.readouterr().out.splitlines()
    first = lines.index("Defaults used (docs/model.md, section 6):") + 1
    shown = lines[first:-1]
    assert len(shown) < 25 and all(line.startswith("  ") for line in shown) and lines[-1] == "All checks passed."
    assert "  rental_share, capacity_share = 0 for 2 (xai, spv_xai)" in shown
    assert "  lease: days = 0 (9), ends_with_payee = 0 (9), damages = 0 (9), follow = 0 (9), haircut = 0 (9)" in shown


def test_all_figures_beside_others_name_figures():
    for name, kind in FIGURES.items():
        assert set(kind.beside) <= set(FIGURES) - {name}
