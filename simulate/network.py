"""The tables of a network: entities with their figures, deals with terms and schedules, vendors; every row with a source."""

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from simulate.deals import KINDS
from simulate.deals.drafts import Deal
from simulate.errors import did_you_mean, known_keys, listed, sentences_of
from simulate.figures import FIGURES
from simulate.plans import Calendar
from simulate.tables import Row, need_text, read_choice, read_date, read_number, read_table, read_unit

COLUMNS = {
    "entities": ("id", "name", "type", "role", "policy", "bridge", "lab", "race", "systemic", "source"),
    "figures": ("entity", "figure", "year", "value", "unit", "as_of", "known_on", "source", "note"),
    "deals": (
        "id",
        "kind",
        "payer",
        "payee",
        "amount",
        "unit",
        "status",
        "probability",
        "group",
        "start",
        "end",
        "site_group",
        "circle",
        "as_of",
        "known_on",
        "source",
        "note",
    ),
    "schedules": ("deal", "item", "year", "value", "unit", "source"),
    "terms": ("deal", "term", "value", "unit", "source"),
    "vendors": ("entity", "vendor", "share", "margin", "source"),
}
KEYS = {
    "entities": ("id",),
    "figures": ("entity", "figure", "year"),
    "deals": ("id",),
    "schedules": ("deal", "item", "year"),
    "terms": ("deal", "term"),
    "vendors": ("entity", "vendor"),
}
STATUSES = ("completed", "binding", "conditional", "letter_of_intent", "talks")
ITEMS = ("payment", "principal", "draw")
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
INSURER = "insurer"  # added by compile: pays in insured worlds


class Entity(NamedTuple):
    """One row of entities.csv with its figures. Units of the figures: `simulate.figures.FIGURES`."""

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
    line: int

    @property
    def is_owner(self) -> bool:
        """Owns chips: has GW or a fleet at the opening."""
        return "gw" in self.given or "fleet_cost" in self.given


class Vendor(NamedTuple):
    """One row of vendors.csv."""

    entity: str
    vendor: str
    share: float  # of the capex of the entity
    margin: float  # of that, kept by the vendor
    line: int


class Network(NamedTuple):
    """All tables, checked row by row."""

    entities: tuple[Entity, ...]
    deals: tuple[Deal, ...]
    vendors: tuple[Vendor, ...]
    rows: Mapping[str, list[dict[str, str]]]  # table -> cells as written
    names: Mapping[str, str]  # table -> file name

    def entity(self, identifier: str) -> Entity | None:
        """The entity of that id."""
        return next((e for e in self.entities if e.id == identifier), None)


class Dates(NamedTuple):
    """What may be known: prices and deals by `start`, plans and guidance by `information`."""

    start: date
    information: date


def read_network(paths: Mapping[str, Path], calendar: Calendar | None, dates: Dates | None, problems: list[str]) -> Network:
    """All tables. Faults go to `problems`; without calendar and dates (they were wrong) what needs them is left out.

    Tables refer to each other, so where a whole one is missing only what the others say by themselves is judged.
    """
    read = {name: read_table(paths[name], COLUMNS[name], KEYS[name], problems) if name in paths else [] for name in COLUMNS}
    tables = {name: rows or [] for name, rows in read.items()}
    for name, rows in tables.items():
        for row in rows:
            need_text(row, "source", problems)
        refuse_duplicates(rows, KEYS[name], problems)
    names = {name: path.name for name, path in paths.items()}
    whole = all(rows is not None for rows in read.values()) and "entities" in paths
    if whole:
        whole = not (missing := missing_rows(tables, names))
        problems.extend(missing)
    if not whole:
        return Network((), (), (), {}, names)
    scalars, plans = read_figures(tables["figures"], tables["entities"], dates, problems)
    stated = {(row["entity"], row["figure"]) for row in tables["figures"]}
    entities = tuple(entity for row in tables["entities"] if (entity := read_entity(row, scalars, plans, stated, problems)))
    known = [row["id"] for row in tables["entities"]]
    deals = read_deals(tables, known, calendar, dates, problems)
    vendors = read_vendors(tables["vendors"], known, problems)
    return Network(entities, deals, vendors, {name: [row.cells for row in rows] for name, rows in tables.items()}, names)


