"""`simulate ranges` and `simulate run --ranges` on a small network."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from simulate.cli.app import exit_code
from tests.makers.ranged import LAWS, ranged_small
from tests.makers.small import SMALL

SIZES = ["--sets", "20", "--paths", "120", "--threads", "1"]


@pytest.fixture
def small(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return str(ranged_small(tmp_path))


def sentences(capsys):
    out, err = capsys.readouterr()
    assert out == "" and "Traceback" not in err
    return err.splitlines()


def test_ranges_are_printed_and_written(small, capsys):
    assert exit_code(["ranges", small, *SIZES, "--seed", "3", "--out", "a.zarr"]) == 0
    out, err = capsys.readouterr()
    assert "small: 5 years, seed 3." in out and "Ranges: 20 sets of 4 uncertain parameters, 120 paths each" in out and "It hangs most on" in out
    assert all(key in out for key in LAWS) and "of 2,520 paths" in err
    assert exit_code(["ranges", small, *SIZES, "--seed", "3", "--out", "b.nc"]) == 0
    assert capsys.readouterr().out == out
    one, other = xr.open_zarr("a.zarr", consolidated=False).load(), xr.open_dataset("b.nc", engine="scipy").load()
    assert one.sizes["set"] == 20 and (one["expected_loss"].values == other["expected_loss"].values).all()
    assert list(map(str, one["parameter"].values)) == list(map(str, other["parameter"].values)) == list(LAWS)


def test_a_run_with_ranges_leads_with_them_and_keeps_its_bits(small, capsys):
    assert exit_code(["run", small, "--paths", "150", "--out", "plain.zarr"]) == 0
    plain = capsys.readouterr().out
    assert "4 parameters are uncertain too: `simulate ranges small`" in " ".join(plain.split()) and "hangs most" not in plain
    assert exit_code(["run", small, "--paths", "150", "--sets", "16", "--out", "ranged.zarr", "--set", "rules.transfer=0.4"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[1].startswith("Expected system loss") and "Ranges: 16 sets of 3 uncertain parameters" in out
    assert "Set by the caller, so not drawn: rules.transfer." in out and out.splitlines()[-1] == "result: ranged.zarr"
    assert exit_code(["run", str(SMALL), "--paths", "150", "--out", "base.zarr"]) == 0
    one, base = (xr.open_zarr(name, consolidated=False)["system_loss"].values for name in ("plain.zarr", "base.zarr"))
    assert (one == base).all() and np.any(base)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["ranges", str(SMALL)], "small: no parameter is uncertain"),
        (["run", str(SMALL), "--ranges", "--out", "x.zarr"], "small: no parameter is uncertain"),
        (["ranges", "{small}", "--sets", "5"], "sets = 5 is wrong: with 4 parameters it must be a whole number from 14 to 100,000."),
        (["run", "{small}", "--sets", "5", "--out", "x.zarr"], "sets = 5 is wrong"),
        (["ranges", "{small}", "--paths", "0"], "paths = 0 is wrong"),
        (["ranges", "{small}", "--out", "x.csv"], "x.csv: a study is written as .zarr or .nc"),
        (["ranges", "{small}", "--out", "small/small.nc"], "small/small.nc: there is something here already"),
        (["ranges", "{small}", "--out", "nowhere/x.nc"], "nowhere/x.nc: no study can be written here"),
        (["ranges", "{small}", "--set", "rules.transfer=2"], "rules.transfer = 2 is wrong"),
    ],
)
def test_bad_input_is_a_sentence_and_exit_code_2(small, arguments, sentence, capsys):
    Path("small/small.nc").write_text("")
    assert exit_code([word.replace("{small}", small) for word in arguments]) == 2
    (said,) = sentences(capsys)
    assert sentence in said and not Path("x.zarr").exists()


def test_faults_of_the_section_end_validate_and_run_too(small, capsys):
    path = Path(small)
    path.write_text(path.read_text().replace('"rules.transfer"', '"rules.trasnfer"').replace("high = 0.7", "high = 1.7"))
    for command in ("validate", "run", "ranges"):
        assert exit_code([command, small]) == 2
        one, other = sentences(capsys)
        assert "did you mean 'transfer'" in one and "high is 1.7, which factors.life.weights.0 cannot be" in other


def test_the_laws_stand_in_the_attributes_of_a_store(small):
    assert exit_code(["run", small, "--paths", "20", "--out", "a.zarr"]) == 0
    resolved = json.loads(xr.open_zarr("a.zarr", consolidated=False).attrs["resolved"])
    assert resolved["uncertain"]["factors.regime.hazard_in"] == {"law": "lognormal", "median": 0.12, "sd": 0.4, "source": "assumption: test"}
