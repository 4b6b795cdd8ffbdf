"""Findings, the parts of the package that make them, and docs/validation.md as text.

A part is a module of this package with `findings() -> list[Finding]`; the first line of its docstring is the title of its section and the rest
stands above its table. Findings have fixed seeds: the page is the same on every run up to the last bits of the platform.
"""

import importlib
import math
import pkgutil
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.known.answers import ANSWERS, LEFT_OUT, PARTS_LEFT_OUT

PAGE = Path(__file__).parents[2] / "docs" / "validation.md"
LIMIT = 4.0  # standard errors: a true claim is refused once in 16 000
STANDARD_ERRORS, TOLERANCE = "standard errors", "tolerance"
LEFT_OUT_TITLE = "Known answers that do not apply"
NO_PARTS = ("claims", "__main__")


class Finding(NamedTuple):
    """One claim, measured."""

    claim: str  # one sentence, what is claimed
    test: str  # name of the test (file::function) or method in words
    source: str  # author, year, equation
    got: float
    want: float
    error: float  # standard error of got - want (Monte Carlo), or the tolerance (numeric)
    kind: str  # "standard errors" | "tolerance"

    @property
    def z(self) -> float:
        """got - want in units of the error; 0 where both are equal and no difference is allowed."""
        if self.error == 0.0:
            return 0.0 if self.got == self.want else math.inf
        return (self.got - self.want) / self.error

    @property
    def holds(self) -> bool:
        """NaN never holds."""
        if self.kind not in (STANDARD_ERRORS, TOLERANCE):
            raise ValueError(f'kind is "{self.kind}"; it is "{STANDARD_ERRORS}" or "{TOLERANCE}": {self.claim}')
        return abs(self.z) < LIMIT if self.kind == STANDARD_ERRORS else abs(self.z) <= 1.0


def mean_finding(claim: str, test: str, source: str, sample, want: float) -> Finding:
    """The mean of independent draws against what it should be, with the standard error of the sample."""
    sample = np.asarray(sample, dtype=float)
    return Finding(claim, test, source, float(sample.mean()), float(want), float(sample.std(ddof=1) / math.sqrt(sample.size)), STANDARD_ERRORS)


def numeric_finding(claim: str, test: str, source: str, got: float, want: float, tolerance: float) -> Finding:
    """Two numbers that differ by rounding or discretisation alone, by at most `tolerance`."""
    return Finding(claim, test, source, float(got), float(want), float(tolerance), TOLERANCE)


def refuse_false(findings: Iterable[Finding]) -> None:
    """AssertionError with a line for every finding that does not hold."""
    wrong = [f"{one.claim}: got {one.got!r}, want {one.want!r}, error {one.error!r} ({one.kind}), z = {one.z:.2f}" for one in findings if not one.holds]
    if wrong:
        raise AssertionError("\n".join(wrong))


class Part(NamedTuple):
    """A section of the page."""

    title: str
    text: str
    findings: list[Finding]


def part_names() -> list[str]:
    """Modules of the package that make findings, by name."""
    names = [module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])]
    return sorted(name for name in names if name not in NO_PARTS and not name.startswith("test_"))


def gather() -> list[Part]:
    """All parts, run."""
    parts = []
    for name in part_names():
        module = importlib.import_module(f"{__package__}.{name}")
        if hasattr(module, "findings"):
            title, _, text = module.__doc__.strip().partition("\n")
            parts.append(Part(title.rstrip("."), text.strip(), module.findings()))
    return parts


def write_page(parts: Iterable[Part]) -> str:
    """docs/validation.md."""
    parts = list(parts)
    every = [one for part in parts for one in part.findings]
    sampled = [one for one in every if one.kind == STANDARD_ERRORS]
    lines = [
        "# Validation",
        "",
        "Made by `python -m tests.validation` with fixed seeds; do not edit. What is claimed, the test that checks it, and what was found. A result",
        f"of a Monte Carlo run has its standard error and must lie within {LIMIT:.0f} of them; a number that is computed exactly has a tolerance, and z is",
        "the difference as a share of it (at most 1). The tests hold the same findings to the same limits.",
        "",
        f"{len(every)} claims, {len(every) - sum(one.holds for one in every)} refused. Largest |z| of the {len(sampled)} sampled ones: "
        + (f"{max(abs(one.z) for one in sampled):.2f}." if sampled else "none."),
    ]
    for part in parts:
        lines += ["", f"## {part.title}", ""]
        if part.text:
            lines += [part.text, ""]
        lines += ["| Claim | Test | Source | Result | Expected | Standard error (se) or tolerance (tol) | z |", "|---|---|---|---:|---:|---:|---:|"]
        lines += [write_row(one) for one in part.findings]
    lines += ["", f"## {LEFT_OUT_TITLE}", "", write_left_out()]
    lines += ["", "| Vector | Source | Why this model cannot be asked |", "|---|---|---|"]
    lines += [f"| `{name}` | {ANSWERS[name]['source']} | {reason} |" for name, reason in LEFT_OUT.items()]
    lines += [f"| of `{name}`: {part} | {ANSWERS[name]['source']} | {reason} |" for name, part, reason in PARTS_LEFT_OUT]
    return "\n".join(lines) + "\n"


def write_left_out() -> str:
    return (
        f"{len(ANSWERS) - len(LEFT_OUT)} of the {len(ANSWERS)} published or recomputed vectors of `tests/known/answers.json` are reproduced by "
        "`known/test_answers.py`, `clearing/test_vector.py`, `risk/test_risk.py` and `known/test_contracts.py`, each with its source; these are not."
    )


def write_row(one: Finding) -> str:
    unit = "se" if one.kind == STANDARD_ERRORS else "tol"
    refused = "" if one.holds else " **refused**"
    # A rounding error has no digits worth printing: they differ from platform to platform.
    got = "0, rounded" if one.kind == TOLERANCE and one.want == 0.0 and abs(one.z) < 0.1 and one.got != 0.0 else digits(one.got)
    cells = (one.claim, f"`{one.test}`" if "::" in one.test else one.test, one.source, got, digits(one.want), f"{unit} {one.error:.2g}")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + f" | {one.z:+.2f}{refused} |"


def digits(number: float) -> str:
    """Six figures: more would differ from platform to platform."""
    return f"{number:.6g}"
