"""The tables: widths, units, plain in a pipe, and the numbers of the measures in them."""

import io
import json
import sys

import numpy as np
import pytest

import simulate
from simulate import risk
from simulate.report import failures, plots, words
from simulate.report import text as report
from tests.makers import results as synthetic
from tests.makers.small import SMALL


@pytest.fixture(scope="module")
def result():
    return synthetic.dataset(2000, 1000)


def printed(dataset, **options):
    text = io.StringIO()
    report.print_report(dataset, file=text, **options)
    return text.getvalue()


def row(text, label):
    return next(line for line in text.splitlines() if line.startswith(label))


def test_the_tables_fit_a_terminal_of_80_columns(result, monkeypatch):
    monkeypatch.setattr(words, "WIDTH", 80)
    lines = printed(result).splitlines()
    assert max(map(len, lines)) <= 80
    assert "(" in row(printed(result), "lab") and not any(line.startswith(" ") and ")" in line and "(" not in line for line in lines), "an interval is broken"


def test_the_report_is_plain_fits_and_ends_with_the_store(result):
    text = printed(result, store="results/a_long_name_that_must_not_be_broken_into_two_lines/" + "x" * 90 + ".zarr")
    lines = text.splitlines()
    assert max(map(len, lines[:-1])) <= 100
    assert lines[-1] == "result: results/a_long_name_that_must_not_be_broken_into_two_lines/" + "x" * 90 + ".zarr"
    assert text.isascii() and "\x1b" not in text


def test_the_system_table_holds_the_measures(result):
    measures, text = risk.tail_measures(result), printed(result)
    assert report.money(measures["value_at_risk"].sel(level=0.99)) in row(text, "VaR 99 %")
    shortfall = row(text, "ES 99.9 %").split()
    assert report.money(measures["expected_shortfall"].sel(level=0.999)) in shortfall
    assert report.money(risk.tail_measures(result, world="alone")["expected_shortfall"].sel(level=0.999)) in shortfall
    assert "discounted on the path's own short rate" in " ".join(text.split())
    assert "2,000" in row(text, "Expected loss")


def test_entities_channels_and_deals_hold_the_measures(result):
    text = printed(result)
    default = risk.default_probability(result, horizons=(5.0, 7.0))["default_probability"].sel(entity="lab")
    for horizon in (5.0, 7.0):
        assert f" {report.percent(default.sel(horizon=horizon))} (" in row(text, "lab")
    assert "PD 5 years" in text and "PD 7 years" in text
    contagion = risk.cause_split(result)["probability"].sel(entity="lab", cause="contagion")
    assert report.percent(contagion) in row(text, "lab").split()
    assert failures.most_often(risk.first_failures(result)["probability"].sel(entity="lab")) in row(text, "lab") and "cloud" in row(text, "lab")
    assert report.money(risk.losses_by_entity(result, channels=["credit", "contract", "equity"])["tail_loss"].sel(entity="bond_market")) in row(
        text, "bond_market"
    )
    assert row(text, "L01").split()[1:5] == ["bond", "cloud", "to", "bond_market"]
    assert text.index("L01 ") < text.index("T01 "), "deals are in the order of their tail loss"
    assert "insurer" not in text, "nodes that lose nothing are left out"
    assert "own:cloud" not in text, "a fleet is no deal"


def test_who_loses_in_the_end_adds_up_to_the_headline():
    """One sum: the row `together` is the expected loss and the expected shortfall of the first table."""
    real = simulate.run(SMALL, paths=400, seed=5)
    text, measures = printed(real), risk.tail_measures(real)
    together = row(text[text.index("Who loses in the end") :], "together").split()
    assert together[-3:] == [report.money(measures[name]) for name in ("expected_loss", "expected_loss_error")] + [
        report.money(measures["expected_shortfall"].sel(level=0.99))
    ]
    outside = risk.losses_by_entity(real, channels=["credit", "contract", "equity"]).isel(entity=np.flatnonzero(real["outside"].values))
    through = risk.losses_through(real)
    for name, whole in (("expected_loss", measures["expected_loss"]), ("tail_loss", measures["expected_shortfall"].sel(level=0.99))):
        assert float(outside[name].sum() + through[name].sum()) == pytest.approx(float(whole), rel=1e-6)
    largest = str(through["entity"].values[int(np.argmax(through["expected_loss"].values))])
    assert f"owners of {largest}" in text


