"""Several runs of one scenario."""
