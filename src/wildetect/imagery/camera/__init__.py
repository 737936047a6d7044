"""Cameras: their tags, lenses, and how large a pixel is on the ground."""
