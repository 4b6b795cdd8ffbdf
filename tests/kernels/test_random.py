"""Philox against published vectors and a twin in plain Python; normals against SciPy; a draw depends on its counter alone, in a real scenario too."""

import csv
import functools
import hashlib
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import kolmogorov, ndtri

from simulate.compile.scenario import compile_scenario
from simulate.engine.blocks import run_blocks
from simulate.factors.keys import key_of
from simulate.kernels.random import ONCE, fill_normal, fill_uniform, philox_words, turn_normal
from simulate.scenario.load import load_scenario
from tests.makers.factors import simulate
from tests.makers.results import of_network
from tests.validation import random_numbers
from tests.validation.claims import refuse_false

M32 = 2**32 - 1


def philox_twin(counter, key):
    """Philox4x32-10 in integers of any size (Salmon et al. 2011, section 3.3)."""
    (x0, x1, x2, x3), (k0, k1) = counter, key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * x0, 0xCD9E8D57 * x2
        x0, x1, x2, x3 = (p1 >> 32) ^ x1 ^ k0, p1 & M32, (p0 >> 32) ^ x3 ^ k1, p0 & M32
        k0, k1 = (k0 + 0x9E3779B9) & M32, (k1 + 0xBB67AE85) & M32
    return x0, x1, x2, x3


def uniform_twin(key, step, draw, path):
    x0, x1, _, _ = philox_twin((step, draw, path & M32, path >> 32), [int(word) for word in key])
    return ((x0 << 20 | x1 >> 12) + 0.5) * 2.0**-52


def uniforms(key, step, draw, first, lanes):
    out = np.empty(lanes)
    fill_uniform(key, step, draw, first, out)
    return out


def normals(key, step, draw, first, lanes):
    out = np.empty(lanes)
    fill_normal(key, step, draw, first, out)
    return out


def normals_of(u):
    out = np.array(u, float)
    turn_normal(out, np.empty(out.size, np.int64), np.empty(out.size))
    return out


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((M32,) * 4, (M32,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_known_answers_of_random123(counter, key, words):
    out = np.zeros(4, np.uint32)
    philox_words(np.array(counter, np.uint32), np.array(key, np.uint32), out)
    assert tuple(int(word) for word in out) == words
    assert philox_twin(counter, key) == words


@pytest.mark.nojit
@settings(deadline=None, derandomize=True)  # the first call compiles
@given(st.integers(0, M32), st.integers(0, M32), st.integers(0, 2**63 - 64), st.integers(0, 2**64 - 1))
def test_uniform_is_the_twin(step, draw, first, key):
    words = np.array([key & M32, key >> 32], np.uint32)
    got = uniforms(words, step, draw, first, 9)
    assert [float(u) for u in got] == [uniform_twin(words, step, draw, first + lane) for lane in range(9)]


@pytest.mark.nojit
def test_path_number_carries_into_the_high_word():
    key = key_of(7, "carry")
    assert list(uniforms(key, 3, 1, 2**32 - 4, 8)) == [uniform_twin(key, 3, 1, 2**32 - 4 + lane) for lane in range(8)]


def test_key_is_the_hash_of_seed_and_name():
    digest = hashlib.blake2b(b"0/driver:demand", digest_size=8).digest()
    assert list(key_of(0, "driver:demand")) == [int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:], "little")]
    keys = {tuple(key_of(seed, name)) for seed in (0, 1, 2, 10) for name in ("a", "b", "1/a")}
    assert len(keys) == 12


@pytest.mark.nojit
@pytest.mark.parametrize("fill", [uniforms, normals])
def test_a_draw_depends_on_its_counter_alone(fill):
    key = key_of(1, "order")
    whole = fill(key, 5, 2, 1000, 256)
    for lanes in (1, 8, 64, 100):
        parts = [fill(key, 5, 2, 1000 + first, min(lanes, 256 - first)) for first in reversed(range(0, 256, lanes))]
        assert np.concatenate(parts[::-1]).tobytes() == whole.tobytes()


@pytest.mark.parametrize("other", [dict(step=6), dict(draw=3), dict(first=2000), dict(key=key_of(2, "order")), dict(step=ONCE)])
def test_different_counters_and_keys_are_uncorrelated(other):
    base = dict(key=key_of(1, "order"), step=5, draw=2, first=1000, lanes=40_000)
    base["lanes"] = 1000 if "first" in other else 40_000
    a, b = normals(**base), normals(**base | other)
    assert abs(np.mean(a * b)) * np.sqrt(a.size) < 4.0