def test_the_parts_of_the_system_loss_are_printed_and_add_up(result):
    text, parts = printed(result), risk.system_parts(result)
    table = text[text.index("What the system loss is made of") : text.index("Who loses in the end")]
    for part, label in {"lenders": "lenders", "through": "owners: through", "at_mark": "the same with stakes", "outside": "the same without"}.items():
        assert report.money(parts["expected_loss"].sel(part=part)) in row(table, label), part
    for name in ("expected_loss", "tail_loss"):
        pieces = parts[name].sel(part=["lenders", "claimants", "written_off", "through"])
        assert float(pieces.sum()) == pytest.approx(float(parts[name].sel(part="system")))
    assert float(parts["expected_loss"].sel(part="system")) == pytest.approx(float(risk.tail_measures(result)["expected_loss"]))


def test_defaults_are_told_apart(result):
    text, found = printed(result), risk.failures(result)
    table = text[text.index("What failed") :]
    lab = found.sel(entity="lab")
    assert report.percent(lab["liquidity_share"]) in row(table, "lab") and report.money(lab["equity"].sel(quantile=0.5)) in row(table, "lab").split()
    failed = in_network(result, "default_step").sel(entity="lab").values >= 0
    equity = in_network(result, "failure_equity").sel(entity="lab").values[failed]
    assert float(lab["liquidity_share"]) == pytest.approx((equity > 0).mean()) and int(lab["paths"]) == failed.sum()
    assert float(lab["equity"].sel(quantile=0.5)) == np.sort(equity)[int(np.ceil(0.5 * len(equity))) - 1]


def test_the_term_structure_is_printed(result):
    table = printed(result)
    table = table[table.index("Term structure") : table.index("What failed")]
    chance = risk.default_probability(result, horizons=(1.0, 7.0))["default_probability"].sel(entity="lab")
    assert [row(table, "lab").split()[k] for k in (1, 7)] == [report.percent(chance.sel(horizon=h)) for h in (1.0, 7.0)]
    assert "vendor" not in table, "who never fails has no term structure"


def in_network(result, variable):
    return risk.in_world(result, variable, "network")


def test_write_downs_of_fleets_stand_apart(result):
    text = printed(result)
    fleets = text[text.index("Write-downs of fleets") : text.index("Deals: the")]
    entities = text[text.index("Entities: losses booked") : text.index("Write-downs of fleets")]
    expected = risk.losses_by_entity(result, channels=["stranded"]).sel(entity="cloud")["expected_loss"]
    assert report.money(expected) in row(fleets, "cloud").split()
    rest = risk.losses_by_entity(result, channels=["credit", "contract", "equity", "collateral"]).sel(entity="cloud")["expected_loss"]
    assert report.money(rest) in row(entities, "cloud").split()


def test_losses_by_year_add_up(result):
    years = risk.losses_by_year(result)
    text = printed(result)
    assert report.money(years["expected_loss"].sel(year=3)) in row(text, "2028-12-31").split()
    assert float(years["expected_loss"].sum()) == pytest.approx(float(risk.tail_measures(result)["expected_loss"]))


def test_the_answer_says_what_was_changed(result):
    assert "changed against" not in printed(result) and "digest dddddddd, simulate" in printed(result)
    changed = result.assign_attrs(base="ai_2025", changes=json.dumps([["rules.alpha", 0.9, 0.5], ["deals.T01", "there", None]]))
    text = printed(changed)
    assert "changed against ai_2025:\n  rules.alpha 0.9 -> 0.5\n  deals.T01 removed" in text
    many = json.dumps([[f"figures.lab.plan_fcf.{year}", 1.0, 2.0] for year in range(2000, 2040)])
    assert "and 28 more (attribute `changes`)" in printed(result.assign_attrs(changes=many))


