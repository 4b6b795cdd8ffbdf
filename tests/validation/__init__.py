"""What the project claims and how it is checked: one module a part, each with `findings() -> list[Finding]` (validation/claims.py).

`python -m tests.validation` runs all parts and writes docs/validation.md. Tests import the same modules as `validation.<part>`.
"""

import sys
from pathlib import Path

# The parts read tests/tiny.py, tests/oracle.py and others by their bare names, as the tests do: pytest puts tests/ on the path, `python -m` does not.
if str(Path(__file__).parents[1]) not in sys.path:
    sys.path.insert(0, str(Path(__file__).parents[1]))
