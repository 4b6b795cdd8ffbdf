"""Run blocks of paths on threads (threads.py)."""

import gc
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from threading import Event, Lock
from typing import NamedTuple

import numpy as np

from simulate.checks.identities import Finding, Tile, check_tile, largest
from simulate.engine.needs import cells_of
from simulate.engine.threads import call_in_thread, run_on_threads
from simulate.model import Model
from simulate.schema import FACTORS
from simulate.step.factors import new_factors
from simulate.step.memory import new_step, new_worlds, pack_model, pack_worlds, sizes_of, split_worlds, zeros
from simulate.step.outputs import Summary, new_outputs
from simulate.step.state import WORLD
from simulate.step.tile import Memory, simulate_tiles
from simulate.step.watch import Audit, new_audit, new_trace

BLOCK_PATHS = 4000
TILE_LANES = 160  # a multiple of 8: rows begin on a line of the cache; not a power of two: rows would compete for the same few lines
CALL_CELLS = 10_000  # a call of the kernels takes half a millisecond to begin, as much as a twentieth of a tile of so many cells
CHECKED_LANES = 40  # a check keeps 1 MB a lane on the real network


class Block(NamedTuple):
    """A run of consecutive paths: the unit of work, storage and progress."""

    first: int
    paths: int


class Done(NamedTuple):
    """A block that has run."""

    first: int
    outputs: dict[str, np.ndarray]
    findings: list[Finding]


def split_paths(paths: int, block_paths: int, first_path: int = 0) -> Iterator[Block]:
    """Yield blocks that cover paths first_path .. first_path + paths - 1."""
    for first in range(first_path, first_path + paths, block_paths):
        yield Block(first, min(block_paths, first_path + paths - first))


_before: list[tuple[int, int, int]] = []  # thresholds that each of those inside of `rare_collections` found
_changing = Lock()


@contextmanager
def rare_collections() -> Iterator[None]:
    """Let Python's collector run only every 200,000 objects: walking the compiler's objects again and again takes a fifth of the compile time.

    The collector is one for all threads: whoever leaves last puts back what the first one found.
    """
    with _changing:
        _before.append(gc.get_threshold())
        gc.set_threshold(200_000, 50, 50)
    try:
        yield
    finally:
        with _changing:
            gc.set_threshold(*_before.pop())


