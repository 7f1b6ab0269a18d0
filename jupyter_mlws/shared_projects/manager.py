"""Shared projects of a user, from the Hub's service, and their local clones."""

from __future__ import annotations

from jupyter_mlws.client.http import segment
from jupyter_mlws.containers.manager import HubService
from jupyter_mlws.core.errors import RoleRequiredError
from jupyter_mlws.core.progress import Ask, ProgressCallback, no_progress
from jupyter_mlws.projects.manager import ProjectManager
from jupyter_mlws.projects.models import ProjectInfo
from jupyter_mlws.projects.setup import initialize
from jupyter_mlws.shared_projects.models import Role, TeamProject
from jupyter_mlws.workspace import Workspace

REMOTE = "team"
"""Name of the remotes that are added to a project that already has others."""


class TeamManager:
    """Lists, clones and connects shared projects.

    Blocking and thread-safe. An error of the service is raised as
    :class:`~jupyter_mlws.core.errors.MLWSError` with the service's code; 50102 if the service
    does not respond.
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
        """Clone the project below the root; the clone of an empty project is also set up for data.

        Errors: 50203 if the folder exists, 50302, 30101.
        """
        info = self._projects.clone(project.git_url, folder or project.name, progress, ask)
        workspace = self._projects.workspace(info.id)
        if project.role.may(Role.WRITER):
            _set_up(workspace, project)
        return self._projects.describe(info.id)

    def connect(self, name: str, identifier: str | None) -> TeamProject:
        """Connect a local project to a shared one, for its code, data and runs.

        Nothing is sent yet: the next push does that. Errors: 10303 for readers, 50402.
        """
        project = self._get(name)
        if not project.role.may(Role.WRITER):
            needed = Role.WRITER.value
            raise RoleRequiredError(name=name, role=project.role.value, needed=needed)
        workspace = self._projects.workspace(identifier)
        remotes = workspace.remotes
        urls = {remote.name: remote.url for remote in remotes.list()}
        if project.git_url not in urls.values():
            remotes.put(REMOTE if "origin" in urls else "origin", project.git_url)
        _set_up(workspace, project)
        # The tracking server has changed, so the managers are built again.
        self._projects.reopen(identifier)
        return project

    def _get(self, name: str) -> TeamProject:
        data = self._service.ask("get", f"team/projects/{segment(name)}")
        return TeamProject.model_validate(data)


def _set_up(workspace: Workspace, project: TeamProject) -> None:
    """Set up DVC if necessary, and add the shared project's data remote.

    It becomes the default remote if there is no other default.
    """
    from jupyter_mlws.dvc.settings import DataSettings

    root = workspace.project.root
    if not (root / ".dvc" / "config").exists():
        initialize(root)
    settings = DataSettings(root)
    remotes = settings.remotes()
    if project.data_url in [remote.url for remote in remotes]:
        return
    options = {
        "url": project.data_url,
        "method": "PUT",
        # The password is the user's token, which is never stored.
        "auth": "custom",
        "custom_auth_header": "Authorization",
    }
    default = not any(remote.default for remote in remotes)
    settings.put(REMOTE, options, {}, default=default)
