"""Pages that commands write are what they write today (tests/pages.py)."""

import pytest

from tests import pages


@pytest.mark.parametrize("name", pages.PAGES)
def test_a_page_is_what_its_command_writes(name):
    page = pages.PAGES[name]
    assert page.made() == page.path.read_text(encoding="utf-8"), f"run python -m tests.pages {name}"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["headline", "backtest", "backtest_telecom", "backtest_both"])
def test_a_page_of_a_run_is_what_its_command_writes(name):
    """The first line of the README prints the headline; `simulate backtest ai_2025` and `simulate backtest telecom_2000` the back-tests."""
    page = pages.SLOW[name]
    assert page.made() == page.path.read_text(encoding="utf-8"), f"run python -m tests.pages {name}"


def test_a_page_without_its_markers_is_refused(tmp_path):
    file = tmp_path / "page.md"
    file.write_text("# A page\n")
    with pytest.raises(ValueError, match="lacks the markers"):
        pages.Page(file, lambda: "text\n", "state").made()


def test_what_stands_outside_the_markers_is_left_alone(tmp_path):
    first, last = pages.markers("state")
    file = tmp_path / "page.md"
    file.write_text(f"before\n{first}\nold{last}\nafter\n")
    assert pages.Page(file, lambda: "new\n", "state").made() == f"before\n{first}\nnew\n{last}\nafter\n"
