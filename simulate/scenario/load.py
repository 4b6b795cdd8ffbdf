"""A scenario with its network: sections and tables read and checked; errors name file, key and remedy."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from simulate.errors import InputError, did_you_mean, refuse_if_any, section_type, sentences_of
from simulate.factors.drivers import check_correlation
from simulate.factors.section import doubts
from simulate.factors.short_rate import ShortRate
from simulate.model import FIRST, SWITCHES
from simulate.network.blanks import Default, default_figures, default_terms, silent_mechanisms
from simulate.network.checks import check_network
from simulate.network.doubts import doubts_of
from simulate.network.read import Network, read_network
from simulate.network.tables import Dates
from simulate.scenario.changes import find_changes
from simulate.scenario.inherit import COMMAND_LINE, find_scenario, origin, override, read_chain, read_overrides, refuse_deep
from simulate.scenario.keys import faults_of
from simulate.scenario.overruled import overruled_keys
from simulate.scenario.sections import ScenarioFile, Tables, not_given
from simulate.schema import Change

TABLES = tuple(Tables.model_fields)


class Scenario(ScenarioFile):
    """A scenario with its network."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    network: Network
    files: tuple[str, ...]
    """All files that were read."""
    source: Path
    """The scenario file."""
    overrides: dict[str, Any]
    """What was set beside the file, by dotted key."""
    base: str
    """Name of the scenario at the root of `extends`."""
    base_rate: ShortRate
    """Short rate of that scenario: its expected path is the curve that no stress of rates moves."""
    changes: tuple[Change, ...]
    """What differs from that one."""
    warnings: tuple[str, ...]
    """What was accepted but is not plausible, a sentence each."""

    def beside(self, name: str) -> Path | None:
        """Return the file of that name in the folder of any file that was read; None if there is none."""
        folders = dict.fromkeys(Path(file).parent for file in self.files)
        return next((folder / name for folder in folders if (folder / name).is_file()), None)

    @property
    def silent(self) -> tuple[str, ...]:
        """Return a sentence for every mechanism that is off because something is blank, where it would matter."""
        return tuple(silent_mechanisms(self.network))

    @property
    def defaults(self) -> tuple[Default, ...]:
        """Return everything that has its default, parameters first, then figures with their entities and terms with their deals."""
        sections = {"run": self.run, "drivers": self.drivers, "factors": self.factors, "rules": self.rules}
        parameters = [Default(".".join(key), value) for name, section in sections.items() for key, value in not_given(section, (name,))]
        return (*parameters, *default_figures(self.network), *default_terms(self.network))

    def resolved(self, seed: int) -> dict[str, Any]:
        """Return all inputs as JSON-able data, table rows included; no paths of the machine. Changes of tables stand in their rows."""
        content = self.model_dump(
            mode="json", exclude={"network", "files", "source", "overrides", "base", "base_rate", "changes", "warnings", "uncertain", *TABLES}
        )
        content["run"]["seed"] = seed
        if self.uncertain:
            content["uncertain"] = {key: law.model_dump(mode="json", exclude_none=True) for key, law in self.uncertain.items()}
        content["shocks"] = self.shocks.model_dump(mode="json", exclude_defaults=True)
        content["tables"] = dict(self.network.names)
        content["rows"] = {name: [dict(row) for row in rows] for name, rows in self.network.rows.items()}
        return content


def load_scenario(path_or_name: str | Path, overrides: Sequence[str] | Mapping[str, Any] = ()) -> Scenario:
    """Read a scenario from a file or by the name of a shipped one; return it with its network, sections and tables checked.

    overrides: "run.paths=1000" or {"run.paths": 1000}; figures, deals, terms, schedules, entities and vendors by id too ("figures.openai.cash=10").
    Raises InputError with all faults at once, each with file, key and remedy.
    """
    problems: list[str] = []
    path = find_scenario(path_or_name)
    given = read_overrides(overrides, problems)
    scenario, base_file, origins = read_set(path, given, problems)
    base = read_alone(base_file) if given or base_file != path else None
    if base is None:
        return scenario
    changes = find_changes(base.resolved(base.run.seed), scenario.resolved(scenario.run.seed))

    def place(location: Sequence[str | int]) -> str:
        key = ".".join(str(part) for part in location)
        return f"{origin(origins, key, path.name)}: {key}"

    warnings = (*scenario.warnings, *overruled_keys(changes, scenario.network, place))
    return scenario.model_copy(update={"base": base.name, "base_rate": base.factors.short_rate, "changes": changes, "warnings": warnings})


