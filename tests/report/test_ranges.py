"""Ranges in the answer: the lines that lead it, the two tables, and what a run without them says."""

import io
import json

import numpy as np
import pytest

from simulate import risk
from simulate.report import ranges, words
from simulate.report import text as report
from simulate.studies.ranges import latin_hypercube
from tests.makers import results as synthetic
from tests.makers.ranged import SETS, study, with_refusals

LEVELS = latin_hypercube(("a", "b", "c", "d"), SETS, 5)


@pytest.fixture(scope="module")
def one():
    chances = np.stack([0.2 + 0.1 * LEVELS[:, 0], np.zeros(SETS)], axis=1)
    return study({"expected_loss": 100.0 + LEVELS @ [30.0, -60.0, 5.0, 0.0], "default_probability": chances}, LEVELS)


def printed(*arguments, write=report.print_ranges, **options):
    text = io.StringIO()
    write(*arguments, file=text, **options)
    return text.getvalue()


def row(text, label):
    return next(line for line in text.splitlines() if line.startswith(label))


def test_the_lead_has_the_headline_its_error_its_range_and_three_parameters(one):
    ranged, (first, second) = risk.parameter_range(one)["expected_loss"], ranges.lead(one)
    low, middle, high = (words.money(value) for value in ranged.values)
    assert first == f"Expected system loss 0.25 USD bn: sampling error 0.01 (s.e.), parameter range {low} to {high} (5 to 95 %; median {middle})."
    named = [part.strip().split(" ")[0] for part in second.removeprefix("It hangs most on ").split(";")]
    assert named == ["b", "a", "c"] and "-48.0 USD bn" in second and "+24.0 USD bn" in second and "from the 10 to the 90 % quantile" in second


def test_the_headline_of_an_answer_is_that_of_its_run(one):
    dataset = synthetic.dataset(500, 250)
    tail = risk.tail_measures(dataset)
    first = ranges.lead(one, dataset)[0]
    assert first.startswith(f"Expected system loss {words.money(tail['expected_loss'])} USD bn: sampling error {words.money(tail['expected_loss_error'])}")


def test_the_tables_hold_ranges_and_parameters(one):
    text = printed(one)
    ranged, found = risk.parameter_range(one), risk.importance(one)
    for label, name, form, at in (("Expected system loss", "expected_loss", words.money, {}), ("lab", "default_probability", words.percent, {"entity": "lab"})):
        numbers = zip(ranged[name].sel(at).values, ranged[f"{name}_error"].sel(at).values, strict=True)
        told = row(text.partition("Ranges:")[2], label).removeprefix(label).split()
        assert told == [form(0.25), form(0.01), *(form(one) for pair in numbers for one in pair)]
    table = text.partition("What the expected system loss hangs on")[2]
    assert [line[0] for line in table.splitlines() if line[:1].strip() and line[1:3] == "  "][:4] == ["b", "a", "c", "d"]
    share = found.sel(parameter="b")
    numbers = [f"{100 * float(share[f'expected_loss_{name}']):.1f}" for name in ("share", "share_error")]
    ends = [f"{end:.3g}" for end in np.quantile(one["value"].sel(parameter="b").values, (0.1, 0.9))]
    assert row(table, "b  ").split() == ["b", "5", *ends, *numbers, "-48.0", "0"]
    assert row(table, "curvature").split()[-1] == f"{100 * (1 - float(found['expected_loss_explained'])):.1f}"


def test_who_fails_in_some_set_only_is_in_the_table(one):
    """The base has a probability of 0.25 everywhere in this study; without it `cloud` never fails."""
    never = one.assign(default_probability_base=one["default_probability_base"] * 0)
    assert ranges.ranging(one) == ["lab", "cloud"] and ranges.ranging(never) == ["lab"]


def test_refused_sets_and_held_keys_are_told(one):
    text = printed(with_refusals(one))
    assert "- 2 sets of parameters could not be run and are left out:" in text and "figures.csv: 'lab': no plan." in text
    assert "Set by the caller, so not drawn: rules.alpha." in text
    assert "left out" not in printed(one) and "not drawn" not in printed(one)


def test_the_tables_fit_a_terminal_of_80_columns(one, monkeypatch):
    monkeypatch.setattr(words, "WIDTH", 80)
    text = printed(one.assign_coords(parameter=["factors.valuation.disappointment_shift", "b", "c", "d"]))
    assert max(map(len, text.splitlines())) <= 80 and text.isascii()


def test_a_run_with_ranges_leads_with_them(one):
    dataset = synthetic.dataset(500, 250)
    text = printed(dataset, write=report.print_report, study=one)
    assert text.index("Expected system loss") < text.index("digest") < text.index("Ranges: 400 sets") < text.index("System loss: what")
    without = printed(dataset, write=report.print_report)
    assert "Ranges:" not in without and "It hangs most on" not in without


def test_a_run_without_ranges_says_what_measures_them(one):
    dataset = synthetic.dataset(500, 250)
    resolved = json.dumps(json.loads(dataset.attrs["resolved"]) | {"uncertain": {"rules.alpha": {}, "rules.beta": {}}})
    ranged = dataset.assign_attrs(resolved=resolved)
    said = " ".join(printed(ranged, write=report.print_report).split())
    assert "sampling error only; 2 parameters are uncertain too: `simulate ranges made_up` measures what that does." in said
    for text in (printed(dataset, write=report.print_report), printed(ranged, write=report.print_report, study=one)):
        assert "simulate ranges" not in text and "sampling error only; the parameters are uncertain too." in " ".join(text.split())
