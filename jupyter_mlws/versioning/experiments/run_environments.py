"""The environments in which the nodes of runs ran."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from jupyter_mlws.environments.record import Environment
from jupyter_mlws.environments.store import load, makers
from jupyter_mlws.versioning.experiments.run_commits import available_commit, naming_snapshot
from jupyter_mlws.versioning.repository import Repository
from jupyter_mlws.versioning.snapshots.environments import environments_at


def run_environments(repository: Repository, run: Mapping[str, Any]) -> list[Environment]:
    """Return the environments in which the run's nodes ran, that of the most nodes first.

    Without a record of the nodes, those that a snapshot with the run, or else its commit, names.
    """
    nodes: dict[str, Any] = {}
    if run["run"] and repository.project.has_database():
        with closing(repository.project.database()) as database:
            query = "SELECT node, record FROM nodes WHERE run = ?"
            nodes = {
                row["node"]: json.loads(row["record"])
                for row in database.execute(query, (run["run"],))
                if run["node"] in (None, row["node"])
            }
    if not nodes:
        # Not of a workflow, or of another clone.
        commit = naming_snapshot(repository.git, run) or available_commit(repository.git, run)
        return environments_at(repository.git, commit) if commit else []
    with closing(repository.project.database()) as database:
        files = {name: [*(one.get("outputs") or {}).items()] for name, one in nodes.items()}
        environments = makers(database, [file for one in files.values() for file in one])
        ids = Counter(
            identifier
            for name, node in nodes.items()
            # A node that did not run has the environment in which its result was made.
            for identifier in {
                node.get("environment") or next(map(environments.get, files[name]), None)
            }
            if identifier
        )
        records = load(database, ids)
    return [records[identifier] for identifier, _ in ids.most_common() if identifier in records]
