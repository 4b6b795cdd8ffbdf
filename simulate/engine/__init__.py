"""Run blocks of paths on threads, and whole simulations."""
