"""Checks of the identities that hold in every step; no kernel runs here."""
