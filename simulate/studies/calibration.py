"""Measure whether a scenario is credible: the plan run, default probabilities against bands, and signs as paired differences on the same draws.

Every figure here is measured by running the scenario; `simulate.report.calibration` writes the page.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulate import risk
from simulate.calendar import Calendar
from simulate.compile.scenario import Compiled, compile_scenario
from simulate.deals.gpu_loan import GPU_LOAN
from simulate.engine import simulation
from simulate.engine.blocks import Workspace
from simulate.errors import refuse_if_any
from simulate.model import Array
from simulate.network.tables import need_entity, need_text, read_number, read_table
from simulate.scenario.load import Scenario, load_scenario
from simulate.step.watch import TRACES
from simulate.studies.market import MARKET, SWAP_YEARS, WIDE, Quote

if TYPE_CHECKING:
    import xarray as xr

# No shock of any kind; trends that plans contain (the power gap apart) stay.
PLAN_MET: dict[str, Any] = {
    "factors.delivery.fixed": 1,
    "factors.revenue.volatility_scale": 0,
    "factors.revenue.regime_scale": 0,
    "factors.revenue.momentum_scale": 0,
    "factors.regime.hazard_in": 0,
    "factors.valuation.volatility": 0,
    "factors.power_gap.scale": 0,
    "factors.power_gap.volatility": 0,
    "factors.power_gap.shots_per_year": 0,
    "factors.rental.volatility": 0,
    "factors.spread.volatility": 0,
    "factors.firms.volatility_scale": 0,
    "factors.short_rate.volatility": 0,
}
BANDS = "bands.csv"  # beside the tables of the scenario
BY_RULE = {True: f"1/{WIDE:g} to {WIDE:g} times the real-world probability of its swap", False: f"0 to {WIDE:g} times the history of its rating"}
TRACED_TILES = 64
LANES = 32


class PlanLine(NamedTuple):
    """Free cash flow of one entity when the plan is met, USD bn a year, by calendar year."""

    entity: str
    years: tuple[int, ...]
    simulated: Array
    planned: Array


class Band(NamedTuple):
    """Bounds of a default probability."""

    entity: str
    horizon: float  # years
    low: float
    high: float
    source: str


class Sign(NamedTuple):
    """A paired difference, changed less base, on the same draws."""

    name: str
    change: str
    unit: str
    mean: float
    error: float
    paths: int

    @property
    def z(self) -> float:
        """Mean over its standard error; 0 without an error."""
        return self.mean / self.error if self.error > 0 else 0.0


class Revenue(NamedTuple):
    """External revenue of the entities with a process in a traced sample, USD bn a year."""

    years: tuple[int, ...]
    paths: int
    mean: dict[str, Array]  # by year; revenue of the living in the network
    planned: dict[str, Array]


class Resolution(NamedTuple):
    """Outcomes of defaults in the traced sample."""

    entity: str
    failed: int  # paths
    restructured_twice: float  # share of them
    liquidated: float  # share of them, by the end of the run


def longest_life(scenario: Scenario) -> list[float]:
    """Return weights that put all belief on the longest life."""
    values = scenario.factors.life.values
    return one_hot(len(values), int(np.argmax(values)))


def one_hot(count: int, chosen: int) -> list[float]:
    """Return `count` weights, 1 for the chosen one and 0 for the others."""
    return [1.0 if k == chosen else 0.0 for k in range(count)]


def run_plan(source: str | Path) -> list[PlanLine]:
    """Return the free cash flow of every inside entity on the path on which the plan is met, against the plan.

    Simulated: revenue and operating receipts less operating payments, interest and capex, as paid (`free_cash_flow` of the trace). Planned: plan_fcf, or
    plan_ocf less plan_capex, as in the tables; for plans of margins and for vehicles the bridge's own EBITDA less interest less capex. Letters of intent are
    not executed.
    """
    base = load_scenario(source)
    scenario = load_scenario(source, PLAN_MET | {"factors.life.weights": longest_life(base)})
    compiled = compile_scenario(scenario, scenario.run.seed)
    factors = compiled.model.factors
    execution = factors.execution
    never = execution._replace(threshold=np.where(np.arange(execution.threshold.size) > 0, np.inf, execution.threshold))
    model = compiled.model._replace(factors=factors._replace(execution=never))
    flows = Workspace(model, 1).trace(0)[0, :, TRACES.index("free_cash_flow"), :, 0]
    calendar = scenario.run.calendar
    lines = []
    for i, (entity, plan) in enumerate(zip(scenario.network.entities, compiled.plans, strict=True)):
        if entity.outside:
            continue
        plans, planned = entity.plans, yearly(calendar, plan.fcf)
        if entity.bridge == "fcf":
            planned = np.array([plans["plan_fcf"].get(year, 0.0) for year in calendar.years])
        elif entity.bridge == "ocf":
            planned = np.array([plans["plan_ocf"].get(year, 0.0) - plans.get("plan_capex", {}).get(year, 0.0) for year in calendar.years])
        lines.append(PlanLine(entity.id, tuple(calendar.years), yearly(calendar, flows[:, i]), planned))
    return lines


def yearly(calendar: Calendar, amounts: Array) -> Array:
    """Return totals by calendar year of amounts [T, ...]."""
    years = calendar.year_of_step()
    return np.array([amounts[years == year].sum(axis=0) for year in calendar.years])


def read_bands(scenario: Scenario, market: Mapping[str, Quote]) -> list[Band]:
    """Return the bands that swaps and ratings give, then those of `bands.csv` beside the tables, for who has neither. Raises InputError with all faults of it."""
    length = scenario.run.steps * scenario.run.calendar.dt
    found = [Band(quote.entity, SWAP_YEARS, *quote.band, BY_RULE[quote.swap is not None]) for quote in market.values() if length >= SWAP_YEARS]
    path = scenario.beside(BANDS)
    if path is None:
        return found
    problems: list[str] = []
    inside = [entity.id for entity in scenario.network.entities if not entity.outside]
    for row in read_table(path, Band._fields, ("entity",), problems) or ():
        before = len(problems)
        need_entity(row, "entity", inside, problems)
        need_text(row, "source", problems)
        horizon = read_number(row, "horizon", problems, high=length)
        low, high = (read_number(row, name, problems, high=1.0) for name in ("low", "high"))
        if low is not None and high is not None and low > high:
            problems.append(f"{row.place}: low is {low:g} and high is {high:g}; exchange them.")
        if row["entity"] in market:
            problems.append(f"{row.place}: {MARKET} gives '{row['entity']}' a band by rule; keep one of them.")
        if len(problems) == before and horizon is not None and low is not None and high is not None:
            found.append(Band(row["entity"], horizon, low, high, row["source"]))
    refuse_if_any(problems)
    return found


def measure_signs(source: str | Path, base: "xr.Dataset", *, paths: int, seed: int, threads: int | None) -> list[Sign]:
    """Return differences of which theory knows the sign, path by path on the same draws; `base` is the result of the unchanged scenario."""
    scenario = load_scenario(source)
    lives = scenario.factors.life.values

    def run(overrides: Mapping[str, Any]) -> "xr.Dataset":
        return simulation.run(load_scenario(source, overrides), paths=paths, seed=seed, threads=threads)

    def with_life(chosen: int) -> "xr.Dataset":
        return run({"factors.life.weights": one_hot(len(lives), chosen)})

    def gpu_losses(dataset: "xr.Dataset") -> Array:
        of_kind = np.flatnonzero(dataset["deal_kind"].values == GPU_LOAN.name)
        return risk.in_world(dataset, "deal_loss", "network").isel(deal=of_kind).sum("deal", dtype=np.float64).values

    def summary(name: str) -> Callable[["xr.Dataset"], Array]:
        return lambda dataset: risk.in_world(dataset, name, "network").values.astype(np.float64)

    def defaults(dataset: "xr.Dataset", world: str) -> Array:
        return (risk.in_world(dataset, "default_step", world).values >= 0).sum(axis=1).astype(np.float64)

    short, long = int(np.argmin(lives)), int(np.argmax(lives))
    gap, shift = scenario.factors.power_gap.scale, scenario.factors.short_rate.shift
    return [
        difference("losses on GPU loans", f"life {lives[short]:g} against {lives[long]:g} years", "USD bn", gpu_losses(with_life(short)), gpu_losses(with_life(long))),
        difference("interest paid", "short rate + 300 bp", "USD bn", summary("interest_paid")(run({"factors.short_rate.shift": shift + 0.03})), summary("interest_paid")(base)),
        difference(
            "stranded capacity", "power gap doubled", "GW years",
            summary("stranded_gw_years")(run({"factors.power_gap.scale": 2 * gap})), summary("stranded_gw_years")(base),
        ),
        difference("defaults a path", "contagion on against off", "defaults", defaults(base, "network"), defaults(base, "alone")),
    ]  # fmt: skip


def difference(name: str, change: str, unit: str, changed: Array, base: Array) -> Sign:
    """Return mean and standard error of changed - base over paths."""
    delta = changed - base
    return Sign(name, change, unit, float(delta.mean()), float(delta.std(ddof=1) / np.sqrt(delta.size)), delta.size)


def check_band(dataset: "xr.Dataset", band: Band) -> tuple[float, float, float, float]:
    """Return the default probability within the band's horizon: value, standard error and 95 % interval."""
    chance = risk.default_probability(dataset, horizons=(band.horizon,)).sel(entity=band.entity).isel(horizon=0)
    value, error, low, high = (float(chance[f"default_probability{part}"]) for part in ("", "_error", "_low", "_high"))
    return value, error, low, high


