"""Mutation testing: `python -m tests.mutation` tries a fixed sample and writes docs/mutation.md.

    python -m tests.mutation --each 20 --processes 2     20 mutants of every kind of change
    python -m tests.mutation --only "subrogate"          all mutants whose file, function or line has the text; nothing is written

Ends with 1 when a mutant survives that tests/mutation/explained.py does not explain.
"""

import argparse
import hashlib
import json
import multiprocessing
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tests.mutation.trial import ROOT, SURVIVED, Verdict, copy_package, run_tests, try_mutant  # first: it turns the JIT off

# isort: split
from tests.mutation.explained import EXPLAINED
from tests.mutation.mutants import Mutant, find_mutants
from tests.mutation.names import kernels_of, names_of_state, read_families
from tests.mutation.page import write_page

FACTORS = (
    "reversion", "square_root", "regime", "short_rate", "spread", "valuation", "power_gap", "delivery", "revenue", "confidence", "rental", "life",
    "execution", "members",
)  # fmt: skip
STAGES = (
    "factors", "capacity", "earnings", "dues", "funding", "clearing", "waterfall", "guarantees", "one_period",
    "settlement", "spending", "resolution", "values", "valuation", "losses", "ledger",
)  # fmt: skip
OF_FACTORS = tuple(f"simulate/factors/{name}.py" for name in FACTORS)
FILES = (*OF_FACTORS, *(f"simulate/step/{name}.py" for name in STAGES), "simulate/clearing.py")

# Rounds of tests, the quick and deadly first; a survivor of the last is a survivor. NETWORKS compares every flow of tiny networks with
# the oracle, path by path.
LONG_VECTORS = "linear_solves or obeys or least_lies"
VECTORS = ["tests/clearing/test_vector.py", "-m", "nojit", "-k", f"not ({LONG_VECTORS})"]
MORE_VECTORS = ["tests/clearing/test_vector.py", "-m", "nojit", "-k", LONG_VECTORS]
QUICK = ["tests/step", "-m", "nojit", "-k", "base or square or few_networks or every_step"]
SURVIVORS = ["tests/step/test_survivors.py", "-m", "nojit"]
KNOWN = ["tests/known", "-m", "nojit"]
NETWORKS = ["tests/step/test_paths.py", "-m", "nojit", "-k", "tiny_networks"]
SWITCHES = ["tests/step/test_paths.py", "-m", "nojit", "-k", "not tiny_networks"]
STEP_ROUNDS = [QUICK, KNOWN, SURVIVORS, NETWORKS, SWITCHES]
ROUNDS = {
    **dict.fromkeys((*OF_FACTORS, "simulate/step/factors.py"), [QUICK, SURVIVORS, NETWORKS]),  # all worlds share one set of factors
    "simulate/step/clearing.py": [VECTORS, *STEP_ROUNDS, MORE_VECTORS],
    "simulate/step/waterfall.py": [VECTORS, *STEP_ROUNDS, MORE_VECTORS],
    "simulate/step/guarantees.py": [*STEP_ROUNDS, VECTORS],
    "simulate/step/one_period.py": [VECTORS, MORE_VECTORS],
    "simulate/clearing.py": [VECTORS, MORE_VECTORS],
}

SEED = 2025
PATIENCE = 4.0, 10.0  # a mutant that takes four times as long as no mutant, and ten CPU seconds, does not end

folder: Path  # of this worker


def choose_sample(mutants: list[Mutant], each: int) -> list[Mutant]:
    """`each` mutants of every kind, by a hash of their content: an edit of one line does not change who else is chosen."""

    def rank(mutant: Mutant) -> bytes:
        return hashlib.blake2b(repr((SEED, mutant.key, mutant.copy)).encode()).digest()

    chosen = []
    for kind in sorted({mutant.kind for mutant in mutants}):
        chosen += sorted((mutant for mutant in mutants if mutant.kind == kind), key=rank)[:each]
    return sorted(chosen, key=lambda mutant: (FILES.index(mutant.file), mutant.start, mutant.text))


def open_worker(place: str) -> None:
    global folder
    folder = copy_package(Path(tempfile.mkdtemp(dir=place)))


