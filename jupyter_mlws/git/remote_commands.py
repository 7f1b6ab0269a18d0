"""git commands that use a remote: cancellable, with credentials from ``RemoteSession.ask``.

A remote is always one that git is set up with, never an address from a request; but for a clone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from jupyter_mlws.core.errors import (
    NAME_TOO_LONG,
    GitCredentialsError,
    PushRejectedError,
    RemoteAheadError,
)
from jupyter_mlws.git.adapter import Git, GitFailedError, decode
from jupyter_mlws.git.credentials import Credentials
from jupyter_mlws.git.refs import HEADS, REMOTES, TAGS
from mlws.core.errors import RemoteUnreachableError
from mlws.core.i18n import Message
from mlws.core.secrets import mask_credentials

ANSWER_TIMEOUT = 60.0
"""Seconds for a remote to say what it has."""
TRANSFER_TIMEOUT = 6 * 3600.0
"""Seconds for the largest repository; a transfer that stands still is ended by git long before."""
LOW_SPEED_OPTIONS = ("-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=60")
HOOK_REFUSED = Message("a local hook rejected the push")
AUTH_FAILURE_MESSAGES = (
    "Authentication failed",
    "Permission denied",
    "HTTP Basic: Access denied",
    "error: 403",
)
"""In what git says of credentials that a remote did not take."""

CancelCheck = Callable[[], None]
"""Called again and again; raises when the traffic is not wanted any more."""


@dataclass(frozen=True)
class RemoteSession:
    """Context of one operation on a remote: its cancellation check and its credentials."""

    wanted: CancelCheck
    credentials: Credentials = field(default_factory=lambda: Credentials(None))


def tips_at(git: Git, remote: str, refs: Sequence[str], line: RemoteSession) -> dict[str, str]:
    """Return the objects of those of the refs that the remote has.

    Raises RemoteUnreachableError or GitCredentialsError.
    """
    arguments = ("ls-remote", "--quiet", "--", remote, *refs)
    output = decode(_run_git(git, remote, ANSWER_TIMEOUT, line, *arguments))
    rows = [row.partition("\t") for row in output.splitlines()]
    # `ls-remote` takes patterns: other refs may end in the same names.
    return {name: sha for sha, _, name in rows if name in refs}


def fetch(git: Git, remote: str, branch: str, line: RemoteSession) -> str:
    """Fetch the remote's branch, and return its commit.

    Raises RemoteUnreachableError or GitCredentialsError.
    """
    tracking_ref = f"{REMOTES}{remote}/{branch}"
    fetch_ref(git, remote, f"{HEADS}{branch}", tracking_ref, line)
    return git.resolve(tracking_ref)


def fetch_ref(git: Git, remote: str, ref: str, local_ref: str, line: RemoteSession) -> None:
    """Fetch a ref of the remote to a ref of this repository.

    Raises RemoteUnreachableError or GitCredentialsError.
    """
    options = ("--quiet", "--no-write-fetch-head", "--")
    refspec = f"+{ref}:{local_ref}"
    _run_git(git, remote, TRANSFER_TIMEOUT, line, "fetch", *options, remote, refspec)


def fetch_all(git: Git, remote: str, line: RemoteSession, *, prune: bool) -> None:
    """Fetch all branches of the remote, and the tags on them.

    Raises RemoteUnreachableError or GitCredentialsError.
    """
    options = ("--quiet", "--no-write-fetch-head", "--prune" if prune else "--no-prune", "--")
    refspec = f"+{HEADS}*:{REMOTES}{remote}/*"
    _run_git(git, remote, TRANSFER_TIMEOUT, line, "fetch", *options, remote, refspec)


def fetch_again(git: Git, remote: str, line: RemoteSession) -> None:
    """Fetch everything that the remote has, even what exists here.

    Raises RemoteUnreachableError or GitCredentialsError.
    """
    options = ("--refetch", "--quiet", "--no-write-fetch-head", "--")
    _run_git(git, remote, TRANSFER_TIMEOUT, line, "fetch", *options, remote)


def clone(git: Git, address: str, target: str, line: RemoteSession) -> None:
    """Clone the repository at ``address`` to ``target``.

    Raises RemoteUnreachableError or GitCredentialsError.
    """
    arguments = ("clone", "--quiet", "--", address, target)
    _run_git(git, mask_credentials(address), TRANSFER_TIMEOUT, line, *arguments)


def push(git: Git, remote: str, sha: str, branch: str, line: RemoteSession) -> None:
    """Move the remote's branch forward to ``sha``.

    Raises RemoteUnreachableError, GitCredentialsError, RemoteAheadError where it has commits that
    ``sha`` lacks, PushRejectedError where it refuses.
    """
    _push(git, remote, branch, line, f"{sha}:{HEADS}{branch}")


def push_tag(git: Git, remote: str, name: str, line: RemoteSession) -> None:
    """Push a tag to the remote; errors as those of :func:`push`."""
    _push(git, remote, name, line, f"{TAGS}{name}:{TAGS}{name}")


def push_ref(git: Git, remote: str, sha: str, ref: str, line: RemoteSession) -> None:
    """Move any ref of the remote forward to ``sha``; errors as those of :func:`push`."""
    _push(git, remote, ref, line, f"{sha}:{ref}")


def _push(git: Git, remote: str, branch: str, line: RemoteSession, refspec: str) -> None:
    arguments = ("push", "--porcelain", "--", remote, refspec)
    output = _run_git(git, remote, TRANSFER_TIMEOUT, line, *arguments, codes=(0, 1))
    rows = [row.split("\t") for row in output.decode(errors="replace").splitlines()]
    verdicts = [row for row in rows if len(row) == 3]
    for flag, _, summary in verdicts:
        if flag != "!":
            return
        if summary.startswith("[rejected]"):
            raise RemoteAheadError(remote=remote, branch=branch)
        raise PushRejectedError(remote=remote, branch=branch, reason=summary)
    raise PushRejectedError(remote=remote, branch=branch, reason=HOOK_REFUSED)


def _run_git(
    git: Git,
    remote: str,
    timeout: float,
    line: RemoteSession,
    *arguments: str,
    codes: tuple[int, ...] = (0,),
) -> bytes:
    line.wanted()
    timeout += line.credentials.patience
    try:
        with line.credentials.serving() as environment:
            asking = replace(git, environment={**git.environment, **environment})
            return asking.attempt(
                *LOW_SPEED_OPTIONS,
                *arguments,
                codes=codes,
                timeout=timeout,
                check_canceled=line.wanted,
            )
    except GitFailedError as error:
        if NAME_TOO_LONG in error.reason:
            raise error.to_mlws_error() from error
        is_refused = any(part in error.reason for part in AUTH_FAILURE_MESSAGES)
        failure = GitCredentialsError if is_refused else RemoteUnreachableError
        raise failure(remote=remote, reason=error.reason) from error
