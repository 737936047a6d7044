"""Boxes of several photographs that show one animal become one."""
