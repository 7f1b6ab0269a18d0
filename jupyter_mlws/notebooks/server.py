"""Adapter of Jupyter Server's own managers: documents, sessions, kernels and file ids.

Converts their errors (tornado's) to ours, without the server's paths.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jupyter_core.utils import ensure_async
from tornado import web

from jupyter_mlws.core.errors import (
    KernelStartError,
    NotebookChangedError,
    NotebookItemNotFoundError,
    NotebookSaveError,
    NotebookUnreadableError,
    of_message,
)
from jupyter_mlws.notebooks.documents import CellResults, fill, fill_shared, shared_document
from jupyter_mlws.notebooks.kernels import process_of
from jupyter_mlws.notebooks.models import SUFFIX
from jupyter_mlws.notebooks.persistent_kernels import OrphanedKernel
from mlws.core.errors import OutsideWorkspaceError

DOCUMENTS_EXTENSION = "jupyter_server_documents"
SAVE_TIMEOUT = 5.0
"""Seconds to wait while a file is being saved."""
READ_RETRY_INTERVAL = 0.05
"""Seconds between two attempts to read it."""


@dataclass(frozen=True)
class DocumentMetadata:
    """Metadata of a document, without its content."""

    created: datetime
    modified: datetime


@dataclass(frozen=True)
class Document(DocumentMetadata):
    """A notebook as it was read; ``content`` is nbformat 4, ``hash`` that of the file.

    ``shared`` is the live document if several people may edit it; ``content`` is its state at
    reading.
    """

    content: Any
    hash: str
    shared: Any | None = None


class JupyterServer:
    """The managers of the server that loaded the extension.

    To be used on its event loop only.
    """

    def __init__(self, app: Any) -> None:
        self.root = Path(app.root_dir)
        self.data = Path(app.data_dir)
        self.kernels = app.kernel_manager
        self._log = app.log
        self._extensions = app.extension_manager
        self._contents = app.contents_manager
        self._sessions = app.session_manager
        self._specs = app.kernel_spec_manager
        self._settings = app.web_app.settings
        self._own_saves: Counter[str] = Counter()

    # Ids

    @property
    def _file_ids(self) -> Any:
        # Jupyter starts without an extension that fails; only notebooks need it.
        if "file_id_manager" not in self._settings:
            raise RuntimeError("jupyter_server_fileid is not loaded; Jupyter's log has the reason")
        return self._settings["file_id_manager"]

    def identify(self, path: str) -> str:
        """Return the id of a notebook; the first call for a notebook creates it."""
        identifier: str = self._file_ids.get_id(path) or self._file_ids.index(path)
        return identifier

    async def path_of(self, identifier: str) -> str:
        """Return the current path of a notebook.

        Raises NotebookItemNotFoundError if it no longer exists.
        """
        path: str | None = self._file_ids.get_path(identifier)
        if path is None or not path.endswith(SUFFIX) or not await self.exists(path):
            raise NotebookItemNotFoundError(kind="notebook", name=identifier)
        self.check_inside(path)
        return path

    def check_inside(self, path: str) -> None:
        """Raise OutsideWorkspaceError if a link leads out of the server's root."""
        if not (self.root / path).resolve().is_relative_to(self.root.resolve()):
            raise OutsideWorkspaceError(path=path)

    @property
    def keeps_outputs_itself(self) -> bool:
        """True if another extension keeps the outputs that arrive while no page is open."""
        extension = self._extensions.extensions.get(DOCUMENTS_EXTENSION)
        return extension is not None and bool(extension.enabled)

    # Kernels that outlive their server

    def is_local(self, kernel: str) -> bool:
        """Return True if a kernel's process runs on this machine."""
        if kernel not in self.kernels:
            return False
        manager = self.kernels.get_kernel(kernel)
        return process_of(manager) is not None and hasattr(manager, "connect_iopub")

    async def adopt(self, orphan: OrphanedKernel) -> bool:
        """Take over a running kernel and its sessions; return False if it no longer exists."""
        path, name = "", ""
        for session in orphan.sessions:
            path, name = session.path, session.name
        try:
            await ensure_async(
                self.kernels.start_kernel(
                    kernel_id=orphan.kernel,
                    kernel_name=orphan.name,
                    path=await ensure_async(self._contents.get_kernel_path(path=path)),
                    env=self._sessions.get_kernel_env(path, name),
                )
            )
        except (KeyError, OSError, RuntimeError, ValueError, web.HTTPError) as error:
            # Its kernel specification is no longer installed, or it has just ended.
            self._log.warning("Could not reconnect to kernel %s: %s", orphan.kernel, error)
            return False
        for session in orphan.sessions:
            await self._sessions.save_session(
                session.id,
                path=session.path,
                name=session.name,
                type=session.type,
                kernel_id=session.kernel,
            )
        return True

    async def path_of_kernel(self, kernel: str) -> str | None:
        """Return the path of the notebook whose session has that kernel."""
        for session in await self.sessions():
            if session["kernel"]["id"] == kernel:
                return str(session["path"])
        return None

    # Documents

    async def exists(self, path: str) -> bool:
        """Return True if the file exists."""
        with _translate_errors(path, self.root):
            return bool(await ensure_async(self._contents.file_exists(path)))

    async def folder_exists(self, path: str) -> bool:
        """Return True if the folder exists."""
        with _translate_errors(path, self.root):
            return bool(await ensure_async(self._contents.dir_exists(path)))

    async def free_name(self) -> str:
        """Return an unused untitled name in the server's root."""
        name = f"{self._contents.untitled_notebook}{SUFFIX}"
        return str(await ensure_async(self._contents.increment_filename(name)))

    async def facts(self, path: str) -> DocumentMetadata:
        """Return the metadata of a document; NotebookItemNotFoundError if it does not exist."""
        self.check_inside(path)
        with _translate_errors(path, self.root):
            model = await ensure_async(self._contents.get(path, content=False))
        return DocumentMetadata(model["created"], model["last_modified"])

    async def read(self, path: str) -> Document:
        """Read a notebook; NotebookUnreadableError for a file that is not a notebook.

        Retries while the server is writing the file.
        """
        from jupyter_server.services.contents.fileio import path_to_intermediate

        deadline = time.monotonic() + SAVE_TIMEOUT
        # The copy of the old file, which exists while the server writes.
        intermediate = Path(path_to_intermediate(str(self.root / path)))  # type: ignore[no-untyped-call]
        before = None
        while True:
            # Checked before the read: a save that ends after it removes the copy.
            is_saving = intermediate.exists()  # noqa: ASYNC240
            try:
                return await self._read(path)
            except NotebookUnreadableError as error:
                # A tab's save writes the file in place, and half of a file is not a notebook.
                is_permanent = str(error) == before and not is_saving
                if is_permanent or time.monotonic() > deadline:
                    raise
                before = str(error)
            await asyncio.sleep(READ_RETRY_INTERVAL)

    async def _read(self, path: str) -> Document:
        with _translate_errors(path, self.root):
            model = await ensure_async(
                self._contents.get(path, type="file", format="base64", require_hash=True)
            )
        facts = (model["created"], model["last_modified"])
        shared = await shared_document(self._extensions, path)
        if shared is not None:
            import nbformat

            # It may be newer than the file.
            live: Any = nbformat.from_dict(shared.get())  # type: ignore[no-untyped-call]
            return Document(*facts, live, model["hash"], shared)
        content = await asyncio.to_thread(parse_notebook, model["content"], path)
        return Document(*facts, content, model["hash"])

    async def hash_of(self, path: str) -> str:
        """Return the hash of the file's current content."""
        with _translate_errors(path, self.root):
            model = await ensure_async(
                self._contents.get(path, type="file", content=False, require_hash=True)
            )
        return str(model["hash"])

    async def save(self, path: str, content: Any) -> None:
        """Write a notebook.

        Raises NotebookSaveError if that fails, DiskFullError or ReadOnlyDiskError because of the
        disk.
        """
        model = {"type": "notebook", "format": "json", "content": content}
        self._own_saves[path] += 1
        try:
            with _translate_errors(path, self.root, writing=True):
                await ensure_async(self._contents.save(model, path))
        except BaseException:
            self._own_saves[path] -= 1
            raise

    def is_of_client(self, path: str) -> bool:
        """Return whether a save that Jupyter reports is that of a client, and not :meth:`save`."""
        if self._own_saves[path] <= 0:
            return True
        self._own_saves[path] -= 1
        return False

    async def save_outputs(self, identifier: str, document: Document, results: CellResults) -> None:
        """Save outputs in a notebook, unless the file has changed since ``document`` was read."""
        if document.shared is not None:
            # Its clients see them immediately, and the server that shares it saves them.
            fill_shared(document.shared, results)
            return
        path = await self.path_of(identifier)
        if await self.hash_of(path) != document.hash:
            raise NotebookChangedError(path=path)
        # Cells are trusted if the server knows the signature of the notebook.
        self._contents.mark_trusted_cells(document.content, path)
        fill(document.content, results)
        await self.save(path, document.content)

    async def delete(self, path: str) -> None:
        """Remove the file, or move it to the trash if the server is configured so."""
        with _translate_errors(path, self.root, writing=True):
            await ensure_async(self._contents.delete(path))

    # Kernels and sessions

    async def specs(self) -> dict[str, Any]:
        """Return the installed kernels by name, as `kernel.json` describes them."""
        specs = await ensure_async(self._specs.get_all_specs())
        return {name: spec["spec"] for name, spec in specs.items()}

    @property
    def default_kernel(self) -> str:
        """Name of the kernel for a notebook that specifies none."""
        return str(self.kernels.default_kernel_name)

    async def sessions(self) -> list[dict[str, Any]]:
        """Return all notebook sessions, including those of open tabs."""
        sessions = await ensure_async(self._sessions.list_sessions())
        return [session for session in sessions if session["type"] == "notebook"]

    async def processes(self) -> dict[str, tuple[int, str]]:
        """Return the process of every kernel by the kernel's id.

        Each value is (process id, path of the notebook); the path is empty without a notebook.
        """
        sessions = await ensure_async(self._sessions.list_sessions())
        paths = {row["kernel"]["id"]: str(row["path"]) for row in sessions}
        running = {
            name: process_of(self.kernels.get_kernel(name))
            for name in self.kernels.list_kernel_ids()
        }
        return {
            name: (process, paths.get(name, ""))
            for name, process in running.items()
            if process is not None
        }

    async def open_session(self, path: str, kernel: str) -> dict[str, Any]:
        """Start a kernel for a notebook; KernelStartError if that fails."""
        try:
            session = await ensure_async(
                self._sessions.create_session(
                    path=path, name=Path(path).name, type="notebook", kernel_name=kernel
                )
            )
        except (KeyError, OSError, RuntimeError, ValueError, web.HTTPError) as error:
            # The error for a kernel that is not installed is a KeyError.
            raise KernelStartError(kernel=kernel, reason=_format_error(error, self.root)) from error
        return dict(session)

    async def move_session(self, identifier: str, path: str) -> None:
        """Set the path of a session to the new path of its notebook."""
        with _translate_errors(path, self.root):
            await ensure_async(
                self._sessions.update_session(identifier, path=path, name=Path(path).name)
            )

    async def end_session(self, identifier: str) -> None:
        """End a session and its kernel."""
        with _translate_errors(identifier, self.root):
            await ensure_async(self._sessions.delete_session(identifier))


