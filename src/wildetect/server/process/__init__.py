"""The server as a process: planned, started, watched, stopped."""
