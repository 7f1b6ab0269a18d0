"""Importers of Elyra pipelines, notebooks and definitions in JSON."""
