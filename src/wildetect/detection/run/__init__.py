"""A detection run from images to a folder of results."""
