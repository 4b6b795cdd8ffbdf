"""First and second round, channels, conditional defaults and recoveries: results of a few paths, worked out by hand."""

import numpy as np
import pytest
import xarray as xr

import simulate
from simulate import risk
from simulate.errors import InputError
from simulate.model import SWITCHES
from tests.makers.small import SMALL

ENTITIES = ("lab", "cloud", "vendor", "lenders")
EVERYTHING = ", ".join(SWITCHES)


def result(worlds, weights=None, **variables):
    """A result with the given variables, [path, world, ..] or [path, deal]; worlds {name: (switches off, saves)}."""
    dims = {"default_step": ("path", "world", "entity"), "default_round": ("path", "world", "entity")}
    dims |= {name: ("path", "detail", "deal") for name in ("exposure_at_default", "default_loss")}
    data = {name: (dims.get(name, ("path", "world")), np.asarray(values), {"units": "USD bn"}) for name, values in variables.items()}
    paths = len(next(iter(variables.values())))
    with np.errstate(divide="ignore"):
        data["log_weight"] = ("path", np.log(np.ones(paths) if weights is None else np.asarray(weights, float)))
    columns = {"switches_off": [off for off, _ in worlds.values()], "saves": [saves for _, saves in worlds.values()], "solution": ["greatest"] * len(worlds)}
    return xr.Dataset(
        data,
        coords={"world": list(worlds), "entity": list(ENTITIES), "outside": ("entity", [False, False, False, True])}
        | {name: ("world", values) for name, values in columns.items()},
        attrs={"steps": 4, "dt": 0.25},
    )


USUAL = {"network": ("", ""), "alone": (EVERYTHING, "")}
# Paths: nothing; a failure that its owners' lenders bear; the same and what a customer lost; and one that others fail of.
SYSTEM = [[0.0, 0.0], [10.0, 10.0], [16.0, 10.0], [40.0, 20.0]]
OWNERS = [[0.0, 0.0], [0.0, 0.0], [6.0, 0.0], [12.0, 2.0]]


def test_three_rounds_add_up_to_the_system_loss():
    found = risk.rounds(result(USUAL, system_loss=SYSTEM, owner_loss=OWNERS), level=0.5)
    assert found["part"].values.tolist() == ["own", "direct", "second", "system"]
    assert found["expected_loss"].values == pytest.approx([40 / 4, 16 / 4, 10 / 4, 66 / 4])
    assert found["tail_loss"].values == pytest.approx([30 / 2, 16 / 2, 10 / 2, 56 / 2])
    assert float(found["amplification"]) == pytest.approx(10 / 56)
    # Delta method: residuals of second less ratio times first round, over the mean of the first round.
    residuals = np.array([0, 0, 0, 10]) - 10 / 56 * np.array([0, 10, 16, 30])
    assert float(found["amplification_error"]) == pytest.approx(residuals.std(ddof=1) / 2 / (56 / 4))


def test_paths_count_by_their_weight_in_every_round():
    found = risk.rounds(result(USUAL, weights=[1, 1, 1, 5], system_loss=SYSTEM, owner_loss=OWNERS))
    assert found["expected_loss"].values == pytest.approx([(20 + 5 * 20) / 8, (6 + 5 * 10) / 8, 5 * 10 / 8, (26 + 5 * 40) / 8])


def test_amplification_of_nothing_is_not_known():
    found = risk.rounds(result(USUAL, system_loss=np.zeros((3, 2)), owner_loss=np.zeros((3, 2))))
    assert np.isnan(float(found["amplification"])) and float(found["expected_loss"].sum()) == 0.0


def test_a_channel_adds_to_the_others_and_by_itself():
    """Only what outside nodes lose is compared: worlds differ in what owners bear through firms because some let it through."""
    others = ", ".join(switch for switch in SWITCHES if switch != "supply")
    worlds = USUAL | {"calm": ("supply", ""), "only": (others, ""), "rescued": ("supply", "lab"), "again": ("supply", "")}
    outside = np.array([[30.0, 10.0, 26.0, 12.0, 0.0, 0.0], [20.0, 10.0, 20.0, 8.0, 0.0, 0.0]])
    through = np.array([[5.0, 0.0, 6.0, 0.0, 0.0, 0.0]] * 2)
    found = risk.channel_effects(result(worlds, system_loss=outside + through, owner_loss=through))
    one = found["effect"].sel(channel="supply")
    assert one.values == pytest.approx([2.0, 0.0])
    assert found["effect_error"].sel(channel="supply").values == pytest.approx([2.0, 2.0])  # of 4, 0 and 2, -2: s.d. 2.83 over root 2
    assert np.isnan(found["effect"].sel(channel="relief")).all()


