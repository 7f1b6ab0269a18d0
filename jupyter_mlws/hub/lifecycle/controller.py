"""Starts and stops containers through the Hub."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import logging
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime

from cryptography.fernet import Fernet, InvalidToken

from jupyter_mlws.api.rest import in_thread
from jupyter_mlws.core.errors import ContainerBackendError, InvalidContainerError
from jupyter_mlws.hub.background import BackgroundTasks
from jupyter_mlws.hub.docker.engine import Engine
from jupyter_mlws.hub.hubapi import HubAPI, HubRefusedError
from jupyter_mlws.hub.lifecycle.monitor import Monitor
from jupyter_mlws.hub.lifecycle.registry import STOPPED_STATUSES, ContainerRegistry
from jupyter_mlws.hub.records.container_state import (
    SECRETS_NOT_STORED,
    STOP_INTENTS,
    ContainerState,
    Intent,
    now,
)
from mlws.core.errors import Fault, MLWSError
from mlws.core.i18n import Message

STOP_TIMEOUT = 120.0
"""Seconds in which a container must stop."""
MIN_STOP_POLL_INTERVAL, MAX_STOP_POLL_INTERVAL = 0.1, 0.5
BUSY_RETRY_DELAY = 2.0
"""Seconds until a start is repeated that the Hub could not accept yet."""
START_SLOT_TIMEOUT = 40.0
STOP_SLOT_TIMEOUT = 15.0
"""Seconds after which a slow start or stop no longer delays others."""
NOT_STOPPING = Message("The container does not stop. Contact the administrator.")

log = logging.getLogger(__name__)


class EnvironmentCipher:
    """Encrypts and decrypts environment variables with a key that is never stored on disk.

    The key is derived from the service's token, which the Hub creates and keeps in memory. A
    service that is restarted by the same Hub can read the variables of queued containers; the
    database alone does not reveal them.
    """

    def __init__(self, token: str) -> None:
        key = hashlib.sha256(b"variables" + token.encode()).digest()
        self._cipher = Fernet(base64.urlsafe_b64encode(key))

    def close(self, environment: Mapping[str, str]) -> str:
        """Return the variables as encrypted text."""
        return self._cipher.encrypt(json.dumps(dict(environment)).encode()).decode()

    def open(self, text: str) -> dict[str, str] | None:
        """Return the variables; None if they were encrypted by another Hub's service."""
        try:
            environment: dict[str, str] = json.loads(self._cipher.decrypt(text))
        except InvalidToken:
            return None
        return environment


