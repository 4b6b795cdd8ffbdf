"""What must hold in every step of every path, whatever the numbers; and that a path has the same bits however it is run."""

import functools

import numpy as np
import pytest
from small_network import SMALL
from test_step import CASES, drawn_changes
from tiny import tiny_model

from simulate.compile import compile_scenario
from simulate.engine import Block, Workspace, run_blocks
from simulate.kernels.state import TRACES
from simulate.model import CHANNELS
from simulate.scenario import load_scenario

PATHS = 200
CASH, RECEIVED, PAID, ENTERS, LEAVES, ALIVE, DUES = (TRACES.index(name) for name in ("cash", "received", "paid", "outside_in", "outside_out", "alive", "dues"))


@functools.cache
def model_of(name):
    if name == "real":
        return compile_scenario(load_scenario("ai_2025")).model
    if name == "small":
        return compile_scenario(load_scenario(SMALL)).model
    kind, _, which = name.partition(": ")
    return tiny_model(seed=5, **(CASES[which][0] if kind == "tiny" else drawn_changes(int(which))))


@functools.cache
def simulated(name):
    """Model, outputs and trace of paths 0 .. PATHS - 1 in one tile."""
    model = model_of(name)
    workspace = Workspace(model, PATHS)
    return model, workspace.run(Block(0, PATHS)), workspace.trace(0)


MODELS = (
    "real",
    "small",
    "tiny: everybody is liquidated",
    "tiny: restructured more than once",
    "tiny: guarantor fails with the obligor",
    "drawn: 7",
    "drawn: 8",
)


@pytest.mark.parametrize("name", MODELS)
def test_cash_is_what_it_was_and_what_came_and_went(name):
    """opening + from outside - to outside + received - paid = closing, by entity, path, step and world."""
    model, _, trace = simulated(name)
    cash = trace[:, :, CASH]
    opening = np.broadcast_to(model.entities.cash0[None, None, :, None], cash[:, :1].shape)
    before = np.concatenate([opening, cash[:, :-1]], axis=1)
    turnover = trace[:, :, [ENTERS, LEAVES, RECEIVED, PAID]]
    expected = before + turnover[:, :, 0] - turnover[:, :, 1] + turnover[:, :, 2] - turnover[:, :, 3]
    # Clearing ends when payments change by less than 1e-12 of what is due in the whole network.
    scale = 1.0 + np.abs(before) + turnover[:, :, [0, 1, 3]].sum(axis=(2, 3), keepdims=True)[:, :, 0]
    inside = model.entities.outside == 0
    assert np.abs((cash - expected) / scale)[:, :, inside].max() < 1e-11
    assert np.isfinite(trace).all()


@pytest.mark.parametrize("name", MODELS)
def test_nobody_inside_has_less_than_nothing(name):
    """Limited liability: cash never falls below 0, in no world."""
    model, _, trace = simulated(name)
    assert trace[:, :, CASH][:, :, model.entities.outside == 0].min() >= 0.0


@pytest.mark.parametrize("name", MODELS)
def test_every_dollar_paid_on_a_leg_is_received(name):
    """Received less paid sums to zero over all rows, the insurer's among them."""
    _, _, trace = simulated(name)
    received, paid = trace[:, :, RECEIVED], trace[:, :, PAID]
    off = (received - paid).sum(axis=2) / (1.0 + np.abs(received).sum(axis=2))
    assert np.abs(off).max() < 1e-12


@pytest.mark.parametrize("name", MODELS)
def test_the_insurer_is_idle_where_nobody_is_insured(name):
    model, outputs, trace = simulated(name)
    network, alone = trace[:, :, RECEIVED, model.grid.insurer]
    assert not network.any()
    assert alone.any(axis=0)[(outputs["default_step_alone"] >= 0).any(axis=0)].any()


@pytest.mark.parametrize("name", MODELS)
def test_losses_by_entity_and_channel_are_losses_by_deal(name):
    _, outputs, _ = simulated(name)
    by_entity, by_deal = outputs["loss"].sum(axis=(0, 1)), outputs["deal_loss"].sum(axis=0)
    scale = 1.0 + np.abs(outputs["loss"]).sum(axis=(0, 1))
    assert (np.abs(by_entity - by_deal) / scale).max() < 1e-12
    assert by_entity.max() > 0


