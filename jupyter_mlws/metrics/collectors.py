"""The lab's numbers in Prometheus' format: kernels, executions, runs, commits, requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import REGISTRY, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from jupyter_mlws.core.errors import MLWSError
from jupyter_mlws.notebooks.execution import Outcome
from jupyter_mlws.notebooks.history import ExecutionStart
from jupyter_mlws.workspace import Workspace

CONTENT_TYPE = CONTENT_TYPE_LATEST
DURATION_BUCKETS = (0.1, 0.5, 1, 5, 10, 60, 300, 1800)
"""Bounds of how long an execution takes."""


@dataclass(frozen=True)
class _GaugeValues:
    """Values of the gauges at one moment."""

    kernels: Mapping[str, int]
    runs: Mapping[str, int]
    nodes: Mapping[str, int]
    commits: int


class LabCollector:
    """Counts executions as they end, and gathers all other metrics on demand.

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

    def ended(self, _: ExecutionStart, outcome: Outcome) -> None:
        """Count an execution that has ended."""
        if outcome.duration is not None:
            self._executions.labels(outcome.status.value).observe(outcome.duration)

    def written(self) -> bytes:
        """Return all metrics, with Jupyter Server's own of requests, kernels and terminals."""
        gauge_registry = CollectorRegistry(auto_describe=False)
        gauge_registry.register(_GaugeCollector(self._now()))
        texts: list[bytes] = [
            generate_latest(one) for one in (REGISTRY, self._registry, gauge_registry)
        ]
        return b"".join(texts)

    def _now(self) -> _GaugeValues:
        from jupyter_mlws.git.adapter import Git

        runs: Counter[str] = Counter()
        nodes: Counter[str] = Counter()
        commits = 0
        for workspace in self._workspaces():
            try:
                counts = workspace.runs.journal.counts()
                git = Git(workspace.project.root)
                if head := git.find("HEAD"):
                    commits += int(git.run("rev-list", "--count", head))
            except MLWSError:
                continue  # removed while it is open here
            runs.update(counts[0])
            nodes.update(counts[1])
        return _GaugeValues(Counter(self._kernels()), runs, nodes, commits)


class _GaugeCollector(Collector):
    def __init__(self, now: _GaugeValues) -> None:
        self._now = now

    def collect(self) -> Iterator[Metric]:
        yield _gauge_family(
            "mlws_lab_kernels", "Kernels by what they do.", "state", self._now.kernels
        )
        yield _gauge_family(
            "mlws_lab_runs", "Runs of workflows by state.", "status", self._now.runs
        )
        yield _gauge_family("mlws_lab_nodes", "Nodes of runs by state.", "status", self._now.nodes)
        yield GaugeMetricFamily(
            "mlws_lab_commits", "Commits below HEAD, of the projects in use.", self._now.commits
        )


def _gauge_family(name: str, text: str, label: str, counts: Mapping[str, int]) -> Metric:
    row = GaugeMetricFamily(name, text, labels=[label])
    for value, count in sorted(counts.items()):
        row.add_metric([value], count)
    return row
