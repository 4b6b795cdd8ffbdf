"""Outcomes beside simulated values: their places by hand, and faults of the file as sentences."""

import math
import shutil
from datetime import date

import numpy as np
import pytest

from simulate.calendar import Calendar
from simulate.engine.blocks import Workspace
from simulate.errors import InputError
from simulate.report.backtest import write_tables
from simulate.scenario.load import load_scenario
from simulate.step.watch import TRACES
from simulate.studies.backtest import Outcome, backtest, between, place, traced
from tests.makers.small import SMALL, copy_small

QUARTERS = Calendar(date(2025, 12, 31), 4, 3)
HEAD = "entity,quantity,date,value,unit,source,note\n"
ROWS = {name: np.array([[1.0], [3.0], [7.0], [9.0]]) for name in ("revenue", "received", "free_cash_flow", "equity", "suffered")}


def at(quantity, day):
    return traced(quantity, date.fromisoformat(day), ROWS, 5.0, QUARTERS).item()


def test_flows_are_those_of_the_quarter_that_holds_the_day():
    assert at("revenue", "2026-04-01") == at("revenue", "2026-06-30") == 3.0
    assert at("sales", "2026-06-30") == 6.0 and at("burn", "2026-09-30") == -7.0


def test_a_run_rate_is_reached_in_the_middle_of_its_quarter():
    """Mid-August is the middle of the third quarter; 46 of its 92 days have passed on the 15th."""
    assert at("run_rate", "2026-08-15") == 4 * 7.0
    assert at("run_rate", "2026-09-30") == pytest.approx(4 * 8.0)
    assert at("run_rate", "2026-01-01") == 4 * 1.0 and at("run_rate", "2026-12-31") == 4 * 9.0  # nothing before the first middle and beyond the last


def test_values_are_linear_between_the_ends_of_quarters():
    assert at("equity", "2026-03-31") == 1.0 and at("equity", "2026-06-30") == 3.0
    assert at("equity", "2026-02-14") == pytest.approx(5.0 - 4.0 * 45 / 90)


def test_a_year_of_sales_ends_on_the_day():
    """Revenue and receipts of the four quarters are 2, 6, 14 and 18."""
    assert at("sales_year", "2026-12-31") == pytest.approx(40.0)


def test_losses_are_those_so_far():
    assert at("credit_loss", "2026-06-30") == 3.0 and at("credit_loss", "2026-02-14") == pytest.approx(45 / 90)


def test_between_rows():
    rows = np.array([[1.0, 10.0], [3.0, 30.0]])
    assert between(0.25, rows).tolist() == [1.5, 15.0] and between(-1.0, rows).tolist() == [1.0, 10.0] and between(7.0, rows).tolist() == [3.0, 30.0]


def found(value, values):
    return place(Outcome("lab", "equity", date(2026, 3, 31), value, "", ""), np.array(values, float))


def test_a_place_is_the_share_of_paths_below():
    one = found(3.0, [1, 2, 3, 4])
    assert one.below == pytest.approx(0.625) and one.in_support and one.within(0.5)
    high = found(9.0, [1, 2, 3, 4])
    assert high.below == 1.0 and not high.in_support and not high.within(0.95)
    assert found(1.5, range(1, 101)).within(0.98) and not found(1.5, range(1, 101)).within(0.97)


def test_places_of_draws_of_the_same_law_are_uniform():
    """Probability integral transform: 400 outcomes drawn as the paths are lie in central intervals as often as these say, within four standard errors."""
    dice = np.random.default_rng(4)
    places = [found(dice.normal(), dice.normal(size=400)) for _ in range(400)]
    for level in (0.5, 0.8, 0.95):
        error = math.sqrt(level * (1 - level) / len(places))
        assert np.mean([one.within(level) for one in places]) == pytest.approx(level, abs=4 * error)


def with_outcomes(folder, *rows):
    small = copy_small(folder)
    (small.parent / "outcomes.csv").write_text(HEAD + "".join(f"{row}\n" for row in rows))
    return small


