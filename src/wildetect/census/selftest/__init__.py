"""Published figures and hand cases that the formulas are checked against."""