def test_no_channel_off_or_alone_is_a_sentence():
    with pytest.raises(InputError, match="run the scenario 'channels'"):
        risk.channel_effects(result(USUAL, system_loss=SYSTEM, owner_loss=OWNERS))


def failing(*rows):
    """[path, world, entity] default steps from the failing entities of each world of each path, in step 1."""
    return np.array([[[1 if name in names.split() else -1 for name in ENTITIES] for names in row] for row in rows])


SAVING = {"network": ("", ""), "saved": ("", "lab")}
STEPS = failing(("lab cloud", ""), ("lab cloud vendor", "cloud"), ("lab", ""), ("cloud", "cloud"), ("", ""), ("lab vendor", "vendor"))


def test_the_failure_and_the_common_drivers_are_told_apart():
    found = risk.conditional_defaults(result(SAVING, default_step=STEPS), saved="saved")
    assert (found.attrs["given"], int(found["paths"])) == ("lab", 4)
    assert found["probability"].values == pytest.approx([1.0, 0.5, 0.5])
    assert found["probability_saved"].values == pytest.approx([0.0, 0.25, 0.25])
    assert found["difference"].values == pytest.approx([1.0, 0.25, 0.25])
    assert found["difference_error"].values == pytest.approx([0.0, 0.25, 0.25])  # of 1, 0, 0, 0
    assert found["probability_high"].sel(entity="cloud") > 0.5 > found["probability_low"].sel(entity="cloud")


def test_conditional_probabilities_are_of_weighted_paths():
    found = risk.conditional_defaults(result(SAVING, weights=[3, 1, 1, 1, 1, 1], default_step=STEPS), saved="saved")
    assert found["probability"].sel(entity="cloud") == pytest.approx(4 / 6) and found["probability_saved"].sel(entity="vendor") == pytest.approx(1 / 6)


def test_where_the_first_is_saved_only_paths_count_on_which_it_was_among_the_first():
    wave = np.zeros(STEPS.shape, int)
    wave[1, 0] = (1, 0, 0, 0)  # on this path the cloud came first
    made = result(SAVING | {"saved": ("", "first")}, default_step=STEPS, default_round=wave)
    found = risk.conditional_defaults(made, saved="saved", given="lab")
    assert int(found["paths"]) == 3 and found["probability"].sel(entity="cloud") == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("saves", "given", "sentence"),
    [
        ("", None, "world 'saved' saves nobody"),
        ("lab, cloud", None, "saves more than one; say whose failure is given: lab, cloud"),
        ("lab", "cloud", "does not save 'cloud'; given is one of lab"),
        ("first", None, "saves more than one"),
        ("vendor", "lab", "does not save 'lab'"),
    ],
)
def test_who_is_given_must_be_saved(saves, given, sentence):
    with pytest.raises(InputError, match=sentence):
        risk.conditional_defaults(result({"network": ("", ""), "saved": ("", saves)}, default_step=STEPS), saved="saved", given=given)


def test_nothing_is_conditional_on_what_does_not_happen():
    with pytest.raises(InputError, match="'lab' fails on no path"):
        risk.conditional_defaults(result(SAVING, default_step=failing(("cloud", "cloud"), ("", ""))), saved="saved")


CLAIMS = np.array([[[0.0, 0.0, 0.0]], [[10.0, 0.0, 40.0]], [[20.0, 5.0, 0.0]], [[0.0, 5.0, 10.0]]])
LOST = np.array([[[0.0, 0.0, 0.0]], [[5.0, 0.0, 30.0]], [[20.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]]])


def of_deals(weights=None):
    made = result({"network": ("", "")}, weights=weights, exposure_at_default=CLAIMS, default_loss=LOST)
    columns = {"deal_class": ["senior", "secured", "senior"], "deal_payer": ["lab", "lab", "cloud"], "deal_payee": ["cloud", "lenders", "lenders"]}
    columns["deal_kind"] = ["bond", "gpu_loan", "bond"]
    labels = {name: ("deal", values) for name, values in columns.items()}
    return made.assign_coords({"detail": ["network"], "deal": ["L1", "L2", "L3"]} | labels)


def test_recovery_by_class_debtor_and_creditor():
    found = risk.recovery(of_deals())
    assert found["deal_class"].values.tolist() == ["senior", "secured"]
    assert found["recovery"].values == pytest.approx([1 - 55 / 80, 1 - 1 / 10])
    assert found["mean"].values == pytest.approx([np.mean([1 - 35 / 50, 0.0, 1.0]), np.mean([1.0, 0.8])])
    assert found["standard_deviation"].values == pytest.approx([np.std([0.3, 0.0, 1.0]), 0.1])
    assert found["claims"].values == pytest.approx([80 / 3, 5.0]) and found["paths"].values.tolist() == [3, 2]
    assert found["quantiles"].sel(quantile=0.5).values == pytest.approx([0.3, 0.8])
    assert risk.recovery(of_deals(), by="deal_payer")["recovery"].values == pytest.approx([1 - 26 / 40, 1 - 30 / 50])
    assert risk.recovery(of_deals(), by="deal_payee", payer="lab")["recovery"].values == pytest.approx([1 - 25 / 30, 1 - 1 / 10])
    assert risk.recovery(of_deals(), by="deal", kinds=("gpu_loan",))["deal"].values.tolist() == ["L2"]


