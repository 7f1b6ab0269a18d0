"""Runs the commands of nodes on the workers of a Dask cluster.

A handle is a number of this module. Workers report about a job by events, which come in order;
Dask's own result is used only for jobs that cannot report any more. All that blocks is done in
threads of this module.
"""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlws.core.errors import (
    DaskLostError,
    DaskNotInstalledError,
    DaskUnreachableError,
    MLWSError,
    NodeFailedError,
    NoWorkersError,
    RunStoppedError,
    WorkerMismatchError,
)
from mlws.core.i18n import Message
from mlws.engine.executor import (
    ExecutorFailure,
    Outcome,
    OutcomeCallback,
    Task,
    TaskFailure,
    WorkerLoss,
)
from mlws.engine.executors import dask_worker
from mlws.engine.executors.artifact_bundle import ArtifactBundler
from mlws.engine.executors.config import Cluster
from mlws.engine.executors.job import ArtifactBundle, Job, JobEvent, WorkerInfo, as_data
from mlws.engine.graph import Stage
from mlws.engine.processes import GRACE
from mlws.engine.resources import DEVICES, Amounts

CONNECT_TIMEOUT = 10.0
"""Seconds that a scheduler may take to answer."""
FIRST_WORKER_TIMEOUT = 30.0
"""Seconds that the first worker of a cluster may take to come."""
LATE_EVENT_TIMEOUT = 5.0
"""Seconds after which an event that should have come before will not come any more."""
CONNECTION_CLOSED = Message("the connection was closed")
DVC_VARIABLES = ("DVC_ROOT", "DVC_STAGE")
"""Variables that DVC gives to every stage."""


@dataclass
class _Submission:
    """A node that is submitted to the cluster."""

    handle: int
    key: str
    task: Task
    claim: Any = None
    future: Any = None
    worker: str = ""
    memory: int = 0
    stopped: bool = False
    end_received: bool = False


