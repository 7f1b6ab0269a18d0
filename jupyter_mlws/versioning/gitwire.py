"""git's traffic with remotes: never asks a person, can be stopped, says who could not be reached.

A remote is always one that git is set up with, never an address from a request.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from jupyter_mlws.errors import MLWSError
from jupyter_mlws.versioning.git import Git, GitFailedError
from jupyter_mlws.versioning.gitrefs import HEADS, REMOTES

ANSWER_TIMEOUT = 60.0
"""Seconds for a remote to say what it has."""
TRANSFER_TIMEOUT = 6 * 3600.0
"""Seconds for the largest repository; a transfer that stands still is ended by git long before."""
STALLED = ("-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=60")
UNATTENDED = {"SSH_ASKPASS_REQUIRE": "never", "GCM_INTERACTIVE": "never"}
"""No window may ask for a password where nobody sits."""

Wanted = Callable[[], None]
"""Called again and again; raises when the traffic is not wanted any more."""


def tip_at(git: Git, remote: str, branch: str, wanted: Wanted) -> str | None:
    """The commit that the remote's branch is at, None where it has none; error 30101."""
    ref = f"{HEADS}{branch}"
    output = _call(
        git, remote, ANSWER_TIMEOUT, wanted, "ls-remote", "--quiet", "--", remote, ref
    ).decode(errors="surrogateescape")
    rows = [line.partition("\t") for line in output.splitlines()]
    # `ls-remote` takes a pattern: other refs may end in the same name.
    return next((sha for sha, _, name in rows if name == ref), None)


def fetch(git: Git, remote: str, branch: str, wanted: Wanted) -> str:
    """Bring the remote's branch here; the commit that it is at. Error 30101."""
    kept = f"{REMOTES}{remote}/{branch}"
    options = ("--quiet", "--no-write-fetch-head", "--")
    refspec = f"+{HEADS}{branch}:{kept}"
    _call(git, remote, TRANSFER_TIMEOUT, wanted, "fetch", *options, remote, refspec)
    return git.resolve(kept)


def push(git: Git, remote: str, sha: str, branch: str, wanted: Wanted) -> None:
    """Move the remote's branch forward to ``sha``.

    Errors: 30101, 30213 where it has commits that ``sha`` lacks, 30216 where it refuses.
    """
    refspec = f"{sha}:{HEADS}{branch}"
    arguments = ("push", "--porcelain", "--", remote, refspec)
    output = _call(git, remote, TRANSFER_TIMEOUT, wanted, *arguments, codes=(0, 1))
    rows = [row.split("\t") for row in output.decode(errors="replace").splitlines()]
    verdicts = [row for row in rows if len(row) == 3]
    for flag, _, summary in verdicts:
        if flag != "!":
            return
        if summary.startswith("[rejected]"):
            raise MLWSError("30213", remote=remote, branch=branch)
        raise MLWSError("30216", remote=remote, branch=branch, reason=summary)
    raise MLWSError("30216", remote=remote, branch=branch, reason="a hook here refused the push")


def _call(
    git: Git,
    remote: str,
    timeout: float,
    wanted: Wanted,
    *arguments: str,
    codes: tuple[int, ...] = (0,),
) -> bytes:
    wanted()
    unattended = replace(git, environment={**git.environment, **UNATTENDED})
    try:
        return unattended.attempt(*STALLED, *arguments, codes=codes, timeout=timeout, wanted=wanted)
    except GitFailedError as error:
        raise MLWSError("30101", remote=remote, reason=error.reason) from error
