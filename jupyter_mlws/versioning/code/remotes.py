"""Git remotes: fetch, push and pull of branches with their data.

A push sends the data first, verifies that it has arrived, and only then moves the branch. A pull
fetches the data before the working tree changes.
"""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_mlws.core.errors import (
    DataRemoteMissingError,
    DetachedHeadError,
    RemoteAheadError,
    UnfinishedOperationError,
    VersionItemNotFoundError,
)
from jupyter_mlws.git.commits import check_identity
from jupyter_mlws.git.credentials import Credentials
from jupyter_mlws.git.refs import (
    HEADS,
    NO_NAME,
    REMOTES,
    TAGS,
    current_branch,
    fault_of_name,
    list_refs,
    remotes,
)
from jupyter_mlws.git.remote_commands import (
    RemoteSession,
    fetch,
    fetch_all,
    push,
    push_tag,
    tips_at,
)
from jupyter_mlws.versioning.code.merge_tree import merge_commits
from jupyter_mlws.versioning.code.models import (
    Fetched,
    FetchedBranch,
    Pulled,
    PullOutcome,
    Pushed,
    Remote,
)
from jupyter_mlws.versioning.code.switching import Switching
from jupyter_mlws.versioning.data_index import format_paths, select_new_content
from jupyter_mlws.versioning.experiments.run_exchange import ExchangeResult, RunExchange
from jupyter_mlws.versioning.publishing.outbox import sent_of
from jupyter_mlws.versioning.publishing.pre_push_hook import (
    data_of_commits,
    distinct,
    skip_pre_push_hook,
)
from jupyter_mlws.versioning.publishing.shared_runs import SHARED_RUNS
from jupyter_mlws.versioning.repository import Needs, Repository, RepositoryPart
from mlws.core.errors import DataMissingError, Fault, InvalidRequestError
from mlws.core.progress import Ask, ProgressCallback, no_progress
from mlws.core.urls import fault_of_address
from mlws.dvc.data import open_data
from mlws.dvc.pointers import DataPointer

DEFAULT_REMOTE = "origin"


