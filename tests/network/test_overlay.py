"""Tables of several files, and cells set by id in a scenario file and on the command line."""

import pytest

from simulate.compile.idle import refuse_idle
from simulate.compile.scenario import compile_scenario
from simulate.errors import InputError
from simulate.scenario.load import load_scenario
from tests.makers.small import SMALL, copy_small, expect, faults

LIFE = "factors.life.values=[3.0, 9.0]"


def figure(scenario, entity, name):
    return scenario.network.entity(entity).figures[name]


def deal(scenario, identifier):
    return next((one for one in scenario.network.deals if one.id == identifier), None)


def changes(scenario):
    return [str(change) for change in scenario.changes]


@pytest.fixture(scope="module")
def small():
    return load_scenario(SMALL)


def test_a_figure_is_set_by_entity_and_name(small):
    scenario = load_scenario(SMALL, ["figures.lab.cash=3"])
    assert figure(scenario, "lab", "cash") == 3.0 != figure(small, "lab", "cash")
    assert changes(scenario) == [f"figures.lab.cash {figure(small, 'lab', 'cash'):g} -> 3"]
    row = next(row for row in scenario.network.rows["figures"] if (row["entity"], row["figure"]) == ("lab", "cash"))
    assert row["source"] == "assumption: set on the command line" and row["unit"] == "USD bn"


def test_a_figure_of_a_year_and_one_that_had_no_row(small):
    name, year = next((name, year) for name, plan in small.network.entity("lab").plans.items() for year in plan)
    scenario = load_scenario(SMALL, {f"figures.lab.{name}.{year}": 7.5, "figures.vendor.min_cash": 0.25})
    assert scenario.network.entity("lab").plans[name][year] == 7.5
    assert figure(scenario, "vendor", "min_cash") == 0.25 != figure(small, "vendor", "min_cash")


def test_numbers_are_in_the_unit_of_the_model_whatever_the_unit_of_the_row(tmp_path):
    path = copy_small(tmp_path)
    figures = path.parent / "figures.csv"
    rows = figures.read_text().splitlines()
    at = next(k for k, row in enumerate(rows) if row.startswith("lab,cash,"))
    cells = rows[at].split(",")
    rows[at] = ",".join([*cells[:3], "5000", "USD mn", *cells[5:]])
    figures.write_text("\n".join(rows) + "\n")
    assert figure(load_scenario(path), "lab", "cash") == 5.0
    assert figure(load_scenario(path, ["figures.lab.cash=6"]), "lab", "cash") == 6.0


def test_cells_of_deals_terms_schedules_entities_and_vendors(small):
    one = next(each for each in small.network.deals if each.kind == "compute_contract")
    item, year = next((item, year) for item, years in one.schedule.items() for year in years)
    vendor = small.network.vendors[0]
    scenario = load_scenario(
        SMALL,
        {
            f"deals.{one.id}.amount": 99,
            f"terms.{one.id}.days": 45,
            f"schedules.{one.id}.{item}.{year}": 1.5,
            "entities.lab.policy": "liquidate",
            f"vendors.{vendor.entity}.{vendor.vendor}.share": 0.125,
        },
    )
    changed = deal(scenario, one.id)
    assert (changed.amount, changed.terms.days, changed.schedule[item][year]) == (99.0, 45.0, 1.5)
    assert scenario.network.entity("lab").policy == "liquidate" and scenario.network.vendors[0].share == 0.125
    assert len(scenario.changes) == 5 or one.terms.days == 45.0


def test_a_deal_that_is_removed_takes_its_terms_and_schedules_with_it(small):
    one = next(each for each in small.network.deals if each.kind == "compute_contract")
    scenario = load_scenario(SMALL, [f"deals.{one.id}.status=removed"])
    assert deal(scenario, one.id) is None and len(scenario.network.deals) == len(small.network.deals) - 1
    assert not [row for table in ("terms", "schedules") for row in scenario.network.rows[table] if row["deal"] == one.id]
    assert changes(scenario) == [f"deals.{one.id} removed"]


def test_a_scenario_file_sets_cells_with_a_source(tmp_path):
    base = copy_small(tmp_path)
    child = tmp_path / "poor.toml"
    child.write_text(f'extends = "{base.as_posix()}"\n[figures.lab]\ncash = 2\nsources.cash = "half of what was raised"\n')
    scenario = load_scenario(child)
    assert figure(scenario, "lab", "cash") == 2.0 and scenario.base == "small" and changes(scenario)[0].startswith("figures.lab.cash")
    row = next(row for row in scenario.network.rows["figures"] if (row["entity"], row["figure"]) == ("lab", "cash"))
    assert row["source"] == "assumption: half of what was raised"
    child.write_text(f'extends = "{base.as_posix()}"\n[figures.lab]\ncash = 2\n')
    expect(faults(child), "poor.toml", "figures.lab.cash has no source", '[figures.lab.sources] cash = "..."')


