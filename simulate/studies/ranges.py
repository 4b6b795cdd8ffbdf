"""Draw the uncertain parameters of a scenario, run every set of them on the same paths, and keep the headline measures of each (docs/model.md, section 8).

`simulate.risk.ranges` reads what a study returns: ranges of the measures, and what they hang on.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulate import risk
from simulate.compile.idle import same_rows
from simulate.compile.scenario import compile_scenario
from simulate.engine.blocks import BLOCK_PATHS, TILE_LANES, Workspace, split_paths
from simulate.engine.needs import available_cores, faults
from simulate.engine.progress import Report, show_progress
from simulate.engine.simulation import compiling
from simulate.engine.threads import run_on_threads
from simulate.errors import InputError, grouped, listed, refuse_if_any
from simulate.factors.keys import key_of
from simulate.model import Array, Model
from simulate.risk.contributions import TAIL_LEVEL
from simulate.risk.defaults import STANDARD
from simulate.scenario.keys import cells_by_table, moves_of, numbers_of
from simulate.scenario.load import Scenario, load_moved, load_scenario
from simulate.scenario.uncertain import Uncertain

if TYPE_CHECKING:
    import xarray as xr

SETS = 200
PATHS = 4000  # of a set; all sets have the same
MOST_SETS = 100_000
MOST_PATHS = 1_000_000  # of a set, whose influence functions are kept until their turn
LEAST_BEYOND = 10  # sets beyond one a parameter, so that the regression leaves something to err by
MOST_REFUSED = 0.05  # share of sets
SHOWN = 3  # of the sentences about them
WORLD = "network"
EASY = 0.9  # quantile at which a key must move the model


class Sample(NamedTuple):
    """What is kept of the paths of a set."""

    loss: Array  # [P] system loss, USD bn
    lenders: Array  # [P] loss of outside lenders, USD bn
    defaulted: Array  # [E, P] 1 where an inside entity fails within the horizon, else 0
    weights: Array  # [P], sum 1


class Measured(NamedTuple):
    """The measures of a set: expected loss, VaR, ES, loss of lenders, and the default probability of every inside entity [4 + E]."""

    values: Array
    errors: Array
    influence: Array  # [4 + E, P]; the squares times those of the weights sum to the squared errors
    refused: tuple[str, ...] = ()  # why the set cannot be run, and nothing else of it


class Plan(NamedTuple):
    """What a study runs."""

    scenario: Scenario  # with the world of the answer alone
    laws: dict[str, Uncertain]  # that are drawn
    held: tuple[str, ...]  # keys that the caller has set, so that they stay
    sets: int
    paths: int
    seed: int
    steps: int  # of the horizon of defaults


def ranges(
    source: Scenario | str | Path, *, sets: int = SETS, paths: int = PATHS, seed: int | None = None, threads: int | None = None, progress: bool = False
) -> "xr.Dataset":
    """Run a scenario with many sets of its uncertain parameters and return their values and measures. Dims set, parameter, entity (inside ones).

    sets: a Latin hypercube of so many. paths: of each set, the same draws in all. seed: of the paths and of the sets; that of the scenario unless given.
    The result does not depend on threads. A key that was set on the command line or by `load_scenario` is not drawn (attribute `held`).

    value: what each parameter is in the set, in its unit; level: its quantile. Each measure has NAME [set], its standard error NAME_error, NAME_base and
    NAME_base_error of the scenario as it stands on the same paths, and NAME_noise: the standard error of a set's difference to the mean of all sets.
    Raises InputError for a scenario without uncertain parameters, for a parameter without effect, and where more than a few per cent of the sets
    contradict themselves; the others are left out (attributes `sets_refused` and `refusals`).
    """
    refuse_if_any(faults(paths, seed, threads, 1))
    plan = plan_study(source if isinstance(source, Scenario) else load_scenario(source), sets=sets, paths=paths, seed=seed)
    levels = latin_hypercube(tuple(plan.laws), plan.sets, plan.seed)
    values = np.stack([law.quantile(levels[:, k]) for k, law in enumerate(plan.laws.values())], axis=1)
    base_model = compile_scenario(plan.scenario, plan.seed).model
    refuse_idle(plan, base_model)
    wait = compiling()
    reporting = show_progress((plan.sets + 1) * paths, first=wait) if progress else nullcontext(lambda done: None)
    with reporting as report:
        base = measure_model(base_model, plan, Event())
        found, noise = run_sets(plan, values, threads or available_cores(), report)
    kept = np.array([k for k, one in enumerate(found) if not one.refused], int)
    refused = [sentence for one in found for sentence in one.refused[:1]]
    refuse_contradictions(refused, len(found))
    return to_dataset(plan, levels[kept], values[kept], [found[k] for k in kept], base, noise, refused)


def plan_study(scenario: Scenario, *, sets: int = SETS, paths: int = PATHS, seed: int | None = None) -> Plan:
    """Return what is drawn and what is held. Raises InputError where nothing is uncertain, or the sets are too few to tell parameters apart."""
    if not scenario.uncertain:
        raise InputError(
            [
                f"{scenario.name}: no parameter is uncertain; name some in the section [uncertain], such as "
                '"rules.transfer" = { law = "uniform", low = 0.2, high = 0.8, source = "..." }.'
            ]
        )
    tables = cells_by_table(scenario.network)
    moved = {key: {number.target for number in numbers_of(key, scenario, tables)} for key in scenario.uncertain}
    held = tuple(key for key, targets in moved.items() if any(is_set(target, scenario.overrides) for target in targets))
    laws = {key: law for key, law in scenario.uncertain.items() if key not in held}
    if not laws:
        raise InputError([f"{scenario.name}: every uncertain parameter is set, so none is drawn; leave out one of {listed(held)}."])
    least = len(laws) + LEAST_BEYOND
    if not (isinstance(sets, int | np.integer) and not isinstance(sets, bool) and least <= sets <= MOST_SETS):
        raise InputError([f"sets = {sets!r} is wrong: with {len(laws)} parameters it must be a whole number from {least} to {MOST_SETS:,}."])
    if paths > MOST_PATHS:
        raise InputError([f"paths = {paths:,} is too large for a set of parameters; give at most {MOST_PATHS:,}, and more sets."])
    calendar = scenario.run.calendar
    horizon = min(STANDARD, calendar.steps * calendar.dt)
    alone = scenario.model_copy(update={"worlds": {WORLD: scenario.worlds[WORLD]}})
    seed = scenario.run.seed if seed is None else int(seed)
    return Plan(alone, laws, held, int(sets), paths, seed, int(np.floor(horizon / calendar.dt + 1e-9)))


def is_set(target: str, overrides: Mapping[str, Any]) -> bool:
    """True where overrides set a key, a section around it or a part of it."""
    return any(f"{one}.".startswith(f"{other}.") for key in overrides for one, other in ((target, key), (key, target)))


def latin_hypercube(names: tuple[str, ...], sets: int, seed: int) -> Array:
    """Return levels in (0, 1) [sets, names]: each column has one draw in every interval of width 1/sets (McKay, Beckman and Conover 1979).

    A column is a function of seed, name and number of sets alone, so that a further parameter leaves the others as they were.
    """
    columns = []
    for name in names:
        dice = np.random.Generator(np.random.Philox(key=key_of(seed, f"uncertain:{name}").astype(np.uint64)))
        columns.append((dice.permutation(sets) + dice.uniform(1e-9, 1.0 - 1e-9, sets)) / sets)
    return np.stack(columns, axis=1)


def move(plan: Plan, values: Mapping[str, float]) -> Model:
    """Return the model of the scenario with keys moved. Raises InputError."""
    scenario = load_moved(plan.scenario, moves_of(values, plan.scenario, plan.scenario.network))
    return compile_scenario(scenario.model_copy(update={"worlds": plan.scenario.worlds}), plan.seed).model


def refuse_idle(plan: Plan, base: Model) -> None:
    """Raise InputError for every parameter that changes nothing in the model."""
    problems = []
    for key, law in plan.laws.items():
        try:
            idle = same_rows(move(plan, {key: float(law.quantile(np.array(EASY)))}), base)
        except InputError:
            continue  # with the others it may fit, and if not its sets are counted
        if idle:
            problems.append(f'uncertain."{key}": has no effect here: no row of this network reads it; drop it, or name what does.')
    refuse_if_any(problems)


def run_sets(plan: Plan, values: Array, threads: int, report: Report) -> tuple[list[Measured], Array]:
    """Run all sets [sets, parameters], a set a thread at a time; return their measures, and the root mean squared error of a set less the mean of all [4 + E]."""
    found: list[Measured | None] = [None] * len(values)
    waiting: dict[int, Measured] = {}
    total: Array | None = None
    due, kept, done = 0, 0, plan.paths
    stop = Event()

    def work(number: int) -> tuple[int, Measured]:
        try:
            model = move(plan, dict(zip(plan.laws, values[number].tolist(), strict=True)))
        except InputError as error:
            return number, Measured(np.zeros(0), np.zeros(0), np.zeros((0, 0)), error.sentences)
        return number, measure_model(model, plan, stop)

    def keep(result: tuple[int, Measured]) -> None:
        nonlocal total, due, kept, done
        waiting[result[0]] = result[1]
        done += plan.paths
        report(done)
        while due in waiting:  # sums in the order of the sets, so that threads change no bit
            one = waiting.pop(due)
            if not one.refused:
                total = one.influence if total is None else total + one.influence
                kept += 1
            found[due] = one._replace(influence=np.zeros((0, 0)))
            due += 1

    run_on_threads([work] * max(1, min(threads, len(values))), range(len(values)), keep, stop)
    measured = [one for one in found if one is not None]
    if total is None:
        return measured, np.zeros(0)
    return measured, noise_of(np.stack([one.errors for one in measured if not one.refused]), total / kept)


def noise_of(errors: Array, mean_influence: Array) -> Array:
    """Return the root mean squared error of a set less the mean over sets [K], from the errors [sets, K] and the mean of the influence functions [K, P].

    On the same draws sets err alike, and what they have in common moves all of them and not their spread: the mean squared error of the differences is
    that of the sets less that of their mean (8.7).
    """
    common = np.square(mean_influence).sum(axis=1) / mean_influence.shape[1] ** 2
    return np.asarray(np.sqrt(np.maximum(0.0, np.square(errors).mean(axis=0) - common)))


def refuse_contradictions(refused: list[str], sets: int) -> None:
    """Raise InputError where too many sets contradict themselves."""
    if len(refused) > MOST_REFUSED * sets:
        told = grouped(dict.fromkeys(refused))[:SHOWN]
        raise InputError(
            [f"{len(refused)} of {sets} sets of parameters cannot be run, and that is more than {100 * MOST_REFUSED:g} %; narrow the ranges:", *told]
        )


def measure_model(model: Model, plan: Plan, stop: Event) -> Measured:
    """Run the paths of a model with one world and return its measures."""
    workspace, parts = Workspace(model, TILE_LANES, stop), []
    inside = [i for i, entity in enumerate(plan.scenario.network.entities) if not entity.outside]
    for block in split_paths(plan.paths, BLOCK_PATHS):
        out = workspace.run(block)
        steps = out["default_step"][0, inside]
        parts.append((out["system_loss"][0], out["lender_loss"][0], (steps >= 0) & (steps < plan.steps), out["log_weight"]))
    loss, lenders, defaulted, log_weight = (np.concatenate(rows, axis=-1) for rows in zip(*parts, strict=True))
    weights = np.exp(log_weight - log_weight.max())
    return measure(Sample(loss.astype(np.float64), lenders.astype(np.float64), defaulted.astype(np.float64), weights / weights.sum()))


def measure(sample: Sample) -> Measured:
    """Return the measures of a sample, their errors and influence functions (8.6)."""
    weights, level = sample.weights, TAIL_LEVEL
    quantile = risk.value_at_risk(sample.loss, weights, level)
    shortfall = risk.expected_shortfall(sample.loss, weights, level)
    averages = [risk.mean(values, weights) for values in (sample.loss, sample.lenders)]
    chances = [risk.proportion(row, weights) for row in sample.defaulted]
    estimates = [averages[0], quantile, shortfall, averages[1], *chances]
    beyond = (sample.loss > quantile.value) - (1.0 - level)
    directions = np.stack(
        [
            sample.loss - averages[0].value,
            beyond,
            np.maximum(0.0, sample.loss - quantile.value) / (1.0 - level) + quantile.value - shortfall.value,
            sample.lenders - averages[1].value,
            *(row - chance.value for row, chance in zip(sample.defaulted, chances, strict=True)),
        ]
    )
    values, errors = (np.array([float(getattr(one, name)) for one in estimates]) for name in ("value", "standard_error"))
    return Measured(values, errors, scaled(directions, errors, weights))


def scaled(directions: Array, errors: Array, weights: Array) -> Array:
    """Return rows [K, P] times P w, scaled so that their squares sum to P^2 times the squared errors [K]."""
    rows = directions * weights
    sizes = np.sqrt(np.square(rows).sum(axis=1))
    return rows * (weights.size * np.divide(errors, sizes, out=np.zeros_like(errors), where=sizes > 0.0))[:, None]


def to_dataset(plan: Plan, levels: Array, values: Array, found: list[Measured], base: Measured, noise: Array, refused: list[str]) -> "xr.Dataset":
    """Return a study as a Dataset."""
    import xarray as xr

    scenario, tables = plan.scenario, cells_by_table(plan.scenario.network)
    about = {"level": ("1", "Quantile of the parameter in the set"), "value": ("unit of the key", "Value of the parameter in the set")}
    data: dict[str, Any] = {name: (("set", "parameter"), one, about_of(*about[name])) for name, one in (("level", levels), ("value", values))}
    all_values, all_errors = (np.stack([getattr(one, name) for one in found]) for name in ("values", "errors"))
    for name, unit, text, at in measures():
        dims = ("entity",) if isinstance(at, slice) else ()
        sources: dict[str, tuple[Array, tuple[str, ...], str]] = {"": (all_values, ("set",), ""), "_error": (all_errors, ("set",), "standard error of ")}
        sources |= {"_base": (base.values, (), "base of "), "_base_error": (base.errors, (), "standard error of the base of ")}
        sources |= {"_noise": (noise, (), "standard error of a set less the mean of all sets, of ")}
        data |= {name + end: ((*first, *dims), rows[..., at], about_of(unit, words + text)) for end, (rows, first, words) in sources.items()}
    bases = [{number.value for number in numbers_of(key, scenario, tables)} for key in plan.laws]
    coords = {
        "parameter": ("parameter", np.array(list(plan.laws), object), about_of("1", "Key of [uncertain]")),
        "law": ("parameter", np.array([str(law) for law in plan.laws.values()], object), about_of("1", "Law of the parameter")),
        "base": ("parameter", np.array([one.pop() if len(one) == 1 else np.nan for one in bases]), about_of("unit of the key", "Value in the scenario")),
        "entity": ("entity", np.array([e.id for e in scenario.network.entities if not e.outside], object), about_of("1", "Id of an inside entity")),
    }
    run = scenario.run
    attrs = {
        "library": "simulate",
        "scenario": scenario.name,
        "seed": plan.seed,
        "sets": len(levels),
        "sets_refused": len(refused),
        "refusals": json.dumps(grouped(dict.fromkeys(refused))),
        "held": json.dumps(plan.held),
        "paths": plan.paths,
        "years": run.calendar.steps * run.calendar.dt,
        "horizon": plan.steps * run.calendar.dt,
        "money_unit": "USD bn",
    }
    return xr.Dataset(data, coords=coords, attrs=attrs)


def measures() -> Iterator[tuple[str, str, str, int | slice]]:
    """Yield name, unit, meaning and place of each measure in `Measured`."""
    tail = f"{100 * TAIL_LEVEL:g} %"
    yield "expected_loss", "USD bn", "expected system loss", 0
    yield "value_at_risk", "USD bn", f"VaR {tail} of the system loss", 1
    yield "expected_shortfall", "USD bn", f"expected shortfall {tail} of the system loss", 2
    yield "lender_loss", "USD bn", "expected loss of outside lenders", 3
    yield "default_probability", "1", "probability of a default within the horizon", slice(4, None)


def about_of(unit: str, text: str) -> dict[str, str]:
    """Return the attributes of a variable."""
    return {"units": unit, "long_name": text[0].upper() + text[1:]}
