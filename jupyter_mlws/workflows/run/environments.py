"""The environments of runs, and what differs between those of two runs."""

from __future__ import annotations

from collections.abc import Mapping

from jupyter_mlws.environments.models import PackageChange
from jupyter_mlws.environments.record import differences
from jupyter_mlws.workflows.journal.history import RunHistory
from jupyter_mlws.workflows.models import (
    EnvironmentChange,
    RunEnvironment,
    RunEnvironments,
)
from jupyter_mlws.workflows.run.packages import imports_of
from jupyter_mlws.workflows.run.runs import Runs
from mlws.core.errors import MLWSError
from mlws.document.parse import Stage


class RunEnvironmentReader:
    """Reads the environments of one project's runs. Thread-safe.

    That of a node which did not run is the one in which its result was made.
    """

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    @property
    def _history(self) -> RunHistory:
        # Not kept: the journal is opened at its first use, and again after a run was started.
        return RunHistory(self._runs.journal)

    def read(self, path: str, run: str, previous: str | None) -> RunEnvironments:
        """Return the environments of a run, and what changed since ``previous``.

        Raises WorkflowItemNotFoundError if one of the runs does not exist.
        """
        identifier = self._runs.id_of(path, run)
        if previous is not None:
            previous = self._runs.id_of(path, previous)
        ids = self._ids(identifier)
        records = self._history.environments(set(ids.values()))
        return RunEnvironments(
            run=identifier,
            previous=previous,
            environments=[
                RunEnvironment.from_object(
                    record, nodes=[node for node, one in ids.items() if one == key]
                )
                for key, record in records.items()
            ],
            changes=self.changes(path, previous, identifier) if previous else [],
        )

    def changes(self, path: str, before: str, after: str) -> list[EnvironmentChange]:
        """Return what differs for the nodes whose environments are known in both runs."""
        old, new = self._ids(before), self._ids(after)
        pairs: dict[tuple[str, str], list[str]] = {}
        for node, identifier in new.items():
            if node in old and old[node] != identifier:
                pairs.setdefault((old[node], identifier), []).append(node)
        records = self._history.environments({one for pair in pairs for one in pair})
        stages = self._stages(path, after) if pairs else {}
        root = self._runs.registry.root
        changes = []
        for (one, other), nodes in pairs.items():
            if one in records and other in records:
                first = [name for n in nodes if n in stages for name in imports_of(root, stages[n])]
                packages = [
                    PackageChange.of(change)
                    for change in differences(records[one], records[other], first)
                ]
                changes.append(EnvironmentChange(nodes=nodes, packages=packages))
        return changes

    def _ids(self, run: str) -> dict[str, str]:
        """Return the ID of each node's environment."""
        records = self._runs.journal.node_records(run)
        outputs = {node: record.get("outputs") or {} for node, record in records.items()}
        makers = self._history.result_environments(outputs)
        return {
            node: identifier
            for node, record in records.items()
            if (identifier := record.get("environment") or makers.get(node)) is not None
        }

    def _stages(self, path: str, run: str) -> Mapping[str, Stage]:
        try:
            return self._runs.graph(path, run).by_id
        except (MLWSError, OSError):
            # Without the text of that run, packages are in alphabetical order.
            return {}
