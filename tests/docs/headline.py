"""The headline set of `ai_2025` on the README, from the run that the first of its two lines makes, and `simulate ranges ai_2025`."""

import numpy as np

import simulate
from simulate import risk
from simulate.report import ranges
from simulate.report.words import money, percent

PARTS = {
    "system": "**System loss**: what outside lenders and owners lose, each dollar once",
    "lenders": "of this, lenders: claims not paid",
    "written_off": "owners: stakes that a default wiped out, at what they had paid",
    "through": "owners: through firms that lost on others",
    "at_mark": "System loss with wiped-out stakes at their value before the default",
}
ROUNDS = {
    "own": "First round, own: outside lenders and owners, without contagion",
    "direct": "First round, direct: owners of firms that lost on who failed",
    "second": "Second round: outside lenders and owners, of further failures",
}
YEARS = (1, 3, 5, 7)
SAVED = "openai_saved"
RANGED = ("openai", "oracle", "coreweave", "softbank", "anthropic", "xai")


def write_headline() -> str:
    """Three tables as Markdown: about a minute on two cores, most of it for the ranges."""
    result, study = simulate.run("ai_2025"), simulate.ranges("ai_2025")
    return "\n".join([*range_lines(result, study), "", *loss_lines(result), "", *default_lines(result)]) + "\n"


def range_lines(result, study) -> list[str]:
    """The headline, with what the uncertain parameters make of it."""
    ranged, tail = risk.parameter_range(study), risk.tail_measures(result, levels=0.99)
    chance = risk.default_probability(result, horizons=study.attrs["horizon"]).isel(horizon=0)
    lines = ["| headline | value (s.e.) | 5 (s.e.) to 95 % (s.e.) over parameters | median (s.e.) |", "|---|--:|--:|--:|"]
    for name, label in (("expected_loss", "expected system loss, USD bn"), ("expected_shortfall", "ES 99 % of the system loss, USD bn")):
        low, middle, high = (with_error(ranged.sel(quantile=q), name) for q in (0.05, 0.5, 0.95))
        lines.append(f"| {label} | {with_error(tail.squeeze(), name)} | {low} to {high} | {middle} |")
    for entity in RANGED:
        one = (chance.sel(entity=entity), *(ranged.sel(entity=entity, quantile=q) for q in (0.05, 0.5, 0.95)))
        value, low, middle, high = (with_error(part, "default_probability", percent) for part in one)
        lines.append(f"| {entity} defaults within {study.attrs['horizon']:g} years, % | {value} | {low} to {high} | {middle} |")
    leaders = "; ".join(f"`{key}` ({told}" for key, _, told in (leader.partition(" (") for leader in ranges.leaders(study)))
    return [
        *lines,
        "",
        f"Parameters: {study.sizes['parameter']} uncertain ones of the section `[uncertain]`, {study.attrs['sets']} sets (`simulate ranges ai_2025`). "
        f"The expected loss hangs most on {leaders}: changes from the 10 to the 90 % quantile of each.",
    ]


def loss_lines(result) -> list[str]:
    parts, rounds = risk.system_parts(result), risk.rounds(result)
    lines = [
        f"| {result.attrs['paths']:,} paths, {result.attrs['steps'] * result.attrs['dt']:g} years, nominal USD bn | expected (s.e.) | VaR 99 % | ES 99 % (s.e.) |"
    ]
    lines.append("|---|--:|--:|--:|")
    for part, label in PARTS.items():
        one = parts.sel(part=part)
        numbers = (with_error(one, "expected_loss"), money(one["value_at_risk"]), with_error(one, "expected_shortfall"))
        lines.append(f"| {label} | {' | '.join(numbers)} |")
    for part, label in ROUNDS.items():
        lines.append(f"| {label} | {with_error(rounds.sel(part=part), 'expected_loss')} | | |")
    share, error = (100 * rounds[name].item() for name in ("amplification", "amplification_error"))
    return [
        *lines,
        "",
        f"The second round amplifies the first by {share:.1f} % (s.e. {error:.1f}). s.e.: sampling error only.",
    ]


def default_lines(result) -> list[str]:
    chance = risk.default_probability(result, horizons=YEARS)["default_probability"]
    kind, given = risk.failures(result), risk.conditional_defaults(result, saved=SAVED)
    lines = [
        f"| defaulted within, % | {' | '.join(f'{year} years' if year > 1 else '1 year' for year in YEARS)} | short of cash, not of value, % | where OpenAI fails | there, OpenAI saved |"
    ]
    lines.append("|---|" + "--:|" * (len(YEARS) + 3))
    for name in (str(name) for name in chance["entity"].values):
        one = chance.sel(entity=name)
        if one.values[-1] > 0.0:
            tells = [kind["liquidity_share"].sel(entity=name).item()] + [given[p].sel(entity=name).item() for p in ("probability", "probability_saved")]
            cells = [percent(value) for value in (*one.values, *tells)]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def with_error(dataset, name, form=money) -> str:
    return f"{form(np.asarray(dataset[name]))} ({form(np.asarray(dataset[name + '_error']))})"
