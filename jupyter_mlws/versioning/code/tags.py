"""Tags of a project."""

from __future__ import annotations

from jupyter_mlws.core.errors import (
    AlreadyExistsError,
    Fault,
    InvalidRequestError,
    VersionItemNotFoundError,
)
from jupyter_mlws.git.commits import check_identity
from jupyter_mlws.git.refs import EXISTS, TAGS, TagRef, fault_of_name, list_refs, tags
from jupyter_mlws.versioning.code.models import Tag
from jupyter_mlws.versioning.repository import Needs, RepositoryPart


class TagManager(RepositoryPart):
    """The tags of one project. Thread-safe.

    Methods that write hold the project's lock.
    """

    def list(self) -> list[Tag]:
        """Return all tags, newest first."""
        return [_record(ref) for ref in tags(self._git)]

    def get(self, name: str) -> Tag:
        """Return one tag. Raises VersionItemNotFoundError."""
        for ref in tags(self._git):
            if ref.name == name:
                return _record(ref)
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


def _record(ref: TagRef) -> Tag:
    return Tag.from_object(ref, commit=ref.sha)
