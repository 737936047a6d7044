"""What is done of a run, so that nothing is done twice and nothing is lost."""
