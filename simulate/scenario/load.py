"""A scenario with its network: sections and tables read and checked; errors name file, key and remedy."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, ValidationError

from simulate.errors import InputError, refuse_if_any, sentences_of
from simulate.factors.drivers import check_correlation
from simulate.factors.section import doubts
from simulate.network.blanks import Default, default_figures, default_terms, silent_mechanisms
from simulate.network.checks import check_network
from simulate.network.doubts import doubts_of
from simulate.network.read import Network, read_network
from simulate.network.tables import Dates
from simulate.scenario.inherit import COMMAND_LINE, find_scenario, origin, override, read_chain, refuse_deep
from simulate.scenario.sections import ScenarioFile, Tables, not_given


class Scenario(ScenarioFile):
    """A scenario with its network; `files` are all files that were read, `warnings` what was accepted but is not plausible, a sentence each."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    network: Network
    files: tuple[str, ...]
    warnings: tuple[str, ...] = ()

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
        """Return all inputs as JSON-able data, table rows included; no paths of the machine."""
        content = self.model_dump(mode="json", exclude={"network", "files", "warnings"})
        content["run"]["seed"] = seed
        content["tables"] = dict(self.network.names)
        content["rows"] = {name: [dict(row) for row in rows] for name, rows in self.network.rows.items()}
        return content


def load_scenario(path_or_name: str | Path, overrides: Sequence[str] | Mapping[str, Any] = ()) -> Scenario:
    """Read a scenario from a file or by the name of a shipped one; return it with its network, sections and tables checked.

    overrides: "run.paths=1000" or {"run.paths": 1000}. Raises InputError with all faults at once, each with file, key and remedy.
    """
    problems: list[str] = []
    path = find_scenario(path_or_name)
    raw, origins, files = read_chain(path, ())
    override(raw, overrides, origins, problems)
    refuse_if_any(problems)
    refuse_deep(raw, COMMAND_LINE)

    def place(location: Sequence[str | int]) -> str:
        key = ".".join(str(part) for part in location)
        return f"{origin(origins, key, path.name)}: {key}" if key else path.name

    content = (
        {**raw, "tables": {k: Path(v).name if isinstance(v, str) else v for k, v in raw["tables"].items()}} if isinstance(raw.get("tables"), dict) else raw
    )
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
    tables = raw.get("tables")
    if isinstance(tables, dict):
        paths = {name: Path(value) for name, value in tables.items() if isinstance(value, str) and name in Tables.model_fields}
        files = [*files, *(str(p) for p in paths.values())]
        found: list[str] = []
        calendar = file.run.calendar if file else None
        dates = Dates(file.run.start, file.run.information_date or file.run.start) if file else None
        network = read_network(paths, calendar, dates, found, warnings)
        if not found and {"entities", "figures"} <= paths.keys():
            found.extend(check_network(network, calendar))
        problems.extend(found)
    refuse_if_any(problems)
    assert file is not None and network is not None  # else there was a problem
    warnings = [*(f"{place(key)} = {doubtful}" for key, doubtful in doubts(file)), *warnings, *doubts_of(network)]
    given = {name: getattr(file, name) for name in ScenarioFile.model_fields}
    return Scenario.model_construct(**given, network=network, files=tuple(files), warnings=tuple(dict.fromkeys(warnings)))


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