def missing_rows(tables: Mapping[str, list[Row]], names: Mapping[str, str]) -> list[str]:
    """One sentence where nobody takes part, or where terms and schedules belong to a table that is not named."""
    sentences = []
    if all(row["role"] == "outside" for row in tables["entities"]):
        sentences.append(f"{names['entities']}: the network is empty; give at least one entity with role 'inside'.")
    for name in ("terms", "schedules"):
        if tables[name] and "deals" not in names:
            sentences.append(f"{names[name]}: there is no table of deals to which its rows could belong; name it in [tables] deals, or drop {name} there.")
    return sentences


def refuse_duplicates(rows: list[Row], key: tuple[str, ...], problems: list[str]) -> None:
    """No two rows may say the same thing."""
    first: dict[tuple, int] = {}
    for row in rows:
        name = tuple(row[column] for column in key)
        if name in first:
            problems.append(f"{row.place}: stands already in line {first[name]}; keep one of the two rows.")
        first.setdefault(name, row.line)


def need_entity(row: Row, column: str, known: list[str], problems: list[str]) -> bool:
    """True when the cell names an entity."""
    if row[column] in known:
        return True
    problems.append(f"{row.place}: {column} '{row[column]}' is no entity{did_you_mean(row[column], known)}; add it to the entities table or correct the name.")
    return False


# Entities and figures


def read_entity(row: Row, scalars: Mapping, plans: Mapping, stated: set[tuple[str, str]], problems: list[str]) -> Entity | None:
    """One entity, or None when its row or its cash is wrong; `stated` are the figures with a row, right or wrong."""
    before = len(problems)
    if not IDENTIFIER.fullmatch(row["id"]):
        problems.append(f"{row.place}: the id '{row['id']}' must be letters, digits, '_', '-' or '.'.")
    if row["id"] == INSURER:
        problems.append(f"{row.place}: the id '{INSURER}' is taken; the insurer is added to every network.")
    role = read_choice(row, "role", ("inside", "outside"), problems)
    policy = read_choice(row, "policy", ("restructure", "liquidate", "never"), problems)
    bridge = read_choice(row, "bridge", ("fcf", "ocf", "margin", "none"), problems)
    flags = {column: read_choice(row, column, ("0", "1"), problems) == "1" for column in ("lab", "race", "systemic")}
    if role == "outside" and policy in ("restructure", "liquidate"):
        problems.append(f"{row.place}: an outside node never defaults; its policy must be 'never'.")
    if role == "inside" and policy == "never":
        problems.append(f"{row.place}: an inside entity can default; its policy must be 'restructure' or 'liquidate', or its role 'outside'.")
    figures, by_year = scalars.get(row["id"], {}), plans.get(row["id"], {})
    if role == "outside" and (figures or by_year):
        problems.append(f"{row.place}: an outside node has no balance sheet, but the figures table gives {listed([*figures, *by_year])}; drop those rows.")
    if role == "outside" and bridge not in ("none", None):
        problems.append(f"{row.place}: an outside node has no plan; its bridge must be 'none'.")
    if role == "inside" and (row["id"], "cash") not in stated:
        problems.append(f"{row.place}: the figure 'cash' is missing; add it to the figures table.")
    if len(problems) > before or (role == "inside" and "cash" not in figures):
        return None
    filled = {name: figures.get(name, kind.default) for name, kind in FIGURES.items() if not kind.yearly}
    return Entity(
        row["id"],
        row["name"],
        row["type"],
        role == "outside",
        policy,
        bridge,
        flags["lab"],
        flags["race"],
        flags["systemic"],
        filled,
        frozenset(figures),
        by_year,
        row.line,
    )


def read_figures(rows: list[Row], entity_rows: list[Row], dates: Dates | None, problems: list[str]) -> tuple[dict, dict]:
    """Scalars by entity and name; plans by entity, name and year."""
    known = [row["id"] for row in entity_rows]
    scalars: dict[str, dict[str, float]] = {}
    plans: dict[str, dict[str, dict[int, float]]] = {}
    for row in rows:
        need_entity(row, "entity", known, problems)
        if read_choice(row, "figure", tuple(FIGURES), problems) is None:
            continue
        name, kind = row["figure"], FIGURES[row["figure"]]
        scale, value = read_unit(row, kind.dimension, problems), read_number(row, "value", problems, low=None)
        year = read_year(row, problems) if kind.yearly else None
        if not kind.yearly and row["year"]:
            problems.append(f"{row.place}: '{name}' is one number, not one a year; leave the year blank.")
        check_figure_dates(row, kind.yearly, kind.price, dates, problems)
        if scale is None or value is None or (kind.yearly and year is None):
            continue
        value *= scale
        if kind.low is not None and value < kind.low:
            problems.append(
                f"{row.place}: {value:g} is negative; '{name}' must be at least {kind.low:g}."
                if value < 0
                else f"{row.place}: {value:g} is too small; '{name}' must be at least {kind.low:g}."
            )
        elif kind.high is not None and value > kind.high:
            problems.append(f"{row.place}: {value:g} is too large; '{name}' must be at most {kind.high:g}.")
        elif kind.yearly:
            plans.setdefault(row["entity"], {}).setdefault(name, {})[year] = value
        else:
            scalars.setdefault(row["entity"], {})[name] = value
    return scalars, plans


