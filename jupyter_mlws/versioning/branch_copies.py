"""Safety copies of branches: hidden commits that keep what a branch was at."""

from __future__ import annotations

import json
from dataclasses import replace

from jupyter_mlws.core.ids import time_ordered_id
from jupyter_mlws.git.adapter import Git
from jupyter_mlws.git.commits import commit_tree
from jupyter_mlws.git.index import SERVICE_IDENTITY
from jupyter_mlws.git.refs import update_ref
from jupyter_mlws.versioning.worktree.restore import SAFETY, SAFETY_MESSAGE_PREFIX


def keep_tip(git: Git, ref: str, tip: str, command: str) -> str:
    """Keep the commit of a branch that ``command`` moves away from it; return the safety commit."""
    message = f"{SAFETY_MESSAGE_PREFIX}{command}\n\n{json.dumps({'branch': ref})}\n"
    service = replace(git, environment={**git.environment, **SERVICE_IDENTITY})
    sha = commit_tree(service, git.tree_of(tip), [tip], message)
    update_ref(git, f"refs/mlws/{SAFETY}{time_ordered_id()}", sha, None, "safety")
    return sha
