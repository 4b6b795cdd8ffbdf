"""What the project claims and how it is checked: one module a part, each with `findings() -> list[Finding]` (validation/claims.py).

`python -m tests.validation` runs all parts and writes docs/validation.md. Tests import the same modules as `tests.validation.<part>`.
"""
