"""A version as one file, for a machine that the server does not reach."""
