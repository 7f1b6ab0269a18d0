"""Versions of code, data and models."""
