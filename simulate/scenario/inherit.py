"""Read a scenario file with the files that it extends and with overrides, and keep the origin of every key."""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from simulate.errors import InputError, did_you_mean, listed
from simulate.files import is_folder, is_no_folder, read_text

COMMAND_LINE, SHOCK = "--set", "--shock"
LARGEST_MB = 1  # of a scenario file
DEEPEST = 20  # sections inside of sections
MOST_EXTENDS = 20  # files that extend each other
INHERITED = "..."  # in a list of table files: those of the scenario that this one extends

# True for a location whose tables are merged key by key; any other table is a value and is replaced whole.
Merges = Callable[[tuple[str, ...]], bool]
# The table that a location holds unless a file gives one: keys that are set inside of it leave the others.
Default = Callable[[tuple[str, ...]], dict[str, Any]]


def shipped_scenarios() -> dict[str, Path]:
    """Return the scenarios that come with the package: name -> file."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "configs"  # in a wheel; in a checkout they lie next to the package
    folder = inside if inside.is_dir() else package.parent / "configs"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def find_scenario(path_or_name: str | Path) -> Path:
    """Return the file of a scenario. Raises InputError, which suggests similar names."""
    path = Path(path_or_name)
    if is_no_folder(path):
        return path
    shipped = shipped_scenarios()
    if str(path_or_name) in shipped:
        return shipped[str(path_or_name)]
    folder = path.parent
    near = [p.name for p in sorted(folder.glob("*.toml")) if is_scenario(p)] if is_folder(folder) else []
    raise InputError(
        [
            f"{path_or_name}: there is no such scenario file{did_you_mean(path.name, [*shipped, *near])}; "
            f"shipped scenarios: {listed(shipped) or 'none'}" + (f"; files in that folder: {listed(near)}." if near else ".")
        ]
    )


def is_scenario(path: Path) -> bool:
    """True for a TOML file with a table [run], its own or that of a scenario that it extends."""
    try:
        return not {"run", "extends"}.isdisjoint(read_toml(path))
    except InputError:
        return False


def read_chain(path: Path, below: tuple[Path, ...], merges: Merges) -> tuple[dict[str, Any], dict[str, str], list[str]]:
    """Merge a file over the files that it extends; return the content, the file that set each key, and the files read, the base first."""
    resolved = path.resolve()
    if resolved in below:
        chain = " extends ".join(p.stem for p in (*below[below.index(resolved) :], resolved))
        raise InputError([f"{path.name}: extends: the chain is a cycle ({chain}); let one of them extend nothing."])
    if len(below) >= MOST_EXTENDS:
        raise InputError([f"{below[0].name}: extends: the chain has more than {MOST_EXTENDS} files; let it extend one that lies nearer to the end."])
    raw = read_toml(path)
    parent = raw.pop("extends", None)
    tables = raw.get("tables")
    if isinstance(tables, dict):  # relative to the file that names them, so resolved before merging
        raw["tables"] = {name: in_folder(path.parent, value) for name, value in tables.items()}
    origins = {key: path.name for key in leaves(raw)}
    files = [str(path)]
    raw.setdefault("name", path.stem)
    if parent is None:
        return raw, origins, files
    if not isinstance(parent, str):
        raise InputError([f"{path.name}: extends = {parent!r} is wrong: it must be the name or path of one scenario."])
    base, base_origins, base_files = read_chain(find_parent(path, parent), (*below, resolved), merges)
    add_inherited(base.get("tables"), raw.get("tables"))
    return merge(base, raw, merges), base_origins | origins, [*base_files, *files]


def in_folder(folder: Path, value: Any) -> Any:
    """Return the path, or the paths of a list, relative to the folder; anything else as it is."""
    if isinstance(value, list):
        return [in_folder(folder, part) for part in value]
    return str(folder / value) if isinstance(value, str) and value != INHERITED else value


def add_inherited(base: Any, over: Any) -> None:
    """Put the inherited files of a table in the place of INHERITED."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return
    for name, value in over.items():
        if isinstance(value, list) and INHERITED in value:
            inherited = base.get(name, [])
            at = value.index(INHERITED)
            over[name] = [*value[:at], *(inherited if isinstance(inherited, list) else [inherited]), *value[at + 1 :]]


