"""What swaps and ratings say of default, to hold the model's probabilities against.

A credit default swap of spread s and recovery R implies a risk-neutral default probability of 1 - exp(-s/(1 - R) t) (Hull 2018, "Options, Futures and Other
Derivatives", chapter 24). Investors are paid for bearing the risk, so the real-world one is lower: Phi(Phi^-1(q) - lambda sqrt(t)) with the price of risk
lambda of the firm's assets (Merton 1974; sizes as in Huang and Huang 2012 and Berndt, Douglas, Duffie and Ferguson 2018).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from simulate.errors import refuse_if_any
from simulate.network.tables import Row, need_entity, need_text, read_choice, read_date, read_number, read_table
from simulate.scenario.load import Scenario

MARKET = "market.csv"  # beside the tables
COLUMNS = ("entity", "quote", "value", "unit", "date", "source", "note")
UNITS = {"swap": "bp", "rating": "letter"}
RECOVERY = 0.35  # market convention of swaps
PREMIUM = 0.35  # lambda; assumption: a Sharpe ratio of assets within 0.3 to 0.4
PREMIUMS = (0.3, 0.4)
WIDE = 2.0  # a band goes from 1/2 to 2 times
SWAP_YEARS = 5.0
# Cumulative default rates 1970-2006 within one and five years, Moody's (Hull 2008, 7th edition, table 22.1).
HISTORY = {
    "Aaa": {1.0: 0.0, 5.0: 0.00099},
    "Aa": {1.0: 0.00008, 5.0: 0.00177},
    "A": {1.0: 0.00021, 5.0: 0.00472},
    "Baa": {1.0: 0.00181, 5.0: 0.01938},
    "Ba": {1.0: 0.01205, 5.0: 0.10215},
    "B": {1.0: 0.05236, 5.0: 0.26794},
    "Caa-C": {1.0: 0.19476, 5.0: 0.52622},
}


class Quote(NamedTuple):
    """What the market says of an entity; None: nothing."""

    entity: str
    swap: float | None = None  # bp a year, five years
    rating: str | None = None  # letter of HISTORY

    def risk_neutral(self, years: float) -> float:
        """Return the default probability that pays for the swap, spread and recovery the same in all years. Raises ValueError without a swap."""
        if self.swap is None:
            raise ValueError(f"'{self.entity}' has no swap")
        return float(-np.expm1(-1e-4 * self.swap / (1.0 - RECOVERY) * years))

    def real_world(self, years: float, premium: float = PREMIUM) -> float:
        """Return that probability without what is paid for bearing the risk."""
        return float(ndtr(ndtri(self.risk_neutral(years)) - premium * np.sqrt(years)))

    @property
    def band(self) -> tuple[float, float]:
        """Return bounds of the five-year default probability: half to twice the real-world one of swaps; without swaps from 0 to twice that of the rating."""
        if self.swap is not None:
            centre = self.real_world(SWAP_YEARS)
            return centre / WIDE, min(1.0, WIDE * centre)
        return (0.0, min(1.0, WIDE * HISTORY[self.rating][SWAP_YEARS])) if self.rating is not None else (0.0, 1.0)


def read_market(scenario: Scenario) -> dict[str, Quote]:
    """Read swaps and ratings beside the tables by entity; none where there is no such file. Raises InputError with all faults of it."""
    path = scenario.beside(MARKET)
    if path is None:
        return {}
    problems: list[str] = []
    found: dict[str, Quote] = {}
    for row in read_table(path, COLUMNS, ("entity", "quote"), problems) or ():
        read_quote(row, scenario, found, problems)
    refuse_if_any(problems)
    return found


def read_quote(row: Row, scenario: Scenario, found: dict[str, Quote], problems: list[str]) -> None:
    """Read a row into the quotes of its entity; what is wrong goes to `problems`."""
    before, run = len(problems), scenario.run
    need_entity(row, "entity", [entity.id for entity in scenario.network.entities if not entity.outside], problems)
    kind = read_choice(row, "quote", tuple(UNITS), problems)
    for column in ("date", "source"):
        need_text(row, column, problems)
    if kind is not None and row["unit"] != UNITS[kind]:
        problems.append(f"{row.place}: the unit is '{row['unit']}'; a {kind} is in '{UNITS[kind]}'.")
    day, informed = read_date(row, "date", problems, last=True), run.information_date or run.start
    if day is not None and day > informed:
        problems.append(f"{row.place}: {day} is after the information date {informed}; leave it out.")
    swap = read_number(row, "value", problems) if kind == "swap" else None
    rating = read_choice(row, "value", tuple(HISTORY), problems) if kind == "rating" else None
    if swap == 0:
        problems.append(f"{row.place}: value is 0; a swap costs something.")
    quote = found.get(row["entity"], Quote(row["entity"]))
    if kind is not None and getattr(quote, kind) is not None:
        problems.append(f"{row.place}: there is another {kind} of '{row['entity']}'; keep one.")
    if len(problems) == before:
        found[row["entity"]] = quote._replace(swap=swap) if kind == "swap" else quote._replace(rating=rating)
