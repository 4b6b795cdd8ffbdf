"""The scenario file in words."""
