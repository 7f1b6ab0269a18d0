"""Keeps code that is about to go in a commit that only a hidden ref names."""

from __future__ import annotations

import json
from collections.abc import Collection

from jupyter_mlws.core.project import Project
from jupyter_mlws.git.adapter import Git
from jupyter_mlws.git.commits import commit_tree
from jupyter_mlws.git.index import private_index
from jupyter_mlws.git.refs import update_ref
from jupyter_mlws.versioning.worktree.restore import (
    SAFETY,
    SAFETY_MESSAGE_PREFIX,
    unique_timestamp,
)


def message_before(command: str, paths: Collection[str]) -> str:
    """The message of a safety commit: what it was made before, and for which paths."""
    return f"{SAFETY_MESSAGE_PREFIX}{command}\n\n{json.dumps(sorted(paths))}\n"


def keep_code(project: Project, git: Git, paths: Collection[str], before: str) -> str:
    """Commit the working tree's ``paths``, over what the index holds; the commit."""
    head = git.find("HEAD")
    with private_index(project) as private:
        private.add(sorted(paths))
        parents = [head] if head else []
        sha = commit_tree(private, private.write_tree(), parents, message_before(before, paths))
    update_ref(git, f"refs/mlws/{SAFETY}{unique_timestamp()}", sha, None, "safety")
    return sha
