"""Small errors, made systematically: each mutant is one change of one place in one file.

A mutant is known by its content (file, function, line before, line after), not by its line number, so that a list of explained
mutants outlives edits elsewhere in the file.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

ARITHMETIC = {ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "/"), ast.Div: ("/", "*")}
COMPARISONS = {ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">"), ast.Eq: ("==", "!="), ast.NotEq: ("!=", "==")}
EXTREMES = {"max": "min", "min": "max"}
CONSTANTS = {"0.0": "1.0", "1.0": "0.0", "0": "1", "1": "0", "0.5": "1.0", "True": "False", "False": "True"}


@dataclass(frozen=True, order=True)
class Mutant:
    """One change of one place; start and end are byte offsets of what is replaced in the file."""

    file: str  # path inside the repository
    function: str
    kind: str  # kind of change
    before: str  # the line as it is, without indentation
    after: str  # the line as it becomes
    copy: int  # 0, or the number of equal changes before it in the same function
    line: int
    start: int
    end: int
    text: str  # what stands there instead

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.file, self.function, self.before, self.after


def find_mutants(file: str, source: str, following: dict[str, str]) -> list[Mutant]:
    """All mutants of a file in the order of their places. following: what replaces a name, `CREDIT` or `w.cash` (tests/mutation/names.py)."""
    raw = source.encode()
    starts = [0]
    for row in raw.splitlines(keepends=True):
        starts.append(starts[-1] + len(row))
    found, seen = [], Counter()
    for function, line, start, end, kind, text in sorted(set(places(ast.parse(source), raw, starts, following))):
        first, last = starts[line - 1], starts[line] - 1
        before = raw[first : max(last, end)].decode()
        after = (raw[first:start] + text.encode() + raw[end : max(last, end)]).decode()
        before, after = (" ".join(part.split()) for part in (before, after))
        key = (function, before, after)
        found.append(Mutant(file, function, kind, before, after, seen[key], line, start, end, text))
        seen[key] += 1
    return found


def apply(mutant: Mutant, source: str) -> str:
    """The file with the change."""
    raw = source.encode()
    return (raw[: mutant.start] + mutant.text.encode() + raw[mutant.end :]).decode()


def places(tree: ast.Module, raw: bytes, starts: list[int], following: dict) -> Iterator[tuple[str, int, int, int, str, str]]:
    """(function, line, start, end, kind, new text) of every change, inside functions only."""

    def at(node: ast.AST, end: bool = False) -> int:
        return starts[node.end_lineno - 1] + node.end_col_offset if end else starts[node.lineno - 1] + node.col_offset

    def line_of(offset: int) -> int:
        return raw.count(b"\n", 0, offset) + 1

    def between(left: ast.AST, right: ast.AST, old: str) -> tuple[int, int]:
        """Where the operator stands between its operands (with brackets and spaces around it)."""
        match = re.compile(rb"(?<![*/<>=!+-])" + re.escape(old.encode()) + rb"(?![*/<>=])").search(raw, at(left, end=True), at(right))
        return match.start(), match.end()

    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        inside = [node for statement in function.body for node in walk_code(statement)]
        measured = {id(node.value) for node in inside if isinstance(node, ast.Attribute) and node.attr in ("size", "shape")}
        for node in inside:
            if id(node) in measured and not variable_of(node).startswith("lists."):
                continue  # the names of one array have one shape; lists have lengths of their own
            for start, end, kind, text in changes(node, raw, at, between, following):
                yield function.name, line_of(start), start, end, kind, text


def walk_code(node: ast.AST) -> Iterator[ast.AST]:
    """Like ast.walk, without annotations, docstrings, assertion texts and functions inside."""
    if isinstance(node, ast.FunctionDef | ast.JoinedStr) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        return
    yield node
    for name, field in ast.iter_fields(node):
        for child in field if isinstance(field, list) else [field]:
            if isinstance(child, ast.AST) and name not in ("annotation", "returns"):
                yield from walk_code(child)


def variable_of(node: ast.AST) -> str:
    """An attribute as its struct and its name, `legs.ltv` for net.legs.ltv too; else nothing."""
    return ".".join(ast.unparse(node).split(".")[-2:]) if isinstance(node, ast.Attribute) else ""


def changes(node: ast.AST, raw: bytes, at, between, following: dict) -> Iterator[tuple[int, int, str, str]]:
    """(start, end, kind, new text) of the changes of one node."""

    def text_of(part: ast.AST) -> str:
        return raw[at(part) : at(part, end=True)].decode()

    if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        old, new = ARITHMETIC[type(node.op)]
        yield *between(node.left, node.right, old), "operator", new
    elif isinstance(node, ast.AugAssign) and type(node.op) in ARITHMETIC:
        old, new = ARITHMETIC[type(node.op)]
        yield *between(node.target, node.value, old + "="), "operator", new + "="
    elif isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARISONS:
        old, new = COMPARISONS[type(node.ops[0])]
        yield *between(node.left, node.comparators[0], old), "comparison", new
    elif isinstance(node, ast.BoolOp):
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        start = raw.index(old.encode(), at(node.values[0], end=True))
        yield start, start + len(old), "comparison", new
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in EXTREMES:
        yield at(node.func), at(node.func, end=True), "max and min", EXTREMES[node.func.id]
    elif isinstance(node, ast.Constant) and text_of(node) in CONSTANTS:
        yield at(node), at(node, end=True), "constant", CONSTANTS[text_of(node)]
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in following:
        yield at(node), at(node, end=True), "name", following[node.id]
    elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and variable_of(node) in following:
        yield at(node, end=True) - len(node.attr), at(node, end=True), "name", following[variable_of(node)]
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        for index in node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]:
            if ast.unparse(index) in ("t", "now.t"):
                yield at(index), at(index, end=True), "step", f"max({ast.unparse(index)} - 1, 0)"
    if isinstance(node, ast.If | ast.IfExp):
        yield at(node.test), at(node.test, end=True), "condition", f"(not ({text_of(node.test)}))"
    dropped = (
        isinstance(node, ast.Continue | ast.AugAssign)
        or (isinstance(node, ast.Return) and node.value is None)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call))
        or (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript | ast.Attribute))
    )
    if dropped:
        yield at(node), at(node, end=True), "statement", "pass"
