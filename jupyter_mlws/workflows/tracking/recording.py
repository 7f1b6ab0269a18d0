"""Records runs in MLflow from a thread, through a process of its own, so that no run waits for it.

The journal has everything. What MLflow did not take is sent again after a later run, and nothing
is recorded twice.
"""

from __future__ import annotations

import fcntl
import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from jupyter_mlws.mlflow.client import TrackingClient
from jupyter_mlws.mlflow.store import tracking_uri
from jupyter_mlws.workflows.journal.history import RunHistory
from jupyter_mlws.workflows.journal.store import Journal, Row, run_folder
from jupyter_mlws.workflows.tracking import records as mlflow_records
from mlws.core.errors import MLWSError
from mlws.core.project import Project
from mlws.engine.processes import start_time
from mlws.engine.states import Status
from mlws.engine.tracker import EXPERIMENT_VARIABLE, RUN_VARIABLE, RunIdCallback
from mlws.engine.usage import read_samples, usage_path

MAX_NODES_PER_CALL = 20
"""Nodes that are recorded before a node that waits for its id has its turn."""
MAX_EARLIER_RUNS = 200
"""Runs before this one that may not have been recorded."""
MAX_CATCH_UP_RUNS = 20
"""Of those, how many one run makes up for."""
CALL_TIMEOUT = 120.0
"""Seconds for one call: the first one imports MLflow, and may have to make its tables."""
FAILURE_PAUSE = 30.0
"""Seconds in which MLflow is not asked again for the ids of nodes."""
LOCK_TIMEOUT = 60.0
"""Seconds to wait for another process that records; after them, a later run does it."""
LOCK_POLL_INTERVAL = 0.1
HTTP_LIMITS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}
"""A server that is away is found to be so within seconds; MLflow's own limits are minutes."""

log = logging.getLogger(__name__)


