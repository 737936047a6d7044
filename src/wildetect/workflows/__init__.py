"""The use cases: plain functions that a notebook calls as the tasks do. They neither print nor ask."""
