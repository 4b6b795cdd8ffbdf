"""Read a scenario file with the files that it extends and with overrides, and keep the origin of every key."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simulate.errors import InputError, did_you_mean, listed
from simulate.files import is_folder, is_no_folder, read_text

COMMAND_LINE = "--set"
LARGEST_MB = 1  # of a scenario file
DEEPEST = 20  # sections inside of sections
MOST_EXTENDS = 20  # files that extend each other


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


def read_chain(path: Path, below: tuple[Path, ...]) -> tuple[dict[str, Any], dict[str, str], list[str]]:
    """Merge a file over the files that it extends; return the content, the file that set each key, and the files read."""
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
        raw["tables"] = {name: str(path.parent / value) if isinstance(value, str) else value for name, value in tables.items()}
    origins = {key: path.name for key in leaves(raw)}
    files = [str(path)]
    raw.setdefault("name", path.stem)
    if parent is None:
        return raw, origins, files
    if not isinstance(parent, str):
        raise InputError([f"{path.name}: extends = {parent!r} is wrong: it must be the name or path of one scenario."])
    base, base_origins, base_files = read_chain(find_parent(path, parent), (*below, resolved))
    return merge(base, raw), base_origins | origins, [*base_files, *files]


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


def merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Merge tables deeply; `over` replaces everything else."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def leaves(content: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return the dotted keys of everything in a file, sections included."""
    keys = []
    for key, value in content.items():
        keys.append(prefix + key)
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


def override(raw: dict[str, Any], overrides: Sequence[str] | Mapping[str, Any], origins: dict[str, str], problems: list[str]) -> None:
    """Set dotted keys; a parameter that is set gets the command line as its source."""
    pairs: list[tuple[str, Any]] = list(overrides.items()) if isinstance(overrides, Mapping) else []
    for text in () if isinstance(overrides, Mapping) else overrides:
        key, sign, value = text.partition("=")
        if not sign or not key.strip():
            problems.append(f"{COMMAND_LINE} {text}: there is no value; write key=value such as run.paths=1000.")
            continue
        pairs.append((key.strip(), parse_value(value.strip())))
    for key, value in pairs:
        *sections, last = key.split(".")
        if not all(part.strip() for part in key.split(".")):
            problems.append(f"{COMMAND_LINE} {key}: a part of the key is blank; write it as section.key such as run.paths.")
            continue
        target = raw
        for depth, name in enumerate(sections):
            if name not in target:
                origins[".".join(sections[: depth + 1])] = COMMAND_LINE
            target = target.setdefault(name, {})
            if not isinstance(target, dict):
                problems.append(f"{COMMAND_LINE} {key}: '{'.'.join(sections[: depth + 1])}' is a value, not a section; set that key itself.")
                break
        else:
            if sections == ["tables"] and isinstance(value, str):
                value = str(Path(value))
            target[last] = value
            for within in [known for known in origins if known.startswith(f"{key}.")]:
                del origins[within]  # a whole section was set
            origins[key] = COMMAND_LINE
            depth = {"factors": 2, "rules": 1}.get(sections[0] if sections else "", 0)
            if depth and len(sections) >= depth and "sources" not in sections:
                section = raw
                for name in sections[:depth]:
                    section = section[name]
                parameter = (*sections, last)[depth]
                if isinstance(section.setdefault("sources", {}), dict):
                    section["sources"].setdefault(parameter, "set on the command line")


def parse_value(text: str) -> Any:
    """Parse a TOML value; any other text is a string."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
    return parsed["value"] if len(parsed) == 1 else text
