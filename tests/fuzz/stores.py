"""Mutants of a store of results."""

import json
import shutil
from pathlib import Path
from random import Random

from tests.fuzz.values import any_value


def damage_store(store: Path, dice: Random) -> str:
    """Damage one file of a store; returns what was done."""
    files = sorted(path for path in store.rglob("*") if path.is_file())
    documents = [path for path in files if path.name == "zarr.json"]
    file = dice.choice(documents if dice.random() < 0.5 else files)
    how = dice.choice(WAYS if file.suffix == ".json" else WAYS[:-2])
    how(file, dice)
    return f"{file.relative_to(store)}: {how.__name__}"


def remove(file: Path, dice: Random) -> None:
    """Remove a file, or the folder that it is in."""
    folder = file.parent
    if dice.random() < 0.3:
        shutil.rmtree(folder)
    else:
        file.unlink()


def cut(file: Path, dice: Random) -> None:
    """Cut a file."""
    content = file.read_bytes()
    file.write_bytes(content[: dice.randrange(len(content) or 1)])


def flip(file: Path, dice: Random) -> None:
    """Flip a bit."""
    content = bytearray(file.read_bytes())
    if content:
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    file.write_bytes(bytes(content))


def scribble(file: Path, dice: Random) -> None:
    """Write something else."""
    file.write_bytes(dice.choice((b"", b"{}", b"[]", b"null", b"\x00" * 100, dice.randbytes(300), b"not a chunk", b'{"zarr_format": 2}')))


def make_folder(file: Path, dice: Random) -> None:
    """Put a folder, a link to nowhere or another file in its place."""
    other = dice.choice(sorted(path for path in file.parents[1].rglob("*") if path.is_file() and path != file) or [file])
    content = other.read_bytes()
    file.unlink()
    how = dice.randrange(3)
    if how == 0:
        file.mkdir()
    elif how == 1:
        file.symlink_to("nowhere")
    else:
        file.write_bytes(content)


def change_document(file: Path, dice: Random) -> None:
    """Change a value somewhere in a JSON document."""
    document = json.loads(file.read_text())
    holder, key = dice.choice(list(places(document)))
    holder[key] = dice.choice((None, 0, -1, 1e308, "", any_value(dice), [], {}, [1, "a"], True, holder[key]))
    file.write_text(json.dumps(document))


def drop_key(file: Path, dice: Random) -> None:
    """Drop a key somewhere in a JSON document."""
    document = json.loads(file.read_text())
    holder, key = dice.choice(list(places(document)))
    del holder[key]
    file.write_text(json.dumps(document))


def places(document):
    """Yield every container of a document with its keys."""
    keys = document if isinstance(document, dict) else range(len(document)) if isinstance(document, list) else ()
    for key in keys:
        yield document, key
        yield from places(document[key])


WAYS = (remove, cut, flip, flip, scribble, make_folder, change_document, drop_key)
