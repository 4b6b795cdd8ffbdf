"""Signals that end the command, as exceptions, and the streams it writes to. Imports next to nothing: it stands before everything else.

A scheduler ends a job with SIGTERM, a terminal that is closed with SIGHUP. Both clean up as Ctrl-C does, and the exit code says which it was.
"""

import os
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
SIGNALLED = 128  # the exit code of a command that a signal ended is this and its number


class Ended(BaseException):
    """A signal asked the command to end. No Exception, as KeyboardInterrupt is none."""

    def __init__(self, number: int):
        self.number = number
        super().__init__(number)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Raise `Ended` on SIGTERM and SIGHUP, once: cleaning up is not ended again. A signal that is ignored (nohup) stays ignored."""
    before = {number: signal.getsignal(number) for number in ENDING}

    def end(number: int, frame: FrameType | None) -> None:
        for each in ENDING:
            signal.signal(each, signal.SIG_IGN)
        raise Ended(number)

    for number, handler in before.items():
        if handler != signal.SIG_IGN:
            signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def say_ended(error: BaseException) -> int:
    """Say what ended the command and return its exit code."""
    number = error.number if isinstance(error, Ended) else signal.SIGINT
    with suppress(OSError):  # the terminal may be gone
        print(f"{f'ended by {signal.Signals(number).name}' if isinstance(error, Ended) else 'interrupted'}; nothing half-written was kept", file=sys.stderr)
    return SIGNALLED + number


def ready_streams() -> None:
    """Make stdout and stderr take whatever is printed: letters that the locale lacks are spelled out, and a closed stream swallows all."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - it stays open
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    usual = warnings.showwarning

    def say(message: Warning | str, category: type[Warning], *place: object, **more: object) -> None:
        if category is UserWarning:  # a sentence of this library; where it was raised is nothing to a user
            print(message, file=sys.stderr)
        else:
            usual(message, category, *place, **more)  # type: ignore[arg-type]

    warnings.showwarning = say
