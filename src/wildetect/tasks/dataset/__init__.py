"""Tasks of training sets."""
