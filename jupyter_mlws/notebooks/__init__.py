"""Notebooks by API: documents, executions, output and history."""
