"""The tables of the network in words."""
