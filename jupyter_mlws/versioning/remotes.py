"""Brings versions to remotes and from there: data and branch, in the order that keeps both whole.

A push stores the data first, looks that it has arrived, and only then moves the branch. A pull
has the data before the working tree changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from jupyter_mlws.errors import MLWSError
from jupyter_mlws.versioning.code_models import Pulled, PullOutcome, Pushed, Remote
from jupyter_mlws.versioning.content import listed, named_anew
from jupyter_mlws.versioning.datafiles import DataFile, is_relevant
from jupyter_mlws.versioning.gitrefs import HEADS, remotes
from jupyter_mlws.versioning.gitwire import fetch, push, tip_at
from jupyter_mlws.versioning.joining import join
from jupyter_mlws.versioning.progress import Telling, quiet
from jupyter_mlws.versioning.repository import Repository
from jupyter_mlws.versioning.switching import Switching

USUAL = "origin"
"""The remote that is meant where nothing else is said."""
TIMEOUT = 600.0
"""Seconds for git to merge, or to write the files of another version."""


class RemoteManager:
    """The remotes of one project. Thread-safe."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._root = repository.project.root
        self._git = repository.git
        self._content = repository.content
        self._switching = Switching(repository)

    def list(self) -> list[Remote]:
        """The remotes that git is set up with."""
        return [
            Remote(name=ref.name, url=ref.url, push_url=ref.push_url) for ref in remotes(self._git)
        ]

    def check_push(self, remote: str | None, branch: str | None) -> tuple[str, str, str]:
        """(remote, branch, its commit) of a push; error 30404, or 30215 where HEAD has no branch.

        Nothing is asked over the network.
        """
        branch = branch or self._current()
        sha = self._git.find(f"{HEADS}{branch}")
        if sha is None:
            raise MLWSError("30404", kind="branch", name=branch)
        return self._remote(remote, branch), branch, sha

    def push(
        self, remote: str | None = None, branch: str | None = None, progress: Telling = quiet
    ) -> Pushed:
        """Push a branch with the data of every commit that is new to the remote.

        Errors: 30101 where a remote can't be reached, 30213 where it has other commits, 30214
        without a remote for data, 30216 where it refuses, 30402 where data is in no store. The
        branch there has not moved then.
        """
        remote, branch, sha = self.check_push(remote, branch)
        progress(0, message="ask")
        before = tip_at(self._git, remote, branch, _wanted(progress, "ask"))
        if before is not None and not self._git.contains(sha, before):
            raise MLWSError("30213", remote=remote, branch=branch)
        commits = self._new(sha, before, remote)
        data = self._push_data(sha, before, commits, progress)
        if before != sha:
            push(self._git, remote, sha, branch, _wanted(progress, "branch"))
        self._follow(branch, remote)
        return Pushed(
            remote=remote,
            branch=branch,
            commit=sha,
            previous=before,
            commits=len(commits),
            data=listed({item.path for item in data}),
        )

    def check_pull(self, remote: str | None, branch: str | None) -> tuple[str, str]:
        """(remote, its branch) of a pull; error 30404, 30215 where HEAD has no branch."""
        current = self._current()
        remote = self._remote(remote, current)
        if branch is None:
            merged = self._git.setting(f"branch.{current}.merge", "path") or ""
            follows = self._git.setting(f"branch.{current}.remote", "path") == remote
            branch = merged.removeprefix(HEADS) if follows and merged else current
        return remote, branch

    def pull(
        self, remote: str | None = None, branch: str | None = None, progress: Telling = quiet
    ) -> Pulled:
        """Bring a remote's branch into the current one, with the data that it names.

        Errors: 30101 where a remote can't be reached, 30404 where it has no such branch, 30201
        with the paths where both changed the same, 30202 where uncommitted work would be lost,
        30217 without a common commit, 30401 and 30402 of data. The working tree is as before then.
        """
        remote, branch = self.check_pull(remote, branch)
        progress(0, message="ask")
        wanted = _wanted(progress, "branch")
        if tip_at(self._git, remote, branch, wanted) is None:
            raise MLWSError("30404", kind="branch", name=f"{remote}/{branch}")
        theirs = fetch(self._git, remote, branch, wanted)
        with self._repository.exclusive("pull"):
            current = self._current()
            head = self._git.find("HEAD")
            outcome, target = self._joined(head, theirs, f"{remote}/{branch}")
            data = self._switching.run(
                target, lambda: self._move(head, target), progress, thorough=True
            )
        count = 0 if outcome is PullOutcome.UP_TO_DATE else len(self._between(theirs, head))
        return Pulled(
            remote=remote,
            branch=current,
            commit=target,
            previous=head,
            outcome=outcome,
            commits=count,
            data=[*data],
        )

    # Which remote, which branch

    def _current(self) -> str:
        ref = self._git.branch()
        if ref is None:
            raise MLWSError("30215")
        return ref.removeprefix(HEADS)

    def _remote(self, given: str | None, branch: str) -> str:
        known = [ref.name for ref in remotes(self._git)]
        configured = self._git.setting(f"branch.{branch}.remote", "path")
        only = known[0] if len(known) == 1 else USUAL
        candidates = (configured, USUAL, only) if given is None else (given,)
        for name in candidates:
            if name in known:
                return name
        raise MLWSError("30404", kind="remote", name=given or USUAL)

    def _follow(self, branch: str, remote: str) -> None:
        """Let the branch follow what it was pushed to, unless it follows something."""
        if self._git.setting(f"branch.{branch}.remote", "path") is None:
            self._git.run("config", f"branch.{branch}.remote", remote)
            self._git.run("config", f"branch.{branch}.merge", f"{HEADS}{branch}")

    # Pushing

    def _new(self, sha: str, before: str | None, remote: str) -> Sequence[str]:
        """The commits that the remote lacks, as far as is known here."""
        if before is not None:
            return self._between(sha, before)
        output = self._git.run("rev-list", sha, "--not", f"--remotes={remote}", "--")
        return output.decode().split()

    def _between(self, tip: str, base: str | None) -> Sequence[str]:
        excluded = [f"^{base}"] if base else []
        return self._git.run("rev-list", tip, *excluded, "--").decode().split()

    def _push_data(
        self, sha: str, before: str | None, commits: Sequence[str], progress: Telling
    ) -> Sequence[DataFile]:
        """Store at the data's remote what the commits name; error 30402 where the tip lacks it."""
        known = self._content.data_at(before) if before else []
        tip = [item for item in self._content.data_at(sha) if item.md5 and item.pushed]
        wanted = _distinct([*tip, *self._named_by(commits)])
        if not wanted:
            return []
        from jupyter_mlws.versioning.dvc.data import open_data

        with open_data(self._root) as data:
            fresh = named_anew(tip, known)
            if data.remote is None:
                if fresh:
                    paths = listed({item.path for item in fresh})
                    raise MLWSError("30214", paths=paths, named=", ".join(paths))
                return []
            absent = set(data.missing(wanted))
            elsewhere = {
                stored.item
                for stored in data.missing_remotely(sorted(absent, key=lambda item: item.path))
            }
            lost = [item.path for item in fresh if item in elsewhere]
            if lost:
                raise MLWSError("30402", paths=", ".join(listed(lost)))
            # What only older commits name and no store has is lost already, pushed or not.
            present = [item for item in wanted if item not in absent]
            data.push(present, progress)
        return present

    def _named_by(self, commits: Sequence[str]) -> Sequence[DataFile]:
        changes = self._git.changes(commits) if commits else {}
        relevant = [
            commit
            for commit, entries in changes.items()
            if any(is_relevant(entry.path) for entry in entries)
        ]
        items = [item for commit in relevant for item in self._content.data_at(commit)]
        return [item for item in items if item.md5 and item.pushed]

    # Pulling

    def _joined(self, head: str | None, theirs: str, name: str) -> tuple[PullOutcome, str]:
        """The commit that has both, which may still have to be made; the working tree waits."""
        if head is None:
            return PullOutcome.FAST_FORWARD, theirs
        if self._git.contains(head, theirs):
            return PullOutcome.UP_TO_DATE, head
        if self._git.contains(theirs, head):
            return PullOutcome.FAST_FORWARD, theirs
        self._git.check_identity()
        sign = self._git.setting("commit.gpgsign", "bool") == "true"
        message = f"Merge {name}\n"
        joined = join(self._repository.project, self._git, head, theirs)
        if joined.conflicts:
            raise MLWSError("30201", operation="merge", paths=listed(joined.conflicts))
        sha = self._git.commit_tree(joined.tree, [head, theirs], message, sign=sign)
        return PullOutcome.MERGED, sha

    def _move(self, head: str | None, target: str) -> None:
        if head != target:
            self._git.attempt("merge", "--ff-only", "--quiet", target, timeout=TIMEOUT)


def _wanted(progress: Telling, message: str) -> Callable[[], None]:
    return lambda: progress(0, message=message)


def _distinct(items: Iterable[DataFile]) -> list[DataFile]:
    """One item of each content."""
    found: dict[str | None, DataFile] = {}
    for item in items:
        found.setdefault(item.md5, item)
    return list(found.values())
