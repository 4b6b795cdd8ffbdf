"""Faults of the input as sentences: file, key or row, the fault and its remedy."""

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

# Sentences for faults that pydantic words in terms of Python.
MESSAGES = {
    "model_type": "should be a section with keys of its own",
    "dict_type": "should be a section with keys of its own",
    "string_too_short": "should not be empty",
    "date_type": "should be a day, such as 2027-06-30",
}


ALIKE = 5  # sentences of one kind that are shown; of more only the first, and their number


class InputError(ValueError):
    """All faults of an input. `sentences` has one entry for each; `str()` has one line for each, of many alike the first ones and their number."""

    def __init__(self, sentences: Iterable[str]):
        self.sentences = tuple(dict.fromkeys(sentences))
        super().__init__("\n".join(grouped(self.sentences)))

    def __reduce__(self) -> tuple[type["InputError"], tuple[tuple[str, ...]]]:
        """Be made again from the sentences, in another process too."""
        return type(self), (self.sentences,)


def grouped(sentences: Iterable[str]) -> list[str]:
    """Return the sentences, of many of one kind the first ones and "and 941 more like this", for one mistake that is made everywhere.

    Of one kind are sentences of one file that differ in numbers, names in quotes and hints only.
    """
    kinds: dict[str, list[str]] = {}
    for sentence in sentences:
        kinds.setdefault(kind_of(sentence), []).append(sentence)
    shown = []
    for alike in kinds.values():
        shown += alike[:ALIKE]
        if len(alike) > ALIKE:
            shown.append(f"{alike[0].partition(' line ')[0].partition(':')[0]}: and {len(alike) - ALIKE:,} more like this.")
    return shown


def kind_of(sentence: str) -> str:
    """Return what is left of a sentence without the key of its row, hints, names in quotes and numbers."""
    plain = re.sub(r"(?<= line )\d+ \([^)]*\)| \(did you mean [^)]*\)", "", sentence)
    return re.sub(r"'[^']*'|[\d.,]*\d", "", plain)


def refuse_if_any(problems: Sequence[str]) -> None:
    """Raise all collected sentences at once."""
    if problems:
        raise InputError(problems)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint such as " (did you mean 'openai'?)", empty when no known name is similar."""
    near = difflib.get_close_matches(name, [str(k) for k in known], n=2, cutoff=0.6)
    return f" (did you mean {' or '.join(repr(n) for n in near)}?)" if near else ""


def listed(names: Iterable[str], most: int = 30) -> str:
    """Join names for a sentence: 'a, b, c', cut after `most` of them."""
    names = [str(n) for n in names]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def sentences_of(error: ValidationError, model: type[BaseModel], place: Callable[[Sequence[str | int]], str]) -> list[str]:
    """Return the faults that pydantic found as sentences. `place(location)` words the place of a tuple of keys."""
    sentences = []
    for fault in error.errors():
        location, kind = fault["loc"], fault["type"]
        where = place(location)
        if kind == "extra_forbidden":
            known = known_keys(model, location[:-1])
            sentences.append(f"{where} is not known{did_you_mean(str(location[-1]), known)}; known here: {listed(known)}.")
        elif kind == "missing":
            sentences.append(f"{where} is missing; write it.")
        else:
            message = MESSAGES.get(kind) or fault["msg"].removeprefix("Value error, ").rstrip(".")
            message = re.sub("^(Input|String) ", "", message)
            if isinstance(fault["input"], (str, int, float, bool)) or fault["input"] is None:
                sentences.append(f"{where} = {fault['input']!r} is wrong: it {message}.")
            else:
                sentences.append(f"{where} is wrong: {'it ' * message.startswith('should')}{message}.")
    return sentences


def known_keys(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """Return the keys of the section at `location` inside `model`; `sources`, which many sections have, comes last."""
    section: type | None = model
    for key in location:
        fields = getattr(section, "model_fields", {})
        named = {field.alias or name: field for name, field in fields.items()}
        if key not in named:
            break
        section = section_type(named[key].annotation)
    fields = getattr(section, "model_fields", {})
    return sorted((field.alias or name for name, field in fields.items()), key=lambda key: key == "sources")


def section_type(annotation: Any) -> type | None:
    """Return the pydantic model inside an annotation such as `Section | None`; None if there is none."""
    choices = [annotation, *getattr(annotation, "__args__", ())]
    return next((c for c in choices if isinstance(c, type) and issubclass(c, BaseModel)), None)
