"""The step: quarter against month.

What must not depend on the length of the step does not: yearly totals of plans, balances, the laws of the factors at the ends of years, discounting, wear of
chips, free cash flow when the plan is met. What does depend on it, and why, is docs/step.md (`python -m tests.validation.steps` makes its tables).
"""

import functools
import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from simulate.compile.scenario import Compiled, compile_scenario
from simulate.engine.blocks import run_blocks
from simulate.model import BALANCE, CHANNELS, COMMITMENT, SCHEDULED, Model
from simulate.scenario.load import Scenario, load_scenario
from simulate.schema import FACTORS
from simulate.studies.calibration import PLAN_MET
from tests.makers.results import of_network
from tests.makers.small import change, copy_small
from tests.makers.tiny import change_rows
from tests.oracle.factors import factor_path

from .claims import Finding, numeric_finding

PAGE = Path(__file__).parents[2] / "docs" / "step.md"
FIRST = "<!-- tables: made by `python -m tests.validation.steps`, do not edit up to the next marker -->"
LAST = "<!-- end of tables -->"
MONTHS = {"quarter": 3, "month": 1, "year": 12}
PATHS = 5000
FRESHER = 0.97  # equity that the room of a quarter reads is a month older on average; in the first years it grows by 2 to 3 % a month
WATCHED = ("openai", "xai", "coreweave")


