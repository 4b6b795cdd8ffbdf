"""Runs beside each other in threads of one process, and runs that are interrupted."""

import gc
import threading
import time
from concurrent.futures import CancelledError

import numpy as np
import pytest

from simulate.engine import blocks
from simulate.engine.blocks import Block, Workspace, rare_collections, run_blocks
from tests.makers.tiny import tiny_model


def test_the_collector_is_as_before_after_runs_that_overlap():
    """The first comes in first and leaves first; the second leaves last."""
    before, inside, leave = gc.get_threshold(), threading.Event(), threading.Event()

    def second():
        with rare_collections():
            inside.set()
            assert leave.wait(60)

    other = threading.Thread(target=second)
    with rare_collections():
        other.start()
        assert inside.wait(60)
    assert gc.get_threshold() != before, "the second is still compiling"
    leave.set()
    other.join(60)
    assert gc.get_threshold() == before


def test_pieces_of_a_block_do_not_move_a_bit(monkeypatch):
    whole = Workspace(tiny_model(), 16)
    monkeypatch.setattr(blocks, "CALL_CELLS", 1)
    pieces = Workspace(tiny_model(), 16)
    assert pieces.call_lanes == 16 < whole.call_lanes
    one, other = whole.run(Block(3, 100)), pieces.run(Block(3, 100))
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name])


def test_a_block_that_was_begun_ends_at_the_next_piece_when_told(monkeypatch):
    monkeypatch.setattr(blocks, "CALL_CELLS", 1)
    workspace = Workspace(tiny_model(), 8)
    calls, simulate = [], workspace.simulate

    def count(block, *rest):
        calls.append(block)
        if len(calls) == 3:
            workspace.stop.set()
        return simulate(block, *rest)

    monkeypatch.setattr(workspace, "simulate", count)
    with pytest.raises(CancelledError):
        workspace.run(Block(0, 8000))
    assert len(calls) == 3


@pytest.mark.parametrize("threads", [1, 2])
def test_an_interrupt_does_not_wait_for_blocks(monkeypatch, threads):
    """A block of a thousand pieces of 0.01 s is under way in every thread when the first small block is handed over."""
    monkeypatch.setattr(blocks, "CALL_CELLS", 1)
    simulate = Workspace.simulate

    def slow(self, block, *rest):
        time.sleep(0.01 * (block.first >= 8))
        return simulate(self, block, *rest)

    def interrupt(first, outputs):
        raise KeyboardInterrupt

    monkeypatch.setattr(Workspace, "simulate", slow)
    monkeypatch.setattr(
        blocks,
        "split_paths",
        lambda paths, size, first=0, split=blocks.split_paths: iter([Block(0, 8), Block(8, 8000)]) if paths == 8008 else split(paths, size, first),
    )
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_blocks(tiny_model(), paths=8008, threads=threads, on_block=interrupt, tile_lanes=8)
    assert time.monotonic() - begun < 5
