"""Containers: their models, and the person's own ones as seen from a lab."""
