"""The tasks of the collection census."""
