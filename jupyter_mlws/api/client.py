"""REST client of a running Jupyter server or of the Hub's service."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, urlencode, urljoin

from jupyter_mlws._version import __version__
from jupyter_mlws.core.errors import RequestFailedError
from mlws.core.errors import CATALOGUE, Fault, MLWSError
from mlws.core.i18n import ENGLISH, Message

PROBE_LIMIT = 5.0
"""Seconds to wait for the first response of a server."""
WORK_LIMIT = 3600.0
"""Seconds to wait for a response: a snapshot of large data is hashed before the server answers."""


class RemoteError(Exception):
    """An error response of a server, in the language of the request."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.body = body
        super().__init__(f"{body.get('code')}: {body.get('message')}")

    def as_dict(self, language: str) -> dict[str, Any]:
        """Return the response's fields, as :meth:`~jupyter_mlws.core.errors.MLWSError.as_dict`."""
        return self.body

    def as_ours(self, url: str) -> MLWSError:
        """Convert to an exception to raise; ``url`` names the server if the code is unknown."""
        code = str(self.body.get("code"))
        if code not in CATALOGUE:
            return RequestFailedError(url=url, reason=str(self))
        faults = [
            Fault(row["field"], Message.verbatim(row["message"]))
            for row in self.body.get("errors", [])
        ]
        return MLWSError.restore(code, self.body.get("details", {}), faults)


@dataclass(frozen=True)
class API:
    """Client of an API that uses our envelope, with its ``url`` and the token to access it."""

    url: str
    token: str = field(repr=False)
    language: str = field(default=ENGLISH, kw_only=True)
    prefix: ClassVar[str]

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """Return ``data`` of the response; raises :class:`RemoteError`."""
        return self.request("GET", path, query)

    def post(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Return ``data`` of the response; raises :class:`RemoteError`."""
        return self.request("POST", path, query, body or {}, headers=headers)

    def put(
        self, path: str, body: Mapping[str, Any], query: Mapping[str, Any] | None = None
    ) -> Any:
        """Return ``data`` of the response; raises :class:`RemoteError`."""
        return self.request("PUT", path, query, body)

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """Return ``data`` of the response; raises :class:`RemoteError`."""
        return self.request("PATCH", path, None, body)

    def delete(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """Return ``data`` of the response; raises :class:`RemoteError`."""
        return self.request("DELETE", path, query)

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        body: Mapping[str, Any] | None = None,
        timeout: float = WORK_LIMIT,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Return ``data`` of the response to any method; raises :class:`RemoteError`."""
        # Lazy: most commands find no server, and HTTP takes longer to import than they run.
        import urllib.error
        import urllib.request

        parameters = {
            key: str(value).lower() if isinstance(value, bool) else value
            for key, value in (query or {}).items()
            if value not in (None, [])
        }
        url = urljoin(self.url, f"{self.prefix}/{path}")
        request = urllib.request.Request(  # noqa: S310 - `running` lets http(s) through alone
            f"{url}?{urlencode(parameters, doseq=True)}" if parameters else url,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Accept-Language": self.language,
                "Authorization": f"token {self.token}",
                "Content-Type": "application/json",
                "User-Agent": f"jupyter-mlws/{__version__}",
                **(headers or {}),
            },
        )
        # The server is on this machine; a proxy for the internet would not reach it.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=timeout) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            try:
                envelope = json.load(error)
            except ValueError:
                envelope = None
            if isinstance(envelope, dict) and "solution" in envelope:
                raise RemoteError(envelope) from None
            raise RequestFailedError(url=self.url, reason=f"HTTP {error.code}") from None
        except (OSError, ValueError, KeyError) as error:
            raise RequestFailedError(url=self.url, reason=str(error)) from error


@dataclass(frozen=True)
class Server(API):
    """One running Jupyter server."""

    root: Path = field(kw_only=True)
    pid: int = field(kw_only=True, default=0)
    prefix: ClassVar[str] = "mlws/api/v1"

    def serves(self) -> bool:
        """Return whether the server responds and the token grants access to our endpoints."""
        try:
            self.request("GET", "projects", None, timeout=PROBE_LIMIT)
        except (RemoteError, MLWSError):
            # Without our extension, or with another user's token.
            return False
        return True


def segment(identifier: str) -> str:
    """Return ``identifier`` as one segment of a URL's path."""
    return quote(identifier, safe="")


def find_server(folder: Path, language: str) -> Server | None:
    """Return the running server whose root contains ``folder``, the nearest root first; or None."""
    inside = [
        server
        for server in running(language)
        if server.root == folder or server.root in folder.parents
    ]
    inside.sort(key=lambda server: len(server.root.parts), reverse=True)
    return next((server for server in inside if server.serves()), None)


def running(language: str) -> Iterator[Server]:
    """Yield every server of this user on this machine, from the files that Jupyter writes.

    ``jupyter_server.serverapp.list_running_servers`` reads the same files; importing it takes a
    second, and it deletes those of servers that it can't see, such as another container's.
    """
    from jupyter_core.paths import jupyter_runtime_dir

    for path in sorted(Path(jupyter_runtime_dir()).glob("jpserver-*.json")):
        try:
            info = json.loads(path.read_text(encoding="utf-8"))
            url, root, pid = str(info["url"]), Path(info["root_dir"]), int(info["pid"])
        except (OSError, ValueError, KeyError, TypeError):
            # Deleted, or not yet complete.
            continue
        if not url.startswith(("http://", "https://")):
            continue
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            continue
        except PermissionError:
            pass  # The process exists, as another user.
        # A server that a Hub spawned has no token of its own, and accepts the Hub's.
        token = info.get("token") or os.environ.get("JUPYTERHUB_API_TOKEN", "")
        yield Server(url, token, language=language, root=root.resolve(), pid=pid)
