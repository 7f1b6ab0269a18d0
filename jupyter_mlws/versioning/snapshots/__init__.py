"""Snapshots: one version of code, data and models, its proof, and the way back to it."""