class DaskCluster:
    """The connection of one run to a cluster, and the resources of the cluster.

    Raises DaskUnreachableError if no scheduler answers, WorkerMismatchError if versions differ,
    NoWorkersError if no worker comes.
    """

    def __init__(self, cluster: Cluster, state: Path, run: str) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise DaskNotInstalledError() from None
        self.address = cluster.address
        self.run = run
        try:
            client = Client(cluster.address, timeout=CONNECT_TIMEOUT, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise DaskUnreachableError(address=cluster.address, reason=reason) from error
        self.client: Any = client
        try:
            workers = self._describe_workers(state / f"probe-{run}")
        except BaseException:
            self.close()
            raise
        everywhere = all(one.has_project_access for one in workers)
        self.shared = everywhere if cluster.shared is None else cluster.shared
        self.threads = sum(one.threads for one in workers)
        self.declared_resources = {name for one in workers for name in one.resources}
        self.largest = Amounts(
            float(max(one.threads for one in workers)),
            max(one.memory for one in workers),
            _devices(max(map(_gpus, workers))),
        )
        self.total = Amounts(
            float(self.threads),
            sum(one.memory for one in workers),
            _devices(sum(map(_gpus, workers))),
        )

    def close(self) -> None:
        """Close the connection; workers stop what still runs for this run."""
        with suppress(Exception):
            self.client.close(timeout=2)

    def _describe_workers(self, probe: Path) -> list[WorkerInfo]:
        try:
            self.client.wait_for_workers(1, timeout=FIRST_WORKER_TIMEOUT)
        except TimeoutError:
            raise NoWorkersError(address=self.address) from None
        token = secrets.token_hex(8)
        probe.write_text(token, encoding="utf-8")
        try:
            answers = self.client.run(dask_worker.describe, str(probe), token, on_error="return")
        except Exception as error:
            # What a worker without our package answers depends on the releases of Dask.
            raise WorkerMismatchError(worker=self.address, differences=str(error)) from error
        finally:
            probe.unlink(missing_ok=True)
        ours = dask_worker.versions()
        for worker, answer in answers.items():
            if not isinstance(answer, WorkerInfo):
                raise WorkerMismatchError(worker=worker, differences=f"jupyter-mlws: {answer}")
            differing = [
                f"{name} {answer.versions.get(name)} ≠ {version}"
                for name, version in ours.items()
                if answer.versions.get(name) != version
            ]
            if differing:
                raise WorkerMismatchError(worker=worker, differences=", ".join(differing))
        return list(answers.values())


class DaskExecutor:
    """Runs nodes as Dask tasks."""

    whole_nodes = True

    def __init__(
        self, cluster: DaskCluster, on_outcome: OutcomeCallback, root: Path, stages: Sequence[Stage]
    ) -> None:
        self._cluster = cluster
        self._client = cluster.client
        self._on_outcome = on_outcome
        self._token = secrets.token_hex(4)
        self._topic = f"mlws-{cluster.run}-{self._token}"
        self._numbers = itertools.count(1)
        self._lock = threading.Condition()
        self._submissions: dict[int, _Submission] = {}
        self._submissions_by_key: dict[str, _Submission] = {}
        self._threads = ThreadPoolExecutor(4, "mlws-dask")
        # One thread, as DVC's objects are for one.
        self._data = ThreadPoolExecutor(1, "mlws-parcels")
        self._root = root
        self._stages = stages
        self._bundler: ArtifactBundler | None = None
        self._code: Any = None
        self._client.subscribe_topic(self._topic, self._handle_event)

    def close(self) -> None:
        """Release what the run has in the cluster."""
        self._threads.shutdown()
        if self._bundler is not None:
            self._data.submit(self._bundler.close)
        self._data.shutdown()
        with suppress(Exception):
            self._client.unsubscribe_topic(self._topic)

    # The engine's side

    def start(self, task: Task) -> int:
        """Submit the commands of a node to the cluster, after its data if that is not shared."""
        handle = next(self._numbers)
        work = _Submission(handle, f"{task.cookie}-{self._token}", task)
        with self._lock:
            self._submissions[handle] = work
            self._submissions_by_key[work.key] = work
        (self._threads if self._cluster.shared else self._data).submit(self._submit, work)
        return handle

    def memory(self, handle: int) -> int:
        """Return the bytes that the worker reported last; 0 for a node that is not running."""
        work = self._submissions.get(handle)
        return work.memory if work else 0

    def session(self, handle: int) -> int | None:
        """Return None: the processes are the workers'."""
        return None

    def stop(self, cookies: Mapping[int, str]) -> None:
        """Ask the workers to stop these nodes; does not wait."""
        for handle in cookies:
            work = self._submissions.get(handle)
            if work is not None and not work.stopped:
                work.stopped = True
                self._threads.submit(self._stop, work)

    def abandon(self, handles: Sequence[int], run: str) -> None:
        """Stop what is left, and wait until it has ended."""
        self.stop(dict.fromkeys(handles, run))
        with self._lock:
            self._lock.wait_for(
                lambda: not self._submissions or self._client.status != "running", 2 * GRACE
            )

    # The cluster's side

    def _submit(self, work: _Submission) -> None:
        try:
            bundle = None if self._cluster.shared else self._open_bundler().pack(work.task.node)
        except MLWSError as error:
            self._end(work, TaskFailure(error))
            return
        except Exception as error:  # noqa: BLE001  the engine waits for an outcome
            reason = f"{type(error).__name__}: {error}"
            self._end(work, TaskFailure(RunStoppedError(reason=reason)))
            return
        if work.stopped:
            self._end(work, dask_worker.STOPPED_EXIT_CODE)
            return
        try:
            self._submit_job(work, bundle)
        except Exception as error:  # noqa: BLE001  each way to lose a scheduler has its own kind
            self._end(work, self._failure_outcome(work, str(error) or type(error).__name__))

    def _open_bundler(self) -> ArtifactBundler:
        if self._bundler is None:
            self._bundler = ArtifactBundler(self._root, self._stages)
        return self._bundler

    def _submit_job(self, work: _Submission, bundle: ArtifactBundle | None) -> None:
        from distributed import Queue

        task, command = work.task, work.task.command
        variables = {
            name: command.environment[name] for name in DVC_VARIABLES if name in command.environment
        }
        # Which devices a node gets is between the cluster and its workers.
        variables |= {name: v for name, v in task.variables.items() if name != DEVICES}
        job = Job(
            work.key,
            task.cookie,
            self._topic,
            command.arguments[task.line :],
            command.shown[task.line :],
            command.folder,
            variables,
            task.policy.memory is not None,
            str(task.log) if self._cluster.shared else None,
            bundle,
        )
        if bundle is not None and self._code is None:
            # The run's code as a task of its own: a worker gets it once; if that worker is lost,
            # it is made again from the scheduler's copy.
            key = f"mlws-code-{bundle.code}-{self._token}"
            self._code = self._client.submit(bytes, self._open_bundler().code, key=key)
        policy = task.policy
        wishes = {"cpu": policy.cpu, "memory": policy.memory or 0, "gpu": policy.gpu}
        amounts = {name: wishes.get(name.lower(), 0) for name in self._cluster.declared_resources}
        # What the first worker takes out; see `run_job`.
        work.claim = Queue(work.key, client=self._client)
        work.claim.put(1, timeout=CONNECT_TIMEOUT)
        work.future = self._client.submit(
            dask_worker.run_job,
            job,
            self._code,
            key=work.key,
            pure=False,
            resources={name: float(amount) for name, amount in amounts.items() if amount} or None,
        )
        work.future.add_done_callback(lambda future: self._handle_task_done(work, future))

    def _handle_event(self, event: tuple[float, Mapping[str, Any]]) -> None:
        """Handle an event of a job, in the thread of Dask's loop, which must not be blocked."""
        facts = event[1]
        work = self._submissions_by_key.get(facts["key"])
        if work is None:
            return
        news = JobEvent(facts["news"])
        if news is JobEvent.STARTED:
            work.worker = facts["worker"]
        elif news is JobEvent.PRINTED:
            with work.task.log.open("ab") as log:
                log.write(facts["data"])
        elif news is JobEvent.MEMORY:
            work.memory = facts["bytes"]
        work.end_received = news in (JobEvent.AGAIN, JobEvent.FAILED, JobEvent.ENDED)
        if news is JobEvent.AGAIN:
            self._end(work, WorkerLoss(work.worker))
        elif news is JobEvent.FAILED:
            self._end(work, TaskFailure(MLWSError.restore(facts["code"], facts["facts"])))
        elif facts.get("outs"):
            self._data.submit(self._fetch_outputs, work, facts)
        elif news is JobEvent.ENDED:
            self._end(work, facts["code"])

    def _fetch_outputs(self, work: _Submission, facts: Mapping[str, Any]) -> None:
        """Fetch the outputs of a node that ran elsewhere, then report its end."""
        assert self._bundler is not None
        try:
            self._bundler.unpack(as_data(facts["outs"]))
        except MLWSError as error:
            self._end(work, TaskFailure(error))
        except Exception as error:  # noqa: BLE001  the engine waits for an outcome
            self._end(work, TaskFailure(RunStoppedError(reason=str(error))))
        else:
            self._end(work, facts["code"])

    def _handle_task_done(self, work: _Submission, future: Any) -> None:
        """Handle the end of a Dask task.

        A job that ended by itself has reported that by an event before, or is about to.
        """
        if future.status == "finished":
            until = time.monotonic() + LATE_EVENT_TIMEOUT
            while not work.end_received and time.monotonic() < until:
                time.sleep(0.05)
        if work.end_received or work.handle not in self._submissions:
            return
        if future.status == "error":
            error = future.exception()
            if type(error).__name__ != "KilledWorker":
                reason = f"{type(error).__name__}: {error}"
                self._end(work, TaskFailure(NodeFailedError(node=work.task.node, exit_code=reason)))
                return
        self._end(work, self._failure_outcome(work, CONNECTION_CLOSED))

    def _failure_outcome(self, work: _Submission, reason: str | Message) -> Outcome:
        if self._client.status == "running":
            return WorkerLoss(work.worker)
        return ExecutorFailure(DaskLostError(address=self._cluster.address, reason=reason))

    def _stop(self, work: _Submission) -> None:
        """Stop a job on all workers, as it may move to another one at any moment."""
        try:
            answers = self._client.run(dask_worker.stop, work.key, on_error="ignore")
        except Exception as error:  # noqa: BLE001  each way to lose a scheduler has its own kind
            self._end(work, self._failure_outcome(work, str(error) or type(error).__name__))
            return
        nowhere = True not in answers.values() and work.worker not in answers
        if nowhere and work.future is not None:
            self._end(work, dask_worker.STOPPED_EXIT_CODE)

    def _end(self, work: _Submission, outcome: Outcome) -> None:
        """Report an outcome to the engine, once."""
        with self._lock:
            if self._submissions.pop(work.handle, None) is None:
                return
            self._submissions_by_key.pop(work.key, None)
            self._lock.notify_all()
        with suppress(Exception):
            if work.future is not None:
                work.future.release()
            if work.claim is not None:
                work.claim.close()
        self._on_outcome(work.handle, outcome)


def _gpus(one: WorkerInfo) -> int:
    return int(sum(amount for name, amount in one.resources.items() if name.lower() == "gpu"))


def _devices(count: int) -> tuple[str, ...]:
    return tuple(map(str, range(count)))
