"""Tables that people write: files, names of photographs, numbers and degrees, read by one rule everywhere."""
