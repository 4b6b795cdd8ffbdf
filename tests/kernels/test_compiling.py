"""What kernels are compiled with: options that are shared, names on rows, the folder of the cache."""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numba.core.compiler import Flags

from simulate.kernels import jit
from simulate.kernels.fields import name_rows
from simulate.kernels.linking import SharedFlags
from simulate.step.factors import StepFactors
from simulate.step.state import Step, World

pytestmark = pytest.mark.nojit


def test_copies_of_equal_options_are_one_object():
    one, other = SharedFlags(), SharedFlags()
    assert one.copy() is other.copy()
    other.nrt = True
    assert one.copy() is not other.copy() and other.copy().nrt and not one.copy().nrt


def test_shared_options_are_found_among_those_of_numba():
    """What numba compiled under its own copy of equal options is not compiled again."""
    assert {Flags(): "compiled"}[SharedFlags()] == "compiled" and {SharedFlags().copy(): "compiled"}[Flags()] == "compiled"
    changed = Flags()
    changed.nrt = True
    assert SharedFlags() != changed and SharedFlags(changed) == changed


class Pair(NamedTuple):
    both: np.ndarray
    number: np.ndarray


def test_names_stand_on_rows_and_have_one_meaning():
    name_rows(Pair, "both", ("first", "second"), count="number")
    pair = Pair(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 2]))
    assert pair.first.tolist() == [1.0] and pair.second.tolist() == [3.0, 4.0]  # type: ignore[attr-defined]
    for name in ("first", "number"):
        with pytest.raises(ValueError, match=f"Pair has two meanings of {name}"):
            name_rows(Pair, "both", (name,))


@pytest.mark.parametrize("cls", [World, Step, StepFactors])
def test_a_name_that_no_row_has_is_refused(cls):
    values = cls(*[np.zeros((2, 2))] * len(cls._fields))
    with pytest.raises(AttributeError, match="cahs"):
        values.cahs  # noqa: B018


@pytest.mark.parametrize(
    ("platform", "variable", "folder"),
    [
        ("linux", "NUMBA_CACHE_DIR", "chosen"),
        ("linux", "XDG_CACHE_HOME", "chosen"),
        ("win32", "LOCALAPPDATA", "chosen"),
        ("linux", "", "home/.cache"),
        ("darwin", "", "home/Library/Caches"),
        ("win32", "", "home/AppData/Local"),
    ],
)
def test_the_cache_of_compiled_kernels_stands_where_the_system_keeps_caches(platform, variable, folder, monkeypatch, tmp_path):
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    if variable:
        monkeypatch.setenv(variable, str(tmp_path / "chosen"))
    found = jit.find_cache_folder()
    assert found.parent == tmp_path / folder / "simulate" and found.name.endswith(jit.hash_sources())
