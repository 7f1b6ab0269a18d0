"""Sources of log lines: kernels, executions and workflow nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from watchfiles import awatch

from jupyter_mlws.logs.entries import Entry, Source, level_of
from jupyter_mlws.logs.store import LogStore
from jupyter_mlws.notebooks.execution import Outcome
from jupyter_mlws.notebooks.history import ExecutionStart
from jupyter_mlws.notebooks.models import ExecutionStatus
from jupyter_mlws.workspace import Workspace

NODE_LINES = 200
"""Lines that are copied from the end of a node's log."""
_NODE_LEVELS = {"FAILED": "error", "CANCELLED": "warning", "SKIPPED": "warning"}
_LEVELS = {
    ExecutionStatus.SUCCESS: "info",
    ExecutionStatus.CANCELLED: "warning",
    ExecutionStatus.LOST: "warning",
}


def execution_log(store: LogStore) -> Callable[[ExecutionStart, Outcome], None]:
    """Return a callback that writes a line for each execution that has ended."""

    def ended(execution: ExecutionStart, outcome: Outcome) -> None:
        where = f"{execution.path}, cell {execution.cell}" if execution.cell else execution.path
        took = "" if outcome.duration is None else f" in {outcome.duration:.3f} s"
        why = ""
        facts: dict[str, Any] = {
            "event.action": "execute",
            "event.id": execution.id,
            "event.outcome": "success" if outcome.status is ExecutionStatus.SUCCESS else "failure",
            "file.path": execution.path,
        }
        if outcome.duration is not None:
            facts["event.duration"] = int(outcome.duration * 1e9)
        if outcome.error is not None:
            details = outcome.error.facts
            facts["error.code"] = outcome.error.code
            facts["error.type"] = details.get("ename") or outcome.error.code
            facts["error.message"] = str(outcome.error)
            facts["error.stack_trace"] = "\n".join(details.get("traceback") or [])
            why = f": {outcome.error}"
        level = _LEVELS.get(outcome.status, "error")
        message = f"{where}: {outcome.status.value}{took}{why}"
        store.add(Entry(Source.EXECUTION, level, message, execution.notebook, facts))

    return ended


def kernel_event(store: LogStore, data: dict[str, Any]) -> None:
    """Write a line for one of Jupyter's kernel events."""
    is_failure = data["status"] != "success"
    facts = {
        "event.action": data["action"],
        "event.outcome": "failure" if is_failure else "success",
    }
    level = "error" if is_failure else "info"
    store.add(Entry(Source.KERNEL, level, data["msg"], data.get("kernel_id", ""), facts))


async def follow_kernels(store: LogStore, folder: Path) -> None:
    """Store what kernels write, bypassing Jupyter, to the files ``<kernel>.log`` of a directory."""
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
    """Store the complete lines after an offset of a file; return the offset after them."""
    try:
        with file.open("rb") as stream:
            stream.seek(since)
            text = stream.read()
    except FileNotFoundError:
        return 0
    whole = text[: text.rfind(b"\n") + 1]
    for line in whole.decode(errors="replace").splitlines():
        if line.strip():
            store.add(Entry(Source.KERNEL, level_of(line), line, file.stem))
    return since + len(whole)


def collect_nodes(store: LogStore, workspace: Workspace) -> None:
    """Store what happened in workflows since the last call, with the logs of ended nodes."""
    from jupyter_mlws.workflows.journal.store import run_folder
    from mlws.engine.node_logs import log_path, tail

    journal, place = workspace.runs.journal, str(workspace.project.root)
    since = store.read_until(place) or 0
    while events := journal.events_after(since):
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
            lines = []
            if data.get("ended"):
                lines = tail(log_path(run_folder(workspace.project, run), name), NODE_LINES)
            for text in lines:
                store.add(Entry(Source.NODE, "info", text, subject, facts))
            store.add(Entry(Source.NODE, level, f"{name}: {status}{why}", subject, facts))
        store.set_read(place, since)
    store.flush()
