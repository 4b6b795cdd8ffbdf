"""Outcomes beside simulated values: their places by hand, and faults of the file as sentences."""

import math
import shutil
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import simulate
from simulate.calendar import Calendar
from simulate.engine.blocks import Workspace
from simulate.errors import InputError
from simulate.model import BALANCE, GUARANTEE, SCHEDULED
from simulate.report.backtest import write_coverage, write_tables
from simulate.risk import recovery
from simulate.scenario.load import load_scenario
from simulate.step.watch import TRACES
from simulate.studies.backtest import Outcome, backtest, between, owed_to, place, simulated
from tests.makers.small import SMALL, copy_small

QUARTERS = Calendar(date(2025, 12, 31), 4, 3)
HEAD = "entity,quantity,date,value,unit,source,note\n"
ROWS = {name: np.array([[1.0], [3.0], [7.0], [9.0]]) for name in ("revenue", "received", "free_cash_flow", "equity")}


def at(quantity, day):
    return simulated(Outcome("lab", quantity, date.fromisoformat(day), 0.0, "", ""), ROWS, 5.0, QUARTERS).item()


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
    """All four quarters by the end of the year; in the middle of a fifth one, half of it and half of the first less."""
    assert at("sales_year", "2026-12-31") == 2 * (1 + 3 + 7 + 9)
    rows = {name: np.vstack([values, [[5.0]]]) for name, values in ROWS.items()}
    day = date(2027, 2, 14)
    value = simulated(Outcome("lab", "sales_year", day, 0.0, "", ""), rows, 5.0, QUARTERS._replace(steps=5)).item()
    assert value == pytest.approx(2 * (20 + (5 - 1) * 45 / 90))


def test_what_is_drawn_are_loans_and_what_is_guaranteed():
    """Entity 0 lends on leg 0 and guarantees half of leg 1 up to 3, and all of leg 2; leg 3 is no loan, and leg 4 is owed to somebody else."""
    legs = SimpleNamespace(
        driver=np.array([BALANCE, BALANCE, BALANCE, SCHEDULED, BALANCE, GUARANTEE, GUARANTEE]),
        payee=np.array([0, 2, 2, 0, 1, 2, 2]),
        payer=np.array([1, 1, 1, 1, 0, 0, 0]),
        covers=np.array([-1, -1, -1, -1, -1, 1, 2]),
        cover_share=np.array([0, 0, 0, 0, 0, 0.5, 1.0]),
        cover_cap=np.array([0, 0, 0, 0, 0, 3.0, 9.0]),
        bal0=np.array([1.0, 4.0, 0.5, 50.0, 70.0, 0, 0]),
    )
    owed = np.array([[2.0, 8.0, 0.0, 50.0, 70.0, 0, 0]])[:, :, None]
    assert owed_to(0, legs, owed).ravel().tolist() == [1.0 + 2.0 + 0.5, 2.0 + 3.0 + 0.0]
    assert owed_to(1, legs, owed).ravel().tolist() == [70.0, 70.0]


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


TELECOM = Path(__file__).parents[2] / "configs" / "telecom_2000"


def copy_telecom(folder, *rows):
    """The scenario file of a copy of telecom_2000 with other outcomes."""
    shutil.copytree(TELECOM, folder / "telecom_2000")
    shutil.copy(TELECOM.with_suffix(".toml"), folder)
    (folder / "telecom_2000" / "outcomes.csv").write_text(HEAD + "".join(f"{row}\n" for row in rows))
    return folder / "telecom_2000.toml"


