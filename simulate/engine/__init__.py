"""Blocks of paths on threads, and a whole run."""
