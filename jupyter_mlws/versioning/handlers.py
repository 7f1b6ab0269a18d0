"""Endpoints of versions: code, snapshots, datasets and models."""

from __future__ import annotations

from jupyter_mlws.versioning import (
    code_handlers,
    data_remote_handlers,
    dataset_handlers,
    lineage_handlers,
    merge_handlers,
    model_handlers,
    rollback_handlers,
    run_handlers,
    snapshot_handlers,
)

HANDLERS = [
    *code_handlers.HANDLERS,
    *merge_handlers.HANDLERS,
    *rollback_handlers.HANDLERS,
    *snapshot_handlers.HANDLERS,
    *data_remote_handlers.HANDLERS,
    *dataset_handlers.HANDLERS,
    *model_handlers.HANDLERS,
    *run_handlers.HANDLERS,
    *lineage_handlers.HANDLERS,
]
