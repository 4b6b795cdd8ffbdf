"""Entities with their figures and vendors, read from the rows of their tables."""

from collections.abc import Mapping
from typing import NamedTuple

from simulate.errors import listed
from simulate.network.figures import FIGURES, FigureKind
from simulate.network.tables import (
    Dates,
    Row,
    check_identifier,
    is_assumption,
    need_entity,
    read_choice,
    read_date,
    read_number,
    read_quantity,
    read_year,
    warn_of,
)

INSURER = "insurer"  # added by compile: pays in insured worlds
POLICIES = ("restructure", "liquidate", "never")
BRIDGES = ("fcf", "ocf", "margin", "none")
FLAGS = ("lab", "race", "systemic")

Scalars = dict[str, dict[str, float]]  # entity -> figure
Plans = dict[str, dict[str, dict[int, float]]]  # entity -> figure -> year


class Entity(NamedTuple):
    """One row of entities.csv with its figures. Units of the figures: `simulate.network.figures.FIGURES`."""

    id: str
    name: str
    type: str
    outside: bool
    policy: str  # restructure, liquidate, never
    bridge: str  # fcf, ocf, margin, none
    lab: bool
    race: bool
    systemic: bool
    figures: Mapping[str, float | None]  # scalars, defaults filled in
    given: frozenset[str]  # scalars that the table gives
    plans: Mapping[str, Mapping[int, float]]  # by year
    place: str  # file and line: the beginning of sentences about it

    def figure(self, name: str) -> float:
        """Return a figure that has a default or was checked to be there. Raises ValueError where it is blank."""
        value = self.figures[name]
        if value is None:
            raise ValueError(f"'{self.id}' has no figure '{name}'")
        return value

    @property
    def is_owner(self) -> bool:
        """Owns chips: has GW or a fleet at the opening."""
        return "gw" in self.given or "fleet_cost" in self.given


class Vendor(NamedTuple):
    """One row of vendors.csv."""

    entity: str
    vendor: str
    share: float  # of the capex of the entity
    margin: float  # share of that which the vendor keeps
    place: str  # file and line: the beginning of sentences about it


def read_entity(row: Row, scalars: Scalars, plans: Plans, stated: set[tuple[str, str]], problems: list[str]) -> Entity | None:
    """Read one entity; None when its row or its cash is wrong. `stated`: figures with a row, right or wrong."""
    before = len(problems)
    check_identifier(row, problems)
    if row["id"] == INSURER:
        problems.append(f"{row.place}: the id '{INSURER}' is taken; the insurer is added to every network.")
    role = read_choice(row, "role", ("inside", "outside"), problems)
    policy = read_choice(row, "policy", POLICIES, problems)
    bridge = read_choice(row, "bridge", BRIDGES, problems)
    flags = {column: read_choice(row, column, ("0", "1"), problems) == "1" for column in FLAGS}
    figures, by_year = scalars.get(row["id"], {}), plans.get(row["id"], {})
    if role == "inside":
        check_inside(row, policy, stated, problems)
    if role == "outside":
        check_outside(row, policy, bridge, [*figures, *by_year], problems)
    if len(problems) > before or policy is None or bridge is None or (role == "inside" and "cash" not in figures):
        return None
    filled = {name: figures.get(name, kind.default) for name, kind in FIGURES.items() if not kind.yearly}
    return Entity(
        id=row["id"],
        name=row["name"],
        type=row["type"],
        outside=role == "outside",
        policy=policy,
        bridge=bridge,
        lab=flags["lab"],
        race=flags["race"],
        systemic=flags["systemic"],
        figures=filled,
        given=frozenset(figures),
        plans=by_year,
        place=row.place,
    )


def check_inside(row: Row, policy: str | None, stated: set[tuple[str, str]], problems: list[str]) -> None:
    """An inside entity can default and has cash."""
    if policy == "never":
        problems.append(f"{row.place}: an inside entity can default; its policy must be 'restructure' or 'liquidate', or its role 'outside'.")
    if (row["id"], "cash") not in stated:
        problems.append(f"{row.place}: the figure 'cash' is missing; add it to the figures table.")


