"""Faster forms of a network: fewer bits, and whether it still finds the same animals."""
