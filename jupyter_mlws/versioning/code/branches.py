"""Branches and tags of a project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_mlws.core.errors import (
    AlreadyExistsError,
    BranchCheckedOutError,
    BranchNotMergedError,
    VersionItemNotFoundError,
)
from jupyter_mlws.git.commits import check_identity
from jupyter_mlws.git.refs import (
    EXISTS,
    HEADS,
    TAGS,
    BranchRef,
    TagRef,
    branches,
    current_branch,
    fault_of_name,
    holders,
    list_refs,
    tags,
)
from jupyter_mlws.versioning.branch_copies import keep_tip
from jupyter_mlws.versioning.code.models import Branch, Checkout, Tag
from jupyter_mlws.versioning.code.switching import Switching
from jupyter_mlws.versioning.repository import Needs, Repository, RepositoryPart
from mlws.core.errors import Fault, InvalidRequestError
from mlws.core.i18n import Message
from mlws.core.progress import ProgressCallback, no_progress

ONE_OF = Message("specify either branch or ref")
NO_NAME_GIVEN = Message("is required to create a branch")
NAME_TAKEN = Message(
    "conflicts with the branch {other!r}: git does not allow one branch name to be a "
    "parent path of another"
)


@dataclass(frozen=True)
class Destination:
    """Target of a checkout: the commit, and the arguments of ``git checkout``."""

    sha: str
    arguments: Sequence[str]


class BranchManager(RepositoryPart):
    """The branches of one project. Thread-safe.

    Methods that write hold the project's lock.
    """

    def __init__(self, repository: Repository) -> None:
        super().__init__(repository)
        self._switching = Switching(repository)
        self.tags = TagManager(repository)

    def list(self) -> list[Branch]:
        """Return the local branches, then the remote branches, each newest first."""
        refs = sorted(branches(self._git), key=lambda ref: ref.remote is not None)
        return [_record(ref) for ref in refs]

    def get(self, name: str) -> Branch:
        """Return a local branch. Raises VersionItemNotFoundError."""
        ref = self._local(name)
        if ref is None:
            raise VersionItemNotFoundError(kind="branch", name=name)
        return _record(ref)

    def create(self, name: str, start: str = "HEAD", *, checkout: bool = False) -> Branch:
        """Create a branch at the commit ``start``; it tracks ``start`` if that is a remote branch.

        Raises InvalidRequestError for a name that git refuses, AlreadyExistsError for one that
        exists, VersionItemNotFoundError; with ``checkout`` also those of :meth:`checkout`. No
        branch is created then.
        """
        with self._repository.exclusive(
            "branch", needs=Needs.VERSION if checkout else Needs.NOTHING
        ):
            self._check_new(name, "name")
            if checkout:
                self._go(self._new(name, start), no_progress)
            else:
                option, point = self._start(start)
                self._git.run("branch", option, "--", name, point)
        return self.get(name)

    def delete(self, name: str, *, force: bool = False) -> Branch:
        """Delete a branch and return it; a safety copy keeps commits that no other branch has.

        Raises VersionItemNotFoundError, BranchCheckedOutError if it is checked out,
        BranchNotMergedError if it has commits that no other branch has.
        """
        with self._repository.exclusive("branch", needs=Needs.NOTHING):
            ref = self._local(name)
            if ref is None:
                raise VersionItemNotFoundError(kind="branch", name=name)
            if ref.current or ref.elsewhere:
                raise BranchCheckedOutError(branch=name)
            if holders(self._git, ref.sha) == [f"{HEADS}{name}"]:
                if not force:
                    raise BranchNotMergedError(branch=name, commit=ref.sha)
                keep_tip(self._git, f"{HEADS}{name}", ref.sha, "branch --delete")
            self._git.run("branch", "--delete", "--force", "--quiet", "--", name)
        return _record(ref)

    def rename(self, name: str, new: str) -> Branch:
        """Rename a local branch and return it; its upstream and settings stay with it.

        Raises VersionItemNotFoundError, InvalidRequestError for a name that git refuses,
        AlreadyExistsError for one that exists, BranchCheckedOutError for a branch that another
        worktree has checked out.
        """
        with self._repository.exclusive("branch", needs=Needs.VERSION):
            ref = self._local(name)
            if ref is None:
                raise VersionItemNotFoundError(kind="branch", name=name)
            if ref.elsewhere:
                raise BranchCheckedOutError(branch=name)
            self._check_new(new, "name", instead_of=name)
            self._git.run("branch", "--move", "--", name, new)
        return self.get(new)

    def check_checkout(self, branch: str | None, ref: str | None, *, create: bool = False) -> None:
        """Raise the errors of :meth:`checkout` that can be found immediately."""
        self._repository.refuse_unfinished()
        self._switching.check(self._destination(branch, ref, create).sha)

    def checkout(
        self,
        branch: str | None,
        ref: str | None = None,
        *,
        create: bool = False,
        progress: ProgressCallback = no_progress,
    ) -> Checkout:
        """Check out a branch or commit, with its data.

        Raises InvalidRequestError for an invalid combination, AlreadyExistsError and
        VersionItemNotFoundError for names, UnfinishedOperationError during a merge,
        UncommittedChangesError if uncommitted work would be lost, RemoteUnreachableError,
        DataDamagedError and DataMissingError if data is not available. Nothing has changed then.
        """
        with self._repository.exclusive("checkout"):
            previous = self._git.find("HEAD")
            destination = self._destination(branch, ref, create)
            data = self._go(destination, progress)
            standing = current_branch(self._git)
        return Checkout(
            branch=standing.removeprefix(HEADS) if standing else None,
            commit=destination.sha,
            previous=previous,
            data=[*data],
        )

    def _destination(self, branch: str | None, ref: str | None, create: bool) -> Destination:
        if create:
            if branch is None:
                raise InvalidRequestError(faults=[Fault("branch", NO_NAME_GIVEN)])
            self._check_new(branch, "branch")
            return self._new(branch, ref or "HEAD")
        if (branch is None) == (ref is None):
            raise InvalidRequestError(faults=[Fault("branch", ONE_OF), Fault("ref", ONE_OF)])
        if branch is None:
            assert ref is not None
            sha = self._git.resolve(ref)
            return Destination(sha, ("--detach", sha, "--"))
        local_ref = self._local(branch)
        if local_ref is not None:
            if local_ref.elsewhere:
                raise BranchCheckedOutError(branch=branch)
            return Destination(local_ref.sha, (branch, "--"))
        # As `git checkout` does: the one remote that has such a branch is meant.
        remote_refs = [one for one in branches(self._git) if one.remote and one.name == branch]
        if len(remote_refs) != 1:
            raise VersionItemNotFoundError(kind="branch", name=branch)
        self._check_new(branch, "branch")
        return self._new(branch, f"{remote_refs[0].remote}/{branch}")

    def _new(self, name: str, start: str) -> Destination:
        option, point = self._start(start)
        return Destination(self._git.resolve(start), ("-b", name, option, point, "--"))

    def _start(self, start: str) -> tuple[str, str]:
        """Return git's tracking option and start point: a remote branch's name, or a commit."""
        for ref in branches(self._git):
            if ref.remote and f"{ref.remote}/{ref.name}" == start:
                return "--track", start
        sha = self._git.resolve(start)
        # git's reflog names the start.
        return "--no-track", start if start == "HEAD" else sha

    def _check_new(self, name: str, field: str, instead_of: str | None = None) -> None:
        fault = fault_of_name(self._git, name)
        if fault is not None:
            raise InvalidRequestError(faults=[Fault(field, fault)])
        for other in list_refs(self._git, HEADS):
            existing_name = other.removeprefix(HEADS)
            if existing_name == instead_of:
                continue
            if existing_name == name:
                raise AlreadyExistsError(faults=[Fault(field, EXISTS)], name=name)
            if existing_name.startswith(f"{name}/") or name.startswith(f"{existing_name}/"):
                raise AlreadyExistsError(
                    faults=[Fault(field, NAME_TAKEN.fill(other=existing_name))], name=name
                )

    def _go(self, destination: Destination, progress: ProgressCallback) -> Sequence[str]:
        command = ("checkout", "--quiet", *destination.arguments)
        return self._switching.run(destination.sha, command, progress)

    def _local(self, name: str) -> BranchRef | None:
        for ref in branches(self._git):
            if ref.remote is None and ref.name == name:
                return ref
        return None


def _record(ref: BranchRef) -> Branch:
    return Branch.from_object(ref, commit=ref.sha)


class TagManager(RepositoryPart):
    """The tags of one project. Thread-safe.

    Methods that write hold the project's lock.
    """

    def list(self) -> list[Tag]:
        """Return all tags, newest first."""
        return [_tag(ref) for ref in tags(self._git)]

    def get(self, name: str) -> Tag:
        """Return one tag. Raises VersionItemNotFoundError."""
        for ref in tags(self._git):
            if ref.name == name:
                return _tag(ref)
        raise VersionItemNotFoundError(kind="tag", name=name)

    def create(self, name: str, ref: str = "HEAD", message: str | None = None) -> Tag:
        """Create a tag at the commit ``ref``.

        Raises InvalidRequestError for a name that git refuses, AlreadyExistsError for one that
        exists, VersionItemNotFoundError, GitIdentityMissingError if git has no user name,
        SigningFailedError if the tag can't be signed.
        """
        with self._repository.exclusive("tag", needs=Needs.NOTHING):
            fault = fault_of_name(self._git, name)
            if fault is not None:
                raise InvalidRequestError(faults=[Fault("name", fault)])
            if f"{TAGS}{name}" in list_refs(self._git, TAGS):
                raise AlreadyExistsError(faults=[Fault("name", EXISTS)], name=name)
            sha = self._git.resolve(ref)
            if message is None:
                self._git.run("tag", "--no-sign", "--", name, sha)
            else:
                check_identity(self._git)
                text = message.strip() + "\n"
                self._git.run("tag", "--annotate", "-F", "-", "--", name, sha, stdin=text.encode())
        return self.get(name)

    def delete(self, name: str) -> Tag:
        """Delete a local tag and return it. Raises VersionItemNotFoundError."""
        with self._repository.exclusive("tag", needs=Needs.NOTHING):
            tag = self.get(name)
            self._git.run("tag", "--delete", "--", name)
        return tag


def _tag(ref: TagRef) -> Tag:
    return Tag.from_object(ref, commit=ref.sha)
