"""Client of JupyterHub's REST API: users, their servers, start and stop."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPResponse

from jupyter_mlws.core.errors import ContainerBackendError
from mlws.core.errors import MLWSError
from mlws.core.i18n import Message

START_TIMEOUT = 60.0
"""Seconds; the Hub responds to a start within ten."""
REQUEST_TIMEOUT = 15.0
PAGE_SIZE = 200
MAX_CONNECTIONS = 100
SPAWN_FAILED_PREFIX = "Spawn failed: "
HUB_NOT_RESPONDING = Message("JupyterHub did not respond: {error}")


@dataclass(frozen=True)
class Server:
    """A user's server, as the Hub describes it; ``options`` are those of the last start."""

    user: str
    name: str
    pending: str | None
    ready: bool
    stopped: bool
    url: str
    options: Mapping[str, Any]

    @property
    def active(self) -> bool:
        """True if it runs or is starting."""
        return self.ready or self.pending == "spawn"


@dataclass(frozen=True)
class HubUser:
    """A user of the Hub."""

    name: str
    admin: bool
    groups: tuple[str, ...]
    last_activity: datetime | None
    servers: Mapping[str, Server]


class HubRefusedError(Exception):
    """An error response of the Hub, with its status and message."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message
        super().__init__(f"{status}: {message}")


class HubAPI:
    """Client of the Hub's REST API, with the service's own token.

    Refusals are raised as :class:`HubRefusedError`, a Hub that does not respond as
    ContainerBackendError.
    """

    def __init__(self, address: str, token: str) -> None:
        self._address = address.rstrip("/")
        self._token = token
        # A separate client: starts use a connection for ten seconds, and the shared one has ten.
        self._client = AsyncHTTPClient(force_instance=True, max_clients=MAX_CONNECTIONS)

    def close(self) -> None:
        self._client.close()

    async def users(self) -> list[HubUser]:
        """Return all users with all their servers."""
        users: list[HubUser] = []
        path: str | None = f"users?include_stopped_servers=1&limit={PAGE_SIZE}"
        headers = {"Accept": "application/jupyterhub-pagination+json"}
        while path is not None:
            page = json.loads((await self._request("GET", path, headers=headers)).body)
            users.extend(map(_parse_user, page["items"]))
            after = page["_pagination"]["next"]
            path = (
                f"users?include_stopped_servers=1&limit={after['limit']}&offset={after['offset']}"
                if after
                else None
            )
        return users

    async def user(self, name: str) -> HubUser | None:
        """Return a user; None if the Hub has no user of that name."""
        try:
            answer = await self._request(
                "GET", f"users/{_quote_segment(name)}?include_stopped_servers=1"
            )
        except HubRefusedError as refused:
            if refused.status == 404:
                return None
            raise
        return _parse_user(json.loads(answer.body))

    async def groups_of(self, user: str) -> list[str]:
        """Return the groups that a user is a member of; empty if the Hub has no such user."""
        row = await self.user(user)
        return [] if row is None else list(row.groups)

    async def has_group(self, name: str) -> bool:
        """Return whether the Hub has a group of that name."""
        try:
            await self._request("GET", f"groups/{_quote_segment(name)}")
        except HubRefusedError as refused:
            if refused.status == 404:
                return False
            raise
        return True

    async def server(self, user: str, name: str) -> Server | None:
        """Return a server; None if it does not exist."""
        row = await self.user(user)
        return None if row is None else row.servers.get(name)

    async def create(self, user: str, name: str) -> Server | None:
        """Create a named server without starting it; return None if it exists.

        Its options are sent with the start: the Hub writes those of a change into its log.
        """
        try:
            answer = await self._request("PUT", _server_path(user, name), {"user_options": {}})
        except HubRefusedError as refused:
            if refused.status != 409:
                raise
            return None
        return _parse_server(user, json.loads(answer.body))

    async def start(self, user: str, name: str, options: Mapping[str, Any]) -> bool:
        """Start a server; return True once it is ready, or False after ten seconds.

        The options are always sent: without them the Hub uses the last ones, even rejected ones.
        """
        body = {"user_options": dict(options)}
        answer = await self._request("POST", _server_path(user, name), body, START_TIMEOUT)
        return answer.code == 201

    async def stop(self, user: str, name: str) -> None:
        """Stop a server; it may still be stopping on return."""
        try:
            await self._request("DELETE", _server_path(user, name), limit=START_TIMEOUT)
        except HubRefusedError as refused:
            if refused.status != 404:
                raise

    async def forget(self, user: str, name: str) -> None:
        """Delete a stopped named server."""
        try:
            await self._request("DELETE", _server_path(user, name), {"remove": True}, START_TIMEOUT)
        except HubRefusedError as refused:
            if refused.status != 404:
                raise

    async def failure(self, user: str, name: str) -> str | None:
        """Return the spawner's message if the last start failed, else None."""
        try:
            answer = await self._request("GET", f"{_server_path(user, name)}/progress")
        except HubRefusedError:
            return None  # The server never started.
        for line in reversed(answer.body.decode().splitlines()):
            if line.startswith("data: "):
                event = json.loads(line.removeprefix("data: "))
                message = str(event.get("message", ""))
                return message.removeprefix(SPAWN_FAILED_PREFIX) if event.get("failed") else None
        return None

    async def _request(
        self,
        verb: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        limit: float = REQUEST_TIMEOUT,
        headers: Mapping[str, str] | None = None,
    ) -> HTTPResponse:
        payload = json.dumps(body) if body is not None else None
        try:
            return await self._client.fetch(
                f"{self._address}/{path}",
                method=verb,
                headers={"Authorization": f"token {self._token}", **(headers or {})},
                body=payload,
                allow_nonstandard_methods=True,
                request_timeout=limit,
            )
        except HTTPClientError as error:
            if error.response is None or error.code >= 599:
                raise _to_unavailable_error(error) from error
            try:
                message = str(json.loads(error.response.body)["message"])
            except (ValueError, KeyError, TypeError):
                message = str(error.response.reason)
            raise HubRefusedError(error.code, message) from error
        except OSError as error:
            raise _to_unavailable_error(error) from error


def _quote_segment(name: str) -> str:
    return quote(name, safe="")


def _server_path(user: str, name: str) -> str:
    return (
        f"users/{_quote_segment(user)}/servers/{_quote_segment(name)}"
        if name
        else f"users/{_quote_segment(user)}/server"
    )


def _parse_user(row: Mapping[str, Any]) -> HubUser:
    name, active = row["name"], row.get("last_activity")
    return HubUser(
        name=name,
        admin=bool(row.get("admin")),
        groups=tuple(sorted(row.get("groups", ()))),
        last_activity=datetime.fromisoformat(active) if active else None,
        servers={key: _parse_server(name, one) for key, one in row.get("servers", {}).items()},
    )


def _parse_server(user: str, row: Mapping[str, Any]) -> Server:
    return Server(
        user=user,
        name=row["name"],
        pending=row["pending"],
        ready=row["ready"],
        stopped=row["stopped"],
        url=row["url"],
        options=row.get("user_options") or {},
    )


def _to_unavailable_error(error: Exception) -> MLWSError:
    return ContainerBackendError(reason=HUB_NOT_RESPONDING.fill(error=str(error)))
