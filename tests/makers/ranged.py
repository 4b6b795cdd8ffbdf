"""Studies of ranges: a scenario of the small network with uncertain parameters, and a study by hand of which the answer is known."""

import json
from pathlib import Path

import numpy as np
import xarray as xr

from simulate.risk.ranges import MEASURES
from tests.makers.small import copy_small

SETS = 400
LAWS = {
    "rules.transfer": 'law = "uniform", low = 0.2, high = 0.8',
    "figures.*.cash": 'law = "pert", low = 1, mode = 2, high = 40',
    "factors.life.weights.0": 'law = "triangular", low = 0.1, mode = 0.35, high = 0.7',
    "factors.regime.hazard_in": 'law = "lognormal", median = 0.12, sd = 0.4',
}


def ranged_small(folder: Path, laws: dict[str, str] = LAWS) -> Path:
    """A copy of the small network whose scenario has uncertain parameters."""
    small = copy_small(folder)
    lines = "".join(f'"{key}" = {{ {law}, source = "assumption: test" }}\n' for key, law in laws.items())
    small.write_text(f"{small.read_text()}\n[uncertain]\n{lines}")
    return small


def study(columns: dict[str, np.ndarray], levels: np.ndarray, noise: float = 0.0) -> xr.Dataset:
    """A study with these measures by set; measures that are not given are 0, and default probabilities are of two entities. Parameters are a, b, c, ..."""
    sets, count = levels.shape
    data = {"level": (("set", "parameter"), levels), "value": (("set", "parameter"), 10 * levels)}
    for name in MEASURES:
        dims, unit = (("entity",), "1") if name == "default_probability" else ((), "USD bn")
        values = columns.get(name, np.zeros((sets, 2) if dims else sets))
        data[name] = (("set", *dims), values, {"units": unit})
        for end, value in (("error", 0.1), ("base", 0.25), ("base_error", 0.01), ("noise", noise)):
            first = ("set",) if end == "error" else ()
            data[f"{name}_{end}"] = ((*first, *dims), np.full([sets] * len(first) + [2] * len(dims), value), {"units": unit})
    names = [chr(ord("a") + k) for k in range(count)]
    coords = {"parameter": names, "law": ("parameter", ["uniform(0, 10)"] * count), "base": ("parameter", [5.0] * count), "entity": ["lab", "cloud"]}
    attrs = {"scenario": "made_up", "seed": 1, "sets": sets, "sets_refused": 0, "refusals": "[]", "held": "[]", "paths": 1000, "years": 7.0, "horizon": 5.0}
    return xr.Dataset(data, coords=coords, attrs=attrs | {"money_unit": "USD bn", "library": "simulate"})


def with_refusals(one: xr.Dataset) -> xr.Dataset:
    return one.assign_attrs(sets_refused=2, refusals=json.dumps(["figures.csv: 'lab': no plan."]), held=json.dumps(["rules.alpha"]))
