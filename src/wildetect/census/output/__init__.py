"""The files of a census."""
