"""The family of factors, and the promises about draws that the rest of the project builds on."""

import sys
from datetime import date

import numpy as np
import pytest
from pydantic import ValidationError

from simulate.errors import InputError
from simulate.factors import (
    FactorSections,
    drivers,
    power_gap,
    rental,
)
from simulate.factors.keys import key_of
from simulate.factors.members import DRIVERS, MEMBERS, Factors, collect
from simulate.factors.section import Context, Group, Timeline
from tests.makers.factors import GROUPS, PLAN, PROCESSES, TIMELINE, build, simulate

# ---------------------------------------------------------------------------------------------------------------- the family


def test_every_member_is_in_all_lists():
    names = [member.__name__.rsplit(".", 1)[1] for member in MEMBERS]
    assert names == [*FactorSections.model_fields, "contracts"]  # what customers do with contracts stands in the figures of each
    assert ["drivers", *names] == list(Factors._fields)


def test_a_second_meaning_of_a_name_is_refused(monkeypatch):
    monkeypatch.setattr(rental, "STEP", {"lane": dict(power_gap.STEP["lane"])})
    with pytest.raises(ValueError, match=r"rental gives a second meaning to gap"):
        collect("STEP")


def test_every_member_makes_its_own_rows():
    context = Context(TIMELINE, PROCESSES, GROUPS, 0, True)
    for name, section in (("drivers", drivers.Drivers()), *FactorSections()):
        assert type(section.compile_rows(context)) is sys.modules[f"simulate.factors.{name}"].Rows


def test_all_rows_are_frozen():
    rows = [value for member in build() for value in member]
    assert all(isinstance(value, (np.ndarray, float)) for value in rows)
    assert all(not value.flags.writeable for value in rows if isinstance(value, np.ndarray))


@pytest.mark.parametrize("name", FactorSections.model_fields)
def test_member_states_source_moments_units_and_refuses_unknown_keys(name):
    section = FactorSections.model_fields[name].annotation
    member = sys.modules[section.__module__]
    assert member.__name__ == f"simulate.factors.{name}"
    assert member.__doc__ and callable(member.mean_and_variance) and callable(section.compile_rows)
    for field, described in section.model_fields.items():
        assert field == "sources" or described.description.rstrip().endswith("]"), f"{name}.{field} does not end with its [unit]"
    with pytest.raises(ValidationError, match="extra_forbidden|Extra inputs"):
        section(unheard_of=1.0)
    with pytest.raises(ValidationError, match="frozen"):
        section().sources = {}
    with pytest.raises(ValidationError, match="which is no parameter here"):
        section(sources={"unheard_of": "nowhere"})


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("regime", {"hazard_in": -0.1}),
        ("regime", {"hazard_in": float("nan")}),
        ("delivery", {"low": 0.8, "mode": 0.7}),
        ("life", {"values": [3.0, 6.0], "weights": [1.0]}),
        ("life", {"values": [0.0], "weights": [1.0]}),
        ("execution", {"probability": {"talks": 0.1}}),
        ("execution", {"correlation": 1.2}),
        ("rental", {"table": {2026: 0.0}}),
        ("power_gap", {"plan": {}}),
    ],
)
def test_wrong_parameters_are_refused(name, wrong):
    with pytest.raises(ValidationError):
        FactorSections(**{name: wrong})


def test_all_faults_are_reported_at_once():
    processes = (PROCESSES[0]._replace(plan=PLAN - 5.0), PROCESSES[1]._replace(loading=1.5))
    groups = (GROUPS[0], Group("letters", 1.5, 1.0, 0.5))
    with pytest.raises(InputError) as caught:
        build(
            processes=processes,
            groups=groups,
            correlation={"demand:rental": 0.9, "demand:power": 0.9, "power:rental": -0.9},
        )
    text = str(caught.value)
    for said in ("Revenue plan of openai", "process_loading of anthropic", "letters has probability 1.5", "negative eigenvalue"):
        assert said in text


def test_year_tables_hold_at_year_ends_and_are_flat_outside():
    plan = TIMELINE.at_step_ends({2026: 0.03, 2030: 0.27})
    np.testing.assert_allclose(plan[[0, 3, 11, 19, 27]], [0.03, 0.03, 0.15, 0.27, 0.27], atol=1e-14)
    monthly = Timeline(date(2026, 6, 30), 12, 1 / 12).at_step_ends({2026: 0.0, 2027: 1.2})
    np.testing.assert_allclose(monthly[5::6], [0.0, 0.6], atol=0.01)


