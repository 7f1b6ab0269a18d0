"""The adapter of git, and the only importer of GitPython.

The ``git`` program does the work, each call with a time limit, in a process group that can be
ended, and with machine-readable output: GitPython has none of these, and takes longer to import
than most calls take. It creates repositories. Paths are relative to the project's root, with
forward slashes, and always taken literally.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from jupyter_mlws.core.errors import (
    DiskFullError,
    GitCommandError,
    GitIdentityMissingError,
    GitmodulesError,
    HookRejectedError,
    MLWSError,
    OperationInProgressError,
    SigningFailedError,
    VersionItemNotFoundError,
    too_long_name,
)
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.core.secrets import mask_credentials

TIMEOUT = 60.0
"""Seconds for one call that reads or writes the repository."""
CANCEL_POLL_INTERVAL = 0.1
"""Seconds between two looks whether a long call is still wanted."""
OPTIONS = (
    "--no-optional-locks",
    "--literal-pathspecs",
    "-c",
    "core.quotePath=off",
    "-c",
    "core.fsync=committed",
    "-c",
    "core.fsyncMethod=batch",
    "-c",
    "color.ui=false",
    "-c",
    "advice.addEmbeddedRepo=false",
)
DISK_FULL_MESSAGES = ("No space left on device", "Disk quota exceeded", "Out of diskspace")
NAME_TOO_LONG = "File name too long"
LOCK_ERROR_PATTERN = re.compile(r"Unable to create '.*\.lock': File exists|Unable to write index")
GITMODULES_ERROR_PATTERN = re.compile(r"invalid value for .submodule\.|bad config .*\.gitmodules")
COMMIT_FORMAT = "%%H%%x00%%P%%x00%%an%%x00%%ae%%x00%%aI%%x00%%ct%%x00%%D%%x00%s%%x00%%B"
TRAILERS = "%(trailers:only,unfold,separator=%x1e,key_value_separator=%x1f)"
COMMIT_FIELDS = 9
MIN_ID_LENGTH = 40
"""Characters of an id; longer than any word for how a path changed."""
UNIFIED_DIFF_OPTIONS = (
    "--no-ext-diff",
    "--no-textconv",
    "--no-renames",
    "--unified=3",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)
"""Options of diffs whose hunks can be asked for: the same whatever a person has set."""
STATES_BY_LETTER = {
    "A": "added",
    "C": "added",
    "D": "deleted",
    "M": "modified",
    "R": "renamed",
    "T": "modified",
    "U": "conflicted",
}
OPERATIONS_BY_FILE = {
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
}


@dataclass(frozen=True)
class Entry:
    """A path that differs; ``staged``: the index holds (part of) the difference.

    ``index_state`` is how the index differs from HEAD, ``worktree_state`` how the working tree
    differs from the index; None where it does not.
    """

    path: str
    state: str
    staged: bool = False
    old_path: str | None = None
    index_state: str | None = None
    worktree_state: str | None = None


@dataclass(frozen=True)
class Status:
    """``branch`` is None where HEAD is detached, ``head`` before the first commit."""

    branch: str | None
    head: str | None
    upstream: str | None
    entries: list[Entry]

    @property
    def conflicts(self) -> list[str]:
        """The paths that a merge left to be resolved."""
        return [entry.path for entry in self.entries if entry.state == "conflicted"]


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
class Difference:
    """A file that differs between two versions; the counts are None for binary files."""

    path: str
    state: str
    old_path: str | None = None
    additions: int | None = None
    deletions: int | None = None


@dataclass(frozen=True)
class TreeEntry:
    """A file of a tree; modes are git's: 100644, 100755, 120000 (link), 160000 (submodule)."""

    path: str
    mode: str
    sha: str


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


