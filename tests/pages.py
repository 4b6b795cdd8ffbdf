"""Pages that commands write: `python -m tests.pages` makes those that cost no simulation, `python -m tests.pages NAME ...` the named ones.

    python -m tests.pages --check        exit code 1 when a page is not what its command writes
    python -m tests.pages calibration    the slow ones are made when they are named: backtest, backtest_telecom, backtest_both, calibration, headline, step, validation; mutation has `python -m tests.mutation`

A page is whole, or a part between two markers of a page that is written by hand.
"""

import argparse
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from simulate import schema
from simulate.checks import identities
from simulate.step.factors import FACTOR_STATE, PATH_DRAWS, STEP_FACTORS
from simulate.step.state import STEP, WORLD
from tests.docs import writers
from tests.docs.headline import write_headline
from tests.validation.parameters import write_parameters

if TYPE_CHECKING:
    from simulate.studies.backtest import Backtest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SHAPES = {
    "entity": "[n, W]",
    "owner": "[O, W]",
    "chips": "[O, T+1, W]",
    "leg": "[L, W]",
    "holding": "[H, W]",
    "lane": "[W]",
    "process": "[R, W]",
    "group": "[S, W]",
    "move": "[M, W]",
    "volume": "[C, W]",
}


class Page(NamedTuple):
    """A file, or the part of it between the markers of `part`, and what writes it."""

    path: Path
    write: Callable[[], str]
    part: str = ""

    def made(self) -> str:
        """The file as it should be. ValueError where a marker is missing."""
        text = self.write()
        if not self.part:
            return text
        first, last = markers(self.part)
        before, begins, rest = self.path.read_text(encoding="utf-8").partition(first)
        _, ends, after = rest.partition(last)
        if not (begins and ends):
            raise ValueError(f"{self.path.name} lacks the markers {first} and {last}, in this order")
        return f"{before}{first}\n{text}{last}{after}"


def markers(part: str) -> tuple[str, str]:
    """Where a part of a page begins and ends."""
    return f"<!-- {part}: made by `python -m tests.pages`, do not edit up to the next marker -->", f"<!-- end of {part} -->"


def write_state() -> str:
    """Tables of all state, docs/model.md, section 3."""
    lines = [
        "",
        "n entities, L legs, H holdings, O fleet owners, R revenue processes, S deal groups, M own moves, C volumes of contracts, T steps, W lanes. An array has the names below as its first axis, in order.",
    ]
    for title, groups in (
        ("What a world remembers (`w`)", WORLD),
        ("What dies with the step (`s`)", STEP),
        ("What factors carry from step to step", FACTOR_STATE),
        ("What factors are in a step", STEP_FACTORS),
        ("What is drawn once a path", PATH_DRAWS),
    ):
        lines += ["", f"**{title}**", "", "| array | name | unit | meaning |", "|---|---|---|---|"]
        for group, variables in groups.items():
            lines += [f"| {group} {SHAPES[group]} | `{name}` | {variable.unit} | {variable.about} |" for name, variable in variables.items()]
    return "\n".join(lines) + "\n\n"


def write_identities() -> str:
    """The table of docs/model.md, section 7."""
    lines = ["| identity | what holds | residual relative to | tolerance |", "|---|---|---|---|"]
    lines += [f"| {name} | {one.title} | {one.scale} | {one.tolerance:g} |" for name, one in identities.IDENTITIES.items()]
    return "\n".join(lines) + "\n"


@cache
def measured(scenario: str) -> "Backtest":
    """The back-test of a shipped scenario, made once."""
    from simulate.studies.backtest import backtest

    return backtest(scenario)


def write_backtest(scenario: str) -> str:
    """Tables of docs/backtest.md for a scenario."""
    from simulate.report.backtest import write_tables

    return write_tables(measured(scenario))


def write_both() -> str:
    """The table of both networks, docs/backtest.md."""
    from simulate.report.backtest import write_coverage

    return write_coverage([measured("ai_2025"), measured("telecom_2000")])


def write_growth() -> str:
    """Tables of docs/growth.md."""
    from simulate.report.growth import write_tables
    from simulate.studies.growth import study_growth
    from simulate.studies.guidance import measure_surprises

    growth = study_growth("ai_2025")
    return write_tables(growth, measure_surprises(growth.scenario, growth.rates))


def write_calibration() -> str:
    """docs/calibration.md: 10,000 paths of ai_2025."""
    from simulate.report.calibration import write_page

    return write_page("ai_2025", paths=10_000, seed=0, threads=None)


PAGES = {
    "results": Page(DOCS / "results.md", lambda: schema.reference() + "\n"),
    "parameters": Page(DOCS / "model.md", write_parameters, "parameters"),
    "state": Page(DOCS / "model.md", write_state, "state"),
    "identities": Page(DOCS / "model.md", write_identities, "identities"),
    "growth": Page(DOCS / "growth.md", write_growth, "growth"),
    "writers": Page(DOCS / "architecture.md", lambda: writers.table() + "\n", "writers"),
}
SLOW = {
    "calibration": Page(DOCS / "calibration.md", write_calibration),
    "headline": Page(ROOT / "README.md", write_headline, "headline"),
    "backtest": Page(DOCS / "backtest.md", lambda: write_backtest("ai_2025"), "backtest"),
    "backtest_telecom": Page(DOCS / "backtest.md", lambda: write_backtest("telecom_2000"), "backtest_telecom"),
    "backtest_both": Page(DOCS / "backtest.md", write_both, "backtest_both"),
}


def make_step() -> None:
    """Tables of docs/step.md."""
    from tests.validation.steps import rebuild_page

    rebuild_page()


def make_validation() -> None:
    """docs/validation.md; SystemExit when a claim is refused."""
    from tests.validation.__main__ import rebuild

    rebuild()


MAKERS = {"step": make_step, "validation": make_validation}


def main() -> int:
    """Make or check pages; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.pages", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join([*PAGES, *SLOW, *MAKERS]))
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    known = PAGES | SLOW
    for name in options.names:
        if name not in known | MAKERS or (options.check and name in MAKERS):
            parser.error(f"'{name}' is no page; choose from {', '.join(known if options.check else known | MAKERS)}")
    stale = []
    for name in options.names or PAGES:
        if name in MAKERS:
            MAKERS[name]()
            continue
        page = known[name]
        made = page.made()
        if made != page.path.read_text(encoding="utf-8"):
            stale.append(name)
            if not options.check:
                page.path.write_text(made, encoding="utf-8")
    if options.check and stale:
        print(f"not what their commands write: {', '.join(stale)}; run `python -m tests.pages {' '.join(stale)}`")
        return 1
    print(f"pages {'checked' if options.check else 'made'}: {', '.join(options.names or PAGES)}" + (f"; changed: {', '.join(stale)}" if stale else ""))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