def load_moved(scenario: Scenario, moves: Mapping[str, Any]) -> Scenario:
    """Return a loaded scenario with further overrides, as `load_scenario` does, but without its list of changes, which takes half of the time. Raises InputError."""
    moved, _, _ = read_set(scenario.source, scenario.overrides | dict(moves), [])
    return moved.model_copy(update={"base": scenario.base, "base_rate": scenario.base_rate})


def read_set(path: Path, given: Mapping[str, Any], problems: list[str]) -> tuple[Scenario, Path, dict[str, str]]:
    """Read a scenario with overrides by dotted key; return it with the file at the root of `extends`, and where keys came from. Raises InputError, with `problems` found before."""
    raw, origins, files = read_chain(path, (), merges)
    override(raw, given, origins, merges, default_table, problems)
    refuse_if_any(problems)
    refuse_deep(raw, COMMAND_LINE)
    scenario = read_scenario(raw, origins, files, path)
    return scenario.model_copy(update={"source": path, "overrides": dict(given)}), Path(files[0]), origins


def read_alone(root: Path) -> Scenario | None:
    """Return the scenario at the root of `extends` by itself; None if it is not whole, and is only there to be extended."""
    try:
        raw, origins, files = read_chain(root, (), merges)
        return read_scenario(raw, origins, files, root)
    except InputError:
        return None


def merges(location: tuple[str, ...]) -> bool:
    """True where the schema has a section, or sections and cells by name: there files are merged key by key; a table at any other key is a value."""
    if location[0] in (*TABLES, "worlds", "shocks") or location[-1] == "sources":
        return True
    return section_at(location) is not None


def default_table(location: tuple[str, ...]) -> dict[str, Any]:
    """Return the table that a parameter holds by default, with keys as text; nothing for sections, whose parameters have defaults of their own."""
    section = None if merges(location) else section_at(location[:-1])
    field = section.model_fields.get(location[-1]) if section is not None else None
    return {str(key): value for key, value in field.default.items()} if field is not None and isinstance(field.default, dict) else {}


def section_at(location: tuple[str, ...]) -> type[BaseModel] | None:
    """Return the section of the schema at a location; None if there is none."""
    section: type[BaseModel] | None = ScenarioFile
    for key in location:
        field = section.model_fields.get(key) if section is not None else None
        section = section_type(field.annotation) if field is not None else None
    return section


