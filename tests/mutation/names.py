"""Names that a mutant puts in each other's place: rows of one packed array, and constants that number one family."""

import ast

from simulate.kernels.fields import PLACES
from simulate.step.factors import FactorState, PathDraws, StepFactors
from simulate.step.memory import PackedEntities, PackedFleet, PackedHoldings, PackedLegs, PackedRules
from simulate.step.state import Lists, Step, World

# What the variables are called that hold a struct with names on its rows.
STRUCTS = {
    World: ("w", "world"),
    Step: ("s", "step"),
    Lists: ("lists",),
    PackedEntities: ("entities",),
    PackedFleet: ("fleet",),
    PackedLegs: ("legs",),
    PackedHoldings: ("holdings",),
    PackedRules: ("rules",),
    StepFactors: ("factors", "out"),
    FactorState: ("state",),
    PathDraws: ("draws",),
}


def kernels_of(source: str) -> set[str]:
    """Names of the compiled functions of a file."""
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    return {one.name for one in functions if {ast.unparse(each) for each in one.decorator_list} & {"kernel", "stage", "part", "small"}}


def next_in(family: list[str]) -> dict[str, str]:
    """The name that replaces each name of a family: the next one, and the first the last."""
    return dict(zip(family, family[1:] + family[:1])) if len(family) > 1 else {}


def read_families(source: str) -> dict[str, str]:
    """Constants of a file and what replaces each: names assigned together from `range(...)` number one family."""
    following = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple) and ast.unparse(node.value).startswith("range("):
            following |= next_in([name.id for name in node.targets[0].elts])
    return following


def names_of_state() -> dict[str, str]:
    """Names on the rows of packed arrays as the code reads them (`w.cash`), and what replaces each (`alive`): the next row of its array."""
    following = {}
    for struct, variables in STRUCTS.items():
        arrays: dict[str, list[str]] = {}
        for name, place in PLACES[struct].items():
            arrays.setdefault(place.field, []).append(name)
        for names in arrays.values():
            for variable in variables:
                following |= {f"{variable}.{name}": other for name, other in next_in(names).items()}
    return following
