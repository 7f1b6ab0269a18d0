"""Where the commands of nodes run: on this machine, or on the workers of a Dask cluster."""
