"""The tasks of the collection model."""
