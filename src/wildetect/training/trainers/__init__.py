"""Programs that make a detector learn, each behind one small interface."""
