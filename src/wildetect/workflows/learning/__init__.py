"""From corrections to a training set, and from a candidate to proof that it is better."""
