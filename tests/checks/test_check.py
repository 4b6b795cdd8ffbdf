"""A check finds what does not hold: every identity is broken once, by hand, and named with its place. And `check=True` from the run to the report."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

import simulate
from simulate.checks.identities import IDENTITIES, IdentityError, Tile, check_tile
from simulate.cli.app import exit_code
from simulate.engine.blocks import Block, Workspace
from simulate.model import CHANNELS, SCHEDULED
from simulate.schema import CHECK_COORDINATES, CHECKS
from simulate.step.watch import KEPT_ENTITIES, KEPT_LEGS, TRACES
from tests.checks.test_identities import model_of
from tests.makers.small import SMALL
from tests.makers.tiny import COVER, change_rows

NETWORK, ALONE, LEAST = 0, 1, 2
WHOLE = -1  # no step, or no entity
FIRST_PATH, PATHS = 40, 120
SMALL_CHANGE = 1e-6  # USD bn
BREAKS = {}


def breaks(identity):
    """Register a function that breaks the identity in a tile and says where: (world, step, entity, lane)."""

    def register(function):
        BREAKS[function.__name__] = (identity, function)
        return function

    return register


@pytest.fixture(scope="module")
def observed():
    """A tile in which guarantees are called and guarantors fail; nominal, so that losses by year add up."""
    model = model_of("tiny: guarantor fails with the obligor")
    nominal = model._replace(factors=change_rows(model.factors, {"short_rate.discount": 0.0}))
    return Workspace(nominal, PATHS).observe(Block(FIRST_PATH, PATHS))


def copy(tile):
    arrays = {name: getattr(tile, name).copy() for name in ("trace", "legs", "entities", "stakes")}
    outputs = {name: values.copy() for name, values in tile.outputs.items()}
    return tile._replace(outputs=outputs, losses=tuple(loss.copy() for loss in tile.losses), **arrays)


def first_failure(tile, has=lambda legs, step, lane: legs, world=NETWORK):
    """Step, row, lane of the first clearing of the world in which a living row fails and has(its legs, step, lane) is not empty; and that."""
    fails = (tile.cleared(world, "failing") > 0) & (tile.alive_before(world) > 0)
    legs = tile.model.legs
    for step, row, lane in np.argwhere(fails).tolist():
        found = has(np.flatnonzero((legs.payer == row) & (legs.seniority < 4)), step, lane)
        if len(found):
            return step, row, lane, found
    raise AssertionError("there is no such clearing")


def two_legs(tile, same_class):
    """The first who fails with something due on two legs, of one class and both paid, or of two classes (that paid first comes first)."""
    due, paid, seniority = tile.leg(NETWORK, "due"), tile.leg(NETWORK, "pay"), tile.model.legs.seniority

    def has(legs, step, lane):
        legs = [leg for leg in legs if seniority[leg] != 1 and due[step, leg, lane] > 0.1 and (paid[step, leg, lane] > 0.1 or not same_class)]
        pairs = [(a, b) for a in legs for b in legs if (a < b and seniority[a] == seniority[b] if same_class else seniority[a] < seniority[b])]
        return pairs[0] if pairs else ()

    return first_failure(tile, has)


@breaks("finite")
def no_number(tile):
    tile.trace[ALONE, 3, TRACES.index("equity"), 2, 5] = np.nan
    return ALONE, 3, 2, 5


@breaks("cash")
def cash_from_nowhere(tile):
    tile.of(NETWORK, "cash")[-1, 1, 7] += SMALL_CHANGE
    return NETWORK, tile.model.grid.steps - 1, 1, 7


@breaks("net_flows")
def receipts_of_nobody(tile):
    tile.of(ALONE, "received")[2, 0, 3] += SMALL_CHANGE
    return ALONE, 2, WHOLE, 3


@breaks("net_flows")
def insurer_pays_in_the_network(tile):
    tile.of(NETWORK, "paid")[2, tile.model.grid.insurer, 3] += SMALL_CHANGE
    tile.of(NETWORK, "received")[2, 0, 3] += SMALL_CHANGE
    return NETWORK, 2, WHOLE, 3


@breaks("limited_liability")
def cash_below_zero(tile):
    tile.of(NETWORK, "cash")[4, 2, 9] = -SMALL_CHANGE
    return NETWORK, 4, 2, 9


@breaks("limited_liability")
def payment_without_means(tile):
    step, row, lane, _ = first_failure(tile)
    tile.cleared(NETWORK, "cash_in")[step, row, lane] -= 1e3
    return NETWORK, step, row, lane


@breaks("payments")
def payment_below_zero(tile):
    step, row, lane, legs = first_failure(tile)
    tile.leg(NETWORK, "pay")[step, legs[0], lane] = -SMALL_CHANGE
    return NETWORK, step, row, lane


@breaks("payments")
def payment_above_what_is_due(tile):
    step, row, lane, legs = first_failure(tile)
    tile.leg(NETWORK, "pay")[step, legs[0], lane] = tile.leg(NETWORK, "due")[step, legs[0], lane] + SMALL_CHANGE
    return NETWORK, step, row, lane


@breaks("payments")
def dues_that_no_leg_has(tile):
    tile.cleared(NETWORK, "dues")[1, 1, 8] += SMALL_CHANGE
    return NETWORK, 1, 1, 8


@breaks("receipts")
def receipts_that_nobody_paid(tile):
    tile.cleared(ALONE, "received")[5, 3, 11] += SMALL_CHANGE
    return ALONE, 5, 3, 11


@breaks("priority")
def junior_paid_before_senior(tile):
    step, row, lane, (senior, junior) = two_legs(tile, same_class=False)
    tile.leg(NETWORK, "pay")[step, senior, lane] -= 0.1
    tile.leg(NETWORK, "pay")[step, junior, lane] += 0.1
    return NETWORK, step, row, lane


@breaks("pro_rata")
def one_creditor_before_another(tile):
    step, row, lane, (one, other) = two_legs(tile, same_class=True)
    tile.leg(NETWORK, "pay")[step, one, lane] -= SMALL_CHANGE
    tile.leg(NETWORK, "pay")[step, other, lane] += SMALL_CHANGE
    return NETWORK, step, row, lane


@breaks("clearing")
def something_kept_back(tile, world=NETWORK):
    step, row, lane, legs = first_failure(tile, lambda legs, step, lane: legs if tile.leg(world, "pay")[step, legs, lane].sum() > 1.0 else (), world)
    tile.leg(world, "pay")[step, legs, lane] *= 1.0 - SMALL_CHANGE
    return world, step, row, lane


@breaks("clearing")
def estate_that_sleeps_on_money(tile):
    step, row, lane = np.argwhere((tile.alive_before(NETWORK) == 0.0) & (tile.cleared(NETWORK, "active") == 0.0))[0].tolist()
    tile.cleared(NETWORK, "cash_in")[step, row, lane] += SMALL_CHANGE
    return NETWORK, step, row, lane


@breaks("guarantees")
def guarantor_called_for_less(tile):
    step, lane = np.argwhere(tile.leg(NETWORK, "called")[:, COVER] > 0.1)[0].tolist()
    tile.leg(NETWORK, "called")[step, COVER, lane] -= SMALL_CHANGE
    return NETWORK, step, int(tile.model.legs.payer[COVER]), lane


@breaks("solvency")
def insolvent_goes_on(tile):
    step, row, lane, _ = first_failure(tile)
    tile.cleared(NETWORK, "failing")[step, row, lane] = 0.0
    return NETWORK, step, row, lane


@breaks("solvency")
def solvent_fails(tile):
    tile.cleared(ALONE, "failing")[0, 3, 2] = 1.0
    return ALONE, 0, 3, 2


@breaks("greatest")
def less_than_the_greatest_vector(tile):
    return something_kept_back(tile)


@breaks("least")
def less_than_the_least_vector(tile):
    return something_kept_back(tile, LEAST)


@breaks("waves")
def failed_a_wave_later(tile):
    step, row, lane, _ = first_failure(tile)
    tile.cleared(NETWORK, "wave")[step, row, lane] += 1.0
    return NETWORK, step, row, lane


@breaks("defaults")
def default_a_step_later(tile):
    _, row, lane, _ = first_failure(tile)
    tile.outputs["default_step"][NETWORK, row, lane] += 1.0
    return NETWORK, WHOLE, row, lane


@breaks("defaults")
def default_in_another_round(tile):
    _, row, lane, _ = first_failure(tile)
    tile.outputs["default_round"][NETWORK, row, lane] += 1.0
    return NETWORK, WHOLE, row, lane


@breaks("defaults")
def dead_who_rise(tile):
    row, lane = np.argwhere(tile.of(ALONE, "alive")[-2] == 0.0)[0].tolist()
    tile.of(ALONE, "alive")[-1, row, lane] = 1.0
    return ALONE, tile.model.grid.steps - 1, row, lane


@breaks("stakes")
def more_than_all_shares(tile):
    issuer = int(np.flatnonzero(tile.model.holdings.outside_of >= 0)[0])
    tile.stakes[NETWORK, 4, tile.model.holdings.outside_of[issuer], 4] += SMALL_CHANGE
    return NETWORK, 4, issuer, 4


@breaks("credit_loss")
def a_creditor_loses_more(tile):
    tile.losses[NETWORK][1, CHANNELS.index("credit"), 6] += SMALL_CHANGE
    return NETWORK, WHOLE, 1, 6


@breaks("loss_by_deal")
def loss_on_no_deal(tile):
    tile.outputs["loss"][0, 2, CHANNELS.index("credit"), 6] += SMALL_CHANGE
    return NETWORK, WHOLE, WHOLE, 6


@breaks("fleet_loss")
def chips_of_another(tile):
    tile.outputs["loss"][0, 2, CHANNELS.index("stranded"), 6] += SMALL_CHANGE
    return NETWORK, WHOLE, 2, 6


@breaks("recovery")
def more_lost_than_claimed(tile):
    tile.outputs["default_loss"][0, 2, 13] = tile.outputs["exposure_at_default"][0, 2, 13] + SMALL_CHANGE
    return NETWORK, WHOLE, WHOLE, 13


@breaks("recovery")
def more_recovered_than_claimed(tile):
    tile.outputs["default_loss"][0, 2, 13] = -SMALL_CHANGE
    return NETWORK, WHOLE, WHOLE, 13


@breaks("system_loss")
def loss_that_ends_nowhere(tile):
    tile.outputs["system_loss"][ALONE, 13] += SMALL_CHANGE
    return ALONE, WHOLE, WHOLE, 13


@breaks("system_loss")
def loss_of_a_lender_that_is_inside(tile):
    tile.outputs["lender_loss"][ALONE, 13] += SMALL_CHANGE
    return ALONE, WHOLE, WHOLE, 13


@breaks("caused")
def loss_that_nobody_caused(tile):
    tile.outputs["caused"][ALONE, 1, 13] -= SMALL_CHANGE
    return ALONE, WHOLE, WHOLE, 13


@breaks("caused")
def stake_that_nobody_wiped_out(tile):
    tile.outputs["written_off"][NETWORK, 1, 13] -= SMALL_CHANGE
    return NETWORK, WHOLE, WHOLE, 13


@breaks("conservation")
def loss_that_is_counted_twice(tile):
    tile.outputs["system_loss"][NETWORK, 13] += SMALL_CHANGE
    return NETWORK, WHOLE, WHOLE, 13


@breaks("loss_by_year")
def loss_in_another_year(tile):
    tile.outputs["system_loss_by_year"][ALONE, 0, 13] += SMALL_CHANGE
    return ALONE, WHOLE, WHOLE, 13


@breaks("loss_by_year")
def loss_of_another_year_and_entity(tile):
    tile.outputs["loss_by_year"][0, 1, 2, 6] += SMALL_CHANGE
    return NETWORK, WHOLE, 2, 6


@pytest.mark.parametrize("name", BREAKS)
def test_what_is_broken_is_found_where_it_is(observed, name):
    identity, function = BREAKS[name]
    tile = copy(observed)
    assert not [found for found in check_tile(tile) if found.violated]
    world, step, entity, lane = function(tile)
    (found,) = (found for found in check_tile(tile) if found.identity == identity)
    assert found.violated
    assert (found.world, found.step, found.entity, found.path) == (world, step, entity, FIRST_PATH + lane)


def test_every_identity_can_fail():
    assert {identity for identity, _ in BREAKS.values()} == set(IDENTITIES)


# The greatest clearing vector and no other


def one_step(solution, least=0.0):
    """Two firms that owe each other 2.2 and hold 1, half of all lost in a default: both pay (greatest) or both fail and pay 1 (least)."""
    owed, cash, alpha = np.array([[0.0, 2.2], [2.2, 0.0]]), np.array([1.0, 1.0]), 0.5
    cleared = simulate.clearing_vector(owed, cash, alpha=alpha, beta=alpha, solution=solution)
    failed = cleared.default_round >= 0
    worlds, n, nobody = 2, 3, np.zeros(0, np.int64)  # the third is the insurer
    model = SimpleNamespace(
        grid=SimpleNamespace(steps=1, entities=n, insurer=2),
        entities=SimpleNamespace(outside=np.array([0.0, 0.0, 1.0]), cash0=np.array([1.0, 1.0, 0.0])),
        legs=SimpleNamespace(
            payer=np.array([0, 1]), payee=np.array([1, 0]), seniority=np.array([2, 2]), driver=np.full(2, SCHEDULED), covers=np.array([-1, -1]),
            cover_share=np.zeros(2),
        ),
        holdings=SimpleNamespace(issuer=nobody, outside_of=np.full(n, -1)),
        fleet=SimpleNamespace(entity=nobody, stranded_deal=nobody),
        factors=SimpleNamespace(short_rate=SimpleNamespace(discount=1.0)),
        rules=SimpleNamespace(alpha=alpha, beta=alpha, max_iterations=1000, world_switches=np.ones((worlds, 5)), world_least=np.full(worlds, least), world_detail=np.array([1.0, 0.0]), world_saves=np.zeros((worlds, n)), world_saves_first=np.zeros(worlds)),
    )  # fmt: skip
    trace = np.zeros((worlds, 1, len(TRACES), n, 1))
    legs = np.zeros((worlds, 1, len(KEPT_LEGS), 2, 1))
    entities = np.zeros((worlds, 1, len(KEPT_ENTITIES), n, 1))
    paid, none = cleared.payment, np.full((n, 1), -1.0)
    lost = failed * alpha * (cash + paid[::-1])
    for name, values in dict(
        cash=cash + paid[::-1] - lost - paid, received=paid[::-1], paid=paid, outside_out=lost, alive=~failed, dues=owed.sum(axis=1)
    ).items():
        trace[:, 0, TRACES.index(name), :2, 0] = values
    trace[:, 0, TRACES.index("alive"), 2] = 1.0
    for name, values in dict(due=2.2, claim_now=2.2, credit_now=2.2, uncovered_share=1.0, pay=paid).items():
        legs[:, 0, tuple(KEPT_LEGS).index(name), :, 0] = values
    kept = dict(cash_in=cash, dues=owed.sum(axis=1), received=paid[::-1], failing=failed, active=failed, wave=cleared.default_round)
    entities[:, 0, tuple(KEPT_ENTITIES).index("wave")] = -1.0
    for name, values in kept.items():
        entities[:, 0, tuple(KEPT_ENTITIES).index(name), :2, 0] = values
    default = np.append(np.where(failed, 0.0, -1.0), -1.0)[:, None]
    wave = np.append(cleared.default_round, -1.0)[:, None] if failed.any() else none
    outputs = dict(default_step=np.stack([default] * worlds), default_round=np.stack([wave] * worlds))
    outputs |= dict(loss=np.zeros((1, n, len(CHANNELS), 1)), **{name: np.zeros((1, 0, 1)) for name in ("deal_loss", "exposure_at_default", "default_loss")})
    outputs |= {name: np.zeros((worlds, 1)) for name in ("outside_loss", "lender_loss")}
    cuts = np.broadcast_to(np.append(-1.0 * failed, 0.0)[None, None, :, None], (worlds, 1, n, 1))
    losses = np.zeros((n, len(CHANNELS), 1))
    losses[:2, CHANNELS.index("credit"), 0] = (owed.sum(axis=1) - paid)[::-1] * failed[::-1]
    return Tile(model, 0, outputs, trace, legs, entities, cuts, np.ones((worlds, 1, 1)), np.zeros((worlds, 1, 0, 1)), (losses,) * worlds)


def test_the_greatest_vector_passes_and_another_fixed_point_does_not():
    """Rogers and Veraart (2013): with default costs both are clearing vectors, and only the descent from full payment tells them apart."""
    assert not [found for found in check_tile(one_step("greatest")) if found.violated]
    assert [found.identity for found in check_tile(one_step("least")) if found.violated] == ["greatest", "waves"]


def test_in_a_world_of_least_clearing_only_the_least_vector_passes():
    """The greatest one has no defaulter, so clearings in which everybody pays are looked at too."""
    assert not [found for found in check_tile(one_step("least", least=1.0)) if found.violated]
    assert [found.identity for found in check_tile(one_step("greatest", least=1.0)) if found.violated] == ["least", "waves"]


# From the run to the report


@pytest.fixture(scope="module")
def checked():
    return simulate.run(SMALL, paths=150, seed=11, check=True, threads=1)


def test_a_checked_run_is_the_same_run(checked):
    plain = simulate.run(SMALL, paths=150, seed=11)
    xr.testing.assert_identical(checked.drop_dims("identity").drop_attrs(deep=False), plain.drop_attrs(deep=False))


def test_a_checked_run_says_what_was_verified_and_where_the_largest_residual_is(checked):
    assert checked["identity"].values.tolist() == list(IDENTITIES)
    assert (checked["identity_residual"] <= checked["identity_tolerance"]).all()
    assert float(checked["identity_residual"].max()) > 0.0, "sums of floating-point numbers are never all exact"
    place = checked.sel(identity="cash")
    assert str(place["identity_world"].values) in ("network", "alone") and str(place["identity_entity"].values) in checked["entity"].values
    assert 0 <= int(place["identity_path"]) < 150 and 0 <= int(place["identity_step"]) < checked.attrs["steps"]


def test_findings_depend_on_neither_threads_nor_blocks_and_a_store_holds_them(checked, tmp_path):
    stored = simulate.run(SMALL, paths=150, seed=11, check=True, threads=2, block_paths=31, out=tmp_path / "a.zarr")
    xr.testing.assert_identical(stored.load().drop_attrs(deep=False), checked.drop_attrs(deep=False))
    for name in (*CHECKS, *CHECK_COORDINATES):
        assert stored[name].attrs["units"] and stored[name].dims == ("identity",), name


def test_what_does_not_hold_ends_the_run_in_one_sentence(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(IDENTITIES, "cash", IDENTITIES["cash"]._replace(tolerance=1e-30))
    where = r"path \d+, world (network|alone), step \d+, entity \w+: the residual is \d\.?\d*e-1\d of .* and may be 1e-30"
    with pytest.raises(IdentityError, match=f"the identity 'cash' does not hold on {where}"):
        simulate.run(SMALL, paths=60, check=True)
    monkeypatch.chdir(tmp_path)
    assert exit_code(["run", str(SMALL), "--paths", "60", "--check", "--out", "a.zarr"]) == 1
    out, err = capsys.readouterr()
    assert out == "" and re.search(where, err.splitlines()[-1]) and "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_an_identity_of_whole_paths_is_placed_without_a_step(monkeypatch):
    monkeypatch.setitem(IDENTITIES, "loss_by_deal", IDENTITIES["loss_by_deal"]._replace(tolerance=-1.0))
    with pytest.raises(IdentityError, match=r"'loss_by_deal' does not hold on path \d+, world network: the residual"):
        simulate.run(SMALL, paths=60, check=True)


def test_the_command_checks_and_reports(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    assert exit_code(["run", str(SMALL), "--paths", "60", "--check", "--out", "a.zarr"]) == 0
    out, _ = capsys.readouterr()
    assert f"Checked: 60 paths, {len(IDENTITIES)} identities" in out and "tolerance" in out
    rows = {line.split()[0]: line.split() for line in out[out.index("Checked:") :].splitlines() if line.startswith(tuple(IDENTITIES))}
    stored = simulate.open_results("a.zarr")
    for name, row in rows.items():
        assert float(row[1]) == pytest.approx(float(stored["identity_residual"].sel(identity=name)), rel=0.1)
        assert float(row[2]) == IDENTITIES[name].tolerance
    assert set(rows) == set(IDENTITIES)
    assert exit_code(["summary", "a.zarr"]) == 0
    assert capsys.readouterr().out == out
    assert exit_code(["run", str(SMALL), "--paths", "60", "--out", "b.zarr"]) == 0
    assert "Checked" not in capsys.readouterr().out


def test_the_page_of_the_model_lists_the_identities():
    page = (Path(__file__).parents[2] / "docs" / "model.md").read_text()
    for name, identity in IDENTITIES.items():
        assert f"| {name} | {identity.title} | {identity.scale} | {identity.tolerance:g} |" in page
