"""Tags of MLflow runs that record the code, data and workflow of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

COMMIT = "mlflow.source.git.commit"
"""MLflow's own tag for the code that was run."""
SOURCE = "mlflow.source.name"
DIRTY = "mlws.dirty"
WORKFLOW = "mlws.workflow"
INPUTS = "mlws.inputs"
"""JSON: the data that was read, path in the project → DVC's hash."""
OUTPUTS = "mlws.outputs"
ENVIRONMENT = "mlws.environment"
"""ID of the environment that a node ran in."""
ENVIRONMENTS = "environments"
"""Folder among the artifacts of a run, with the packages of its nodes' environments."""
DATA = "mlws.data"
"""JSON: the data that the working tree held, whether it was read or not."""
RUN = "mlws.run"
"""The workflow's run that an MLflow run records, as a whole or a node of it."""
NODE = "mlws.node"
"""Which node of it; the run itself has none."""
PARENT = "mlflow.parentRunId"
RUN_NAME = "mlflow.runName"
NOTE = "mlflow.note.content"
"""MLflow's own tag for the description of a run, in Markdown."""
SYSTEM_METRICS = "mlws.system_metrics"
"""Set if the system metrics of a run are ours, and not those of MLflow's own logger."""
ARCHIVED = "mlws.archived"
STARRED = "mlws.starred"
SET = "true"
"""Value of the tags of a run that is archived or has a star; others lack the tag."""
ORIGIN = "mlws.origin"
ERROR = "mlws.error"
LONGEST_TAG = 5000
"""Characters of a tag; MLflow takes 5,000 to 8,000, by its version and store."""
MORE = "…"
"""Key for the number of hashes that are left out."""


def fitting(hashes: Mapping[str, str]) -> str:
    """Return JSON that fits into a tag: as many hashes as possible, and how many are left out."""
    entries: dict[str, str] = {}
    room = LONGEST_TAG - 40
    for path, digest in hashes.items():
        room -= len(json.dumps({path: digest}, ensure_ascii=False))
        if room < 0:
            entries[MORE] = f"+{len(hashes) - len(entries)}"
            break
        entries[path] = digest
    return json.dumps(entries, ensure_ascii=False)


def hashes_of(tag: str | None) -> dict[str, str]:
    """Return the hashes that :func:`fitting` wrote; empty for other content."""
    try:
        document: Any = json.loads(tag or "{}")
    except ValueError:
        return {}
    rows = document.items() if isinstance(document, dict) else ()
    return {str(path): str(digest) for path, digest in rows if path != MORE}
