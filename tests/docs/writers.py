"""Which file of the step writes and reads which variable of the state, from the syntax trees alone: the table in docs/architecture.md.

A write is an assignment to a subscript of `w.name` or `s.name`, of a local that stands for one (`cash = w.cash[i]`), or of a parameter to
which a caller hands one.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import simulate.step as step
from simulate.step.state import INTEGERS, STEP, WORLD

STEP_FOLDER = Path(step.__file__).parent
STRUCTS = {"w": "World", "s": "Step"}
ARRAYS = {"w": ("loss", "deal_loss"), "s": ("claims", "new_money", *INTEGERS)}
NAMES = {
    "w": {name for group in WORLD.values() for name in group} | set(ARRAYS["w"]),
    "s": {name for group in STEP.values() for name in group} | set(ARRAYS["s"]) - {"flags"},
}


def functions(folder: Path = STEP_FOLDER) -> dict[str, tuple[str, ast.FunctionDef]]:
    """File and syntax tree of every function of the folder, by name."""
    found = {}
    for path in sorted(folder.glob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                found[node.name] = path.stem, node
    return found


class Accesses:
    """What one function writes and reads: variables of the state, and its own parameters."""

    def __init__(self, function: ast.FunctionDef):
        self.function = function
        self.parameters = [argument.arg for argument in function.args.args]
        self.locals: dict[str, set] = defaultdict(set)
        for name, value in assignments(function):
            self.locals[name] |= self.roots(value)
        self.written = {root for target in targets(function) for root in self.roots(target)}
        self.read = {(node.value.id, node.attr) for node in ast.walk(function) if is_state(node)}

    def roots(self, node: ast.AST) -> set:
        """What an expression is a view of: (struct, name) of the state, or a parameter."""
        if is_state(node):
            return {(node.value.id, node.attr)}
        if isinstance(node, ast.Subscript):
            return self.roots(node.value)
        if isinstance(node, ast.IfExp):
            return self.roots(node.body) | self.roots(node.orelse)
        if isinstance(node, ast.Name):
            return self.locals[node.id] or ({node.id} if node.id in self.parameters and node.id not in ("w", "s") else set())
        return set()


def is_state(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in NAMES.get(node.value.id, ())


def assignments(function: ast.FunctionDef) -> Iterator[tuple[str, ast.AST]]:
    """Local names and the views that they are set to."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                pairs = zip(target.elts, node.value.elts) if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple) else [(target, node.value)]
                yield from ((name.id, value) for name, value in pairs if isinstance(name, ast.Name))


def targets(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Subscripts that are assigned to."""
    for node in ast.walk(function):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []:
            yield from (part for part in (target.elts if isinstance(target, ast.Tuple) else [target]) if isinstance(part, ast.Subscript))


def find_accesses(folder: Path = STEP_FOLDER) -> tuple[dict, dict]:
    """(struct, name) -> files that write it, and files that read it."""
    found = functions(folder)
    accesses = {name: Accesses(node) for name, (_, node) in found.items()}
    hand_over(accesses)
    writers, readers = defaultdict(set), defaultdict(set)
    for name, access in accesses.items():
        for root in access.written:
            if isinstance(root, tuple):
                writers[root].add(found[name][0])
        for root in access.read:
            readers[root].add(found[name][0])
    return writers, readers


def hand_over(accesses: dict[str, Accesses]) -> None:
    """A caller writes what it hands to a parameter that is written."""
    moved = True
    while moved:
        moved = False
        for access in accesses.values():
            for call in (node for node in ast.walk(access.function) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                called = accesses.get(call.func.id)
                if called is None:
                    continue
                for parameter, argument in zip(called.parameters, call.args):
                    if parameter in called.written and not access.roots(argument) <= access.written:
                        access.written |= access.roots(argument)
                        moved = True


def table() -> str:
    """Markdown: every variable of the state with the files that write it and those that only read it."""
    writers, readers = find_accesses()
    lines = ["| variable | written in | read in |", "|---|---|---|"]
    for struct in STRUCTS:
        for name in sorted(NAMES[struct]):
            write = sorted(writers[struct, name])
            lines.append(f"| `{struct}.{name}` | {', '.join(write)} | {', '.join(sorted(readers[struct, name] - set(write)))} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
