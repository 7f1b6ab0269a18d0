"""The spawner's question to the service ``mlws``: is there room for this container?"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jupyterhub.utils import url_path_join
from tornado.httpclient import AsyncHTTPClient, HTTPClientError

from jupyter_mlws.containers.models import Amount, ContainerCreate, QueuePlace, Resources
from jupyter_mlws.core.errors import Fault, HubUnavailableError, MLWSError
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.hub import words
from jupyter_mlws.hub.refusal import Refusal
from jupyter_mlws.hub.scheduling.policy import ResolvedSpec

REQUEST_TIMEOUT = 15.0
"""Seconds in which the service must answer, beyond those that it was asked to wait."""
LONG_POLL_TIMEOUT = 20.0
"""Seconds after which the service answers in any case; the next question follows at once."""
REJECTION_STATUSES = (400, 403, 404, 409, 507)


@dataclass(frozen=True)
class Grant:
    """Resources granted to a container: ``devices`` are the numbers of the leased devices."""

    resources: Amount
    devices: tuple[int, ...]
    volume: str


@dataclass(frozen=True)
class Admission:
    """Client of the service at ``address``; ``token`` proves that the Hub makes the request."""

    address: str
    token: str

    async def ask(
        self,
        user: str,
        server: str,
        request: ContainerCreate,
        container_spec: ResolvedSpec,
        home: str,
        language: str,
        wait: float,
        on_queue_change: Callable[[QueuePlace], None],
    ) -> Grant:
        """Request resources for a container and return what is granted.

        Raises :class:`Refusal` with the service's message, or error 10103. Waits in the queue for
        ``wait`` seconds; ``on_queue_change`` is called with each place in the queue.
        """
        spec = {
            **request.model_dump(mode="json", exclude_none=True),
            "image": container_spec.label,
            "resources": words.as_resources(container_spec.resources),
        }
        body: dict[str, Any] = {"user": user, "server": server, "spec": spec, "home": home}
        deadline = time.monotonic() + wait
        while True:
            left = max(0.0, deadline - time.monotonic())
            answer = await self._post({**body, "patience": min(left, LONG_POLL_TIMEOUT)}, language)
            if answer["granted"]:
                amount = Resources.model_validate(answer["resources"]).amount
                return Grant(amount, tuple(answer["devices"]), answer["volume"])
            place = QueuePlace.model_validate(answer["queue"])
            on_queue_change(place)
            body["known"] = place.model_dump()

    async def _post(self, body: dict[str, Any], language: str) -> dict[str, Any]:
        try:
            answer = await AsyncHTTPClient().fetch(
                url_path_join(self.address, "admissions"),
                method="POST",
                headers={
                    "Authorization": f"token {self.token}",
                    "Content-Type": "application/json",
                    "Accept-Language": language,
                },
                body=json.dumps(body),
                request_timeout=REQUEST_TIMEOUT + body["patience"],
            )
        except HTTPClientError as error:
            if error.code in REJECTION_STATUSES and error.response is not None:
                raise Refusal(json.loads(error.response.body), error.code, language) from error
            raise _to_unavailable_error(error) from error
        except (OSError, ValueError) as error:
            raise _to_unavailable_error(error) from error
        data: dict[str, Any] = json.loads(answer.body)["data"]
        return data


def _to_unavailable_error(error: Exception) -> MLWSError:
    words = Message("the resource service does not respond: {error}", error=error)
    return HubUnavailableError(faults=[Fault("service", words)])