def work(mutant: Mutant, limits: dict[str, int]) -> Verdict:
    return try_mutant(folder, mutant, [(arguments, limits[str(arguments)]) for arguments in ROUNDS.get(mutant.file, STEP_ROUNDS)])


def read_record(record: Path | None, mutants: list[Mutant]) -> dict[Mutant, Verdict]:
    """Kills of a run that was broken off. What survived is tried again: there may be a test for it now."""
    if record is None or not record.exists():
        return {}
    killers = {tuple(row[:5]): row[5] for row in map(json.loads, record.read_text().splitlines())}
    known = {mutant: killers.get((*mutant.key, mutant.copy), SURVIVED) for mutant in mutants}
    return {mutant: Verdict(killer, 0.0) for mutant, killer in known.items() if killer != SURVIVED}


def try_all(mutants: list[Mutant], processes: int, record: Path | None) -> dict[Mutant, Verdict]:
    """Verdicts; the tests must pass without a mutant first."""
    verdicts, limits = read_record(record, mutants), {}
    mutants = [mutant for mutant in mutants if mutant not in verdicts]
    with tempfile.TemporaryDirectory() as place:
        untouched = copy_package(Path(tempfile.mkdtemp(dir=place)))
        for arguments in (VECTORS, *STEP_ROUNDS, MORE_VECTORS):
            verdict = run_tests(untouched, arguments, 3600)
            limits[str(arguments)] = int(PATIENCE[0] * verdict.seconds + PATIENCE[1])
            print(f"without a mutant: {verdict.seconds:.0f} s {verdict.killer}", flush=True)
            if verdict.killer != SURVIVED:
                raise SystemExit(f"The tests fail without a mutant: {verdict.killer}")
        context = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(processes, mp_context=context, initializer=open_worker, initargs=(place,)) as pool:
            waiting = {pool.submit(work, mutant, limits): mutant for mutant in mutants}
            for number, done in enumerate(as_completed(waiting), 1):
                mutant, verdict = waiting[done], done.result()
                verdicts[mutant] = verdict
                if record is not None:
                    with record.open("a") as file:
                        file.write(json.dumps([*mutant.key, mutant.copy, verdict.killer]) + "\n")
                print(
                    f"{number}/{len(mutants)} {verdict.seconds:.0f} s {mutant.file}:{mutant.line} {mutant.function}\n    {mutant.before}\n"
                    f"    {mutant.after}\n    {verdict.killer or 'SURVIVED'}",
                    flush=True,
                )
    return verdicts


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=20, help="mutants of every kind of change")
    parser.add_argument("--only", default="", help="all mutants that have this text in file, function or line; writes no page")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--record", type=Path, help="file of verdicts: a run that is broken off goes on from there (not after an edit of the tests)")
    options = parser.parse_args()
    following = names_of_state() | read_families((ROOT / "simulate/model.py").read_text())
    mutants = []
    for file in FILES:
        source = (ROOT / file).read_text()
        found = find_mutants(file, source, following | read_families(source))
        mutants += [mutant for mutant in found if file not in OF_FACTORS or mutant.function in kernels_of(source)]
    print(f"{len(mutants)} mutants of {len(FILES)} files")
    if options.only:
        sample = [mutant for mutant in mutants if options.only in " | ".join(mutant.key)]
    else:
        sample = choose_sample(mutants, options.each)
    places = {(*mutant.key, mutant.copy): mutant for mutant in mutants}
    for row in EXPLAINED:
        if (*row[:4], row.copy) not in places:
            print("explained, but no longer there: " + " | ".join(row[:4]))
    reasons = {places[*row[:4], row.copy]: row.reason for row in EXPLAINED if (*row[:4], row.copy) in places}
    verdicts = try_all([mutant for mutant in sample if mutant not in reasons], options.processes, options.record)
    survivors = [mutant for mutant, verdict in verdicts.items() if verdict.killer == SURVIVED]
    if not options.only:
        write_page(ROOT / "docs" / "mutation.md", sample, verdicts, reasons, len(mutants))
    print(f"{len(sample)} mutants, {len(verdicts) - len(survivors)} killed, {len(sample) - len(verdicts)} explained, {len(survivors)} not explained")
    for mutant in sorted(survivors):
        print(repr(mutant.key) + f" at line {mutant.line}")
    return 1 if survivors else 0


if __name__ == "__main__":
    raise SystemExit(main())
