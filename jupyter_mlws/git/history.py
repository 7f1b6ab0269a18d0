"""The history: commits as ``git log`` prints them, and what each of them changed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jupyter_mlws.git.adapter import Entry, Git, decode, parse_name_status

COMMIT_FORMAT = "%%H%%x00%%P%%x00%%an%%x00%%ae%%x00%%aI%%x00%%ct%%x00%%D%%x00%s%%x00%%B"
TRAILERS = "%(trailers:only,unfold,separator=%x1e,key_value_separator=%x1f)"
COMMIT_FIELDS = 9
MIN_ID_LENGTH = 40
"""Characters of an id; longer than any word for how a path changed."""
REF_PREFIX = re.compile("^(HEAD -> )?(tag: )?(refs/(heads|tags|remotes)/)?")
HIDDEN_REF = re.compile("(HEAD|refs/stash|)$|refs/mlws/")


@dataclass(frozen=True)
class Commit:
    """One commit; times are ISO 8601 with offset. ``current``: HEAD stands on it."""

    sha: str
    parents: list[str]
    author: str
    email: str
    timestamp: str
    committed: int
    refs: list[str]
    trailers: dict[str, list[str]]
    message: str
    current: bool = False

    @property
    def subject(self) -> str:
        return self.message.split("\n", 1)[0]


@dataclass(frozen=True)
class LogQuery:
    """Filters for a search of the history: all that are set must match.

    ``start`` is an id, a name, or ``--all`` for the commits of all branches, tags and remotes.
    With ``follow`` a file is also found under its earlier names. ``trailers``: return them,
    too.
    """

    start: str
    path: str | None = None
    author: str | None = None
    text: str | None = None
    skip: int = 0
    limit: int = 50
    follow: bool = False
    trailers: bool = True


def list_commits(git: Git, query: LogQuery) -> list[Commit]:
    """Return the commits from ``query.start`` backwards that match the filters."""
    return [commit for commit, _ in _parse_log(git.run(*_log_command(query)), query)]


def list_commits_with_changes(
    git: Git, query: LogQuery, known_changes: Mapping[str, list[Entry]] | None = None
) -> list[tuple[Commit, list[Entry]]]:
    """Return commits as :func:`list_commits` does, each with its changes against its first parent.

    ``known_changes``: the changes of some commits, which are not computed again.

    Raises :class:`.GitFailedError`, in particular if ``start`` does not exist.
    """
    if query.path is None and not known_changes:
        options = ("--name-status", "--find-renames", "--diff-merges=first-parent")
        return _parse_log(git.attempt(*_log_command(query, *options)), query)
    # With a path, git would name no other than the one that is looked for.
    commits = [commit for commit, _ in _parse_log(git.attempt(*_log_command(query)), query)]
    changes = dict(known_changes or {})
    changes.update(changes_of(git, [commit.sha for commit in commits if commit.sha not in changes]))
    return [(commit, changes[commit.sha]) for commit in commits]


def changes_of(git: Git, commits: Sequence[str]) -> dict[str, list[Entry]]:
    """Return the changes of each of the commits against its first parent."""
    if not commits:
        return {}
    entries_by_commit: dict[str, list[Entry]] = {sha: [] for sha in commits}
    output = git.run(
        "diff-tree",
        "--stdin",
        "--root",
        "--diff-merges=first-parent",
        "-r",
        "-M",
        "-z",
        "--name-status",
        stdin="".join(f"{sha}\n" for sha in commits).encode(),
    )
    current: list[Entry] = []
    parts = iter(decode(output).split("\0"))
    for part in parts:
        if part.strip() in entries_by_commit:
            current = entries_by_commit[part.strip()]
        elif part:
            current.append(parse_name_status(part, parts))
    return entries_by_commit


def _log_command(query: LogQuery, *options: str) -> list[str]:
    # git does not see renames in commits that `--skip` skips.
    skip = 0 if query.follow else query.skip
    command = [
        "log",
        "-z",
        "--decorate=full",
        f"--format={COMMIT_FORMAT % (TRAILERS if query.trailers else '')}",
        f"--skip={skip}",
        f"--max-count={query.limit + query.skip - skip}",
        *options,
    ]
    if query.author or query.text:
        command += ["--fixed-strings", "--regexp-ignore-case"]
    if query.author:
        command.append(f"--author={query.author}")
    if query.text:
        command.append(f"--grep={query.text}")
    if query.follow:
        command.append("--follow")
    if query.start == "--all":
        # Not git's own `--all`: that has our hidden refs and the stashes, too. Before the first
        # commit HEAD is nothing.
        command += ["--ignore-missing", "--branches", "--tags", "--remotes", "HEAD"]
    else:
        command.append(query.start)
    return [*command, "--", *([query.path] if query.path else [])]


def _parse_log(output: bytes, query: LogQuery) -> list[tuple[Commit, list[Entry]]]:
    """Return the commits of ``log -z`` in our format, each with its ``--name-status`` entries."""
    commits: list[tuple[Commit, list[Entry]]] = []
    parts = iter(decode(output).split("\0"))
    for part in parts:
        token = part.lstrip("\n")
        if len(token) >= MIN_ID_LENGTH:
            facts = [token, *(next(parts) for _ in range(COMMIT_FIELDS - 1))]
            commits.append((_parse_commit(facts), []))
        elif token:
            commits[-1][1].append(parse_name_status(token, parts))
    return commits[query.skip if query.follow else 0 :]


def _parse_commit(parts: Sequence[str]) -> Commit:
    sha, parents, author, email, timestamp, commit_time, decoration, trailers, message = parts
    values_by_key: dict[str, list[str]] = {}
    for row in trailers.split("\x1e"):
        key, separator, value = row.strip("\n").partition("\x1f")
        if separator:
            values_by_key.setdefault(key, []).append(value)
    refs = decoration.split(", ")
    return Commit(
        sha,
        parents.split(),
        author,
        email,
        timestamp,
        int(commit_time),
        [REF_PREFIX.sub("", ref) for ref in refs if not HIDDEN_REF.match(ref)],
        values_by_key,
        message.rstrip("\n"),
        current=any(ref == "HEAD" or ref.startswith("HEAD -> ") for ref in refs),
    )
