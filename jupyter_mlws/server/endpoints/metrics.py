"""The lab's metrics over HTTP: for its user, and for programs that may read a Hub's metrics."""

from __future__ import annotations

from typing import Any

from jupyter_mlws.api.registry import Endpoints, Reply
from jupyter_mlws.metrics.collectors import CONTENT_TYPE
from jupyter_mlws.server.handlers import APIHandler
from jupyter_mlws.server.services import Services

SCOPE = "read:metrics"

endpoints = Endpoints("metrics")


@endpoints.get("metrics", "Get the lab's metrics in Prometheus format", media="text/plain")
def get_metrics(services: Services) -> Reply[bytes]:
    return Reply(services.metrics.render(), headers={"Content-Type": CONTENT_TYPE})


class MetricsHandler(APIHandler):
    """Base handler of the metrics."""

    _scrapes = False

    async def prepare(self, **more: Any) -> Any:
        """Accept a program that may read the Hub's metrics; it may do nothing else in this lab."""
        hub: Any = getattr(self.identity_provider, "hub_auth", None)
        token = hub.get_token(self, in_cookie=False) if hub is not None else None
        model = await hub.user_for_token(token, sync=False) if token else None
        self._scrapes = model is not None and SCOPE in (model.get("scopes") or ())
        return None if self._scrapes else await super().prepare(**more)

    async def permit(self, *also: tuple[str, str]) -> None:
        """Check permissions as usual, except for programs that may read the whole Hub's metrics."""
        if not self._scrapes:
            await super().permit(*also)
