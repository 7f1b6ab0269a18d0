"""The lab's numbers over HTTP: for its person, and for programs that may read a Hub's metrics."""

from __future__ import annotations

from typing import Any

from jupyter_mlws.api.base import APIHandler
from jupyter_mlws.api.rest import Reply, endpoint, in_thread
from jupyter_mlws.metrics.collectors import CONTENT_TYPE

SCOPE = "read:metrics"


class MetricsHandler(APIHandler):
    """The numbers as Prometheus reads them."""

    resource = "metrics"
    errors = ()
    _scrapes = False

    async def prepare(self, **more: Any) -> Any:
        """Know a program of the Hub's that may read metrics, and nothing else of this lab."""
        hub: Any = getattr(self.identity_provider, "hub_auth", None)
        token = hub.get_token(self, in_cookie=False) if hub is not None else None
        model = await hub.user_for_token(token, sync=False) if token else None
        self._scrapes = model is not None and SCOPE in (model.get("scopes") or ())
        return None if self._scrapes else await super().prepare(**more)

    async def permit(self, *also: tuple[str, str]) -> None:
        """As everywhere, but for whoever may read the metrics of the whole Hub."""
        if not self._scrapes:
            await super().permit(*also)

    @endpoint("Get the lab's metrics in Prometheus format", media="text/plain")
    async def get(self) -> Reply:
        text = await in_thread(self.services.numbers.written)
        self.write(text)
        return Reply(None)

    def reply(self, answer: Reply) -> None:
        """The numbers are the whole answer."""
        self.finish(set_content_type=CONTENT_TYPE)

    def compute_etag(self) -> str | None:
        return None


HANDLERS: list[tuple[str, Any]] = [(r"metrics", MetricsHandler)]
