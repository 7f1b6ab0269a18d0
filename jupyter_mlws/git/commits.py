"""Creation of commits: identity, hooks, trailers, and the commit object."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from jupyter_mlws.core.errors import (
    GitIdentityMissingError,
    HookRejectedError,
    SigningFailedError,
)
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.git.adapter import Git, GitFailedError, decode
from jupyter_mlws.git.process import run_process

HOOK_TIMEOUT = 600.0
"""Seconds for a hook, which may run checks of the whole project."""


def check_identity(git: Git) -> None:
    """Raise GitIdentityMissingError unless an author and a committer are configured.

    They are never guessed from the machine's names.
    """
    for name in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
        try:
            git.attempt("-c", "user.useConfigOnly=true", "var", name)
        except GitFailedError as error:
            raise GitIdentityMissingError() from error


def set_identity(git: Git, name: str, email: str) -> None:
    """Write the person's name and address into git's configuration of their home folder.

    Not into the repository's, which others may share.
    """
    for key, value in (("user.name", name), ("user.email", email)):
        git.run("config", "--global", key, value)


def run_hook(git: Git, name: str, *arguments: str) -> None:
    """Run the repository's hook ``name`` if it has one; HookRejectedError if it refuses."""
    path = git.root / git.path(f"hooks/{name}")
    if not os.access(path, os.X_OK) or not path.is_file():
        return
    environment = {**git.variables(), "GIT_EDITOR": ":"}
    command = [str(path), *arguments]
    try:
        result = run_process(command, git.root, environment, timeout=HOOK_TIMEOUT)
    except subprocess.TimeoutExpired:
        reason = Message("timed out after {seconds:g} s", seconds=HOOK_TIMEOUT)
        raise HookRejectedError(hook=name, reason=reason) from None
    if result.returncode != 0:
        message = (result.stderr + result.stdout).decode(errors="replace").strip()[-2000:]
        raise HookRejectedError(hook=name, reason=message)


def add_trailers(git: Git, message: str, trailers: Sequence[tuple[str, str]]) -> str:
    """Return ``message`` with the trailers in its last paragraph."""
    rows = [part for key, value in trailers for part in ("--trailer", f"{key}: {value}")]
    arguments = ("interpret-trailers", "--no-divider", "--if-exists", "addIfDifferent")
    return git.run(*arguments, *rows, stdin=message.encode()).decode()


def commit_tree(
    git: Git, tree: str, parents: Sequence[str], message: str, *, sign: bool = False
) -> str:
    """Create a commit object that no ref names yet; SigningFailedError if it can't be signed."""
    arguments = ["commit-tree", *(["-S"] if sign else []), tree]
    for parent in parents:
        arguments += ["-p", parent]
    try:
        output = git.attempt(*arguments, "-F", "-", stdin=message.encode())
    except GitFailedError as error:
        if sign:
            raise SigningFailedError(command=error.command, reason=error.reason) from error
        raise error.to_mlws_error() from error
    return decode(output).strip()
