"""What people say of a run's detections, and the numbers that follow from it."""
