"""Shared projects: members, roles, files and quotas."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mlws.api.rest import in_thread
from jupyter_mlws.containers.models import Me
from jupyter_mlws.containers.quantities import write_memory
from jupyter_mlws.core.errors import (
    AdministratorRequiredError,
    AlreadyExistsError,
    ContainerBackendError,
    LastOwnerError,
    MemberNotFoundError,
    ProjectNotInTrashError,
    ProjectQuotaError,
    RoleRequiredError,
    SharedProjectNotFoundError,
    TooManyGitRequestsError,
    TooManyProjectsError,
)
from jupyter_mlws.core.schemas import Page, PageQuery
from jupyter_mlws.hub.records.audit import Audit, AuditAggregator
from jupyter_mlws.hub.records.container_state import now
from jupyter_mlws.hub.records.store import MemberRecord, RecordQueue, Records, SharedProjectRecord
from jupyter_mlws.hub.settings import Settings
from jupyter_mlws.hub.shared_projects.git_worker import SOCKET
from jupyter_mlws.shared_projects.models import Member, Role, StoredProject, TeamProject
from mlws.core.errors import Fault, InvalidRequestError, MLWSError
from mlws.core.i18n import Message
from mlws.core.paths import measure_folder

MAX_GIT_REQUESTS = 64
"""Maximum number of concurrent requests to git; each starts processes."""
MAX_GIT_REQUESTS_PER_USER = 8
"""Maximum number of concurrent requests to git per user."""
UNKNOWN_USER = Message("is not a user of this Hub")
NOT_THE_NAME = Message("must match the project name")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Access:
    """Access of a user to a project; an administrator of the Hub is an owner everywhere."""

    project: SharedProjectRecord
    user: Me
    role: Role


class GitWorkerClient:
    """Client of the process with git and the repositories, :mod:`.git_worker`.

    Raises ContainerBackendError if it does not respond.
    """

    def __init__(self, folder: Path) -> None:
        self._socket = folder / SOCKET

    async def open(
        self, query: Mapping[str, Any]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Start a request; return the program's output and its input."""
        try:
            output, input_ = await asyncio.open_unix_connection(self._socket)
        except OSError as error:
            reason = Message("the git process did not respond: {error}", error=error.strerror)
            raise ContainerBackendError(reason=reason) from error
        input_.write(json.dumps(query).encode() + b"\n")
        return output, input_

    async def create(self, project: str) -> None:
        """Create an empty repository in a new directory."""
        output, input_ = await self.open({"create": project})
        try:
            failure = (await output.read()).decode(errors="replace")
        finally:
            input_.close()
        if failure:
            raise ContainerBackendError(reason=failure)


class RequestLimits:
    """Limits the number of concurrent requests, in total and per user.

    Must be used on the event loop.
    """

    def __init__(self, most: int, most_each: int) -> None:
        self._most = most
        self._most_each = most_each
        self._users: Counter[str] = Counter()

    def take(self, user: str) -> Callable[[], None]:
        """Return a function that ends the request, and may be called more than once.

        Raises TooManyGitRequestsError if there are too many requests.
        """
        if self._users.total() >= self._most or self._users[user] >= self._most_each:
            raise TooManyGitRequestsError()
        self._users[user] += 1
        is_released = False

        def release() -> None:
            nonlocal is_released
            if not is_released:
                is_released = True
                self._users[user] -= 1

        return release


