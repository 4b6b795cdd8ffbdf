"""What is wrong with the input, in sentences: the file, the key or row, what is wrong and what would be right."""

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

# Where pydantic speaks of Python.
MESSAGES = {
    "model_type": "should be a section with keys of its own",
    "dict_type": "should be a section with keys of its own",
    "string_too_short": "should not be empty",
}


class InputError(ValueError):
    """Everything that is wrong with an input, collected. `sentences` has one entry a fault; `str()` one line each."""

    def __init__(self, sentences: Iterable[str]):
        self.sentences = tuple(dict.fromkeys(sentences))
        super().__init__("\n".join(self.sentences))


def refuse_if_any(problems: Sequence[str]) -> None:
    """Raise all collected sentences at once."""
    if problems:
        raise InputError(problems)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint such as " (did you mean 'openai'?)", empty when nothing known is near."""
    near = difflib.get_close_matches(name, [str(k) for k in known], n=2, cutoff=0.6)
    return f" (did you mean {' or '.join(repr(n) for n in near)}?)" if near else ""


def listed(names: Iterable[str], most: int = 30) -> str:
    """Names for a sentence: 'a, b, c', cut when there are too many to help."""
    names = [str(n) for n in names]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def sentences_of(error: ValidationError, model: type[BaseModel], place: Callable[[Sequence[str | int]], str]) -> list[str]:
    """The faults pydantic found, as sentences. `place(location)` says where: it gets the tuple of keys."""
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
    """Keys that the section at `location` inside `model` knows; `sources`, which many sections have, comes last."""
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
    """The pydantic model inside an annotation such as `Section | None`."""
    choices = [annotation, *getattr(annotation, "__args__", ())]
    return next((c for c in choices if isinstance(c, type) and issubclass(c, BaseModel)), None)
