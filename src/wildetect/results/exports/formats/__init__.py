"""The forms in which a run is written: one file each, found by its record."""
