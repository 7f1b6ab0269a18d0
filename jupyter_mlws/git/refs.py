"""Refs and remotes as git has them: names, tips, upstream branches."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_mlws.core.errors import BranchMovedError, CommitPushedError
from jupyter_mlws.git.adapter import Git, GitFailedError, decode
from mlws.core.i18n import Message
from mlws.core.secrets import mask_credentials

HEADS, REMOTES, TAGS = "refs/heads/", "refs/remotes/", "refs/tags/"
STASHES = "refs/stash"
"""The newest stash; its reflog has the others."""
LONGEST = 200
"""Bytes of one part of a name, which becomes a file's name."""
FIELDS = (
    "refname",
    "objectname",
    "HEAD",
    "upstream",
    "upstream:track,nobracket",
    "worktreepath",
    "committerdate:iso-strict",
    "symref",
    "contents:subject",
)

TAG_FIELDS = (
    "refname",
    "objecttype",
    "objectname",
    "*objectname",
    "*objecttype",
    "taggername",
    "taggeremail",
    "creatordate:iso-strict",
    "contents",
    "*contents:subject",
    "contents:subject",
)

EXISTS = Message("already exists")
NO_NAME = Message("is not a name that git allows")
TOO_LONG = Message("has a part longer than {limit} bytes")


@dataclass(frozen=True)
class BranchRef:
    """A branch; ``remote`` is None for those of this repository, whose ``name`` has no prefix.

    ``ahead`` and ``behind`` count commits against ``upstream``; None where that is gone.
    ``elsewhere``: another worktree has it checked out.
    """

    name: str
    remote: str | None
    sha: str
    current: bool
    upstream: str | None
    ahead: int | None
    behind: int | None
    elsewhere: bool
    timestamp: str
    subject: str


@dataclass(frozen=True)
class TagRef:
    """A tag of a commit; ``message`` and ``tagger`` are None where git keeps no object for it."""

    name: str
    sha: str
    message: str | None
    tagger: str | None
    timestamp: str
    subject: str


@dataclass(frozen=True)
class RemoteRef:
    """A remote; passwords in the addresses are masked."""

    name: str
    url: str
    push_url: str


def current_branch(git: Git) -> str | None:
    """Return the ref that HEAD points to (``refs/heads/…``, maybe unborn); None if detached."""
    return decode(git.run("symbolic-ref", "--quiet", "HEAD", codes=(0, 1))).strip() or None


def list_refs(git: Git, prefix: str) -> dict[str, str]:
    """Return every ref below ``prefix`` with the object that it points to."""
    output = git.run("for-each-ref", "--format=%(refname)%00%(objectname)", "--", prefix)
    rows = [line.partition("\0") for line in decode(output).splitlines()]
    return {name: sha for name, _, sha in rows}


def update_ref(git: Git, name: str, new: str, old: str | None, reason: str) -> bool:
    """Move ``name`` from ``old`` (None: not there yet) to ``new``; False if it had moved."""
    try:
        # An empty old value: the ref must not be there yet.
        arguments = ("--create-reflog", "--no-deref", "-m", reason, name, new, old or "")
        git.attempt("update-ref", *arguments)
    except GitFailedError as error:
        if git.find(name) != old:
            return False
        raise error.to_mlws_error() from error
    return True


def move_branch(git: Git, ref: str, new: str, old: str | None, reason: str) -> None:
    """Move a branch as :func:`update_ref` does; BranchMovedError if another process moved it."""
    if not update_ref(git, ref, new, old, reason):
        raise BranchMovedError(branch=ref.removeprefix(HEADS))


def delete_ref(git: Git, name: str) -> None:
    """Delete ``name``; no error if it does not exist."""
    git.run("update-ref", "-d", name)


def fault_of_name(git: Git, name: str) -> Message | None:
    """Return why git's own rules forbid ``name`` for a branch or tag; None if they allow it."""
    means_a_commit = name in ("HEAD", "@") or re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", name)
    if means_a_commit or name.startswith("-") or "\0" in name:
        return NO_NAME
    if any(len(part.encode(errors="surrogateescape")) > LONGEST for part in name.split("/")):
        return TOO_LONG.fill(limit=LONGEST)
    try:
        git.attempt("check-ref-format", f"{HEADS}{name}")
    except GitFailedError:
        return NO_NAME
    return None


