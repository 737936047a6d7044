"""Families of detectors: how they are fed and how their outputs are read."""