def test_the_error_of_a_recovery_is_that_of_a_ratio():
    found = risk.recovery(of_deals(), by="deal", payer="cloud")
    claims, lost = CLAIMS[:, 0, 2], LOST[:, 0, 2]
    residuals = lost - 0.6 * claims
    assert found["recovery_error"].item() == pytest.approx(residuals.std(ddof=1) / 2 / claims.mean())
    assert found["recovery_low"].item() < 0.4 < found["recovery_high"].item()


def test_recoveries_of_weighted_paths():
    assert float(risk.recovery(of_deals(weights=[1, 3, 1, 1]), by="deal")["recovery"].sel(deal="L1")) == pytest.approx(1 - 35 / 50)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (dict(by="class"), "there is no by 'class' here \\(did you mean 'deal_class'\\?\\)"),
        (dict(payer="lba"), "there is no deal_payer 'lba' here \\(did you mean 'lab'"),
        (dict(kinds=("bnod",)), "there is no deal_kind 'bnod'"),
        (dict(world="alone"), "no world 'alone' here"),
        (dict(payer="lab", kinds=("lease",)), "no deal_kind 'lease'"),
    ],
)
def test_wrong_questions_about_recoveries_are_sentences(asked, sentence):
    with pytest.raises(InputError, match=sentence):
        risk.recovery(of_deals(), **asked)


def test_a_real_run_adds_up():
    """The small network in five worlds: rounds are the system loss, claims are at least what is lost on them, and nobody who is saved fails."""
    worlds = {"worlds.rescue.saves": "lab", "worlds.first.saves": "first", "worlds.calm.off": ["supply"]}
    found = simulate.run(simulate.load_scenario(SMALL, worlds), paths=200)
    assert found["saves"].values.tolist() == ["", "", "lab", "first", ""]
    assert not (found["default_step"].sel(world="rescue", entity="lab") >= 0).any()
    assert float(found["granted"].sel(world="rescue").sum()) > 0.0 and float(found["granted"].sel(world="network").sum()) == 0.0
    rounds = risk.rounds(found)["expected_loss"]
    assert float(rounds.sel(part=["own", "direct", "second"]).sum()) == pytest.approx(float(found["system_loss"].sel(world="network").mean()))
    assert ((found["default_loss"] <= found["exposure_at_default"] * (1 + 1e-6) + 1e-6) & (found["default_loss"] >= -1e-6)).all()
    recovery = risk.recovery(found)["recovery"]
    assert (recovery >= 0.0).all() and (recovery <= 1.0).all() and 0.0 < recovery.sel(deal_class="senior") < recovery.sel(deal_class="critical")
    assert float(risk.conditional_defaults(found, saved="rescue")["probability_saved"].sel(entity="lab")) == 0.0


def test_a_recovery_of_one_path_has_no_error():
    found = risk.recovery(of_deals(), by="deal", payer="lab", kinds="bond")
    assert found["recovery_error"].item() > 0.0
    alone = of_deals(weights=[1, 1, 0, 0])
    found = risk.recovery(alone, by="deal", payer="lab", kinds="bond")
    assert found["recovery"].item() == 0.5 and np.isnan(found["recovery_error"].item()) and found["paths"].item() == 1


def test_an_interval_of_a_recovery_is_a_share():
    found = risk.recovery(of_deals(), by="deal")
    assert ((found["recovery_low"] >= 0.0) & (found["recovery_high"] <= 1.0)).all()


def test_paths_without_weight_are_no_condition():
    found = risk.conditional_defaults(result(SAVING, weights=[0, 1, 1, 1, 1, 0], default_step=STEPS), saved="saved")
    assert int(found["paths"]) == 2
    with pytest.raises(InputError, match="'lab' fails on no path"):
        risk.conditional_defaults(result(SAVING, weights=[0, 0, 0, 1, 1, 0], default_step=STEPS), saved="saved")


def test_a_loss_that_is_no_number_is_a_sentence():
    bad = of_deals()
    bad["default_loss"] = bad["default_loss"].copy()
    bad["default_loss"][1, 0, 2] = np.nan
    with pytest.raises(InputError, match="'default_loss' of world 'network' is nan at 1, 2"):
        risk.recovery(bad)


def test_the_order_of_dimensions_does_not_matter():
    turned = of_deals().transpose("deal", "detail", "path", ...)
    assert risk.recovery(turned).equals(risk.recovery(of_deals()))
