"""The scenario file: inheritance, overrides, and what it says when something is wrong."""

import subprocess
import sys
from datetime import date

import pytest

from simulate.errors import InputError
from simulate.scenario.inherit import shipped_scenarios
from simulate.scenario.load import load_scenario
from tests.makers.small import SMALL, change, copy_small, expect, faults


def write(folder, name, text):
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


def test_the_small_scenario_is_read():
    scenario = load_scenario(SMALL)
    assert scenario.name == "small" and scenario.run.start == date(2025, 12, 31) and scenario.run.steps == 20
    assert [e.id for e in scenario.network.entities if not e.outside] == ["lab", "cloud", "holding", "vendor"]
    assert {p.rpartition("/")[2] for p in scenario.files} == {
        "small.toml",
        "entities.csv",
        "figures.csv",
        "deals.csv",
        "schedules.csv",
        "terms.csv",
        "vendors.csv",
    }


def test_extends_merges_deeply_and_finds_the_tables_of_its_base(tmp_path):
    base = copy_small(tmp_path)
    above = tmp_path / "above"
    above.mkdir()
    path = write(above, "stress", f'extends = "{base.as_posix()}"\ntitle = "stress"\n[rules]\nbeta = 0.5\n[rules.sources]\nbeta = "assumption: test"\n')
    scenario = load_scenario(path)
    assert scenario.name == "stress" and scenario.rules.beta == 0.5
    assert scenario.rules.alpha == 0.9 and scenario.rules.sources == {"alpha": "assumption: test", "door": "assumption: test", "beta": "assumption: test"}
    assert len(scenario.network.deals) == len(load_scenario(base).network.deals)


def test_a_cycle_in_extends_is_named(tmp_path):
    write(tmp_path, "one", 'extends = "two"')
    path = write(tmp_path, "two", 'extends = "one"')
    expect(faults(path), "extends", "cycle", "two extends one extends two")


def test_a_base_that_is_not_there(tmp_path):
    write(tmp_path, "first", "")
    expect(faults(write(tmp_path, "second", 'extends = "frist"')), "second.toml", "extends", "did you mean 'first'")


def test_overrides_set_values_by_dotted_key():
    scenario = load_scenario(SMALL, ("run.paths=12", "rules.door.confidence=0.7", "factors.power_gap.plan.2027=0.5"))
    assert scenario.run.paths == 12 and scenario.rules.door.confidence == 0.7 and scenario.rules.door.confidence_width == 0.05
    assert scenario.factors.power_gap.plan[2027] == 0.5
    assert scenario.factors.power_gap.sources["plan"] == "set on the command line"
    assert load_scenario(SMALL, {"run.paths": 12}).run.paths == 12


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("run.pahts=3", ("--set", "run.pahts", "not known", "did you mean 'paths'")),
        ("run.paths=0", ("--set", "run.paths = 0", "greater than or equal to 1")),
        ("run.paths=-5", ("run.paths = -5", "greater than or equal to 1")),
        ("run.paths=many", ("run.paths = 'many'", "integer")),
        ("run.seed=-1", ("run.seed", "greater than or equal to 0")),
        ("run.steps=2.5", ("run.steps", "integer")),
        ("run.step=week", ("run.step", "'month', 'quarter' or 'year'")),
        ("run.paths", ("no value", "run.paths=1000")),
        (".run.paths=5", ("--set .run.paths", "a part of the key is blank")),
        ("rulse.alpha=0.5", ("--set: rulse", "did you mean 'rules'")),
        ("rules=3", ("rules = 3", "should be a section")),
        ("rules.alpha=[1, 2]", ("rules.alpha is wrong: it should be a valid number",)),
        ("rules.alpha=0.5\nbeta = 0.5", ("rules.alpha", "valid number")),
        ("rules.restructure_kappa=inf", ("rules.restructure_kappa = inf", "finite")),
        ("drivers.correlation={'demand:valuation' = 1.5}", ("--set: drivers.correlation.demand:valuation = 1.5",)),
        ("name=", ("name = ''", "not be empty")),
        ("name=../small", ("name = '../small'", "without slashes")),
        ("run.start=2025-12-30", ("start is 2025-12-30", "last day of March, June, September or December")),
        ("run.information_date=2025-11-30", ("information_date 2025-11-30 is before start 2025-12-31",)),
        ("rules.alpha=1.5", ("rules.alpha = 1.5", "less than or equal to 1")),
        ("rules.alfa=0.5", ("rules.alfa", "did you mean 'alpha'")),
        ("rules.door.width=0.5", ("rules.door.width", "not known", "confidence_width")),
        ("factors.regimes.hazard=1", ("factors.regimes", "did you mean 'regime'")),
        ("name.first=1", ("'name' is a value, not a section",)),
    ],
)
def test_a_wrong_override_is_a_sentence(text, words):
    expect(faults(SMALL, (text,)), *words)


