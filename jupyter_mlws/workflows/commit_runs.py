"""Commits as rows of the table of runs: those at which the metrics of DVC differ.

A project that was run without us has its results in its commits: `dvc.yaml` names the files with
metrics and parameters.
"""

from __future__ import annotations

import json
import posixpath
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from jupyter_mlws.core.schemas import Page
from jupyter_mlws.git.adapter import decode
from jupyter_mlws.git.refs import tags
from jupyter_mlws.versioning.experiments.models import ExperimentRun, RunKind
from jupyter_mlws.versioning.repository import Repository, RepositoryPart
from jupyter_mlws.workflows.tracking import metrics, run_summary
from mlws.core.atomic import atomic_write
from mlws.core.errors import DVCNotInitializedError
from mlws.dvc.measures import CommitMeasures, read_measures
from mlws.dvc.pointers import PIPELINE_FILE
from mlws.engine.states import Status

MAX_COMMITS = 100
"""Latest commits that are read; each takes DVC some hundredths of a second."""
MAX_TAGS = 50
CACHE_FILE = "commit-metrics.json"
CACHE_FORMAT = 1
FILES = (PIPELINE_FILE, "dvc.lock")
"""Names of files whose changes may change metrics or parameters, in any folder."""
FORMAT = "--format=%H%x1f%cI%x1f%s"


class _Commit(NamedTuple):
    sha: str
    timestamp: str
    subject: str


class CommitRuns(RepositoryPart):
    """The commits of one project as runs. Thread-safe."""

    def __init__(self, repository: Repository) -> None:
        super().__init__(repository)
        self._lock = threading.Lock()
        self._cache_path = self._project.state / CACHE_FILE

    def list(self) -> Page[ExperimentRun]:
        """Return tags and the latest commits whose metrics differ from the commit before.

        Newest first. Empty for a project without DVC. Raises DVCUnavailableError, DVCConfigError.
        """
        head = self._git.find("HEAD")
        if head is None:
            return Page(items=[])
        with self._lock, suppress(DVCNotInitializedError):
            cached = self._read_cache()
            newest = self._measures([head], cached)[head]
            # The files with metrics are those of HEAD: git names the commits that changed them.
            paths = [*newest.metrics, *newest.params] if newest.metrics else []
            if paths:
                entries = self._git.tree(head)
                paths += [one.path for one in entries if posixpath.basename(one.path) in FILES]
            history = self._log(f"--max-count={MAX_COMMITS}", head, "--", *paths)
            names: dict[str, list[str]] = {}
            for tag in tags(self._git)[:MAX_TAGS]:
                names.setdefault(tag.sha, []).append(tag.name)
            tagged = self._log("--no-walk=unsorted", *names, "--") if names else []
            commits = {commit.sha: commit for commit in [*history, *tagged]}
            measures = self._measures(list(commits), cached)
            self._write_cache(measures)
            items = []
            before: CommitMeasures | None = None
            for commit in reversed(history):
                own = measures[commit.sha]
                if own.metrics:
                    if before is None or own.metrics != before.metrics:
                        items.append(commit.sha)
                    before = own
            chosen = {*items, *names}
            rows = [
                _to_run(commits[sha], names.get(sha, []), measures[sha])
                for sha in commits
                if sha in chosen and measures[sha].metrics
            ]
            return Page(items=sorted(rows, key=lambda run: run.started or "", reverse=True))
        return Page(items=[])

    def _log(self, *arguments: str) -> Sequence[_Commit]:
        text = decode(self._git.run("log", FORMAT, *arguments))
        return [_Commit(*line.split("\x1f", 2)) for line in text.split("\n") if line]

    def _measures(
        self, commits: Sequence[str], cached: Mapping[str, CommitMeasures]
    ) -> dict[str, CommitMeasures]:
        """Return the metrics of commits, of which those in ``cached`` are not read again."""
        unknown = [sha for sha in commits if sha not in cached]
        others = read_measures(self._root, unknown) if unknown else {}
        return {sha: cached[sha] for sha in commits if sha in cached} | others

    def _read_cache(self) -> dict[str, CommitMeasures]:
        try:
            stored = json.loads(self._cache_path.read_bytes())
            if stored["format"] != CACHE_FORMAT:
                return {}
            rows = stored["commits"].items()
            return {sha: CommitMeasures(row[0], row[1], is_complete=True) for sha, row in rows}
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            # Not there yet, or damaged: the commits are read again.
            return {}

    def _write_cache(self, measures: Mapping[str, CommitMeasures]) -> None:
        rows = {sha: row[:2] for sha, row in measures.items() if row.is_complete}
        with suppress(TypeError, OSError):
            # A file may hold what JSON cannot, such as a date; on a full disk nothing is cached.
            text = json.dumps({"format": CACHE_FORMAT, "commits": rows})
            atomic_write(self._cache_path, text)


def _to_run(commit: _Commit, names: Sequence[str], measures: CommitMeasures) -> ExperimentRun:
    title = ", ".join(names) or commit.subject
    params: dict[str, Any] = {}
    for path, content in measures.params.items():
        for name, value in run_summary.flat(content):
            params[f"{path}:{name}" if name in params else name] = value
    return ExperimentRun(
        id=None,
        run=commit.sha,
        kind=RunKind.COMMIT,
        workflow=None,
        status=Status.COMPLETED,
        started=commit.timestamp,
        duration=None,
        params=json.loads(json.dumps(params, default=str)),
        metrics=metrics.merge_metrics(
            (path, metrics.flat(content)) for path, content in measures.metrics.items()
        ),
        commit=commit.sha,
        name=title,
        title=title,
    )
