"""Tables of docs/backtest.md (`simulate backtest SCENARIO`) from the places that `simulate.studies.backtest` measures."""

import math
from collections.abc import Sequence

from simulate.report.words import markdown_table as table
from simulate.report.words import number, percent
from simulate.studies.backtest import INTERVALS, LEVELS, QUANTITIES, Backtest, Place

SIMULATED = "failed by then, simulated %"


def write_tables(found: Backtest) -> str:
    """Return where every outcome lies, how many lie inside of the intervals, and events beside their probabilities, as Markdown."""
    run = found.scenario.run
    lines = [f"{found.scenario.name}: {found.paths:,} paths, seed {found.seed}, from {run.start}, plans known on {run.information_date or run.start}."]
    places = sorted(found.places, key=lambda one: (one.outcome.day, one.outcome.entity))
    measured, events = [one for one in places if not one.is_event], [one for one in places if one.is_event]
    if measured:
        heads = ("day", "entity", "quantity", "outcome", *(f"{100 * level:g} %" for level in LEVELS), "largest", "paths below, %", "inside of")
        lines += ["", *table(heads, (line(one, found.paths) for one in measured))]
        lines += ["", *table(("central interval", "outcomes inside", "of"), coverage(measured))]
    if events:
        lines += ["", *table(("day", "entity", "what happened", SIMULATED), map(event, events)), "", failures(events)]
    return "\n".join(lines) + "\n"


def line(one: Place, paths: int) -> tuple[str, ...]:
    """Return the cells of an outcome; a quantity that only some of the paths have names their number."""
    outcome, (_, unit) = one.outcome, QUANTITIES[one.outcome.quantity]
    inside = next((f"{100 * level:g} %" for level in INTERVALS if one.within(level)), "support" if one.in_support else "**nothing**")
    numbers = ("" if math.isnan(value) else number(value) for value in (*one.quantiles, one.largest))
    below = "" if math.isnan(one.below) else f"{100 * one.below:.1f}"
    some = "" if one.known == paths else f", {one.known:,} paths"
    return str(outcome.day), outcome.entity, f"{outcome.quantity}, {unit}{some}", number(outcome.value), *numbers, below, inside


def coverage(places: Sequence[Place]) -> list[tuple[str, str, str]]:
    """Return how many outcomes lie in each central interval, and in the support."""
    rows = [(f"{100 * level:g} %", str(sum(one.within(level) for one in places)), str(len(places))) for level in INTERVALS]
    return [*rows, ("all paths", str(sum(one.in_support for one in places)), str(len(places)))]


def event(one: Place) -> tuple[str, ...]:
    """Return the cells of an event."""
    return str(one.outcome.day), one.outcome.entity, "failed" if one.outcome.value else "did not fail", percent(one.mean)


def failures(events: Sequence[Place]) -> str:
    """Say how many firms failed, and how many the simulation expects to."""
    happened, expected = sum(one.outcome.value for one in events), sum(one.mean for one in events)
    return f"{happened:.0f} of {len(events)} failed; the simulated probabilities add up to {expected:.2f}."


def write_coverage(tests: Sequence[Backtest]) -> str:
    """Return how many outcomes of several back-tests lie inside of the intervals, each and together, as Markdown."""
    groups = [[one for one in test.places if not one.is_event] for test in tests]
    columns = [coverage(places) for places in (*groups, [one for places in groups for one in places])]
    heads = ("central interval", *(test.scenario.name for test in tests), "together")
    rows = [(cells[0][0], *(f"{inside} of {count}" for _, inside, count in cells)) for cells in zip(*columns, strict=True)]
    return "\n".join(table(heads, rows)) + "\n"
