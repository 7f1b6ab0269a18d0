"""Parsing, validation and editing of a `dvc.yaml`."""
