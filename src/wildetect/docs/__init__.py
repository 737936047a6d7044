"""The parts of the pages in docs/ that repeat the code: options of the tasks, keys of the settings files."""
