"""The endpoint of lineage."""

from __future__ import annotations

from jupyter_mlws.api.registry import Endpoints
from jupyter_mlws.core.errors import MLflowFailedError, VersionItemNotFoundError
from jupyter_mlws.server.endpoints.errors import GIT_ERRORS
from jupyter_mlws.versioning.lineage.models import Lineage, LineageQuery
from jupyter_mlws.workspace import Workspace

endpoints = Endpoints("lineage", GIT_ERRORS)


@endpoints.get(
    "lineage",
    "Get the lineage of a model, run, dataset or snapshot, upstream and downstream",
    errors=[MLflowFailedError, VersionItemNotFoundError],
)
def get_lineage(workspace: Workspace, query: LineageQuery) -> Lineage:
    return workspace.experiments.lineage.read(query)
