"""A study of ranges: sets that are the same on any number of threads, on the paths of the run, and what is refused."""

import json
import math

import numpy as np
import pytest
import xarray as xr

import simulate
from simulate import risk
from simulate.errors import InputError
from simulate.scenario.keys import moves_of
from simulate.scenario.load import load_scenario
from simulate.studies import ranges as module
from simulate.studies.ranges import Sample, latin_hypercube, measure, noise_of
from tests.makers.ranged import LAWS, ranged_small
from tests.makers.small import SMALL

SETS, PATHS = 24, 240


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return ranged_small(tmp_path_factory.mktemp("ranged"))


@pytest.fixture(scope="module")
def study(small):
    return simulate.ranges(small, sets=SETS, paths=PATHS, threads=1)


def test_the_same_bits_on_any_number_of_threads(small, study):
    xr.testing.assert_identical(simulate.ranges(small, sets=SETS, paths=PATHS, threads=3), study)


def test_a_study_has_units_dims_and_what_was_run(study):
    assert dict(study.sizes) == {"set": SETS, "parameter": 4, "entity": 4} and list(study["parameter"].values) == list(LAWS)
    assert list(study["entity"].values) == ["lab", "cloud", "holding", "vendor"]
    assert all(variable.attrs["units"] and variable.attrs["long_name"] for variable in study.data_vars.values())
    assert (study.attrs["sets"], study.attrs["sets_refused"], study.attrs["paths"], study.attrs["seed"]) == (SETS, 0, PATHS, 7)
    assert str(study["law"].values[1]) == "pert(1, 2, 40)" and np.isnan(study["base"].values[1]) and study["base"].values[0] == 0.5


def test_values_are_the_quantiles_of_their_laws_one_in_each_interval(small, study):
    laws = load_scenario(small).uncertain
    for k, law in enumerate(laws.values()):
        assert study["value"].values[:, k] == pytest.approx(law.quantile(study["level"].values[:, k]))
        assert sorted(np.floor(study["level"].values[:, k] * SETS)) == list(range(SETS))


def test_a_set_is_the_run_with_its_keys_set(small, study):
    """The measures of a set are those of `simulate run --set`, on the same draws: worlds that are not read change nothing, and only sums round otherwise."""
    scenario, number = load_scenario(small), 3
    moves = moves_of(dict(zip(study["parameter"].values, study["value"].values[number].tolist(), strict=True)), scenario, scenario.network)
    for overrides, at in ((moves, {"set": number}), ({}, None)):
        result = simulate.run(load_scenario(small, overrides), paths=PATHS, threads=1)
        tail, chance = risk.tail_measures(result, levels=0.99), risk.default_probability(result, horizons=5.0).isel(horizon=0)
        found = {name: study[name + ("" if at else "_base")].isel(at or {}).values for name in ("expected_loss", "value_at_risk", "expected_shortfall")}
        assert found["value_at_risk"] == tail["value_at_risk"].item()
        assert found["expected_loss"] == pytest.approx(tail["expected_loss"].item(), rel=1e-12)
        assert found["expected_shortfall"] == pytest.approx(tail["expected_shortfall"].item(), rel=1e-12)
        chances = study["default_probability" + ("" if at else "_base")].isel(at or {}).values
        assert chances == pytest.approx(chance["default_probability"].values, rel=1e-12) and chances.any()
        error = study["expected_loss" + ("_error" if at else "_base_error")].isel(at or {}).item()
        assert error == pytest.approx(tail["expected_loss_error"].item(), rel=1e-12)
        lenders = risk.mean(risk.in_world(result, "lender_loss", "network").values.astype(float), risk.path_weights(result)).value
        assert study["lender_loss" + ("" if at else "_base")].isel(at or {}).item() == pytest.approx(lenders, rel=1e-6)


def test_a_further_parameter_leaves_the_others_as_they_were(small, tmp_path, study):
    more = ranged_small(tmp_path, LAWS | {"rules.alpha": 'law = "uniform", low = 0.5, high = 1'})
    again = module.plan_study(load_scenario(more), sets=SETS)
    levels = latin_hypercube(tuple(again.laws), SETS, again.seed)
    assert (levels[:, :4] == study["level"].values).all()
    assert not (latin_hypercube(tuple(again.laws), SETS, 8) == levels).any()


def test_sets_share_their_draws_so_little_noise_is_between_them(study):
    """On other draws the squared noise would be the mean squared error."""
    error = math.sqrt(float(np.square(study["expected_loss_error"]).mean()))
    assert 0.0 < float(study["expected_loss_noise"]) < 0.8 * error


def sample(common, own):
    """Losses that are 1000 apart from set to set, with noise that sets share and noise of their own; half of the paths default."""
    loss = 5000.0 + common + own
    return Sample(loss, loss / 2, (loss > 5000.0)[None].astype(float), np.full(loss.size, 1.0 / loss.size))


def test_noise_of_differences_is_that_of_the_own_draws():
    """Own noise 2, common noise 9: the difference of a set to the mean of 50 errs by 2 sqrt(49/50) / sqrt(paths), the set itself by sqrt(85 / paths)."""
    dice, sets, paths = np.random.default_rng(2), 50, 4000
    common = dice.normal(0.0, 9.0, paths)
    found = [measure(sample(common, dice.normal(0.0, 2.0, paths))) for _ in range(sets)]
    noise = noise_of(np.stack([one.errors for one in found]), np.mean([one.influence for one in found], axis=0))
    assert found[0].errors[0] == pytest.approx(math.sqrt(85 / paths), rel=4 / math.sqrt(2 * paths))
    assert noise[0] == pytest.approx(2.0 * math.sqrt(0.98 / paths), rel=4 / math.sqrt(2 * paths))
    assert noise[3] == pytest.approx(noise[0] / 2)
    assert (noise < np.array([one.errors for one in found]).mean(axis=0)).all()


