"""The memory of a tile and how kernels are compiled; what a run computes is in checks/test_identities.py and step/test_paths.py."""

import gc

import numpy as np
import pytest

from simulate.engine.blocks import TILE_LANES, Workspace, rare_collections
from simulate.step.memory import CACHE_LINE, zeros
from tests.makers.tiny import tiny_model


def test_rows_of_a_tile_begin_on_a_line_of_the_cache():
    """Arrays do, and as the lanes of a tile fill whole lines, so does every row."""
    workspace = Workspace(tiny_model(), TILE_LANES)
    memory = workspace.memory
    state = [*workspace.worlds, memory.worlds, memory.step, memory.state, memory.draws, memory.factors, memory.summary]
    arrays = [array for group in state for array in group if array.size]
    assert {array.ctypes.data % CACHE_LINE for array in arrays} == {0}
    assert TILE_LANES * np.float64().itemsize % CACHE_LINE == 0


@pytest.mark.parametrize("shape", [0, 5, (3, 0, 2), (4, 7)])
@pytest.mark.parametrize("dtype", [np.float64, np.int64])
def test_zeros_are_ordinary_arrays(shape, dtype):
    array = zeros(shape, dtype)
    wanted = np.zeros(shape, dtype)
    assert array.shape == wanted.shape and array.dtype == wanted.dtype and array.flags.c_contiguous and array.flags.writeable
    assert (array == wanted).all()


def test_the_collector_is_as_before_once_kernels_are_compiled():
    before = gc.get_threshold()
    with pytest.raises(KeyboardInterrupt), rare_collections():
        assert gc.get_threshold() != before
        raise KeyboardInterrupt
    assert gc.get_threshold() == before