def find_parent(path: Path, parent: str) -> Path:
    """Return the file that a scenario extends: next to it, or shipped."""
    for candidate in (path.parent / parent, path.parent / f"{parent}.toml"):
        if is_no_folder(candidate):
            return candidate
    shipped = shipped_scenarios()
    if parent in shipped:
        return shipped[parent]
    near = [p.stem for p in sorted(path.parent.glob("*.toml"))]
    raise InputError(
        [
            f"{path.name}: extends = '{parent}': there is no such scenario{did_you_mean(parent, [*near, *shipped])}; "
            f"next to it: {listed(near) or 'none'}; shipped: {listed(shipped) or 'none'}."
        ]
    )


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file. Raises InputError, which names the line."""
    try:
        content = tomllib.loads(read_text(path, what="file", wanted="scenario file", megabytes=LARGEST_MB))
    except FileNotFoundError as error:
        raise InputError([f"{path.name}: the file cannot be read ({error.strerror}); name a scenario file that can."]) from None
    except tomllib.TOMLDecodeError as error:
        raise InputError([f"{path.name}: not valid TOML: {error}; correct that line."]) from None
    except RecursionError:
        raise InputError(deep(path.name)) from None
    refuse_deep(content, path.name)
    return content


def refuse_deep(content: Any, where: str) -> None:
    """Refuse what is nested deeper than any scenario, before functions that call themselves read it. Raises InputError."""
    level = [content]
    for _ in range(DEEPEST + 1):
        level = [inner for value in level if isinstance(value, dict | list) for inner in (value.values() if isinstance(value, dict) else value)]
    if level:
        raise InputError(deep(where))


def deep(where: str) -> list[str]:
    """Return the sentence about something that is nested too deeply."""
    return [f"{where}: sections or brackets are nested more than {DEEPEST} deep; a scenario needs no more than 4."]


def merge(base: dict[str, Any], over: dict[str, Any], merges: Merges, at: tuple[str, ...] = ()) -> dict[str, Any]:
    """Merge sections deeply; `over` replaces everything else, tables that are values too: a table by year, pairs of a correlation."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict) and merges((*at, key))
        merged[key] = merge(merged[key], value, merges, (*at, key)) if both else value
    return merged


def leaves(content: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return the dotted keys of everything in a file, sections included."""
    keys = []
    for key, value in content.items():
        keys.append(f"{prefix}{key}")
        if isinstance(value, dict):
            keys.extend(leaves(value, f"{prefix}{key}."))
    return keys


def origin(origins: Mapping[str, str], key: str, default: str) -> str:
    """Return the file that set a key or the section around it."""
    while key:
        if key in origins:
            return origins[key]
        key = key.rpartition(".")[0]
    return default


def option(key: str) -> str:
    """Return the option of the command line with which a dotted key is set."""
    return SHOCK if key.startswith("shocks.") else COMMAND_LINE


def override(raw: dict[str, Any], overrides: Mapping[str, Any], origins: dict[str, str], merges: Merges, default: Default, problems: list[str]) -> None:
    """Set dotted keys as a file that extends would; a parameter that is set gets the command line as its source."""
    for key, value in deepcopy(dict(overrides)).items():  # what is set later goes into tables that were set before
        path = parse_key(key)
        if not path:
            problems.append(f"{option(key)} {key}: a part of the key is blank; write it as section.key such as run.paths.")
            continue
        *sections, last = path
        target = raw
        for depth, name in enumerate(sections):
            if name not in target:
                origins[".".join(sections[: depth + 1])] = option(key)
            target = target.setdefault(name, default(path[: depth + 1]))
            if not isinstance(target, dict):
                problems.append(f"{option(key)} {key}: '{'.'.join(sections[: depth + 1])}' is a value, not a section; set that key itself.")
                break
        else:
            both = isinstance(value, dict) and isinstance(target.get(last), dict) and merges(path)
            target[last] = merge(target[last], value, merges, path) if both else value
            dotted = ".".join(path)
            for within in [known for known in origins if known.startswith(f"{dotted}.") and not both]:
                del origins[within]  # a whole value was set
            origins |= {dotted: option(key)} | ({f"{dotted}.{inside}": option(key) for inside in leaves(value)} if isinstance(value, dict) else {})
            add_sources(raw, path, value)


def add_sources(raw: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Say where parameters of factors and rules come from that were set on the command line, whatever the source of the value before."""
    depth = {"factors": 2, "rules": 1}.get(path[0], 0)
    if not depth or "sources" in path:
        return
    if len(path) <= depth:  # a section, or several
        for name, inside in list(value.items()) if isinstance(value, dict) else ():  # sources are added to it
            add_sources(raw, (*path, name), inside)
        return
    section = raw
    for name in path[:depth]:
        section = section[name]
    if isinstance(section.setdefault("sources", {}), dict):
        section["sources"][path[depth]] = "set on the command line"


def read_overrides(overrides: Sequence[str] | Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    """Return overrides by dotted key; texts are "key=value" with a value of TOML, any other text is a string."""
    if isinstance(overrides, Mapping):
        return dict(overrides)
    pairs: dict[str, Any] = {}
    for text in [overrides] if isinstance(overrides, str) else overrides:
        key, sign, value = text.partition("=")
        if not sign or not key.strip():
            example = "entities.openai.cash=-35" if option(text) == SHOCK else "run.paths=1000"
            problems.append(f"{option(text)} {text.removeprefix('shocks.')}: there is no value; write key=value such as {example}.")
            continue
        pairs[key.strip()] = parse_value(value.strip())
    return pairs


def parse_key(key: str) -> tuple[str, ...]:
    """Return the parts of a dotted key, in which a part with a point stands in quotes as in TOML; nothing if a part is blank."""
    parts = tuple(part.strip() for part in key.split("."))
    if '"' in key:
        try:
            inside: Any = tomllib.loads(f"{key} = 0")
        except tomllib.TOMLDecodeError:
            return ()
        parts = ()
        while isinstance(inside, dict):
            (part, inside), *_ = inside.items()
            parts = (*parts, part)
    return parts if all(parts) else ()


def parse_value(text: str) -> Any:
    """Parse a TOML value; any other text is a string."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
    return parsed["value"] if len(parsed) == 1 else text
