"""Mutants of input: scenario files, tables, overrides and stores, broken at random from a seed.

Right is one of two ends: the command refuses with sentences and exit code 2, or it accepts, and then a run of the same input succeeds with all
identities. A traceback, exit code 1, a hang, or an accepted input that fails inside of a run is a fault. test_fuzz.py tries a few in every run of the
tests; `python -m tests.fuzz --count 20000` tries as many as one likes, and `--one N` one of them again.
"""
