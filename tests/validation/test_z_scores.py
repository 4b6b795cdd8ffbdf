"""z-scores of many seeds are standard normal, and the test that says so is strong enough to find half a standard error (validation/z_scores.py)."""

import numpy as np
import pytest

from tests.validation import z_scores
from tests.validation.claims import refuse_false

pytestmark = pytest.mark.slow  # two hundred runs


def test_z_scores_are_standard_normal():
    """A bias of half a standard error in one of the sixteen estimators is found with a probability of 99.9 %."""
    assert z_scores.refusals(z_scores.scores()) == []
    refuse_false(z_scores.findings())


def test_estimators_share_no_draw():
    """Their scores are uncorrelated, or the tests on all scores together would claim too much."""
    correlation = np.corrcoef(list(z_scores.scores().values()))
    pairs = correlation[np.triu_indices_from(correlation, 1)]
    assert np.abs(pairs).max() * np.sqrt(z_scores.SEEDS) < 4.5  # 120 pairs
    assert abs(np.sum(pairs**2) * z_scores.SEEDS / pairs.size - 1) < 4 * np.sqrt(2 / pairs.size)


@pytest.mark.parametrize("shift", [-0.5, 0.5])
def test_half_a_standard_error_of_bias_is_found(shift):
    table = z_scores.scores()
    for name, z in table.items():
        assert any(name in refused for refused in z_scores.refusals(table | {name: z + shift})), name


@pytest.mark.parametrize("scale", [1 / 1.35, 1.35])
def test_standard_errors_a_third_off_are_found(scale):
    table = z_scores.scores()
    for name, z in table.items():
        assert any(name in refused for refused in z_scores.refusals(table | {name: z * scale})), name
