"""A folder on the server's PYTHONPATH; see sitecustomize.py in it."""
