"""Executors of the commands of nodes: on this machine, or on the workers of a Dask cluster."""
