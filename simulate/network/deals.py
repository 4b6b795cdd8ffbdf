"""Deals with their terms and schedules, read from the rows of their tables; each is checked by its kind."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from simulate.calendar import Calendar
from simulate.deals import KINDS
from simulate.deals.kind import Deal, Kind, Terms
from simulate.dimensions import DIMENSIONS, plausible_range
from simulate.errors import did_you_mean, known_keys, listed, sentences_of
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
    read_unit,
    read_year,
    warn_of,
)

STATUSES = ("completed", "binding", "conditional", "letter_of_intent", "talks")
ITEMS = ("payment", "principal", "draw")

Schedule = dict[str, dict[int, float]]  # item -> year -> USD bn a year, or ratio


def read_deals(
    tables: Mapping[str, list[Row]], known: list[str], calendar: Calendar | None, dates: Dates | None, problems: list[str], warnings: list[str]
) -> tuple[Deal, ...]:
    """Read deals with their terms and schedules; its kind checks each. Warn of what is not plausible."""
    kinds = {row["id"]: row["kind"] for row in tables["deals"]}
    for table in ("terms", "schedules"):
        for row in tables[table]:
            if row["deal"] not in kinds:
                problems.append(
                    f"{row.place}: there is no deal '{row['deal']}'{did_you_mean(row['deal'], kinds)}; add it to the deals table or correct the name."
                )
    terms, schedules = rows_by_deal(tables["terms"]), rows_by_deal(tables["schedules"])
    deals = []
    for row in tables["deals"]:
        deal = read_deal(row, terms.get(row["id"], []), schedules.get(row["id"], []), known, dates, problems, warnings)
        if deal is not None:
            deals.append((row, deal))
    rented = rented_gw(deal for _, deal in deals)
    deals = [(row, deal._replace(rented_gw=rented.get((deal.site_group, deal.payer), 0.0))) for row, deal in deals]
    if calendar is not None:
        for row, deal in deals:
            problems.extend(f"{row.place}: {sentence}." for sentence in KINDS[deal.kind].check(deal, calendar))
    return tuple(deal for _, deal in deals)


def rows_by_deal(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Return rows by the deal that they name."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["deal"], []).append(row)
    return found


def rented_gw(deals: Iterable[Deal]) -> dict[tuple[str, str], float]:
    """Return the GW rented by site group and payer."""
    rented: dict[tuple[str, str], float] = {}
    for deal in deals:
        if deal.site_group and deal.terms.rents_gw:
            key = deal.site_group, deal.payer
            rented[key] = rented.get(key, 0.0) + deal.terms.rents_gw
    return rented


def read_deal(row: Row, terms: list[Row], schedule: list[Row], known: list[str], dates: Dates | None, problems: list[str], warnings: list[str]) -> Deal | None:
    """Read one deal; None when its rows are wrong."""
    before = len(problems)
    check_identifier(row, problems)
    kind = KINDS.get(read_choice(row, "kind", tuple(KINDS), problems) or "")
    status = read_choice(row, "status", STATUSES, problems)
    check_parties(row, known, problems)
    amount, probability = read_amount(row, problems, warnings), read_probability(row, problems)
    start, end = read_date(row, "start", problems, last=False), read_date(row, "end", problems, last=True)
    if start and end and end < start:
        problems.append(f"{row.place}: ends on {end}, before it starts on {start}; correct the dates.")
    check_deal_dates(row, dates, problems)
    section = read_terms(row, kind, terms, problems, warnings) if kind else None
    by_item = read_schedule(kind, schedule, section is not None and section.is_ratio, start, end, problems, warnings) if kind else {}
    if len(problems) > before or kind is None or status is None or section is None:
        return None
    return Deal(
        id=row["id"],
        kind=kind.name,
        payer=row["payer"],
        payee=row["payee"],
        amount=amount,
        status=status,
        group=row["group"],
        probability=probability,
        start=start,
        end=end,
        site_group=row["site_group"],
        circle=row["circle"],
        terms=section,
        schedule=by_item,
        rented_gw=0.0,
        note=row["note"],
        place=row.place,
    )


def check_parties(row: Row, known: list[str], problems: list[str]) -> None:
    """Payer and payee must be two different entities."""
    parties = [need_entity(row, column, known, problems) for column in ("payer", "payee")]
    if all(parties) and row["payer"] == row["payee"]:
        problems.append(f"{row.place}: payer and payee are both '{row['payer']}'; a deal needs two parties.")


def read_amount(row: Row, problems: list[str], warnings: list[str]) -> float:
    """Read the amount in USD bn; 0 when it is blank or wrong."""
    if not row["amount"]:
        return 0.0
    amount = read_quantity(row, "amount", "money", problems, low=0.0)
    if amount is None:
        return 0.0
    warn_of(row, "amount", amount, DIMENSIONS["money"].plausible, "money", warnings)
    return amount


def read_probability(row: Row, problems: list[str]) -> float | None:
    """Read the probability of execution; None when it is blank or wrong. Only a deal of a group may have one below 1."""
    probability = read_number(row, "probability", problems, high=1.0) if row["probability"] else None
    if probability is not None and probability < 1 and not row["group"]:
        problems.append(f"{row.place}: has probability {probability:g} but no group, and without a group a deal executes surely; name its group or write 1.")
    return probability


def check_deal_dates(row: Row, dates: Dates | None, problems: list[str]) -> None:
    """Refuse a deal that became known after the opening day."""
    read_date(row, "as_of", problems, last=True)
    known_on = read_date(row, "known_on", problems, last=True)
    if is_assumption(row):
        return
    if known_on is None:
        if not row["known_on"]:
            problems.append(f"{row.place}: known_on is blank; write the day on which the deal was public, or 'assumption: why' as its source.")
    elif dates is not None and known_on > dates.start:
        problems.append(f"{row.place}: became known on {known_on}, after the run starts on {dates.start}; drop the row or start the run later.")


def read_terms(deal: Row, kind: Kind, rows: list[Row], problems: list[str], warnings: list[str]) -> Terms | None:
    """Read the terms of a deal; None when they are wrong. Warn of those that are not plausible."""
    before = len(problems)
    fields = {field.alias or name: field for name, field in kind.terms.model_fields.items()}
    given: dict[str, str | float] = {}
    lines: dict[str, Row] = {}
    for row in rows:
        name = row["term"]
        if name not in fields:
            problems.append(
                f"{row.place}: the kind {kind.name} has no term '{name}'{did_you_mean(name, fields)}; its terms: {listed(known_keys(kind.terms, ()))}."
            )
            continue
        lines[name] = row
        dimension = dimension_of(fields[name])
        if dimension == "text":
            read_unit(row, dimension, problems)
            given[name] = row["value"]
        elif (value := read_quantity(row, "value", dimension, problems, what=f"'{name}'")) is not None:
            given[name] = value
    if len(problems) > before:
        return None

    def place(location: Sequence[str | int]) -> str:
        name = str(location[0])
        return f"{lines[name].place}: '{name}'" if name in lines else f"{deal.place}: the term '{name}' of the kind {kind.name}"

    try:
        section = kind.terms.model_validate(given)
    except ValidationError as error:
        problems.extend(sentences_of(error, kind.terms, place))
        return None
    for name, row in lines.items():
        number = given[name]
        if isinstance(number, float):
            warn_of(row, f"'{name}'", number, plausible_range(fields[name]), dimension_of(fields[name]), warnings)
    return section


def dimension_of(field: FieldInfo) -> str:
    """Return the dimension of a term (`simulate.deals.kind.term`)."""
    extra = field.json_schema_extra
    return str(extra["dimension"]) if isinstance(extra, dict) else ""


def read_schedule(kind: Kind, rows: list[Row], is_ratio: bool, start: date | None, end: date | None, problems: list[str], warnings: list[str]) -> Schedule:
    """Read the amounts of a deal by item and year."""
    dimension = "ratio" if is_ratio else "flow"  # a revenue share is a ratio of the payer's revenue
    by_item: Schedule = {}
    for row in rows:
        if read_choice(row, "item", ITEMS, problems) is None:
            continue
        if row["item"] not in kind.items:
            problems.append(f"{row.place}: the kind {kind.name} reads no '{row['item']}'; it reads {listed(kind.items) or 'no schedule'}.")
            continue
        year, value = read_year(row, problems), read_quantity(row, "value", dimension, problems, low=0.0)
        if year is None or value is None:
            continue
        if value > 0 and ((start and year < start.year) or (end and year > end.year)):
            problems.append(
                f"{row.place}: {value:g} in {year} lies outside the dates of the deal ({start or 'open'} to {end or 'open'}); correct the year or the dates."
            )
        warn_of(row, row["item"], value, DIMENSIONS[dimension].plausible, dimension, warnings)
        by_item.setdefault(row["item"], {})[year] = value
    return by_item
