"""The 58 vectors of tests/known/answers.json: numbers that others published or computed, each with its source.

An entry holds inputs, expected values and their tolerance; or `left_out`, why this model cannot be asked. `parts_left_out` names single expected values
that were dropped, each with its reason. What clears is asked in clearing/test_vector.py, what measures risk in risk/test_risk.py, contracts in
known/test_contracts.py, and the rest in known/test_answers.py.
"""

import json
from pathlib import Path

ANSWERS = json.loads(Path(__file__).with_name("answers.json").read_text())
LEFT_OUT = {name: answer["left_out"] for name, answer in ANSWERS.items() if "left_out" in answer}
PARTS_LEFT_OUT = [(name, part, reason) for name, answer in ANSWERS.items() for part, reason in answer.get("parts_left_out", {}).items()]


def of_kind(kind: str) -> list[str]:
    """Names of the vectors of a kind that are not left out."""
    return [name for name, answer in ANSWERS.items() if answer.get("kind") == kind and name not in LEFT_OUT]


def look_up(name: str) -> tuple[dict, dict, float]:
    """Inputs, expected values, tolerance."""
    answer = ANSWERS[name]
    return answer["inputs"], answer["expected"], answer["tolerance"]
