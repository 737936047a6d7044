"""From what people corrected to a set of pictures that a detector learns from."""
