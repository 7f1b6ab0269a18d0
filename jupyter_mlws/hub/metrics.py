"""The service's numbers in Prometheus' format: machines, the queue, every container."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from jupyter_mlws.containers.budgets import BudgetUse, Meter, UsageItem
from jupyter_mlws.containers.models import Container, ContainerStatus, ResourceReport, Volume

CONTENT_TYPE = CONTENT_TYPE_LATEST
KINDS = {"cpu": "cores", "memory": "bytes", "gpu": "devices"}


class _UsageCollector(Collector):
    def __init__(self, usage: Iterable[UsageItem], budgets: Iterable[BudgetUse]) -> None:
        self._usage = list(usage)
        self._budgets = list(budgets)

    def collect(self) -> Iterator[Metric]:
        """Yield the usage of this month and the budgets of users and groups."""
        labels = ["kind", "name"]
        for meter in Meter:
            used = GaugeMetricFamily(
                f"mlws_usage_{meter.value}", f"{meter.value} of this month in UTC.", labels=labels
            )
            for item in self._usage:
                used.add_metric([item.kind.value, item.name], getattr(item, meter.value))
            yield used
            limit = GaugeMetricFamily(
                f"mlws_budget_{meter.value}", f"Budget of {meter.value} a month.", labels=labels
            )
            for budget in self._budgets:
                if budget.meter is meter:
                    limit.add_metric([budget.kind.value, budget.name], budget.hours)
            yield limit


class _HubCollector(Collector):
    def __init__(
        self, report: ResourceReport, containers: Iterable[Container], volumes: Iterable[Volume]
    ) -> None:
        self._report = report
        self._volumes = list(volumes)
        self._containers = list(containers)

    def collect(self) -> Iterator[Metric]:
        """Yield nodes, queue, states and usage."""
        for what in ("capacity", "allocated", "used"):
            for kind, unit in KINDS.items():
                row = GaugeMetricFamily(
                    f"mlws_node_{kind}_{what}_{unit}",
                    f"{kind} of a machine: {what}.",
                    labels=["node"],
                )
                for node in self._report.nodes:
                    row.add_metric([node.name], getattr(getattr(node, what), kind))
                yield row
        yield from self._storage()
        yield GaugeMetricFamily(
            "mlws_queue_length", "Containers waiting for resources.", len(self._report.queue)
        )
        counts = Counter(container.status for container in self._containers)
        states = GaugeMetricFamily("mlws_containers", "Containers by state.", labels=["status"])
        for status in ContainerStatus:
            states.add_metric([status.value], counts[status])
        yield states
        names = ["id", "user"]
        cpu = GaugeMetricFamily("mlws_container_cpu_cores", "Cores in use.", labels=names)
        most = GaugeMetricFamily("mlws_container_cpu_limit_cores", "Cores allowed.", labels=names)
        memory = GaugeMetricFamily("mlws_container_memory_bytes", "Bytes in use.", labels=names)
        limit = GaugeMetricFamily(
            "mlws_container_memory_limit_bytes", "Bytes allowed.", labels=names
        )
        restarts = GaugeMetricFamily(
            "mlws_container_restarts", "Restarts by Docker after a fault.", labels=names
        )
        for one in self._containers:
            labels = [one.id, one.user]
            restarts.add_metric(labels, one.restarts)
            if one.usage is not None:
                amount = one.resources.amount
                cpu.add_metric(labels, one.usage.cpu)
                most.add_metric(labels, amount.cpu)
                memory.add_metric(labels, one.usage.memory)
                limit.add_metric(labels, amount.memory)
        yield from (cpu, most, memory, limit, restarts)

    def _storage(self) -> Iterator[Metric]:
        """Yield the disks of machines, and the homes of users."""
        for what, about in (
            ("total", "Bytes of the disk with volumes and images."),
            ("free", "Bytes free on that disk."),
            ("reserve", "Bytes that are kept free: below them, no container starts."),
        ):
            row = GaugeMetricFamily(f"mlws_node_disk_{what}_bytes", about, labels=["node"])
            for node in self._report.nodes:
                if node.disk is not None:
                    row.add_metric([node.name], getattr(node.disk, what))
            yield row
        size = GaugeMetricFamily(
            "mlws_home_bytes", "Bytes of a user's home when measured last.", labels=["user"]
        )
        quota = GaugeMetricFamily("mlws_home_quota_bytes", "Bytes allowed.", labels=["user"])
        for volume in self._volumes:
            if volume.trashed_at is None and volume.size is not None:
                size.add_metric([volume.user], volume.size)
                if volume.quota is not None:
                    quota.add_metric([volume.user], volume.quota)
        yield from (size, quota)


def format_metrics(
    report: ResourceReport,
    containers: Iterable[Container],
    volumes: Iterable[Volume],
    usage: Iterable[UsageItem],
    budgets: Iterable[BudgetUse],
) -> bytes:
    """Return the metrics in Prometheus' format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_HubCollector(report, containers, volumes))
    registry.register(_UsageCollector(usage, budgets))
    text: bytes = generate_latest(registry)
    return text
