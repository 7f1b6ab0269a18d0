"""Creation of commits: identity, hooks, trailers, and the commit object."""

from __future__ import annotations

import logging
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace

from jupyter_mlws.core.errors import (
    GitCommandError,
    GitIdentityMissingError,
    HookRejectedError,
    SigningFailedError,
)
from jupyter_mlws.git.adapter import Git, GitFailedError, decode
from jupyter_mlws.git.process import run_process
from mlws.core.errors import MLWSError
from mlws.core.i18n import Message

AUTHOR_LINE = re.compile(r"(.*?) ?<(.*)> (\d+ [+-]\d+)", re.DOTALL)
DAMAGED_AUTHOR = Message("its author is damaged")
OWN_TRAILERS = "Mlws-"
HOOK_TIMEOUT = 600.0
"""Seconds for a hook, which may run checks of the whole project."""

log = logging.getLogger(__name__)


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


def run_hook(git: Git, name: str, *arguments: str, stdin: str = "") -> None:
    """Run the repository's hook ``name`` if it has one; HookRejectedError if it refuses."""
    path = git.root / git.path(f"hooks/{name}")
    if not os.access(path, os.X_OK) or not path.is_file():
        return
    environment = {**git.variables(), "GIT_EDITOR": ":"}
    command = [str(path), *arguments]
    try:
        result = run_process(
            command, git.root, environment, stdin=stdin.encode(), timeout=HOOK_TIMEOUT
        )
    except subprocess.TimeoutExpired:
        reason = Message("timed out after {seconds:g} s", seconds=HOOK_TIMEOUT)
        raise HookRejectedError(hook=name, reason=reason) from None
    if result.returncode != 0:
        message = (result.stderr + result.stdout).decode(errors="replace").strip()[-2000:]
        raise HookRejectedError(hook=name, reason=message)


def run_late_hook(git: Git, name: str, *arguments: str, stdin: str = "") -> None:
    """Run a hook of something that is done, which it can't refuse any more."""
    try:
        run_hook(git, name, *arguments, stdin=stdin)
    except MLWSError as error:
        log.warning("%s", error)


def run_post_rewrite(git: Git, pairs: Sequence[tuple[str, str]], command: str) -> None:
    """Run the repository's `post-rewrite` hook for old and new commits."""
    lines = "".join(f"{old} {new}\n" for old, new in pairs)
    run_late_hook(git, "post-rewrite", command, stdin=lines)


def add_trailers(git: Git, message: str, trailers: Sequence[tuple[str, str]]) -> str:
    """Return ``message`` with the trailers in its last paragraph."""
    rows = [part for key, value in trailers for part in ("--trailer", f"{key}: {value}")]
    arguments = ("interpret-trailers", "--no-divider", "--if-exists", "addIfDifferent")
    return git.run(*arguments, *rows, stdin=message.encode()).decode()


def own_trailers(message: str) -> list[tuple[str, str]]:
    """Return the product's own trailers of a message: they name runs and environments."""
    lines = [line for line in message.split("\n") if line.startswith(OWN_TRAILERS)]
    return [(name, value) for name, _, value in (line.partition(": ") for line in lines)]


def without_trailers(message: str) -> str:
    """Return a message without the product's own trailers."""
    lines = [line for line in message.split("\n") if not line.startswith(OWN_TRAILERS)]
    return "\n".join(lines).strip()


@dataclass(frozen=True)
class Author:
    """Author of a commit; ``date`` is git's own: seconds since 1970 and the offset."""

    name: str
    email: str
    date: str


@dataclass(frozen=True)
class CommitObject:
    """A commit as git stores it."""

    sha: str
    parents: list[str]
    author: Author
    message: str

    @property
    def subject(self) -> str:
        return self.message.split("\n", 1)[0]


def read_commit(git: Git, sha: str) -> CommitObject:
    """Return a commit with its message as it is stored."""
    head, _, message = git.run("cat-file", "commit", sha).partition(b"\n\n")
    facts = [line.partition(" ") for line in decode(head).split("\n")]
    author = AUTHOR_LINE.fullmatch(next(value for name, _, value in facts if name == "author"))
    if author is None:
        raise GitCommandError(command=f"git cat-file commit {sha}", reason=DAMAGED_AUTHOR)
    person, email, date = author.groups()
    encoding = next((value for name, _, value in facts if name == "encoding"), "utf-8")
    try:
        text = message.decode(encoding)
    except (LookupError, UnicodeDecodeError):
        text = decode(message)
    parents = [value for name, _, value in facts if name == "parent"]
    return CommitObject(sha, parents, Author(person, email, date), text)


def is_signing(git: Git) -> bool:
    """Return whether git is configured to sign commits."""
    return git.setting("commit.gpgsign", "bool") == "true"


def commit_tree(
    git: Git,
    tree: str,
    parents: Sequence[str],
    message: str,
    *,
    sign: bool = False,
    author: Author | None = None,
) -> str:
    """Create a commit object that no ref names yet; SigningFailedError if it can't be signed.

    ``author``: by default the person whom git is configured for, now.
    """
    if author is not None:
        names = {"NAME": author.name, "EMAIL": author.email, "DATE": f"@{author.date}"}
        variables = {f"GIT_AUTHOR_{name}": value for name, value in names.items()}
        git = replace(git, environment={**git.environment, **variables})
    arguments = ["commit-tree", *(["-S"] if sign else []), tree]
    for parent in parents:
        arguments += ["-p", parent]
    try:
        output = git.attempt(*arguments, "-F", "-", stdin=message.encode(errors="surrogateescape"))
    except GitFailedError as error:
        if sign:
            raise SigningFailedError(command=error.command, reason=error.reason) from error
        raise error.to_mlws_error() from error
    return decode(output).strip()
