"""Tables of docs/backtest.md (`simulate backtest SCENARIO`) from the places that `simulate.studies.backtest` measures."""

from simulate.report.words import markdown_table as table
from simulate.report.words import number
from simulate.studies.backtest import INTERVALS, LEVELS, QUANTITIES, Backtest, Place


def write_tables(found: Backtest) -> str:
    """Return where every outcome lies, and how many lie inside of the intervals, as Markdown."""
    run = found.scenario.run
    heads = ("day", "entity", "quantity", "outcome", *(f"{100 * level:g} %" for level in LEVELS), "largest", "paths below, %", "inside of")
    lines = [
        f"{found.scenario.name}: {found.paths:,} paths, seed {found.seed}, from {run.start}, plans known on {run.information_date or run.start}.",
        "",
        *table(heads, (line(one) for one in sorted(found.places, key=lambda one: (one.outcome.day, one.outcome.entity)))),
        "",
        *table(("central interval", "outcomes inside", "of"), coverage(found.places)),
    ]
    return "\n".join(lines) + "\n"


def line(one: Place) -> tuple[str, ...]:
    """Return the cells of an outcome."""
    outcome, (_, unit) = one.outcome, QUANTITIES[one.outcome.quantity]
    inside = next((f"{100 * level:g} %" for level in INTERVALS if one.within(level)), "support" if one.in_support else "**nothing**")
    numbers = (number(outcome.value), *map(number, one.quantiles), number(one.largest), f"{100 * one.below:.1f}")
    return str(outcome.day), outcome.entity, f"{outcome.quantity}, {unit}", *numbers, inside


def coverage(places: list[Place]) -> list[tuple[str, str, str]]:
    """Return how many outcomes lie in each central interval, and in the support."""
    rows = [(f"{100 * level:g} %", str(sum(one.within(level) for one in places)), str(len(places))) for level in INTERVALS]
    return [*rows, ("all paths", str(sum(one.in_support for one in places)), str(len(places)))]
