"""The command: its verbs, where output goes, exit codes, and sentences instead of tracebacks."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
import xarray as xr

import simulate
from simulate.cli import app as cli
from simulate.cli.app import exit_code
from simulate.results import store as results
from tests.makers import results as synthetic

ROOT = Path(__file__).parents[2]
SMALL = str(ROOT / "tests" / "makers" / "networks" / "small" / "small.toml")


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(cli.TRACEBACK, raising=False)


def sentences(capsys):
    """What was said on stderr, with nothing on stdout and no traceback."""
    out, err = capsys.readouterr()
    assert out == "" and "Traceback" not in err
    return err.splitlines()


@pytest.fixture
def store(tmp_path):
    path, paths = tmp_path / "made_up.zarr", 300
    with results.writing(path, synthetic.coords(), synthetic.attrs(paths, 100), paths=paths, block_paths=100) as opened:
        for first in range(0, paths, 100):
            results.write_block(opened, first, synthetic.block(first, 100))
    return path


def test_run_writes_a_store_and_prints_the_answer(capsys):
    assert exit_code(["run", SMALL, "--paths", "200", "--seed", "3", "--threads", "2", "--block", "100", "--out", "new/small.zarr"]) == 0
    out, err = capsys.readouterr()
    assert "ES 99.9 %" in out and "PD 5 years" in out and out.splitlines()[-1] == "result: new/small.zarr"
    assert "200 of 200 paths" in err
    dataset = simulate.open_results("new/small.zarr")
    assert dataset.sizes["path"] == 200 and dataset.attrs["seed"] == 3 and dataset.attrs["block_paths"] == 100
    assert exit_code(["summary", "new/small.zarr"]) == 0
    assert capsys.readouterr().out == out


def test_a_run_without_out_never_writes_over_another(capsys):
    for _ in range(2):
        assert exit_code(["run", SMALL, "--paths", "20"]) == 0
    assert exit_code(["run", SMALL, "--paths", "20", "--seed", "0"]) == 0
    names = sorted(path.name for path in Path("results").iterdir())
    assert names == ["small-seed0-20.zarr", "small-seed7-20-2.zarr", "small-seed7-20.zarr"]
    assert exit_code(["run", SMALL, "--paths", "20", "--overwrite"]) == 0
    assert sorted(path.name for path in Path("results").iterdir()) == names


def test_set_changes_the_scenario_that_is_run_and_stored(capsys):
    assert exit_code(["run", SMALL, "--paths", "20", "--set", "run.discount=nominal", "--set", "rules.alpha=0.5", "--out", "a.zarr"]) == 0
    assert "losses in USD bn, nominal." in capsys.readouterr().out
    dataset = simulate.open_results("a.zarr")
    assert dataset.attrs["discount"] == "nominal" and '"alpha": 0.5' in dataset.attrs["resolved"]


def test_an_existing_store_is_refused_and_then_overwritten_when_told(store, capsys):
    assert exit_code(["run", SMALL, "--paths", "20", "--out", str(store)]) == 2
    (said,) = sentences(capsys)
    assert str(store) in said and "--overwrite" in said
    assert results.open_results(store).attrs["scenario"] == "made_up"
    assert exit_code(["run", SMALL, "--paths", "20", "--out", str(store), "--overwrite"]) == 0
    assert results.open_results(store).attrs["scenario"] == "small"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", SMALL, "--paths", "0"], r"paths = 0 is wrong: it must be a whole number from 1"),
        (["run", SMALL, "--threads", "0"], r"threads = 0 is wrong"),
        (["run", SMALL, "--block", "0"], r"block = 0 is wrong"),
        (["run", SMALL, "--seed", "-1"], r"seed = -1 is wrong.*0 is a seed"),
        (["run", SMALL, "--paths", "many"], r"'--paths': .*valid integer"),
        (["run", SMALL, "--set", "run.paths"], r"--set run.paths: there is no value; write key=value"),
        (["run", SMALL, "--set", "rules.alpah=0.5"], r"did you mean 'alpha'"),
        (["run", SMALL, "--set", "run.steps=abc"], r"run.steps = 'abc' is wrong"),
        (["run", "ai_2026"], r"no such scenario file \(did you mean 'ai_2025'"),
        (["validate", "nowhere/a.toml"], r"no such scenario file"),
        (["calibrate", SMALL, "--out", "nowhere/page.md"], r"nowhere/page.md: no page can be written here"),
        (["run", SMALL, "--out", f"{SMALL}/a.zarr"], r"a.zarr: no store can be written here \('small.toml' is no folder\)"),
        (["run", SMALL, "--out", f"new/{'a' * 300}.zarr"], r"no store can be written here \(File name too long\)"),
        (["summary", "nothing.zarr"], r"there is no store here"),
        (["summary", "~nobody_of_this_name/a.zarr"], r"there is no such home folder"),
        (["run", SMALL, "--paths", "1000000000000"], r"paths = 1,000,000,000,000 is too large: .* TB of memory .* TB of disk .* about \d+ (day|year)s"),
        (["validate", SMALL, "--set", "run.paths=1000000000000"], r"paths = 1,000,000,000,000 is too large"),
        (["validate", SMALL, "--set", f"run.paths=1{'0' * 26}"], r"--set: run.paths = 1(0{26}) is wrong: it should be less than or equal to 1099511627776"),
        (["run", SMALL, "--set", f"run.paths=1{'0' * 26}"], r"paths = 1(0{26}) is wrong"),
        (["validate", SMALL, "--shock", "deals.halls.ends=9999-12-31"], r"shocks.deals.halls: ends = 9999-12-31 is not in the run, which goes from"),
        (["validate", SMALL, "--set", "run.start=9999-12-31"], r"start is 9999-12-31; its year must be from 1900 to 2200"),
        (["validate", SMALL, "--set", "factors.regime={a = 1}"], r"--set: factors.regime.a is not known"),
        (["run"], r"Missing argument 'SCENARIO'"),
        (["simulat"], r"No such command 'simulat'"),
        (["run", SMALL, "--path", "5"], r"No such option: --path.*--paths"),
    ],
)
def test_bad_input_is_a_sentence_and_exit_code_2(arguments, says, capsys):
    assert exit_code(arguments) == 2
    said = sentences(capsys)
    assert any(re.search(says, sentence) for sentence in said), said
    assert list(Path().iterdir()) == [], "nothing is written"


def test_all_faults_of_a_scenario_are_said_at_once(tmp_path, capsys):
    assert exit_code(["run", SMALL, "--set", "rules.alpha=7", "--set", "rules.betta=1", "--set", "run.steps=0"]) == 2
    said = sentences(capsys)
    assert len(said) == 3 and all("--set" in sentence for sentence in said)


def test_an_internal_failure_is_one_sentence_and_exit_code_1(monkeypatch, capsys):
    def fail(*arguments, **options):
        raise RuntimeError("the flux capacitor is empty\nDuring: a long story")

    monkeypatch.setattr("simulate.engine.simulation.run", fail)
    assert exit_code(["run", SMALL]) == 1
    (said,) = sentences(capsys)
    assert "RuntimeError: the flux capacitor is empty" in said and "SIMULATE_TRACEBACK=1" in said
    monkeypatch.setenv(cli.TRACEBACK, "1")
    with pytest.raises(RuntimeError):
        exit_code(["run", SMALL])


def test_an_interrupt_is_exit_code_130_and_leaves_nothing(monkeypatch, capsys):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("simulate.engine.simulation.run_blocks", interrupt)
    for out in ([], ["--out", "a.zarr"], ["--out", "new/folder/a.zarr"]):
        assert exit_code(["run", SMALL, *out]) == 130
        assert sentences(capsys)[-1] == "interrupted; nothing half-written was kept"
        assert list(Path().iterdir()) == []


def test_a_tilde_is_the_home_folder(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert exit_code(["run", SMALL, "--paths", "20", "--out", "~/a.zarr"]) == 0
    assert exit_code(["summary", "~/a.zarr"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "result: ~/a.zarr"
    assert [path.name for path in tmp_path.iterdir()] == ["home"] and (tmp_path / "home" / "a.zarr").is_dir()
    assert simulate.run(SMALL, paths=20, out="~/b.zarr").sizes["path"] == 20 and (tmp_path / "home" / "b.zarr").is_dir()
    assert exit_code(["run", SMALL, "--paths", "20", "--out", "~/a.zarr"]) == 2, "something exists there"


def test_an_overwritten_link_leads_to_the_new_store(store, tmp_path):
    Path("link.zarr").symlink_to(store)
    assert exit_code(["run", SMALL, "--paths", "20", "--out", "link.zarr", "--overwrite"]) == 0
    assert Path("link.zarr").is_symlink() and results.open_results(store).attrs["scenario"] == "small"


def test_a_damaged_store_is_a_sentence_with_the_file(store, capsys):
    chunk = next((store / "loss" / "c").rglob("0"))
    while chunk.is_dir():
        chunk = next(chunk.iterdir())
    chunk.write_bytes(chunk.read_bytes()[:-9] + b"damaged!!")
    assert exit_code(["summary", str(store)]) == 2
    (said,) = sentences(capsys)
    assert str(chunk) in said and "damaged" in said and "--overwrite" in said


def test_a_link_that_leads_nowhere_is_not_written_through(capsys):
    Path("a.zarr").symlink_to("nowhere/b.zarr")
    for overwrite in ([], ["--overwrite"]):
        assert exit_code(["run", SMALL, "--paths", "20", "--out", "a.zarr", *overwrite]) == 2
        assert "not overwritten" in sentences(capsys)[0]


def test_validate_says_what_it_read(capsys):
    assert exit_code(["validate", SMALL]) == 0
    out = capsys.readouterr().out
    assert "4 inside" in out and "20 steps of a quarter from 2025-12-31" in out and "All checks passed." in out
    assert "Reconciliation" not in out
    assert exit_code(["validate", SMALL, "--table"]) == 0
    (debt,) = (words for words in map(str.split, capsys.readouterr().out.splitlines()) if words[:2] == ["cloud", "debt"])
    assert [float(number) for number in debt[2:5]] == pytest.approx([40, 22, 18])
    assert list(Path().iterdir()) == []


def test_list_names_the_shipped_scenarios_and_each_is_valid(capsys):
    assert exit_code(["list"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert "ai_2025" in names
    for name in names:
        assert exit_code(["validate", name]) == 0, capsys.readouterr().err


def test_version_and_help(capsys):
    assert exit_code(["--version"]) == 0
    assert capsys.readouterr().out == f"simulate {simulate.__version__}\n"
    assert exit_code(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(verb in text for verb in ("run", "validate", "summary", "list"))


def test_a_reader_that_has_seen_enough_is_no_failure(store):
    command = f"{shlex.quote(sys.executable)} -m simulate summary {shlex.quote(str(store))} | head -n 1"
    found = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, timeout=120
    )
    assert found.returncode == 0 and found.stderr == ""
    assert found.stdout.startswith("made_up: 300 paths")


def documented_commands():
    """Every `simulate ...` in a shell block of README.md and docs/."""
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(), flags=re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                for part in re.split(r"&&|\||;", line.partition(" #")[0]):
                    words = shlex.split(part)
                    if words and Path(words[0]).name == "simulate":
                        yield pytest.param(words[1:], id=f"{page.name}: {' '.join(words[1:])}")


@pytest.mark.parametrize("words", list(documented_commands()))
def test_documented_commands_are_real(words):
    group = typer.main.get_command(cli.app)
    if words == ["--version"]:
        return
    with group.make_context("simulate", words[:1]) as context:
        name, command, _ = group.resolve_command(context, words)
        with command.make_context(name, words[1:], parent=context) as parsed:
            known = parsed.params
    for value in (*known.get("set_", ()), *(f"shocks.{shock}" for shock in known.get("shock", ()))):
        assert simulate.load_scenario("ai_2025", [value])
    if "scenario" in known:
        from simulate.scenario.inherit import find_scenario

        assert known["scenario"].endswith(".toml") or find_scenario(known["scenario"])


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md"])
def test_documented_python_runs(page, capsys):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), flags=re.DOTALL)
    names = {}
    for block in blocks:
        exec(compile(block, page, "exec"), names)  # one after the other, as a reader would
    assert blocks and isinstance(names.get("result", names.get("base")), xr.Dataset)


def test_the_readme_has_the_two_lines_and_ci_runs_the_second():
    lines = re.findall(r"^python3 -m venv .*$", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    assert len(lines) == 2
    assert lines[0].endswith("simulate run ai_2025") and lines[1].endswith("pytest") and "'.[test]'" in lines[1]
    assert lines[0].split()[3] != lines[1].split()[3], "each makes its own environment"
    script = (ROOT / ".ci" / "run").read_text()
    assert """grep -m 1 -F "'.[test]'" README.md""" in script and "-m slow" in script
