"""Worlds in whole runs: more of them move no bit of the others, and a result says of each what it is."""

import io

import numpy as np
import pytest
import xarray as xr

import simulate
from simulate import risk
from simulate.report import plots, text
from tests.makers.small import SMALL

MORE = {"worlds.no_supply.off": ["supply"], "worlds.run_on.solution": "least", "worlds.run_on.detail": True}


@pytest.fixture(scope="module")
def usual():
    return simulate.run(SMALL, paths=150, seed=11)


@pytest.fixture(scope="module")
def more():
    return simulate.run(simulate.load_scenario(SMALL, MORE), paths=150, seed=11, check=True)


def test_more_worlds_move_no_bit_of_the_others(usual, more):
    assert more["world"].values.tolist() == ["network", "alone", "no_supply", "run_on"] and more["detail"].values.tolist() == ["network", "run_on"]
    for name, variable in usual.data_vars.items():
        same = more[name]
        for dim in {"world", "detail"} & set(variable.dims):
            same = same.sel({dim: usual[dim]})
        xr.testing.assert_equal(same.drop_vars("identity", errors="ignore"), variable)


def test_a_result_says_what_each_world_is(more):
    assert more["switches_off"].values.tolist() == ["", "nonpayment, supply, relief, marks, confidence", "supply", ""]
    assert more["solution"].values.tolist() == ["greatest", "greatest", "greatest", "least"]
    assert plots.describe_world(more, "no_supply") == "no_supply (without supply)" and plots.describe_world(more, "run_on") == "run_on (least clearing)"


def test_nobody_pays_more_at_the_least_vector_in_the_first_step_that_differs(more):
    """Whoever fails in the network has failed with least clearing by then, on the first step of every path where the two differ."""
    network, least = (risk.in_world(more, "default_step", world).values for world in ("network", "run_on"))
    first = np.where(network >= 0, network, 99).min(axis=1)
    other = np.where(least >= 0, least, 99).min(axis=1)
    assert (other <= first).all()


def test_losses_by_channel_of_a_further_world_are_its_own(more):
    one = risk.losses_by_channel(more, world="run_on", outside=True)["expected_loss"].sel(channel=["credit", "equity"]).sum()
    assert float(one) == pytest.approx(float(risk.in_world(more, "outside_loss", "run_on").mean()), rel=1e-6)


def test_the_answer_has_a_table_of_worlds_where_there_are_more_than_two(usual, more):
    out = io.StringIO()
    text.print_report(more, file=out)
    row = next(line for line in out.getvalue().splitlines() if line.startswith("no_supply"))
    assert "supply" in row and "greatest" in row
    change = risk.in_world(more, "system_loss", "no_supply") - risk.in_world(more, "system_loss", "network")
    assert text.money(change.mean()) in row
    out = io.StringIO()
    text.print_report(usual, file=out)
    assert "Worlds:" not in out.getvalue()


def test_a_store_holds_worlds(more, tmp_path):
    stored = simulate.run(simulate.load_scenario(SMALL, MORE), paths=150, seed=11, out=tmp_path / "a.zarr", block_paths=64)
    xr.testing.assert_equal(stored.load(), more.drop_dims("identity"))
