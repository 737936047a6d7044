"""Detection on several processes or machines, by Dask (the extra "cluster")."""
