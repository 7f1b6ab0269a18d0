"""Workflow runs in MLflow: a run for each, with its nodes nested in it. Helper process only.

Recording is idempotent: tags identify a run, and values that are there stay.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_mlws.mlflow.registry import MLflowRegistry
from jupyter_mlws.mlflow.run_tags import NODE, PARENT, RUN, SET, SYSTEM_METRICS
from jupyter_mlws.mlflow.store import STATUSES, iter_items, name_of

JSON = Mapping[str, Any]


class MLflowRuns(MLflowRegistry):
    """A store that workflow runs are recorded in."""

    def record(self, experiment: str, run: str, records: Sequence[JSON]) -> dict[str, Any]:
        """Update MLflow's runs from the records.

        Returns the ids of the ``experiment`` and, by node, of the ``runs``.

        A record has ``node`` (empty for the run itself, which comes before its nodes and, with its
        end, after them), ``name``, ``tags``, ``params``, ``metrics``, ``start`` and ``end`` (epoch
        seconds; no end while it runs) and ``status``. ``texts``: files to store, by path.
        ``samples``: system metrics, of which those are added that the run does not have.
        """
        place = self._experiment(experiment)
        condition = f"tags.`{RUN}` = '{run}'"
        runs_by_node = {
            node_run.data.tags.get(NODE, ""): node_run
            for node_run in iter_items(self._client.search_runs, [place], condition)
        }
        open_nodes = {
            node for node, node_run in runs_by_node.items() if node_run.info.status == "RUNNING"
        }
        for record in records:
            node = record["node"]
            node_run = runs_by_node.get(node)
            if node_run is None:
                parent = {} if node == "" else {NODE: node, PARENT: runs_by_node[""].info.run_id}
                node_run = self._client.create_run(
                    place,
                    start_time=round(record["start"] * 1000),
                    tags={**record["tags"], **parent, RUN: run},
                    run_name=record["name"],
                )
            runs_by_node[node] = node_run
            if record.get("samples"):
                self._log_samples(node_run, record["samples"])
            if record["end"] is None:
                continue
            self._finish_run(node_run, record)
            open_nodes.discard(node)
            if node == "":
                # Asked for by nodes that never came to run.
                for left in open_nodes:
                    self._client.set_terminated(runs_by_node[left].info.run_id, "KILLED")
        runs = {record["node"]: str(runs_by_node[record["node"]].info.run_id) for record in records}
        return {"experiment": place, "runs": runs}

    def begin_run(
        self, experiment: str, name: str | None, tags: Mapping[str, str], params: JSON
    ) -> dict[str, str]:
        """Begin a run; return its id and that of its experiment."""
        place = self._experiment(experiment)
        moment = round(time.time() * 1000)
        run = self._client.create_run(place, start_time=moment, tags=dict(tags), run_name=name)
        self._log_values(run.info.run_id, params, {}, moment)
        return {"id": str(run.info.run_id), "experiment": place}

    def end_run(self, run: str, status: str, tags: Mapping[str, str]) -> None:
        """End a run, also one that its own code ended already.

        A run that its code ended as successful may have failed after that.
        """
        self._log_values(run, {}, {}, 0, tags)
        self._client.set_terminated(run, STATUSES.get(status, status))

    def update_runs(
        self, ids: Sequence[str], tags: Mapping[str, str | None], name: str | None = None
    ) -> None:
        """Set the tags of runs, or remove those that are None; ``name`` renames them."""
        values = {key: value for key, value in tags.items() if value is not None}
        for identifier in ids:
            if name is not None:
                self._client.update_run(identifier, name=name)
            self._log_values(identifier, {}, {}, 0, values)
            there = self._client.get_run(identifier).data.tags
            # MLflow rejects the removal of a tag that is not there.
            for key in there.keys() & (tags.keys() - values.keys()):
                self._client.delete_tag(identifier, key)

    def delete_runs(self, ids: Sequence[str]) -> None:
        """Mark runs as deleted, which keeps their values and artifacts."""
        for identifier in ids:
            self._client.delete_run(identifier)

    def restore_runs(self, ids: Sequence[str]) -> None:
        """Restore runs that were deleted."""
        for identifier in ids:
            self._client.restore_run(identifier)

    def _finish_run(self, run: Any, record: JSON) -> None:
        """Add the values that are known at the end of a run.

        Values that the node's own code logged take precedence: its parameters cannot be changed,
        and its curves must not end with a value of ours.
        """
        identifier, moment = run.info.run_id, round(record["end"] * 1000)
        there = run.data
        self._log_values(
            identifier,
            {k: v for k, v in record["params"].items() if name_of(k) not in there.params},
            {k: v for k, v in record["metrics"].items() if name_of(k) not in there.metrics},
            moment,
            {k: v for k, v in record["tags"].items() if there.tags.get(k) != v},
        )
        for path, text in record.get("texts", {}).items():
            self._client.log_text(identifier, text, path)
        status = record["status"]
        self._client.set_terminated(identifier, STATUSES.get(status, status), moment)

    def _log_samples(self, run: Any, samples: Sequence[JSON]) -> None:
        """Add the samples of system metrics that come after those that a run has.

        A run whose system metrics are not ours has those of MLflow's own logger, and gets no more.
        """
        identifier, tags = run.info.run_id, run.data.tags
        name = next(iter(samples[0]["values"]))
        last = max(
            (metric.step for metric in self._client.get_metric_history(identifier, name)),
            default=-1,
        )
        if last >= 0 and SYSTEM_METRICS not in tags:
            return
        # With the first values, so that no other process takes them for another logger's.
        mark = {} if SYSTEM_METRICS in tags else {SYSTEM_METRICS: SET}
        values = [
            (key, value, round(sample["time"] * 1000), sample["step"])
            for sample in samples
            if sample["step"] > last
            for key, value in sample["values"].items()
        ]
        self._log_steps(identifier, values, mark)
