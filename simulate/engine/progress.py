"""Show the progress of a run on stderr: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SECONDS_BETWEEN_LINES = 10.0

Report = Callable[[int], None]


@contextmanager
def show_progress(paths: int, *, first: str | None = None) -> Iterator[Report]:
    """Yield `report(done)`, to be called with the number of finished paths. `first`: a line to say before."""
    if first is not None:
        print(first, file=sys.stderr, flush=True)
    if not sys.stderr.isatty():
        yield _lines(paths)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.completed:,.0f} of {task.total:,.0f} paths"), BarColumn(), TextColumn("{task.fields[speed]}"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("paths", total=paths, speed="")
        clock = _Clock()

        def report(done: int) -> None:
            speed = clock.speed(done)
            bar.update(task, completed=done, speed="" if speed is None else f"{speed:,.0f} paths/s")

        yield report


class _Clock:
    """Speed since the first report: the time before it went into compiling or loading kernels."""

    def __init__(self) -> None:
        self.first: tuple[float, int] | None = None

    def speed(self, done: int) -> float | None:
        """Paths a second; None at the first report."""
        now = time.perf_counter()
        if self.first is None:
            self.first = (now, done)
            return None
        since, before = self.first
        return (done - before) / max(now - since, 1e-9)


def _lines(paths: int) -> Report:
    clock, last = _Clock(), time.perf_counter()

    def report(done: int) -> None:
        nonlocal last
        speed = clock.speed(done)
        if time.perf_counter() - last >= SECONDS_BETWEEN_LINES or done >= paths:
            last = time.perf_counter()
            rate = f", {speed:,.0f} paths/s, {(paths - done) / max(speed, 1e-9):,.0f} s left" if speed is not None else ""
            print(f"{done:,} of {paths:,} paths{rate}", file=sys.stderr, flush=True)

    return report
