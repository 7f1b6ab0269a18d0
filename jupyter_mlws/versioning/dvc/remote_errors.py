"""What a remote's library raised, in the words of the catalogue."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from jupyter_mlws.core.errors import (
    DataCredentialsError,
    DiskFullError,
    MLWSError,
    RemoteUnreachableError,
)
from jupyter_mlws.versioning.git.secrets import masked

FULL = (errno.ENOSPC, errno.EDQUOT)
NO_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound")
"""botocore's names, which is installed only with S3."""
REFUSED = ("PermissionDenied", "AuthError", "HostKeyNotVerifiable", "KeyImportError")
"""asyncssh's and DVC's names."""

DENIED = (401, 403)

UNASKED = (RemoteUnreachableError, DataCredentialsError)
"""Errors after which nothing is known of a remote: it is out of reach, or refused us."""


def absent(error: BaseException) -> bool:
    """Return True if the error says that nothing exists at a location that was reached.

    fsspec raises ``FileNotFoundError`` also for web servers that do not answer.
    """
    if not isinstance(error, FileNotFoundError):
        return False
    others = [one for one in _chain(error) if not isinstance(one, FileNotFoundError)]
    return not any(isinstance(one, OSError) or _status(one) in DENIED for one in others)


def told(error: BaseException, remote: str | None) -> MLWSError:
    """Return error 30102 for a full disk, 30270 for refused credentials, else 30101."""
    chain = list(_chain(error))
    for one in chain:
        if isinstance(one, OSError) and one.errno in FULL:
            return DiskFullError(reason=masked(str(one)))
    reason = masked(f"{type(error).__name__}: {error}")
    names = {type(one).__name__ for one in chain}
    is_denied = any(isinstance(one, PermissionError) or _status(one) in DENIED for one in chain)
    if is_denied or names & {*NO_CREDENTIALS, *REFUSED}:
        return DataCredentialsError(remote=remote, reason=reason)
    return RemoteUnreachableError(remote=remote, reason=reason)


def _status(error: BaseException) -> int | None:
    """Return the HTTP status of an aiohttp error; None for other errors."""
    status = getattr(error, "status", None)
    return status if isinstance(status, int) else None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and its causes."""
    seen_ids: set[int] = set()
    while error is not None and id(error) not in seen_ids:
        seen_ids.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
