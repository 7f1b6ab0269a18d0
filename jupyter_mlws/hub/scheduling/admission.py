"""The spawner's request to the service ``mlws`` to start a server, and its refusal."""

from __future__ import annotations

import html
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jupyterhub.spawner import SpawnException
from jupyterhub.utils import url_path_join
from pydantic import Field
from tornado.httpclient import AsyncHTTPClient, HTTPClientError

from jupyter_mlws.containers.budgets import BudgetUse
from jupyter_mlws.containers.models import Amount, QueuePlace
from jupyter_mlws.core.errors import HubUnavailableError
from jupyter_mlws.core.schemas import Record, Request
from jupyter_mlws.hub.scheduling.policy import ResolvedSpec
from mlws.core.errors import Fault, MLWSError
from mlws.core.i18n import Message

REQUEST_TIMEOUT = 15.0
"""Seconds in which the service must respond, in addition to the requested wait."""
LONG_POLL_TIMEOUT = 20.0
"""Seconds after which the service responds in any case; the next request follows at once."""
REJECTION_STATUSES = (400, 403, 404, 409, 507)
SEE = Message("View your containers")


class AdmissionRequest(Request):
    """Request of the Hub to start a server."""

    user: str
    admin: bool = False
    server: str
    options: dict[str, Any] = Field(description="`user_options` as they are.")
    home: str = Field(description="Name of the user's volume if none exists yet.")
    last_place: QueuePlace | None = None
    patience: float = Field(default=0, ge=0, le=60, description="Seconds.")


class Admission(Record):
    """Specification to start and volume of the home, or else the position in the queue.

    ``node`` is the only node that has the volume, if there are several.
    """

    spec: ResolvedSpec | None = None
    volume: str = ""
    node: str | None = None
    queue: QueuePlace | None = None


class OfferRequest(Request):
    """Question of the Hub what a user can start now."""

    user: str
    admin: bool = False
    server: str


class SizeOffer(Record):
    """Result of a start of this size: the place in the queue or the error; neither if it starts."""

    queue: QueuePlace | None = None
    error: Message | None = None


class Offer(Record):
    """Sizes that a user can start now, and the reasons; for the spawn page."""

    sizes: dict[str, SizeOffer]
    free: Amount = Field(description="What the emptiest machine has left after the queue.")
    waiting: int = Field(default=0, description="Length of the queue.")
    lacking: str = Field(default="", description="The resource that the queue waits for.")
    limit: Amount | None = Field(default=None, description="Of all containers of the user.")
    used: Amount | None = Field(default=None, description="By the user's other containers.")
    ended: Message | None = Field(default=None, description="Why the last start or lab ended.")
    budgets: list[BudgetUse] = Field(default_factory=list, description="Of this month.")


class Refusal(SpawnException):  # type: ignore[misc]
    """Rejection of a start: an error of the catalogue, as text for the API and as HTML."""

    def __init__(self, envelope: Mapping[str, Any], status: int, language: str) -> None:
        self.language = language
        faults = [(row["field"], row["message"]) for row in envelope["errors"]]
        parts = (
            f"{envelope['code']}: {envelope['message']}",
            "; ".join(f"{field}: {message}" for field, message in faults),
            envelope["solution"],
        )
        text = " ".join(part for part in parts if part)
        super().__init__(text, reason=str(envelope["code"]), status_code=status)
        self.jupyterhub_message = text
        rows = [
            f"<code>{html.escape(field)}</code> {html.escape(message)}" for field, message in faults
        ]
        log = "\n".join(envelope["details"].get("last_log", ()))
        if log:
            style = 'class="d-block text-start" style="white-space: pre-wrap"'
            rows.append(f"<code {style}>{html.escape(log)}</code>")
        self.jupyterhub_html_message = "<br>".join(
            [
                f"<strong>{html.escape(envelope['message'])}</strong>",
                *rows,
                html.escape(envelope["solution"]),
            ]
        )

    @classmethod
    def of(cls, error: MLWSError, language: str) -> Refusal:
        """Return the rejection with an error of the catalogue."""
        return cls(error.as_dict(language), error.status, language)

    def link(self, address: str) -> None:
        """Add a link to the page with the user's containers."""
        label = html.escape(SEE.in_(self.language))
        self.jupyterhub_html_message += f' <a href="{html.escape(address)}">{label}</a>'


@dataclass(frozen=True)
class AdmissionClient:
    """Client of the service at ``address``; ``token`` proves that the Hub makes the request."""

    address: str
    token: str

    async def offer(self, question: OfferRequest, language: str) -> Offer:
        """Return what a user can start now; HubUnavailableError if the service does not tell."""
        try:
            return Offer.model_validate(await self._post("offers", question, language))
        except (OSError, ValueError, HTTPClientError) as error:
            raise _to_unavailable_error(error) from error

    async def ask(
        self,
        question: AdmissionRequest,
        language: str,
        wait: float,
        on_queue_change: Callable[[QueuePlace], None],
    ) -> Admission:
        """Return the granted specification, and where the home is.

        Raises :class:`Refusal` with the service's message, or HubUnavailableError. Waits in the
        queue for ``wait`` seconds; ``on_queue_change`` is called with each position in the queue.
        """
        deadline = time.monotonic() + wait
        last_place = None
        while True:
            patience = min(max(0.0, deadline - time.monotonic()), LONG_POLL_TIMEOUT)
            body = question.model_copy(update={"last_place": last_place, "patience": patience})
            try:
                answer = await self._post("admissions", body, language, patience)
                admission = Admission.model_validate(answer)
            except HTTPClientError as error:
                if error.code in REJECTION_STATUSES and error.response is not None:
                    raise Refusal(json.loads(error.response.body), error.code, language) from error
                raise _to_unavailable_error(error) from error
            except (OSError, ValueError) as error:
                raise _to_unavailable_error(error) from error
            if admission.spec is not None:
                return admission
            last_place = admission.queue
            if last_place is not None:
                on_queue_change(last_place)

    async def _post(self, path: str, body: Request, language: str, patience: float = 0) -> Any:
        response = await AsyncHTTPClient().fetch(
            url_path_join(self.address, path),
            method="POST",
            headers={
                "Authorization": f"token {self.token}",
                "Content-Type": "application/json",
                "Accept-Language": language,
            },
            body=json.dumps(body.model_dump()),
            request_timeout=REQUEST_TIMEOUT + patience,
        )
        return json.loads(response.body)["data"]


def _to_unavailable_error(error: Exception) -> MLWSError:
    words = Message("the resource service does not respond: {error}", error=error)
    return HubUnavailableError(faults=[Fault("service", words)])
