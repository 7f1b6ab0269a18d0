"""A server that speaks the REST API of InvenioRDM, as far as deposits need it.

It is strict: a wrong token, order, size or checksum is refused as InvenioRDM refuses it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler, stream_request_body

TOKEN = "aN-api-T0ken-which-is-secret"


@dataclass
class Instance:
    """State of the server: its drafts by ID, and the requests that it answered."""

    url: str = ""
    drafts: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)
    """Status with which a request, such as ``PUT content``, fails."""
    spoil: bool = False
    """Change a byte of what is uploaded."""


class Handler(RequestHandler):
    """Checks the token, and finds the draft."""

    def initialize(self, instance: Instance, action: str) -> None:
        self.instance = instance
        self.action = f"{self.request.method} {action}"

    def prepare(self) -> None:
        self.instance.requests.append(self.action)
        if self.request.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.refuse(401, "The server could not verify that you are authorized.")
        elif self.action in self.instance.failures:
            self.refuse(self.instance.failures[self.action], f"Failed with {TOKEN}")

    def refuse(self, status: int, message: str) -> None:
        self.set_status(status)
        self.finish({"status": status, "message": message})

    def draft(self, identifier: str) -> dict[str, Any] | None:
        draft = self.instance.drafts.get(identifier)
        if draft is None:
            self.refuse(404, "The persistent identifier does not exist.")
        return draft

    def reply(self, status: int, body: dict[str, Any]) -> None:
        self.set_status(status)
        self.finish(body)


class Records(Handler):
    def post(self) -> None:
        body = json.loads(self.request.body)
        metadata = body["metadata"]
        missing = [
            name
            for name in ("title", "creators", "publication_date", "resource_type")
            if not metadata.get(name)
        ]
        if missing or body["files"] != {"enabled": True}:
            self.refuse(400, f"missing: {missing}")
            return
        identifier = f"rec{len(self.instance.drafts) + 1}"
        self.instance.drafts[identifier] = {"metadata": metadata, "files": {}, "doi": None}
        link = f"{self.instance.url}/uploads/{identifier}"
        self.reply(201, {"id": identifier, "links": {"self_html": link}})


class Draft(Handler):
    def delete(self, identifier: str) -> None:
        if self.draft(identifier) is not None:
            del self.instance.drafts[identifier]
            self.set_status(204)


class Files(Handler):
    def post(self, identifier: str) -> None:
        draft = self.draft(identifier)
        if draft is not None:
            [entry] = json.loads(self.request.body)
            draft["files"][entry["key"]] = None
            self.reply(201, {"entries": [{"key": entry["key"], "status": "pending"}]})


@stream_request_body
class Content(Handler):
    def prepare(self) -> None:
        self.received = bytearray()
        super().prepare()

    def data_received(self, chunk: bytes) -> None:
        self.received += chunk

    def put(self, identifier: str, key: str) -> None:
        draft = self.draft(identifier)
        if draft is None:
            return
        length = int(self.request.headers["Content-Length"])
        if key not in draft["files"] or length != len(self.received):
            self.refuse(400, "unexpected file or size")
            return
        if self.instance.spoil:
            self.received[0] ^= 1
        draft["files"][key] = {"content": bytes(self.received), "committed": False}
        self.reply(200, {"key": key, "status": "pending"})


class Commit(Handler):
    def post(self, identifier: str, key: str) -> None:
        draft = self.draft(identifier)
        if draft is None:
            return
        file = draft["files"].get(key)
        if file is None:
            self.refuse(400, "no content")
            return
        file["committed"] = True
        checksum = hashlib.md5(file["content"]).hexdigest()
        size = len(file["content"])
        self.reply(200, {"key": key, "checksum": f"md5:{checksum}", "size": size})


class Pids(Handler):
    def post(self, identifier: str) -> None:
        draft = self.draft(identifier)
        if draft is not None:
            draft["doi"] = f"10.5072/zenodo.{identifier}"
            self.reply(201, {"pids": {"doi": {"identifier": draft["doi"], "provider": "datacite"}}})


class Publish(Handler):
    def post(self, identifier: str) -> None:
        draft = self.draft(identifier)
        if draft is None:
            return
        if not draft["files"] or not all(
            one and one["committed"] for one in draft["files"].values()
        ):
            self.refuse(400, "files are missing")
            return
        draft["published"] = True
        link = f"{self.instance.url}/records/{identifier}"
        pids = {"doi": {"identifier": draft["doi"]}}
        self.reply(202, {"id": identifier, "links": {"self_html": link}, "pids": pids})


@contextmanager
def running() -> Iterator[Instance]:
    """Run the server in a thread."""
    instance = Instance()
    draft = r"/api/records/(\w+)/draft"
    routes: list[Any] = [
        (path, handler, {"instance": instance, "action": action})
        for path, handler, action in (
            (r"/api/records", Records, "records"),
            (draft, Draft, "draft"),
            (rf"{draft}/files", Files, "files"),
            (rf"{draft}/files/([^/]+)/content", Content, "content"),
            (rf"{draft}/files/([^/]+)/commit", Commit, "commit"),
            (rf"{draft}/pids/doi", Pids, "pids"),
            (rf"{draft}/actions/publish", Publish, "publish"),
        )
    ]
    loop = asyncio.new_event_loop()
    socket, port = bind_unused_port()
    instance.url = f"http://127.0.0.1:{port}"
    started = threading.Event()
    server: HTTPServer | None = None

    def serve() -> None:
        nonlocal server
        asyncio.set_event_loop(loop)

        async def start() -> None:
            nonlocal server
            server = HTTPServer(Application(routes))
            server.add_socket(socket)
            started.set()

        loop.run_until_complete(start())
        loop.run_forever()

    thread = threading.Thread(target=serve)
    thread.start()
    started.wait()
    try:
        yield instance
    finally:

        async def stop() -> None:
            assert server is not None
            server.stop()
            await server.close_all_connections()

        asyncio.run_coroutine_threadsafe(stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
