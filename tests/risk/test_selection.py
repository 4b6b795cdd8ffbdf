import numpy as np
import pytest

from simulate import risk
from simulate.errors import InputError
from tests.makers import results as synthetic


@pytest.fixture(scope="module")
def result():
    return synthetic.dataset(200, 100)


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda r: risk.tail_measures(r, variable="sytem_loss"), "there is no variable 'sytem_loss' here (did you mean 'system_loss'"),
        (lambda r: risk.tail_measures(r, world="netwrok"), "no world 'netwrok' here (did you mean 'network'?): the result has network, alone."),
        (lambda r: risk.tail_measures(r, variable="loss"), "'loss' has a value for each of entity, channel too, and a tail is of one loss a path"),
        (lambda r: risk.tail_measures(r, levels=99), "the level of a tail measure lies between 0 and 1, not 99.0; for 99 % write 0.99."),
        (lambda r: risk.rounds(r.sel(world="alone")), "'system_loss' was selected in world 'alone', and world 'network' is asked about; give the whole result"),
        (lambda r: risk.default_probability(r.sel(world="alone", drop=True)), "'default_step' was selected in one world, and world 'network' is asked about"),
        (lambda r: risk.rounds(r, world=None), "no world 'None' here"),
        (lambda r: risk.recovery(r.isel(path=0)), "the result has no dimension path"),
        (lambda r: risk.rounds(r.isel(path=[])), "no path; a measure is of many"),
        (
            lambda r: risk.recovery(r, kinds="bnod"),
            "there is no deal_kind 'bnod' here (did you mean 'bond'?); known: compute_contract, bond, equity_stake, own.",
        ),
        (lambda r: risk.recovery(r, kinds=()), "no deal_kind is named; name at least one of compute_contract, bond"),
        (lambda r: risk.losses_by_entity(r, channels="crdit"), "there is no channel 'crdit' here (did you mean 'credit'?)"),
        (lambda r: risk.default_probability(r, horizons=0), "a horizon lies within the run, so above 0 and up to 7 years, and not at 0."),
        (lambda r: risk.default_probability(r, horizons=(5.0, 10.0)), "up to 7 years, and not at 10."),
        (lambda r: risk.default_probability(r, horizons=float("nan")), "and not at nan."),
        (lambda r: risk.default_probability_by_factor(r, entity="lap"), "there is no entity 'lap' here (did you mean 'lab'?); known: lab, cloud, vendor."),
        (lambda r: risk.default_probability_by_factor(r, entity="lab", factor="gpu_live"), "there is no factor 'gpu_live' here (did you mean 'gpu_life'"),
        (lambda r: risk.default_probability_by_factor(r, entity="lab", edges=(0, 3, 1)), "edges of bins must rise, and (0, 3, 1) do not."),
        (lambda r: risk.losses_by_entity(r, channels=["credits"]), "there is no channel 'credits' here (did you mean 'credit'?)"),
        (lambda r: risk.losses_by_entity(r, world="alone"), "set detail = true in [worlds.alone]."),
    ],
)
def test_what_a_result_does_not_have_is_a_sentence(result, ask, says):
    with pytest.raises(InputError) as caught:
        ask(result)
    assert says in str(caught.value)


def test_a_loss_that_is_no_number_has_no_measure(result):
    holed = result.copy(deep=True)
    holed["system_loss"].loc[{"path": 3, "world": "network"}] = np.nan
    with pytest.raises(InputError, match="'system_loss' of world 'network' is nan at 3; a measure needs finite numbers on every path"):
        risk.tail_measures(holed)
    with pytest.raises(InputError, match="system_loss"):
        risk.losses_by_entity(holed)
    assert np.isfinite(risk.tail_measures(holed, world="alone")["expected_loss"])
    with pytest.raises(InputError, match="the sample is nan"):
        risk.value_at_risk(np.array([1.0, np.nan]), np.full(2, 0.5), 0.5)
    heavy = result.copy(deep=True)
    heavy["log_weight"][5] = np.nan
    with pytest.raises(InputError, match="'log_weight' is nan at 5"):
        risk.tail_measures(heavy)


def test_one_level_is_a_list_of_one(result):
    one, many = risk.tail_measures(result, levels=0.95), risk.tail_measures(result)
    assert one["level"].values.tolist() == [0.95]
    assert one["value_at_risk"].values[0] == many["value_at_risk"].sel(level=0.95)


def test_a_single_name_may_stand_without_a_list(result):
    assert risk.losses_by_entity(result, channels="credit").equals(risk.losses_by_entity(result, channels=["credit"]))


def test_what_was_selected_in_the_world_that_is_asked_about_is_taken(result):
    assert float(risk.tail_measures(result.sel(world="network"))["expected_loss"]) == float(risk.tail_measures(result)["expected_loss"])
