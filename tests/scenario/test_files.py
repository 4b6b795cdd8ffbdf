"""Files that are no scenario and no table: each is refused with a sentence, none is read for ever and none ends in a traceback."""

import os
import pickle

import pytest

from simulate.cli.app import exit_code
from simulate.errors import ALIKE, InputError, grouped
from simulate.files import read_text
from simulate.scenario import inherit
from tests.makers.small import SMALL, add, change, copy_small, expect, faults

SPECIAL = {"/dev/zero": "it is a device", "/dev/random": "it is a device", "pipe": "it is a named pipe", "link": "it is a device", ".": "Is a directory"}


@pytest.fixture
def special(tmp_path, monkeypatch):
    """A folder with a named pipe and a link to a device."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    os.symlink("/dev/zero", "link")
    return tmp_path


@pytest.mark.parametrize("name", SPECIAL)
def test_a_table_that_is_no_file_is_not_read(name, special):
    (said,) = faults(SMALL, (f"tables.figures={name}",))
    assert f"the table cannot be read ({SPECIAL[name]}); name a .csv file" in said


@pytest.mark.parametrize("name", [name for name in SPECIAL if name != "."])
def test_a_scenario_that_is_no_file_is_not_read(name, special):
    (said,) = faults(name)
    assert f"the file cannot be read ({SPECIAL[name]}); name a scenario file" in said
    (special / "child.toml").write_text(f'extends = "{name}"')
    assert faults("child.toml") == (said,)


def test_a_pipe_among_the_suggestions_is_not_read(special):
    os.mkfifo("other.toml")
    expect(faults("no.toml"), "there is no such scenario file")


@pytest.mark.parametrize("size", [17, 300])
def test_a_file_that_is_too_large_is_not_read(size, tmp_path):
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(size * 2**20)  # a hole: takes no disk
    (said,) = faults(SMALL, (f"tables.figures={path}",))
    assert said == f"huge.csv: the table has {size} MB, but at most 16 MB are read; name a smaller .csv file."
    (said,) = faults(path)
    assert "at most 1 MB are read; name a smaller scenario file" in said


@pytest.mark.parametrize("name", ["n" * 5000, f"{'n' * 5000}/n.toml", "n\0n", "n\0n/n.toml"])
def test_a_name_that_no_file_can_have_is_not_there(name, tmp_path):
    (said,) = faults(name)
    assert "there is no such scenario file" in said
    path = tmp_path / "child.toml"
    path.write_text("extends = '''" + name.replace("\0", "0") + "'''")
    (said,) = faults(path)
    assert "there is no such scenario" in said
    (said,) = faults(SMALL, {"tables.figures": name})
    assert "the table cannot be read" in said


def test_nothing_is_nested_deeper_than_a_scenario(tmp_path):
    path = tmp_path / "deep.toml"
    for text in ("x = " + "[" * 5000, "x = " + "[" * 25 + "]" * 25, "[" + ".".join("a" * 5000) + "]\nx = 1"):
        path.write_text(text)
        (said,) = faults(path)
        assert said == "deep.toml: sections or brackets are nested more than 20 deep; a scenario needs no more than 4."
    (said,) = faults(SMALL, ("factors." + ".".join("a" * 5000) + "=1",))
    assert said.startswith("--set: sections or brackets are nested")
    expect(faults(SMALL, ("rules.alpha=" + "[" * 5000,)), "rules.alpha", "should be a valid number")


def test_a_long_chain_of_files_is_a_sentence(tmp_path):
    for number in range(2000):
        (tmp_path / f"s{number}.toml").write_text(f'extends = "s{number + 1}"')
    (said,) = faults(tmp_path / "s0.toml")
    assert said == f"s0.toml: extends: the chain has more than {inherit.MOST_EXTENDS} files; let it extend one that lies nearer to the end."


def test_a_missing_file_is_the_callers(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_text(tmp_path / "no.csv", what="table", wanted=".csv file", megabytes=1)


@pytest.mark.parametrize(("mark", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
@pytest.mark.parametrize("first", ["", "sep={}\n"])
def test_another_separator_is_named(mark, name, first, tmp_path):
    path = copy_small(tmp_path)
    file = path.parent / "terms.csv"
    file.write_text(first.format(mark) + file.read_text().replace(",", mark))
    (said,) = faults(path)
    assert said.startswith(f"terms.csv line 1: the cells are separated by {name}; save the table with commas")


def test_another_separator_is_named_before_quotes_are_read(tmp_path):
    path = copy_small(tmp_path)
    (path.parent / "terms.csv").write_text('"deal";"term";"value";"unit";"source"\n"a";"b";"1";"1";"s"\n')
    (said,) = faults(path)
    assert "separated by semicolons" in said


def test_missing_and_blank_columns_are_one_sentence_each(tmp_path):
    path = copy_small(tmp_path)
    change(path, "terms.csv", "deal,term,value,unit,source", "deal,term,,,")
    assert faults(path) == (
        "terms.csv line 1: the columns 'value', 'unit', 'source' are missing; the header must be deal,term,value,unit,source.",
        "terms.csv line 1: 3 of its cells are blank; delete empty columns; the header must be deal,term,value,unit,source.",
    )


def test_one_mistake_made_everywhere_is_grouped(tmp_path, capsys):
    path = copy_small(tmp_path)
    file = path.parent / "figures.csv"
    header, *rows = file.read_text().splitlines()
    upper = [",".join([cell.upper() if k == 1 else cell for k, cell in enumerate(row.split(","))]) for row in rows]
    file.write_text("\n".join([header, *upper]) + "\n")
    assert exit_code(["validate", str(path)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == len(set(said)) <= 2 * (ALIKE + 1)
    assert f"figures.csv: and {len(rows) - ALIKE} more like this." in said
    assert len(faults(path)) >= len(rows), "the library has them all"


def test_what_differs_is_not_grouped():
    sentences = [f"a.csv line {k}: '{k}' is wrong." for k in range(9)] + [f"b.csv line {k}: '{k}' is wrong." for k in range(ALIKE)] + ["c.toml: x is wrong."]
    shown = grouped(sentences)
    assert shown[ALIKE] == f"a.csv: and {9 - ALIKE} more like this." and shown[ALIKE + 1 :] == sentences[9:]


def test_faults_survive_a_process_pool():
    error = pickle.loads(pickle.dumps(InputError(["one.", "two."])))
    assert error.sentences == ("one.", "two.") and str(error) == "one.\ntwo."


def test_an_id_of_thousands_of_letters_is_refused(tmp_path):
    path = copy_small(tmp_path)
    add(path, "entities.csv", f"{'x' * 5000},Long,outside,outside,never,none,0,0,0,assumption: test")
    (said,) = faults(path)
    assert "has 5000 letters; use at most 100" in said and len(said) < 200
