"""report.html, and the pictures that a run leaves."""
