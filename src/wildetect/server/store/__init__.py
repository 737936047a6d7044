"""Where the server keeps things: database and files."""
