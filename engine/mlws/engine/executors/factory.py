"""Opens the executor that a run requests, and closes it after the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlws.core.project import Project
from mlws.engine.executor import Executor
from mlws.engine.executors import config
from mlws.engine.executors.local import LocalExecutor
from mlws.engine.graph import Stage
from mlws.engine.process_loop import ProcessLoop
from mlws.engine.resources import Amounts, refuse_oversized

if TYPE_CHECKING:
    from mlws.engine.process_loop import WarmWorkers


@dataclass(frozen=True)
class ExecutorContext:
    """Execution target of a run: parallel jobs, total resources and executor factory.

    Without resources or an executor, those of this machine are used.
    """

    jobs: int
    total: Amounts | None = None
    executor: Callable[[ProcessLoop], Executor] | None = None

    def open(self, loop: ProcessLoop, warm: WarmWorkers | None) -> Executor:
        """Return the executor that reports to ``loop``."""
        return self.executor(loop) if self.executor else LocalExecutor(loop, warm)


@contextmanager
def open_executor(
    executor: str, jobs: int, project: Project, run: str, stages: Sequence[Stage]
) -> Iterator[ExecutorContext]:
    """Open the target that ``executor`` names; ``jobs`` 0: as many as it has threads.

    Raises DaskUnreachableError, DaskNotInstalledError, WorkerMismatchError, NoWorkersError if the
    cluster is not available, NodeResourcesError for a node that fits none of its workers.
    """
    cluster = config.read(executor)
    if cluster is None:
        yield ExecutorContext(jobs)
        return
    from mlws.engine.executors.dask import DaskCluster, DaskExecutor

    with ExitStack() as stack:
        dask_cluster = DaskCluster(cluster, project.state, run)
        stack.callback(dask_cluster.close)
        refuse_oversized(stages, dask_cluster.largest)

        def make(loop: ProcessLoop) -> Executor:
            dask_executor = DaskExecutor(dask_cluster, loop.report, project.root, stages)
            stack.callback(dask_executor.close)
            return dask_executor

        yield ExecutorContext(jobs or dask_cluster.threads, dask_cluster.total, make)
