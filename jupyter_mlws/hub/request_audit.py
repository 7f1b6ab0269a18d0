"""Audit of what is done to labs by JupyterHub's own pages and REST API, and by other services.

The service ``mlws`` records what goes through it. JupyterHub calls :class:`RequestAudit` at the end
of each request: its starts and stops are recorded, too, and that a user opens another user's lab.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import unquote

from jupyterhub import orm
from jupyterhub.log import log_request
from sqlalchemy.orm import Session

from jupyter_mlws.containers.models import container_id
from jupyter_mlws.hub.accounts.events import SERVICE, EventStore, rollback_on_error
from jupyter_mlws.hub.accounts.tables import AccountEvent

SERVER = re.compile(r"api/users/(?P<user>[^/]+)/(server|servers/(?P<server>[^/]*))/?")
PAGE = re.compile(r"spawn/(?P<user>[^/]+)(/(?P<server>[^/]+))?/?")
SIGN_IN_TO_LAB = "api/oauth2/authorize"
PENDING = "/spawn-pending/"
"""Part of the address of the page that follows a start."""


class RequestEvent(NamedTuple):
    """An event of a lab that a request caused."""

    actor: str
    action: str
    target: str


@dataclass
class RequestAudit:
    """A function for Tornado's setting ``log_function``.

    ``service_url`` and ``admission_token`` are those of the authenticator of this project; they are
    used if the Hub has another one, which does not send events itself.
    """

    service_url: str
    admission_token: str
    _own_events: EventStore | None = field(init=False, default=None)

    def __call__(self, handler: Any) -> None:
        """Log a request, and record what it did."""
        log_request(handler)
        event = read_event(handler)
        if event is None:
            return
        with rollback_on_error(handler.db):
            self._events(handler).record(*event)

    def _events(self, handler: Any) -> EventStore:
        events: EventStore | None = getattr(handler.authenticator, "events", None)
        if events is not None:
            return events
        if self._own_events is None:
            self._own_events = EventStore(handler.db)
            AccountEvent.metadata.create_all(handler.db.connection())
            base_url = handler.settings["base_url"]
            self._own_events.start_sending(self.service_url, base_url, self.admission_token)
        return self._own_events


def read_event(handler: Any) -> RequestEvent | None:
    """Return what a request to the Hub did to a lab; None if nothing, or if the service did it."""
    who = getattr(handler, "_jupyterhub_user", None)
    if who is None or handler.get_status() >= 400 or (who.kind, who.name) == ("service", SERVICE):
        return None
    method, path = handler.request.method, handler.request.path.removeprefix(handler.hub.base_url)
    location = handler._headers.get("Location", "")
    if path == SIGN_IN_TO_LAB:
        lab = _find_lab(handler.db, handler.get_argument("client_id", ""))
        if lab is None or lab[0] == who.name or not location:
            return None
        return RequestEvent(who.name, "lab.open", container_id(*lab))
    if place := SERVER.fullmatch(path):
        action = {"POST": "container.start", "DELETE": "container.stop"}.get(method)
    else:
        place = PAGE.fullmatch(path)
        action = "container.start" if PENDING in location else None
    if place is None or action is None:
        return None
    return RequestEvent(
        who.name, action, container_id(unquote(place["user"]), unquote(place["server"] or ""))
    )


def _find_lab(db: Session, client: str) -> tuple[str, str] | None:
    """Return the user and server name of the lab that is an OAuth client."""
    spawner = db.query(orm.Spawner).filter_by(oauth_client_id=client).first()
    return None if spawner is None else (spawner.user.name, spawner.name)
