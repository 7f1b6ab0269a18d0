"""Endpoints of models: versions, aliases, comparison."""

from __future__ import annotations

from jupyter_mlws.api.registry import Endpoints, Reply
from jupyter_mlws.core.errors import (
    MLflowFailedError,
    VersionItemNotFoundError,
)
from jupyter_mlws.core.schemas import Page, PageQuery
from jupyter_mlws.server.endpoints.errors import DVC_ERRORS, GIT_ERRORS
from jupyter_mlws.versioning.model_registry.models import (
    AliasChange,
    AliasRequest,
    BestModels,
    BestQuery,
    CompareQuery,
    Model,
    ModelChange,
    ModelComparison,
    ModelCreate,
    ModelDetail,
    ModelSignature,
    ModelsQuery,
    ModelUse,
    ModelVersion,
)
from jupyter_mlws.workflows.model_page import list_uses, read_signature
from jupyter_mlws.workspace import Workspace

endpoints = Endpoints("models", GIT_ERRORS)


@endpoints.get("models", "List models", errors=[MLflowFailedError])
def list_models(workspace: Workspace, query: ModelsQuery) -> Page[Model]:
    return workspace.models.list(query)


@endpoints.post(
    "models",
    "Register a model version",
    status=201,
    errors=[*DVC_ERRORS, MLflowFailedError, VersionItemNotFoundError],
)
def register_model(workspace: Workspace, body: ModelCreate) -> Reply[ModelVersion]:
    version = workspace.models.register(body)
    model = version.id.rpartition(":")[0]
    return Reply(version, location=("models", model, "versions", str(version.version)))


@endpoints.get(
    "models/compare", "Compare model versions", errors=[MLflowFailedError, VersionItemNotFoundError]
)
def compare_versions(workspace: Workspace, query: CompareQuery) -> ModelComparison:
    return workspace.models.compare(query.ids)


@endpoints.get("models/best", "Rank model versions by a metric", errors=[MLflowFailedError])
def rank_versions(workspace: Workspace, query: BestQuery) -> BestModels:
    return workspace.models.best(query)


@endpoints.get(
    "models/{model}",
    "Get a model with its versions",
    errors=[MLflowFailedError, VersionItemNotFoundError],
)
def get_model(workspace: Workspace, identifier: str, query: PageQuery) -> ModelDetail:
    return workspace.models.get(identifier, query.limit, query.cursor)


@endpoints.patch(
    "models/{model}",
    "Change the description of a model",
    errors=[MLflowFailedError, VersionItemNotFoundError],
)
def change_model(workspace: Workspace, identifier: str, body: ModelChange) -> Model:
    return workspace.models.describe(identifier, body)


@endpoints.get("models/{model}/uses", "List the nodes and lines of files that name a model")
def list_model_uses(workspace: Workspace, identifier: str) -> Page[ModelUse]:
    return list_uses(workspace.workflows.documents, workspace.models, identifier)


@endpoints.get(
    "models/{model}/versions/{version}",
    "Get a model version",
    errors=[MLflowFailedError, VersionItemNotFoundError],
)
def get_version(workspace: Workspace, identifier: str, version: str) -> ModelVersion:
    return workspace.models.version(identifier, version)


@endpoints.get(
    "models/{model}/versions/{version}/signature",
    "Get what a model version reads and returns",
    errors=[MLflowFailedError, VersionItemNotFoundError],
)
def get_signature(workspace: Workspace, identifier: str, version: str) -> ModelSignature:
    return read_signature(workspace.models, identifier, version)


@endpoints.get(
    "models/{model}/aliases/history",
    "List the alias history of a model, newest first",
    errors=[MLflowFailedError, VersionItemNotFoundError],
)
def list_alias_changes(workspace: Workspace, identifier: str) -> Page[AliasChange]:
    return workspace.models.alias_history(identifier)


@endpoints.put(
    "models/{model}/aliases/{aliase}",
    "Point an alias to a version",
    errors=[MLflowFailedError, VersionItemNotFoundError],
)
def set_alias(workspace: Workspace, identifier: str, alias: str, body: AliasRequest) -> Model:
    return workspace.models.set_alias(identifier, alias, body.version)


@endpoints.delete(
    "models/{model}/aliases/{aliase}",
    "Delete an alias",
    errors=[MLflowFailedError, VersionItemNotFoundError],
)
def delete_alias(workspace: Workspace, identifier: str, alias: str) -> Model:
    return workspace.models.delete_alias(identifier, alias)
