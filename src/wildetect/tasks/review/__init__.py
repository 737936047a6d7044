"""The tasks of the collection review."""
