"""Tiles of an image: cut, and their detections put together again."""
