"""The headline set of `ai_2025` on the README, from the run that the first of its two lines makes."""

import numpy as np

import simulate
from simulate import risk
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


def write_headline() -> str:
    """Two tables as Markdown."""
    result = simulate.run("ai_2025")
    return "\n".join([*loss_lines(result), "", *default_lines(result)]) + "\n"


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
        f"The second round amplifies the first by {share:.1f} % (s.e. {error:.1f}). s.e.: sampling error only; the parameters are uncertain too.",
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


def with_error(dataset, name) -> str:
    return f"{money(np.asarray(dataset[name]))} ({money(np.asarray(dataset[name + '_error']))})"