def check_outside(row: Row, policy: str | None, bridge: str | None, figures: list[str], problems: list[str]) -> None:
    """An outside node never defaults and has neither a balance sheet nor a plan."""
    if policy in ("restructure", "liquidate"):
        problems.append(f"{row.place}: an outside node never defaults; its policy must be 'never'.")
    if figures:
        problems.append(f"{row.place}: an outside node has no balance sheet, but the figures table gives {listed(figures)}; drop those rows.")
    if bridge not in ("none", None):
        problems.append(f"{row.place}: an outside node has no plan; its bridge must be 'none'.")


def read_figures(rows: list[Row], entity_rows: list[Row], dates: Dates | None, problems: list[str], warnings: list[str]) -> tuple[Scalars, Plans]:
    """Read scalars by entity and name, and plans by entity, name and year; warn of what is not plausible."""
    known = [row["id"] for row in entity_rows]
    scalars: Scalars = {}
    plans: Plans = {}
    for row in rows:
        need_entity(row, "entity", known, problems)
        if read_choice(row, "figure", tuple(FIGURES), problems) is None:
            continue
        name, kind = row["figure"], FIGURES[row["figure"]]
        value = read_quantity(row, "value", kind.dimension, problems, what=f"'{name}'")
        year = read_year(row, problems) if kind.yearly else None
        if not kind.yearly and row["year"]:
            problems.append(f"{row.place}: '{name}' is one number, not one a year; leave the year blank.")
        check_figure_dates(row, kind, dates, problems, warnings)
        if value is None or (kind.yearly and year is None) or not is_inside_bounds(row, value, kind, problems):
            continue
        warn_of(row, f"'{name}'", value, kind.plausible, kind.dimension, warnings)
        if year is None:
            scalars.setdefault(row["entity"], {})[name] = value
        else:
            plans.setdefault(row["entity"], {}).setdefault(name, {})[year] = value
    return scalars, plans


def is_inside_bounds(row: Row, value: float, kind: FigureKind, problems: list[str]) -> bool:
    """True when a figure lies within the bounds of its kind."""
    low, high = kind.accepted
    if value < low:
        size = "negative" if value < 0 else "too small"
        problems.append(f"{row.place}: {value:g} is {size}; '{row['figure']}' must be at least {low:g}.")
    if value > high:
        problems.append(f"{row.place}: {value:g} is too large; '{row['figure']}' must be at most {high:g}.")
    return low <= value <= high


def check_figure_dates(row: Row, kind: FigureKind, dates: Dates | None, problems: list[str], warnings: list[str]) -> None:
    """Refuse look-ahead: prices must be public by the start, plans by the information date; accounts of past periods may be published later.

    Warn of a figure that was public before the day that it describes, but for plans.
    """
    as_of, known_on = read_date(row, "as_of", problems, last=True), read_date(row, "known_on", problems, last=True)
    if as_of is not None and known_on is not None and known_on < as_of and not kind.yearly:
        warnings.append(f"{row.place}: is as of {as_of}, but was known on {known_on} already; check the two dates.")
    if is_assumption(row):
        return
    if known_on is None:
        if not row["known_on"]:
            problems.append(f"{row.place}: known_on is blank; write the day on which the figure was public, or 'assumption: why' as its source.")
        return
    if dates is None:
        return
    if kind.price:
        if known_on > dates.start:
            problems.append(f"{row.place}: a price known on {known_on} cannot enter a run that starts on {dates.start}; take the price of that day.")
    elif (kind.yearly or as_of is None or as_of > dates.start) and known_on > dates.information:
        problems.append(
            f"{row.place}: a plan or guidance known on {known_on} is later than the information date {dates.information}; take the plan known then."
        )


def read_vendors(rows: list[Row], known: list[str], problems: list[str]) -> tuple[Vendor, ...]:
    """Read the vendors of chips by buyer, with their shares of its capex."""
    vendors = []
    for row in rows:
        named = [need_entity(row, column, known, problems) for column in ("entity", "vendor")]
        share, margin = (read_number(row, column, problems, high=1.0) for column in ("share", "margin"))
        if all(named) and share is not None and margin is not None:
            vendors.append(Vendor(row["entity"], row["vendor"], share, margin, row.place))
    return tuple(vendors)
