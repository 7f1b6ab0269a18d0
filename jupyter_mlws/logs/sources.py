"""Where the lines come from: kernels, executions and workflow nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from watchfiles import awatch

from jupyter_mlws.logs.entries import Entry, Source, level_of
from jupyter_mlws.logs.store import LogStore
from jupyter_mlws.notebooks.execution import Outcome
from jupyter_mlws.notebooks.history import Begun
from jupyter_mlws.notebooks.models import ExecutionStatus
from jupyter_mlws.workspace import Workspace

NODE_LINES = 200
"""The last lines of a node's log that are taken."""
_NODE_LEVELS = {"FAILED": "error", "CANCELLED": "warning", "SKIPPED": "warning"}
_LEVELS = {
    ExecutionStatus.SUCCESS: "info",
    ExecutionStatus.CANCELLED: "warning",
    ExecutionStatus.LOST: "warning",
}


def execution_log(store: LogStore) -> Callable[[Begun, Outcome], None]:
    """Writes a line of each execution that has ended."""

    def ended(begun: Begun, outcome: Outcome) -> None:
        where = f"{begun.path}, cell {begun.cell}" if begun.cell else begun.path
        took = "" if outcome.duration is None else f" in {outcome.duration:.3f} s"
        why = ""
        facts: dict[str, Any] = {
            "event.action": "execute",
            "event.id": begun.id,
            "event.outcome": "success" if outcome.status is ExecutionStatus.SUCCESS else "failure",
            "file.path": begun.path,
        }
        if outcome.duration is not None:
            facts["event.duration"] = int(outcome.duration * 1e9)
        if outcome.error is not None:
            known = outcome.error.facts
            facts["error.code"] = outcome.error.code
            facts["error.type"] = known.get("ename") or outcome.error.code
            facts["error.message"] = str(outcome.error)
            facts["error.stack_trace"] = "\n".join(known.get("traceback") or [])
            why = f": {outcome.error}"
        level = _LEVELS.get(outcome.status, "error")
        message = f"{where}: {outcome.status.value}{took}{why}"
        store.add(Entry(Source.EXECUTION, level, message, begun.notebook, facts))

    return ended


def kernel_event(store: LogStore, data: dict[str, Any]) -> None:
    """Writes a line of one of Jupyter's events of kernels."""
    failed = data["status"] != "success"
    facts = {"event.action": data["action"], "event.outcome": "failure" if failed else "success"}
    level = "error" if failed else "info"
    store.add(Entry(Source.KERNEL, level, data["msg"], data.get("kernel_id", ""), facts))


async def follow_kernels(store: LogStore, folder: Path) -> None:
    """Take what kernels write past Jupyter, into the files ``<kernel>.log`` of a folder."""
    read: dict[Path, int] = {}
    files = awatch(
        folder,
        watch_filter=lambda _, path: path.endswith(".log") and not path.endswith("keeper.log"),
        step=50,
        recursive=False,
    )
    async for changes in files:
        for file in {Path(path) for _, path in changes}:
            read[file] = await asyncio.to_thread(_take, store, file, read.get(file, 0))


def _take(store: LogStore, file: Path, since: int) -> int:
    """Add the whole lines after a place in a file; the place after them."""
    try:
        with file.open("rb") as opened:
            opened.seek(since)
            text = opened.read()
    except FileNotFoundError:
        return 0
    whole = text[: text.rfind(b"\n") + 1]
    for line in whole.decode(errors="replace").splitlines():
        if line.strip():
            store.add(Entry(Source.KERNEL, level_of(line), line, file.stem))
    return since + len(whole)


def collect_nodes(store: LogStore, workspace: Workspace) -> None:
    """Take what happened in workflows since the last time, with the logs of ended nodes."""
    from jupyter_mlws.workflows.engine import log_path, tail
    from jupyter_mlws.workflows.journal import run_folder

    workflows, place = workspace.workflows, str(workspace.project.root)
    since = store.read_until(place)
    if since is None:
        since = 0
    while events := workflows.events_after(since):
        for event in events:
            since = int(event["seq"])
            if event.get("type") != "node":
                continue
            name, status, run = event["node"], event["status"], event["run"]
            subject = f"{run}/{name}"
            level = _NODE_LEVELS.get(status, "info")
            facts = {"event.action": status.lower(), "labels": {"run": run, "node": name}}
            data = event["data"]
            error = data.get("error")
            why = f": {error['message']}" if error else ""
            written = []
            if data.get("ended"):
                written = tail(log_path(run_folder(workspace.project, run), name), NODE_LINES)
            for text in written:
                store.add(Entry(Source.NODE, "info", text, subject, facts))
            store.add(Entry(Source.NODE, level, f"{name}: {status}{why}", subject, facts))
        store.set_read(place, since)
    store.flush()