class Team:
    """Shared projects of the Hub. Must be used on the event loop.

    ``user_exists`` checks whether the Hub has an account of that name.
    """

    def __init__(
        self,
        settings: Settings,
        records: RecordQueue,
        audit: Audit,
        user_exists: Callable[[str], Awaitable[bool]],
    ) -> None:
        self.folder = settings.team_folder
        self.git = GitWorkerClient(self.folder)
        self._audit = audit
        self.tally = AuditAggregator(audit)
        self._settings = settings
        self.git_requests = RequestLimits(MAX_GIT_REQUESTS, MAX_GIT_REQUESTS_PER_USER)
        self._sizes: dict[str, int] = {}
        self._records = records
        self._user_exists = user_exists
        self._projects: dict[str, SharedProjectRecord] = {}
        self._create_lock = asyncio.Lock()

    async def load(self) -> None:
        """Load the stored projects, and finish or undo operations of an earlier process."""
        for project in await self._records.read(Records.all, SharedProjectRecord):
            self._projects[project.name] = project

        def prepare(project: SharedProjectRecord) -> list[Path]:
            shutil.rmtree(self.incoming(project), ignore_errors=True)
            self._create_directories(project)
            pushes = sorted(self.pushes(project).iterdir())
            return [path for path in pushes if path.suffix != ".partial"]

        for project in self._projects.values():
            for path in await in_thread(prepare, project):
                await self.pushed(project, path)

    def close(self) -> None:
        """Write the pending counts to the audit log."""
        self.tally.close()

    # Directories

    def home(self, project: SharedProjectRecord) -> Path:
        return self.folder / project.id

    def pushes(self, project: SharedProjectRecord) -> Path:
        """Return the directory of pushes that are not yet in the audit log."""
        return self.home(project) / "pushes"

    def incoming(self, project: SharedProjectRecord) -> Path:
        """Return the directory of data that is not complete yet."""
        return self.home(project) / "incoming"

    # Projects and members

    def access(self, user: Me, name: str, needed: Role = Role.READER) -> Access:
        """Return the user's access to a project.

        Raises SharedProjectNotFoundError if the user has none or the project is in the trash,
        RoleRequiredError if the role is too small.
        """
        access = self._access(user, name, needed)
        if access.project.trashed_at is not None:
            raise SharedProjectNotFoundError(name=name)
        return access

    def list(self, user: Me) -> list[TeamProject]:
        """Return the user's projects, by name; those in the trash only for their owners."""
        return [
            self._to_response(access)
            for name in sorted(self._projects)
            if (access := self._find_access(user, name)) is not None
        ]

    async def list_with_sizes(self, user: Me, query: PageQuery) -> Page[StoredProject]:
        """Return all projects by name, for administrators; measures those that have changed."""
        if not user.admin:
            raise AdministratorRequiredError()
        names = [name for name in sorted(self._projects) if name > (query.cursor or "")]
        rows = []
        for name in names[: query.limit]:
            access = self._find_access(user, name)
            if access is not None:
                # It was not deleted while another one was measured.
                size = await self._size(access.project)
                quota = self._settings.shared_project_size
                project = self._to_response(access)
                rows.append(StoredProject(**dict(project), size=size, quota=quota))
        has_more = len(names) > query.limit
        return Page(items=rows, next_cursor=names[query.limit - 1] if has_more else None)

    def get(self, user: Me, name: str) -> TeamProject:
        """Return one project; SharedProjectNotFoundError if it does not exist for the user."""
        access = self._find_access(user, name)
        if access is None:
            raise SharedProjectNotFoundError(name=name)
        return self._to_response(access)

    async def create(self, user: Me, name: str, description: str) -> TeamProject:
        """Create an empty project, owned by the user; AlreadyExistsError if the name is taken."""
        async with self._create_lock:
            if name in self._projects:
                raise AlreadyExistsError(name=name)
            own_projects = [row for row in self._projects.values() if user.name in row.owners]
            if not user.admin and len(own_projects) >= self._settings.shared_projects:
                raise TooManyProjectsError(count=len(own_projects))
            created_at = now()
            project = SharedProjectRecord(
                id=f"p-{secrets.token_hex(8)}",
                name=name,
                description=description,
                created_at=created_at,
            )
            if user.name:
                _set_role(project, user.name, Role.OWNER)
            await self.git.create(project.id)
            await in_thread(self._create_directories, project)
            self._save(project)
        self._audit.record(user, "project.create", name)
        return self.get(user, name)

    async def put_member(self, actor: Me, name: str, user: str, role: Role) -> TeamProject:
        """Add a member, or change a member's role.

        Raises InvalidRequestError if the Hub has no user of that name, LastOwnerError for the last
        owner.
        """
        project = self.access(actor, name, Role.OWNER).project
        member = project.members.get(user)
        before = None if member is None else member.role
        if before is None and not await self._user_exists(user):
            raise InvalidRequestError(faults=[Fault("user", UNKNOWN_USER)])
        # Another request may have changed it meanwhile.
        project = self.access(actor, name, Role.OWNER).project
        if role is not Role.OWNER:
            _require_another_owner(project, user)
        _set_role(project, user, role)
        self._save(project)
        action = "project.member.add" if before is None else "project.member.change"
        details = {"user": user, "role": role.value}
        if before is not None:
            details["before"] = before.value
        self._audit.record(actor, action, name, **details)
        return self.get(actor, name)

    def remove_member(self, actor: Me, name: str, user: str) -> None:
        """Remove a member from a project.

        Members may remove themselves. MemberNotFoundError, LastOwnerError.
        """
        leaving = user == actor.name
        needed = Role.READER if leaving else Role.OWNER
        project = self.access(actor, name, needed).project
        if user not in project.members:
            raise MemberNotFoundError(name=name, user=user)
        _require_another_owner(project, user)
        del project.members[user]
        self._save(project)
        self._audit.record(actor, "project.member.remove", name, user=user)

    async def delete(self, user: Me, name: str, confirm: str) -> None:
        """Move a project to the trash; delete it for good if it is there already.

        Raises InvalidRequestError unless ``confirm`` is its name.
        """
        project = self._access(user, name, Role.OWNER).project
        if confirm != name:
            raise InvalidRequestError(faults=[Fault("confirm", NOT_THE_NAME)])
        if project.trashed_at is None:
            project.trashed_at = now()
            self._save(project)
            self._audit.record(user, "project.trash", name)
            return
        del self._projects[name]
        self.invalidate_size(project)
        self._records.write(Records.delete, SharedProjectRecord, project.id)
        self._audit.record(user, "project.purge", name)
        await in_thread(shutil.rmtree, self.home(project), ignore_errors=True)

    def restore(self, user: Me, name: str) -> TeamProject:
        """Restore a project from the trash; ProjectNotInTrashError if it is not in there."""
        project = self._access(user, name, Role.OWNER).project
        if project.trashed_at is None:
            raise ProjectNotInTrashError(name=name)
        project.trashed_at = None
        self._save(project)
        self._audit.record(user, "project.restore", name)
        return self.get(user, name)

    # Sizes

    async def require_room(self, project: SharedProjectRecord) -> int:
        """Return how many bytes a project may still take; ProjectQuotaError if there are none."""
        used, most = await self._size(project), self._settings.shared_project_size
        if used >= most:
            raise ProjectQuotaError(
                name=project.name, used=write_memory(used), most=write_memory(most)
            )
        return most - used

    async def _size(self, project: SharedProjectRecord) -> int:
        """Return the bytes of a project on the disk, measured if they may have changed."""
        if project.id not in self._sizes:
            size = await in_thread(measure_folder, self.home(project))
            self._sizes.setdefault(project.id, size)
        return self._sizes[project.id]

    def add_size(self, project: SharedProjectRecord, size: int) -> None:
        """Count ``size`` bytes more, after :meth:`require_room`."""
        if project.id in self._sizes:
            self._sizes[project.id] += size

    def invalidate_size(self, project: SharedProjectRecord) -> None:
        """Discard the measured size of a project after git changed its repository."""
        self._sizes.pop(project.id, None)

    # Pushes

    async def pushed(self, project: SharedProjectRecord, path: Path) -> None:
        """Record the refs that a push changed, from the file that git's hook wrote, if any.

        A damaged file is moved to ``damaged-pushes`` and reported; it must not stop the service.
        """
        try:
            text = await in_thread(path.read_text, "utf-8", "replace")
        except FileNotFoundError:
            return
        try:
            actor, *rows = text.splitlines()
            refs = [
                {"ref": ref, "old": old, "new": new}
                for old, new, ref in (row.split(" ", 2) for row in rows)
            ]
        except ValueError:
            directory = self.home(project) / "damaged-pushes"
            await in_thread(directory.mkdir, exist_ok=True)
            await in_thread(path.rename, directory / path.name)
            log.error(
                "A push to %s is missing from the audit log, because its record is damaged: %s",
                project.name,
                directory / path.name,
            )
            return
        self._audit.record(Me(name=actor, admin=False), "project.push", project.name, refs=refs)
        await in_thread(path.unlink)

    # Parts

    def _find_access(self, user: Me, name: str) -> Access | None:
        try:
            access = self._access(user, name)
        except MLWSError:
            return None
        in_trash = access.project.trashed_at is not None
        return None if in_trash and access.role is not Role.OWNER else access

    def _access(self, user: Me, name: str, needed: Role = Role.READER) -> Access:
        project = self._projects.get(name)
        member = None if project is None else project.members.get(user.name)
        if project is None or (member is None and not user.admin):
            raise SharedProjectNotFoundError(name=name)
        role = Role.OWNER if user.admin or member is None else member.role
        if not role.may(needed):
            raise RoleRequiredError(name=name, role=role.value, needed=needed.value)
        return Access(project, user, role)

    def _to_response(self, access: Access) -> TeamProject:
        project = access.project
        service, tracking = self._settings.service_address, self._settings.tracking_address
        return TeamProject(
            name=project.name,
            description=project.description,
            role=access.role,
            members=[
                Member(user=user, role=member.role, since=member.since)
                for user, member in sorted(project.members.items())
            ],
            created_at=project.created_at,
            trashed_at=project.trashed_at,
            git_url=f"{service}git/{project.name}.git",
            data_url=f"{service}data/{project.name}",
            tracking_url=f"{tracking}/{project.name}/mlflow" if tracking else None,
        )

    def _save(self, project: SharedProjectRecord) -> None:
        self._projects[project.name] = project
        self._records.save(project)

    def _create_directories(self, project: SharedProjectRecord) -> None:
        for folder in (self.home(project) / "data", self.incoming(project), self.pushes(project)):
            folder.mkdir(parents=True, exist_ok=True)


def _set_role(project: SharedProjectRecord, user: str, role: Role) -> None:
    if user in project.members:
        project.members[user].role = role
    else:
        project.members[user] = MemberRecord(
            project_id=project.id, user=user, role=role, since=now()
        )


def _require_another_owner(project: SharedProjectRecord, user: str) -> None:
    if project.owners == [user]:
        raise LastOwnerError(name=project.name, user=user)
