"""Endpoints of versions: code, snapshots, datasets and models."""

from __future__ import annotations

from jupyter_mlws.versioning.code import endpoints as code
from jupyter_mlws.versioning.data import endpoints as data
from jupyter_mlws.versioning.experiments import endpoints as tracking
from jupyter_mlws.versioning.lineage import endpoints as lineage
from jupyter_mlws.versioning.model_registry import endpoints as registry
from jupyter_mlws.versioning.snapshots import endpoints as snapshots

endpoints = [
    *code.endpoints,
    *snapshots.endpoints,
    *data.endpoints,
    *registry.endpoints,
    *tracking.endpoints,
    *lineage.endpoints,
]
