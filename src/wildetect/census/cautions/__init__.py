"""What to know before the numbers of a census are used."""
