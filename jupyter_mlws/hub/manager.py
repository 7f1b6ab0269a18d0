"""Parts of the Hub's service, and the order in which they are opened and closed."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

from jupyter_mlws.api.rest import in_thread
from jupyter_mlws.hub.announcements import AnnouncementFile
from jupyter_mlws.hub.background import BackgroundTasks
from jupyter_mlws.hub.budgets.enforcer import BudgetEnforcer
from jupyter_mlws.hub.budgets.limits import LimitBook
from jupyter_mlws.hub.budgets.manager import Budgets
from jupyter_mlws.hub.containers import Containers
from jupyter_mlws.hub.docker.engine import Engine
from jupyter_mlws.hub.environments import Environments
from jupyter_mlws.hub.hubapi import HubAPI
from jupyter_mlws.hub.lifecycle.controller import EnvironmentCipher, LifecycleController
from jupyter_mlws.hub.lifecycle.monitor import ContainerObserver, Monitor
from jupyter_mlws.hub.lifecycle.registry import ContainerRegistry
from jupyter_mlws.hub.lifecycle.resizing import Resizer
from jupyter_mlws.hub.notices import Notices
from jupyter_mlws.hub.records.audit import Audit
from jupyter_mlws.hub.records.container_state import STOP_INTENTS, Intent
from jupyter_mlws.hub.records.store import RecordQueue, Records
from jupyter_mlws.hub.reports import Reports
from jupyter_mlws.hub.scheduling.scheduler import Scheduler, UserLimit
from jupyter_mlws.hub.scheduling.swarm_queue import SwarmQueue
from jupyter_mlws.hub.settings import Settings
from jupyter_mlws.hub.shared_pages.manager import SharedPages
from jupyter_mlws.hub.shared_projects.manager import Team
from jupyter_mlws.hub.storage_guard import StorageGuard
from jupyter_mlws.hub.storage_report import StorageReports
from jupyter_mlws.hub.usage_history import UsageRecorder
from jupyter_mlws.hub.volumes import Volumes
from mlws.core.errors import MLWSError

NODE_POLL_INTERVAL = 30.0

log = logging.getLogger(__name__)


class HubManager:
    """Containers, reports, volumes, environments, shared projects and pages of one Hub.

    Lives on the event loop. ``token`` is the service's token, which encrypts variables.
    """

    def __init__(self, settings: Settings, engine: Engine, hub: HubAPI, token: str) -> None:
        self.settings = settings
        self._engine = engine
        self._hub = hub
        self._cipher = EnvironmentCipher(token)
        self._records = RecordQueue(Records(settings.database))
        self.tasks = BackgroundTasks("A task in the background failed")

    async def open(self) -> None:
        """Load the records, restore the queue, and follow Docker and the Hub."""
        settings, engine, hub, records = self.settings, self._engine, self._hub, self._records
        machines = await in_thread(engine.machines, settings.capacity, settings.cpu_overcommit)
        await records.read(Records.migrate)
        scheduler = (SwarmQueue if settings.swarm else Scheduler)({})
        registry = ContainerRegistry(
            settings.policy,
            scheduler,
            records,
            lambda entry: self._controller.start(entry),
        )
        registry.set_machines(machines)
        self.registry = registry
        self.audit = Audit(records)
        self.volumes = Volumes(
            records,
            engine,
            self.audit,
            settings.home_quota,
            registry.has_containers,
            settings.swarm and not settings.shared_homes,
        )
        await self.volumes.load()
        observer = ContainerObserver(registry, engine, hub, self.volumes)
        self._monitor = Monitor(engine, hub, settings.hub_name, observer)
        self._controller = LifecycleController(hub, engine, registry, self._monitor, self._cipher)
        book = LimitBook(
            registry.groups_of, registry.usage_accounting, UserLimit.of(settings.user_limit)
        )
        scheduler.limit_of, scheduler.share_of = book.user_limit, book.share
        enforcer = BudgetEnforcer(
            book, registry, self._controller, self.audit, settings.budget_grace
        )
        self.budgets = Budgets(hub, registry, book, enforcer, self.audit)
        await self.budgets.load()

        async def user_exists(user: str) -> bool:
            return await hub.user(user) is not None

        self.team = Team(settings, records, self.audit, user_exists)
        await self.team.load()
        self.pages = SharedPages(
            settings.public_address, records, self.audit, self.team, hub.groups_of
        )
        await self.pages.load()
        self.environments = Environments(engine, registry, self._controller, self.audit, settings)
        await self.environments.load()
        self.reports = Reports(engine, registry, self.environments)
        self.notices = Notices(AnnouncementFile(settings.data_folder), self.audit)
        await self.notices.load()
        self.storage = StorageGuard(
            registry, engine, self.volumes, self._controller, self.notices, self.audit, settings
        )
        self.storage_reports = StorageReports(
            engine, registry, self.environments, self.volumes, self.audit, settings
        )
        self.usage_recorder = UsageRecorder(registry, engine, records, self.volumes)
        self.containers = Containers(
            hub,
            registry,
            self._controller,
            self._monitor,
            Resizer(registry, engine),
            self.environments,
            self.volumes,
            self.storage,
            self.audit,
            self.budgets,
            self._read_nodes,
        )
        stored = await registry.load()
        for entry in stored:
            self._monitor.track(entry.id)
            if entry.queued_at is not None or entry.intent is Intent.START:
                scheduler.waiting[entry.id] = registry.request(entry)
        accounting = registry.usage_accounting
        since = accounting.inherited_since
        if since is not None:
            for docker, moment in (await in_thread(engine.exits, since)).items():
                exited_at = datetime.fromtimestamp(moment, UTC)
                accounting.on_exit(docker, accounting.clock.at(exited_at))
        await self._monitor.sweep()
        accounting.end_inherited()
        registry.is_synchronized = True
        for entry in stored:
            if entry.intent in STOP_INTENTS:
                self._controller.stop(entry)
            elif entry.intent is Intent.START and entry.id not in scheduler.waiting:
                # The Hub is already spawning it.
                entry.intent = Intent.SPAWN
        registry.settle()
        self._monitor.start()
        self.tasks.run(self.volumes.purge_periodically())
        self.tasks.run(self.volumes.measure_new_periodically())
        self.tasks.run(self.storage.watch())
        self.tasks.run(self.usage_recorder.record_periodically())
        self.tasks.run(self.pages.purge_periodically())
        self.tasks.run(self.budgets.run())
        if settings.swarm:
            self.tasks.run(self._follow_nodes())

    async def close(self) -> None:
        """Stop following, and finish all writes."""
        self.team.close()
        self.pages.close()
        self.reports.close()
        await self.tasks.close()
        await self.environments.close()
        await self._controller.close()
        await self._monitor.close()
        self.registry.usage_accounting.count()
        self.registry.usage_accounting.store()
        self._hub.close()
        await in_thread(self._engine.close)
        await self._records.close()

    async def _follow_nodes(self) -> None:
        """Update the nodes of the Swarm at regular intervals."""
        while True:
            await asyncio.sleep(NODE_POLL_INTERVAL)
            await self._read_nodes()

    async def _read_nodes(self) -> None:
        """Update the nodes of the Swarm."""
        settings = self.settings
        try:
            machines = await in_thread(
                self._engine.machines, settings.capacity, settings.cpu_overcommit
            )
        except MLWSError as error:
            log.info("Could not list the Swarm nodes: %s", error)
            return
        # If all nodes are drained, their last resources still determine what can ever fit.
        if machines:
            self.registry.set_machines(machines)
        self.registry.settle()