def parse_notebook(base64_text: str, path: str) -> Any:
    """Return the notebook in the newest format.

    Raises NotebookUnreadableError with the reason if it is invalid.
    """
    import nbformat

    try:
        text = base64.b64decode(base64_text).decode("utf-8")
        content: Any = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
        nbformat.validate(content, relax_add_props=True)
        if "\\ud" in text.lower():
            # Half a surrogate pair is valid JSON, but cannot be encoded.
            json.dumps(content, ensure_ascii=False).encode("utf-8")
    except nbformat.ValidationError as error:
        where = "/".join(map(str, error.absolute_path))
        reason = f"{where}: {error.message}" if where else error.message
        raise NotebookUnreadableError(path=path, reason=reason[:500]) from error
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        AssertionError,
        RecursionError,
        binascii.Error,
    ) as error:
        # nbformat raises these for JSON that is not a notebook.
        reason = str(error)[:500] or type(error).__name__
        raise NotebookUnreadableError(path=path, reason=reason) from error
    return content


@contextmanager
def _translate_errors(path: str, root: Path, *, writing: bool = False) -> Iterator[None]:
    try:
        yield
    except web.HTTPError as error:
        if error.status_code == 404:
            raise NotebookItemNotFoundError(kind="notebook", name=path) from error
        reason = _format_error(error, root)
        if writing:
            raise of_message(reason) or NotebookSaveError(path=path, reason=reason) from error
        raise NotebookUnreadableError(path=path, reason=reason) from error


def _format_error(error: Exception, root: Path) -> str:
    """Return the message of an error, without absolute paths of this machine."""
    if isinstance(error, OSError):
        return f"{error.strerror}: {Path(str(error.filename or '')).name}"
    text = (error.log_message if isinstance(error, web.HTTPError) else None) or str(error)
    return text.replace(f"{root}/", "")
