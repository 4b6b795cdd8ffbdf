"""The shipped network is credible: default probabilities in their bands, all channels there, and signs beyond doubt on the same draws."""

import numpy as np
import pytest

import simulate
from simulate import risk
from simulate.scenario.load import load_scenario
from simulate.studies import calibration
from simulate.studies.market import read_market

PATHS = 10_000
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def base():
    return simulate.run("ai_2025", paths=PATHS, seed=0)


@pytest.fixture(scope="module")
def signs(base):
    return {sign.name: sign for sign in calibration.measure_signs("ai_2025", base, paths=PATHS, seed=0, threads=None)}


MARKET = read_market(load_scenario("ai_2025"))
BANDS = [band for band in calibration.read_bands(load_scenario("ai_2025"), MARKET) if band.entity not in MARKET]


def test_labs_without_swaps_or_a_rating_have_bands_by_hand():
    assert {band.entity: (band.low, band.high) for band in BANDS} == {"openai": (0.05, 0.60), "anthropic": (0.005, 0.20), "xai": (0.05, 0.40)}


@pytest.mark.parametrize("band", BANDS, ids=lambda band: band.entity)
def test_default_probability_lies_in_its_band(base, band):
    """Not only the estimate: the whole 95 % interval of 10,000 paths, whose standard error is at most 0.5 points. Bands of the market reject; the page says whom."""
    value, error, low, high = calibration.check_band(base, band)
    assert error <= 0.5 / np.sqrt(PATHS) + 1e-12
    assert band.low <= low and high <= band.high, f"{band.entity}: {value:.4f} ({low:.4f} to {high:.4f}) against {band.low} to {band.high}"


def test_losses_of_every_channel_and_a_chance_of_none(base):
    means = risk.in_world(base, "loss", "network").sum("entity", dtype=np.float64).mean("path")
    for channel in ("credit", "contract", "equity", "stranded"):
        assert float(means.sel(channel=channel)) > 1.0, channel
    share = float((risk.in_world(base, "system_loss", "network") > 0).mean())
    assert 0.05 < share < 0.95


def test_the_longer_the_market_is_shut_the_more_openai_fails(base):
    bins = risk.default_probability_by_factor(base, entity="openai")
    low, high = bins["default_probability_low"].values, bins["default_probability_high"].values
    assert (low[1:] > high[:-1]).all(), "intervals of neighbouring bins do not touch"


@pytest.mark.parametrize("name", ["losses on GPU loans", "interest paid", "stranded capacity", "defaults a path"])
def test_the_sign_is_beyond_doubt(signs, name):
    sign = signs[name]
    assert sign.paths == PATHS and sign.mean > 0
    assert sign.z > 4.0, f"{name}: {sign.mean:.4g} with s.e. {sign.error:.2g}"
