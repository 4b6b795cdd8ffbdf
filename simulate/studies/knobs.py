"""Dead knobs: parameters that move no result, bit for bit, when they are moved.

They stand in `knobs.csv` beside the tables, each with the value to try. A knob may be dead here and alive in another network.
"""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulate import risk
from simulate.compile.idle import is_idle
from simulate.compile.scenario import compile_scenario
from simulate.engine import simulation
from simulate.errors import InputError, refuse_if_any
from simulate.network.tables import need_text, read_table
from simulate.scenario.changes import find_changes
from simulate.scenario.load import Scenario, load_scenario

if TYPE_CHECKING:
    import xarray as xr

KNOBS = "knobs.csv"
COLUMNS = ("key", "value", "note")
PATHS = 1000


class Knob(NamedTuple):
    """What a changed parameter moves."""

    key: str
    was: str
    value: str
    note: str
    in_model: bool  # a row of the model is another one
    moved: int  # variables of the result that differ in some bit
    of: int  # variables of the result
    defaults: float  # share of paths on which somebody fails, or fails at another time

    @property
    def is_dead(self) -> bool:
        """True if no result moves."""
        return self.moved == 0


def read_knobs(scenario: Scenario) -> list[tuple[str, str, str]]:
    """Read key, value and note of the knobs beside the tables; none where there is no such file. Raises InputError with all faults, wrong keys and values among them."""
    path = scenario.beside(KNOBS)
    if path is None:
        return []
    problems: list[str] = []
    found = []
    for row in read_table(path, COLUMNS, ("key",), problems) or ():
        before = len(problems)
        for column in ("key", "value"):
            need_text(row, column, problems)
        if len(problems) > before:
            continue
        try:
            load_scenario(scenario.source, [f"{row['key']}={row['value']}"])
        except InputError as error:
            problems.extend(f"{row.place}: {sentence}" for sentence in error.sentences)
        found.append((row["key"], row["value"], row["note"]))
    refuse_if_any(problems)
    return found


def measure_knobs(source: str | Path, *, seed: int, threads: int | None, paths: int = PATHS) -> list[Knob]:
    """Return what each knob moves, each by itself, on the same draws."""
    scenario = load_scenario(source)
    knobs = read_knobs(scenario)
    base = simulation.run(scenario, paths=paths, seed=seed, threads=threads) if knobs else None
    return [measure_knob(source, base, *knob, threads=threads) for knob in knobs if base is not None]


def measure_knob(source: str | Path, base: "xr.Dataset", key: str, value: str, note: str, *, threads: int | None) -> Knob:
    """Return what a knob moves against the result of the unchanged scenario."""
    names, seed = list(base.data_vars), int(base.attrs["seed"])
    scenario, changed = load_scenario(source), load_scenario(source, [f"{key}={value}"])
    was = ", ".join(str(change.before) for change in find_changes(scenario.resolved(seed), changed.resolved(seed)))
    if is_idle(changed, key, seed, compile_scenario(changed, seed).model):
        return Knob(key, was, value, note, False, 0, len(names), 0.0)
    result = simulation.run(changed, paths=base.sizes["path"], seed=seed, threads=threads)
    moved = sum(not same_bits(result[name].values, base[name].values) for name in names)
    steps = (risk.in_world(dataset, "default_step", "network").values for dataset in (result, base))
    return Knob(key, was, value, note, True, moved, len(names), float((next(steps) != next(steps)).any(axis=1).mean()))


def same_bits(one: np.ndarray, other: np.ndarray) -> bool:
    """True for arrays of the same shape and the same bits, so that a value that is no number equals itself."""
    return one.shape == other.shape and one.tobytes() == other.tobytes()
