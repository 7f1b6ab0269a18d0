"""Imports what the processes of :mod:`tests.python` need, once for all of them."""

import gc
import os
from importlib import import_module

os.environ["DVC_NO_ANALYTICS"] = "1"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
for name in (
    "dvc.cli.parser",
    "dvc.repo",
    "mlflow.store.tracking.sqlalchemy_store",
    "jupyter_mlws.cli.main",
    "mlws.dvc.data",
    "jupyter_mlws.mlflow.process",
    "jupyter_mlws.versioning.snapshots.manager",
    "jupyter_mlws.versioning.snapshots.outbox_worker",
    "jupyter_mlws.workflows.run.runner",
):
    import_module(name)
# A collection would copy the pages that are shared with the children.
gc.freeze()
