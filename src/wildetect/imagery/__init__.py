"""Photographs: found, opened upright as RGB, with the position they were taken from."""
