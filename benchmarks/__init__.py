"""What is fast and what it is measured against. Run `python -m benchmarks`."""
