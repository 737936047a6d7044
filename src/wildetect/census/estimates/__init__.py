"""From animals counted on transects to numbers with limits."""