def branches(git: Git) -> list[BranchRef]:
    """Return the branches of this repository and, as last fetched, of its remotes; newest first."""
    form = "%00".join(f"%({field})" for field in FIELDS) + "%00"
    output = git.run(
        "for-each-ref", "--sort=-committerdate", f"--format={form}", "--", HEADS, REMOTES
    )
    parts = decode(output).split("\0")
    here = str(git.root)
    remote_names = sorted((remote.name for remote in remotes(git)), key=len, reverse=True)
    rows = [parts[at : at + len(FIELDS)] for at in range(0, len(parts) - 1, len(FIELDS))]
    # A symbolic one (`origin/HEAD`) is another name for a branch that is listed anyway.
    return [_branch(row, here, remote_names) for row in rows if not row[FIELDS.index("symref")]]


def remote_branches_with(git: Git, sha: str) -> list[str]:
    """Return the remote branches, as last fetched, whose history has a commit: `origin/main`."""
    # A symbolic one (`origin/HEAD`) is another name for a branch that is listed anyway.
    form = "%(if)%(symref)%(then)%(else)%(refname:lstrip=2)%(end)"
    output = git.run("for-each-ref", "--contains", sha, f"--format={form}", "--", REMOTES)
    return decode(output).split()


def refuse_pushed(git: Git, commits: Sequence[str], *, force: bool) -> None:
    """Raise CommitPushedError if a remote branch has one of the commits, unless ``force``.

    ``commits`` are in the order of the history, oldest first.
    """
    if force or not commits:
        return
    stdin = "".join(f"{sha}\n" for sha in commits)
    local = git.run("rev-list", "--no-walk", "--stdin", "--not", "--remotes", stdin=stdin.encode())
    local_commits = set(decode(local).split())
    for sha in commits:
        if sha not in local_commits:
            branches = remote_branches_with(git, sha)
            raise CommitPushedError(commit=sha[:8], branches=", ".join(branches))


def _branch(row: Sequence[str], here: str, remote_names: Sequence[str]) -> BranchRef:
    full, sha, head, upstream, track, worktree, timestamp, _, subject = row
    full = full.lstrip("\n")
    remote = None
    name = full.removeprefix(HEADS)
    if full.startswith(REMOTES):
        inside = full.removeprefix(REMOTES)
        # A remote's name may hold slashes itself.
        remote = next((r for r in remote_names if inside.startswith(f"{r}/")), inside.split("/")[0])
        name = inside.removeprefix(f"{remote}/")
    ahead = behind = None
    if upstream and track != "gone":
        # "ahead 2, behind 1", of which either may be left out.
        counts = dict(part.split(" ") for part in track.split(", ") if part)
        ahead, behind = int(counts.get("ahead", 0)), int(counts.get("behind", 0))
    return BranchRef(
        name,
        remote,
        sha,
        current=head == "*",
        upstream=upstream.removeprefix(REMOTES).removeprefix(HEADS) or None,
        ahead=ahead,
        behind=behind,
        elsewhere=worktree not in ("", here),
        timestamp=timestamp,
        subject=subject,
    )


def tags(git: Git) -> list[TagRef]:
    """Return the tags of commits, newest first."""
    form = "%00".join(f"%({field})" for field in TAG_FIELDS) + "%00"
    output = git.run("for-each-ref", "--sort=-creatordate", f"--format={form}", "--", TAGS)
    parts = decode(output).split("\0")
    size = len(TAG_FIELDS)
    refs = []
    for at in range(0, len(parts) - 1, size):
        row = parts[at : at + size]
        full, kind, sha, target, target_kind, tagger, email, moment, message, subject, own = row
        name = full.lstrip("\n").removeprefix(TAGS)
        if kind == "commit":
            refs.append(TagRef(name, sha, None, None, moment, own))
        elif kind == "tag" and target_kind == "commit":
            # Not a tag of a file or tree, or of another tag.
            refs.append(TagRef(name, target, message.strip(), f"{tagger} {email}", moment, subject))
    return refs


def holders(git: Git, sha: str) -> list[str]:
    """Return the branches and tags, also of remotes, whose history has ``sha``."""
    output = git.run("for-each-ref", "--contains", sha, "--format=%(refname)", HEADS, REMOTES, TAGS)
    return decode(output).splitlines()


def remotes(git: Git) -> list[RemoteRef]:
    """Return the remotes that are configured in git."""
    names = decode(git.run("remote")).splitlines()
    refs = []
    for name in names:
        url = _url(git, name)
        refs.append(
            RemoteRef(
                name, mask_credentials(url), mask_credentials(_url(git, name, "--push") or url)
            )
        )
    return refs


def _url(git: Git, name: str, *options: str) -> str:
    try:
        output = git.attempt("remote", "get-url", *options, "--", name)
    except GitFailedError:
        # Set up without an address.
        return ""
    return decode(output).rstrip("\n")
