"""Backup, restore and migration of the store."""
