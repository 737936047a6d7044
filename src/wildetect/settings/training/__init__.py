"""What shapes the training of a detector."""
