"""Settings files in YAML: their text, what people write in place of YAML, and their values."""
