"""Helper process that calls MLflow for a server or a run: JSON lines in, JSON lines out.

``{"call": name, "arguments": {…}}`` is answered by ``{"result": …}`` or ``{"error": text}``, with
``"refused": code`` if MLflow rejected the request. It ends when its owner's pipe closes.
"""

from __future__ import annotations

import json
import os
import sys
from tempfile import TemporaryDirectory
from typing import IO, Any

from jupyter_mlws.mlflow.bundle_store import MLflowBundles
from jupyter_mlws.mlflow.client import SQLITE

WRITES = (
    "record", "log_run", "tag_runs", "register", "describe", "set_alias", "delete_alias",
    "begin_run", "end_run", "update_runs", "delete_runs", "restore_runs", "migrate",
    "receive_bundle", "set_bundles", "set_received", "settle_bundles",
)  # fmt: skip
READS = (
    "finished", "logged_outputs", "models", "model", "versions", "version", "alias_history", "best",
    "search", "groups", "find_run", "match_runs", "columns", "curves", "metrics", "versions_of",
    "artifact_files", "artifact", "description_file",
)  # fmt: skip
REFUSALS = ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST")


def main() -> None:
    """Answer calls on the store at ``MLFLOW_TRACKING_URI`` until the end of the input."""
    # MLflow and its libraries print; only answers may go to the owner.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(MLflowBundles(os.environ["MLFLOW_TRACKING_URI"]), sys.stdin, answers)


def serve(store: MLflowBundles, calls: IO[str], answers: IO[str]) -> None:
    """Answer each line of ``calls`` by one line of ``answers``.

    A read does not create the store: one that is not there yet is read as an empty one.
    """
    with TemporaryDirectory(prefix="mlws-") as folder:
        empty = MLflowBundles(f"{SQLITE}{folder}/mlflow.db")
        for line in calls:
            call = json.loads(line)
            name = call["call"]
            target = empty if name in READS and store.awaits_creation else store
            answer: dict[str, Any]
            if name not in (*READS, *WRITES):
                answer = {"error": f"no such call: {name}"}
            else:
                try:
                    answer = {"result": getattr(target, name)(**call["arguments"])}
                except Exception as error:  # noqa: BLE001  the edge: the owner raises it as its own
                    answer = {"error": f"{type(error).__name__}: {error}"}
                    code = getattr(error, "error_code", None)
                    if code in REFUSALS:
                        answer["refused"] = code
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
