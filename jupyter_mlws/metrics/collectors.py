"""The lab's metrics in Prometheus' format: kernels, executions, runs, commits and requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client import REGISTRY, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from jupyter_mlws.notebooks.execution import Outcome
from jupyter_mlws.notebooks.history import ExecutionStart
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import MLWSError

CONTENT_TYPE = CONTENT_TYPE_LATEST
DURATION_BUCKETS = (0.1, 0.5, 1, 5, 10, 60, 300, 1800)
"""Buckets of the duration of an execution, in seconds."""


class LabCollector(Collector):
    """Counts executions when they end, and collects all other metrics on demand.

    ``kernels`` returns the execution state of every kernel, ``workspaces`` the open ones. Reading
    is blocking; counting must happen on the event loop.
    """

    def __init__(
        self,
        kernels: Callable[[], Sequence[str]],
        workspaces: Callable[[], Sequence[Workspace]],
    ) -> None:
        self._kernels = kernels
        self._workspaces = workspaces
        self._registry = CollectorRegistry()
        self._executions = Histogram(
            "mlws_lab_execution_seconds",
            "How long executions of cells took, by how they ended.",
            ["status"],
            buckets=DURATION_BUCKETS,
            registry=self._registry,
        )
        self._registry.register(self)

    def ended(self, _: ExecutionStart, outcome: Outcome) -> None:
        """Count an execution that has ended."""
        if outcome.duration is not None:
            self._executions.labels(outcome.status.value).observe(outcome.duration)

    def render(self) -> bytes:
        """Return all metrics, with Jupyter Server's own of requests, kernels and terminals."""
        texts: list[bytes] = [generate_latest(one) for one in (REGISTRY, self._registry)]
        return b"".join(texts)

    def collect(self) -> Iterator[Metric]:
        """Yield the current gauges."""
        from jupyter_mlws.git.adapter import Git
        from jupyter_mlws.workflows.journal.history import RunHistory

        runs: Counter[str] = Counter()
        nodes: Counter[str] = Counter()
        commits = 0
        for workspace in self._workspaces():
            try:
                counts = RunHistory(workspace.runs.journal).counts()
                git = Git(workspace.project.root)
                if head := git.find("HEAD"):
                    commits += int(git.run("rev-list", "--count", head))
            except MLWSError:
                continue  # The project was deleted.
            runs.update(counts[0])
            nodes.update(counts[1])
        kernels = Counter(self._kernels())
        yield _gauge_family("mlws_lab_kernels", "Kernels by what they do.", "state", kernels)
        yield _gauge_family("mlws_lab_runs", "Runs of workflows by state.", "status", runs)
        yield _gauge_family("mlws_lab_nodes", "Nodes of runs by state.", "status", nodes)
        yield GaugeMetricFamily(
            "mlws_lab_commits", "Commits below HEAD, of the projects in use.", commits
        )


def _gauge_family(name: str, text: str, label: str, counts: Mapping[str, int]) -> Metric:
    row = GaugeMetricFamily(name, text, labels=[label])
    for value, count in sorted(counts.items()):
        row.add_metric([value], count)
    return row
