"""Lists, creates and clones projects, and opens their workspaces."""

from __future__ import annotations

import builtins
import logging
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from jupyter_mlws.core.errors import AlreadyExistsError
from jupyter_mlws.core.trust import is_trusted, require_trust, trust, withdraw_trust
from jupyter_mlws.git.adapter import Git
from jupyter_mlws.git.credentials import Credentials
from jupyter_mlws.projects.models import NAME, ProjectInfo, Template
from jupyter_mlws.projects.setup import initialize
from jupyter_mlws.workflows.run.interruptions import has_interrupted_runs
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import (
    Fault,
    InvalidRequestError,
    MLWSError,
    OutsideWorkspaceError,
    ProjectNotFoundError,
)
from mlws.core.i18n import Message
from mlws.core.paths import escape, unescape
from mlws.core.progress import Ask, ProgressCallback, no_progress
from mlws.core.project import Project
from mlws.core.urls import fault_of_address

MAX_PROJECT_DEPTH = 2
"""Levels of directories below the root that are searched for projects."""
SKIPPED_DIRECTORIES = frozenset({"node_modules", "__pycache__", "mlruns"})
COMMAND_TIMEOUT = 60
"""Seconds for one git or DVC command."""
NO_REPOSITORY_EXIT_CODE = 128
"""The exit code of git where there is no repository."""
DEFAULT_PROJECT_ID = "."
NAME_REQUIRED = Message("is required: it can't be derived from the URL")
log = logging.getLogger(__name__)


