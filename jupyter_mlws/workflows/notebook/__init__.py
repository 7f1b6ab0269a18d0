"""Notebooks as nodes of a workflow: their settings, and reproducible runs."""
