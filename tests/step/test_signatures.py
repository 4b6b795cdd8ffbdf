"""The rules of docs/architecture.md that syntax trees can hold: signatures of the step, sizes, and who writes the scratch."""

import ast
from pathlib import Path

import pytest

import simulate
from simulate.step.state import INTEGERS, STEP, WORLD, name_state
from tests.docs.writers import find_accesses

ROOT = Path(simulate.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
COMPILED = {"kernel", "stage", "part", "small"}
STRUCTS = ["net", "now", "w", "s"]
MOST_ARGUMENTS, MOST_LINES, MOST_LINES_OF_A_FILE = 9, 80, 400
MANY_ARGUMENTS = {"run.py: run"}  # an argument for every option of the command `simulate run`

# Variables of the scratch that several files of the step write, and why their meaning is one all the same.
SHARED = {
    "can_raise": "funding.py says it; a world that saves who fails first says it again where it finds who that is",
    "called": "clearing.py sets it to 0, guarantees.py raises it",
    "returned": "clearing.py sets it to 0, guarantees.py fills it",
    "pay": "the waterfall pays; solvent debtors and guarantors pay in full",
    "claims": "a call adds to the claims on a guarantor",
    "dues": "a call adds to what a guarantor owes; one_period.py sums them without a step",
    "received_full": "claims on estates come to what is due; one_period.py sums them without a step",
    "due_in_all": "one_period.py asks for exact payments",
    "due": "legs by schedule are due as they are earned, the others in dues.py",
    "due_undisturbed": "likewise",
    "earned": "legs by schedule in earnings.py, shares of revenue in dues.py",
    "drawn": "draws by schedule and market money add to one balance",
    "new_money": "prefunding, draws and tranches buy shares of one issue",
    "outside_in": "flows add up over the step",
    "outside_out": "flows add up over the step",
    "paid": "flows add up over the step",
    "operating_out": "dues.py sums what is due, valuation.py corrects it where somebody was cleared",
}


def functions(folder=ROOT):
    for file in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef):
                yield file, node


def is_compiled(function):
    return any(isinstance(one, ast.Name) and one.id in COMPILED for one in function.decorator_list)


def test_a_stage_takes_its_own_arguments_and_then_net_now_w_s():
    wrong, seen = [], 0
    for file, function in functions(ROOT / "step"):
        if not is_compiled(function):
            continue
        names = [argument.arg for argument in function.args.args]
        structs = [name for name in names if name in STRUCTS]
        seen += len(structs) > 1
        if names[len(names) - len(structs) :] != structs or structs != sorted(structs, key=STRUCTS.index):
            wrong.append(f"{file.name}: {function.name}({', '.join(names)})")
    assert not wrong
    assert seen > 50


def test_no_function_has_many_arguments():
    assert {f"{file.name}: {function.name}" for file, function in functions() if len(arguments(function)) > MOST_ARGUMENTS} == MANY_ARGUMENTS


def test_functions_beside_kernels_have_annotations():
    """Mypy is told to leave the bodies of kernels alone; this holds the rest of their files to types."""
    plain = [(file, f) for room in ("factors", "kernels", "step") for file, f in functions(ROOT / room) if not is_compiled(f) and f.name != "lower"]
    assert len(plain) > 50
    assert not [f"{file.name}: {f.name}" for file, f in plain if f.returns is None and f.name not in ("__init__", "slices")]


def arguments(function):
    return [argument.arg for argument in (*function.args.args, *function.args.kwonlyargs) if argument.arg not in ("self", "cls")]


def test_functions_and_files_fit_in_the_head():
    long = [f"{file.name}: {f.name} has {f.end_lineno - f.lineno + 1} lines" for file, f in functions() if f.end_lineno - f.lineno + 1 > MOST_LINES]
    assert not long
    assert not [file.name for file in FILES if len(file.read_text().splitlines()) > MOST_LINES_OF_A_FILE]


def test_a_variable_of_the_scratch_has_one_writer_or_a_reason():
    writers, _ = find_accesses()
    scratch = {name for group in STEP.values() for name in group} | {"claims", "new_money"} | set(INTEGERS) - {"flags"}
    several = {name for name in scratch if len(writers["s", name]) > 1}
    assert several == set(SHARED)


def test_every_variable_of_the_state_is_written():
    writers, readers = find_accesses()
    for struct, groups in (("w", WORLD), ("s", STEP)):
        for name in (name for group in groups.values() for name in group):
            assert writers[struct, name], f"{struct}.{name} is written nowhere"
            assert readers[struct, name], f"{struct}.{name} is read nowhere"


@pytest.mark.nojit
def test_a_second_meaning_of_a_name_is_refused(monkeypatch):
    monkeypatch.setitem(STEP["lane"], "cash", STEP["lane"]["open"])
    with pytest.raises(ValueError, match="World and Step have two meanings of cash"):
        name_state()
