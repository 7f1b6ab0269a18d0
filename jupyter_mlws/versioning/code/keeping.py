"""Keeps code that is about to go in a commit that only a hidden ref names."""

from __future__ import annotations

from collections.abc import Iterable

from jupyter_mlws.project import Project
from jupyter_mlws.versioning.git.adapter import Git
from jupyter_mlws.versioning.git.private_index import private_index
from jupyter_mlws.versioning.snapshots.restore import SAFETY, moment


def keep_code(project: Project, git: Git, paths: Iterable[str], before: str) -> str:
    """Commit the working tree's ``paths``, over what the index holds; the commit."""
    head = git.find("HEAD")
    with private_index(project, Git) as private:
        private.add(sorted(paths))
        message = f"Before: {before}"
        sha = private.commit_tree(private.write_tree(), [head] if head else [], message)
    git.update_ref(f"refs/mlws/{SAFETY}{moment()}", sha, None, "safety")
    return sha
