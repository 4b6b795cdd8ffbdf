"""`python -m tests.fuzz --count 20000`: try mutants of input and list the faults; exit code 1 if there are some."""

import argparse
import contextlib
import faulthandler
import io
import os
import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tests.fuzz.trial import KINDS, WALL_SECONDS, Verdict, make_store, try_mutant

BATCH = 50  # mutants of a job


def try_batch(kinds: tuple[str, ...], first: int, count: int, seed: int, store: Path) -> list[Verdict]:
    """Try consecutive mutants of every kind in turn."""
    found = []
    for number in range(first, first + count):
        with tempfile.TemporaryDirectory() as folder:
            faulthandler.dump_traceback_later(3 * WALL_SECONDS, exit=True)  # a hang below Python
            found.append(try_mutant(kinds[number % len(kinds)], number, seed, Path(folder), store))
            faulthandler.cancel_dump_traceback_later()
    return found


def main() -> int:
    """Try them and print a table of how they ended, then every fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--kind", choices=KINDS, action="append")
    parser.add_argument("--one", type=int, help="this one only")
    given = parser.parse_args()
    kinds = tuple(given.kind or KINDS)
    ends: Counter[tuple[str, str]] = Counter()
    faults: list[Verdict] = []
    with tempfile.TemporaryDirectory() as folder:
        with contextlib.redirect_stdout(io.StringIO()):
            store = make_store(Path(folder))
        if given.one is not None:
            for verdict in try_batch(kinds, given.one, 1, given.seed, store):
                print(f"{verdict.kind} {verdict.number}: {verdict.end}\n  {verdict.what}\n{verdict.said}")
            return 0
        with ProcessPoolExecutor(given.jobs) as pool:
            numbers = range(given.first, given.first + given.count, BATCH)
            jobs = [pool.submit(try_batch, kinds, n, min(BATCH, given.first + given.count - n), given.seed, store) for n in numbers]
            for done, job in enumerate(as_completed(jobs), 1):
                for verdict in job.result():
                    ends[verdict.kind, verdict.end] += 1
                    if verdict.is_fault:
                        faults.append(verdict)
                        print(f"{verdict.kind} {verdict.number}: {verdict.end}: {verdict.what}\n  {verdict.said.strip()[-700:]}", flush=True)
                if done % 20 == 0:
                    print(f"{done * BATCH:,} of {given.count:,} tried, {len(faults)} faults", file=sys.stderr, flush=True)
    for (kind, end), count in sorted(ends.items()):
        print(f"{kind:6} {count:6,}  {end}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
