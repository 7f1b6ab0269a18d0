"""Opens what a run asks for to run its nodes, and closes it when the run is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from jupyter_mlws.core.project import Project
from jupyter_mlws.workflows.document import Stage
from jupyter_mlws.workflows.executors import config
from jupyter_mlws.workflows.executors.executor import Executor, Tell
from jupyter_mlws.workflows.resources import Amounts, refuse_oversized


@dataclass(frozen=True)
class Place:
    """Where a run's nodes run: how many at once, what there is, and who makes its executor;
    None: this machine's."""

    jobs: int
    total: Amounts | None = None
    executor: Callable[[Tell], Executor] | None = None


@contextmanager
def opened(
    executor: str, jobs: int, project: Project, run: str, stages: Sequence[Stage]
) -> Iterator[Place]:
    """The place that ``executor`` names; ``jobs`` 0: as many as there are threads.

    Errors: 40106, 40108 to 40110 where the cluster cannot be had, 40102 for a node that fits
    none of its workers.
    """
    cluster = config.read(executor)
    if cluster is None:
        yield Place(jobs)
        return
    from jupyter_mlws.workflows.executors.dask import DaskCluster, DaskExecutor

    with ExitStack() as stack:
        known = DaskCluster(cluster, project.state, run)
        stack.callback(known.close)
        refuse_oversized(stages, known.largest)

        def make(tell: Tell) -> Executor:
            made = DaskExecutor(known, tell, project.root, stages)
            stack.callback(made.close)
            return made

        yield Place(jobs or known.threads, known.total, make)
