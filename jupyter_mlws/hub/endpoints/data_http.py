"""Data of shared projects over HTTP, for DVC's ``http`` remote: HEAD, GET, PUT.

An object is named by the MD5 of its content. It is verified against its name, and appears only when
it is complete. No object is changed or deleted.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import uuid
from pathlib import Path
from typing import Any, BinaryIO

from tornado.web import StaticFileHandler, stream_request_body

from jupyter_mlws.api.rest import RESTHandler, in_thread
from jupyter_mlws.core.errors import EndpointNotFoundError, MethodNotSupportedError, ObjectHashError
from jupyter_mlws.hub.auth import TokenAuthenticatedHandler
from jupyter_mlws.hub.manager import HubManager
from jupyter_mlws.hub.shared_projects.manager import Access
from jupyter_mlws.shared_projects.models import Role
from mlws.core.atomic import sync
from mlws.core.errors import DiskFullError, MLWSError

OBJECT_PATH = re.compile(r"files/md5/([0-9a-f]{2})/([0-9a-f]{30})(\.dir)?")
"""Paths of objects in DVC 3."""
MAX_OBJECT_BYTES = 5 * 1024**4
"""Maximum bytes of one object."""
MAX_DISCARDED_BYTES = 16 * 1024**2
"""Maximum bytes that are read of a rejected object."""
DISK_FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT)


class _Upload:
    """Upload of one object; blocking."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / uuid.uuid4().hex
        self.size = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._file: BinaryIO = self.path.open("xb")

    def write(self, chunk: bytes) -> None:
        self._md5.update(chunk)
        self._file.write(chunk)
        self.size += len(chunk)

    def keep(self, target: Path, md5: str) -> bool:
        """Move the object into place if its MD5 is ``md5``; it is on disk on return."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        if self._md5.hexdigest() != md5:
            self.drop()
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o444)
        self.path.replace(target)
        sync(target.parent)
        return True

    def drop(self) -> None:
        """Discard the upload."""
        self._file.close()
        self.path.unlink(missing_ok=True)


@stream_request_body
class DataHandler(TokenAuthenticatedHandler, RESTHandler, StaticFileHandler):
    """``/data/PROJECT/files/md5/…``"""

    resource = "projects"
    _access: Access
    _upload: _Upload | None = None
    _failure: OSError | None = None
    _rejection: MLWSError | None = None
    _discarded_bytes = 0
    _is_new: bool
    _reserved_bytes = 0
    """Received bytes that count for the project's quota."""
    _target: Path

    def initialize(self, manager: HubManager, auth: Any) -> None:  # type: ignore[override]
        TokenAuthenticatedHandler.initialize(self, manager, auth)
        StaticFileHandler.initialize(self, str(manager.team.folder))

    async def prepare(self) -> None:
        """Authorize the user for the object of the request.

        A refused upload is answered only after its whole body: proxies turn an earlier answer into
        a 503.
        """
        try:
            await self._authorize()
        except MLWSError as error:
            if self.request.method != "PUT":
                raise
            self._rejection = error

    async def _authorize(self) -> None:
        await self.permit()
        team = self.manager.team
        needed = Role.WRITER if self.request.method == "PUT" else Role.READER
        self._access = team.access(self.user, self.path_args[0], needed)
        if self.request.method not in ("HEAD", "GET", "PUT"):
            raise MethodNotSupportedError(method=self.request.method)
        if OBJECT_PATH.fullmatch(self.path_args[1]) is None:
            raise EndpointNotFoundError()
        self._target = team.home(self._access.project) / "data" / self.path_args[1]
        if self.request.method == "PUT":
            self._is_new = not await in_thread(self._target.exists)
            if self._is_new:
                await team.require_room(self._access.project)
            connection: Any = self.request.connection
            connection.set_max_body_size(MAX_OBJECT_BYTES)
            incoming = team.incoming(self._access.project)
            with _translate_disk_full():
                self._upload = await in_thread(_Upload, incoming)

    async def head(self, name: str, path: str) -> None:  # type: ignore[override]
        await StaticFileHandler.get(self, self._relative_path, include_body=False)

    async def get(self, name: str, path: str) -> None:  # type: ignore[override]
        await StaticFileHandler.get(self, self._relative_path)
        size = int(self._headers.get("Content-Length", 0))
        self._count("project.data.read", size)

    async def data_received(self, chunk: bytes) -> None:
        if self._rejection is not None:
            self._discarded_bytes += len(chunk)
            if self._discarded_bytes > MAX_DISCARDED_BYTES:
                raise self._rejection
        if self._upload is not None and self._is_new:
            self._reserved_bytes += len(chunk)
            self.manager.team.add_size(self._access.project, len(chunk))
            try:
                await self.manager.team.require_room(self._access.project)
            except MLWSError as error:
                self._rejection = error
                self._discard_upload()
        if self._upload is not None and self._failure is None:
            try:
                await in_thread(self._upload.write, chunk)
            except OSError as error:
                self._failure = error

    async def put(self, name: str, path: str) -> None:
        upload, md5 = self._upload, "".join(path.split("/")[2:]).removesuffix(".dir")
        if self._rejection is not None:
            raise self._rejection
        assert upload is not None
        with _translate_disk_full():
            if self._failure is not None:
                raise self._failure
            if not await in_thread(upload.keep, self._target, md5):
                raise ObjectHashError(name=path)
        self._upload = None
        self._count("project.data.write", upload.size)
        self.set_status(204)
        await self.finish()

    def on_connection_close(self) -> None:
        """Discard an incomplete upload."""
        self._discard_upload()

    def on_finish(self) -> None:
        self._discard_upload()

    def _discard_upload(self) -> None:
        if self._upload is not None:
            self._upload.drop()
            self._upload = None
            self.manager.team.add_size(self._access.project, -self._reserved_bytes)

    def _count(self, action: str, size: int) -> None:
        self.manager.team.tally.count(self.user, action, self._access.project.name, size)

    @property
    def _relative_path(self) -> str:
        return self._target.relative_to(self.manager.team.folder).as_posix()

    def compute_etag(self) -> str | None:
        """Return an ETag of the object's name, which is the hash of its content."""
        return f'"{Path(self.path_args[1]).parent.name}{Path(self.path_args[1]).name}"'

    def get_content_type(self) -> str:
        return "application/octet-stream"


@contextlib.contextmanager
def _translate_disk_full() -> Any:
    """Raise DiskFullError if the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno in DISK_FULL_ERRNOS:
            raise DiskFullError(reason=str(error.strerror)) from error
        raise
