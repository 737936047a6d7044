"""The tasks of the collection detect."""
