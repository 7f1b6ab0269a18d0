"""Versions of code: branches, the index, merges, history and rollbacks."""
