"""What a residual is measured by: in insured worlds the dead owe nothing, and their undisturbed deals are received all the same."""

import numpy as np

from simulate.checks.identities import _everything_due
from simulate.engine.blocks import Block, Workspace
from tests.makers.tiny import tiny_model
from tests.step.test_paths import INSIDE

ALONE = 1
POOR = {name: dict.fromkeys(INSIDE, 0.0) for name in ("cash0", "line0", "fund_phi", "fund_ltv", "fund_flat", "fund_advance", "restructures")}


def test_what_the_dead_would_have_paid_counts_where_deals_are_insured():
    model = tiny_model(seed=5, entities=POOR | {"cost_fixed": dict.fromkeys(INSIDE, 1e4)})
    tile = Workspace(model, 8).observe(Block(0, 8))
    dead = (tile.of(ALONE, "alive")[:, list(INSIDE)] == 0.0).all(axis=1)
    assert dead[1:].all(), "all inside die in the first step"
    received = tile.cleared(ALONE, "received").sum(axis=1)
    assert received[1:].max() > 1.0
    assert (_everything_due(tile, ALONE)[1:, 0] >= received[1:] * (1 - 1e-12)).all()
    assert np.array_equal(_everything_due(tile, 0), tile.leg(0, "due").sum(axis=1, keepdims=True))