class Workspace:
    """The packed model and the memory of a tile, with which one thread runs block after block, until `stop` is set."""

    def __init__(self, model: Model, lanes: int, stop: Event | None = None):
        self.model = model
        self.net = pack_model(model)
        self.world_rules = pack_worlds(model)
        self.memory = new_memory(model, lanes)
        self.worlds = split_worlds(self.memory.worlds)
        self.lanes = lanes
        self.stop = stop or Event()
        self.call_lanes = lanes * max(1, CALL_CELLS // cells_of(model))
        self.unchecked = new_audit(model, 0, 0)
        self.kept: tuple[np.ndarray, Audit] | None = None  # trace and audit of a tile, made with the first check
        self._load_kernels()

    def _load_kernels(self) -> None:
        """Compile the kernels, or load them from the cache; in a separate thread, because an interrupt inside of the compiler can be lost."""
        with rare_collections():
            call_in_thread(lambda: self.run(Block(0, 0)))

    def pieces(self, block: Block, lanes: int) -> Iterator[Block]:
        """Yield pieces of a block, one at least: a call of the kernels each, so that an interrupt waits for a piece and not for the block."""
        for piece in split_paths(block.paths, lanes, block.first) if block.paths else (block,):
            if self.stop.is_set():
                raise CancelledError
            yield piece

    def run(self, block: Block) -> dict[str, np.ndarray]:
        """Return the outputs of a block, a pure function of (model, block); the last axis is the path."""
        return joined([self.simulate(piece, np.zeros((0, 0, 0, 0, 0)), self.unchecked) for piece in self.pieces(block, self.call_lanes)])

    def trace(self, first_path: int) -> np.ndarray:
        """Return the trace of the tile that begins at first_path: [worlds, T, len(TRACES), n, W]."""
        trace = new_trace(self.model, self.lanes)
        self.simulate(Block(first_path, self.lanes), trace, self.unchecked)
        return trace

    def run_checked(self, block: Block) -> tuple[dict[str, np.ndarray], list[Finding]]:
        """Return the outputs of a block, and the largest residual of every identity in it."""
        outputs, findings = [], []
        for tile in self.pieces(block, self.lanes):
            observed = self.observe(tile)
            outputs.append(observed.outputs)
            findings.append(check_tile(observed))
        return joined(outputs), largest(findings)

    def observe(self, block: Block) -> Tile:
        """Return the input of a check for a block of at most one tile; the next call overwrites its arrays."""
        if self.kept is None:
            self.kept = new_trace(self.model, self.lanes), new_audit(self.model, self.model.grid.steps, self.lanes)
        trace, audit = self.kept
        outputs = self.simulate(block, trace, audit)
        return Tile(
            model=self.model,
            first_path=block.first,
            outputs=outputs,
            trace=trace[..., : block.paths],
            legs=audit.leg[..., : block.paths],
            entities=audit.entity[..., : block.paths],
            outcomes=audit.end_entity[:, :, 0, :, : block.paths],
            discounts=audit.discount[..., : block.paths],
            stakes=audit.holding[:, :, tuple(WORLD["holding"]).index("stake"), :, : block.paths],
            losses=tuple(world.loss[..., : block.paths] for world in self.worlds),
        )

    def simulate(self, block: Block, trace: np.ndarray, audit: Audit) -> dict[str, np.ndarray]:
        """Run the kernels on a block; they fill trace and audit for its last tile."""
        out = new_outputs(self.model, block.paths)
        simulate_tiles(self.model.factors, self.world_rules, self.memory, np.int64(block.first), np.int64(block.paths), out, trace, audit, self.net)
        return out._asdict()


def joined(pieces: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Join the outputs of pieces along the path."""
    return {name: np.concatenate([outputs[name] for outputs in pieces], axis=-1) for name in pieces[0]}


def new_memory(model: Model, lanes: int) -> Memory:
    """Allocate the memory of a tile of W lanes."""
    sizes = sizes_of(model)
    rows = {"entities": sizes["entity"], "owners": sizes["owner"], "legs": sizes["leg"], "holdings": sizes["holding"]}
    worlds = model.rules.world_switches.shape[0]
    state, draws, factors = new_factors(model, lanes)
    return Memory(
        worlds=new_worlds(worlds, **rows, grid=model.grid, lanes=lanes),
        step=new_step(**rows, lanes=lanes),
        state=state,
        draws=draws,
        factors=factors,
        summary=Summary(zeros((len(FACTORS), lanes))),
    )


def run_blocks(
    model: Model,
    *,
    paths: int,
    on_block: Callable[[int, dict[str, np.ndarray]], None],
    on_check: Callable[[list[Finding]], None] | None = None,
    threads: int = 1,
    block_paths: int = BLOCK_PATHS,
    tile_lanes: int | None = None,
    first_path: int = 0,
) -> None:
    """Run all blocks; `on_block(first, outputs)` is called in this thread, in order of completion.

    With on_check every identity is verified in every block, and `on_check(findings)` is called before `on_block`.
    The bits of a path depend on neither threads, block_paths, tile_lanes nor on_check. At most two blocks a thread are held at
    once, so memory does not grow with the number of paths.
    """
    lanes = tile_lanes or (TILE_LANES if on_check is None else CHECKED_LANES)

    def worker(workspace: Workspace) -> Callable[[Block], Done]:
        def work(block: Block) -> Done:
            outputs, findings = (workspace.run(block), []) if on_check is None else workspace.run_checked(block)
            return Done(block.first, outputs, findings)

        return work

    def hand_over(done: Done) -> None:
        if on_check is not None:
            on_check(done.findings)
        on_block(done.first, done.outputs)

    blocks = split_paths(paths, block_paths, first_path)
    stop = Event()
    workers = [worker(Workspace(model, lanes, stop)) for _ in range(threads)]
    if threads == 1:
        for block in blocks:
            hand_over(workers[0](block))
    else:
        run_on_threads(workers, blocks, hand_over, stop)
