"""What must hold in every step of every path, whatever the numbers; and that a path has the same bits however it is run."""

import functools

import numpy as np
import pytest

from simulate.checks.identities import IDENTITIES, largest
from simulate.compile.scenario import compile_scenario
from simulate.engine.blocks import CHECKED_LANES, Block, Workspace, run_blocks
from simulate.scenario.load import load_scenario
from tests.makers.small import SMALL
from tests.makers.tiny import tiny_model
from tests.step.test_paths import CASES, WOKEN, drawn_changes
from tests.validation.claims import refuse_false
from tests.validation.identities import findings

PATHS = 200


@functools.cache
def model_of(name):
    if name == "real":
        return compile_scenario(load_scenario("ai_2025")).model
    if name == "small":
        return compile_scenario(load_scenario(SMALL)).model
    kind, _, which = name.partition(": ")
    return tiny_model(seed=5, **(CASES[which][0] if kind == "tiny" else drawn_changes(int(which))))


MODELS = ("real", "small", *(f"tiny: {name}" for name in CASES), *(f"drawn: {seed}" for seed in (*range(24), *WOKEN)))


@pytest.mark.parametrize("name", MODELS)
def test_every_identity_holds_and_the_outputs_have_the_same_bits(name):
    model = model_of(name)
    block = Block(0, PATHS + 7)  # the last tile is padded
    outputs, findings = Workspace(model, CHECKED_LANES).run_checked(block)
    assert [finding.identity for finding in findings] == list(IDENTITIES)
    assert not [finding for finding in findings if finding.violated]
    plain = Workspace(model, 160).run(block)
    assert_same_bits(outputs, plain)
    assert plain["loss"].sum() > 0.0 and (plain["default_step"][1] >= 0).any(), "nothing happens, so nothing was verified"


def test_findings_of_the_validation_page():
    refuse_false(findings())


def test_the_largest_finding_does_not_depend_on_the_order():
    one, other = (Workspace(model_of("small"), 16).run_checked(Block(first, 48))[1] for first in (0, 48))
    assert one != other
    assert largest([one, other]) == largest([other, one])
    assert [found.residual for found in largest([one, other])] == [max(a.residual, b.residual) for a, b in zip(one, other, strict=True)]


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
