"""Registered detectors: what is stored with them, where they are found, how they are fetched."""
