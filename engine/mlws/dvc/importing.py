"""Import of data from a URL into the project, as by `dvc import-url` and `dvc get-url`.

Unlike theirs, a download reports its progress, and can be canceled and resumed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlws.core.errors import Fault, InvalidRequestError, MLWSError
from mlws.core.i18n import Message
from mlws.core.progress import ProgressCallback
from mlws.core.secrets import mask_credentials
from mlws.core.urls import parts_of
from mlws.dvc import resumable_transfer
from mlws.dvc.data import DataStore
from mlws.dvc.remote_errors import is_not_found, translate
from mlws.dvc.repo import disable_prompts, open_repo
from mlws.dvc.transfer_progress import Meter

STAGING_DIRECTORY = Path(".dvc", "tmp", "mlws-import")
"""Directory of unfinished downloads, relative to the project; git ignores it."""
NO_DATA_AT_URL = Message("no data found at this URL")
UNREADABLE_URL = Message("DVC can't read this URL: {reason}")
NO_SCHEME = Message("must start with a protocol such as https://, s3:// or ssh://")
CREDENTIAL_IN_URL = Message(
    "contains what looks like a credential and would be recorded; add a remote with the "
    "credential and use remote://NAME/PATH"
)
VERSION_FIELDS = frozenset({"size", "ETag", "etag", "LastModified", "mtime", "checksum"})
"""Fields of a file's description that change with its content, by protocol."""


@dataclass(frozen=True)
class _Source:
    """One file at a URL; ``size`` is None if the server does not report it."""

    path: str
    relative: str
    size: int | None
    stamp: str


def import_url(root: Path, url: str, target: str, progress: ProgressCallback, *, link: bool) -> str:
    """Download the data at ``url`` to the unused path ``target``, and track it with DVC.

    With ``link`` the URL is recorded in the ``.dvc`` file. Return the path of that file. Raises
    RemoteUnreachableError, DiskFullError, DataCredentialsError, InvalidRequestError for a URL that
    is invalid or has no data, DataTrackingError if DVC refuses.
    """
    with open_repo(root) as repo:
        fs, start = _open_filesystem(repo, url)
        meter = Meter(progress, "download")
        masked_url = mask_credentials(url)
        waiting = root / STAGING_DIRECTORY / hashlib.sha256(url.encode()).hexdigest()[:16]
        try:
            info = fs.info(start)
            if info.get("type") == "directory":
                sources = [
                    _to_source(path, fs.relpath(path, start), fs.info(path))
                    for path in sorted(fs.find(start))
                ]
            else:
                sources = [_to_source(start, "", info)]
            if not sources:
                raise InvalidRequestError(faults=[Fault("url", NO_DATA_AT_URL)])
            meter.expect(sum(source.size or 0 for source in sources))
            for source in sources:
                _download(fs, source, waiting, meter)
        except MLWSError:
            raise
        except Exception as error:  # each protocol's library raises its own kinds
            if is_not_found(error):
                raise InvalidRequestError(faults=[Fault("url", NO_DATA_AT_URL)]) from error
            if meter.stopped is not None:
                raise meter.stopped from None
            raise translate(error, masked_url) from error
        tracker = DataStore(root, repo).tracker
        tracker.track(target, content=waiting / "whole", url=url if link else None)
        shutil.rmtree(waiting)
        return f"{target}.dvc"


def _open_filesystem(repo: Any, url: str) -> tuple[Any, str]:
    from dvc.fs import parse_external_url

    try:
        fs, path = parse_external_url(url, config=repo.config)
        # Libraries of a protocol are imported with the first use of it.
        _ = disable_prompts(fs).fs
    except Exception as error:  # a ConfigError, or a missing library's own kind
        reason = mask_credentials(" ".join(str(error).split()))
        raise InvalidRequestError(
            faults=[Fault("url", UNREADABLE_URL.fill(reason=reason))]
        ) from error
    return fs, str(path).removeprefix("file://") if fs.protocol == "local" else str(path)


def _to_source(path: str, relative: str, info: dict[str, Any]) -> _Source:
    size = info.get("size")
    # Identifies the content, as far as the server describes it.
    facts = {key: str(info[key]) for key in sorted(VERSION_FIELDS & set(info))}
    return _Source(path, relative, int(size) if size is not None else None, json.dumps(facts))


def _download(fs: Any, source: _Source, folder: Path, meter: Meter) -> None:
    """Download a file to its relative path in ``folder``; reuse an earlier complete download."""
    # A file that has changed at its address since must not be joined to what came before.
    version = hashlib.sha256(f"{source.path}\n{source.stamp}".encode()).hexdigest()[:16]
    whole = folder / "objects" / version
    if whole.is_file():
        meter.count(whole.stat().st_size)
    elif source.size is not None:
        resumable_transfer.download(fs, source.path, source.size, whole, meter)
        if whole.stat().st_size != source.size:
            whole.unlink()
            raise OSError(f"{source.path}: incomplete download, {source.size} bytes expected")
    else:
        whole.parent.mkdir(parents=True, exist_ok=True)
        beside = whole.with_name(f"{version}{resumable_transfer.PARTIAL_SUFFIX}")
        with meter.branched(source.path, str(beside)) as child:
            fs.get_file(source.path, str(beside), callback=child)
        beside.replace(whole)
    place = folder / "whole" / source.relative if source.relative else folder / "whole"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.hardlink_to(whole)


def check_url(url: str) -> str:
    """Return a URL that DVC may read: with a scheme, and without a password.

    Raises InvalidRequestError for any other URL.
    """
    parts = parts_of(url)
    if parts is None or not parts.scheme or "://" not in url:
        raise InvalidRequestError(faults=[Fault("url", NO_SCHEME)])
    if parts.password is not None or mask_credentials(url) != url:
        raise InvalidRequestError(faults=[Fault("url", CREDENTIAL_IN_URL)])
    return url
