"""Parsing, printing and rewriting of a `dvc.yaml`."""
