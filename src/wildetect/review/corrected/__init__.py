"""What files that were corrected elsewhere say of the images of a run: one form for all formats."""