# ---------------------------------------------------------------------------------------------------------------- draws


def test_a_path_does_not_depend_on_tile_width_or_order():
    factors = build()
    wide, narrow = simulate(factors, 64, 64, steps=8), simulate(factors, 64, 8, steps=8)
    odd, late = simulate(factors, 64, 9, steps=8), simulate(factors, 24, 8, first=40, steps=8)
    for name in wide:
        assert wide[name].tobytes() == narrow[name].tobytes() == np.ascontiguousarray(odd[name]).tobytes(), name
        assert np.ascontiguousarray(wide[name][..., 40:]).tobytes() == late[name].tobytes(), name


def test_another_process_or_group_leaves_all_other_draws_untouched():
    few, many = build(processes=PROCESSES[:2], groups=GROUPS[:2]), build(processes=(PROCESSES[2], *PROCESSES[:2]), groups=(*GROUPS[:1], GROUPS[2], GROUPS[1]))
    a, b = simulate(few, 64, 64, steps=4), simulate(many, 64, 64, steps=4)
    assert a["ratio"].tobytes() == np.ascontiguousarray(b["ratio"][:, 1:]).tobytes()
    assert a["draw_scale"][1].tobytes() == b["draw_scale"][2].tobytes()
    assert a["rental"].tobytes() == b["rental"].tobytes()


def test_keys_have_the_names_of_the_contract():
    factors = build(seed=5)
    assert (factors.drivers.key[DRIVERS.index("power")] == key_of(5, "driver:power")).all()
    named = {
        "regime": factors.regime.key,
        "short_rate:integral": factors.short_rate.key,
        "delivery": factors.delivery.key_common,
        "life": factors.life.key,
        "power:shots": factors.power_gap.key,
    }
    for name, key in named.items():
        assert (key == key_of(5, name)).all()
    assert (factors.revenue.key[1] == key_of(5, "revenue:anthropic")).all()
    assert (factors.delivery.key[2] == key_of(5, "delivery:coreweave")).all()
    assert (factors.execution.key[1] == key_of(5, "execution:letters")).all()
    assert not (build(seed=0).regime.key == build(seed=1).regime.key).all()


def test_nearest_correlation_matrix_is_highams_example():
    given = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    wanted = np.array([[1.0, 0.7607, 0.1573], [0.7607, 1.0, 0.7607], [0.1573, 0.7607, 1.0]])  # Higham (2002), section 4
    np.testing.assert_allclose(drivers.nearest_correlation(given), wanted, atol=5e-5)


def test_impossible_correlation_is_refused_with_values_that_are_accepted():
    with pytest.raises(InputError, match="nearest valid values") as caught:
        build(correlation={"demand:valuation": 0.9, "demand:spread": 0.9, "valuation:spread": -0.9})
    pairs = str(caught.value).split(" are ")[-1].rstrip(".").split(", ")
    nearest = {pair.split(" = ")[0].strip('"'): float(pair.split(" = ")[1]) for pair in pairs}
    assert len(nearest) == 3 and drivers.check_correlation(nearest).shape == (6, 6)


def test_singular_correlation_is_a_correlation():
    lower = build(correlation={"demand:valuation": 1.0, "demand:spread": -1.0, "valuation:spread": -1.0, "power:rental": 0.5}).drivers.cholesky
    wanted = drivers.correlation_matrix({"demand:valuation": 1.0, "demand:spread": -1.0, "valuation:spread": -1.0, "power:rental": 0.5})
    np.testing.assert_allclose(lower @ lower.T, wanted, atol=1e-12)


@pytest.mark.parametrize(
    "pairs", [{"demand:demand": 0.5}, {"demand:oil": 0.5}, {"demand": 0.5}, {"demand:rates": 0.1, "rates:demand": 0.1}, {"demand:rates": 1.5}]
)
def test_wrong_pairs_of_drivers_are_refused(pairs):
    with pytest.raises(ValidationError):
        drivers.Drivers(correlation=pairs)
