"""Metrics and parameters of commits, by DVC's own API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mlws.dvc.repo import open_repo


class CommitMeasures(NamedTuple):
    """Parsed metrics and parameters of a commit, by file.

    ``is_complete``: every file could be read. The content of one that DVC tracks may be missing.
    """

    metrics: Mapping[str, Any]
    params: Mapping[str, Any]
    is_complete: bool


def read_measures(root: Path, commits: Sequence[str]) -> dict[str, CommitMeasures]:
    """Return the metrics and parameters of commits; none where the files of DVC are invalid.

    No remote is opened: only git and the cache are read. Raises the errors of :func:`.open_repo`.
    """
    with open_repo(root) as repo:
        from dvc.config import NoRemoteError

        def get_remote(*_: Any, **__: Any) -> Any:
            raise NoRemoteError("not used here")

        # Settings of an old commit may name a slow remote, or one that asks for a password.
        repo.cloud.get_remote = get_remote
        results = [
            show(revs=list(commits), hide_workspace=True)
            for show in (repo.metrics.show, repo.params.show)
        ]
    measures = {}
    for commit in commits:
        parts = [result.get(commit, {}) for result in results]
        rows = [part.get("data", {}) for part in parts]
        files = [{path: row["data"] for path, row in own.items() if "data" in row} for own in rows]
        is_complete = all("error" not in row for own in rows for row in own.values())
        measures[commit] = CommitMeasures(files[0], files[1], is_complete)
    return measures
