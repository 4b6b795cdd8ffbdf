"""Keys of [uncertain]: which numbers of a scenario they name, what these can be, and the overrides that move them.

A key is one that `--set` takes: a parameter of a section (`rules.door.valuation`), an entry of a list or table inside (`factors.life.weights.0`), or a cell
(`figures.openai.fund_phi`, `terms.T01.relet`). A `*` stands for every entity whose figure the table gives, every deal with such a cell, and every deal of a
kind with such a term, given or not. It leaves out what is 0, because there something is switched off, and the probability of deals that are sure.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from simulate.dimensions import PartsOfOne
from simulate.errors import did_you_mean, listed
from simulate.network.deals import dimension_of
from simulate.network.figures import FIGURES
from simulate.network.overlay import NOUNS
from simulate.network.read import Network
from simulate.scenario.inherit import COMMAND_LINE, parse_key
from simulate.scenario.sections import ScenarioFile

SECTIONS = ("drivers", "factors", "rules", "shocks")
ANY = "*"

Check = Callable[[float], str]  # the end of a sentence about a value that the number cannot be; "" for one that it can


class Number(NamedTuple):
    """A number of a scenario that a key moves."""

    path: tuple[str, ...]
    value: float
    check: Check
    starred: bool = True  # a `*` stands for it too
    content: tuple[float, ...] | None = None  # of the list in which it stands; its place there is the last word of `path`
    parts: bool = False  # the entries of that list are parts of one whole

    @property
    def key(self) -> str:
        """The key by which it is named."""
        return dotted(self.path)

    @property
    def target(self) -> str:
        """The key that is set to move it: a list is set whole."""
        return dotted(self.path if self.content is None else self.path[:-1])

    def moved(self, value: float, before: Any = None) -> Any:
        """Return what `target` becomes; `before`: what it became for another entry of the same list."""
        if self.content is None:
            return value
        entries, at = list(self.content if before is None else before), int(self.path[-1])
        rest = sum(entries) - entries[at]
        if self.parts and rest > 0.0:
            entries = [entry * (1.0 - value) / rest for entry in entries]
        entries[at] = value
        return entries


def dotted(path: Sequence[str]) -> str:
    """Return a dotted key; a word with a point stands in quotes."""
    return ".".join(f'"{word}"' if "." in word else word for word in path)


Cells = dict[tuple[str, ...], Number]  # of a table


def cells_by_table(network: Network) -> dict[str, Cells]:
    """Return the numbers of all tables by table and path."""
    return {table: {cell.path: cell for cell in cells(network)} for table, cells in OF_TABLE.items()}


def numbers_of(key: str, file: ScenarioFile, tables: Mapping[str, Cells]) -> list[Number]:
    """Return the numbers that a key names; `tables`: those of `cells_by_table`. Raises ValueError with the end of a sentence about the key."""
    path = parse_key(key)
    if not path:
        raise ValueError("has a blank part; write a key as for --set, such as rules.transfer")
    if path[0] in SECTIONS:
        return [number_in(file, path)]
    if path[0] not in OF_TABLE:
        known = (*SECTIONS, *OF_TABLE)
        raise ValueError(f"names no parameter of the model{did_you_mean(path[0], known)}; its first word must be one of {listed(known)}")
    cells = tables[path[0]]
    if ANY not in path:
        if path not in cells:
            hint = did_you_mean(dotted(path), map(dotted, cells))
            raise ValueError(f"names no {NOUNS[path[0]]} with a number{hint}; write the key of one that has a number in between, or add it to the table")
        return [cells[path]]
    like = [cell for cell in cells.values() if cell.starred and is_like(path, cell.path)]
    found = [cell for cell in like if cell.value] or like  # a row of 0 has the mechanism off, unless all are
    if not found:
        raise ValueError(f"names no {NOUNS[path[0]]} with a number; nothing in the table of {path[0]} is like it")
    return found


def is_like(pattern: Sequence[str], path: Sequence[str]) -> bool:
    """True where the words of a path are those of a pattern."""
    return len(path) == len(pattern) and all(word in (ANY, other) for word, other in zip(pattern, path, strict=True))


def figures_of(network: Network) -> Iterator[Number]:
    """Yield the figures of inside entities, flags excepted."""
    for entity in (entity for entity in network.entities if not entity.outside):
        for name, value in entity.figures.items():
            if value is not None and FIGURES[name].dimension != "flag":
                yield Number(("figures", entity.id, name), value, between(*FIGURES[name].accepted), name in entity.given)
        for name, plan in entity.plans.items():
            yield from (Number(("figures", entity.id, name, str(year)), value, between(*FIGURES[name].accepted)) for year, value in plan.items())


def terms_of(network: Network) -> Iterator[Number]:
    """Yield the terms of deals, also those that have their default; flags excepted."""
    for deal in network.deals:
        for name, field in type(deal.terms).model_fields.items():
            value = getattr(deal.terms, name)
            if isinstance(value, float) and dimension_of(field) != "flag":
                yield Number(("terms", deal.id, field.alias or name), value, accepted_by(field))


def deals_of(network: Network) -> Iterator[Number]:
    """Yield probabilities and amounts of deals."""
    for deal in network.deals:
        if deal.probability is not None:
            yield Number(("deals", deal.id, "probability"), deal.probability, between(0.0, 1.0), deal.probability < 1.0)
        if deal.amount:
            yield Number(("deals", deal.id, "amount"), deal.amount, between(0.0, None))


def schedules_of(network: Network) -> Iterator[Number]:
    """Yield scheduled amounts by deal, item and year."""
    for deal in network.deals:
        for item, by_year in deal.schedule.items():
            yield from (Number(("schedules", deal.id, item, str(year)), value, between(0.0, None)) for year, value in by_year.items())


def vendors_of(network: Network) -> Iterator[Number]:
    """Yield shares and margins of vendors."""
    for vendor in network.vendors:
        for name in ("share", "margin"):
            yield Number(("vendors", vendor.entity, vendor.vendor, name), getattr(vendor, name), between(0.0, 1.0))


# Numbers of each table that can be anything in between, in the unit of the model.
OF_TABLE: dict[str, Callable[[Network], Iterator[Number]]] = {
    "figures": figures_of,
    "terms": terms_of,
    "deals": deals_of,
    "schedules": schedules_of,
    "vendors": vendors_of,
}


def between(low: float, high: float | None) -> Check:
    """Return the check of a number with bounds."""

    def check(value: float) -> str:
        if value < low:
            return f"must be at least {low:g}"
        return f"must be at most {high:g}" if high is not None and value > high else ""

    return check


def accepted_by(field: FieldInfo, replaced: Callable[[float], Any] = lambda value: value) -> Check:
    """Return the check of a number in a field; `replaced(value)`: what the whole field becomes."""

    def check(value: float) -> str:
        accepted: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        try:
            TypeAdapter(accepted).validate_python(replaced(value))
        except ValidationError as error:
            return str(error.errors()[0]["msg"]).removeprefix("Value error, ").removeprefix("Input ")
        return ""

    return check


def number_in(file: ScenarioFile, path: tuple[str, ...]) -> Number:
    """Return the number of a section at a path. Raises ValueError with the end of a sentence."""
    here: Any = file
    field, whole, top = FieldInfo(), None, 0
    for depth, word in enumerate(path):
        if isinstance(here, BaseModel):
            fields = {name: one for name, one in type(here).model_fields.items() if name != "sources"}
            if word not in fields:
                raise ValueError(f"is not known: there is no '{word}'{did_you_mean(word, fields)}; known there: {listed(fields)}")
            field, here = fields[word], getattr(here, word)
            whole, top = here, depth + 1
        elif isinstance(here, dict):
            names = {str(name): name for name in here}
            if word not in names:
                raise ValueError(f"is not known: there is no '{word}'{did_you_mean(word, names)}; the table has {listed(names) or 'nothing'}")
            here = here[names[word]]
        elif isinstance(here, tuple | list):
            if not (word.isdecimal() and int(word) < len(here)):
                raise ValueError(f"is not known: the list has the entries 0 to {len(here) - 1}, and no '{word}'")
            here = here[int(word)]
        else:
            raise ValueError(f"is not known: {dotted(path[:depth])} has nothing inside")
    if not isinstance(here, float):
        what = "has no value here; give it one, from which its range differs" if here is None else "is no number that can be anything in between"
        raise ValueError(what)
    parts = any(isinstance(mark, PartsOfOne) for mark in field.metadata)
    content = tuple(whole) if isinstance(whole, tuple | list) else None
    inside = path[top:]

    def replaced(value: float) -> Any:
        if not inside:
            return value
        if isinstance(whole, dict):
            return {name: value if str(name) == inside[0] else other for name, other in whole.items()}
        return tuple(value if str(at) == inside[0] else other for at, other in enumerate(content or ()))

    base = here / sum(content) if parts and content else here
    return Number(path, base, between(0.0, 1.0) if parts else accepted_by(field, replaced), content=content, parts=parts)


def faults_of(file: ScenarioFile, network: Network, place: Callable[[Sequence[str | int]], str], warnings: list[str]) -> list[str]:
    """Return a sentence for every entry of [uncertain] that no run could use; warn of a range that its own value lies outside of."""
    problems: list[str] = []
    taken: dict[str, str] = {}
    tables = cells_by_table(network) if file.uncertain else {}
    for key, uncertain in file.uncertain.items():
        where = place(("uncertain", key))
        try:
            numbers = numbers_of(key, file, tables)
        except ValueError as error:
            problems.append(f"{where}: {error}.")
            continue
        wrong = ((number, name, end, number.check(end)) for number in numbers for name, end in uncertain.ends.items())
        for number, name, end, why in wrong:
            if why:
                problems.append(f"{where}: {name} is {end:g}, which {number.key} cannot be: it {why}.")
                break
        for number in numbers:
            mark = number.target if number.parts else number.key
            if mark in taken:
                problems.append(f'{where}: moves {number.key}, which "{taken[mark]}" moves too; keep one of the two.')
                break
            taken[mark] = key
            low, high = uncertain.ends.values()
            if not low <= number.value <= high and not place(number.path).startswith(COMMAND_LINE):
                warnings.append(f"{where}: the scenario has {number.key} = {number.value:g}, outside of {uncertain}; check both.")
    return problems


def moves_of(values: Mapping[str, float], file: ScenarioFile, network: Network) -> dict[str, Any]:
    """Return the overrides that set keys of [uncertain] to values."""
    moves: dict[str, Any] = {}
    tables = cells_by_table(network)
    for key, value in values.items():
        for number in numbers_of(key, file, tables):
            moves[number.target] = number.moved(value, moves.get(number.target))
    return moves
