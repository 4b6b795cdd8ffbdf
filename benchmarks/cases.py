"""The cases, by name. A case is built when it is run, and where two sides claim the same answer it is compared before it is timed."""

from collections.abc import Callable
from functools import cache, partial

import numpy as np

from benchmarks.run import Case, count_cores
from simulate.clearing import build_problem, read_network
from simulate.compile.scenario import compile_scenario
from simulate.engine.blocks import TILE_LANES, run_blocks
from simulate.factors.keys import key_of
from simulate.kernels.jit import kernel
from simulate.kernels.random import fill_uniform, turn_normal
from simulate.model import Model, freeze
from simulate.scenario.load import load_scenario
from simulate.step.factors import advance_factors, begin_paths, new_factors
from simulate.step.one_period import clear_one_period

PATHS = 4000


@cache
def read_model() -> Model:
    """Return ai_2025 with the two worlds that every scenario has, so that figures of all commits compare."""
    model = compile_scenario(load_scenario("ai_2025"), 0).model
    two = {name: values[:2] for name, values in model.rules._asdict().items() if name.startswith("world_")}
    return model._replace(rules=freeze(model.rules._replace(**two)))


def simulate_paths(threads: int = 1, lanes: int = TILE_LANES, paths: int = PATHS, block_paths: int = PATHS // 4) -> Callable[[], None]:
    """All paths of ai_2025 in its worlds `network` and `alone`, results thrown away."""
    model = read_model()
    return lambda: run_blocks(model, paths=paths, threads=threads, block_paths=block_paths, tile_lanes=lanes, on_block=lambda first, arrays: None)


def compare_threads() -> Case:
    counts = [count for count in (1, 2, 4, 8, 16, 32) if count <= max(2, count_cores())]
    paths, block_paths = PATHS * counts[-1], PATHS // 4
    sides = {f"{count} thread{'s' if count > 1 else ''}": simulate_paths(count, paths=paths, block_paths=block_paths) for count in counts}
    return Case("ai_2025, both worlds: threads", "paths", paths, sides)


def compare_tiles() -> Case:
    sides = {f"{lanes} lanes": simulate_paths(lanes=lanes) for lanes in (32, 64, 128)}
    return Case("ai_2025, both worlds, 1 thread: width of a tile", "paths", PATHS, sides)


@kernel
def advance_all(grid, factors, paths, state, draws, out):
    """Factors of all paths and steps, and nothing else."""
    for first_path in range(0, paths, out.rate.size):
        begin_paths(factors, first_path, state, draws, out)
        for t in range(grid.steps):
            advance_factors(grid, factors, t, first_path, state, draws, out)


def compare_worlds() -> Case:
    model = read_model()
    state, draws, out = new_factors(model, TILE_LANES)
    sides = {"both worlds": simulate_paths(), "factors alone": lambda: advance_all(model.grid, model.factors, PATHS, state, draws, out)}
    return Case("ai_2025, 1 thread: what the risk factors take of a run", "paths", PATHS, sides)


@kernel
def draw_tiles(key, tiles, out, lanes, tails):
    """Normals of `tiles` tiles: every row is a draw of the step, every lane a path; as the factors draw them."""
    width = out.shape[1]
    for tile in range(tiles):
        for row in range(out.shape[0]):
            fill_uniform(key, 0, row, tile * width, out[row])
        turn_normal(out.reshape(out.size), lanes, tails)


def compare_normals() -> Case:
    """NumPy's own Philox is the like for like; PCG64 is its default. Both use the ziggurat, ours the inverse of the distribution."""
    tiles, shape = 2000, (40, TILE_LANES)
    key, out = key_of(0, "benchmark"), np.zeros(shape)
    lanes, scratch = np.zeros(out.size, np.int64), np.zeros(out.size)
    philox, default = np.random.Generator(np.random.Philox(0)), np.random.default_rng(0)

    def fill(generator: np.random.Generator) -> None:
        for _ in range(tiles):
            generator.standard_normal(out=out)

    sides = {
        "counter-based, by path": lambda: draw_tiles(key, tiles, out, lanes, scratch),
        "NumPy Philox, one stream": lambda: fill(philox),
        "NumPy PCG64, one stream": lambda: fill(default),
    }
    return Case("standard normals", "normals", tiles * out.size, sides)


def clear_with_numpy(obligations: np.ndarray, cash: np.ndarray, alpha: float, beta: float) -> np.ndarray:
    """Greatest clearing vectors of a batch by iterating the map of Rogers and Veraart from full payment; obligations [B, n, n+1], cash [B, n]."""
    owed = obligations.sum(axis=2)
    shares = np.divide(obligations[:, :, :-1], owed[:, :, None], out=np.zeros_like(obligations[:, :, :-1]), where=owed[:, :, None] > 0)
    payment = owed
    while True:
        received = (payment[:, None, :] @ shares)[:, 0, :]
        following = np.where(cash + received >= owed * (1 - 1e-10), owed, alpha * cash + beta * received)
        if (np.abs(following - payment).sum(axis=1) <= 1e-12 * owed.sum(axis=1)).all():
            return following
        payment = following


def compare_clearing(cash_mean: float) -> Case:
    """cash_mean: of the logarithm. One pattern of who owes whom, random amounts and cash in every network, so that NumPy can take them all at once.

    The kernel takes a tile at a time as the simulation does: it clears lane by lane, and a wide tile does not fit into the cache.
    """
    batch, n, random = 64 * TILE_LANES, 16, np.random.default_rng(0)
    alpha, beta = 0.6, 0.8
    pattern = np.concatenate([random.random((n, n)) < 40 / n**2, np.ones((n, 1), bool)], axis=1)
    pattern[range(n), range(n)] = False
    amounts = random.lognormal(0.5, 0.5, (batch, n, n + 1)) * pattern
    cash = random.lognormal(cash_mean, 0.8, (batch, n))
    # The constants come from one network; the dues and the cash of the others are put into its lanes, tile by tile.
    problem = build_problem(read_network(amounts[0, :, :n], cash[0], amounts[0, :, n], alpha, beta, None), cash[:TILE_LANES].T, least=False)
    _, payers, payees = problem.positions
    dues, cash_of_firm = np.ascontiguousarray(amounts[:, payers, payees].T), np.ascontiguousarray(cash.T)
    paid, failed = np.zeros_like(dues), np.zeros((n, batch))

    def clear_with_kernel() -> None:
        for start in range(0, batch, TILE_LANES):
            tile = slice(start, start + TILE_LANES)
            problem.step.due[:] = dues[:, tile]
            problem.step.cash_in[:n] = cash_of_firm[:, tile]
            clear_one_period(problem.net, problem.now, problem.world, problem.step)
            paid[:, tile] = problem.step.pay
            failed[:, tile] = problem.step.failing[:n]

    clear_with_kernel()
    payment = np.zeros((n, batch))
    np.add.at(payment, payers, paid)
    if not np.allclose(payment.T, clear_with_numpy(amounts, cash, alpha, beta), rtol=0, atol=1e-8) or failed.max() == 0:
        raise SystemExit("The two clearing vectors differ, or nobody fails: there is nothing to compare.")
    sides = {"kernel, by tiles": clear_with_kernel, "NumPy, all at once": lambda: clear_with_numpy(amounts, cash, alpha, beta)}
    title = f"greatest clearing vectors of {batch} networks of {n} firms; somebody fails in {failed.any(axis=0).mean():.0%}, {failed.mean():.0%} of all firms"
    return Case(title, "networks", batch, sides)


CASES = {
    "threads": compare_threads,
    "tiles": compare_tiles,
    "worlds": compare_worlds,
    "normals": compare_normals,
    "clearing": partial(compare_clearing, 3.6),
    "clearing_in_crisis": partial(compare_clearing, 1.6),
}
