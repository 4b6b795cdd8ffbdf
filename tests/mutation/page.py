"""docs/mutation.md: the table of mutants and the score."""

from collections import Counter
from pathlib import Path

from tests.mutation.mutants import Mutant

HEAD = """# Mutation of the step

Written by `python -m tests.mutation`; do not edit. Each mutant is one small error in one place of a stage of the step or of
`simulate/clearing.py`: an operator, a comparison or a condition turned round, `max` for `min`, 0 for 1, a name of the state for its
neighbour (`w.alive` for `w.cash`), the step before instead of the step, a statement left out. The sample is drawn by a hash of the
content of the mutants, so it is the same on every machine and an edit of one line does not change who else is chosen. The tests run
with the JIT off, until the first one fails.

A mutant that no test kills is either explained (it computes the same, `tests/mutation/explained.py` says why) or an error that the
tests would not find.

Tests were added for the survivors of this sample (`tests/step/test_survivors.py`), so its score says that they are found now; mutants
that were not drawn have not been tried, and a fresh sample (another SEED) may well show others.

"""


def code(text: str) -> str:
    """As code in a cell of a table."""
    return "`" + text.replace("|", "\\|") + "`"


def name_killer(killer: str) -> str:
    """The test that killed, without its folder."""
    return code(killer.removeprefix("tests/")) if killer != "time limit" else "does not end"


def write_page(path: Path, sample: list[Mutant], verdicts: dict, reasons: dict, possible: int) -> None:
    """Write the page: score, counts by kind and file, explained mutants, all mutants."""
    killed = {mutant for mutant in sample if mutant in verdicts and verdicts[mutant].killer}
    explained = [mutant for mutant in sample if mutant not in verdicts]
    survived = [mutant for mutant in sample if mutant in verdicts and mutant not in killed]
    tried = len(sample) - len(explained)
    lines = [
        f"**{len(sample)} mutants** of {possible} possible ones: {len(killed)} killed, {len(explained)} explained as equivalent, "
        f"{len(survived)} neither. Score = killed / (all - explained) = **{len(killed) / max(tried, 1):.1%}**.",
        "",
    ]
    for title, of in (("Kind of change", lambda mutant: mutant.kind), ("File", lambda mutant: mutant.file)):
        every, dead, same = (Counter(map(of, group)) for group in (sample, killed, explained))
        lines += [f"| {title} | mutants | killed | explained | neither |", "| --- | --: | --: | --: | --: |"]
        lines += [f"| {name} | {every[name]} | {dead[name]} | {same[name]} | {every[name] - dead[name] - same[name]} |" for name in every]
        lines.append("")
    if survived:
        lines += ["## Neither killed nor explained", "", "| Where | Line | Becomes |", "| --- | --- | --- |"]
        lines += [f"| {where(mutant)} | {code(mutant.before)} | {code(mutant.after)} |" for mutant in survived]
        lines.append("")
    if explained:
        lines += ["## Explained", "", "| Where | Line | Becomes | Why nothing changes |", "| --- | --- | --- | --- |"]
        lines += [f"| {where(mutant)} | {code(mutant.before)} | {code(mutant.after)} | {reasons[mutant]} |" for mutant in explained]
        lines.append("")
    lines += ["## Killed", "", "| Where | Line | Becomes | First test that fails |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {where(mutant)} | {code(mutant.before)} | {code(mutant.after)} | {name_killer(verdicts[mutant].killer)} |" for mutant in sample if mutant in killed
    ]
    path.write_text(HEAD + "\n".join(lines) + "\n")


def where(mutant: Mutant) -> str:
    """File and function."""
    return f"{mutant.file.removeprefix('simulate/')} {mutant.function}"