def test_defaults_losses_and_recoveries_are_those_of_the_run(tmp_path):
    """At the last day they are read from the same outputs as a result; a year before, from its first steps."""
    paths = 400
    scenario = copy_telecom(
        tmp_path,
        "clecs,default,2003-12-31,1,0 or 1,test,",
        "clecs,default,2002-11-15,0,0 or 1,test,",
        "lucent,credit_loss,2003-12-31,0,USD bn,test,",
        "lucent,credit_loss,2000-12-31,0.1,USD bn,test,",
        "clecs,recovery,2003-12-31,0,share,test,",
        "cisco,recovery,2003-12-31,0.5,share,test,",
        "lucent,drawn,2000-12-31,2,USD bn,test,",
    )
    result = simulate.run("telecom_2000", paths=paths, seed=2)
    found = backtest(scenario, paths=paths, seed=2)
    last, early, loss, none, share, nobody, drawn = found.places
    step = result["default_step"].sel(world="network", entity="clecs").values
    assert last.mean == pytest.approx((step >= 0).mean()) and early.mean == pytest.approx(((step >= 0) & (step <= 8)).mean())
    assert 0.01 < early.mean < last.mean
    credit = result["loss"].sel(detail="network", entity="lucent", channel="credit").values
    assert loss.largest == pytest.approx(credit.max(), rel=1e-6) and loss.mean == pytest.approx(credit.mean(dtype=float), rel=1e-6) and loss.mean > 0
    assert none.largest == 0.0 and none.below == 1.0
    kinds = ("loan", "gpu_loan", "bond", "debt", "new_debt")
    of_result = recovery(result, by="deal_payer", payer="clecs", kinds=kinds)
    assert share.known == int(of_result["paths"].item()) < paths and share.mean == pytest.approx(of_result["mean"].item(), rel=1e-6)
    assert nobody.known == 0 and math.isnan(nobody.below) and not nobody.in_support and not nobody.within(0.95)
    assert drawn.least == drawn.largest == pytest.approx(2.0)  # nothing is drawn and nobody fails in the first quarter
    page = write_tables(found)
    assert "| 2003-12-31 | cisco | recovery, share, 0 paths | 0.5 |  |  |  |  |  |  |  | **nothing** |" in page
    assert f"| 2003-12-31 | clecs | recovery, share, {share.known} paths | 0 |" in page
    assert f"| 2002-11-15 | clecs | did not fail | {100 * early.mean:.1f} |" in page
    assert f"1 of 2 failed; the simulated probabilities add up to {last.mean + early.mean:.2f}." in page
    assert "| all paths | 2 | 5 |" in page  # what is drawn, and no credit loss at the end; events are no intervals


def test_a_table_of_several_back_tests_adds_them_up(tmp_path):
    first = backtest(with_outcomes(tmp_path, "lab,equity,2026-06-30,1e6,USD bn,test,"), paths=50)
    second = backtest(copy_telecom(tmp_path, "lucent,drawn,2000-12-31,2,USD bn,test,", "clecs,default,2000-12-31,0,0 or 1,test,"), paths=50)
    lines = write_coverage([first, second]).splitlines()
    assert lines[0].split(" | ")[1:] == ["small", "telecom_2000", "together |"]
    assert lines[2] == "| 50 % | 0 of 1 | 1 of 1 | 1 of 2 |" and lines[-1] == "| all paths | 0 of 1 | 1 of 1 | 1 of 2 |"


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("lab,default,2026-06-30,0.5,0 or 1,test,", r"value is 0.5; a default is 1 \(failed by that day\) or 0 \(did not\)"),
        ("lab,default,2026-06-30,2,0 or 1,test,", "value is 2; it must be at most 1"),
        ("lab,default,2026-06-30,1,share,test,", "the unit is 'share'; default is in 0 or 1"),
        ("lab,recovery,2026-06-30,1.2,share,test,", "value is 1.2; it must be at most 1"),
        ("lab,drawn,2026-06-30,-1,USD bn,test,", r"value is negative \(-1\)"),
        (
            "lab,sales_year,2026-09-30,1,USD bn/year,test,",
            "2026-09-30 has less than twelve months of the run before it; sales_year is there from 2026-12-31 on",
        ),
        ("banks,drawn,2026-06-30,1,USD bn,test,", "entity 'banks' is no entity"),
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