class ProjectManager:
    """The projects below one folder. Thread-safe.

    A project's id is its escaped path below ``root``; ``.`` is the project that ``root`` itself
    lies in, and the default. ``resumes_runs``: a trusted project that is opened for the first time
    continues its interrupted runs.
    """

    def __init__(self, root: Path, *, resumes_runs: bool = False) -> None:
        self.root = root.resolve()
        self._resumes_runs = resumes_runs
        self._trusted_roots: set[Path] = set()
        """Roots of the trusted projects that were opened."""
        self._workspaces: dict[Path, Workspace] = {}
        self._lock = threading.Lock()

    def list(self) -> list[ProjectInfo]:
        """Return the default project first, then those below the root, by path."""
        descriptions = []
        for project in find_projects(self.root):
            # A directory whose `.git` is not valid is no project.
            with suppress(MLWSError):
                descriptions.append(self._describe(project))
        return descriptions

    def workspace(self, identifier: str | None = None) -> Workspace:
        """Return the workspace of a project.

        Raises ProjectNotFoundError if missing, OutsideWorkspaceError outside the root.
        """
        project = self._open(identifier or DEFAULT_PROJECT_ID)
        with self._lock:
            if project.root not in self._workspaces:
                self._workspaces[project.root] = Workspace(project, on_server=True)
            return self._workspaces[project.root]

    def trusted_workspace(self, identifier: str | None = None) -> Workspace:
        """Return the workspace of a project.

        Raises NotTrustedError unless its authors are trusted.
        """
        workspace = self.workspace(identifier)
        project = workspace.project
        require_trust(project)
        with self._lock:
            is_first = project.root not in self._trusted_roots
            self._trusted_roots.add(project.root)
        if is_first and self._resumes_runs and has_interrupted_runs(project):
            workspace.runs.resume_interrupted()
        return workspace

    def resume_runs(self) -> None:
        """Open the trusted projects that have interrupted runs, which continues these."""
        for project in find_interrupted(self.root):
            try:
                self.trusted_workspace(self._describe(project).id)
            except MLWSError as error:
                log.warning("The runs of %s are not resumed: %s", project.root, error.message)

    def create(self, name: str, template: Template) -> ProjectInfo:
        """Create a project in the folder ``name`` below the root (``.``: the root itself).

        After a failure no partial project is left. Raises AlreadyExistsError if it exists,
        OutsideWorkspaceError for a name that leads outside the root.
        """
        target = self._resolve_target(name)
        preexisting = target.exists()
        # An empty project may be made around existing files; the example needs a folder of its own.
        is_taken = preexisting and (
            not target.is_dir() or (template is Template.EXAMPLE and any(target.iterdir()))
        )
        if is_taken or (target / ".git").exists():
            raise AlreadyExistsError(name=name)
        try:
            target.mkdir(parents=True, exist_ok=True)
        except NotADirectoryError as error:
            raise AlreadyExistsError(name=name) from error
        try:
            if template is Template.EXAMPLE:
                from jupyter_mlws.projects.example import create_example

                create_example(target)
            else:
                initialize(target)
        except BaseException:
            # Files that were there before stay.
            shutil.rmtree(target / ".git" if preexisting else target, ignore_errors=True)
            raise
        trust(target)
        return self._describe(Project.open(target))

    def prepare(self) -> ProjectInfo:
        """Make the root a project; its files, and a repository that is there, stay as they are."""
        if not (self.root / ".git").exists():
            return self.create(DEFAULT_PROJECT_ID, Template.EMPTY)
        initialize(self.root)
        return self.describe(DEFAULT_PROJECT_ID)

    def check_clone(self, address: str, name: str | None) -> str:
        """Return the name of the folder for a clone: ``name``, or else that of the repository.

        Raises InvalidRequestError for an address that is not accepted, AlreadyExistsError if the
        folder exists, OutsideWorkspaceError.
        """
        fault = fault_of_address(address)
        if fault is not None:
            raise InvalidRequestError(faults=[Fault("url", fault)])
        if name is None:
            name = re.split(r"[/:\\]", address.rstrip("/\\"))[-1].removesuffix(".git")
            if re.fullmatch(NAME, name) is None or name == DEFAULT_PROJECT_ID:
                raise InvalidRequestError(faults=[Fault("name", NAME_REQUIRED)])
        target = self._resolve_target(name)
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise AlreadyExistsError(name=name)
        return name

    def clone(
        self,
        address: str,
        name: str | None = None,
        progress: ProgressCallback = no_progress,
        ask: Ask | None = None,
    ) -> ProjectInfo:
        """Clone the repository at ``address`` as a new project, without its data.

        The project is not trusted, even if an earlier one at the same path was.

        Errors: those of :meth:`check_clone`, RemoteUnreachableError, GitCredentialsError. A failure
        leaves nothing.
        """
        from jupyter_mlws.git.remote_commands import RemoteSession, clone

        target = self._resolve_target(self.check_clone(address, name))
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise AlreadyExistsError(name=name or target.name) from error
        # Hidden until it is complete: a partial clone is not listed as a project.
        with tempfile.TemporaryDirectory(prefix=".clone-", dir=target.parent) as beside:
            line = RemoteSession(lambda: progress(0, message="clone"), Credentials(ask))
            # A local path rather than a URL or the `host:path` of ssh; it is relative to the root.
            is_path = "://" not in address and ":" not in address.split("/", 1)[0]
            source = str(Path(self.root, address)) if is_path else address
            clone(Git(Path(beside)), source, str(Path(beside, "clone")), line)
            withdraw_trust(target)
            Path(beside, "clone").replace(target)
        return self._describe(Project.open(target))

    def describe(self, identifier: str) -> ProjectInfo:
        """Return one project in its current state. Raises ProjectNotFoundError."""
        return self._describe(self._open(identifier))

    def set_trusted(self, identifier: str | None, value: bool) -> ProjectInfo:
        """Trust the authors of a project, or withdraw the trust. Raises ProjectNotFoundError."""
        project = self._open(identifier or DEFAULT_PROJECT_ID)
        (trust if value else withdraw_trust)(project.root)
        return self._describe(project)

    def reopen(self, identifier: str | None = None) -> None:
        """Close a project's workspace, so that its managers are built again with new settings."""
        project = self._open(identifier or DEFAULT_PROJECT_ID)
        with self._lock:
            workspace = self._workspaces.pop(project.root, None)
        if workspace is not None:
            workspace.close()

    def is_running(self) -> bool:
        """Return True if a workflow of any project is running."""
        return any(self.workspace(project.id).runs.has_active_runs() for project in self.list())

    def list_open_workspaces(self) -> builtins.list[Workspace]:
        """Return the open workspaces."""
        with self._lock:
            return [*self._workspaces.values()]

    def close(self) -> None:
        """Close every workspace."""
        with self._lock:
            for workspace in self._workspaces.values():
                workspace.close()
            self._workspaces.clear()

    def _resolve_target(self, name: str) -> Path:
        target = (self.root / name).resolve()
        if target != self.root and self.root not in target.parents:
            raise OutsideWorkspaceError(path=name)
        return target

    def _open(self, identifier: str) -> Project:
        if identifier == DEFAULT_PROJECT_ID:
            return Project.open(self.root)
        target = self._resolve_target(unescape(identifier))
        try:
            is_repository = (target / ".git").exists()
        except OSError as error:
            # No folder can have such a name.
            raise ProjectNotFoundError(name=identifier) from error
        if not is_repository:
            raise ProjectNotFoundError(name=identifier)
        return Project(target)

    def _describe(self, project: Project) -> ProjectInfo:
        below = project.root != self.root and self.root in project.root.parents
        # The default project may lie above the root: then the path is `..` or such.
        path = Path(os.path.relpath(project.root, self.root)).as_posix()
        branch, head = _read_head(project)
        return ProjectInfo(
            id=escape(path) if below else DEFAULT_PROJECT_ID,
            name=project.root.name,
            path=path,
            default=not below,
            branch=branch,
            head=head,
            dvc=(project.root / ".dvc" / "config").exists(),
            trusted=is_trusted(project.root),
        )


