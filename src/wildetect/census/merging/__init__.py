"""Whether the boxes that should have been joined were: the census tests its own merging."""
