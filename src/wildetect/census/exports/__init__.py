"""A finished census in the forms in which numbers leave the house."""
