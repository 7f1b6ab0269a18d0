"""Lineage graph of snapshots, runs, models, data and workflow nodes.

It needs no annotations: commits name runs in their trailers, runs name their commit and their data
by hash, model versions name their run, and workflows name the dependencies and outputs of nodes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from jupyter_mlws.core.errors import VersionItemNotFoundError
from jupyter_mlws.git.history import LogQuery, list_commits
from jupyter_mlws.mlflow.client import RefusedError
from jupyter_mlws.versioning.experiments.titles import (
    NO_PEERS,
    Peers,
    group_of,
    read_peers,
    title_of,
)
from jupyter_mlws.versioning.lineage.models import (
    Lineage,
    LineageEdge,
    LineageKind,
    LineageNode,
    LineageQuery,
)
from jupyter_mlws.versioning.lineage.workflows import NodeUse, consumers, node_uses, producers
from jupyter_mlws.versioning.publishing.publish import TRAILER_RUN
from jupyter_mlws.versioning.repository import Repository, RepositoryPart
from mlws.core.errors import Fault, InvalidRequestError
from mlws.core.i18n import Message

COMMITS = 10_000
"""Commits whose trailers are read."""
RUNS = 200
"""Runs that are followed from one node."""
BAD_START = Message("must be model:NAME:VERSION, run:ID, dataset:PATH or snapshot:COMMIT")

Step = tuple[LineageNode, str]
"""A neighbour and the relation to it."""


class LineageReader(RepositoryPart):
    """Reader of the lineage of one project's items, for one query: it caches what it reads."""

    def __init__(self, repository: Repository) -> None:
        super().__init__(repository)
        self._tracking = repository.tracking
        self._runs: dict[str, Mapping[str, Any] | None] = {}
        self._peers: dict[tuple[str | None, str | None], Peers] = {}

    def read(self, query: LineageQuery) -> Lineage:
        """Return what an item was made from and what was made from it.

        Raises MLflowFailedError, VersionItemNotFoundError, InvalidRequestError for ``of``.
        """
        start = self._start(query.of)
        nodes = {start.id: start}
        edges: dict[tuple[str, str], str] = {}
        is_truncated = False
        for neighbours, forward in ((self._sources, False), (self._results, True)):
            waiting = deque([start])
            seen_ids = {start.id}
            while waiting:
                node = waiting.popleft()
                for other, relation in neighbours(node):
                    if other.id not in nodes and len(nodes) >= query.limit:
                        is_truncated = True
                        continue
                    nodes.setdefault(other.id, other)
                    pair = (node.id, other.id) if forward else (other.id, node.id)
                    edges.setdefault(pair, relation)
                    if other.id not in seen_ids:
                        seen_ids.add(other.id)
                        waiting.append(other)
        return Lineage(
            of=start.id,
            nodes=list(nodes.values()),
            edges=[
                LineageEdge(source=source, target=target, relation=relation)
                for (source, target), relation in edges.items()
            ],
            truncated=is_truncated,
        )

    def _sources(self, node: LineageNode) -> Iterator[Step]:
        """Yield the items that the node was made from."""
        if node.kind is LineageKind.MODEL:
            run = self._run(node.facts.get("run"))
            if run is not None:
                yield self._run_node(run), "logged"
        elif node.kind is LineageKind.RUN and (run := self._run(node.facts["id"])) is not None:
            commit = self._commit(run["commit"])
            if commit is not None:
                yield commit, "code"
            if run["params"]:
                params = sorted(run["params"].items())
                label = ", ".join(f"{key}={value}" for key, value in params[:3])
                facts = dict(run["params"])
                yield _node(LineageKind.PARAMS, f"params:{run['id']}", label, facts), "parameters"
            for path, md5 in run["inputs"].items():
                yield _dataset(path, md5), "read"
            for path, md5 in run["data"].items():
                yield _dataset(path, md5), "held"
            if run["workflow"] and run["node"]:
                yield _workflow_node(run["workflow"], run["node"]), "ran"
            if run["run"] and not run["node"]:
                for part in self._search(f"tags.`mlws.run` = '{_plain(run['run'])}'"):
                    if part["node"]:
                        yield self._run_node(part), "part"
        elif node.kind is LineageKind.DATASET:
            path, md5 = node.facts["path"], node.facts["md5"]
            for run in self._naming("outputs", path, md5):
                yield self._run_node(run), "wrote"
            if self._now.get(path) == md5:
                for use in producers(self._uses, path):
                    yield _workflow_node(use.workflow, use.node), "makes"
        elif node.kind is LineageKind.SNAPSHOT and node.facts.get("asked"):
            # Only of the start: a run did not use all data of its commit.
            for item in self._content.data_at(node.facts["commit"]):
                if item.md5:
                    yield _dataset(item.path, item.md5), "holds"
        elif node.kind is LineageKind.NODE:
            workflow_node = self._use(node)
            for path in workflow_node.deps if workflow_node else ():
                if path in self._now:
                    yield _dataset(path, self._now[path]), "needs"

    def _results(self, node: LineageNode) -> Iterator[Step]:
        """Yield the items that were made from the node."""
        if node.kind is LineageKind.RUN and (run := self._run(node.facts["id"])) is not None:
            for version in self._tracking.ask("versions_of", run=run["id"]):
                yield _model(version), "logged"
            for path, md5 in run["outputs"].items():
                yield _dataset(path, md5), "wrote"
            for sha in self._named_by.get(run["id"], ()):
                commit = self._commit(sha)
                if commit is not None:
                    yield commit, "recorded"
            parent = self._run(run["parent"])
            if parent is not None:
                yield self._run_node(parent), "part"
        elif node.kind is LineageKind.DATASET:
            path, md5 = node.facts["path"], node.facts["md5"]
            for run in self._naming("inputs", path, md5):
                yield self._run_node(run), "read"
            for run in self._naming("data", path, md5):
                yield self._run_node(run), "held"
            if self._now.get(path) == md5:
                for use in consumers(self._uses, path):
                    yield _workflow_node(use.workflow, use.node), "needs"
        elif node.kind is LineageKind.SNAPSHOT:
            sha = node.facts["commit"]
            for run in self._search(f"tags.`mlflow.source.git.commit` = '{sha}'"):
                yield self._run_node(run), "code"
        elif node.kind is LineageKind.NODE:
            workflow_node = self._use(node)
            for path in workflow_node.outs if workflow_node else ():
                if path in self._now:
                    yield _dataset(path, self._now[path]), "makes"

    def _start(self, of: str) -> LineageNode:
        kind, _, rest = of.partition(":")
        if kind == "model" and rest:
            name, colon, number = rest.rpartition(":")
            try:
                if colon and number.isascii() and number.isdigit() and len(number) < 10:
                    version = self._tracking.ask("version", name=name, number=int(number))
                else:
                    version = self._tracking.ask("model", name=rest)["newest"]
            except RefusedError as error:
                raise VersionItemNotFoundError(kind="model version", name=rest) from error
            if version is None:
                raise VersionItemNotFoundError(kind="model version", name=rest)
            return _model(version)
        if kind == "run" and rest:
            run = self._run(rest)
            if run is None:
                raise VersionItemNotFoundError(kind="run", name=rest)
            return self._run_node(run)
        if kind == "dataset" and rest:
            path, at, md5 = rest.rpartition("@")
            path, md5 = (path, md5) if at else (rest, self._now.get(rest, ""))
            if not md5:
                raise VersionItemNotFoundError(kind="dataset", name=rest)
            return _dataset(path, md5)
        if kind == "snapshot" and rest:
            node = self._commit(self._git.resolve(rest))
            assert node is not None
            return node.model_copy(update={"facts": {**node.facts, "asked": True}})
        raise InvalidRequestError(faults=[Fault("of", BAD_START)])

    def _run(self, identifier: str | None) -> Mapping[str, Any] | None:
        if not identifier:
            return None
        if identifier not in self._runs:
            self._runs[identifier] = self._tracking.ask("find_run", identifier=identifier)
        return self._runs[identifier]

    def _run_node(self, run: Mapping[str, Any]) -> LineageNode:
        keys = ("id", "run", "node", "workflow", "status", "started", "metrics", "dirty")
        group = group_of(run)
        if group not in self._peers and not run["node"]:
            self._peers[group] = Peers.of(read_peers(self._tracking, *group))
        title = title_of(run, self._peers.get(group, NO_PEERS))
        label = run["node"] or run["name"] or run["id"][:8]
        facts = {**{key: run[key] for key in keys}, "title": title}
        return _node(LineageKind.RUN, f"run:{run['id']}", label, facts)

    def _search(self, condition: str) -> list[Mapping[str, Any]]:
        runs: list[Mapping[str, Any]] = self._tracking.ask(
            "search", filter=condition, sort=[], limit=RUNS, cursor=None, nested=True
        )["items"]
        for run in runs:
            self._runs.setdefault(run["id"], run)
        return runs

    def _naming(self, tag: str, path: str, md5: str) -> Iterator[Mapping[str, Any]]:
        """Yield the runs whose tag names a dataset in exactly this version."""
        for run in self._search(f"tags.`mlws.{tag}` LIKE '%{_plain(md5)}%'"):
            if run[tag].get(path) == md5:
                yield run

    def _commit(self, sha: str | None) -> LineageNode | None:
        if not sha or self._git.find(sha) is None:
            return None
        (commit,) = list_commits(self._git, LogQuery(sha, limit=1))
        label = f"{commit.sha[:8]} {commit.subject}"
        facts = {"commit": commit.sha, "author": commit.author, "timestamp": commit.timestamp}
        return _node(LineageKind.SNAPSHOT, f"snapshot:{commit.sha}", label, facts)

    def _use(self, node: LineageNode) -> NodeUse | None:
        key = (node.facts["workflow"], node.facts["node"])
        return next((use for use in self._uses if (use.workflow, use.node) == key), None)

    @cached_property
    def _uses(self) -> list[NodeUse]:
        return node_uses(self._git)

    @cached_property
    def _now(self) -> dict[str, str]:
        """The data as recorded in the working tree, by path."""
        return {item.path: item.md5 for item in self._content.data_now() if item.md5}

    @cached_property
    def _named_by(self) -> dict[str, list[str]]:
        """The snapshots whose trailers name a run, by run."""
        shas_by_run: dict[str, list[str]] = {}
        query = LogQuery("--all", text=f"{TRAILER_RUN}:", limit=COMMITS)
        for commit in list_commits(self._git, query):
            for run in commit.trailers.get(TRAILER_RUN, []):
                shas_by_run.setdefault(run, []).append(commit.sha)
        return shas_by_run


def _plain(text: str) -> str:
    """Return ``text`` without quotes and wildcards, for a string in MLflow's filter language."""
    return text.replace("'", "").replace("%", "")


def _node(kind: LineageKind, identifier: str, label: str, facts: Mapping[str, Any]) -> LineageNode:
    return LineageNode(id=identifier, kind=kind, label=label, facts=dict(facts))


def _model(version: Mapping[str, Any]) -> LineageNode:
    name, number = version["name"], version["version"]
    facts = {key: version[key] for key in ("name", "version", "run", "metrics", "aliases")}
    return _node(LineageKind.MODEL, f"model:{name}:{number}", f"{name} {number}", facts)


def _dataset(path: str, md5: str) -> LineageNode:
    facts = {"path": path, "md5": md5}
    return _node(LineageKind.DATASET, f"dataset:{path}@{md5}", path, facts)


def _workflow_node(workflow: str, node: str) -> LineageNode:
    facts = {"workflow": workflow, "node": node}
    return _node(LineageKind.NODE, f"node:{workflow}#{node}", node, facts)
