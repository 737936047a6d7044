"""What a run found: records, files in formats of other tools, pictures with boxes."""
