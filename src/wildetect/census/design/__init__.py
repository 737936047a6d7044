"""The design of a survey: strata, transects, and which ground was searched."""