@dataclass
class GitFailedError(Exception):
    """git failed; ``reason`` is its output. For callers that can raise a more specific error."""

    command: str
    code: int
    reason: str

    def told(self) -> MLWSError:
        """Return the error of the catalogue.

        30102 for a full disk, 30103 while another git process writes, 30222 for an invalid
        `.gitmodules`, 50201 for a name that no file can have, else 30106.
        """
        if NAME_TOO_LONG in self.reason:
            return too_long_name(self.reason)
        if any(words in self.reason for words in DISK_FULL_MESSAGES):
            return DiskFullError(reason=self.reason)
        if LOCK_ERROR_PATTERN.search(self.reason):
            return OperationInProgressError(
                operation=self.command, who=Message("another git process"), since="?"
            )
        if GITMODULES_ERROR_PATTERN.search(self.reason):
            return GitmodulesError(reason=self.reason)
        return GitCommandError(command=self.command, reason=self.reason)


@dataclass(frozen=True)
class Git:
    """The repository at ``root``. Holds nothing open; thread-safe.

    ``index``: a separate index file, for building commits without changing the user's index.
    """

    root: Path
    index: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        codes: Sequence[int] = (0,),
        timeout: float = TIMEOUT,
    ) -> bytes:
        """Run git with ``stdin`` as its input, and return its output.

        Error 30106 for an exit code that is not in ``codes``, or after ``timeout`` seconds; 30102,
        30103.
        """
        try:
            return self.attempt(*arguments, stdin=stdin, codes=codes, timeout=timeout)
        except GitFailedError as error:
            raise error.told() from error

    def attempt(
        self,
        *arguments: str,
        stdin: bytes = b"",
        codes: Sequence[int] = (0,),
        timeout: float = TIMEOUT,
        check_canceled: Callable[[], None] | None = None,
    ) -> bytes:
        """Run git as :meth:`run` does, but raise :class:`GitFailedError`.

        ``check_canceled`` is called repeatedly meanwhile; if it raises, git is killed.
        """
        process = self._start(["git", *OPTIONS, *arguments])
        try:
            output, errors = _communicate(process, stdin, timeout, check_canceled)
        except subprocess.TimeoutExpired:
            raise GitFailedError(
                f"git {arguments[0]}", -1, f"timed out after {timeout:g} s"
            ) from None
        if process.returncode not in codes:
            # Addresses of remotes may hold passwords.
            reason = mask_credentials(errors.decode(errors="replace").strip())
            raise GitFailedError(f"git {arguments[0]}", process.returncode, reason)
        return output

    def hook(self, name: str, *arguments: str, timeout: float = 600.0) -> None:
        """Run the repository's hook ``name`` if it has one; error 30207 if it refuses."""
        path = self.root / self.path(f"hooks/{name}")
        if not os.access(path, os.X_OK) or not path.is_file():
            return
        process = self._start([str(path), *arguments], {"GIT_EDITOR": ":"})
        try:
            output, errors = _communicate(process, b"", timeout, None)
        except subprocess.TimeoutExpired:
            reason = Message("timed out after {seconds:g} s", seconds=timeout)
            raise HookRejectedError(hook=name, reason=reason) from None
        if process.returncode != 0:
            message = (errors + output).decode(errors="replace").strip()[-2000:]
            raise HookRejectedError(hook=name, reason=message)

    def _start(
        self, command: list[str], more: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            cwd=self.root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **self.variables(), **(more or {})},
            start_new_session=True,
        )

    def variables(self) -> dict[str, str]:
        """Return the variables that are added to the environment of git."""
        # With this locale alone, LANGUAGE would still choose the language of messages.
        locale = {"LC_ALL": "C.UTF-8", "LANGUAGE": "C"}
        variables = {**locale, "GIT_TERMINAL_PROMPT": "0", **self.environment}
        if self.index is not None:
            variables["GIT_INDEX_FILE"] = str(self.index)
        return variables

    # Names

    def resolve(self, name: str) -> str:
        """Return the full id of the commit that ``name`` (id, branch, tag, HEAD~2…) refers to.

        Error 30404 if there is none.
        """
        sha = self.find(name)
        if sha is None:
            raise VersionItemNotFoundError(kind="commit", name=name)
        return sha

    def find(self, name: str) -> str | None:
        """Return the id as :meth:`resolve` does, but None if there is none."""
        if not name or name.startswith(("-", "^")) or "\0" in name:
            return None
        try:
            sha = self.attempt("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        except GitFailedError:
            return None
        return _decode(sha).strip()

    def count(self, name: str) -> int:
        """Return the number of commits in the history of a name; 0 if it does not exist."""
        sha = self.find(name)
        return 0 if sha is None else int(_decode(self.run("rev-list", "--count", sha)))

    def branch(self) -> str | None:
        """Return the ref that HEAD points to (``refs/heads/…``, maybe unborn); None if detached."""
        ref = _decode(self.run("symbolic-ref", "--quiet", "HEAD", codes=(0, 1))).strip()
        return ref or None

    def refs(self, prefix: str) -> dict[str, str]:
        """Return every ref below ``prefix`` with the object that it points to."""
        output = self.run("for-each-ref", "--format=%(refname)%00%(objectname)", "--", prefix)
        rows = [line.partition("\0") for line in _decode(output).splitlines()]
        return {name: sha for name, _, sha in rows}

    def path(self, name: str) -> str:
        """Return git's path of ``name`` (``index.lock``…), relative to the root or absolute."""
        return _decode(self.run("rev-parse", "--git-path", name)).rstrip("\n")

    def contains(self, tip: str, sha: str) -> bool:
        """Return True if ``sha`` is ``tip`` or one of its ancestors."""
        try:
            self.attempt("merge-base", "--is-ancestor", sha, tip)
        except GitFailedError:
            return False
        return True

    def unfinished(self) -> str | None:
        """Return the merge, rebase… that is in progress, if any."""
        arguments = [part for name in OPERATIONS_BY_FILE for part in ("--git-path", name)]
        places = _decode(self.run("rev-parse", *arguments)).splitlines()
        for place, operation in zip(places, OPERATIONS_BY_FILE.values(), strict=True):
            if (self.root / place).exists():
                return operation
        return None

    def setting(self, name: str, kind: str = "path") -> str | None:
        """Return the value of a setting; None if it is not set; ``kind`` as git's ``--type``."""
        output = self.run("config", f"--type={kind}", "--get", name, codes=(0, 1))
        return _decode(output).rstrip("\n") if output else None

    def empty_tree(self) -> str:
        """The id of the tree without files."""
        return _decode(self.run("hash-object", "-t", "tree", "--stdin")).strip()

    def tree_of(self, commit: str | None) -> str:
        """The tree of a commit; without a commit the empty one."""
        if commit is None:
            return self.empty_tree()
        return _decode(self.run("rev-parse", f"{commit}^{{tree}}")).strip()

    def hash(self, content: bytes) -> str:
        """Return the id that ``content`` has as a blob."""
        return _decode(self.run("hash-object", "--stdin", stdin=content)).strip()

    def hash_file(self, path: str) -> str:
        """Return the id that a file of the working tree has as a blob, filters applied."""
        return _decode(self.run("hash-object", "--", path)).strip()

    # Looking

    def status(self, paths: Sequence[str] | None = None) -> Status:
        """Return the branch and every path that differs from HEAD, untracked files one by one.

        ``paths``: only these and the paths below them; a staged rename then has only its new path.
        """
        arguments = ("--porcelain=v2", "-z", "--branch", "--untracked-files=all")
        output = self.run("status", *arguments, *(("--", *paths) if paths else ()))
        branch = head = upstream = None
        entries: dict[str, Entry] = {}
        parts = iter(_decode(output).split("\0"))
        for part in parts:
            kind, _, rest = part.partition(" ")
            if kind == "#":
                name, _, value = rest.partition(" ")
                if name == "branch.oid":
                    head = None if value == "(initial)" else value
                elif name == "branch.head":
                    branch = None if value == "(detached)" else value
                elif name == "branch.upstream":
                    upstream = value
            elif kind:
                entry = _parse_status_entry(kind, rest, parts)
                before = entries.get(entry.path)
                if before is not None:
                    # Taken out of the index, and still there: its content is what differs.
                    entry = Entry(entry.path, "modified", True, None, "deleted", "untracked")
                entries[entry.path] = entry
        return Status(branch, head, upstream, list(entries.values()))

    def log(self, query: LogQuery) -> list[Commit]:
        """Return the commits from ``query.start`` backwards that match the filters."""
        output = self.run("log", *_log_arguments(query), *_log_revisions(query))
        return [commit for commit, _ in _parse_commits(_decode(output))[_drop_count(query) :]]

    def log_with_changes(
        self, query: LogQuery, known_changes: Mapping[str, list[Entry]] | None = None
    ) -> list[tuple[Commit, list[Entry]]]:
        """Return commits as :meth:`log` does, each with its changes against its first parent.

        ``known_changes``: the changes of some commits, which are not computed again.

        Raises :class:`GitFailedError`, in particular if ``start`` does not exist.
        """
        if query.path is not None or known_changes:
            # With a path, git would name no other than the one that is looked for.
            arguments = ("log", *_log_arguments(query), *_log_revisions(query))
            commits = [commit for commit, _ in _parse_commits(_decode(self.attempt(*arguments)))]
            commits = commits[_drop_count(query) :]
            changes = dict(known_changes or {})
            new = [commit.sha for commit in commits if commit.sha not in changes]
            changes.update(self.changes(new) if new else {})
            return [(commit, changes[commit.sha]) for commit in commits]
        options = ("--name-status", "--find-renames", "--diff-merges=first-parent")
        arguments = ("log", *_log_arguments(query), *options, *_log_revisions(query))
        return _parse_commits(_decode(self.attempt(*arguments)))

    def changes(self, commits: Sequence[str]) -> dict[str, list[Entry]]:
        """Return the changes of each of the commits against its first parent."""
        entries_by_commit: dict[str, list[Entry]] = {sha: [] for sha in commits}
        output = self.run(
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
        parts = iter(_decode(output).split("\0"))
        for part in parts:
            if part.strip() in entries_by_commit:
                current = entries_by_commit[part.strip()]
            elif part:
                current.append(_parse_name_status(part, parts))
        return entries_by_commit

    def differences(self, start: str, end: str | None, *, renames: bool = True) -> list[Difference]:
        """Return the files that differ between two commits or trees.

        Without ``end``, compare with the working tree's files that are in the index.
        """
        return self.differing(start, *([end] if end else []), renames=renames)

    def differing(self, *ends: str, renames: bool = True) -> list[Difference]:
        """Return the files that differ, by ``git diff`` with the arguments ``ends``.

        Without arguments the working tree is compared with the index.
        """
        output = self.run(
            "diff",
            "--raw",
            "--numstat",
            "--no-abbrev",
            "--no-ext-diff",
            "--no-textconv",
            "--find-renames" if renames else "--no-renames",
            "-z",
            *ends,
            "--",
        )
        rows: dict[str, Difference] = {}
        parts = iter(_decode(output).split("\0"))
        for part in parts:
            if part.startswith(":"):
                entry = _parse_name_status(part.rsplit(" ", 1)[1], parts)
                rows[entry.path] = Difference(entry.path, entry.state, entry.old_path)
            elif part:
                path, additions, deletions = _parse_numstat(part, parts)
                row = rows[path]
                rows[path] = Difference(path, row.state, row.old_path, additions, deletions)
        return list(rows.values())

    def unified(self, start: str, end: str | None, path: str) -> bytes:
        """Return the unified diff of one file; for an untracked one, against an empty file."""
        ends = [end] if end else []
        if end is None and (self.root / path).is_file() and not self.tracked(path):
            return self.run(
                "diff", *UNIFIED_DIFF_OPTIONS, "--no-index", "--", "/dev/null", path, codes=(0, 1)
            )
        return self.run("diff", *UNIFIED_DIFF_OPTIONS, start, *ends, "--", path)

    def unified_staged(self, path: str, *, in_index: bool) -> bytes:
        """Return the unified diff of a file's staged changes, or of its unstaged ones."""
        return self.run(
            "diff", *UNIFIED_DIFF_OPTIONS, *(("--cached",) if in_index else ()), "--", path
        )

    def unified_texts(self, old: bytes, new: bytes) -> bytes:
        """Return the unified diff of two texts that are not files of the repository."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (("old", old), ("new", new)):
                Path(folder, name).write_bytes(text)
            names = (str(Path(folder, "old")), str(Path(folder, "new")))
            output = self.run(
                "diff", *UNIFIED_DIFF_OPTIONS, "--no-index", "--", *names, codes=(0, 1)
            )
        # Without git's own header, which names the temporary files.
        return output[output.find(b"@@") :] if b"@@" in output else b""

    def staged(self, paths: Iterable[str]) -> dict[str, str]:
        """Return mode, blob and stage of ``paths`` in the index, as git prints them."""
        path_set = set(paths)
        rows = [row.partition("\t") for row in _split_nul(self.run("ls-files", "--stage", "-z"))]
        return {path: facts for facts, _, path in rows if path in path_set}

    def tracked(self, path: str) -> bool:
        """Return True if the index has ``path``."""
        return bool(self.run("ls-files", "-z", "--", path))

    def files(self, *, only_untracked: bool = False) -> list[str]:
        """Return the paths in the index; if ``only_untracked``, those neither in it nor ignored."""
        which = ("--others", "--exclude-standard") if only_untracked else ("--cached",)
        return _split_nul(self.run("ls-files", "-z", *which))

    def index_stamp(self) -> tuple[int, int, int] | None:
        """Return numbers that identify the state of the index; None if there is no index yet.

        git writes a new index beside the old one and renames it, so the inode changes.
        """
        try:
            facts = self._index_path.stat()
        except FileNotFoundError:
            return None
        return facts.st_ino, facts.st_size, facts.st_mtime_ns

    @cached_property
    def _index_path(self) -> Path:
        place = _decode(self.run("rev-parse", "--git-path", "index")).rstrip("\n")
        return self.root / place

    def list_ignored(self, paths: Iterable[str]) -> list[str]:
        """Return those of the paths that git ignores."""
        stdin = "".join(f"{path}\0" for path in paths)
        output = self.run("check-ignore", "-z", "--stdin", stdin=_encode(stdin), codes=(0, 1))
        return _split_nul(output)

    def tree(self, revision: str, *paths: str) -> list[TreeEntry]:
        """Return the files of a commit or tree, all or those at and below ``paths``."""
        output = self.run("ls-tree", "-r", "-z", "--full-tree", revision, "--", *paths)
        entries = []
        for row in _split_nul(output):
            facts, _, path = row.partition("\t")
            mode, _, sha = facts.split(" ")
            entries.append(TreeEntry(path, mode, sha))
        return entries

    def blob(self, revision: str, path: str) -> bytes | None:
        """Return the content of ``path`` in a version; None if it does not exist there."""
        try:
            return self.attempt("cat-file", "blob", f"{revision}:{path}")
        except GitFailedError:
            return None

    def sizes(self, shas: Sequence[str]) -> dict[str, int]:
        """Return the size of each of these objects in bytes."""
        if not shas:
            return {}
        stdin = "".join(f"{sha}\n" for sha in shas).encode()
        output = self.run("cat-file", "--batch-check=%(objectsize)", stdin=stdin)
        return dict(zip(shas, map(int, output.split()), strict=True))

    def absent(self, shas: Iterable[str]) -> list[str]:
        """Return those of the objects that the repository lacks."""
        stdin = "".join(f"{sha}\n" for sha in shas).encode()
        output = _decode(self.run("cat-file", "--batch-check", stdin=stdin))
        return [row.split()[0] for row in output.splitlines() if row.endswith(" missing")]

    def blobs(self, shas: Sequence[str]) -> dict[str, bytes]:
        """Return the contents of many blobs, by id, in one call."""
        output = self.run("cat-file", "--batch", stdin="".join(f"{s}\n" for s in shas).encode())
        contents, at = {}, 0
        for sha in shas:
            end = output.index(b"\n", at)
            header = output[at:end].split(b" ")
            if header[-1] == b"missing":
                reason = Message("the object {sha} is missing", sha=sha)
                raise GitCommandError(command="git cat-file", reason=reason)
            size = int(header[2])
            contents[sha] = output[end + 1 : end + 1 + size]
            at = end + size + 2
        return contents

    # Making

    def read_tree(self, revision: str | None) -> None:
        """Fill the private index with a version, or empty it."""
        assert self.index is not None
        self.run("read-tree", revision or "--empty")

    def add(self, paths: Iterable[str], *, force: bool = False) -> None:
        """Update ``paths`` in the private index to the working tree's state; remove missing ones.

        ``force``: by ``git add --force``, for ignored paths.
        """
        assert self.index is not None
        stdin = _encode("".join(f"{path}\0" for path in paths))
        if stdin and force:
            options = ("--pathspec-from-file=-", "--pathspec-file-nul")
            self.run("add", "--force", *options, stdin=stdin, timeout=600)
        elif stdin:
            self.run(
                "update-index", "-z", "--add", "--remove", "--replace", "--stdin",
                stdin=stdin, timeout=600,
            )  # fmt: skip

    def remove(self, paths: Iterable[str]) -> None:
        """Remove ``paths`` from the private index, whatever the working tree has."""
        assert self.index is not None
        stdin = _encode("".join(f"{path}\0" for path in paths))
        if stdin:
            self.run("update-index", "-z", "--force-remove", "--stdin", stdin=stdin)

    def put(self, path: str, content: bytes) -> None:
        """Set ``path`` in the private index to ``content``, whatever the working tree has."""
        assert self.index is not None
        sha = _decode(self.run("hash-object", "-w", "--stdin", stdin=content)).strip()
        row = f"100644 {sha}\t{path}\0"
        self.run("update-index", "-z", "--add", "--replace", "--index-info", stdin=_encode(row))

    def write_tree(self) -> str:
        """Write the private index as a tree, and return its id."""
        assert self.index is not None
        return _decode(self.run("write-tree")).strip()

    def commit_tree(
        self, tree: str, parents: Sequence[str], message: str, *, sign: bool = False
    ) -> str:
        """Create a commit object that no ref names yet; error 30209 if it can't be signed."""
        arguments = ["commit-tree", *(["-S"] if sign else []), tree]
        for parent in parents:
            arguments += ["-p", parent]
        try:
            output = self.attempt(*arguments, "-F", "-", stdin=message.encode())
        except GitFailedError as error:
            if sign:
                raise SigningFailedError(command=error.command, reason=error.reason) from error
            raise error.told() from error
        return _decode(output).strip()

    def with_trailers(self, message: str, trailers: Sequence[tuple[str, str]]) -> str:
        """Return ``message`` with the trailers in its last paragraph."""
        rows = [part for key, value in trailers for part in ("--trailer", f"{key}: {value}")]
        arguments = ("interpret-trailers", "--no-divider", "--if-exists", "addIfDifferent")
        return self.run(*arguments, *rows, stdin=message.encode()).decode()

    def trailers(self, message: str) -> list[str]:
        """Return the trailer lines of ``message``."""
        output = self.run("interpret-trailers", "--parse", stdin=message.encode())
        return output.decode().splitlines()

    def update_ref(self, name: str, new: str, old: str | None, reason: str) -> bool:
        """Move ``name`` from ``old`` (None: not there yet) to ``new``; False if it had moved."""
        try:
            # An empty old value: the ref must not be there yet.
            arguments = ("--create-reflog", "--no-deref", "-m", reason, name, new, old or "")
            self.attempt("update-ref", *arguments)
        except GitFailedError as error:
            if self.find(name) != old:
                return False
            raise error.told() from error
        return True

    def delete_ref(self, name: str) -> None:
        """Delete ``name``; no error if it does not exist."""
        self.run("update-ref", "-d", name)

    def refresh_index(self, paths: Iterable[str]) -> None:
        """Set ``paths`` in the user's index to HEAD's; all else in it stays as it is."""
        stdin = _encode("".join(f"{path}\0" for path in paths))
        if stdin:
            options = ("--pathspec-from-file=-", "--pathspec-file-nul")
            self.run("reset", "--quiet", *options, stdin=stdin)

    def export(self, paths: Iterable[str], folder: Path) -> None:
        """Write files of the private index below ``folder``, as a checkout would."""
        assert self.index is not None
        stdin = _encode("".join(f"{path}\0" for path in paths))
        prefix = f"--prefix={folder}/"
        self.run("checkout-index", "--force", prefix, "-z", "--stdin", stdin=stdin, timeout=600)

    def check_identity(self) -> None:
        """Raise error 30205 unless an author and a committer are configured.

        They are never guessed from the machine's names.
        """
        for name in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
            try:
                self.attempt("-c", "user.useConfigOnly=true", "var", name)
            except GitFailedError as error:
                raise GitIdentityMissingError() from error


def create_repository(root: Path) -> None:
    """Make ``root`` a repository with the branch main; nothing changes where it is one."""
    import git

    git.Repo.init(root, initial_branch="main").close()


def _communicate(
    process: subprocess.Popen[bytes],
    stdin: bytes,
    timeout: float,
    check_canceled: Callable[[], None] | None,
) -> tuple[bytes, bytes]:
    """Return the process's stdout and stderr; kill it after ``timeout`` or when canceled."""
    late = threading.Event()

    def end() -> None:
        late.set()
        _kill(process)

    # Waiting with a time limit, `communicate` looks for the end in steps of a millisecond and more.
    timer = threading.Timer(timeout, end)
    timer.start()
    try:
        if check_canceled is None:
            output = process.communicate(stdin)
        else:
            output = _communicate_until_canceled(process, stdin, check_canceled)
    except BaseException:
        _kill(process)
        process.communicate()
        raise
    finally:
        timer.cancel()
    if late.is_set():
        raise subprocess.TimeoutExpired(process.args, timeout)
    return output


def _communicate_until_canceled(
    process: subprocess.Popen[bytes], stdin: bytes, check_canceled: Callable[[], None]
) -> tuple[bytes, bytes]:
    rest: bytes | None = stdin
    while True:
        try:
            return process.communicate(rest, timeout=CANCEL_POLL_INTERVAL)
        except subprocess.TimeoutExpired:
            check_canceled()
            rest = None


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and its process group, unless it has ended."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _parse_status_entry(kind: str, rest: str, parts: Iterator[str]) -> Entry:
    if kind == "?":
        return Entry(rest, "untracked", worktree_state="untracked")
    if kind == "u":
        return Entry(rest.split(" ", 9)[9], "conflicted", worktree_state="conflicted")
    letters = rest[:2]
    index, worktree = (STATES_BY_LETTER.get(letter) for letter in letters)
    in_index = index is not None
    if kind == "2":
        path = rest.split(" ", 8)[8]
        return Entry(path, "renamed", in_index, next(parts), index, worktree)
    path = rest.split(" ", 7)[7]
    state = "deleted" if "D" in letters else "added" if "A" in letters else "modified"
    return Entry(path, state, in_index, None, index, worktree)


def _parse_name_status(letters: str, parts: Iterator[str]) -> Entry:
    """Return an entry of ``--name-status -z``: a letter, then one path or two."""
    first = next(parts)
    if letters[0] in "RC":
        second = next(parts)
        return Entry(
            second, STATES_BY_LETTER[letters[0]], old_path=first if letters[0] == "R" else None
        )
    return Entry(first, STATES_BY_LETTER.get(letters[0], "modified"))


def _parse_numstat(part: str, parts: Iterator[str]) -> tuple[str, int | None, int | None]:
    """Return a row of ``--numstat -z``; renames have their two paths in the next two parts."""
    additions, deletions, path = part.split("\t", 2)
    if not path:
        next(parts)
        path = next(parts)
    if additions == "-":
        return path, None, None
    return path, int(additions), int(deletions)


def _drop_count(query: LogQuery) -> int:
    """Return the number of commits to drop from git's output.

    ``--skip`` can't be used with ``--follow``: git does not see renames in commits that it
    skips.
    """
    return query.skip if query.follow else 0


def _log_arguments(query: LogQuery) -> list[str]:
    skip = 0 if query.follow else query.skip
    arguments = [
        "-z",
        "--decorate=full",
        f"--format={COMMIT_FORMAT % (TRAILERS if query.trailers else '')}",
        f"--skip={skip}",
        f"--max-count={query.limit + query.skip - skip}",
    ]
    if query.author or query.text:
        arguments += ["--fixed-strings", "--regexp-ignore-case"]
    if query.author:
        arguments.append(f"--author={query.author}")
    if query.text:
        arguments.append(f"--grep={query.text}")
    if query.follow:
        arguments.append("--follow")
    return arguments


def _log_revisions(query: LogQuery) -> list[str]:
    # Not git's own `--all`: that has our hidden refs and the stashes, too. Before the first commit
    # HEAD is nothing.
    everything = ["--ignore-missing", "--branches", "--tags", "--remotes", "HEAD"]
    start = everything if query.start == "--all" else [query.start]
    return [*start, "--", *([query.path] if query.path else [])]


def _parse_commits(output: str) -> list[tuple[Commit, list[Entry]]]:
    """Return the commits of ``log -z`` in our format, each with its ``--name-status`` entries."""
    commits: list[tuple[Commit, list[Entry]]] = []
    parts = iter(output.split("\0"))
    for part in parts:
        token = part.lstrip("\n")
        if len(token) >= MIN_ID_LENGTH:
            facts = [token, *(next(parts) for _ in range(COMMIT_FIELDS - 1))]
            commits.append((_parse_commit(facts), []))
        elif token:
            commits[-1][1].append(_parse_name_status(token, parts))
    return commits


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
        [_short_ref_name(ref) for ref in refs if ref and not _is_hidden_ref(ref)],
        values_by_key,
        message.rstrip("\n"),
        current=any(ref == "HEAD" or ref.startswith("HEAD -> ") for ref in refs),
    )


def _short_ref_name(ref: str) -> str:
    name = ref.removeprefix("HEAD -> ").removeprefix("tag: ")
    return name.removeprefix("refs/heads/").removeprefix("refs/tags/").removeprefix("refs/remotes/")


def _is_hidden_ref(ref: str) -> bool:
    return ref.startswith("refs/mlws/") or ref in ("HEAD", "refs/stash")


def _split_nul(output: bytes) -> list[str]:
    return [part for part in _decode(output).split("\0") if part]


def _decode(output: bytes) -> str:
    # Names need not be UTF-8; surrogates carry such bytes through and back.
    return output.decode(errors="surrogateescape")


def _encode(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
