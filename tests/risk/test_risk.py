"""Measures against known answers, identities, and the coverage of their intervals."""

import json
import math
from math import comb
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from simulate import risk
from simulate.risk.measures import effective_paths
from tests.makers import results as synthetic

ANSWERS = json.loads((Path(__file__).parents[1] / "known" / "answers.json").read_text())


def equal(losses):
    return np.full(len(losses), 1.0 / len(losses))


def floats(values):
    return np.array(values, dtype=np.float64)


def test_acerbi_tasche_with_an_atom_at_value_at_risk():
    known = ANSWERS["es_discrete_acerbi_tasche"]
    losses, level = floats(known["inputs"]["losses"]), known["inputs"]["alpha"]
    assert risk.value_at_risk(losses, equal(losses), level).value == known["expected"]["var_lower_quantile"]
    assert risk.expected_shortfall(losses, equal(losses), level).value == pytest.approx(known["expected"]["expected_shortfall"], abs=known["tolerance"])


def test_weights_count_in_the_quantile_and_beyond():
    known = ANSWERS["es_weighted"]
    losses, weights, level = floats(known["inputs"]["losses"]), floats(known["inputs"]["weights"]), known["inputs"]["alpha"]
    assert risk.value_at_risk(losses, weights, level).value == known["expected"]["var_lower_quantile"]
    assert risk.expected_shortfall(losses, weights, level).value == pytest.approx(known["expected"]["expected_shortfall"], abs=known["tolerance"])


def test_sixteen_lumpy_names_of_the_one_factor_model():
    known = ANSWERS["es_onefactor_m16"]
    names, pd, rho, lgd, level = (known["inputs"][key] for key in ("m", "pd", "rho", "lgd", "alpha"))
    normal = NormalDist()
    nodes, node_weights = np.polynomial.hermite_e.hermegauss(160)
    conditional = np.array([normal.cdf((normal.inv_cdf(pd) - np.sqrt(rho) * x) / np.sqrt(1 - rho)) for x in nodes])
    weights = np.array([np.dot(node_weights, comb(names, k) * conditional**k * (1 - conditional) ** (names - k)) for k in range(names + 1)])
    losses = lgd * np.arange(names + 1)
    weights /= weights.sum()
    assert risk.value_at_risk(losses, weights, level).value == pytest.approx(known["expected"]["var"])
    assert risk.expected_shortfall(losses, weights, level).value == pytest.approx(known["expected"]["es"], abs=known["tolerance"])


def test_euler_contributions_split_the_atom_and_sum():
    known = ANSWERS["euler_es_sums"]
    obligors, weights, level = floats(known["inputs"]["obligor_losses"]), floats(known["inputs"]["probabilities"]), known["inputs"]["alpha"]
    contributions = risk.tail_weights(obligors.sum(axis=1), weights, level) @ obligors / (1 - level)
    assert contributions == pytest.approx(known["expected"]["contributions"], abs=known["tolerance"])
    assert risk.expected_shortfall(obligors.sum(axis=1), weights, level).value == pytest.approx(known["expected"]["portfolio_es"], abs=known["tolerance"])


samples = st.lists(st.tuples(st.integers(0, 12), st.floats(0.01, 1.0)), min_size=1, max_size=40)


@settings(deadline=None, max_examples=200)
@given(samples, st.floats(0.02, 0.98))
def test_shortfall_is_the_mean_of_the_quantiles_beyond(sample, level):
    losses, weights = floats([a for a, _ in sample]), floats([b for _, b in sample])
    weights /= weights.sum()
    order = np.argsort(losses)
    # ES = 1/(1-a) integral of VaR_u over u in (a, 1): exact, because VaR_u is a step function.
    ends = np.clip(np.cumsum(weights[order]), None, 1.0)
    starts = np.concatenate([[0.0], ends[:-1]])
    integral = np.sum(losses[order] * (np.maximum(ends, level) - np.maximum(starts, level)))
    shortfall = risk.expected_shortfall(losses, weights, level)
    assert shortfall.value == pytest.approx(integral / (1 - level), rel=1e-9, abs=1e-9)
    assert shortfall.value >= risk.value_at_risk(losses, weights, level).value - 1e-9
    assert risk.tail_weights(losses, weights, level).sum() == pytest.approx(1 - level, abs=1e-10)


