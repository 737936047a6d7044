"""The methods of a census, a file each: from animals counted to a number for an area."""
