"""Versions of code, data and models: one adapter a tool, and what joins them."""
