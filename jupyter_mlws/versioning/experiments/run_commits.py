"""Commit of the working tree for a run: HEAD, or a new commit on a hidden ref.

The user's index, HEAD and files do not change. The commit has the files that git has, or would
have with the next snapshot; the run's record names DVC's data by hash.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_mlws.git.adapter import Git
from jupyter_mlws.git.commits import commit_tree
from jupyter_mlws.git.history import LogQuery, list_commits
from jupyter_mlws.git.index import private_index, uncommitted_paths
from jupyter_mlws.git.refs import list_refs
from jupyter_mlws.mlflow.bundles import RUN_ID
from jupyter_mlws.versioning.data_index import large_file_threshold
from jupyter_mlws.versioning.publishing.publish import TRAILER_RUN
from mlws.core.project import Project

REFS = "refs/mlws/runs/"
MAX_RUN_REFS = 200
"""Hidden refs that are kept; git's garbage collection removes the commits of older runs."""
PRUNE_BATCH_SIZE = 20
"""Number of further refs that may exist before the oldest are removed."""


@dataclass(frozen=True)
class RunCommit:
    """The commit that a run starts from; ``dirty``: it was created for the run.

    ``sha`` is None only if nothing was ever committed and there is nothing to commit.
    """

    sha: str | None
    dirty: bool


def commit_worktree(project: Project, run: str) -> RunCommit:
    """Commit the state of the working tree for a run; GitCommandError if git fails."""
    git = Git(project.root)
    status = git.status()
    has_untracked = any(entry.state == "untracked" for entry in status.entries)
    limit = large_file_threshold(git) if has_untracked else 0
    paths = sorted(uncommitted_paths(project.root, status, limit))
    if not paths:
        return RunCommit(status.head, dirty=False)
    with private_index(project) as private:
        private.add(paths)
        tree = private.write_tree()
        if status.head is not None and tree == git.tree_of(status.head):
            # The working tree undoes what is staged.
            return RunCommit(status.head, dirty=False)
        parents = [status.head] if status.head else []
        sha = commit_tree(private, tree, parents, f"Working tree of run {run}\n")
    git.run("update-ref", f"{REFS}{run}", sha)
    return RunCommit(sha, dirty=True)


def available_commit(git: Git, run: Mapping[str, Any]) -> str | None:
    """Return the commit of a run of MLflow if it is here, else a snapshot that names the run.

    The commit of a run with uncommitted changes is only in the clone where it ran. A snapshot that
    names the run has the same workflow and inputs.
    """
    if run["commit"] and git.find(run["commit"]) is not None:
        return str(run["commit"])
    return naming_snapshot(git, run)


def naming_snapshot(git: Git, run: Mapping[str, Any]) -> str | None:
    """Return the newest snapshot that names a run of MLflow, or the run that it is within."""
    for identifier in filter(RUN_ID.fullmatch, (run["id"], run.get("parent") or "")):
        query = LogQuery("--all", text=f"{TRAILER_RUN}: {identifier}", limit=1)
        for commit in list_commits(git, query):
            return commit.sha
    return None


def prune(project: Project) -> None:
    """Remove the hidden refs of all but the newest runs; ids of runs begin with their time."""
    git = Git(project.root)
    names = sorted(list_refs(git, REFS))
    if len(names) > MAX_RUN_REFS + PRUNE_BATCH_SIZE:
        commands = "".join(f"delete {name}\n" for name in names[:-MAX_RUN_REFS])
        git.run("update-ref", "--stdin", stdin=commands.encode())
