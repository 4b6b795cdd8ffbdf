"""Write docs/calibration.md (`simulate calibrate SCENARIO`) from the figures that `simulate.studies.calibration` measures."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from simulate import risk
from simulate.compile.scenario import compile_scenario
from simulate.engine import simulation
from simulate.files import read_text
from simulate.report.market import knob_section, market_section, recovery_section
from simulate.report.words import markdown_table as table
from simulate.report.words import money, percent, probability
from simulate.scenario.load import Scenario, load_scenario
from simulate.studies import calibration, knobs
from simulate.studies.market import read_market

if TYPE_CHECKING:
    import xarray as xr

NOTES = "calibration.md"  # file beside the tables: values tuned by hand, assumptions, known flaws
PLAN_YEARS = 5
BEYOND = "beyond the run"
MOST_NEGLIGIBLE = 4.0  # |z| above which a sign is beyond doubt


def write_page(source: str | Path, *, paths: int | None = None, seed: int | None = None, threads: int | None = None) -> str:
    """Return the whole page as Markdown. Runs the scenario five times, and once for each knob. Raises InputError for a scenario that is wrong."""
    scenario = load_scenario(source)
    paths, seed = scenario.run.paths if paths is None else paths, scenario.run.seed if seed is None else seed
    market = read_market(scenario)  # what is wrong with these is told before the runs
    bands, notes = calibration.read_bands(scenario, market), notes_section(scenario)
    knobs.read_knobs(scenario)
    base = simulation.run(scenario, paths=paths, seed=seed, threads=threads)
    revenue, resolutions = calibration.trace_sample(compile_scenario(scenario, seed), scenario)
    parts = [
        [
            f"# Calibration of {scenario.name}",
            "",
            f"Made by `simulate calibrate {source} --paths {paths} --seed {seed}`; do not edit. Digest {base.attrs['digest'][:16]}.",
            "Losses in USD bn, nominal; intervals and standard errors (s.e.) are sampling errors only: the parameters are far less",
            "certain than that. Bands and notes are in the folder of the tables.",
        ],
        plan_section(calibration.run_plan(source)),
        default_section(base, bands),
        market_section(base, market),
        recovery_section(base),
        loss_section(base),
        door_section(base),
        revenue_section(revenue),
        resolution_section(resolutions, revenue.paths),
        sign_section(calibration.measure_signs(source, base, paths=paths, seed=seed, threads=threads)),
        knob_section(knobs.measure_knobs(source, seed=seed, threads=threads), knobs.PATHS),
        notes,
    ]
    return "\n".join("\n".join(part) + "\n" for part in parts if part)


def plan_section(lines: list[calibration.PlanLine]) -> list[str]:
    """Return the section on free cash flow when the plan is met, against the plan."""
    years = lines[0].years[:PLAN_YEARS]
    body = [
        [
            line.entity,
            *(f"{a:.1f} ({a - b:+.2f})" for a, b in zip(line.simulated[:PLAN_YEARS], line.planned[:PLAN_YEARS], strict=True)),
            f"{np.abs(line.simulated - line.planned)[:PLAN_YEARS].max():.2f}",
        ]
        for line in lines
    ]
    return [
        "## Plan run",
        "",
        "Free cash flow of the engine when the plan is met and nothing happens (delivery 1, no volatility, no disappointment, no power gap, longest life, letters of",
        "intent not executed), and in brackets its difference to the plan. Free cash flow: revenue and operating receipts, less operating payments, interest and capex,",
        "as paid in the step. Plan: plan_fcf, or plan_ocf less plan_capex; where the tables plan a margin, EBITDA at that margin less interest less capex; without a",
        "plan, rent and other receipts less interest less capex.",
        "",
        *table(["USD bn a year", *map(str, years), "largest difference"], body),
    ]


def default_section(base: "xr.Dataset", bands: list[calibration.Band]) -> list[str]:
    """Return the section on default probabilities, against bands."""
    chances = risk.default_probability(base)
    horizons = chances["horizon"].values
    by_entity = {band.entity: band for band in bands}
    verdicts = {band.entity: verdict(base, band) for band in bands}
    cause = risk.cause_split(base)["probability"]
    body = []
    for entity in chances["entity"].values:
        band = by_entity.get(str(entity))
        one = chances.sel(entity=entity)
        body.append(
            [
                str(entity),
                *(probability(*(one[f"default_probability{part}"].sel(horizon=h) for part in ("", "_low", "_high"))) for h in horizons),
                f"{percent(band.low)}-{percent(band.high)} in {band.horizon:g} years" if band else "",
                verdicts.get(str(entity), ""),
                *(percent(cause.sel(entity=entity, cause=name)) for name in ("fundamental", "accelerated", "contagion")),
            ]
        )
    years = [f"{horizon:g} years" for horizon in horizons]
    heads = ["% of paths", f"{years[0]} (95 % interval)", *years[1:], "band", "inside", "fundamental", "accelerated", "contagion"]
    outside = [name for name, words in verdicts.items() if words not in ("yes", BEYOND)]
    return [
        "## Default probabilities",
        "",
        "Wilson intervals. A default is a missed payment after lines, market and reserves are exhausted, a restructuring included. Causes: over the whole run, as in",
        '`simulate summary`. "Near": outside of the band, but its interval reaches into it.',
        "",
        *table(heads, body),
        "",
        f"**Outside of their band: {', '.join(f'{name} ({verdicts[name]})' for name in outside)}.**" if outside else "All lie in their bands.",
        "",
        *(f"- {band.entity}: {band.source}." for band in bands),
    ]


def verdict(base: "xr.Dataset", band: calibration.Band) -> str:
    """Say whether a default probability lies in its band."""
    if band.horizon > base.attrs["steps"] * base.attrs["dt"]:
        return BEYOND
    value, _, low, high = calibration.check_band(base, band)
    if band.low <= value <= band.high:
        return "yes"
    side = "below" if value < band.low else "above"
    return f"near, {side}" if low <= band.high and high >= band.low else side


def loss_section(base: "xr.Dataset") -> list[str]:
    """Return the section on losses by channel."""
    inside, outside = (risk.losses_by_channel(base, outside=flag) for flag in (False, True))
    system = risk.tail_measures(base)
    body = [
        [
            str(channel),
            *(money(side[name].sel(channel=channel)) for side in (inside, outside) for name in ("expected_loss", "expected_loss_error", "tail_loss")),
        ]
        for channel in base["channel"].values
    ]
    chance = probability(*(system[f"loss_probability{part}"] for part in ("", "_low", "_high")))
    stranded = risk.in_world(base, "loss", "network").sel(channel="stranded").mean("path")
    worst = np.argsort(-stranded.values)[:6]
    life = base["factor_summary"].sel(factor="gpu_life").values
    total = risk.in_world(base, "loss", "network").sel(channel="stranded").sum("entity").values.astype(float)
    split = ", ".join(f"{total[life == years].mean():,.0f} where chips live {years:g} years" for years in np.unique(life))
    return [
        "## Losses by channel",
        "",
        f"P(system loss > 0) is {chance} %; expected system loss {money(system['expected_loss'])} (s.e. {money(system['expected_loss_error'])}). Tail: mean in the worst 1 %",
        "of the system loss. The system loss is what outside nodes lose and what owners bear through inside firms (docs/model.md 4.10); stranded chips are not in it.",
        "",
        *table(["USD bn", "inside: expected", "s.e.", "tail", "outside: expected", "s.e.", "tail"], body),
        "",
        f"Stranded: {split}. Largest bearers: " + ", ".join(f"{base['entity'].values[i]} {money(stranded.values[i])}" for i in worst) + ".",
    ]


def door_section(base: "xr.Dataset") -> list[str]:
    """Return the section on default probability by the steps in which the funding market was shut."""
    entity = str(max((e for e in base["process"].values), key=lambda e: uncertainty_of_default(base, str(e))))
    bins = risk.default_probability_by_factor(base, entity=entity, factor="steps_shut")
    edges = bins["bin"].values
    body = []
    for row, low in enumerate(edges):
        one = bins.isel(bin=row)
        if int(one["paths"]):
            high = edges[row + 1] - 1 if row + 1 < len(edges) else None
            label = f"{low:g} or more" if high is None else f"{low:g}" if high == low else f"{low:g} to {high:g}"
            body.append([label, percent(one["share"]), probability(*(one[f"default_probability{part}"] for part in ("", "_low", "_high")))])
    shut = risk.in_world(base, "steps_shut", "network").values
    return [
        f"## Default by the time that the funding market is shut ({entity})",
        "",
        f"The door is shut in {100 * shut.mean() / base.attrs['steps']:.1f} % of all steps.",
        "",
        *table(["steps shut on the path", "share of paths, %", "default probability over the run, %"], body),
    ]


def uncertainty_of_default(base: "xr.Dataset", entity: str) -> float:
    """Return p (1 - p) of the default probability p over the run: largest where default is least certain."""
    share = float((risk.in_world(base, "default_step", "network").sel(entity=entity) >= 0).mean())
    return share * (1 - share)


def revenue_section(revenue: calibration.Revenue) -> list[str]:
    """Return the section on mean revenue against plan."""
    body = [
        [entity, *(f"{a:.1f} / {b:.1f}" for a, b in zip(mean[:PLAN_YEARS], revenue.planned[entity][:PLAN_YEARS], strict=True))]
        for entity, mean in revenue.mean.items()
    ]
    return [
        "## Mean revenue against plan",
        "",
        f"External revenue of the living, capped by usable compute, mean of {revenue.paths:,} paths / plan.",
        "",
        *table(["USD bn a year", *map(str, revenue.years[:PLAN_YEARS])], body),
    ]


def resolution_section(resolutions: list[calibration.Resolution], paths: int) -> list[str]:
    """Return the section on restructurings and liquidations."""
    body = [[r.entity, str(r.failed), percent(r.restructured_twice), percent(r.liquidated)] for r in resolutions]
    return [
        "## Outcomes of defaults",
        "",
        *table([f"of {paths:,} paths", "paths with a default", "restructured twice, %", "liquidated in the end, %"], body),
    ]


def sign_section(signs: list[calibration.Sign]) -> list[str]:
    """Return the section on signs of paired differences."""
    body = [[s.name, s.change, f"{s.mean:+.3g} {s.unit}", f"{s.error:.2g}", f"{s.z:+.1f}", f"{s.paths:,}"] for s in signs]
    return [
        "## Signs",
        "",
        f"Paired differences on the same draws; a sign is beyond doubt where |z| > {MOST_NEGLIGIBLE:g}.",
        "",
        *table(["quantity", "change", "mean difference", "s.e.", "z", "paths"], body),
    ]


def notes_section(scenario: Scenario) -> list[str]:
    """Return the notes beside the tables, if there are any. Raises InputError where they cannot be read."""
    notes = scenario.beside(NOTES)
    return read_text(notes, what="page of notes", wanted=".md file", megabytes=1).rstrip().splitlines() if notes else []
