"""Ranges and importance of studies by hand, of which the answer is known."""

import numpy as np
import pytest
import xarray as xr

from simulate import risk
from simulate.errors import InputError
from simulate.studies.ranges import latin_hypercube
from tests.makers.ranged import SETS, study

SLOPES = np.array([4.0, -3.0, 1.0, 0.0])
LEVELS = latin_hypercube(("a", "b", "c", "d"), SETS, 5)


def linear(levels=LEVELS):
    return 100.0 + levels @ SLOPES


def test_shares_of_a_linear_measure_are_its_squared_slopes():
    """Independent uniform parameters: c_j^2 / sum c^2 = 16, 9, 1, 0 of 26, within four bootstrap errors; ranks of a sum are nearly linear."""
    found = risk.importance(study({"expected_loss": linear()}, LEVELS))
    exact = SLOPES**2 / (SLOPES**2).sum()
    shares, errors = found["expected_loss_share"].values, found["expected_loss_share_error"].values
    assert (np.abs(shares - exact) < 4 * errors + 1e-3).all() and 0.0 < errors.max() < 0.05
    assert float(found["expected_loss_explained"]) > 0.95


def test_effects_of_a_linear_measure_are_exact():
    """From the 10 to the 90 % quantile the measure changes by 0.8 c_j."""
    found = risk.importance(study({"expected_loss": linear()}, LEVELS))
    assert found["expected_loss_effect"].values == pytest.approx(0.8 * SLOPES, abs=1e-9)
    assert found["expected_loss_effect_error"].values == pytest.approx(0.0, abs=1e-9)


def test_ranks_do_not_feel_a_rising_function():
    plain, bent = (risk.importance(study({"expected_loss": values}, LEVELS)) for values in (linear(), np.exp(linear() - 100.0)))
    assert bent["expected_loss_share"].values == pytest.approx(plain["expected_loss_share"].values, abs=1e-12)


def test_bootstrap_errors_are_the_spread_of_estimates():
    """The error that one study states for a noisy measure is the spread over 60 of them, within four standard errors of that spread (1 / sqrt(2 * 59) of it)."""
    dice = np.random.default_rng(3)
    shares, told = [], []
    for seed in range(60):
        levels = latin_hypercube(("a", "b", "c", "d"), 100, seed)
        found = risk.importance(study({"expected_loss": linear(levels) + dice.normal(0, 1.0, 100)}, levels), resamples=60)
        shares.append(found["expected_loss_share"].values[0])
        told.append(found["expected_loss_share_error"].values[0])
    spread = np.std(shares, ddof=1)
    # A hypercube errs less than independent sets, for which the bootstrap is made; noise is most of it here.
    assert abs(np.mean(told) / spread - 1.0) < 4 / np.sqrt(2 * 59) + 0.2


def test_a_constant_measure_hangs_on_nothing():
    found = risk.importance(study({}, LEVELS))
    for end in ("share", "share_error", "effect", "explained"):
        assert not found[f"expected_loss_{end}"].values.any() and not found[f"default_probability_{end}"].values.any()


def test_each_entity_has_its_own_importance():
    chances = np.stack([0.5 + 0.2 * LEVELS[:, 0], 0.5 - 0.1 * LEVELS[:, 1]], axis=1)
    found = risk.importance(study({"default_probability": chances}, LEVELS))
    assert found["default_probability_effect"].dims == ("parameter", "entity")
    assert found["default_probability_effect"].sel(entity="lab").values == pytest.approx([0.16, 0, 0, 0], abs=1e-9)
    assert found["default_probability_share"].sel(entity="cloud").values == pytest.approx([0, 1, 0, 0], abs=1e-9)
    assert found["default_probability_share"].sel(entity="lab").values == pytest.approx([1, 0, 0, 0], abs=1e-9)


def test_without_noise_a_range_is_the_quantiles_over_the_sets():
    values = linear()
    ranged = risk.parameter_range(study({"expected_loss": values}, LEVELS), quantiles=(0.05, 0.5, 0.95))
    assert ranged["expected_loss"].values == pytest.approx(np.quantile(values, [0.05, 0.5, 0.95])) and float(ranged["expected_loss_shrink"]) == 1.0
    assert float(ranged["expected_loss_mean"]) == pytest.approx(values.mean())


def test_noise_is_taken_out_of_the_spread():
    """Deviations are shrunk so that their variance is that over the sets less noise^2: here true spread and noise are both 1, within four standard errors."""
    dice = np.random.default_rng(7)
    true = dice.normal(50.0, 1.0, 20_000)
    one = study({"expected_loss": true + dice.normal(0.0, 1.0, true.size)}, dice.random((true.size, 2)), noise=1.0)
    ranged = risk.parameter_range(one)
    assert float(ranged["expected_loss_shrink"]) == pytest.approx(np.sqrt(0.5), abs=4 / np.sqrt(2 * true.size))
    low, _, high = ranged["expected_loss"].values
    assert high - low == pytest.approx(2 * 1.6449, abs=4 * 2 * 2.11 / np.sqrt(true.size))  # s.d. of a 5 % quantile: sqrt(.05 .95) / density = 2.11


def test_errors_of_a_range_are_the_spread_of_ranges():
    """A normal measure in 400 independent sets: a 5 % quantile has the s.d. 2.11 / sqrt(400), the median sqrt(pi / 2) / sqrt(400). The mean of 20 told errors is
    within a fifth of it: the bootstrap of a quantile errs by the fourth root of the sets, and more than its own sampling here."""
    dice = np.random.default_rng(11)
    told = np.mean([risk.parameter_range(study({"expected_loss": dice.normal(size=400)}, LEVELS))["expected_loss_error"].values for _ in range(20)], axis=0)
    assert told == pytest.approx(np.array([2.113, np.sqrt(np.pi / 2), 2.113]) / 20, rel=0.2)


def test_a_range_of_nothing_but_noise_is_its_mean():
    ranged = risk.parameter_range(study({"expected_loss": linear()}, LEVELS, noise=100.0))
    assert ranged["expected_loss"].values == pytest.approx([linear().mean()] * 3)
    still = risk.parameter_range(study({}, LEVELS))
    assert not still["lender_loss"].values.any()


@pytest.mark.parametrize("measure", [risk.parameter_range, risk.importance])
def test_what_is_no_study_is_refused(measure):
    with pytest.raises(InputError, match="no study of ranges: it lacks level, expected_loss"):
        measure(xr.Dataset({"loss": ("path", [1.0])}))
