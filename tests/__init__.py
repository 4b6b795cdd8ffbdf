"""Tests, one folder for each room of the code; makers build what they test, the oracle is a twin of the kernels, known holds published answers."""