def test_a_weight_of_two_is_a_path_twice():
    losses = floats([0, 3, 1, 7, 7, 2])
    doubled = np.repeat(losses, [1, 2, 1, 1, 2, 1])
    weights = floats([1, 2, 1, 1, 2, 1]) / 8
    for level in (0.5, 0.75, 0.8, 0.875, 0.95):
        assert risk.value_at_risk(losses, weights, level).value == risk.value_at_risk(doubled, equal(doubled), level).value
        assert risk.expected_shortfall(losses, weights, level).value == pytest.approx(risk.expected_shortfall(doubled, equal(doubled), level).value)
    assert risk.mean(losses, weights).value == pytest.approx(doubled.mean())


def test_quantiles_occur_and_a_level_that_is_hit_exactly_is_met():
    losses = np.arange(1.0, 101.0)
    for level in (0.01, 0.05, 0.29, 0.57, 0.95, 0.99):
        assert risk.value_at_risk(losses, equal(losses), level).value == round(100 * level)
    assert risk.value_at_risk(losses, equal(losses), 0.951).value == 96


def test_a_tail_of_too_few_paths_has_no_upper_end():
    losses = np.arange(100.0)
    estimate = risk.value_at_risk(losses, equal(losses), 0.999)
    assert estimate.value == 99 and np.isinf(estimate.high) and np.isnan(estimate.standard_error)
    shortfall = risk.expected_shortfall(losses, equal(losses), 0.999)
    assert shortfall.value == 99 and np.isinf(shortfall.high) and np.isnan(shortfall.standard_error)


@pytest.mark.parametrize("paths", [60, 99, 100, 200, 300, 1000])
def test_a_tail_holds_no_path_by_rounding(paths):
    """The worst per cent of 100 equal paths is one path, whatever 1 - 0.99 rounds to."""
    weights = risk.tail_weights(np.arange(float(paths)), equal(range(paths)), 0.99)
    assert np.count_nonzero(weights) == math.ceil(paths / 100)
    assert np.isnan(risk.mean(np.arange(float(paths)), weights / weights.sum()).standard_error) == (paths <= 100)


def test_a_mean_of_one_path_with_weight_has_no_error():
    assert np.isnan(risk.mean(floats([1, 2, 3]), floats([0, 1, 0])).standard_error)


@pytest.mark.parametrize("level", [0.0, 1.0, 95])
def test_a_level_outside_zero_and_one_is_refused(level):
    with pytest.raises(ValueError, match="for 99 % write 0.99"):
        risk.value_at_risk(floats([1, 2]), equal([1, 2]), level)


def test_mean_and_its_error_are_the_usual_ones_for_equal_weights():
    values = np.random.default_rng(1).normal(size=(500, 3))
    estimate = risk.mean(values, equal(values))
    np.testing.assert_allclose(estimate.value, values.mean(axis=0))
    np.testing.assert_allclose(estimate.standard_error, values.std(axis=0, ddof=1) / np.sqrt(500))


def test_wilson_interval_known_values():
    # 10 of 100: (0.0552, 0.1744); 0 of 100: (0, 0.0370). Brown, Cai and DasGupta (2001), formula 4.
    estimate = risk.proportion(np.arange(100) < 10, equal(range(100)))
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((0.1, 0.055229, 0.174366), abs=1e-6)
    none = risk.proportion(np.zeros(100), equal(range(100)))
    assert (none.value, none.low, none.high) == pytest.approx((0.0, 0.0, 0.036994), abs=1e-6)


def test_effective_paths():
    assert effective_paths(equal(range(50))) == pytest.approx(50)
    assert effective_paths(floats([1, 1, 0, 0])) == pytest.approx(2)
    assert effective_paths(np.zeros(3)) == 0.0


def exponential(rng, paths):
    """Losses with an atom: zero on 70 % of paths, else exponential. VaR_a = -log((1 - a) / 0.3), ES = VaR + 1."""
    return np.where(rng.random(paths) < 0.7, 0.0, rng.exponential(size=paths))


def coverage(runs, paths, tilt, level):
    """Share of runs in which the 95 % intervals of mean, VaR and ES hold the truth; tilt: importance sampling of the tail by a shifted rate."""
    truth = (0.3, -np.log((1 - level) / 0.3), 1 - np.log((1 - level) / 0.3))
    hits = np.zeros(3)
    for run in range(runs):
        rng = np.random.default_rng(run)
        losses = exponential(rng, paths)
        weights = equal(losses)
        if tilt:
            losses = losses / tilt  # rate `tilt` instead of 1 where positive
            weights = np.where(losses > 0, np.exp(-(1 - tilt) * losses) / tilt, 1.0)
            weights /= weights.sum()
        found = (risk.mean(losses, weights), risk.value_at_risk(losses, weights, level), risk.expected_shortfall(losses, weights, level))
        hits += [estimate.low <= value <= estimate.high for estimate, value in zip(found, truth)]
    return hits / runs


