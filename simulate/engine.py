"""Blocks of paths on threads, and the bare clearing algorithm on the same kernel. All allocation and parallelism is here."""

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import NamedTuple

import numpy as np

from simulate.kernels.factors import new_factor_state, new_path_draws, new_step_factors
from simulate.kernels.state import TRACES, Layout, build_layout, new_outputs, new_step, new_world, pack_model
from simulate.kernels.tile import simulate_tiles
from simulate.model import Model

BLOCK_PATHS = 4000
TILE_LANES = 160  # not a power of two: rows of a power of two of bytes fall on the same lines of the cache


class Block(NamedTuple):
    """A run of consecutive paths: the unit of work, storage and progress."""

    first: int
    paths: int


def split_paths(paths: int, block_paths: int, first_path: int = 0) -> Iterator[Block]:
    """Blocks that cover paths first_path .. first_path + paths - 1."""
    for first in range(first_path, first_path + paths, block_paths):
        yield Block(first, min(block_paths, first_path + paths - first))


class Workspace:
    """What one thread needs to run blocks: state of every world, scratch, factors. Reused from block to block."""

    def __init__(self, model: Model, lanes: int):
        self.model = model
        self.packed = pack_model(model)
        self.layout: Layout = build_layout(model)
        self.worlds = tuple(new_world(model, lanes) for _ in range(model.rules.world_switches.shape[0]))
        self.step = new_step(model, lanes)
        self.state = new_factor_state(model, lanes)
        self.draws = new_path_draws(model, lanes)
        self.factors = new_step_factors(model, lanes)
        self.before = np.zeros((2, lanes))
        self.summary = np.zeros((6, lanes))
        self.lanes = lanes

    def run(self, block: Block) -> dict[str, np.ndarray]:
        """Outputs of a block, a pure function of (model, block); the last axis is the path."""
        return self._simulate(block, np.zeros((0, 0, 0, 0, 0)))

    def trace(self, first_path: int) -> np.ndarray:
        """What audits and tests read of the tile that begins at first_path: [worlds, T, len(TRACES), n, W]."""
        grid = self.model.grid
        trace = np.zeros((len(self.worlds), grid.steps, len(TRACES), grid.entities, self.lanes))
        self._simulate(Block(first_path, self.lanes), trace)
        return trace

    def _simulate(self, block: Block, trace: np.ndarray) -> dict[str, np.ndarray]:
        out = new_outputs(self.model, block.paths)
        simulate_tiles(
            self.packed, self.layout, self.worlds, self.step, self.state, self.draws, self.factors, self.before, self.summary,
            np.int64(block.first), np.int64(block.paths), out, trace,
        )  # fmt: skip
        return out._asdict()


def run_blocks(
    model: Model,
    *,
    paths: int,
    on_block: Callable[[int, dict[str, np.ndarray]], None],
    threads: int = 1,
    block_paths: int = BLOCK_PATHS,
    tile_lanes: int = TILE_LANES,
    first_path: int = 0,
) -> None:
    """Run all blocks; `on_block(first, outputs)` is called in this thread, in order of completion.

    The bits of a path depend on neither threads, block_paths nor tile_lanes. At most two blocks a thread are held at once,
    so memory does not grow with the number of paths.
    """
    blocks = split_paths(paths, block_paths, first_path)
    if threads == 1:
        workspace = Workspace(model, tile_lanes)
        for block in blocks:
            on_block(block.first, workspace.run(block))
        return
    idle = [Workspace(model, tile_lanes) for _ in range(threads)]

    def work(block: Block) -> tuple[int, dict[str, np.ndarray]]:
        workspace = idle.pop()
        try:
            return block.first, workspace.run(block)
        finally:
            idle.append(workspace)

    with ThreadPoolExecutor(threads) as pool:
        running = set()
        try:
            for block in blocks:
                running.add(pool.submit(work, block))
                if len(running) >= 2 * threads:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        on_block(*future.result())
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    on_block(*future.result())
        except BaseException:
            for future in running:
                future.cancel()
            raise
