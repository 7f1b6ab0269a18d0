"""Views of the table of runs: its layout, and searches with layouts that are saved by name.

Those of the user are part of our state, which git does not version. Those of the project are in a
file of the working tree, which travels with its commits.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jupyter_mlws.core.errors import (
    AlreadyExistsError,
    RunViewsInvalidError,
    VersionItemNotFoundError,
)
from jupyter_mlws.versioning.experiments.models import (
    RunTableLayout,
    RunTableSearch,
    RunView,
    RunViewChange,
    RunViews,
)
from mlws.core.atomic import atomic_write
from mlws.core.errors import Fault, InvalidRequestError
from mlws.core.i18n import Message
from mlws.core.project import Project

SHARED_FILE = ".mlws/run-views.json"
PRIVATE_FILE = "run-views.json"
MAX_FILE_BYTES = 1_000_000
MAX_NAME_LENGTH = 100


class StoredView(BaseModel):
    """A view in a file."""

    model_config = ConfigDict(extra="ignore")

    search: RunTableSearch = Field(default_factory=RunTableSearch)
    layout: RunTableLayout = Field(default_factory=RunTableLayout)


class StoredViews(BaseModel):
    """Content of a file of views."""

    model_config = ConfigDict(extra="ignore")

    layout: RunTableLayout | None = None
    views: dict[str, StoredView] = Field(default_factory=dict)


class _Files(NamedTuple):
    private: StoredViews
    shared: StoredViews


class RunViewStore:
    """The views of one project. Thread-safe."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lock = threading.Lock()

    def list(self) -> RunViews:
        """Return the layout and the saved views. Raises RunViewsInvalidError."""
        with self._lock:
            return self._to_response(self._read())

    def set_layout(self, layout: RunTableLayout | None, *, in_project: bool = False) -> RunViews:
        """Save the layout for the user, or for the project instead; None deletes the user's."""
        with self._edit() as files:
            files.private.layout = None if in_project else layout
            if in_project:
                files.shared.layout = layout
            return self._to_response(files)

    def save(self, name: str, change: RunViewChange) -> RunViews:
        """Save a view, in place of one with this name. Raises InvalidRequestError."""
        if not name.strip() or len(name) > MAX_NAME_LENGTH:
            fault = Message("must have 1 to {size} characters", size=MAX_NAME_LENGTH)
            raise InvalidRequestError(faults=[Fault("name", fault)])
        with self._edit() as files:
            view = StoredView(search=change.search, layout=change.layout)
            target, other = files if not change.in_project else reversed(files)
            target.views[name] = view
            other.views.pop(name, None)
            return self._to_response(files)

    def rename(self, name: str, new_name: str) -> RunViews:
        """Rename a view. Raises VersionItemNotFoundError, AlreadyExistsError."""
        with self._edit() as files:
            own = next((one for one in files if name in one.views), None)
            if own is None:
                raise VersionItemNotFoundError(kind="view", name=name)
            if name != new_name and any(new_name in one.views for one in files):
                raise AlreadyExistsError(name=new_name)
            own.views[new_name] = own.views.pop(name)
            return self._to_response(files)

    def delete(self, name: str) -> RunViews:
        """Delete a view. Raises VersionItemNotFoundError."""
        with self._edit() as files:
            if all(one.views.pop(name, None) is None for one in files):
                raise VersionItemNotFoundError(kind="view", name=name)
            return self._to_response(files)

    @property
    def _paths(self) -> tuple[Path, Path]:
        return self._project.state / PRIVATE_FILE, self._project.resolve(SHARED_FILE)

    def _read(self) -> _Files:
        return _Files(*(self._read_file(path) for path in self._paths))

    def _read_file(self, path: Path) -> StoredViews:
        """Return the content of a file; that of one that does not exist is empty."""
        if not path.exists():
            return StoredViews()
        # Not a device or a pipe, which may never end.
        if not path.is_file() or path.stat().st_size > MAX_FILE_BYTES:
            reason = Message("it is no file of at most {size} bytes", size=MAX_FILE_BYTES)
            raise RunViewsInvalidError(path=str(path), reason=reason)
        try:
            return StoredViews.model_validate_json(path.read_bytes())
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"]))
            reason = Message.verbatim(f"{field}: {first['msg']}" if field else first["msg"])
            raise RunViewsInvalidError(path=str(path), reason=reason) from error

    @contextmanager
    def _edit(self) -> Iterator[_Files]:
        """Yield the content of both files, and write the files that were changed."""
        with self._lock:
            files = self._read()
            before = [one.model_dump() for one in files]
            yield files
            for path, content, old in zip(self._paths, files, before, strict=True):
                if content.model_dump() == old:
                    continue
                content.views = dict(sorted(content.views.items()))
                path.parent.mkdir(exist_ok=True)
                text = content.model_dump_json(indent=2, exclude_defaults=True)
                atomic_write(path, f"{text}\n")

    def _to_response(self, files: _Files) -> RunViews:
        views = {
            name: RunView(name=name, in_project=one is files.shared, **dict(view))
            # A name that both have is the user's.
            for one in reversed(files)
            for name, view in one.views.items()
        }
        layout = files.private.layout or files.shared.layout
        return RunViews(
            layout=layout or RunTableLayout(),
            in_project=files.private.layout is None and files.shared.layout is not None,
            items=[views[name] for name in sorted(views)],
        )
