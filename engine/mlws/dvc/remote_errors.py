"""Translation of the exceptions of a remote's library to errors of the catalogue."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from mlws.core.errors import DataCredentialsError, DiskFullError, MLWSError, RemoteUnreachableError
from mlws.core.secrets import mask_credentials

DISK_FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT)
CREDENTIAL_ERROR_NAMES = ("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound")
"""botocore's names, which is installed only with S3."""
AUTH_ERROR_NAMES = ("PermissionDenied", "AuthError", "HostKeyNotVerifiable", "KeyImportError")
"""asyncssh's and DVC's names."""

DENIED_STATUSES = (401, 403)

UNREACHABLE_ERRORS = (RemoteUnreachableError, DataCredentialsError)
"""Errors after which nothing is known of a remote: it is out of reach, or refused us."""


def is_not_found(error: BaseException) -> bool:
    """Return True if the error says that nothing exists at a location that was reached.

    fsspec raises ``FileNotFoundError`` also for web servers that do not answer.
    """
    if not isinstance(error, FileNotFoundError):
        return False
    others = [one for one in _iter_causes(error) if not isinstance(one, FileNotFoundError)]
    return not any(
        isinstance(one, OSError) or _http_status(one) in DENIED_STATUSES for one in others
    )


def translate(error: BaseException, remote: str | None) -> MLWSError:
    """Return DiskFullError for a full disk, DataCredentialsError for refused credentials, else
    RemoteUnreachableError.
    """
    chain = list(_iter_causes(error))
    for one in chain:
        if isinstance(one, OSError) and one.errno in DISK_FULL_ERRNOS:
            return DiskFullError(reason=mask_credentials(str(one)))
    reason = mask_credentials(f"{type(error).__name__}: {error}")
    names = {type(one).__name__ for one in chain}
    is_denied = any(
        isinstance(one, PermissionError) or _http_status(one) in DENIED_STATUSES for one in chain
    )
    if is_denied or names & {*CREDENTIAL_ERROR_NAMES, *AUTH_ERROR_NAMES}:
        return DataCredentialsError(remote=remote, reason=reason)
    return RemoteUnreachableError(remote=remote, reason=reason)


def _http_status(error: BaseException) -> int | None:
    """Return the HTTP status of an aiohttp error; None for other errors."""
    status = getattr(error, "status", None)
    return status if isinstance(status, int) else None


def _iter_causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and its causes."""
    seen_ids: set[int] = set()
    while error is not None and id(error) not in seen_ids:
        seen_ids.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
