"""Networks: opened, fed with tiles, run on a device."""
