"""`python -m benchmarks [case ...]` prints one table a case."""

import argparse

from benchmarks.cases import CASES
from benchmarks.run import describe_machine, measure, show

parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Ratios measured side by side; benchmarks/README.md says how to read them.")
parser.add_argument("case", nargs="*", help=f"one of {', '.join(CASES)}; all when none is named")
parser.add_argument("--rounds", type=int, default=3, help="how often every side is timed, in turn (3)")
arguments = parser.parse_args()
unknown = [name for name in arguments.case if name not in CASES]
if unknown or arguments.rounds < 1:
    parser.error(f"unknown case {', '.join(unknown)}; known: {', '.join(CASES)}" if unknown else "--rounds must be at least 1")
print(describe_machine())
for name in arguments.case or CASES:
    case = CASES[name]()
    print(show(name, case, measure(case, arguments.rounds)), flush=True)