def test_the_answer_lists_doubts_and_what_is_off(result):
    text = printed(result.assign_attrs(warnings=json.dumps(["a.csv line 3: 3.6 is not plausible."]), silent=json.dumps(["labco: no money is raised."])))
    assert "warning: a.csv line 3: 3.6 is not plausible." in text[: text.index("System loss")]
    assert "- Blank, so off: labco: no money is raised." in text


def test_caveats_say_what_the_numbers_are_not(result):
    assert any("survivors stand at par" in sentence for sentence in report.caveats(result))
    spared = 100 * risk.cause_split(result)["probability"].sel(cause="relieved", entity="lab").item()
    assert any(f"with contagion off fail, and survive here, lab on {spared:.2f} %" in sentence for sentence in report.caveats(result))
    assert any("On no path failed: vendor." in sentence for sentence in report.caveats(result))
    assert not any("WARNING" in sentence for sentence in report.caveats(result))
    bad = result.copy(deep=True)
    bad["unconverged"].loc[{"world": "network", "path": 3}] = 2
    assert any("WARNING: 2 clearings did not converge" in sentence for sentence in report.caveats(bad))


@pytest.fixture(scope="module")
def in_worlds():
    """The small network in worlds with a channel off or alone, and with somebody saved."""
    others = ["nonpayment", "relief", "marks", "confidence"]
    worlds = {"worlds.calm.off": ["supply"], "worlds.only.off": others, "worlds.rescue.saves": ["lab"], "worlds.first.saves": "first"}
    return simulate.run(simulate.load_scenario(SMALL, worlds), paths=400, seed=5)


def test_the_rounds_are_printed_and_add_up(in_worlds):
    text, rounds = printed(in_worlds), risk.rounds(in_worlds)
    table = text[text.index("First and second round") : text.index("Channels of the second round")]
    assert f"amplifies the first by {100 * rounds['amplification'].item():.1f} %" in table
    for part, label in {"own": "own:", "direct": "direct:", "second": "second round:", "system": "together"}.items():
        assert report.money(rounds["expected_loss"].sel(part=part)) in row(table, label)
    assert row(table, "together").split()[-1] == words.money(risk.tail_measures(in_worlds)["expected_shortfall_error"].sel(level=0.99))


def test_channels_are_printed_where_there_are_worlds_for_them(in_worlds, result):
    effects = risk.channel_effects(in_worlds)["effect"].sel(channel="supply")
    cells = row(printed(in_worlds), "supply").split()
    assert (cells[1], cells[3]) == tuple(words.money(effects.sel(way=way)) for way in ("taken off", "by itself"))
    assert row(printed(in_worlds), "relief").split() == ["relief"]
    assert "Channels of the second round" not in printed(result)


def test_who_fails_with_whom_and_of_whom_is_printed(in_worlds, result):
    found, text = risk.conditional_defaults(in_worlds, saved="rescue"), printed(in_worlds)
    table = text[text.index(f"Who else fails on the {int(found['paths']):,} paths on which lab fails") : text.index("Recovery of claims")]
    cloud = found.sel(entity="cloud")
    cells = row(table, "cloud").split()
    assert (cells[1], cells[3]) == (words.percent(cloud["probability"]), words.percent(cloud["probability_saved"]))
    assert cells[5] == f"{100 * cloud['difference'].item():.1f}"
    grants = float(in_worlds["granted"].sel(world="rescue").astype(np.float64).mean())
    assert f"Saving it takes {words.money(grants)} USD bn" in table
    assert "Who else fails" not in printed(result)


