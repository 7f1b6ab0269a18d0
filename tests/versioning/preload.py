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
    "jupyter_mlws.versioning.dvc.data",
    "jupyter_mlws.versioning.tracking.mlflow_process",
    "jupyter_mlws.versioning.versions",
    "jupyter_mlws.workflows.runner",
):
    import_module(name)
# A collection would copy the pages that are shared with the children.
gc.freeze()