def read_year(row: Row, problems: list[str]) -> int | None:
    """A calendar year."""
    if re.fullmatch(r"(19|20|21)\d\d", row["year"]):
        return int(row["year"])
    problems.append(f"{row.place}: the year is '{row['year']}'; write a calendar year such as 2027.")
    return None


def check_figure_dates(row: Row, is_plan: bool, is_price: bool, dates: Dates | None, problems: list[str]) -> None:
    """As known then: accounts of past periods may be published later, plans by the information date, prices by the start."""
    as_of, known_on = read_date(row, "as_of", problems, last=True), read_date(row, "known_on", problems, last=True)
    if row["source"].lower().startswith("assumption"):
        return
    if known_on is None:
        if not row["known_on"]:
            problems.append(f"{row.place}: known_on is blank; write the day on which the figure was public, or 'assumption: why' as its source.")
        return
    if dates is None:
        return
    if is_price:
        if known_on > dates.start:
            problems.append(f"{row.place}: a price known on {known_on} cannot enter a run that starts on {dates.start}; take the price of that day.")
    elif (is_plan or as_of is None or as_of > dates.start) and known_on > dates.information:
        problems.append(
            f"{row.place}: a plan or guidance known on {known_on} is later than the information date {dates.information}; take the plan known then."
        )


# Deals


def read_deals(tables: Mapping[str, list[Row]], known: list[str], calendar: Calendar | None, dates: Dates | None, problems: list[str]) -> tuple[Deal, ...]:
    """Deals with their terms and schedules; each checked by its kind."""
    kinds = {row["id"]: row["kind"] for row in tables["deals"]}
    for table in ("terms", "schedules"):
        for row in tables[table]:
            if row["deal"] not in kinds:
                problems.append(
                    f"{row.place}: there is no deal '{row['deal']}'{did_you_mean(row['deal'], kinds)}; add it to the deals table or correct the name."
                )
    terms = {identifier: [row for row in tables["terms"] if row["deal"] == identifier] for identifier in kinds}
    schedules = {identifier: [row for row in tables["schedules"] if row["deal"] == identifier] for identifier in kinds}
    deals = []
    for row in tables["deals"]:
        deal = read_deal(row, terms[row["id"]], schedules[row["id"]], known, dates, problems)
        if deal is not None:
            deals.append((row, deal))
    rented: dict[tuple[str, str], float] = {}
    for _, deal in deals:
        if deal.site_group and deal.kind == "compute_contract":
            key = deal.site_group, deal.payer
            rented[key] = rented.get(key, 0.0) + deal.terms.milestone_gw
    deals = [(row, deal._replace(rented_gw=rented.get((deal.site_group, deal.payer), 0.0))) for row, deal in deals]
    if calendar is not None:
        for row, deal in deals:
            problems.extend(f"{row.place}: {sentence}." for sentence in KINDS[deal.kind].check(deal, calendar))
    return tuple(deal for _, deal in deals)


def read_deal(row: Row, terms: list[Row], schedule: list[Row], known: list[str], dates: Dates | None, problems: list[str]) -> Deal | None:
    """One deal, or None when its rows are wrong."""
    before = len(problems)
    if not IDENTIFIER.fullmatch(row["id"]):
        problems.append(f"{row.place}: the id '{row['id']}' must be letters, digits, '_', '-' or '.'.")
    kind = read_choice(row, "kind", tuple(KINDS), problems)
    status = read_choice(row, "status", STATUSES, problems)
    parties = [need_entity(row, column, known, problems) for column in ("payer", "payee")]
    if all(parties) and row["payer"] == row["payee"]:
        problems.append(f"{row.place}: payer and payee are both '{row['payer']}'; a deal needs two parties.")
    amount = 0.0
    if row["amount"]:
        scale, value = read_unit(row, "money", problems), read_number(row, "amount", problems)
        amount = (scale or 0.0) * (value or 0.0)
    probability = read_number(row, "probability", problems, high=1.0) if row["probability"] else None
    if probability is not None and probability < 1 and not row["group"]:
        problems.append(f"{row.place}: has probability {probability:g} but no group, and without a group a deal executes surely; name its group or write 1.")
    start, end = read_date(row, "start", problems, last=False), read_date(row, "end", problems, last=True)
    if start and end and end < start:
        problems.append(f"{row.place}: ends on {end}, before it starts on {start}; correct the dates.")
    check_deal_dates(row, dates, problems)
    section = read_terms(row, KINDS[kind], terms, problems) if kind else None
    is_ratio = bool(getattr(section, "revenue_share", 0.0))
    by_item = read_schedule(KINDS[kind], schedule, is_ratio, start, end, problems) if kind else {}
    if len(problems) > before or section is None:
        return None
    return Deal(
        row["id"],
        kind,
        row["payer"],
        row["payee"],
        amount,
        status,
        row["group"],
        probability,
        start,
        end,
        row["site_group"],
        row["circle"],
        section,
        by_item,
        0.0,
        row["note"],
        row.line,
    )


