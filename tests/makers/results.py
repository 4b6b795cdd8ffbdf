"""A made-up result with the schema of a real one: for tests of everything right of the engine."""

from datetime import date
from types import SimpleNamespace

import numpy as np

from simulate.results.dataset import attributes, coordinates, to_dataset
from simulate.scenario.sections import DEFAULT_WORLDS
from simulate.schema import FACTORS, VARIABLES

ENTITIES = ("lab", "cloud", "vendor", "bond_market", "insurer")
OUTSIDE = (False, False, False, True, True)
CHANNELS = ("credit", "contract", "equity", "collateral", "stranded")
DEALS = {
    "T01": ("compute_contract", "lab", "cloud", "capacity for training"),
    "L01": ("bond", "cloud", "bond_market", "senior notes"),
    "S01": ("equity_stake", "vendor", "lab", "a tenth of the lab"),
    "own:cloud": ("own", "cloud", "cloud", "fleet of the cloud"),
}
STEPS, DT, YEARS = 28, 0.25, 7


def compiled(discount: float = 1.0) -> SimpleNamespace:
    """What results takes from compile, and nothing else."""
    names = SimpleNamespace(
        entities=ENTITIES, deals=tuple(DEALS), processes=("lab",), channels=CHANNELS, legs=(), groups=(), worlds=("network", "alone"), detail=("network",)
    )
    model = SimpleNamespace(grid=SimpleNamespace(steps=STEPS, dt=DT), factors=SimpleNamespace(short_rate=SimpleNamespace(discount=discount)))
    return SimpleNamespace(
        deal_classes=("senior", "senior", "", ""),
        model=model,
        names=names,
        outside=OUTSIDE,
        deal_labels=dict(DEALS),
        digest="d" * 64,
        resolved={"name": "made_up", "run": {"steps": STEPS}},
        start=date(2025, 12, 31),
        year_ends=tuple(date(2026 + year, 12, 31) for year in range(YEARS)),
        base_discount=0.96 ** np.arange(1, YEARS + 1),
    )


def of_network(outputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Outputs of the kernels in the first world, and in the first that keeps detail."""
    return {name: values[0] if {"world", "detail"} & set(VARIABLES[name].dims) else values for name, values in outputs.items()}


def coords() -> dict:
    return coordinates(compiled(), DEFAULT_WORLDS)


def attrs(paths: int, block_paths: int, seed: int = 0) -> dict:
    return attributes(scenario="made_up", compiled=compiled(), seed=seed, paths=paths, block_paths=block_paths)


def block(first: int, paths: int) -> dict[str, np.ndarray]:
    """Arrays of paths first .. first + paths - 1, path axis last; a pure function of the path number, as the engine's are."""
    draws = np.stack([np.random.default_rng(path).random(16) for path in range(first, first + paths)], axis=-1)
    n, deals = len(ENTITIES), len(DEALS)
    default = np.full((n, paths), -1, dtype=np.int16)
    alone = default.copy()
    fails = draws[:2] < np.array([[0.3], [0.2]])
    default[:2] = np.where(fails, (draws[2:4] * STEPS).astype(np.int16), -1)
    # Alone: three in five of the same step, one in five later, one in five never; a few fail only alone.
    kind = draws[4:6]
    alone[:2] = np.where(fails, np.where(kind < 0.6, default[:2], np.where(kind < 0.8, np.minimum(default[:2] + 1, STEPS), -1)), np.where(kind > 0.99, 3, -1))
    deal_loss = np.zeros((deals, paths))
    deal_loss[0] = np.where(fails[0], 10.0 * draws[6], 0.0)
    deal_loss[1] = np.where(fails[1], 40.0 * draws[7], 0.0)
    deal_loss[2] = np.where(fails[0], 5.0, 0.0)
    deal_loss[3] = np.where(fails[1], 3.0 * draws[8], 0.0)
    loss = np.zeros((n, len(CHANNELS), paths))
    loss[1, 1], loss[3, 0], loss[2, 2], loss[1, 4] = deal_loss
    system = np.stack([deal_loss[1] + 0.5 * deal_loss[2], 0.7 * deal_loss[1]])
    factor = np.zeros((len(FACTORS), paths))
    factor[list(FACTORS).index("gpu_life")] = np.where(draws[10] < 0.5, 3.0, 6.0)
    written, through = np.zeros((2, n, paths)), np.zeros((2, n, paths))
    written[:, 0], through[0, 1] = np.where(fails[0], 5.0, 0.0), 0.5 * deal_loss[0]
    system[0] += through[0, 1]
    lender, owner = np.stack([deal_loss[1], 0.7 * deal_loss[1]]), through.sum(axis=1)
    return {
        "system_loss_at_mark": 1.5 * system,
        "lender_loss": lender,
        "owner_loss": owner,
        "outside_loss": system - owner,
        "failure_equity": np.where(np.stack([default, alone]) >= 0, 20.0 * draws[9] - 5.0, 0.0),
        "failure_short": np.where(np.stack([default, alone]) >= 0, 3.0 * draws[10], 0.0),
        "caused": np.stack([np.zeros((n, paths))] * 2),
        "written_off": written,
        "marked_off": 2.0 * written,
        "borne_through": through,
        "loss": loss[None],
        "deal_loss": deal_loss[None],
        "exposure_at_default": (np.array([[1.25], [2.0], [0.0], [0.0]]) * deal_loss)[None],
        "default_loss": (np.array([[1.0], [1.0], [0.0], [0.0]]) * deal_loss)[None],
        "granted": np.zeros((2, paths)),
        "loss_by_year": by_year(loss[:, :4].sum(axis=1), draws[12])[None],
        "system_loss": system,
        "system_loss_by_year": np.stack([by_year(one[None], draws[12])[:, 0] for one in system]),
        "default_step": np.stack([default, alone]),
        "default_round": np.where(np.stack([default, alone]) >= 0, 0, -1),
        "steps_shut": np.tile(np.where(fails[0], 4, 0) + (draws[9] * 3).astype(int), (2, 1)),
        "interest_paid": 10.0 * draws[13:15],
        "stranded_gw_years": 5.0 * draws[14:16],
        "unconverged": np.zeros((2, paths)),
        "log_weight": np.zeros(paths),
        "factor_summary": factor,
        "delivery": draws[11:12],
        "mark_change": np.zeros((2, n, paths)),
        "revenue_final": 100.0 * draws[12:13],
    }


def by_year(amounts: np.ndarray, when: np.ndarray) -> np.ndarray:
    """[years, n, paths] the amounts [n, paths], each in one year."""
    return (np.arange(YEARS)[:, None, None] == (when * YEARS).astype(int)) * amounts


def dataset(paths: int = 400, block_paths: int = 150):
    """A whole result in memory."""
    blocks = {first: block(first, min(block_paths, paths - first)) for first in range(0, paths, block_paths)}
    return to_dataset(coords(), attrs(paths, block_paths), blocks)
