"""Endpoints of models: versions, aliases, comparison."""

from __future__ import annotations

from jupyter_mlws.api.rest import Reply, endpoint, in_thread, location
from jupyter_mlws.core.errors import (
    MLflowFailedError,
    VersionItemNotFoundError,
)
from jupyter_mlws.core.schemas import Page, PageQuery
from jupyter_mlws.versioning.handling import DVC_ERRORS, VersioningHandler
from jupyter_mlws.versioning.registry.models import (
    AliasChange,
    AliasRequest,
    BestModels,
    BestQuery,
    CompareQuery,
    Model,
    ModelComparison,
    ModelCreate,
    ModelDetail,
    ModelsQuery,
    ModelVersion,
)


class ModelsHandler(VersioningHandler):
    """All models."""

    resource = "models"

    @endpoint("List models", Page[Model], query=ModelsQuery, errors=[MLflowFailedError])
    async def get(self, query: ModelsQuery) -> Page[Model]:
        models = (await self.managers()).models
        return await in_thread(models.list, query)

    @endpoint(
        "Register a model version",
        ModelVersion,
        body=ModelCreate,
        status=201,
        errors=[*DVC_ERRORS, MLflowFailedError, VersionItemNotFoundError],
    )
    async def post(self, body: ModelCreate) -> Reply:
        models = (await self.managers()).models
        made = await in_thread(models.register, body)
        identifier = made.id.rpartition(":")[0]
        where = location(self, "models", identifier, "versions", str(made.version))
        return Reply(made, 201, where)


class CompareHandler(VersioningHandler):
    """Versions side by side."""

    resource = "models"

    @endpoint(
        "Compare model versions",
        ModelComparison,
        query=CompareQuery,
        errors=[MLflowFailedError, VersionItemNotFoundError],
    )
    async def get(self, query: CompareQuery) -> ModelComparison:
        models = (await self.managers()).models
        return await in_thread(models.compare, query.ids)


class BestHandler(VersioningHandler):
    """The best versions."""

    resource = "models"

    @endpoint(
        "Rank model versions by a metric",
        BestModels,
        query=BestQuery,
        errors=[MLflowFailedError],
    )
    async def get(self, query: BestQuery) -> BestModels:
        models = (await self.managers()).models
        return await in_thread(models.best, query)


class ModelHandler(VersioningHandler):
    """One model."""

    resource = "models"

    @endpoint(
        "Get a model with its versions",
        ModelDetail,
        query=PageQuery,
        errors=[MLflowFailedError, VersionItemNotFoundError],
    )
    async def get(self, identifier: str, query: PageQuery) -> ModelDetail:
        models = (await self.managers()).models
        return await in_thread(models.get, identifier, query.limit, query.cursor)


class ModelVersionHandler(VersioningHandler):
    """One version."""

    resource = "models"

    @endpoint(
        "Get a model version",
        ModelVersion,
        errors=[MLflowFailedError, VersionItemNotFoundError],
    )
    async def get(self, identifier: str, version: str) -> ModelVersion:
        models = (await self.managers()).models
        return await in_thread(models.version, identifier, version)


class AliasHandler(VersioningHandler):
    """A name for a version."""

    resource = "models"

    @endpoint(
        "Point an alias to a version",
        Model,
        body=AliasRequest,
        errors=[MLflowFailedError, VersionItemNotFoundError],
    )
    async def put(self, identifier: str, alias: str, body: AliasRequest) -> Model:
        models = (await self.managers()).models
        return await in_thread(models.set_alias, identifier, alias, body.version)

    @endpoint("Delete an alias", Model, errors=[MLflowFailedError, VersionItemNotFoundError])
    async def delete(self, identifier: str, alias: str) -> Model:
        models = (await self.managers()).models
        return await in_thread(models.delete_alias, identifier, alias)


class AliasHistoryHandler(VersioningHandler):
    """What aliases meant."""

    resource = "models"

    @endpoint(
        "List the alias history of a model, newest first",
        Page[AliasChange],
        errors=[MLflowFailedError, VersionItemNotFoundError],
    )
    async def get(self, identifier: str) -> Page[AliasChange]:
        models = (await self.managers()).models
        return await in_thread(models.alias_history, identifier)


HANDLERS = [
    (r"models", ModelsHandler),
    (r"models/compare", CompareHandler),
    (r"models/best", BestHandler),
    (r"models/([^/]+)", ModelHandler),
    (r"models/([^/]+)/versions/([^/]+)", ModelVersionHandler),
    (r"models/([^/]+)/aliases/history", AliasHistoryHandler),
    (r"models/([^/]+)/aliases/([^/]+)", AliasHandler),
]
