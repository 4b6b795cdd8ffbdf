"""Mutation testing of the kernels: is every line guarded by a test? Run by `python -m tests.mutation`."""
