"""Tables of docs/backtest.md (`simulate backtest SCENARIO`) from the places that `simulate.studies.backtest` measures."""

from simulate.report.words import markdown_table as table
from simulate.report.words import number
from simulate.studies.backtest import INTERVALS, LEVELS, QUANTITIES, Backtest, Place


def write_tables(found: Backtest) -> str:
    """Return where every outcome lies, and how many lie inside of the intervals, as Markdown."""
    run = found.scenario.run
    places, events = ([one for one in in_order(found.places) if one.is_event == event] for event in (False, True))
    heads = ("day", "entity", "quantity", "outcome", *(f"{100 * level:g} %" for level in LEVELS), "largest", "paths below, %", "inside of")
    lines = [f"{found.scenario.name}: {found.paths:,} paths, seed {found.seed}, from {run.start}, plans known on {run.information_date or run.start}.", ""]
    if places:
        lines += [*table(heads, map(line, places)), "", *table(("central interval", "outcomes inside", "of"), coverage(places))]
    if events:
        lines += ["", *table(("by", "entity", "it", "simulated, %"), map(event_line, events)), "", tally(events)]
    return "\n".join(lines) + "\n"


def in_order(places: list[Place]) -> list[Place]:
    """Return places by day and entity."""
    return sorted(places, key=lambda one: (one.outcome.day, one.outcome.entity))


def event_line(one: Place) -> tuple[str, ...]:
    """Return the cells of what happened or did not."""
    return str(one.outcome.day), one.outcome.entity, "failed" if one.outcome.value else "did not fail", f"{100 * chance(one):.1f}"


def chance(one: Place) -> float:
    """Return the simulated probability that it happens: of a place among values 0 and 1, those that hit count half."""
    return 2.0 * (1.0 - one.below) if one.outcome.value else 1.0 - 2.0 * one.below


def tally(events: list[Place]) -> str:
    """Say how many failed and how many should have, and the Brier score."""
    expected = sum(chance(one) for one in events)
    score = sum((chance(one) - one.outcome.value) ** 2 for one in events) / len(events)
    failed = sum(one.outcome.value for one in events)
    return f"{failed:g} of {len(events)} failed; expected {expected:.1f}. Brier score {score:.2f} (0: all foreseen; 0.25: one half of everything)."


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