def test_normal_is_within_rounding_of_scipy():
    u = uniforms(key_of(0, "precision"), 0, 0, 0, 100_000)
    tails = np.exp(-np.random.default_rng(3).uniform(1.0, 36.7, 50_000))
    edges = [0.075, np.nextafter(0.075, 0), np.nextafter(0.075, 1), 0.925, np.exp(-25), np.nextafter(np.exp(-25), 0), 2.0**-53, 1 - 2.0**-53, 0.3]
    u = np.concatenate([u, tails, 1.0 - tails[tails > 1e-9], edges])
    wanted = ndtri(u)
    np.testing.assert_allclose(normals_of(u), wanted, rtol=2e-15, atol=1e-16)


def test_normal_is_odd_and_zero_in_the_middle():
    u = uniforms(key_of(0, "odd"), 0, 0, 0, 10_000)
    assert (normals_of(1.0 - u) == -normals_of(u)).all()
    assert normals_of([0.5])[0] == 0.0


def test_uniforms_are_uniform_and_never_at_the_ends():
    u = np.sort(uniforms(key_of(0, "uniform"), 1, 0, 0, 100_000))
    assert 0.0 < u[0] and u[-1] < 1.0
    n = u.size
    distance = max(np.max(np.arange(1, n + 1) / n - u), np.max(u - np.arange(n) / n))
    assert kolmogorov(distance * np.sqrt(n)) > 1e-4


def test_normals_have_the_moments_of_normals():
    z = normals(key_of(0, "moments"), 1, 0, 0, 400_000)
    root = np.sqrt(z.size)
    assert abs(z.mean()) * root < 4.0
    assert abs(np.mean(z**2) - 1.0) * root < 4.0 * np.sqrt(2.0)
    assert abs(np.mean(z**3)) * root < 4.0 * np.sqrt(15.0)
    assert abs(np.mean(z**4) - 3.0) * root < 4.0 * np.sqrt(96.0)


@pytest.mark.nojit
def test_rows_turned_together_are_rows_turned_alone():
    key = key_of(4, "rows")
    block = np.stack([uniforms(key, step, 0, 0, 64) for step in range(9)])
    turn_normal(block.reshape(-1), np.empty(block.size, np.int64), np.empty(block.size))
    assert block.tobytes() == np.stack([normals(key, step, 0, 0, 64) for step in range(9)]).tobytes()


def test_random_numbers_are_uniform_and_unrelated():
    """Shares of cells; neighbours in every coordinate of counter and key; collisions; correlations of normals and of their squares."""
    refuse_false(random_numbers.findings())


# ------------------------------------------------------------------------------------------------ what is added moves no draw


CONFIG = Path(__file__).parents[2] / "configs" / "ai_2025.toml"
STRANGER = "aardvark"
OF_PROCESS = {"process_loading": 0.4, "process_sd0": 0.3, "process_sd1": 0.2, "process_sd_tau": 2, "growth_sd": 0.05, "growth_decay": 1, "regime_shift": -0.1}


def first_rows(folder, table, *rows):
    """Put rows above all others of a table, so that the row numbers of all others move."""
    path = folder / "ai_2025" / f"{table}.csv"
    with path.open(newline="", encoding="utf-8") as file:
        head, *old = csv.reader(file)
    new = [[str(row.get(column, "")) for column in head] for row in rows]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *new, *old])


def add_stranger(folder, lab=0, process=True):
    """An entity without deals: the figures of one of the tables, without what its deals owe."""
    with (folder / "ai_2025" / "figures.csv").open(newline="", encoding="utf-8") as file:
        figures = [row | {"entity": STRANGER} for row in csv.DictReader(file) if row["entity"] == "crusoe"]
    for row in figures:
        row["value"] = {"reported_debt": 0.225, "outside_cost": 1.0}.get(row["figure"], row["value"])
    like = figures[0]
    if process:  # whose shocks are its surprises
        figures = [row for row in figures if row["figure"] != "surprise_sd"]
        units = {"process_sd_tau": "years", "growth_decay": "per year", "regime_shift": "per year"}
        figures += [like | {"figure": name, "value": value, "unit": units.get(name, "1"), "year": ""} for name, value in OF_PROCESS.items()]
    first_rows(folder, "figures", *figures)
    entity = {"id": STRANGER, "name": "Aardvark", "type": "neocloud", "role": "inside", "policy": "liquidate", "bridge": "ocf"}
    first_rows(folder, "entities", entity | {"lab": lab, "race": 0, "systemic": 0, "source": "assumption: a stranger"})


def add_deal(folder):
    """A letter of intent between two that are there, in a group of its own."""
    deal = {"id": "A01", "kind": "compute_contract", "payer": "meta", "payee": "coreweave", "amount": 30, "unit": "USD bn", "status": "letter_of_intent"}
    deal |= {"probability": 0.5, "group": "aardvark", "start": "2027-01-01", "end": "2030-12-31", "as_of": "2025-12-31", "known_on": "2025-12-31"}
    first_rows(folder, "deals", deal | {"source": "assumption: a stranger"})
    rows = [{"deal": "A01", "item": "payment", "year": year, "value": 7.5, "unit": "USD bn/year", "source": "assumption"} for year in range(2027, 2031)]
    first_rows(folder, "schedules", *rows)
    first_rows(folder, "terms", {"deal": "A01", "term": "supply", "value": 0, "unit": "1", "source": "assumption: no lab pays"})