def read_scenario(raw: dict[str, Any], origins: Mapping[str, str], files: Sequence[str], path: Path) -> Scenario:
    """Read sections and tables of the merged content of scenario files; `origins` names the file of each key. Raises InputError."""
    problems: list[str] = []

    def place(location: Sequence[str | int]) -> str:
        key = ".".join(str(part) for part in location)
        return f"{origin(origins, key, path.name)}: {key}" if key else path.name

    tables = raw.get("tables")
    content = {**raw, "tables": {name: names_of(value) for name, value in tables.items()}} if isinstance(tables, dict) else raw
    file, refused = None, set()
    try:
        file = ScenarioFile.model_validate(content)
    except ValidationError as error:
        problems.extend(sentences_of(error, ScenarioFile, place))
        refused = {fault["loc"] for fault in error.errors()}
    problems.extend(missing_sources(raw, place, refused))
    if file is not None:
        try:
            check_correlation(file.drivers.correlation)
        except InputError as error:
            problems.extend(f"{place(('drivers', 'correlation')).partition(':')[0]}: {sentence}" for sentence in error.sentences)
    network = None
    warnings: list[str] = []
    if isinstance(tables, dict):
        paths = {name: paths_of(value) for name, value in tables.items() if name in Tables.model_fields and paths_of(value)}
        files = [*files, *(str(p) for given in paths.values() for p in given)]
        found: list[str] = []
        calendar = file.run.calendar if file else None
        dates = Dates(file.run.start, file.run.information_date or file.run.start) if file else None
        changes = {name: raw[name] for name in TABLES if name in raw}
        network = read_network(paths, changes, calendar, dates, place, found, warnings)
        if not found and {"entities", "figures"} <= paths.keys():
            found.extend(check_network(network, calendar))
        problems.extend(found)
        if file is not None and not found:
            problems.extend(world_faults(file, network, place))
            problems.extend(faults_of(file, network, place, warnings))
    refuse_if_any(problems)
    assert file is not None and network is not None  # or there was a problem
    warnings = [*(f"{place(key)} = {doubtful}" for key, doubtful in doubts(file)), *world_doubts(file, place), *warnings, *doubts_of(network)]
    sections = {name: getattr(file, name) for name in ScenarioFile.model_fields}
    return Scenario.model_construct(
        **sections,
        network=network,
        files=tuple(files),
        source=path,
        overrides={},
        base=file.name,
        base_rate=file.factors.short_rate,
        changes=(),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def world_faults(file: ScenarioFile, network: Network, place: Callable[[Sequence[str | int]], str]) -> list[str]:
    """Return a sentence for every entity that a world saves and that is not there or cannot fail, and where the world that the answer is made of lacks detail."""
    inside = {entity.id: not entity.outside for entity in network.entities}
    problems = []
    for world, rules in file.worlds.items():
        where = place(("worlds", world, "saves"))
        for name in rules.saves if isinstance(rules.saves, list) else ():
            if name not in inside:
                problems.append(f"{where}: there is no entity '{name}'{did_you_mean(name, inside)}; name one of the entities table.")
            elif not inside[name]:
                problems.append(f"{where}: '{name}' is an outside node and never fails; name an inside entity.")
            elif name == FIRST:
                problems.append(f"{where}: '{name}' stands for whoever fails first; give the entity another id, and save that.")
    if not file.worlds["network"].detail:
        problems.append(f"{place(('worlds', 'network', 'detail'))} = false: the answer is made of the losses by channel and deal of this world; leave it true.")
    return problems


def world_doubts(file: ScenarioFile, place: Callable[[Sequence[str | int]], str]) -> list[str]:
    """Return a warning where one of the two worlds that are always there is not what the answer calls it."""
    network, alone, doubtful = file.worlds["network"], file.worlds["alone"], []
    if network.off or network.saves or network.solution != "greatest":
        doubtful.append(f"{place(('worlds', 'network'))}: has not all of contagion, and the answer is made of it; give the world another name.")
    if set(alone.off) != set(SWITCHES) or alone.saves:
        doubtful.append(f"{place(('worlds', 'alone'))}: is not the network without contagion, as which the answer reads it; give the world another name.")
    return doubtful


def paths_of(value: Any) -> list[Path]:
    """Return the files of a table: one, or a list of them."""
    return [Path(part) for part in (value if isinstance(value, list) else [value]) if isinstance(part, str)]


def names_of(value: Any) -> Any:
    """Return names of files without their folders, in the form in which they are given."""
    if isinstance(value, list):
        return [names_of(part) for part in value]
    return Path(value).name if isinstance(value, str) else value


def missing_sources(raw: Mapping[str, Any], place: Callable[[Sequence[str | int]], str], refused: set[tuple[str | int, ...]]) -> list[str]:
    """Return a sentence for every numeric parameter of factors and rules that a file gives without source; `refused`: keys with other faults."""
    sections: dict[tuple[str, ...], Any] = {("rules",): raw.get("rules")}
    if isinstance(raw.get("factors"), dict):
        sections |= {("factors", name): section for name, section in raw["factors"].items()}
    problems = []
    for location, section in sections.items():
        if not isinstance(section, dict):
            continue
        sources = section.get("sources", {})
        if location in refused or not isinstance(sources, dict):
            continue
        for key, value in section.items():
            if key != "sources" and (*location, key) not in refused and has_numbers(value) and not str(sources.get(key, "")).strip():
                problems.append(f'{place((*location, key))} has no source; say where the number comes from in [{".".join(location)}.sources] {key} = "...".')
    return problems


def has_numbers(value: Any) -> bool:
    """True for numbers and for lists and tables that hold some."""
    if isinstance(value, dict):
        return any(has_numbers(v) for v in value.values())
    if isinstance(value, list):
        return any(has_numbers(v) for v in value)
    return isinstance(value, (int, float)) and not isinstance(value, bool)
