"""Families whose outputs hold a value for each place of a grid over the picture."""