def test_intervals_hold_the_truth_as_often_as_they_say():
    for share in coverage(400, 2000, None, 0.95):
        assert 0.91 <= share <= 0.985


@pytest.mark.slow
@pytest.mark.parametrize(("tilt", "level"), [(None, 0.99), (0.6, 0.99), (0.5, 0.999)])
def test_intervals_hold_the_truth_with_importance_weights_and_far_out(tilt, level):
    for share in coverage(2000, 5000, tilt, level):
        assert 0.93 <= share <= 0.97


def test_standard_errors_are_the_spread_over_repetitions():
    level, found = 0.95, []
    for run in range(400):
        losses = exponential(np.random.default_rng(run), 2000)
        found.append(
            [(e.value, e.standard_error) for e in (risk.value_at_risk(losses, equal(losses), level), risk.expected_shortfall(losses, equal(losses), level))]
        )
    found = np.array(found)
    np.testing.assert_allclose(found[:, :, 1].mean(axis=0), found[:, :, 0].std(axis=0), rtol=0.15)


@pytest.fixture(scope="module")
def result():
    return synthetic.dataset(2000, 1000)


def in_network(result, variable):
    return risk.in_world(result, variable, "network")


def test_a_world_that_the_result_does_not_have_is_named_with_those_it_has(result):
    with pytest.raises(ValueError, match="no world 'nowhere' here: the result has network, alone"):
        risk.tail_measures(result, world="nowhere")
    with pytest.raises(ValueError, match=r"'loss' is kept for network; set detail = true in \[worlds.alone\]"):
        risk.losses_by_entity(result, world="alone")


def test_tail_measures_have_names_units_and_errors(result):
    found = risk.tail_measures(result)
    assert found["value_at_risk"].sel(level=0.99).values == np.sort(in_network(result, "system_loss").values)[1979]
    assert found["expected_shortfall"].sel(level=0.99).values == pytest.approx(np.sort(in_network(result, "system_loss").values)[1980:].mean())
    assert found["tail_paths"].values == pytest.approx([100, 20, 2])
    assert found["expected_loss"].values == pytest.approx(in_network(result, "system_loss").values.mean())
    assert found["loss_probability"].values == pytest.approx((in_network(result, "system_loss").values > 0).mean())
    assert all(found[name].attrs["units"] and found[name].attrs["long_name"] for name in found.data_vars)


def test_default_probability_counts_steps_within_the_horizon(result):
    found = risk.default_probability(result, horizons=(1.0, 5.0, 7.0))
    step = in_network(result, "default_step").sel(entity="lab").values
    for horizon, last in ((1.0, 4), (5.0, 20), (7.0, 28)):
        assert found["default_probability"].sel(horizon=horizon, entity="lab").values == pytest.approx(((step >= 0) & (step < last)).mean())
    assert found["entity"].values.tolist() == ["lab", "cloud", "vendor"]
    assert risk.default_probability(result)["horizon"].values.tolist() == [5.0, 7.0]
    assert risk.default_probability(result, horizons=1.0)["horizon"].values.tolist() == [1.0]
    short = result.assign_attrs(steps=12)
    assert risk.default_probability(short)["horizon"].values.tolist() == [3.0]


def test_causes_sum_to_the_default_probability(result):
    split = risk.cause_split(result)["probability"]
    total = split.sel(cause=["fundamental", "accelerated", "contagion"]).sum("cause")
    default = risk.default_probability(result, horizons=(7.0,))["default_probability"].sel(horizon=7.0)
    np.testing.assert_allclose(total.values, default.values, atol=1e-12)


def test_each_cause_by_hand():
    network, alone = np.array([5, 5, 5, 5, -1, -1]), np.array([5, 3, 9, -1, 2, -1])
    made = synthetic.dataset(6, 6)
    made["default_step"].loc[{"world": "network", "entity": "lab"}] = network
    made["default_step"].loc[{"world": "alone", "entity": "lab"}] = alone
    found = risk.cause_split(made)["probability"].sel(entity="lab")
    assert {str(c): round(float(found.sel(cause=c)) * 6) for c in found["cause"].values} == {"fundamental": 2, "accelerated": 1, "contagion": 1, "relieved": 1}


def test_losses_by_entity_channel_and_deal_are_the_same_dollars(result):
    entity, channel, deal = risk.losses_by_entity(result), risk.losses_by_channel(result), risk.losses_by_deal(result)
    for name in ("expected_loss", "tail_loss"):
        assert entity[name].sum().values == pytest.approx(channel[name].sum().values, rel=1e-6)
        assert entity[name].sum().values == pytest.approx(deal[name].sum().values, rel=1e-6)
    inside, outside = risk.losses_by_channel(result, outside=False), risk.losses_by_channel(result, outside=True)
    np.testing.assert_allclose((inside["expected_loss"] + outside["expected_loss"]).values, channel["expected_loss"].values, rtol=1e-9)
    assert deal["deal_payer"].sel(deal="L01").values == "cloud"