def find_projects(root: Path) -> list[Project]:
    """Return the project that ``root`` lies in, then those below the root, by path."""
    projects = []
    with suppress(MLWSError):
        projects.append(Project.open(root))
    if not projects or projects[0].root != root:
        projects += _iter_projects(root, MAX_PROJECT_DEPTH)
    return projects


def find_interrupted(root: Path) -> list[Project]:
    """Return the trusted projects of a folder that have interrupted runs to continue."""
    projects = []
    try:
        for project in find_projects(root):
            with suppress(MLWSError):
                if is_trusted(project.root) and has_interrupted_runs(project):
                    projects.append(project)
    except OSError as error:
        log.warning("Could not look for interrupted runs below %s: %s", root, error)
    return projects


def _iter_projects(folder: Path, depth: int) -> Iterator[Project]:
    for child in sorted(folder.iterdir()):
        if child.name.startswith(".") or child.name in SKIPPED_DIRECTORIES or child.is_symlink():
            continue
        if not child.is_dir():
            continue
        if (child / ".git").exists():
            yield Project(child)
        elif depth > 1:
            yield from _iter_projects(child, depth - 1)


def _read_head(project: Project) -> tuple[str | None, str | None]:
    """Return the branch (None if detached) and the commit (None before the first).

    Raises ProjectNotFoundError if git finds no repository: nothing else then reads the folder.
    """
    # A folder above may be a repository.
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(project.root.parent)}
    branch, commit = (
        subprocess.run(
            ["git", *words, "HEAD"],
            cwd=project.root,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=COMMAND_TIMEOUT,
        )
        for words in (["symbolic-ref", "--quiet"], ["rev-parse", "--verify", "--quiet"])
    )
    if branch.returncode == NO_REPOSITORY_EXIT_CODE:
        raise ProjectNotFoundError(name=project.root.name)
    name = branch.stdout.strip().removeprefix("refs/heads/")
    return name or None, commit.stdout.strip() or None
