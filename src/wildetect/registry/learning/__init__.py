"""What a version has learned from: its training run, the pictures, and what is told of it."""
