"""docs/architecture.md names what is there, and a section of the model has one noun in page, step and oracle."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
MODEL = (ROOT / "docs" / "model.md").read_text(encoding="utf-8")


def test_every_path_that_the_page_names_exists():
    named = set(re.findall(r"`((?:simulate|tests|configs|docs|benchmarks)/[\w./-]*)`", PAGE))
    assert len(named) > 20
    assert not [path for path in named if not (ROOT / path).exists()]


def test_files_of_the_table_of_changes_exist():
    table = PAGE[PAGE.index("## Where does my change go") : PAGE.index("## Rules")]
    files = {name for name in re.findall(r"`([a-z_]+/[\w/]+\.py)`", table)}
    assert len(files) > 12
    assert not [name for name in files if not (ROOT / "simulate" / name).exists() and not (ROOT / name).exists()]


def test_every_room_has_its_line():
    rooms = {path.name for path in (ROOT / "simulate").iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    named = set(re.findall(r"^\| `simulate/(\w+)/`", PAGE, re.MULTILINE))
    assert named == rooms


def test_a_section_has_one_noun_in_page_step_and_oracle():
    lines = re.findall(r"^#+ ([\d.]+) .*\nKernel: (.*?) · oracle: (.*)$", MODEL, re.MULTILINE)
    assert [number.rstrip(".") for number, _, _ in lines] == ["1", "2", "3", *(f"4.{k}" for k in range(11))]
    for number, kernels, oracles in lines:
        for path in (*kernels.split(", "), *oracles.split(", ")):
            assert (ROOT / path).is_file(), f"section {number} names {path}"
        if number.startswith("4."):
            assert Path(kernels.split(", ")[0]).name == Path(oracles.split(", ")[0]).name