def trace_sample(compiled: Compiled, scenario: Scenario, tiles: int = TRACED_TILES) -> tuple[Revenue, list[Resolution]]:
    """Return mean revenue by year and outcomes of defaults, on the first tiles x 32 paths, in the network."""
    workspace, model, names = Workspace(compiled.model, LANES), compiled.model, compiled.names
    calendar = scenario.run.calendar
    earning = [i for i in range(model.grid.entities) if model.entities.revenue_process[i] >= 0]
    revenue = np.zeros((len(calendar.years), len(earning)))
    failed, twice, gone = (np.zeros(model.grid.entities, int) for _ in range(3))
    for tile in range(tiles):
        trace = workspace.trace(tile * LANES)[0]
        revenue += yearly(calendar, trace[:, TRACES.index("revenue")].mean(axis=2))[:, earning] / tiles
        network = workspace.worlds[0]
        happened = network.default_step >= 0
        failed += happened.sum(axis=1)
        twice += (happened & (network.restructured >= 2)).sum(axis=1)
        gone += (happened & (network.alive == 0)).sum(axis=1)
    planned = yearly(calendar, model.entities.rev_ext[earning].T)
    path = Revenue(
        tuple(calendar.years),
        tiles * LANES,
        {names.entities[i]: revenue[:, k] for k, i in enumerate(earning)},
        {names.entities[i]: planned[:, k] for k, i in enumerate(earning)},
    )
    return path, [Resolution(names.entities[i], int(failed[i]), twice[i] / failed[i], gone[i] / failed[i]) for i in np.flatnonzero(failed)]