def test_later_tables_replace_rows_add_rows_and_remove_deals(tmp_path, small):
    base = copy_small(tmp_path)
    one = next(each for each in small.network.deals if each.kind == "compute_contract")
    header = (base.parent / "deals.csv").read_text().splitlines()
    row = next(line for line in header if line.startswith(f"{one.id},"))
    (tmp_path / "more.csv").write_text(f"{header[0]}\n{row.replace(one.status, 'removed', 1)}\n")
    figures = (base.parent / "figures.csv").read_text().splitlines()
    (tmp_path / "cash.csv").write_text(f"{figures[0]}\nlab,cash,,4,USD bn,,,assumption: test,\n")
    child = tmp_path / "other.toml"
    child.write_text(f'extends = "{base.as_posix()}"\n[tables]\ndeals = ["...", "more.csv"]\nfigures = ["...", "cash.csv"]\n')
    scenario = load_scenario(child)
    assert deal(scenario, one.id) is None and figure(scenario, "lab", "cash") == 4.0
    assert set(changes(scenario)) == {f"deals.{one.id} removed", f"figures.lab.cash {figure(small, 'lab', 'cash'):g} -> 4"}
    (tmp_path / "cash.csv").write_text(f"{figures[0]}\nlab,cash,,4,USD bn,,,assumption: test,\nlab,cash,,5,USD bn,,,assumption: test,\n")
    expect(faults(child), "cash.csv line 3", "repeats line 2")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("figures.lbo.cash=3", ("--set: figures.lbo.cash", "no entity")),
        ("figures.lab.cahs=3", ("figures.lab.cahs", "did you mean 'cash'")),
        ("figures.lab.cash=many", ("figures.lab.cash", "'many'", "no number")),
        ("figures.lab.cash=-1", ("figures.lab.cash", "negative")),
        ("figures.lab=3", ("figures.lab", "section")),
        ("figures.lab.plan_fcf.2027.q1=3", ("figures.lab.plan_fcf.2027", "no cell of the table of figures")),
        ("entities.lab.cash=4", ("'cash' is a figure; write figures.lab.cash",)),
        ("entities.lab.polcy=liquidate", ("no column 'polcy'", "did you mean 'policy'")),
        ("deals.nowhere.amount=3", ("there is no deal 'nowhere'",)),
        ("terms.nowhere.days=3", ("there is no deal 'nowhere'",)),
        ("vendors.lab.nobody.share=0.1", ("there is no vendor 'lab.nobody'",)),
    ],
)
def test_a_cell_that_cannot_be_set_is_a_sentence(text, words):
    expect(faults(SMALL, [text]), *words)


def test_a_key_with_a_point_stands_in_quotes():
    expect(faults(SMALL, ['deals."a.b".amount=3']), "there is no deal 'a.b'")


def test_overrides_merge_sections_and_replace_values(small):
    """`--set 'rules.door={...}'` leaves its neighbours; a table by year and the pairs of a correlation are values."""
    door = load_scenario(SMALL, ["rules.door={confidence=0.8}"]).rules.door
    assert door.confidence == 0.8 and door.valuation_width == small.rules.door.valuation_width
    assert load_scenario(SMALL, ["drivers.correlation={}"]).drivers.correlation == {} != small.drivers.correlation
    assert load_scenario(SMALL, ["factors.power_gap.plan={2026=0.5}"]).factors.power_gap.plan == {2026: 0.5}


def test_a_file_replaces_values_of_the_one_that_it_extends(tmp_path):
    base = copy_small(tmp_path)
    child = tmp_path / "child.toml"
    child.write_text(
        f'extends = "{base.as_posix()}"\n[drivers]\ncorrelation = {{}}\n[factors.power_gap]\nplan = {{2025 = 0.0}}\nsources.plan = "assumption: test"\n'
    )
    scenario = load_scenario(child)
    assert scenario.drivers.correlation == {} and scenario.factors.power_gap.plan == {2025: 0.0}


def test_the_source_of_a_value_from_the_command_line_says_so():
    for key in ("rules.alpha=0.5", "rules={alpha=0.5}"):
        assert load_scenario(SMALL, [key]).rules.sources["alpha"] == "set on the command line"


def idle(*overrides):
    scenario = load_scenario(SMALL, overrides)
    refuse_idle(scenario, 7, compile_scenario(scenario, 7).model)


def test_an_override_that_no_row_reads_is_refused():
    for key in ("factors={}", "factors.execution.probability.talks=0.9"):
        with pytest.raises(InputError) as caught:
            idle(key, LIFE)
        assert key.partition("=")[0] in str(caught.value) and "factors.life" not in str(caught.value)


def test_an_override_with_the_value_of_the_file_is_no_fault(small):
    idle(f"factors.execution.probability.talks={small.factors.execution.probability['talks']}", LIFE, "run.paths=3")