def check_deal_dates(row: Row, dates: Dates | None, problems: list[str]) -> None:
    """A deal learned after the opening day is refused."""
    read_date(row, "as_of", problems, last=True)
    known_on = read_date(row, "known_on", problems, last=True)
    if row["source"].lower().startswith("assumption"):
        return
    if known_on is None:
        if not row["known_on"]:
            problems.append(f"{row.place}: known_on is blank; write the day on which the deal was public, or 'assumption: why' as its source.")
    elif dates is not None and known_on > dates.start:
        problems.append(f"{row.place}: became known on {known_on}, after the run starts on {dates.start}; drop the row or start the run later.")


def read_terms(deal: Row, kind, rows: list[Row], problems: list[str]):
    """The section of terms of a deal, or None."""
    before = len(problems)
    fields = {field.alias or name: field for name, field in kind.terms.model_fields.items()}
    given, lines = {}, {}
    for row in rows:
        name = row["term"]
        if name not in fields:
            problems.append(
                f"{row.place}: the kind {kind.name} has no term '{name}'{did_you_mean(name, fields)}; its terms: {listed(known_keys(kind.terms, ()))}."
            )
            continue
        lines[name] = row
        dimension = fields[name].json_schema_extra["dimension"]
        scale = read_unit(row, dimension, problems)
        value = row["value"] if dimension == "text" else read_number(row, "value", problems, low=None, what=f"'{name}'")
        if scale is not None and value is not None:
            given[name] = value if dimension == "text" else value * scale
    if len(problems) > before:
        return None
    try:
        return kind.terms.model_validate(given)
    except ValidationError as error:
        problems.extend(
            sentences_of(
                error,
                kind.terms,
                lambda location: (
                    f"{lines[location[0]].place}: '{location[0]}'"
                    if location[0] in lines
                    else f"{deal.place}: the term '{location[0]}' of the kind {kind.name}"
                ),
            )
        )
        return None


def read_schedule(kind, rows: list[Row], is_ratio: bool, start: date | None, end: date | None, problems: list[str]) -> dict[str, dict[int, float]]:
    """Item -> year -> amount of a deal."""
    by_item: dict[str, dict[int, float]] = {}
    for row in rows:
        if read_choice(row, "item", ITEMS, problems) is None:
            continue
        if row["item"] not in kind.items:
            problems.append(f"{row.place}: the kind {kind.name} reads no '{row['item']}'; it reads {listed(kind.items) or 'no schedule'}.")
            continue
        scale = read_unit(row, "ratio" if is_ratio else "flow", problems)  # a revenue share is a ratio of the payer's revenue
        year, value = read_year(row, problems), read_number(row, "value", problems)
        if year is None or scale is None or value is None:
            continue
        if value > 0 and ((start and year < start.year) or (end and year > end.year)):
            problems.append(
                f"{row.place}: {value:g} in {year} lies outside the dates of the deal ({start or 'open'} to {end or 'open'}); correct the year or the dates."
            )
        by_item.setdefault(row["item"], {})[year] = value * scale
    return by_item


# Vendors


def read_vendors(rows: list[Row], known: list[str], problems: list[str]) -> tuple[Vendor, ...]:
    """Who sells chips to whom."""
    vendors = []
    for row in rows:
        named = [need_entity(row, column, known, problems) for column in ("entity", "vendor")]
        share, margin = (read_number(row, column, problems, high=1.0) for column in ("share", "margin"))
        if all(named) and share is not None and margin is not None:
            vendors.append(Vendor(row["entity"], row["vendor"], share, margin, row.line))
    return tuple(vendors)
