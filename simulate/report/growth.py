"""Tables of docs/growth.md (`simulate growth SCENARIO`) from the figures that `simulate.studies.growth` and `simulate.studies.guidance` choose."""

import numpy as np

from simulate.report.words import markdown_table as table
from simulate.studies.growth import DECAYS, LEVELS, PRIOR_SDS, REJECTED, SDS, Choice, Growth
from simulate.studies.growth_law import OUTLIER, SCALE, gain, kurtosis
from simulate.studies.guidance import Surprise

SHOWN_SDS = (0.0, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 2.0)
SHOWN_DECAYS = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0)


def write_tables(growth: Growth, surprises: list[Surprise]) -> str:
    """Return the choice and all evidence for it as Markdown."""
    parts = [
        chosen_section(growth),
        opening_section(growth),
        likelihood_section(growth),
        stability_section(growth),
        places_section(growth),
        near_section(surprises),
    ]
    return "\n".join("\n".join(part) + "\n" for part in parts if part)


def chosen_section(growth: Growth) -> list[str]:
    """Return the rows of figures that follow."""
    sd, decay = growth.choice.rounded
    run = growth.scenario.run
    days = [one.day for one in growth.rates]
    rows = [
        (one.entity, f"{one.growth0:.2f}", f"{sd:g}", f"{decay:g}", f"{np.exp(gain(decay, 1.0) * one.growth0):.2f}", f"{np.exp(one.growth0 / decay):.2f}")
        for one in growth.openings
    ]
    return [
        f"{growth.scenario.name}: {len(days)} run rates of {min(days)} to {max(days)}; opening {run.start}, known by {run.information_date or run.start}.",
        "",
        "### Chosen",
        "",
        *table(("entity", "growth0", "growth_sd0", "growth_decay", "median over plan after a year", "in the end"), rows),
        "",
        f"All per year. Of growth_sd0 alone the logarithm of revenue has a standard deviation of {gain(decay, 1.0) * sd:.2f} after a year and {sd / decay:.2f} in the end. Tail: X has a wide",
        f"normal of {SCALE:g} times the narrow one with probability {OUTLIER:g}, kurtosis {kurtosis(OUTLIER, SCALE):.1f}.",
    ]


def opening_section(growth: Growth) -> list[str]:
    """Return growth seen and planned."""

    def words(value: float | None) -> str:
        return "not known" if value is None else f"{value:.2f}"

    return [
        "### Seen and planned",
        "",
        "Logarithms per year: the last year before the opening, the last half-year at a yearly rate, and the plan from the quarter of the opening to that a year later.",
        "",
        *table(
            ("entity", "last year", "last half-year", "planned, first year", "growth0"),
            ((one.entity, words(one.trailing), words(one.lately), f"{one.planned:.2f}", f"{one.growth0:.2f}") for one in growth.openings),
        ),
        "",
        "Growth of whole years back from the last run rate: " + ", ".join(f"{entity} {value:.2f}" for entity, _, value in growth.yearly) + ".",
    ]


def likelihood_section(growth: Growth) -> list[str]:
    """Return the profile of the log likelihood, and what was read from it."""
    choice = growth.choice
    columns = [int(np.flatnonzero(decay == DECAYS)[0]) for decay in SHOWN_DECAYS]
    rows = [(f"{sd:g}", *(f"{choice.profile[i, j]:.2f}" for j in columns)) for i, sd in enumerate(SDS) if any(np.isclose(sd, SHOWN_SDS))]
    best = choice.best
    return [
        "### What the likelihood says",
        "",
        f"Log likelihood of {len(growth.halves)} half-years of {len(growth.without)} firms at the best reference growth; columns: decay. {choice.highest - REJECTED:.2f} and more lies in the joint 95 % region.",
        "",
        *table(("growth_sd0", *(f"{decay:g}" for decay in SHOWN_DECAYS)), rows),
        "",
        f"- Most likely: dispersion {best.sd:g}, decay {best.decay:g}, reference {best.reference:.2f} (log likelihood {choice.highest:.2f}).",
        f"- Mean decay with flat priors (dispersion {PRIOR_SDS[0]:g} to {PRIOR_SDS[1]:g}, decay {DECAYS[0]:g} to {DECAYS[-1]:g}): {choice.law.decay:.2f}.",
        f"- Largest dispersion that is not rejected at that decay: {choice.largest:.2f}; dispersion that gives a year's growth the {choice.yearly:.2f} of all firms and years: {choice.across:.2f}.",
        f"- Fat tails against normal at the choice: twice the log likelihood ratio is {2.0 * growth.normal:+.2f}, which decides nothing with so few points.",
    ]


def stability_section(growth: Growth) -> list[str]:
    """Return the choice without each firm."""

    def cells(name: str, choice: Choice | None) -> tuple[str, ...]:
        if choice is None:
            return name, *["too few"] * 5
        law = choice.law
        return name, f"{law.sd:.2f}", f"{law.decay:.2f}", f"{law.reference:.2f}", f"{choice.largest:.2f}", f"{choice.across:.2f}"

    heads = ("run rates", "growth_sd0", "decay", "reference", "not rejected", "of a year's growth")
    return ["### Without a firm", "", *table(heads, (cells("all", growth.choice), *(cells(f"without {name}", one) for name, one in growth.without.items())))]


def places_section(growth: Growth) -> list[str]:
    """Return where each run rate lies in the forecast from the ones before it."""
    rows = [
        (
            str(half.target),
            half.entity,
            str(half.origin),
            f"{half.trailing:.2f}",
            f"{half.moved / half.years:.2f}",
            f"{100 * place:.0f}",
            "" if np.isnan(other) else f"{100 * other:.0f}",
        )
        for half, place, other in sorted(zip(growth.halves, growth.places, growth.places_without, strict=True), key=lambda one: one[0].target)
    ]
    inside = [(f"{100 * one:g} %", *(count_inside(places, one) for places in (growth.places, growth.places_without))) for one in LEVELS]
    return [
        "### Past run rates in their forecasts",
        "",
        "Below, %: probability of less than what came, with the parameters of all firms (in sample) and with those that the rules give without the firm itself. Forecasts of a firm overlap.",
        "",
        *table(("day", "entity", "from", "growth before", "growth then", "below, %", "by other firms, %"), rows),
        "",
        *table(("central interval", "inside", "by other firms"), inside),
    ]


def count_inside(places: np.ndarray, level: float) -> str:
    """Return how many places lie in a central interval, of how many."""
    known = places[~np.isnan(places)]
    return f"{int((np.abs(known - 0.5) <= level / 2).sum())} of {len(known)}"


def near_section(surprises: list[Surprise]) -> list[str]:
    """Return how far the next quarter lies from what was known before it; nothing without guidance and quarterly run rates."""
    if not surprises:
        return []
    rows = [
        (one.group, ", ".join(one.firms), str(one.quarters), f"{one.mean:+.3f}", "" if np.isnan(one.sd) else f"{one.sd:.3f}", f"{one.size:.3f}")
        for one in surprises
    ]
    return [
        "### The next quarter",
        "",
        "Logarithm of revenue of a quarter over the middle of its guidance, or over the last quarter with its growth carried on.",
        "",
        *table(("forecast", "firms", "quarters", "mean", "standard deviation", "root mean square"), rows),
    ]