def test_a_back_test_reads_the_paths_of_the_run(tmp_path):
    """The median of the paths themselves has half of them below it; the run ends with the last outcome, and its paths are those of the long run."""
    model_paths = 300
    small = with_outcomes(tmp_path, "lab,equity,2026-06-30,1,USD bn,assumption: test,")
    scenario = load_scenario(small)
    from simulate.compile.scenario import compile_scenario

    compiled = compile_scenario(scenario, 3)
    trace = Workspace(compiled.model, model_paths).trace(0)[0, 1, TRACES.index("equity"), compiled.names.entities.index("lab")]
    middle = float(np.median(trace))
    (small.parent / "outcomes.csv").write_text(HEAD + f"lab,equity,2026-06-30,{middle!r},USD bn,assumption: test,\n")
    result = backtest(small, paths=model_paths, seed=3)
    (one,) = result.places
    assert one.below == pytest.approx(0.5, abs=1 / model_paths) and one.quantiles[2] == pytest.approx(middle)
    assert (one.least, one.largest) == (trace.min(), trace.max())
    assert "| 2026-06-30 | lab | equity, USD bn |" in write_tables(result) and "| all paths | 1 | 1 |" in write_tables(result)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("lba,equity,2026-06-30,1,USD bn,test,", r"outcomes.csv line 2 .*: entity 'lba' is no entity \(did you mean 'lab'\?\)"),
        ("banks,equity,2026-06-30,1,USD bn,test,", "entity 'banks' is no entity"),
        ("lab,equty,2026-06-30,1,USD bn,test,", r"quantity 'equty' is not known \(did you mean 'equity'\?\); it must be one of revenue"),
        ("lab,revenue,2026-06-30,1,USD bn,test,", "the unit is 'USD bn'; revenue is in USD bn/quarter"),
        ("lab,equity,2026-13-30,1,USD bn,test,", "date is '2026-13-30', which is no date; write YYYY-MM-DD"),
        ("lab,equity,2025-12-31,1,USD bn,test,", "2025-12-31 is not in the run, which goes from the day after 2025-12-31"),
        ("lab,equity,2050-12-31,1,USD bn,test,", "2050-12-31 is not in the run"),
        ("lab,equity,2026-06-30,many,USD bn,test,", "value is 'many', which is no number"),
        ("lab,equity,2026-06-30,nan,USD bn,test,", "value is nan; write a finite number"),
        ("lab,equity,2026-06-30,inf,USD bn,test,", "value is inf; write a finite number"),
        ("lab,equity,2026-06-30,1,USD bn,,", "source is blank; write it"),
        ("lab,equity,,1,USD bn,test,", "date is blank; write it"),
        ("lab,equity", "outcomes.csv line 2: 2 cells, but the header has 7"),
    ],
)
def test_what_is_wrong_with_an_outcome_is_a_sentence(tmp_path, row, sentence):
    with pytest.raises(InputError, match=sentence):
        backtest(with_outcomes(tmp_path, row), paths=10)


def test_no_outcomes_are_a_sentence(tmp_path):
    with pytest.raises(InputError, match="has no outcomes.csv beside its tables"):
        backtest(SMALL, paths=10)
    with pytest.raises(InputError, match="outcomes.csv holds no outcome"):
        backtest(with_outcomes(tmp_path), paths=10)
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    small = with_outcomes(tmp_path)
    (small.parent / "outcomes.csv").write_text("who,what\nlab,equity\n")
    with pytest.raises(InputError, match="outcomes.csv line 1: the column"):
        backtest(small, paths=10)


def test_a_file_that_is_no_text_is_a_sentence(tmp_path):
    small = with_outcomes(tmp_path)
    (small.parent / "outcomes.csv").write_bytes(HEAD.encode() + b"lab,equity,2026-06-30,1,USD bn,caf\xe9,\n")
    with pytest.raises(InputError, match="outcomes.csv: not UTF-8 at byte"):
        backtest(small, paths=10)


def written_for(tmp_path, *rows):
    """The small network with these outcomes beside its tables."""
    file = copy_small(tmp_path)
    (file.parent / "outcomes.csv").write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")
    return file


def test_an_event_is_held_against_its_probability(tmp_path):
    """Placed among values 0 and 1, and printed with the probability, the number expected and the Brier score."""
    file = written_for(tmp_path, "lab,default,2026-12-31,0,0 or 1,assumption: a test,", "cloud,default,2026-12-31,1,0 or 1,assumption: a test,")
    found = backtest(file, paths=200)
    share = [float(place.below) for place in found.places]
    assert all(place.is_event for place in found.places) and 0.0 <= share[0] <= 0.5 <= share[1] <= 1.0
    p = [1.0 - 2.0 * share[0], 2.0 * (1.0 - share[1])]
    page = write_tables(found)
    score = (p[0] ** 2 + (p[1] - 1.0) ** 2) / 2
    assert f"1 of 2 failed; expected {sum(p):.1f}. Brier score {score:.2f}" in page and "| did not fail |" in page and "outcomes inside" not in page


def test_what_is_owed_to_an_entity_and_what_it_guarantees_is_drawn(tmp_path):
    """Between the opening balances and those of the end of the first quarter, on every path of a network whose loans are repaid by schedule."""
    file = written_for(tmp_path, "vendor,drawn,2026-03-31,1,USD bn,assumption: a test,", "lab,recovery,2026-12-31,0.5,share,assumption: a test,")
    drawn, recovery = backtest(file, paths=200).places
    assert drawn.least >= 0.0 and drawn.largest >= drawn.least
    assert np.isnan(recovery.below) or 0.0 <= recovery.least <= recovery.largest <= 1.0 + 1e-9


def test_faults_of_events_and_years_are_sentences(tmp_path):
    file = written_for(tmp_path, "lab,default,2026-12-31,0.3,0 or 1,assumption: a test,", "lab,sales_year,2026-06-30,3,USD bn/year,assumption: a test,")
    with pytest.raises(InputError) as caught:
        backtest(file, paths=10)
    text = str(caught.value)
    assert "the value of default is 1 if it happened by the day, and 0 if not" in text
    assert "a year to 2026-06-30 begins before the run" in text
