"""Families whose outputs are maps of heat: a peak is an animal, and has no size."""
