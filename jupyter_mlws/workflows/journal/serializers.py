"""Runs, nodes and events of the journal, in the shapes and words of the API.

As JSON with messages: the command line translates it, the server makes its models of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mlws.core.errors import MLWSError
from mlws.core.i18n import Message
from mlws.core.paths import escape

JSON = dict[str, Any]
Row = Mapping[str, Any]


def iso(moment: float | None) -> str | None:
    """Return a timestamp in the API's format: ISO 8601, UTC, milliseconds."""
    if moment is None:
        return None
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def run_summary(row: Row, counts: Mapping[str, int]) -> JSON:
    """Return a run without its nodes; ``row`` has all that the journal stores of it."""
    return {
        "id": row["id"],
        "workflow": escape(row["workflow"]),
        "path": row["workflow"],
        "status": row["status"],
        "created": iso(row["created"]),
        "started": iso(row.get("started")),
        "ended": iso(row.get("ended")),
        "duration": _duration(row),
        "jobs": row["jobs"],
        "origin": row["origin"],
        "error": _failure(row.get("error")),
        "counts": dict(counts),
        "mlflow_run": row.get("mlflow_run"),
        "commit": row.get("commit"),
        "resumes": row.get("request", {}).get("resumes"),
    }


def node_run(name: str, status: str, record: Row) -> JSON:
    """Return one node of a run."""
    dvc_reason = record.get("dvc_reason")
    return {
        "id": name,
        "status": status,
        "started": iso(record.get("started")),
        "ended": iso(record.get("ended")),
        "duration": _duration(record),
        "exit_code": record.get("exit_code"),
        "reasons": [Message.parse(reason) for reason in record.get("reasons", [])],
        "attempt": record.get("attempt", 0),
        "environment": record.get("environment"),
        "progress": record.get("progress"),
        "dvc_reason": Message.parse(dvc_reason) if dvc_reason else None,
        "error": _failure(record.get("error")),
    }


def event(row: Row, payload: Row) -> JSON:
    """Return an event as `/workflows/status` sends it.

    ``row`` has its columns, ``payload`` its content.
    """
    record = payload["record"]
    if payload["type"] == "run":
        run_row = {**record, "id": row["run"], "workflow": row["workflow"]}
        run_row |= {"created": row["created"], "status": payload["status"]}
        data = run_summary(run_row, record.get("counts", {}))
    else:
        node = node_run(payload["node"], payload["status"], record)
        data = {key: value for key, value in node.items() if key not in ("id", "status")}
    return {
        "seq": row["seq"],
        "time": iso(row["time"]),
        "type": payload["type"],
        "run": row["run"],
        "workflow": escape(row["workflow"]),
        "path": row["workflow"],
        "node": payload["node"],
        "status": payload["status"],
        "data": data,
    }


def experiment(row: Row) -> JSON:
    """Return a run as the experiment table shows it."""
    return {
        "id": row.get("mlflow_run"),
        "run": row["id"],
        "workflow": row["workflow"],
        "status": row["status"],
        "started": iso(row.get("started")),
        "duration": _duration(row),
        "params": row.get("params", {}),
        "metrics": row.get("metrics", {}),
        "commit": row.get("commit"),
        "experiment": row.get("experiment") or row["workflow"],
    }


def _duration(record: Row) -> float | None:
    started, finished = record.get("started"), record.get("ended")
    return round(finished - started, 3) if started and finished else None


def _failure(record: Row | None) -> JSON | None:
    """Return the error of a code and its facts."""
    if record is None:
        return None
    error = MLWSError.restore(record["code"], record["facts"])
    return {
        "code": error.code,
        "message": error.message,
        "node": error.facts.get("node"),
        "details": error.facts,
        "solution": error.solution,
    }
