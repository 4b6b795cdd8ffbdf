"""The small network of tests/makers/networks/small, and copies of it with something changed."""

import shutil
from pathlib import Path

import pytest

from simulate.errors import InputError
from simulate.scenario.load import load_scenario

SMALL = Path(__file__).parent / "networks" / "small" / "small.toml"


def copy_small(folder: Path) -> Path:
    """The scenario file of a copy."""
    target = folder / "small"
    shutil.copytree(SMALL.parent, target)
    return target / "small.toml"


def change(path: Path, name: str, old: str, new: str) -> None:
    """Replace the one place where a file next to the scenario says `old`."""
    file = path.parent / name
    text = file.read_text()
    assert text.count(old) == 1, f"{name} says {old!r} {text.count(old)} times"
    file.write_text(text.replace(old, new))


def add(path: Path, name: str, *rows: str) -> None:
    """Append rows to a table."""
    file = path.parent / name
    file.write_text(file.read_text() + "".join(row + "\n" for row in rows))


def faults(path, overrides=()) -> tuple[str, ...]:
    """Sentences that loading the scenario raises."""
    with pytest.raises(InputError) as caught:
        load_scenario(path, overrides)
    return caught.value.sentences


def expect(sentences: tuple[str, ...], *words: str) -> None:
    """One of the sentences has all the words."""
    assert any(all(word in sentence for word in words) for sentence in sentences), f"no sentence with {words} among:\n" + "\n".join(sentences)
