"""Workflows: a `dvc.yaml` read as a graph, planned, run and journaled."""