def test_recoveries_are_printed_by_debtor_and_class(in_worlds):
    found, text = risk.recovery(in_worlds, payer="lab"), printed(in_worlds)
    table = text[text.index("Recovery of claims") : text.index("Entities: losses booked")]
    lines = [line.split() for line in table.splitlines() if line.startswith("lab ")]
    assert [line[1] for line in lines] == [name for name in ("critical", "secured", "senior", "subordinated") if name in found["deal_class"].values]
    assert [line[3] for line in lines] == [words.percent(found["recovery"].sel(deal_class=line[1])) for line in lines]


def test_worlds_are_printed_in_short(in_worlds):
    text = printed(in_worlds)
    table = text[text.index("Worlds: the same draws") :]
    assert row(table, "alone").split()[1] == "all" and row(table, "only").split()[1:4] == ["all", "but", "supply"]
    assert row(table, "rescue").split()[3] == "lab" and row(table, "first").split()[3] == "first"


def test_nominal_losses_are_called_so(result):
    assert "losses in USD bn, nominal." in printed(result.assign_attrs(discount="nominal"))


def test_a_run_without_defaults_has_a_report(result):
    quiet = result.copy(deep=True)
    for name in ("loss", "deal_loss", "system_loss", "lender_loss", "owner_loss", "outside_loss", "borne_through"):
        quiet[name][...] = 0
    for name in ("default_step", "default_round"):
        quiet[name][...] = -1
    text = printed(quiet)
    assert row(text, "Expected loss").split()[2] == "0"
    assert "funding market was shut, %" not in text


def test_one_path_has_a_report(result):
    text = printed(result.isel(path=[0]).assign_attrs(paths=1))
    assert "not known" in row(text, "Expected loss")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.003, "0.003"), (0.25, "0.25"), (12.34, "12.3"), (1234.5, "1,234"), (-3.21, "-3.21"), (np.nan, "not known"), (np.inf, "not known")],
)
def test_money(value, text):
    assert report.money(value) == text


def test_reconciliation_table_shows_every_row():
    rows = [{"entity": "lab", "line": "revenue", "year": 2026, "reported": 30.0, "in_deals": 2.5, "residual": 27.5, "unit": "USD bn/year"}]
    text = io.StringIO()
    report.print_table(report.open_console(text), report.reconciliation_table(rows))
    assert row(text.getvalue(), "lab").split() == ["lab", "revenue", "2026", "30.0", "2.50", "27.5", "USD", "bn/year"]


def test_plots_return_the_axes_they_drew_on(result):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    figure, ax = pyplot.subplots()
    assert plots.plot_exceedance(result, ax=ax) is ax
    losses, beyond = ax.lines[0].get_xdata(), ax.lines[0].get_ydata()
    assert beyond[np.searchsorted(losses, 10.0)] == pytest.approx(100.0 * (risk.in_world(result, "system_loss", "network").values > 10.0).mean(), abs=0.1)
    assert beyond[-1] == pytest.approx(100.0 / result.sizes["path"])  # one path has a larger loss than the last point
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["network (all contagion)", "alone (contagion off)"]
    assert ax.get_title() == "made_up"
    plots.plot_exceedance(result.assign_attrs(scenario="other", changes='[["rules.alpha", 0.9, 0.5]]'), ax=ax)
    assert [text.get_text() for text in ax.get_legend().get_texts()][2:] == [
        f"other, rules.alpha 0.9 -> 0.5: {world}" for world in ("network (all contagion)", "alone (contagion off)")
    ]
    assert ax.get_title() == "made_up", "that of the first"
    axes = plots.plot_default_probability(result)
    assert [line.get_label() for line in axes.lines] == ["lab", "cloud"]
    assert axes.lines[0].get_ydata()[-1] == pytest.approx(100 * (risk.in_world(result, "default_step", "network").sel(entity="lab").values >= 0).mean())
    ends = [line.get_ydata()[-1] for line in axes.lines]
    assert ends == sorted(ends, reverse=True)
    pyplot.close("all")


def test_a_picture_without_matplotlib_says_what_to_install(result, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="need matplotlib, the extra 'plot'"):
        plots.plot_exceedance(result)
