"""Checks of a weights file before it is registered or used."""
