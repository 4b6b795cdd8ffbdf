"""A probability of execution that deals overrule is set with a warning that names them."""

from simulate.scenario.load import load_scenario
from tests.makers.small import SMALL, change, copy_small

KEY = "factors.execution.probability"


def warnings(path, *overrides):
    return [one for one in load_scenario(path, overrides).warnings if KEY in one]


def test_a_probability_that_deals_overrule_names_them():
    (said,) = warnings("ai_2025", f"{KEY}.letter_of_intent=0.9")
    assert said.startswith(f"--set: {KEY}.letter_of_intent = 0.9 moves nothing: ") and all(deal in said for deal in ("E03", "H01", "H03"))
    assert said.endswith("of deals.csv have a probability of their own; change that column, or leave it blank.")
    assert "H02" not in said


def test_each_status_that_was_changed_has_its_sentence():
    both = warnings("ai_2025", f"{KEY}.conditional=0.9", f"{KEY}.talks=0.3")
    assert any("conditional = 0.9 moves nothing: H02 of deals.csv" in one for one in both)
    assert any("talks = 0.3 moves nothing: no group of deals in deals.csv has the status 'talks'" in one for one in both)


def test_a_scenario_that_extends_another_is_named(tmp_path):
    child = tmp_path / "child.toml"
    child.write_text('extends = "ai_2025"\nname = "child"\n[factors.execution]\nprobability = { conditional = 0.25, letter_of_intent = 0.9, talks = 0.1 }\n')
    (said,) = warnings(child)
    assert said.startswith(f"child.toml: {KEY}.letter_of_intent = 0.9 moves nothing")


def test_what_moves_some_deals_alone_names_both(tmp_path):
    small = copy_small(tmp_path)
    change(small, "deals.csv", "chips,hardware_purchase,lab,vendor,20,USD bn,conditional", "chips,hardware_purchase,lab,vendor,20,USD bn,letter_of_intent")
    (said,) = warnings(small, f"{KEY}.letter_of_intent=0.9")
    assert "moves more_compute alone: chips of deals.csv have a probability of their own" in said


def test_what_moves_something_or_was_not_changed_is_no_warning():
    assert warnings("ai_2025") == [] and warnings("ai_2025", f"{KEY}.letter_of_intent=0.25") == [] and warnings(SMALL) == []
