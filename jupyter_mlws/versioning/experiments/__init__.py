"""Tracked runs, their commits and their reproductions."""
