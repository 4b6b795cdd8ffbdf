"""Identities of a run.

What must hold in every step of every path, as `simulate run --check` verifies it: the largest residual on paths of ai_2025, relative to the
scale of the identity (docs/model.md, section 7).
"""

from simulate.checks.identities import IDENTITIES
from simulate.compile.scenario import compile_scenario
from simulate.engine.blocks import CHECKED_LANES, Block, Workspace
from simulate.scenario.load import load_scenario

from .claims import Finding, numeric_finding

PATHS = 400
TEST = "checks/test_identities.py::test_findings_of_the_validation_page"
SOURCES = {
    "clearing": "Elsinger (2009); Rogers and Veraart (2013)",
    "priority": "Elsinger (2009)",
    "greatest": "Eisenberg and Noe (2001); Rogers and Veraart (2013), greatest clearing vector",
    "waves": "Eisenberg and Noe (2001), fictitious default algorithm",
}


def findings() -> list[Finding]:
    """Largest residual of every identity."""
    model = compile_scenario(load_scenario("ai_2025")).model
    _, found = Workspace(model, CHECKED_LANES).run_checked(Block(0, PATHS))
    return [
        numeric_finding(
            f"{IDENTITIES[one.identity].title}, on {PATHS} paths",
            TEST,
            SOURCES.get(one.identity, "docs/model.md, section 7"),
            one.residual,
            0.0,
            IDENTITIES[one.identity].tolerance,
        )
        for one in found
    ]
