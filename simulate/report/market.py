"""Sections of docs/calibration.md that hold the model against the market: swaps and ratings, recoveries, and knobs that move nothing."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from simulate import risk
from simulate.report.words import markdown_table, percent, years
from simulate.studies.knobs import Knob
from simulate.studies.market import HISTORY, PREMIUM, PREMIUMS, RECOVERY, WIDE, Quote

if TYPE_CHECKING:
    import xarray as xr

HORIZONS = (1.0, 5.0)
# Published recoveries, share of the claim.
PUBLISHED = (
    ("loans, long term", "74 %", "S&P, United States, 2019"),
    ("bonds, long term", "39 %", "S&P, United States, 2019"),
    ("bonds, 2001", "about 25 %", "Moody's 2002 (21 %), Altman and Bana 2003 (25 %)"),
    ("unsecured, Global Crossing 2002", "5 %", "0.3 in cash, 0.2 in notes and 38.5 % of new shares for 12.4 of debt"),
    ("assets, WinStar 2001", "1 %", "sold for 0.04, debt of 4; Bloomberg 2002"),
)


def market_section(base: "xr.Dataset", market: Mapping[str, Quote]) -> list[str]:
    """Return model, swaps and ratings beside each other; nothing without quotes."""
    horizons = [horizon for horizon in HORIZONS if horizon <= years(base)]
    if not market or not horizons:
        return []
    chances = risk.default_probability(base, horizons=horizons)["default_probability"]
    body = []
    for entity, quote in market.items():
        cells = [entity, "" if quote.swap is None else f"{quote.swap:g}", quote.rating or ""]
        for horizon in horizons:
            cells.append(percent(chances.sel(entity=entity, horizon=horizon)))
            cells += swap_cells(quote, horizon)
            cells.append("" if quote.rating is None else percent(HISTORY[quote.rating][horizon]))
        body.append(cells)
    heads = [f"{horizon:g} y: {name}" for horizon in horizons for name in ("model", "risk-neutral", "real-world", "rating history")]
    low, high = PREMIUMS
    return [
        "## Beside swaps and ratings",
        "",
        f"In per cent. Risk-neutral: 1 - exp(-s/(1 - R) t) of the five-year swap, the same spread in every year, recovery {percent(RECOVERY)} %. Real-world: Phi(Phi^-1(q) - lambda sqrt(t)) at a price of risk",
        f"lambda = {PREMIUM:g} (assumption; in brackets {high:g} to {low:g}), of the size that Huang and Huang (2012) and Berndt, Douglas, Duffie and Ferguson (2018) find. Rating history: Moody's cumulative default",
        "rates 1970-2006 (Hull 2008, table 22.1). Dates and sources: market.csv beside the tables. A model of liquidity with an open market and prefunding has almost no default within the first year.",
        "",
        *markdown_table(["", "swap, bp", "rating", *heads], body),
        "",
        f"Bands by rule: 1/{WIDE:g} to {WIDE:g} times the real-world five-year probability of the swap, an assumption: more than the range of lambda, less than what a swap can move in a quarter; without a swap 0 to",
        f"{WIDE:g} times the history of the rating. Who has neither has a band of private evidence in bands.csv, kept wide, which rejects next to nothing.",
    ]


def swap_cells(quote: Quote, horizon: float) -> list[str]:
    """Return the risk-neutral and the real-world probability of a swap; blank without one."""
    if quote.swap is None:
        return ["", ""]
    low, high = PREMIUMS
    return [
        percent(quote.risk_neutral(horizon)),
        f"{percent(quote.real_world(horizon))} ({percent(quote.real_world(horizon, high))}-{percent(quote.real_world(horizon, low))})",
    ]


def recovery_section(base: "xr.Dataset") -> list[str]:
    """Return recoveries by class and by kind beside published ones; nothing where nobody fails."""
    body = []
    if not (risk.in_world(base, "exposure_at_default", "network").values > 0).any():
        return []
    for by in ("deal_class", "deal_kind"):
        found = risk.recovery(base, by=by)
        for label in found[by].values:
            one = found.sel({by: label})
            name = f"{by.removeprefix('deal_')}: {label}"
            shares = [percent(value) for value in (one["recovery"], one["recovery_error"], *one["quantiles"].values)]
            body.append([name, *shares, f"{int(one['paths']):,}"])
    return [
        "## Recoveries beside published ones",
        "",
        "Per cent of claims at the failure, nominal, as paid by the end of the run (`risk.recovery`); quantiles over paths with a claim.",
        "",
        *markdown_table(["of claims on who fails", "recovery", "s.e.", "5 %", "median", "95 %", "paths"], body),
        "",
        *markdown_table(["published", "recovery", "source"], PUBLISHED),
        "",
        "The published ones are leads from secondary pages. Compare bonds and unsecured classes with bonds, gpu_loan and secured with loans: the mean of secured lenders above 74 % and a 5 % quantile far above",
        "the 1 to 5 % of 2001-02 would say that collateral holds too well when all sell at once.",
    ]


def knob_section(knobs: list[Knob], paths: int) -> list[str]:
    """Return what each knob moves; nothing without knobs."""
    if not knobs:
        return []
    body = [
        [
            f"`{knob.key}`",
            knob.was,
            knob.value,
            "**dead**: no row of the model reads it"
            if not knob.in_model
            else "**dead**: no result moves"
            if knob.is_dead
            else f"moves {knob.moved} of {knob.of} variables",
            percent(knob.defaults),
            knob.note,
        ]
        for knob in knobs
    ]
    dead = ", ".join(f"`{knob.key}`" for knob in knobs if knob.is_dead) or "none"
    return [
        "## Dead knobs",
        "",
        f"Each moved by itself on {paths:,} paths, on the same draws; results compared bit for bit. The list is knobs.csv beside the tables. Dead: {dead}. A knob that is dead says nothing of the risk that it stands for.",
        "",
        *markdown_table(["key", "was", "tried", "result", "paths on which defaults change, %", "note"], body),
    ]
