"""From detections to animals counted once, and from them to numbers with limits."""