def load(step: str, name="ai_2025", years: int = 7, changes=()) -> Scenario:
    """A scenario on another grid, over the same years; losses are discounted at the short rate of the path."""
    overrides = {"run.step": step, "run.steps": years * 12 // MONTHS[step], "run.discount": "short_rate"}
    return load_scenario(name, overrides | dict(changes))


def compiled(step: str, name="ai_2025", years: int = 7, changes=()) -> Compiled:
    return compile_scenario(load(step, name, years, changes), 0)


def simulate(model: Model, paths: int) -> dict[str, np.ndarray]:
    """Outputs of the engine in the network, the last axis the path."""
    blocks = {}
    run_blocks(model, paths=paths, on_block=blocks.__setitem__, block_paths=1000)
    return of_network({name: np.concatenate([blocks[first][name] for first in sorted(blocks)], axis=-1) for name in blocks[0]})


# What does not depend on the step


def yearly(amounts: np.ndarray, step: str) -> np.ndarray:
    """[..., years] totals of [..., T]."""
    return amounts.reshape(*amounts.shape[:-1], -1, 12 // MONTHS[step]).sum(axis=-1)


def at_year_ends(values: np.ndarray, step: str) -> np.ndarray:
    """[..., years] of [..., T]."""
    per_year = 12 // MONTHS[step]
    return values[..., per_year - 1 :: per_year]


def balances(made: Compiled) -> np.ndarray:
    """[debts, T] at the end of each step as scheduled. Not what is raised on the path, nor hardware whose lessors are repaid from the step after each draw."""
    model, legs = made.model, made.model.legs
    financed = np.array([name.endswith(":financed") for name in made.names.legs])
    rows = np.flatnonzero((legs.driver == BALANCE) & ((legs.bal0 > 0) | (legs.draw.sum(axis=1) > 0)) & ~financed)
    balance, ends = legs.bal0[rows].copy(), []
    for t in range(model.grid.steps):
        balance = balance * (1 - legs.amort[rows, t]) + legs.draw[rows, t]
        ends.append(balance)
    return np.array(ends).T


def planned(step: str) -> dict[str, np.ndarray]:
    """What the tables fix by calendar year, at years of ai_2025."""
    made, scenario = compiled(step), load(step)
    model = made.model
    given = [i for i, entity in enumerate(scenario.network.entities) if entity.bridge in ("fcf", "margin")]
    fixed = np.isin(model.legs.driver, (SCHEDULED, COMMITMENT))
    return {
        "revenue of the entities whose plan is revenue": yearly(model.entities.rev_ext[given], step),
        "planned capex": yearly(model.entities.capex_plan, step),
        "scheduled payments and tranches": yearly(model.legs.sched[fixed], step),
        "draws on loans": yearly(model.legs.draw, step),
        "balances of debt at the ends of years": at_year_ends(balances(made), step),
    }


def laws(step: str) -> dict[str, np.ndarray]:
    """What the factors are at the ends of years, whatever the grid."""
    made = compiled(step, changes=[("factors.short_rate.volatility", 0.0)]).model
    factors, dt = made.factors, made.grid.dt
    stays = 1 - factors.regime.p01 - factors.regime.p10
    years = np.arange(1, 8)
    path = factor_path(made, 0)
    return {
        "variance of the logarithm of spread, valuation and rent": at_year_ends(
            np.array([factors.spread.variance, factors.valuation.variance, factors.rental.variance]), step
        ),
        "logarithm of the mean of the shocks of revenue over plan": at_year_ends(factors.revenue.correction, step),
        "planned power gap and level of rents": at_year_ends(np.array([factors.power_gap.plan, factors.rental.mean]), step),
        "probability of disappointment": factors.regime.p01 * (1 - stays ** (years / dt)) / (1 - stays),
        "memory of confidence": (1 - factors.confidence.memory) ** (years / dt),
        "discount factor at a rate without volatility": at_year_ends(np.array([now["discount"] for now in path]), step),
    }


def worn_out(step: str) -> float:
    """Loss of the small network's cloud, whose chips last three years instead of six, USD bn nominal; it neither buys more nor replaces them."""
    changes = PLAN_MET | {"factors.life.values": [3.0, 6.0], "factors.life.weights": [1.0, 0.0], "run.discount": "nominal"}
    with TemporaryDirectory() as folder:
        file = copy_small(Path(folder))
        change(file, "terms.csv", "compute,days,45", "compute,days,30")  # no longer than a month
        made = compiled(step, file, 5, changes.items())
    entities, fleet = made.model.entities, made.model.fleet
    model = made.model._replace(
        entities=entities._replace(capex_plan=np.zeros_like(entities.capex_plan), cash0=entities.cash0 + 1e4 * (1 - entities.outside)),
        fleet=fleet._replace(replace_price=np.zeros_like(fleet.replace_price)),
    )
    return float(simulate(model, 1)["loss"][made.names.entities.index("cloud"), CHANNELS.index("stranded"), 0])


@functools.cache
def findings() -> list[Finding]:
    """Largest difference between months (or years) and quarters, over the largest amount."""
    found = []
    for gather, test in ((planned, "what_tables_fix_by_year"), (laws, "laws_of_the_factors")):
        quarter = gather("quarter")
        for step in ("month", "year"):
            other = gather(step)
            for name, want in quarter.items():
                gap = float(np.abs(other[name] - want).max() / np.abs(want).max())
                claim = f"{name[0].upper()}{name[1:]}: by {step} as by quarter, largest difference over the largest amount"
                found.append(
                    numeric_finding(
                        claim, f"step/test_month.py::test_grid[{test}_is_the_same_on_every_grid]", "docs/model.md, sections 2 and 4", gap, 0.0, 1e-9
                    )
                )
    for step in MONTHS:
        claim = f"Chips that last half of their book life, by {step}: half of their cost is lost, USD bn"
        found.append(
            numeric_finding(claim, "step/test_month.py::test_grid[chips_wear_out_alike_on_every_grid]", "docs/model.md 4.10", worn_out(step), 15.0, 1e-9)
        )
    return found


# What does


class Run(NamedTuple):
    """Outputs on a grid."""

    names: tuple[str, ...]
    dt: float
    out: dict[str, np.ndarray]

    def failed(self, entity: str, years: float = 7.0) -> np.ndarray:
        """[paths] whether the entity failed within so many years."""
        step = self.out["default_step"][self.names.index(entity)]
        return (step >= 0) & (step < round(years / self.dt))

    def years_before(self, entity: str) -> np.ndarray:
        """[paths] years until the first default, 7 without one."""
        step = self.out["default_step"][self.names.index(entity)]
        return np.where(step < 0, 7.0, (step + 1) * self.dt)


@functools.cache
def run(step: str, change: str = "", paths: int = PATHS) -> Run:
    """ai_2025 on a grid; `change` is a name of EXPLANATIONS (months only)."""
    made = compiled(step)
    model = made.model
    for name in EXPLANATIONS if change == "all" else [change] if change else []:
        model = EXPLANATIONS[name](model, made)
    return Run(made.names.entities, made.model.grid.dt, simulate(model, paths))


def price_of_the_first_quarter(model: Model, made: Compiled) -> Model:
    """The multiple that is solved on the receipts of the first quarter, not of the first month."""
    return model._replace(entities=model.entities._replace(mult0=compiled("quarter").model.entities.mult0))


def older_equity(model: Model, made: Compiled) -> Model:
    """Room for new equity as if it read an equity value that is a month older."""
    return model._replace(entities=model.entities._replace(fund_phi=FRESHER * model.entities.fund_phi))


def reserves_once_a_quarter(model: Model, made: Compiled) -> Model:
    """Targets of cash less the planned burn of the two months before: a quarter's reserve is used for up to three months before it is refilled."""
    target = model.entities.cash_target.copy()
    for i, plan in enumerate(made.plans):
        burn = np.concatenate([[0.0, 0.0], np.maximum(0.0, -plan.fcf)])
        if model.entities.payout[i] == 0.0 and target[i].max() > 0.0:
            target[i] = np.maximum(model.entities.min_cash[i], target[i] - burn[1:-1] - burn[:-2])
    return model._replace(entities=model.entities._replace(cash_target=target))


def quicker_doubt(model: Model, made: Compiled) -> Model:
    """Confidence of the mean age of the quarter, and a month younger, since the demand of a quarter is that of its last day: two months sooner in all."""
    newest = compiled("quarter").model.factors.confidence.memory
    steps = 3 * (1 - newest) / newest - 1  # months
    return model._replace(factors=change_rows(model.factors, {"confidence.memory": 1 / (1 + steps)}))


def bullets_over_a_quarter(model: Model, made: Compiled) -> Model:
    """What falls due in one month as a bullet falls due in equal parts in the three months of its quarter."""
    legs, amort = model.legs, model.legs.amort.copy()
    for leg in np.flatnonzero((legs.driver == BALANCE) & (legs.bal0 > 0)):
        (whole,) = np.nonzero(amort[leg] == 1.0)
        if whole.size and amort[leg, : whole[0]].max(initial=0.0) == 0.0:
            first = whole[0] // 3 * 3
            amort[leg, first : first + 3] = (1 / 3, 1 / 2, 1.0)
    return model._replace(legs=legs._replace(amort=amort))


EXPLANATIONS = {
    "the opening multiple of the quarter": price_of_the_first_quarter,
    "equity a month older in the funding room": older_equity,
    "reserves refilled once a quarter": reserves_once_a_quarter,
    "confidence that falls two months sooner": quicker_doubt,
    "bullets due over a quarter": bullets_over_a_quarter,
}


def tail_influence(loss: np.ndarray, level: float = 0.99) -> tuple[float, np.ndarray]:
    """Expected shortfall and its influence function by path (Acerbi and Tasche 2002): the mean of the second is the first."""
    quantile = np.quantile(loss, level)
    influence = quantile + np.maximum(0.0, loss - quantile) / (1 - level)
    return float(influence.mean()), influence


def quantities(one: Run) -> dict[str, np.ndarray]:
    """By path, so that differences are paired: two grids share what is drawn once a path (delivery, life, execution, arrivals of shots)."""
    made = {}
    for entity in ("openai", "anthropic", "xai", "oracle", "coreweave", "neocloud_other", "softbank"):
        made[f"default of {entity} within 7 years, %"] = 100.0 * one.failed(entity)
    for entity in ("openai", "coreweave"):
        made[f"default of {entity} within 2 years, %"] = 100.0 * one.failed(entity, 2.0)
        made[f"years before {entity} fails, at most 7"] = one.years_before(entity)
    step = one.out["default_step"]
    made["defaults a path"] = (step >= 0).sum(axis=0).astype(float)
    made["defaults in a later wave of a clearing, a path"] = (one.out["default_round"] > 0).sum(axis=0).astype(float)
    for c, channel in enumerate(CHANNELS):
        made[f"{channel} losses, USD bn"] = one.out["loss"][:, c].sum(axis=0)
    made["system loss, USD bn"] = one.out["system_loss"]
    made["expected shortfall 99 % of the system loss, USD bn"] = tail_influence(one.out["system_loss"])[1]
    made["years in which the market is shut"] = one.out["steps_shut"] * one.dt
    made["years of disappointment"] = one.out["factor_summary"][tuple(FACTORS).index("disappointment")] * one.dt
    made["stranded GW years"] = one.out["stranded_gw_years"]
    made["interest paid, USD bn"] = one.out["interest_paid"]
    return made


def compare(base: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Mean of other - base and its standard error, paired by path."""
    gap = other - base
    return float(gap.mean()), float(gap.std(ddof=1) / math.sqrt(gap.size))


def write_tables() -> str:
    """Both tables of the page."""
    quarter, month, year = (quantities(run(step)) for step in MONTHS)
    lines = [
        f"{PATHS:,} paths, seed 0. Losses are discounted at the short rate of the path. Differences with the standard error of the paired difference.",
        "",
        "| | quarter | month | month less quarter | s.e. | year | year less quarter | s.e. |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, base in quarter.items():
        (gap, error), (far, error_far) = compare(base, month[name]), compare(base, year[name])
        lines.append(
            f"| {name} | {base.mean():.4g} | {month[name].mean():.4g} | {gap:+.2g} | {error:.1g} | {year[name].mean():.4g} | {far:+.2g} | {error_far:.1g} |"
        )
    lines += [
        "",
        "The monthly model with one thing as a quarter has it; probabilities of default within seven years, %, change against the plain month (s.e.):",
        "",
    ]
    lines += [f"| | {' | '.join(WATCHED)} |", "|---|" + "---:|" * len(WATCHED)]
    plain = run("month")
    lines.append("| month | " + " | ".join(f"{100 * plain.failed(entity).mean():.1f}" for entity in WATCHED) + " |")
    for name in [*EXPLANATIONS, "all"]:
        changed = run("month", name)
        cells = [compare(100.0 * plain.failed(entity), 100.0 * changed.failed(entity)) for entity in WATCHED]
        label = "all of them" if name == "all" else name
        lines.append(f"| {label} | " + " | ".join(f"{gap:+.1f} ({error:.1f})" for gap, error in cells) + " |")
    lines.append("| quarter | " + " | ".join(f"{100 * run('quarter').failed(entity).mean():.1f}" for entity in WATCHED) + " |")
    return "\n".join(lines) + "\n"


def rebuild_page() -> None:
    """Rewrite what stands between the markers of docs/step.md."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(FIRST)
    _, found, after = rest.partition(LAST)
    if not found:
        raise ValueError(f"{PAGE.name} lacks the markers {FIRST} and {LAST}, in this order")
    PAGE.write_text(f"{before}{FIRST}\n{write_tables()}{LAST}{after}", encoding="utf-8")


if __name__ == "__main__":
    rebuild_page()
    print(f"{PAGE.name} is rewritten")
