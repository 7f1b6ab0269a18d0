"""Versions of code: branches, the index, merges, history, going back."""