def test_noise_on_draws_of_their_own_is_nearly_that_of_a_set():
    dice, sets, paths = np.random.default_rng(4), 50, 2000
    found = [measure(sample(0.0, dice.normal(0.0, 2.0, paths))) for _ in range(sets)]
    errors = np.stack([one.errors for one in found])
    noise = noise_of(errors, np.mean([one.influence for one in found], axis=0))
    assert noise == pytest.approx(np.sqrt(np.square(errors).mean(axis=0) * (1 - 1 / sets)), rel=0.02)


def test_influence_adds_up_to_the_error():
    found = measure(sample(0.0, np.random.default_rng(1).normal(0.0, 3.0, 1000)))
    assert np.sqrt(np.square(found.influence).sum(axis=1)) / 1000 == pytest.approx(found.errors)
    assert np.isfinite(found.errors).all()


def test_a_key_that_was_set_is_not_drawn(small):
    plan = module.plan_study(load_scenario(small, {"rules.transfer": 0.4, "factors.life.weights": [0.5, 0.5]}))
    assert plan.held == ("rules.transfer", "factors.life.weights.0") and list(plan.laws) == ["figures.*.cash", "factors.regime.hazard_in"]
    assert module.plan_study(load_scenario(small, {"figures.lab.cash": 5})).held == ("figures.*.cash",)
    assert module.plan_study(load_scenario(small, {"factors.regime": {"hazard_in": 0.2, "hazard_out": 0.5}})).held == ("factors.regime.hazard_in",)
    study = simulate.ranges(load_scenario(small, {"rules.transfer": 0.4}), sets=14, paths=20)
    assert json.loads(study.attrs["held"]) == ["rules.transfer"] and "rules.transfer" not in study["parameter"].values


def test_nothing_to_draw_is_a_sentence(small):
    with pytest.raises(InputError, match=r"small: no parameter is uncertain; name some in the section \[uncertain\]"):
        simulate.ranges(SMALL)
    every = {"rules.transfer": 0.4, "figures.lab.cash": 5, "factors.life.weights": [0.5, 0.5], "factors.regime.hazard_in": 0.2}
    with pytest.raises(InputError, match="every uncertain parameter is set, so none is drawn"):
        simulate.ranges(load_scenario(small, every))


@pytest.mark.parametrize("sets", [13, 0, -1, 2.5, True, 10**7])
def test_too_few_or_odd_sets_are_a_sentence(small, sets):
    with pytest.raises(InputError, match="with 4 parameters it must be a whole number from 14 to 100,000"):
        simulate.ranges(small, sets=sets)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"paths": 0}, "paths = 0 is wrong"),
        ({"paths": 10**7}, "paths = 10,000,000 is too large for a set"),
        ({"threads": 0}, "threads = 0"),
        ({"seed": -1}, "seed = -1"),
    ],
)
def test_odd_sizes_are_sentences(small, given, sentence):
    with pytest.raises(InputError, match=sentence):
        simulate.ranges(small, **given)


def test_a_parameter_without_effect_is_refused(tmp_path):
    """Where every deal that is not sure has a probability of its own, nobody reads that of its status."""
    idle = ranged_small(tmp_path, LAWS | {"factors.execution.probability.talks": 'law = "uniform", low = 0.2, high = 0.8'})
    with pytest.raises(InputError, match=r'uncertain."factors.execution.probability.talks": has no effect here'):
        simulate.ranges(idle, sets=SETS, paths=PATHS)


def contradicting(folder, low):
    """Delivery is a law with low < mode; mode is 0.9, so that draws of low beyond it contradict it."""
    return ranged_small(folder, LAWS | {"factors.delivery.low": f'law = "uniform", low = {low}, high = 1.0'})


def test_sets_that_contradict_themselves_are_told_and_left_out(tmp_path, monkeypatch):
    path = contradicting(tmp_path, 0.0)
    with pytest.raises(InputError) as caught:
        simulate.ranges(path, sets=60, paths=40)
    first, *reasons = caught.value.sentences
    assert "of 60 sets of parameters cannot be run, and that is more than 5 %; narrow the ranges:" in first and any(
        "factors.delivery" in one for one in reasons
    )
    monkeypatch.setattr(module, "MOST_REFUSED", 0.9)
    study = simulate.ranges(path, sets=60, paths=40)
    refused = int(first.split()[0])
    assert study.attrs["sets_refused"] == refused and study.attrs["sets"] == study.sizes["set"] == 60 - refused
    assert "factors.delivery" in json.loads(study.attrs["refusals"])[0]
    assert study["value"].sel(parameter="factors.delivery.low").max() < 0.95


def test_few_paths_have_no_error_of_var_and_say_so(small):
    study = simulate.ranges(small, sets=14, paths=40)
    assert np.isnan(risk.parameter_range(study)["value_at_risk"].values).all() and np.isfinite(risk.parameter_range(study)["expected_loss"].values).all()
