"""Shared projects of a user, from the Hub's service, and their local clones."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from jupyter_mlws.api.client import segment
from jupyter_mlws.containers.manager import HubService
from jupyter_mlws.core.errors import RoleRequiredError
from jupyter_mlws.git.adapter import Git
from jupyter_mlws.projects.manager import ProjectManager
from jupyter_mlws.projects.models import ProjectInfo
from jupyter_mlws.projects.setup import initialize
from jupyter_mlws.shared_projects.models import Role, TeamProject
from mlws.core.errors import DVCConfigError, DVCNotInitializedError
from mlws.core.progress import Ask, ProgressCallback, no_progress
from mlws.dvc.settings import SHARED_PROJECT, DataSettings


class TeamManager:
    """Lists, clones and connects shared projects.

    Blocking and thread-safe. An error of the service is raised as
    :class:`~jupyter_mlws.core.errors.MLWSError` with the service's code; RequestFailedError if the
    service does not respond.
    """

    def __init__(self, service: HubService, projects: ProjectManager) -> None:
        self._service = service
        self._projects = projects

    def check_clone(self, name: str, folder: str | None) -> TeamProject:
        """Return the project if it can be cloned there; errors as of :meth:`clone`."""
        project = self._get(name)
        self._projects.check_clone(project.git_url, folder or name)
        return project

    def clone(
        self,
        project: TeamProject,
        folder: str | None = None,
        progress: ProgressCallback = no_progress,
        ask: Ask | None = None,
    ) -> ProjectInfo:
        """Clone the project below the root; a clone of an empty project gets a first commit.

        Raises AlreadyExistsError if the folder exists, OutsideWorkspaceError,
        RemoteUnreachableError.
        """
        info = self._projects.clone(project.git_url, folder or project.name, progress, ask)
        root = self._projects.workspace(info.id).project.root
        if info.head is None:
            initialize(root)
            _commit_set_up(root, project)
        with suppress(DVCNotInitializedError, DVCConfigError):
            # For the `dvc` of a terminal. Whatever uses the data here adds it, too, and says what
            # is wrong with the settings.
            DataSettings(root).add_shared_project()
        return self._projects.describe(info.id)

    def connect(self, name: str, identifier: str | None) -> TeamProject:
        """Connect a local project to a shared one, for its code, data and runs.

        Nothing is sent yet: the next push does that. Raises RoleRequiredError for readers,
        ProjectNotFoundError.
        """
        project = self._get(name)
        if not project.role.may(Role.WRITER):
            needed = Role.WRITER.value
            raise RoleRequiredError(name=name, role=project.role.value, needed=needed)
        workspace = self._projects.workspace(identifier)
        remotes = workspace.remotes
        urls = {remote.name: remote.url for remote in remotes.list()}
        if project.git_url not in urls.values():
            remotes.put(SHARED_PROJECT if "origin" in urls else "origin", project.git_url)
        root = workspace.project.root
        if not (root / ".dvc" / "config").exists():
            initialize(root)
        DataSettings(root).add_shared_project()
        # The tracking server has changed, so the managers are built again.
        self._projects.reopen(identifier)
        return project

    def _get(self, name: str) -> TeamProject:
        data = self._service.ask("get", f"team/projects/{segment(name)}")
        return TeamProject.model_validate(data)


def _commit_set_up(root: Path, project: TeamProject) -> None:
    """Commit the files of :func:`initialize`: the same commit in each clone of the empty project.

    Members whose clones are older than the first push then have a common commit with it.
    """
    identity = {
        "NAME": "jupyter-mlws",
        "EMAIL": "jupyter-mlws@localhost",
        "DATE": f"{int(project.created_at.timestamp())} +0000",
    }
    git = Git(
        root,
        {
            f"GIT_{role}_{key}": value
            for role in ("AUTHOR", "COMMITTER")
            for key, value in identity.items()
        },
    )
    git.run("add", "--all")
    options = ("-c", "commit.gpgSign=false", "commit", "--quiet", "--no-verify")
    git.run(*options, "--message", "Set up data version control")