class RemoteManager(RepositoryPart):
    """The remotes of one project. Thread-safe."""

    def __init__(self, repository: Repository) -> None:
        super().__init__(repository)
        self._switching = Switching(repository)
        self._runs = RunExchange(repository)

    def list(self) -> Sequence[Remote]:
        """Return the configured git remotes."""
        return [Remote.from_object(ref) for ref in remotes(self._git)]

    def check_push(self, remote: str | None, branch: str | None) -> tuple[str, str, str]:
        """Return (remote, branch, commit of the branch) for a push; does not use the network.

        Raises VersionItemNotFoundError, or DetachedHeadError if HEAD is detached.
        """
        branch = branch or self._current_branch()
        sha = self._git.find(f"{HEADS}{branch}")
        if sha is None:
            raise VersionItemNotFoundError(kind="branch", name=branch)
        return self._resolve_remote(remote, branch), branch, sha

    def get(self, name: str) -> Remote:
        """Return one remote. Raises VersionItemNotFoundError."""
        for remote in self.list():
            if remote.name == name:
                return remote
        raise VersionItemNotFoundError(kind="remote", name=name)

    def put(self, name: str, url: str, push_url: str | None = None) -> Remote:
        """Add a remote, or change its URLs.

        Raises InvalidRequestError for a name that git refuses, and for a URL that is invalid or
        holds a password.
        """
        faults = []
        name_fault = fault_of_name(self._git, name)
        if name_fault is not None or "." in (name, name[:1]):
            faults.append(Fault("name", name_fault or NO_NAME))
        for field, address in (("url", url), ("push_url", push_url)):
            fault = fault_of_address(address) if address is not None else None
            if fault is not None:
                faults.append(Fault(field, fault))
        if faults:
            raise InvalidRequestError(faults=faults)
        with self._repository.exclusive("remote", needs=Needs.NOTHING):
            if name not in [ref.name for ref in remotes(self._git)]:
                self._git.run("remote", "add", "--", name, url)
            else:
                self._git.run("config", "--replace-all", f"remote.{name}.url", url)
            self._git.run("config", "--unset-all", f"remote.{name}.pushurl", codes=(0, 5))
            if push_url is not None:
                self._git.run("config", f"remote.{name}.pushurl", push_url)
        return self.get(name)

    def delete(self, name: str) -> Remote:
        """Remove a remote with its remote-tracking branches, and return it.

        Raises VersionItemNotFoundError.
        """
        with self._repository.exclusive("remote", needs=Needs.NOTHING):
            remote = self.get(name)
            self._git.run("remote", "remove", name)
        return remote

    def check_fetch(self, remote: str | None) -> str:
        """Return the name of the remote to fetch from. Raises VersionItemNotFoundError."""
        ref = current_branch(self._git)
        return self._resolve_remote(remote, ref.removeprefix(HEADS) if ref else "")

    def fetch(
        self,
        remote: str | None = None,
        progress: ProgressCallback = no_progress,
        *,
        prune: bool = False,
        ask: Ask | None = None,
    ) -> Fetched:
        """Update the remote-tracking branches of a remote; nothing else changes.

        Raises RemoteUnreachableError or GitCredentialsError.
        """
        remote = self.check_fetch(remote)
        prefix = f"{REMOTES}{remote}/"
        before = list_refs(self._git, prefix)
        line = _create_session(progress, "ask", Credentials(ask))
        fetch_all(self._git, remote, line, prune=prune)
        after = list_refs(self._git, prefix)
        return Fetched(
            remote=remote,
            branches=[
                FetchedBranch(
                    name=ref.removeprefix(prefix), previous=before.get(ref), commit=after.get(ref)
                )
                for ref in sorted({*before, *after})
                if before.get(ref) != after.get(ref) and not ref.endswith("/HEAD")
            ],
        )

    def push_tag(
        self,
        name: str,
        remote: str | None = None,
        progress: ProgressCallback = no_progress,
        ask: Ask | None = None,
    ) -> None:
        """Push a tag to a remote, its data first; errors as those of :meth:`push`."""
        if f"{TAGS}{name}" not in list_refs(self._git, TAGS):
            raise VersionItemNotFoundError(kind="tag", name=name)
        remote = self.check_fetch(remote)
        sha = self._git.resolve(f"{TAGS}{name}")
        commits = self._unpushed_commits(sha, None, remote)
        if commits:
            self._push_data(sha, None, commits, progress)
        push_tag(
            skip_pre_push_hook(self._git),
            remote,
            name,
            _create_session(progress, "tag", Credentials(ask)),
        )

    def push(
        self,
        remote: str | None = None,
        branch: str | None = None,
        progress: ProgressCallback = no_progress,
        ask: Ask | None = None,
        *,
        code_only: bool = False,
    ) -> Pushed:
        """Push a branch, after the data of every commit that is new to the remote.

        Then push what is new of the runs that its commits name. ``code_only``: only the branch.

        Raises RemoteUnreachableError if a remote can't be reached, GitCredentialsError if it
        accepts no credentials, RemoteAheadError if it has other commits, DataRemoteMissingError
        without a remote for data, PushRejectedError if it refuses, DataMissingError if data is in
        no store. The branch there has not moved then.
        """
        remote, branch, sha = self.check_push(remote, branch)
        progress(0, message="ask")
        credentials = Credentials(ask)
        refs = (f"{HEADS}{branch}", SHARED_RUNS)
        tips = tips_at(self._git, remote, refs, _create_session(progress, "ask", credentials))
        before = tips.get(f"{HEADS}{branch}")
        if before is not None and not self._git.contains(sha, before):
            raise RemoteAheadError(remote=remote, branch=branch)
        commits = self._unpushed_commits(sha, before, remote)
        data = () if code_only else self._push_data(sha, before, commits, progress)
        if before != sha:
            push(
                skip_pre_push_hook(self._git),
                remote,
                sha,
                branch,
                _create_session(progress, "branch", credentials),
            )
        self._repository.outbox.try_deliver(progress)
        exchange = ExchangeResult()
        if not code_only:
            session = _create_session(progress, "runs", credentials)
            runs_tip = tips.get(SHARED_RUNS)
            exchange = self._runs.send(remote, sha, before, runs_tip, session, progress)
        if self._git.setting(f"branch.{branch}.remote", "path") is None:
            self._git.run("config", f"branch.{branch}.remote", remote)
            self._git.run("config", f"branch.{branch}.merge", f"{HEADS}{branch}")
        return Pushed(
            remote=remote,
            branch=branch,
            commit=sha,
            previous=before,
            commits=len(commits),
            data=format_paths({item.path for item in data}),
            runs=exchange.runs,
            warnings=exchange.warnings,
        )

    def check_pull(self, remote: str | None, branch: str | None) -> tuple[str, str]:
        """Return (remote, branch at the remote) for a pull.

        Raises VersionItemNotFoundError, or DetachedHeadError if HEAD is detached.
        """
        current = self._current_branch()
        remote = self._resolve_remote(remote, current)
        if branch is None:
            merged = self._git.setting(f"branch.{current}.merge", "path") or ""
            follows = self._git.setting(f"branch.{current}.remote", "path") == remote
            branch = merged.removeprefix(HEADS) if follows and merged else current
        return remote, branch

    def pull(
        self,
        remote: str | None = None,
        branch: str | None = None,
        progress: ProgressCallback = no_progress,
        ask: Ask | None = None,
    ) -> Pulled:
        """Integrate a remote's branch into the current one, with its data and runs.

        Raises RemoteUnreachableError if a remote can't be reached, GitCredentialsError if it
        accepts no credentials, VersionItemNotFoundError if it has no such branch,
        UnfinishedOperationError with the paths in conflict, UncommittedChangesError if uncommitted
        work would be lost, UnrelatedHistoriesError without a common commit, DataDamagedError and
        DataMissingError of data. The working tree is unchanged then.
        """
        remote, branch = self.check_pull(remote, branch)
        progress(0, message="ask")
        line = _create_session(progress, "branch", Credentials(ask))
        tips = tips_at(self._git, remote, (f"{HEADS}{branch}", SHARED_RUNS), line)
        if f"{HEADS}{branch}" not in tips:
            raise VersionItemNotFoundError(kind="branch", name=f"{remote}/{branch}")
        theirs = fetch(self._git, remote, branch, line)
        with self._repository.exclusive("pull"):
            current = self._current_branch()
            head = self._git.find("HEAD")
            outcome, target = self._integrate(head, theirs, f"{remote}/{branch}")
            data = self._switching.fast_forward(target, "pull", progress, thorough=True)
        exchange = self._runs.receive(remote, tips.get(SHARED_RUNS), line, progress)
        count = 0 if outcome is PullOutcome.UP_TO_DATE else len(self._commits_between(theirs, head))
        return Pulled(
            remote=remote,
            branch=current,
            commit=target,
            previous=head,
            outcome=outcome,
            commits=count,
            data=[*data],
            runs=exchange.runs,
            warnings=exchange.warnings,
        )

    def _current_branch(self) -> str:
        ref = current_branch(self._git)
        if ref is None:
            # A rebase or bisect detaches HEAD until it ends.
            self._repository.refuse_unfinished()
            raise DetachedHeadError()
        return ref.removeprefix(HEADS)

    def _resolve_remote(self, remote: str | None, branch: str) -> str:
        names = [ref.name for ref in remotes(self._git)]
        upstream = self._git.setting(f"branch.{branch}.remote", "path")
        only = names[0] if len(names) == 1 else DEFAULT_REMOTE
        candidates = (upstream, DEFAULT_REMOTE, only) if remote is None else (remote,)
        for name in candidates:
            if name in names:
                return name
        raise VersionItemNotFoundError(kind="remote", name=remote or DEFAULT_REMOTE)

    def _unpushed_commits(self, sha: str, before: str | None, remote: str) -> Sequence[str]:
        """Return the commits that the remote lacks, as far as is known locally."""
        if before is not None:
            return self._commits_between(sha, before)
        output = self._git.run("rev-list", sha, "--not", f"--remotes={remote}", "--")
        return output.decode().split()

    def _commits_between(self, tip: str, base: str | None) -> Sequence[str]:
        exclusions = [f"^{base}"] if base else []
        return self._git.run("rev-list", tip, *exclusions, "--").decode().split()

    def _push_data(
        self, sha: str, before: str | None, commits: Sequence[str], progress: ProgressCallback
    ) -> Sequence[DataPointer]:
        """Push the data that the commits name to the data remote, and return its pointers.

        Raises DataMissingError if data of the tip is in no store.
        """
        previous = self._content.data_at(before) if before else []
        tip = sent_of(self._content.data_at(sha))
        items = distinct([*tip, *data_of_commits(self._git, self._content, commits)])
        if not items:
            return []
        with open_data(self._root) as data:
            fresh = select_new_content(tip, previous)
            if data.remote.name is None:
                if fresh:
                    paths = format_paths({item.path for item in fresh})
                    raise DataRemoteMissingError(paths=paths)
                return []
            absent = set(data.cache.missing(items))
            elsewhere = {
                obj.item for obj in data.remote.missing(sorted(absent, key=lambda item: item.path))
            }
            lost_paths = [item.path for item in fresh if item in elsewhere]
            if lost_paths:
                raise DataMissingError(paths=", ".join(format_paths(lost_paths)))
            # Data that only older commits name and no store has is lost already.
            present = [item for item in items if item not in absent]
            data.remote.push(present, progress)
        return present

    def _integrate(self, head: str | None, theirs: str, name: str) -> tuple[PullOutcome, str]:
        """Return the outcome of a pull and a commit that contains both histories.

        A merge commit is made if necessary; the working tree does not change.
        """
        if head is None:
            return PullOutcome.FAST_FORWARD, theirs
        if self._git.contains(head, theirs):
            return PullOutcome.UP_TO_DATE, head
        if self._git.contains(theirs, head):
            return PullOutcome.FAST_FORWARD, theirs
        check_identity(self._git)
        merge_result = merge_commits(self._repository.project, self._git, head, theirs)
        if merge_result.conflicts:
            raise UnfinishedOperationError(
                operation="merge", paths=format_paths(merge_result.conflicts)
            )
        sha = self._switching.commit(merge_result.tree, [head, theirs], f"Merge {name}", "merge")
        return PullOutcome.MERGED, sha


def _create_session(
    progress: ProgressCallback, message: str, credentials: Credentials
) -> RemoteSession:
    return RemoteSession(lambda: progress(0, message=message), credentials)
