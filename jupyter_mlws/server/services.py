"""The managers that the server extension builds once and passes to every handler."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_mlws.api.coalescing import RequestCoalescer
from jupyter_mlws.api.idempotency import IdempotencyCache
from jupyter_mlws.api.streams import Readers

if TYPE_CHECKING:
    from jupyter_mlws.containers.manager import ContainerManager
    from jupyter_mlws.containers.self_usage import ContainerUsageMonitor
    from jupyter_mlws.core.operations import OperationManager
    from jupyter_mlws.core.watcher import Watchers
    from jupyter_mlws.logs.container import ContainerLog
    from jupyter_mlws.logs.store import LogStore
    from jupyter_mlws.metrics.collectors import LabCollector
    from jupyter_mlws.notebooks.manager import NotebookManager
    from jupyter_mlws.projects.manager import ProjectManager
    from jupyter_mlws.shared_projects.manager import TeamManager


@dataclass(frozen=True)
class Services:
    """The managers of one server."""

    projects: ProjectManager
    operations: OperationManager
    watchers: Watchers
    notebooks: NotebookManager
    logs: LogStore
    containers: ContainerManager | None
    """None where no Hub started this server."""
    own: ContainerUsageMonitor
    container_log: ContainerLog | None
    """None where no Hub started this server."""
    metrics: LabCollector
    team: TeamManager | None = None
    """None where no Hub started this server."""
    readers: Readers = field(default_factory=Readers)
    answers: IdempotencyCache[Any] = field(default_factory=IdempotencyCache)
    """Responses by their idempotency keys."""
    readings: RequestCoalescer[Any] = field(default_factory=RequestCoalescer)
    """Reads that equal concurrent requests share."""
