"""The projects that a person shares, asked for at the Hub's service, and their clones here."""

from __future__ import annotations

from jupyter_mlws.client.http import segment
from jupyter_mlws.containers.manager import HubService
from jupyter_mlws.core.errors import RoleRequiredError
from jupyter_mlws.core.progress import ProgressCallback, no_progress
from jupyter_mlws.projects.manager import ProjectManager
from jupyter_mlws.projects.models import ProjectInfo
from jupyter_mlws.projects.setup import initialize
from jupyter_mlws.shared_projects.models import Role, TeamProject
from jupyter_mlws.versioning.git.credentials import Ask
from jupyter_mlws.workspace import Workspace

REMOTE = "team"
"""What the remotes are called that are added to a project that has others already."""


class TeamManager:
    """Blocking and thread-safe.

    Whatever the service refuses is raised as :class:`~jupyter_mlws.core.errors.MLWSError` with the
    service's code; 50102 where it does not answer.
    """

    def __init__(self, service: HubService, projects: ProjectManager) -> None:
        self._service = service
        self._projects = projects

    def check_clone(self, name: str, folder: str | None) -> TeamProject:
        """The project, where it can be cloned there; errors as of :meth:`clone`."""
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
        """A clone in the person's home; one of an empty project is set up for data as well.

        Errors: 50203 where the folder is there, 50302, 30101.
        """
        made = self._projects.clone(project.git_url, folder or project.name, progress, ask)
        workspace = self._projects.workspace(made.id)
        if project.role.may(Role.WRITER):
            _set_up(workspace, project)
        return self._projects.describe(made.id)

    def connect(self, name: str, identifier: str | None) -> TeamProject:
        """Have a project of the home share its code, data and runs from now on.

        Nothing is sent yet: the next push does that. Errors: 10303 for readers, 50402.
        """
        project = self._get(name)
        if not project.role.may(Role.WRITER):
            needed = Role.WRITER.value
            raise RoleRequiredError(name=name, role=project.role.value, needed=needed)
        workspace = self._projects.workspace(identifier)
        remotes = workspace.versions.remotes
        known = {remote.name: remote.url for remote in remotes.list()}
        if project.git_url not in known.values():
            remotes.put(REMOTE if "origin" in known else "origin", project.git_url)
        _set_up(workspace, project)
        # Runs go elsewhere now, so what was opened for them is opened anew.
        self._projects.reopen(identifier)
        return project

    def _get(self, name: str) -> TeamProject:
        data = self._service.ask("get", f"team/projects/{segment(name)}")
        return TeamProject.model_validate(data)


def _set_up(workspace: Workspace, project: TeamProject) -> None:
    """DVC is there, and has the project's data as a remote: the usual one where it has no other."""
    from jupyter_mlws.versioning.dvc.settings import DataSettings

    root = workspace.project.root
    if not (root / ".dvc" / "config").exists():
        initialize(root)
    settings = DataSettings(root)
    known = settings.remotes()
    if project.data_url in [remote.url for remote in known]:
        return
    options = {
        "url": project.data_url,
        "method": "PUT",
        # The password is the person's token, which is given in memory alone.
        "auth": "custom",
        "custom_auth_header": "Authorization",
    }
    default = not any(remote.default for remote in known)
    settings.put(REMOTE, options, {}, default=default)
