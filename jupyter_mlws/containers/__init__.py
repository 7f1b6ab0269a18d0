"""Containers: their models, and the client for labs."""
