"""Lineage: the origins and the results of runs, models, data and snapshots."""
