"""The adapter of git, and the only importer of GitPython.

The ``git`` program does the work, each call with a time limit, in a process group that can be
ended, and with machine-readable output: GitPython has none of these, and takes longer to import
than most calls take. It creates repositories. Paths are relative to the project's root, with
forward slashes, and always taken literally.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_mlws.core.errors import (
    GitCommandError,
    GitmodulesError,
    VersionItemNotFoundError,
    of_message,
)
from jupyter_mlws.git.process import run_process
from mlws.core.errors import MLWSError, OperationInProgressError, ProgramError, disk_error
from mlws.core.i18n import Message
from mlws.core.project import unfinished_operation
from mlws.core.secrets import mask_credentials

TIMEOUT = 60.0
"""Seconds for one call that reads or writes the repository."""
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
    # Else a setting of the repository names a program that checks signatures.
    "-c",
    "log.showSignature=false",
)
WRITE_ERROR_PATTERN = re.compile(r"write|create|lock|update")
LOCK_ERROR_PATTERN = re.compile(r"Unable to create '.*\.lock': File exists|Unable to write index")
GITMODULES_ERROR_PATTERN = re.compile(r"invalid value for .submodule\.|bad config .*\.gitmodules")
STATES_BY_LETTER = {
    "A": "added",
    "C": "added",
    "D": "deleted",
    "M": "modified",
    "R": "renamed",
    "T": "modified",
    "U": "conflicted",
}
START_FILES = ("rebase-merge/orig-head", "rebase-apply/orig-head", "sequencer/head")
"""Files that hold the commit which was checked out before the operation."""


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
class TreeEntry:
    """A file of a tree; modes are git's: 100644, 100755, 120000 (link), 160000 (submodule)."""

    path: str
    mode: str
    sha: str


@dataclass
class GitFailedError(ProgramError):
    """git failed; ``reason`` is its output."""

    command: str
    code: int
    reason: str

    def to_mlws_error(self) -> MLWSError:
        """Return the error of the catalogue.

        DiskFullError for a full disk, ReadOnlyDiskError for a read-only one,
        OperationInProgressError while another git process writes, GitmodulesError for an invalid
        `.gitmodules`, InvalidRequestError for a name that no file can have, else GitCommandError.
        """
        storage_error = of_message(self.reason)
        if storage_error is not None:
            return storage_error
        if LOCK_ERROR_PATTERN.search(self.reason):
            return OperationInProgressError(
                operation=self.command, who=Message("another git process"), since="?"
            )
        if GITMODULES_ERROR_PATTERN.search(self.reason):
            return GitmodulesError(reason=self.reason)
        return GitCommandError(command=self.command, reason=self.reason)


