"""Endpoints of versions: code, snapshots, datasets and models."""

from __future__ import annotations

from jupyter_mlws.versioning.code import handlers as code
from jupyter_mlws.versioning.code import merge_handlers, rollback_handlers
from jupyter_mlws.versioning.data import handlers as data
from jupyter_mlws.versioning.data import remote_handlers
from jupyter_mlws.versioning.lineage import handlers as lineage
from jupyter_mlws.versioning.registry import handlers as registry
from jupyter_mlws.versioning.snapshots import handlers as snapshots
from jupyter_mlws.versioning.tracking import handlers as tracking

HANDLERS = [
    *code.HANDLERS,
    *merge_handlers.HANDLERS,
    *rollback_handlers.HANDLERS,
    *snapshots.HANDLERS,
    *remote_handlers.HANDLERS,
    *data.HANDLERS,
    *registry.HANDLERS,
    *tracking.HANDLERS,
    *lineage.HANDLERS,
]