def change_factors(folder):
    """Shots where there were few, risky growth where there was less."""
    return {"factors.power_gap.shots_per_year": 2.0, "factors.power_gap.shot_mean": 0.1}


@functools.cache
def compile_changed(change=None):
    """ai_2025 as it is, or a copy that `change` has added to."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        shutil.copytree(CONFIG.parent / "ai_2025", folder / "ai_2025")
        shutil.copy(CONFIG, folder)
        overrides = {"run.discount": "short_rate"} | ((change(folder) if change else None) or {})
        return compile_scenario(load_scenario(folder / "ai_2025.toml", overrides), 7)


def draws_of(compiled, paths=192):
    """Every draw by the name of what it is drawn for: [T, paths] or [paths]."""
    sample = simulate(compiled.model.factors, paths, 64)
    drawn = {name: sample[name] for name in ("rate", "discount", "spread", "log_valuation", "regime", "driver", "power", "shots", "gap", "draw_life")}
    drawn |= {name: sample[name] for name in ("demand", "confidence", "rental")}
    drawn |= {f"ratio of {name}": sample["ratio"][:, row] for row, name in enumerate(compiled.names.processes)}
    drawn |= {f"delivery of {name}": sample["draw_delivery"][row] for row, name in enumerate(compiled.names.processes)}
    return drawn | {f"scale of {name}": sample["draw_scale"][row] for row, name in enumerate(compiled.names.groups)}


def add_lab(folder):
    add_stranger(folder, lab=1)


def add_entity(folder):
    add_stranger(folder, process=False)


def add_process(folder):
    add_stranger(folder)


SHOTS_MOVE = {"shots", "gap", "rental"}
LABS_MOVE = {"demand", "confidence", "rental"}  # demand is the mean of the labs; the draws behind it stay
LABS_MOVE |= {f"ratio of {lab}" for lab in ("openai", "anthropic", "xai")}  # which share a market: a new one takes its part


@pytest.mark.parametrize(
    ("change", "added", "moves"),
    [
        (add_entity, set(), set()),
        (add_process, {f"ratio of {STRANGER}", f"delivery of {STRANGER}"}, set()),
        (add_lab, {f"ratio of {STRANGER}", f"delivery of {STRANGER}"}, LABS_MOVE),
        (add_deal, {"scale of aardvark"}, set()),
        (change_factors, set(), SHOTS_MOVE),
    ],
)
def test_what_is_added_to_a_real_scenario_moves_no_draw(change, added, moves):
    """Bit by bit, by name: rows have moved, draws have not. What should move is said, and does."""
    before, after = draws_of(compile_changed()), draws_of(compile_changed(change))
    assert compile_changed(change).digest != compile_changed().digest
    assert set(after) - set(before) == added and set(before) <= set(after)
    assert {name for name in before if before[name].tobytes() != after[name].tobytes()} == moves


def test_another_seed_moves_every_draw():
    base = compile_changed()
    other = compile_scenario(load_scenario(CONFIG, {"run.discount": "short_rate"}), 8)
    before, after = draws_of(base), draws_of(other)
    certain = {name for name in before if np.ptp(before[name]) == 0.0}
    assert {name for name in before if before[name].tobytes() == after[name].tobytes()} == certain == {"scale of " + base.names.groups[0]}


def test_losses_of_all_others_stay_when_a_stranger_comes():
    """Nobody deals with it, so nobody loses a cent more; only the stopping rule of clearing, a share of all dues, has moved."""
    losses = {}
    for change in (None, add_process):
        compiled = compile_changed(change)
        blocks = {}
        run_blocks(compiled.model, paths=160, on_block=blocks.__setitem__)
        losses[change] = dict(zip(compiled.names.entities, of_network(blocks[0])["loss"], strict=True))
    shared = [name for name in losses[None] if name in losses[add_process]]
    assert len(losses[add_process]) == len(shared) + 1
    # What the stranger owes and spends has outside payees, whose losses are those of their claims on it.
    outside = dict(zip(compile_changed().names.entities, compile_changed().outside, strict=True))
    inside = [name for name in shared if not outside[name]]
    assert max(losses[None][name].max() for name in inside) > 1.0
    for name in inside:
        np.testing.assert_allclose(losses[add_process][name], losses[None][name], rtol=1e-9, atol=1e-9, err_msg=name)