@dataclass(frozen=True)
class Git:
    """The repository at ``root``. Holds nothing open; thread-safe."""

    root: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        codes: Sequence[int] = (0,),
        timeout: float = TIMEOUT,
    ) -> bytes:
        """Run git with ``stdin`` as its input, and return its output.

        Raises GitCommandError for an exit code that is not in ``codes``, or after ``timeout``
        seconds; DiskFullError, OperationInProgressError.
        """
        try:
            return self.attempt(*arguments, stdin=stdin, codes=codes, timeout=timeout)
        except GitFailedError as error:
            raise error.to_mlws_error() from error

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
        name, command = f"git {arguments[0]}", ["git", *OPTIONS, *arguments]
        try:
            result = run_process(
                command,
                self.root,
                self.variables(),
                stdin=stdin,
                timeout=timeout,
                check_canceled=check_canceled,
            )
        except subprocess.TimeoutExpired:
            raise GitFailedError(name, -1, f"timed out after {timeout:g} s") from None
        if result.returncode not in codes:
            # Some commands, such as `bisect`, explain themselves on the standard output.
            output = result.stderr.strip() or result.stdout.strip()
            raise self._failure(name, result.returncode, output.decode(errors="replace"))
        return result.stdout

    def create(self) -> None:
        """Make the folder a repository with the branch main; nothing changes where it is one."""
        import git

        try:
            git.Git(self.root).init(initial_branch="main", env=self.variables())
        except git.GitCommandError as error:
            failure = self._failure("git init", -1, error.stderr)
            raise failure.to_mlws_error() from error

    def _failure(self, command: str, code: int, reason: str) -> GitFailedError:
        # Addresses of remotes may hold passwords.
        reason = mask_credentials(reason)
        # git does not say why it cannot write a ref or the index.
        if WRITE_ERROR_PATTERN.search(reason) and (fault := disk_error(self.root)):
            reason = f"{reason}: {fault.strerror}"
        return GitFailedError(command, code, reason)

    def variables(self) -> dict[str, str]:
        """Return the variables that are added to the environment of git."""
        # With this locale alone, LANGUAGE would still choose the language of messages.
        locale = {"LC_ALL": "C.UTF-8", "LANGUAGE": "C"}
        return {**locale, "GIT_TERMINAL_PROMPT": "0", **self.environment}

    # Names

    def resolve(self, name: str) -> str:
        """Return the full id of the commit that ``name`` (id, branch, tag, HEAD~2…) refers to.

        Raises VersionItemNotFoundError if there is none.
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
        return decode(sha).strip()

    def path(self, name: str) -> str:
        """Return git's path of ``name`` (``index.lock``…), relative to the root or absolute."""
        return decode(self.run("rev-parse", "--git-path", name)).rstrip("\n")

    def contains(self, tip: str, sha: str) -> bool:
        """Return True if ``sha`` is ``tip`` or one of its ancestors."""
        try:
            self.attempt("merge-base", "--is-ancestor", sha, tip)
        except GitFailedError:
            return False
        return True

    def unfinished(self) -> str | None:
        """Return the merge, rebase… that is in progress, if any."""
        directory = decode(self.run("rev-parse", "--git-dir")).rstrip("\n")
        return unfinished_operation(self.root / directory)

    def operation_start(self) -> str | None:
        """Return the commit that was checked out before a rebase or a series of picks began."""
        for name in START_FILES:
            file = self.root / self.path(name)
            if file.is_file():
                return self.find(file.read_text(encoding="ascii").strip())
        return None

    def setting(self, name: str, kind: str = "path") -> str | None:
        """Return the value of a setting; None if it is not set; ``kind`` as git's ``--type``."""
        output = self.run("config", f"--type={kind}", "--get", name, codes=(0, 1))
        return decode(output).rstrip("\n") if output else None

    # Index and working tree

    def status(self, paths: Sequence[str] | None = None) -> Status:
        """Return the branch and every path that differs from HEAD, untracked files one by one.

        ``paths``: only these and the paths below them; a staged rename then has only its new path.
        """
        arguments = ("--porcelain=v2", "-z", "--branch", "--untracked-files=all")
        output = self.run("status", *arguments, *(("--", *paths) if paths else ()))
        branch = head = upstream = None
        entries: dict[str, Entry] = {}
        parts = iter(decode(output).split("\0"))
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

    def tracked(self, path: str) -> bool:
        """Return True if the index has ``path``."""
        return bool(self.run("ls-files", "-z", "--", path))

    def files(self, *, only_untracked: bool = False) -> list[str]:
        """Return the paths in the index; if ``only_untracked``, those neither in it nor ignored."""
        which = ("--others", "--exclude-standard") if only_untracked else ("--cached",)
        return split_nul(self.run("ls-files", "-z", *which))

    # Objects

    def tree_of(self, commit: str | None) -> str:
        """Return the id of a commit's tree; without a commit, of the tree without files."""
        if commit is None:
            return decode(self.run("hash-object", "-t", "tree", "--stdin")).strip()
        return decode(self.run("rev-parse", f"{commit}^{{tree}}")).strip()

    def tree(self, revision: str, *paths: str) -> list[TreeEntry]:
        """Return the files of a commit or tree, all or those at and below ``paths``."""
        output = self.run("ls-tree", "-r", "-z", "--full-tree", revision, "--", *paths)
        entries = []
        for row in split_nul(output):
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

    def write_blob(self, revision: str, path: str, file: Path) -> None:
        """Write the content of ``path`` in a version to a file, of any size; GitCommandError."""
        with file.open("wb") as stream:
            result = subprocess.run(
                ["git", *OPTIONS, "cat-file", "blob", f"{revision}:{path}"],
                cwd=self.root,
                env={**os.environ, **self.variables()},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.PIPE,
                timeout=TIMEOUT,
            )
        if result.returncode:
            reason = Message.verbatim(decode(result.stderr).strip())
            raise GitCommandError(command="git cat-file", reason=reason)

    def blob_size(self, revision: str, path: str) -> int | None:
        """Return the bytes of ``path`` in a version; None if it does not exist there."""
        name = f"{revision}:{path}\0".encode(errors="surrogateescape")
        # Of a missing one, the output is its name, which may hold anything.
        output = self.run("cat-file", "--batch-check=%(objecttype) %(objectsize)", "-z", stdin=name)
        match = re.fullmatch(rb"blob (\d+)\n", output)
        return int(match[1]) if match else None

    def sizes(self, shas: Collection[str]) -> dict[str, int]:
        """Return the size in bytes of those of the objects that the repository has."""
        if not shas:
            return {}
        stdin = "".join(f"{sha}\n" for sha in shas).encode()
        rows = self.run("cat-file", "--batch-check", stdin=stdin).decode().splitlines()
        # Of a missing object: its id, and the word "missing".
        return {sha: int(facts[1]) for sha, *facts in map(str.split, rows) if len(facts) == 2}

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

    def hash(self, content: bytes, *, write: bool = False) -> str:
        """Return the id that ``content`` has as a blob; if ``write``, store it as one."""
        options = ("-w",) if write else ()
        return decode(self.run("hash-object", *options, "--stdin", stdin=content)).strip()

    def hash_file(self, path: str) -> str:
        """Return the id that a file of the working tree has as a blob, filters applied."""
        return decode(self.run("hash-object", "--", path)).strip()


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


def parse_name_status(letters: str, parts: Iterator[str]) -> Entry:
    """Return an entry of ``--name-status -z``: a letter, then one path or two."""
    first = next(parts)
    if letters[0] in "RC":
        second = next(parts)
        return Entry(
            second, STATES_BY_LETTER[letters[0]], old_path=first if letters[0] == "R" else None
        )
    return Entry(first, STATES_BY_LETTER.get(letters[0], "modified"))


def decode(output: bytes) -> str:
    """Decode what git prints. Names need not be UTF-8; surrogates carry such bytes through."""
    return output.decode(errors="surrogateescape")


def split_nul(output: bytes) -> list[str]:
    """Return the parts of output that git prints with ``-z``."""
    return [part for part in decode(output).split("\0") if part]


def join_nul(parts: Iterable[str]) -> bytes:
    """Return the input for git that has these parts, for its options ``-z --stdin``."""
    return "".join(f"{part}\0" for part in parts).encode(errors="surrogateescape")