@pytest.mark.parametrize("name", MODELS)
def test_the_system_loses_what_outsiders_lose_in_credit_and_equity(name):
    model, outputs, _ = simulated(name)
    credit, equity = CHANNELS.index("credit"), CHANNELS.index("equity")
    expected = outputs["loss"][model.entities.outside > 0][:, [credit, equity]].sum(axis=(0, 1))
    np.testing.assert_allclose(outputs["system_loss"], expected, rtol=1e-12, atol=1e-12)
    assert np.isfinite(outputs["system_loss_alone"]).all()


@pytest.mark.parametrize("name", MODELS)
def test_the_dead_stay_dead_owe_nothing_new_and_defaulted_before(name):
    model, outputs, trace = simulated(name)
    alive, dues = trace[:, :, ALIVE], trace[:, :, DUES]
    assert (np.diff(alive, axis=1) <= 0).all()
    assert not dues[:, 1:][alive[:, :-1] == 0].any()
    for world, key in enumerate(("default_step", "default_step_alone")):
        step = outputs[key]
        dead_from = np.where((alive[world] == 0).any(axis=0), (alive[world] == 0).argmax(axis=0), model.grid.steps)
        assert ((step >= 0) & (step <= dead_from))[dead_from < model.grid.steps].all()
        assert not (step[model.entities.outside > 0] >= 0).any()
    assert ((outputs["default_round"] >= 0) == (outputs["default_step"] >= 0)).all()


# The bits of a path


def collect(model, **how):
    """Outputs of run_blocks, blocks joined in the order of their first path."""
    blocks = {}
    run_blocks(model, on_block=lambda first, outputs: blocks.__setitem__(first, outputs), **how)
    return {name: np.concatenate([blocks[first][name] for first in sorted(blocks)], axis=-1) for name in next(iter(blocks.values()))}


def assert_same_bits(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].tobytes() == other[name].tobytes(), f"{name} differs"


WAYS = [
    dict(tile_lanes=8),
    dict(tile_lanes=32),
    dict(tile_lanes=64),
    dict(tile_lanes=7, block_paths=50),
    dict(block_paths=1000),
    dict(block_paths=33, threads=2),
    dict(block_paths=100, threads=2, tile_lanes=64),
]


@pytest.mark.parametrize("how", WAYS, ids=lambda how: " ".join(f"{key}={value}" for key, value in how.items()))
@pytest.mark.parametrize("name", ["small", "drawn: 7", "tiny: everybody is liquidated"])
def test_bits_do_not_depend_on_tiles_blocks_or_threads(name, how):
    assert_same_bits(collect(model_of(name), paths=150, **how), reference(name))


@functools.cache
def reference(name):
    return collect(model_of(name), paths=150, block_paths=150, tile_lanes=16)


def test_bits_of_the_real_network_do_not_depend_on_tiles_blocks_or_threads():
    model = model_of("real")
    one = collect(model, paths=100, block_paths=100, tile_lanes=16)
    assert (one["default_step"] >= 0).any()
    for how in (dict(tile_lanes=8), dict(tile_lanes=64, block_paths=30), dict(block_paths=41, threads=2)):
        assert_same_bits(collect(model, paths=100, **how), one)


def test_a_longer_run_begins_with_the_shorter_one():
    model = model_of("small")
    long, short, tail = collect(model, paths=600), collect(model, paths=250), collect(model, paths=350, first_path=250)
    assert_same_bits({name: values[..., :250] for name, values in long.items()}, short)
    assert_same_bits({name: values[..., 250:] for name, values in long.items()}, tail)
    assert len(np.unique(long["system_loss"])) > 100


def test_the_number_of_a_path_may_be_large():
    model = model_of("small")
    far = 2**33 + 5
    near, there = collect(model, paths=20, first_path=5), collect(model, paths=20, first_path=far)
    assert not np.array_equal(near["delivery"], there["delivery"])  # the high word of the counter counts
    assert_same_bits(collect(model, paths=10, first_path=far + 10), {name: values[..., 10:] for name, values in there.items()})
