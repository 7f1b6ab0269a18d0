"""The endpoint of lineage."""

from __future__ import annotations

from jupyter_mlws.api.rest import endpoint, in_thread
from jupyter_mlws.core.errors import MLflowFailedError, VersionItemNotFoundError
from jupyter_mlws.versioning.handling import VersioningHandler
from jupyter_mlws.versioning.lineage.models import Lineage, LineageQuery


class LineageHandler(VersioningHandler):
    """What a thing came of, and what came of it."""

    resource = "lineage"

    @endpoint(
        "Get the lineage of a model, run, dataset or snapshot, upstream and downstream",
        Lineage,
        query=LineageQuery,
        errors=[MLflowFailedError, VersionItemNotFoundError],
    )
    async def get(self, query: LineageQuery) -> Lineage:
        lineage = (await self.managers()).lineage
        return await in_thread(lineage.read, query)


HANDLERS = [(r"lineage", LineageHandler)]
