"""Texts of the spawner: sizes, and the steps of a start."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncIterator
from typing import Any

from jupyter_mlws.containers.models import Amount, QueuePlace
from jupyter_mlws.containers.quantities import write_memory
from mlws.core.i18n import Message

ADMISSION = Message("Requesting resources")
IMAGE = Message("Preparing image {image}")
CREATION = Message("Creating the container ({size})")
STARTING = Message("Starting the container")
WAITING = Message("Starting the lab")
RESTARTING = Message("The lab crashed. Restarting (attempt {count})")
QUEUE_POSITION = Message("Position {position} in queue")
QUEUE_POSITION_ETA = Message("Position {position} in queue, about {minutes} min left")
GIBIBYTE = 1024**3
CORES = Message("{cpu} CPU, {memory} memory")
CORES_GPU = Message("{cpu} CPU, {memory} memory, {gpu} GPU")


def size(amount: Amount) -> Message:
    """Return an amount as text."""
    form = CORES_GPU if amount.gpu else CORES
    memory = re.sub(r"([KMGT]i)$", r" \1B", write_memory(amount.memory))
    if amount.memory >= GIBIBYTE:
        memory = f"{math.floor(10 * amount.memory / GIBIBYTE) / 10:g} GiB"
    return form.fill(cpu=f"{amount.cpu:g}", memory=memory, gpu=amount.gpu)


def queue_position(position: QueuePlace) -> Message:
    """Return a position in the queue as text."""
    if position.eta_seconds is None:
        return QUEUE_POSITION.fill(position=position.position)
    minutes = max(1, round(position.eta_seconds / 60))
    return QUEUE_POSITION_ETA.fill(position=position.position, minutes=minutes)


class SpawnProgress:
    """Progress steps of one start, for any number of readers; ends when the start does."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._steps: list[dict[str, Any]] = []
        self._change_event = asyncio.Event()
        self._is_finished = False
        self._start_count = 0

    def report(self, percent: int, sentence: Message, **facts: Any) -> None:
        """Add a step; ``facts`` may be messages themselves."""
        message = sentence.fill(**facts).in_(self._language)
        self._steps.append({"progress": percent, "message": message})
        self._notify()

    def started(self) -> None:
        """Count a start of the container; every one after the first is a restart after a crash."""
        self._start_count += 1
        if self._start_count > 1:
            self.report(70, RESTARTING, count=self._start_count - 1)

    def end(self) -> None:
        """End the progress."""
        self._is_finished = True
        self._notify()

    def _notify(self) -> None:
        self._change_event.set()
        self._change_event = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        position = 0
        while True:
            change_event = self._change_event
            for step in self._steps[position:]:
                yield step
            position = len(self._steps)
            if self._is_finished:
                return
            await change_event.wait()
