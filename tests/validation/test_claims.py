"""The machinery of docs/validation.md: what a finding says, what is refused, and that the page has every claim and names tests that exist."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

from tests.known.answers import LEFT_OUT, PARTS_LEFT_OUT
from tests.validation.claims import LEFT_OUT_TITLE, PAGE, Finding, Part, gather, mean_finding, numeric_finding, part_names, refuse_false, write_page

TESTS = Path(__file__).parents[1]


def test_finding_is_held_to_its_kind():
    sampled = Finding("a", "t", "s", 1.39, 1.0, 0.1, "standard errors")
    assert sampled.z == pytest.approx(3.9) and sampled.holds
    assert not sampled._replace(got=1.41).holds and not sampled._replace(got=0.59).holds
    exact = Finding("a", "t", "s", 1.0 + 1e-9, 1.0, 1e-8, "tolerance")
    assert exact.holds and not exact._replace(got=1.0 + 1.1e-8).holds
    assert not exact._replace(got=math.nan).holds and not sampled._replace(got=math.nan).holds
    assert exact._replace(got=1.0, error=0.0).holds and not exact._replace(error=0.0).holds
    with pytest.raises(ValueError, match='kind is "sigma"'):
        _ = exact._replace(kind="sigma").holds


def test_mean_has_the_standard_error_of_its_sample():
    one = mean_finding("a", "t", "s", np.array([True, False, False, True]), 0.5)
    assert (one.got, one.want) == (0.5, 0.5)
    assert one.error == pytest.approx(math.sqrt(1 / 3 / 4))


def test_refused_claims_are_named():
    good, bad = numeric_finding("holds", "t", "s", 1.0, 1.0, 0.0), numeric_finding("does not hold", "t", "s", 1.1, 1.0, 0.01)
    refuse_false([good])
    with pytest.raises(AssertionError, match="does not hold: got 1.1") as caught:
        refuse_false([good, bad])
    assert "holds: got 1.0," not in str(caught.value).splitlines()[0].split("does not")[0]
    page = write_page([Part("Title", "Text.", [good, bad])])
    assert "## Title\n\nText.\n" in page and "2 claims, 1 refused." in page
    assert [line.endswith("**refused** |") for line in page.splitlines() if line.startswith(("| holds", "| does"))] == [False, True]


def rows_of(page: str) -> list[list[str]]:
    """Cells of the tables of findings, without their heads."""
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in page.splitlines() if line.startswith("| ")]
    return [row for row in rows if row[0] not in ("Claim", "Vector")]


def parts_of(page: str) -> tuple[str, str]:
    """The claims, and the known answers that do not apply."""
    claims, found, left_out = page.partition(f"## {LEFT_OUT_TITLE}")
    assert found
    return claims, left_out


def test_tests_that_the_page_names_exist():
    names = {row[1].strip("`") for row in rows_of(parts_of(PAGE.read_text(encoding="utf-8"))[0]) if "::" in row[1]}
    assert names
    for name in sorted(names):
        file, function = name.removeprefix("tests/").split("::")
        assert re.search(rf"^def {re.escape(function.split('[')[0])}\(", (TESTS / file).read_text(encoding="utf-8"), re.MULTILINE), name


def test_page_refuses_nothing():
    page = PAGE.read_text(encoding="utf-8")
    assert "**refused**" not in page
    assert f"{len(rows_of(parts_of(page)[0]))} claims, 0 refused" in page


def test_page_lists_what_does_not_apply():
    rows = rows_of(parts_of(PAGE.read_text(encoding="utf-8"))[1])
    assert [row[0].strip("`") for row in rows[: len(LEFT_OUT)]] == list(LEFT_OUT) and len(rows) == len(LEFT_OUT) + len(PARTS_LEFT_OUT)
    assert all(len(row[2]) > 5 for row in rows)


@pytest.mark.slow  # every part runs again
def test_page_has_every_claim():
    """Names, not digits: `python -m tests.validation` writes the page anew."""
    parts = gather()
    assert len(parts) >= 5 and len(part_names()) >= len(parts)
    claims = [one.claim.replace("|", "\\|") for part in parts for one in part.findings]
    assert len(set(claims)) == len(claims)
    page, _ = parts_of(PAGE.read_text(encoding="utf-8"))
    assert sorted(row[0] for row in rows_of(page)) == sorted(claims)
    assert [line[3:] for line in page.splitlines() if line.startswith("## ")] == [part.title for part in parts]