class ConcurrencyLimiter:
    """Limits how many tasks run at once; further ones wait. Must be used on the event loop.

    A task that takes longer than ``patience`` seconds releases its slot.
    """

    def __init__(self, patience: float) -> None:
        # Twice the cores: more concurrent starts only slow each other down.
        self._free = asyncio.Semaphore(2 * (os.cpu_count() or 1))
        self._patience = patience

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Hold a slot during the ``with`` block; wait until one is free."""
        await self._free.acquire()
        is_held = True

        def give_back() -> None:
            nonlocal is_held
            if is_held:
                is_held = False
                self._free.release()

        timer = asyncio.get_running_loop().call_later(self._patience, give_back)
        try:
            yield
        finally:
            timer.cancel()
            give_back()


class LifecycleController:
    """Starts and stops containers, as their intents say. Lives on the event loop."""

    def __init__(
        self,
        hub: HubAPI,
        engine: Engine,
        registry: ContainerRegistry,
        monitor: Monitor,
        cipher: EnvironmentCipher,
    ) -> None:
        self._hub = hub
        self._engine = engine
        self._registry = registry
        self._monitor = monitor
        self._cipher = cipher
        self._start_limiter = ConcurrencyLimiter(START_SLOT_TIMEOUT)
        self._stop_limiter = ConcurrencyLimiter(STOP_SLOT_TIMEOUT)
        self._tasks = BackgroundTasks("A container operation failed")
        self._stopping_ids: set[str] = set()

    async def close(self) -> None:
        """Cancel the operations in progress; the next process continues them."""
        await self._tasks.close()

    # Starting

    def queue(self, entry: ContainerState) -> None:
        """Add a container to the queue, and grant its resources at once if they are free."""
        scheduler = self._registry.scheduler
        entry.queued_at = entry.queued_at or now()
        grant = scheduler.submit(self._registry.request(entry), time.time())
        waiting = scheduler.waiting.get(entry.id)
        if waiting is not None and entry.turn_at is None:
            entry.queued_at = datetime.fromtimestamp(waiting.arrival, UTC)
        if grant is not None:
            self._registry.apply_grant(entry, grant)
        self._registry.settle()

    def start(self, entry: ContainerState) -> None:
        """Start a container that has its resources, as soon as a slot is free."""
        self._tasks.run(self._start(entry))

    async def _start(self, entry: ContainerState) -> None:
        stream = self._registry.stream
        async with self._start_limiter.one():
            is_observed = False
            try:
                is_observed = await self._spawn(entry)
            except (HubRefusedError, MLWSError) as error:
                log.warning("Could not start %s: %s", entry.id, error)
                faults = error.faults if isinstance(error, MLWSError) else ()
                entry.reason = faults[0].message if faults else _message_of(error)
                if entry.intent is Intent.START:
                    entry.intent = Intent.NONE
            if not is_observed:
                await self._monitor.refresh(entry.id)
            # Keep the slot until the lab runs: its start uses a core for seconds.
            async with aclosing(stream.follow(stream.seq)) as changes:  # type: ignore[type-var]
                while entry.intent is Intent.SPAWN and entry.id in self._registry.entries:
                    await anext(changes)

    async def _spawn(self, entry: ContainerState) -> bool:
        """Have the Hub spawn a container once it is not busy with it; return if it has started."""
        while entry.intent is Intent.START:
            options = {
                "image": entry.config.image,
                "resources": entry.resources.model_dump(exclude_none=True),
                "environment": self.environment(entry),
                "rescue": entry.config.rescue,
            }
            try:
                with self._monitor.expect_start(entry.id):
                    is_ready = await self._hub.start(entry.user, entry.name, options)
            except HubRefusedError as refused:
                if refused.status == 400:
                    server = await self._hub.server(entry.user, entry.name)
                    is_busy = server is not None and server.pending is not None
                else:
                    is_busy = refused.status == 429
                if not is_busy:
                    raise
            else:
                self.spawned(entry)
                if is_ready:
                    await self._monitor.apply_start(entry.id, options)
                return is_ready
            await asyncio.sleep(BUSY_RETRY_DELAY)
        return False

    def spawned(self, entry: ContainerState) -> None:
        """Record that the Hub spawns a container."""
        entry.hub_waits = False
        if entry.intent is Intent.START:
            entry.intent, entry.valid_since = Intent.SPAWN, time.monotonic()
            self._monitor.refresh_soon(entry.id)
            self._registry.settle()

    def seal(self, entry: ContainerState, environment: Mapping[str, str]) -> None:
        """Encrypt variables that must not be stored as plain text, until the container starts."""
        if entry.hides_values:
            entry.sealed = self._cipher.close(environment)

    def environment(self, entry: ContainerState) -> dict[str, str]:
        """Return the unmasked variables: decrypted, or from the Hub's last start."""
        if not entry.hides_values:
            return entry.config.environment
        decrypted_values = self._cipher.open(entry.sealed) if entry.sealed is not None else None
        options = entry.server.options if entry.server is not None else {}
        for candidate in (decrypted_values, options.get("environment")):
            if candidate is not None and set(candidate) == set(entry.config.environment):
                return dict(candidate)
        raise InvalidContainerError(faults=[Fault("environment", SECRETS_NOT_STORED)])

    # Stopping

    def request_stop(self, entry: ContainerState, intent: Intent) -> None:
        """Stop, restart or delete a container; one that waits leaves the queue."""
        was_waiting = self._registry.scheduler.withdraw(entry.id)
        entry.queued_at = entry.turn_at = entry.turn_as = None
        is_stopped = self._registry.status(entry) in STOPPED_STATUSES
        rests = (was_waiting and not entry.held) or is_stopped
        nothing_to_stop = intent is Intent.STOP and rests
        if entry.intent is not Intent.DELETE and not nothing_to_stop:
            entry.intent = intent
            self.stop(entry)
        self._registry.settle()

    def stop(self, entry: ContainerState) -> None:
        """Carry out the intent to stop, restart or delete a container."""
        if entry.id not in self._stopping_ids:
            self._stopping_ids.add(entry.id)
            self._tasks.run(self._run_stop(entry))

    async def _run_stop(self, entry: ContainerState) -> None:
        try:
            async with self._stop_limiter.one():
                await self._stop(entry)
            if entry.intent is Intent.DELETE:
                if entry.name:
                    await self._hub.forget(entry.user, entry.name)
                await in_thread(self._engine.remove, entry.id)
                self._monitor.forget(entry.id)
                self._registry.drop(entry)
        except (HubRefusedError, MLWSError) as error:
            log.warning("Could not stop %s: %s", entry.id, error)
            entry.reason = _message_of(error)
            entry.intent = Intent.NONE if entry.intent in STOP_INTENTS else entry.intent
        finally:
            self._stopping_ids.discard(entry.id)
        if entry.intent in (Intent.START, Intent.SPAWN):
            return  # The container was started again meanwhile.
        is_restart = entry.intent is Intent.RESTART
        if entry.id in self._registry.entries:
            entry.intent = Intent.NONE
            entry.reason = entry.stop_reason or entry.reason
        if is_restart:
            grant = self._registry.scheduler.grants.get(entry.id)
            if grant is None:
                self.queue(entry)
            else:
                self._registry.apply_grant(entry, grant)
                self._registry.settle()
        elif entry.id in self._registry.entries:
            await self._monitor.refresh(entry.id)

    async def _stop(self, entry: ContainerState) -> None:
        """Stop the container and wait until it has stopped."""
        deadline = time.monotonic() + STOP_TIMEOUT
        self._monitor.expect_stop(entry.id)
        stop_pending, pause = False, MIN_STOP_POLL_INTERVAL
        while True:
            await self._monitor.refresh(entry.id)
            server = entry.server
            if entry.intent not in STOP_INTENTS:
                return
            if not entry.active and not (server is not None and server.pending):
                if entry.docker_container is not None:
                    # The Hub's stop timed out in Docker; the remaining container has not crashed.
                    await in_thread(self._engine.remove, entry.id)
                    entry.docker_container = None
                return
            if entry.held:
                # The Hub cannot stop a pending start; without its service, the start fails.
                await in_thread(self._engine.remove, entry.id)
            elif server is not None and server.active and not stop_pending:
                try:
                    await self._hub.stop(entry.user, entry.name)
                    stop_pending = True
                except HubRefusedError as refused:
                    # The Hub cannot stop a pending start: 400, or 500 later in the start.
                    if refused.status not in (400, 500):
                        raise
            elif entry.running and (server is None or server.stopped):
                # The Hub takes it to be stopped, so it cannot stop it.
                await in_thread(self._engine.remove, entry.id)
            if time.monotonic() > deadline:
                raise ContainerBackendError(reason=NOT_STOPPING)
            await asyncio.sleep(pause)
            pause = min(MAX_STOP_POLL_INTERVAL, pause * 1.2)


def _message_of(error: HubRefusedError | MLWSError) -> Message:
    message = error.message
    return message if isinstance(message, Message) else Message.verbatim(message)
