"""The files of a run in formats that other programs read."""