def test_zero_is_a_seed():
    assert load_scenario(SMALL, ("run.seed=0",)).run.seed == 0


def test_a_misspelt_key_names_the_file_that_has_it(tmp_path):
    base = copy_small(tmp_path)
    path = write(base.parent, "child", 'extends = "small"\n[runn]\npaths = 3\n')
    expect(faults(path), "child.toml", "runn", "did you mean 'run'")


def test_everything_wrong_is_said_at_once(tmp_path):
    path = copy_small(tmp_path)
    path.write_text(path.read_text().replace("paths = 1000", "paths = 0").replace("alpha = 0.9", "alhpa = 0.9"))
    entities = path.parent / "entities.csv"
    entities.write_text(entities.read_text().replace("restructure", "restrucure"))
    sentences = faults(path)
    expect(sentences, "small.toml", "run.paths = 0")
    expect(sentences, "small.toml", "rules.alhpa")
    expect(sentences, "entities.csv line 2", "policy 'restrucure'", "did you mean 'restructure'")


def test_a_number_without_a_source_is_refused(tmp_path):
    path = copy_small(tmp_path)
    path.write_text(path.read_text() + "\n[factors.valuation]\nvolatility = 0.3\n")
    expect(faults(path), "small.toml", "factors.valuation.volatility", "no source", "[factors.valuation.sources]")


def test_a_source_of_no_rule_is_refused(tmp_path):
    path = copy_small(tmp_path)
    path.write_text(path.read_text() + 'betta = "assumption"\n')
    expect(faults(path), "betta", "no rule", "did you mean 'beta'")


def test_a_syntax_error_has_its_line(tmp_path):
    expect(faults(write(tmp_path, "broken", "name = 'x'\n[run\n")), "broken.toml", "not valid TOML", "line 2")


def test_a_correlation_that_cannot_be_is_refused_with_a_valid_one(tmp_path):
    path = copy_small(tmp_path)
    path.write_text(path.read_text().replace('"valuation:spread" = -0.4', '"valuation:rental" = -0.99').replace("0.6", "0.95").replace("= 0.4\n", "= 0.95\n"))
    expect(faults(path), "small.toml", "[drivers.correlation]", "negative eigenvalue", "nearest valid")


def test_a_pair_of_an_unknown_driver_is_refused(tmp_path):
    path = copy_small(tmp_path)
    path.write_text(path.read_text().replace("demand:rental", "demand:rentals"))
    expect(faults(path), "small.toml", "demand:rentals", "rental")


def test_a_file_that_is_not_there_lists_what_is(tmp_path):
    write(tmp_path, "present", 'extends = "ai_2025"')
    sentences = faults(tmp_path / "presnt.toml")
    expect(sentences, "no such scenario", "did you mean 'present.toml'", "shipped scenarios")
    with pytest.raises(InputError, match="shipped scenarios"):
        load_scenario("no_such_name")


def test_only_scenarios_are_offered(tmp_path):
    """A project file of another tool in the working folder is none."""
    write(tmp_path, "own", "[run]\nsteps = 4\n")
    write(tmp_path, "pyproject", "[project]\nname = 'another'\n")
    write(tmp_path, "broken", "[run\n")
    (said,) = faults(tmp_path / "pyprojekt.toml")
    assert said.endswith("files in that folder: own.toml.") and "pyproject" not in said.partition("there is no such")[2]


def test_sources_come_last_among_the_keys_that_are_known():
    for override in ("factors.regime.sourcez=1", "rules.sourcez=1"):
        (said,) = faults(SMALL, (override,))
        assert said.endswith(", sources."), said


def test_a_table_that_is_not_there_lists_what_is(tmp_path):
    path = copy_small(tmp_path)
    (path.parent / "deals.csv").rename(path.parent / "dealz.csv")
    expect(faults(path), "deals.csv", "no such table", "did you mean 'dealz.csv'")


def test_shipped_scenarios_lie_next_to_the_package_or_inside_it():
    assert all(path.is_file() and path.stem == name for name, path in shipped_scenarios().items())


def test_reading_a_scenario_needs_no_compiler():
    """Numba costs 0.3 s and more; the command line checks a scenario without it."""
    code = f"import sys; from simulate.scenario.load import load_scenario; load_scenario({str(SMALL)!r}); print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_an_unknown_key_is_one_sentence(tmp_path):
    """Not a second one that it has no source."""
    path = copy_small(tmp_path)
    change(path, "small.toml", "alpha = 0.9", "alhpa = 0.9")
    (said,) = faults(path)
    assert "rules.alhpa is not known (did you mean 'alpha'?)" in said
    (said,) = faults(SMALL, ("rules.sources=3",))
    assert "rules.sources = 3 is wrong: it should be a section" in said


def test_a_table_that_is_a_folder():
    (said,) = faults(SMALL, ("tables.deals=.",))
    assert "the table cannot be read (Is a directory)" in said
