"""The endpoints of the Hub's service. A lab forwards some of them by these declarations, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlws.api.registry import Endpoints, Reply
from jupyter_mlws.containers.models import (
    AllocateRequest,
    Allocation,
    AuditEntry,
    AuditQuery,
    Container,
    ContainerChange,
    ContainerCreate,
    ContainerEvents,
    EnvironmentCreate,
    HistoryQuery,
    HoursQuery,
    HoursReport,
    HubSetting,
    ImageInfo,
    LogQuery,
    LogTail,
    Me,
    Move,
    ResourceReport,
    SavedEnvironment,
    Usage,
    UsageHistory,
    Volume,
    VolumeQuery,
)
from jupyter_mlws.core.errors import (
    AdministratorRequiredError,
    AlreadyExistsError,
    BudgetExceededError,
    ContainerForbiddenError,
    ContainerNotFoundError,
    ContainerStateError,
    DiskReserveError,
    EnvironmentInUseError,
    EnvironmentNotFoundError,
    EnvironmentQuotaError,
    EnvironmentSaveError,
    HomeUnavailableError,
    InsufficientResourcesError,
    InvalidContainerError,
    NotQueuedError,
    SwarmUnsupportedError,
    VolumeInUseError,
    VolumeNotFoundError,
)
from jupyter_mlws.core.schemas import Page, PageQuery

if TYPE_CHECKING:
    from jupyter_mlws.hub.manager import HubManager

CONTAINER_ERRORS = (ContainerForbiddenError, ContainerNotFoundError)
START_ERRORS = (
    *CONTAINER_ERRORS,
    BudgetExceededError,
    DiskReserveError,
    HomeUnavailableError,
    InsufficientResourcesError,
    InvalidContainerError,
)


endpoints = Endpoints("containers")


@endpoints.get("me", "Get the current user", resource="me")
def get_user(manager: HubManager, user: Me) -> Me:
    return user


@endpoints.get("containers", "List containers")
def list_containers(manager: HubManager, user: Me, query: PageQuery) -> Page[Container]:
    after = query.cursor or ""
    rows = [one for one in manager.containers.list(user) if one.id > after]
    items = rows[: query.limit]
    more = len(rows) > len(items)
    return Page(items=items, next_cursor=items[-1].id if more else None)


@endpoints.post(
    "containers",
    "Create a container",
    status=202,
    errors=(
        AlreadyExistsError,
        BudgetExceededError,
        DiskReserveError,
        HomeUnavailableError,
        InsufficientResourcesError,
        InvalidContainerError,
    ),
)
async def create_container(
    manager: HubManager, user: Me, body: ContainerCreate
) -> Reply[Container]:
    return _reply_with_location(await manager.containers.create(user, body))


@endpoints.get("containers/{container}", "Get a container", errors=CONTAINER_ERRORS)
def get_container(manager: HubManager, user: Me, identifier: str) -> Container:
    return manager.containers.get(user, identifier)


@endpoints.patch(
    "containers/{container}",
    "Resize a container, live if it is running",
    errors=(*START_ERRORS, ContainerStateError, SwarmUnsupportedError),
)
async def resize_container(
    manager: HubManager, user: Me, identifier: str, body: ContainerChange
) -> Container:
    return await manager.containers.resize(user, identifier, body)


@endpoints.delete(
    "containers/{container}",
    "Delete a container; keep the home",
    status=202,
    errors=CONTAINER_ERRORS,
)
async def delete_container(manager: HubManager, user: Me, identifier: str) -> Reply[Container]:
    return _reply_with_location(await manager.containers.delete(user, identifier))


@endpoints.post(
    "containers/{container}/start", "Start a container", status=202, errors=START_ERRORS
)
async def start_container(manager: HubManager, user: Me, identifier: str) -> Reply[Container]:
    return _reply_with_location(await manager.containers.start(user, identifier))


@endpoints.post(
    "containers/{container}/stop", "Stop a container", status=202, errors=CONTAINER_ERRORS
)
async def stop_container(manager: HubManager, user: Me, identifier: str) -> Reply[Container]:
    return _reply_with_location(await manager.containers.stop(user, identifier))


@endpoints.post(
    "containers/{container}/restart", "Restart a container", status=202, errors=START_ERRORS
)
async def restart_container(manager: HubManager, user: Me, identifier: str) -> Reply[Container]:
    return _reply_with_location(await manager.containers.restart(user, identifier))


@endpoints.get("containers/{container}/logs", "Get the end of a log", errors=CONTAINER_ERRORS)
async def get_log(manager: HubManager, user: Me, identifier: str, query: LogQuery) -> LogTail:
    return await manager.reports.log_tail(user, identifier, query.tail)


@endpoints.get(
    "containers/{container}/events", "List the events of a container", errors=CONTAINER_ERRORS
)
async def list_events(
    manager: HubManager, user: Me, identifier: str, query: LogQuery
) -> ContainerEvents:
    events = await manager.reports.events(user, identifier, query.tail)
    return ContainerEvents(items=events)


@endpoints.get("containers/{container}/stats", "Get a container's usage", errors=CONTAINER_ERRORS)
async def get_usage(manager: HubManager, user: Me, identifier: str) -> Usage:
    return await manager.reports.usage(user, identifier)


@endpoints.get("images", "List images", resource="images")
async def list_images(manager: HubManager, user: Me) -> Page[ImageInfo]:
    return Page(items=await manager.environments.list_images(user))


@endpoints.get("environments", "List saved environments", resource="environments")
def list_environments(manager: HubManager, user: Me) -> Page[SavedEnvironment]:
    return Page(items=manager.environments.list(user))


@endpoints.post(
    "environments",
    "Save the packages installed in a container as an environment",
    resource="environments",
    status=202,
    errors=(
        *CONTAINER_ERRORS,
        EnvironmentSaveError,
        InvalidContainerError,
        ContainerStateError,
        SwarmUnsupportedError,
        EnvironmentInUseError,
        EnvironmentQuotaError,
    ),
)
async def save_environment(
    manager: HubManager, user: Me, body: EnvironmentCreate
) -> Reply[SavedEnvironment]:
    environment = await manager.environments.save(user, body)
    return Reply(environment, location=("environments", environment.id))


@endpoints.get(
    "environments/{environment}",
    "Get a saved environment",
    resource="environments",
    errors=(EnvironmentNotFoundError,),
)
def get_environment(manager: HubManager, user: Me, identifier: str) -> SavedEnvironment:
    return manager.environments.get(user, identifier)


@endpoints.delete(
    "environments/{environment}",
    "Delete a saved environment",
    resource="environments",
    errors=(EnvironmentInUseError, EnvironmentNotFoundError),
)
async def delete_environment(manager: HubManager, user: Me, identifier: str) -> None:
    await manager.environments.delete(user, identifier)


@endpoints.get("resources", "Get resources and the queue", resource="resources")
async def get_resources(manager: HubManager, user: Me) -> ResourceReport:
    return await manager.reports.resources(user)


@endpoints.post(
    "resources/allocate",
    "Plan resources, or reserve them",
    resource="resources",
    errors=(InsufficientResourcesError, InvalidContainerError, SwarmUnsupportedError),
)
async def allocate(manager: HubManager, user: Me, body: AllocateRequest) -> Allocation:
    return await manager.containers.allocate(user, body)


@endpoints.put(
    "resources/queue/{queue}",
    "Move within the queue",
    resource="resources",
    errors=(*CONTAINER_ERRORS, NotQueuedError, AdministratorRequiredError, SwarmUnsupportedError),
)
async def move_in_queue(manager: HubManager, user: Me, identifier: str, body: Move) -> Container:
    return await manager.containers.move(user, identifier, body.position)


@endpoints.delete(
    "resources/queue/{queue}",
    "Remove from the queue",
    resource="resources",
    errors=(*CONTAINER_ERRORS, NotQueuedError),
)
async def leave_queue(manager: HubManager, user: Me, identifier: str) -> Container:
    return await manager.containers.drop(user, identifier)


@endpoints.get("resources/hours", "Get usage hours", resource="resources")
async def get_usage_hours(manager: HubManager, user: Me, query: HoursQuery) -> HoursReport:
    return await manager.reports.hours(user, query.days)


@endpoints.get("resources/history", "Get the history of usage", resource="resources")
async def get_usage_history(manager: HubManager, user: Me, query: HistoryQuery) -> UsageHistory:
    return await manager.usage_recorder.history(user, query)


@endpoints.get("volumes", "List volumes", resource="volumes")
def list_volumes(manager: HubManager, user: Me, query: VolumeQuery) -> Page[Volume]:
    return manager.volumes.page(user, query)


@endpoints.get(
    "volumes/{volume}", "Get a volume", resource="volumes", errors=(VolumeNotFoundError,)
)
def get_volume(manager: HubManager, user: Me, name: str) -> Volume:
    return manager.volumes.get(user, name)


@endpoints.delete(
    "volumes/{volume}",
    "Permanently delete a volume in the trash",
    resource="volumes",
    errors=(VolumeInUseError, VolumeNotFoundError),
)
async def delete_volume(manager: HubManager, user: Me, name: str) -> None:
    await manager.volumes.purge(user, name)


@endpoints.post(
    "volumes/{volume}/trash",
    "Move a volume to the trash",
    resource="volumes",
    errors=(VolumeInUseError, VolumeNotFoundError),
)
def trash_volume(manager: HubManager, user: Me, name: str) -> Volume:
    return manager.volumes.trash(user, name)


@endpoints.post(
    "volumes/{volume}/restore",
    "Restore a volume from the trash",
    resource="volumes",
    errors=(VolumeInUseError, VolumeNotFoundError),
)
def restore_volume(manager: HubManager, user: Me, name: str) -> Volume:
    return manager.volumes.restore(user, name)


@endpoints.get(
    "audit", "List the audit log", resource="audit", errors=(AdministratorRequiredError,)
)
async def list_audit_entries(manager: HubManager, user: Me, query: AuditQuery) -> Page[AuditEntry]:
    return await manager.audit.read(user, query)


@endpoints.get(
    "settings",
    "List the settings of the Hub's installation",
    resource="settings",
    errors=(AdministratorRequiredError,),
)
def list_settings(manager: HubManager, user: Me) -> Page[HubSetting]:
    if not user.admin:
        raise AdministratorRequiredError()
    return Page(items=[HubSetting(**one) for one in manager.settings.installation])


def _reply_with_location(container: Container) -> Reply[Container]:
    return Reply(container, location=("containers", container.id))
