"""Families whose outputs list the boxes that were found."""