class Recorder:
    """Records the runs of one project in MLflow, one after the other.

    The methods return at once. The MLflow process starts when it is first needed, and ends with
    :meth:`close`.
    """

    def __init__(self, project: Project) -> None:
        self.uri = tracking_uri(project.root)
        self._project = project
        self._journal = Journal(project)
        self._history = RunHistory(self._journal)
        self._client = TrackingClient(self.uri, project.state, HTTP_LIMITS)
        self._tasks: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._id_requests: queue.SimpleQueue[tuple[str, str, RunIdCallback]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._paused_until = 0.0

    def identify(self, run: str, node: str, answer: RunIdCallback) -> None:
        """Start the nested MLflow run of a node that is about to start."""
        self._id_requests.put((run, node, answer))
        self._submit(self._answer_id_requests)

    def publish_usage(self, run: str, node: str) -> None:
        """Send MLflow what a running node has used so far."""
        self._submit(partial(self._publish_usage, run, node))

    def record(self, run: str) -> None:
        """Record a run that has finished, and then earlier ones that are not recorded yet.

        Afterwards the journal has `recorded` for the run: true if MLflow has it (or does not need
        it), else false with `tracking_error`.
        """
        has_computed = self._history.has_computed(run)
        if not has_computed:
            # It would be a copy of an earlier experiment.
            self._journal.note(run, recorded=True)
        self._submit(lambda: self._record_all(run if has_computed else None))

    def take_over(self, run: str) -> None:
        """Record a run whose process ends.

        Clients that wait for its record then wait for this process.
        """
        self._journal.note(run, pid=os.getpid(), pid_start=start_time(os.getpid()))
        self.record(run)

    def close(self) -> None:
        """Complete all queued tasks, and end the MLflow process."""
        if self._thread is not None:
            self._tasks.put(None)
            self._thread.join()
            self._thread = None
        self._client.close()
        self._journal.close()

    # In the thread

    def _submit(self, task: Callable[[], None]) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="mlws-recorder", daemon=True)
            self._thread.start()
        self._tasks.put(task)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                task()
            except Exception:
                # The edge of this thread: a failure here must not fail a run.
                log.exception("Could not update MLflow")

    def _answer_id_requests(self) -> None:
        while True:
            try:
                run, node, answer = self._id_requests.get_nowait()
            except queue.Empty:
                return
            try:
                place = self._start_nested_run(run, node)
            except Exception as error:  # noqa: BLE001  the node waits for an answer
                self._paused_until = time.monotonic() + FAILURE_PAUSE
                answer(None, error)
            else:
                answer(place, None)

    def _start_nested_run(self, run: str, node: str) -> dict[str, str]:
        if time.monotonic() < self._paused_until:
            raise TimeoutError("MLflow did not respond recently")
        row = self._journal.record(run)
        node_record = {**mlflow_records.running_record(row, node), "start": time.time()}
        response = self._send_records(row, [mlflow_records.running_record(row), node_record])
        # A second run that the code begins itself is in the same experiment, at least.
        return {RUN_VARIABLE: response["runs"][node], EXPERIMENT_VARIABLE: response["experiment"]}

    def _publish_usage(self, run: str, node: str) -> None:
        if time.monotonic() < self._paused_until:
            return
        row = self._journal.record(run)
        node_row = self._journal.node_records(run).get(node)
        if node_row is None or Status(node_row["status"]) is not Status.RUNNING:
            # All samples of a node that has ended are sent with the run.
            return
        record = {
            **mlflow_records.running_record(row, node),
            "start": node_row["started"],
            "samples": self._samples(run, node),
        }
        try:
            self._send_records(row, [mlflow_records.running_record(row), record])
        except (MLWSError, TimeoutError, OSError) as error:
            self._paused_until = time.monotonic() + FAILURE_PAUSE
            log.warning("Could not send what %s uses to MLflow: %s", node, error)

    def _samples(self, run: str, node: str) -> list[Row]:
        return list(read_samples(usage_path(run_folder(self._project, run), node)))

    def _record_all(self, run: str | None) -> None:
        """Record a run and the earlier ones that are missing, until MLflow fails."""
        if run is not None and not self._try_record(run):
            return
        for earlier_run in reversed(
            self._history.unrecorded_runs(MAX_EARLIER_RUNS)[:MAX_CATCH_UP_RUNS]
        ):
            if not self._history.has_computed(earlier_run):
                self._journal.note(earlier_run, recorded=True)
            elif not self._try_record(earlier_run):
                return

    def _try_record(self, run: str) -> bool:
        """Send a run to MLflow in parts, unless MLflow has it; return whether MLflow has it now."""
        try:
            with self._recording_lock(LOCK_TIMEOUT):
                row = self._journal.record(run)
                if row.get("recorded"):
                    # Another process has just done it.
                    return True
                nodes = self._journal.node_records(run)
                run_record = mlflow_records.running_record(row)
                environments = self._history.environments(
                    {node["environment"] for node in nodes.values() if node.get("environment")}
                )
                of_run = mlflow_records.of_run(row, nodes, environments)
                of_nodes = [
                    {**record, "samples": self._samples(run, record["node"])}
                    for record in mlflow_records.of_nodes(row, nodes)
                ]
                records = [*of_nodes, of_run]
                for start in range(0, len(records), MAX_NODES_PER_CALL):
                    part = [run_record, *records[start : start + MAX_NODES_PER_CALL]]
                    identifier = self._send_records(row, part)["runs"][""]
                    self._answer_id_requests()
                self._journal.set_run(
                    run, recorded=True, mlflow_run=identifier, tracking_error=None
                )
        except (MLWSError, TimeoutError, OSError) as error:
            log.warning("Could not record run %s in MLflow: %s", run, error)
            reason = str(error) or type(error).__name__
            self._journal.set_run(run, recorded=False, tracking_error=reason)
            return False
        return True

    def _send_records(self, row: Row, records: Sequence[Row]) -> Row:
        """Send records to MLflow; retry once if its process was killed."""
        arguments = {"experiment": row.get("experiment") or row["workflow"], "run": row["id"]}
        try:
            response = self._client.ask("record", CALL_TIMEOUT, **arguments, records=records)
        except MLWSError as error:
            if not isinstance(error.__cause__, (EOFError, BrokenPipeError)):
                raise
            response = self._client.ask("record", CALL_TIMEOUT, **arguments, records=records)
        return dict(response)

    @contextmanager
    def _recording_lock(self, patience: float) -> Iterator[None]:
        """Hold the lock that keeps two processes from recording the same run twice."""
        deadline = time.monotonic() + patience
        with (self._project.state / "tracking.lock").open("a") as file:
            while True:
                try:
                    fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise TimeoutError("another process is recording runs") from None
                    time.sleep(LOCK_POLL_INTERVAL)
            yield