def test_tail_losses_of_all_parts_are_the_expected_shortfall(result):
    parts = result.copy()
    parts["deal_loss"] = xr.DataArray(np.outer(in_network(result, "system_loss").values, [0.5, 0.25, 0.125, 0.125])[:, None], dims=("path", "detail", "deal"))
    shortfall = risk.tail_measures(result, levels=(0.99,))["expected_shortfall"].values[0]
    assert risk.losses_by_deal(parts)["tail_loss"].sum().values == pytest.approx(shortfall)


def test_weights_of_paths_are_used_by_every_measure(result):
    """Half of the paths twice as heavy = those paths twice in the sample."""
    heavy = np.arange(result.sizes["path"]) % 2 == 0
    weighted = result.assign(log_weight=("path", 700.0 + np.where(heavy, np.log(2.0), 0.0)))
    repeated = result.isel(path=np.repeat(np.arange(result.sizes["path"]), np.where(heavy, 2, 1)))
    pairs = [
        (risk.tail_measures(weighted), risk.tail_measures(repeated), ("expected_loss", "value_at_risk", "expected_shortfall", "loss_probability")),
        (risk.default_probability(weighted), risk.default_probability(repeated), ("default_probability",)),
        (risk.cause_split(weighted), risk.cause_split(repeated), ("probability",)),
        (risk.losses_by_entity(weighted), risk.losses_by_entity(repeated), ("expected_loss", "tail_loss")),
        (
            risk.default_probability_by_factor(weighted, entity="lab"),
            risk.default_probability_by_factor(repeated, entity="lab"),
            ("default_probability", "share"),
        ),
    ]
    for one, other, names in pairs:
        for name in names:
            np.testing.assert_allclose(one[name].values, other[name].values, rtol=1e-9)


def test_default_by_factor_bins(result):
    found = risk.default_probability_by_factor(result, entity="lab")
    shut = in_network(result, "steps_shut").values
    failed = in_network(result, "default_step").sel(entity="lab").values >= 0
    assert found["paths"].values.tolist() == [int(((shut >= a) & (shut < b)).sum()) for a, b in ((0, 1), (1, 3), (3, 5), (5, 9), (9, 99))]
    assert found["default_probability"].sel(bin=3).values == pytest.approx(failed[(shut >= 3) & (shut < 5)].mean())
    assert np.isnan(found["default_probability"].sel(bin=9).values)
    assert found["share"].sum().values == pytest.approx(1.0)


def test_the_first_failure_of_a_path_by_hand():
    """Four paths: lab then cloud; cloud then lab; both in one wave; cloud alone. With contagion off nobody fails."""
    made = synthetic.dataset(4, 4)
    step, wave = np.full((4, 2, 5), -1), np.full((4, 2, 5), -1)
    step[:, 0, :2] = [[3, 5], [5, 3], [4, 4], [-1, 2]]
    wave[:, 0, :2] = [[0, 0], [0, 0], [1, 1], [-1, 0]]
    made = made.assign(default_step=(("path", "world", "entity"), step), default_round=(("path", "world", "entity"), wave))
    found = risk.first_failures(made)["probability"]
    assert found.sel(trigger="lab", entity="cloud") == 0.25 and found.sel(trigger="cloud", entity="lab") == 0.25
    assert float(found.sum()) == 0.5, "who fails first, or together with the first, has no trigger"


def test_a_later_wave_of_one_step_follows_an_earlier_one():
    made = synthetic.dataset(4, 4)
    step, wave = np.full((4, 2, 5), -1), np.full((4, 2, 5), -1)
    step[:, 0, :2], wave[:, 0, :2] = 3, [0, 1]
    made = made.assign(default_step=(("path", "world", "entity"), step), default_round=(("path", "world", "entity"), wave))
    assert risk.first_failures(made)["probability"].sel(trigger="lab", entity="cloud") == 1.0


def test_the_base_value_is_the_loss_of_each_year_times_its_factor(result):
    value = risk.base_value(result)
    by_year = result["system_loss_by_year"].sel(world="network").values
    np.testing.assert_allclose(value.values, by_year @ result["base_discount"].values, rtol=1e-12)
    assert value.dims == ("path",) and (value <= result["system_loss"].sel(world="network")).all()
