"""Snapshots: versions of code, data and models, with verification, repair and recovery."""
