"""Workflow runs as MLflow experiments."""
