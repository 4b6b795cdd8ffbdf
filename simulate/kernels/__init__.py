"""Numba and numbers, nothing of the domain: decorators, linking, names on rows, exp and log, random numbers."""
