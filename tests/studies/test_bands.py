"""Bands and notes beside the tables: what is wrong with them is told before the runs."""

import pytest

from simulate.errors import InputError
from simulate.report.calibration import write_page
from simulate.scenario.load import load_scenario
from simulate.studies.calibration import Band, read_bands
from simulate.studies.market import Quote
from tests.makers.small import SMALL, copy_small

HEAD = "entity,horizon,low,high,source\n"


def with_bands(folder, row):
    small = copy_small(folder)
    (small.parent / "bands.csv").write_text(HEAD + row + "\n")
    return small


def test_bands_are_read(tmp_path):
    assert read_bands(load_scenario(with_bands(tmp_path, "lab,5,0.1,0.2,test")), {}) == [Band("lab", 5.0, 0.1, 0.2, "test")]
    assert read_bands(load_scenario(SMALL), {}) == []


def test_a_swap_gives_a_band_by_rule_and_none_by_hand_beside_it(tmp_path):
    market = {"cloud": Quote("cloud", swap=300.0)}
    cloud, lab = read_bands(load_scenario(with_bands(tmp_path / "a", "lab,5,0,1,test")), market)
    assert (cloud.low, cloud.high) == market["cloud"].band and cloud.horizon == 5.0 and lab.entity == "lab"
    with pytest.raises(InputError, match="market.csv gives 'cloud' a band by rule; keep one of them"):
        read_bands(load_scenario(with_bands(tmp_path / "b", "cloud,5,0,1,test")), market)
    assert read_bands(load_scenario(SMALL, {"run.steps": 12}), market) == []  # a swap of five years says nothing of three


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("lba,5,0,1,test", r"bands.csv line 2 .*: entity 'lba' is no entity \(did you mean 'lab'"),
        ("lab,five,0,1,test", "horizon is 'five', which is no number"),
        ("lab,50,0,1,test", "horizon is 50; it must be at most 5"),
        ("lab,5,-1,1,test", "low is negative"),
        ("lab,5,0,20,test", "high is 20; it must be at most 1"),
        ("lab,5,0.2,0.1,test", "low is 0.2 and high is 0.1; exchange them"),
        ("lab,5,,0.1,test", "low is '', which is no number"),
        ("lab,5,0,1,", "source is blank"),
        ("lab,5", "2 cells, but the header has 5"),
    ],
)
def test_a_band_that_is_wrong_is_a_sentence(tmp_path, row, sentence):
    with pytest.raises(InputError, match=sentence):
        write_page(with_bands(tmp_path, row), paths=10)


def test_notes_that_are_no_text_are_a_sentence(tmp_path):
    small = copy_small(tmp_path)
    (small.parent / "calibration.md").write_bytes(b"caf\xe9")
    with pytest.raises(InputError, match="calibration.md: not UTF-8 at byte 3"):
        write_page(small, paths=10)
