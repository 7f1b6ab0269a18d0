"""The packages that are installed in the directories of a Python, from their metadata."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

SEPARATORS = re.compile(r"[-_.]+")
MAX_FILE = 50_000_000
"""Bytes of a file that is read: locks of large environments have some millions."""
EGG = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)(-py[\d.]+)?\.egg-info")


def read_packages(
    directories: Sequence[str],
) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
    """Return versions and sources by normalized name; earlier directories come first."""
    versions: dict[str, str] = {}
    sources: dict[str, dict[str, Any]] = {}
    for directory in directories:
        for name, version, metadata in _distributions(directory):
            if name not in versions:
                versions[name] = version
                if source := _source(metadata):
                    sources[name] = source
    return dict(sorted(versions.items())), dict(sorted(sources.items()))


def site_packages(prefix: Path) -> list[Path]:
    """Return the directories of packages of a virtual environment."""
    return sorted(prefix.glob("lib/python3.*/site-packages"))


def installed_packages(prefix: Path) -> dict[str, str]:
    """Return the packages of a virtual environment with their versions."""
    return read_packages([str(site) for site in site_packages(prefix)])[0]


def read_conda(prefix: str) -> dict[str, str]:
    """Return what conda has installed in a prefix that is not Python's, as ``VERSION=BUILD``."""
    packages = {}
    with suppress(OSError):
        for entry in os.scandir(os.path.join(prefix, "conda-meta")):
            parts = entry.name.removesuffix(".json").rsplit("-", 2)
            if entry.name.endswith(".json") and len(parts) == 3:
                packages[parts[0]] = f"{parts[1]}={parts[2]}"
    return dict(sorted(packages.items()))


def _distributions(directory: str) -> Iterator[tuple[str, str, str]]:
    """Yield name, version and metadata directory of each package in a directory."""
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            stem, dot, suffix = entry.name.rpartition(".")
            if suffix == "dist-info" and dot:
                name, dash, version = stem.partition("-")
                if dash:
                    yield normalize(name), version, entry.path
            elif suffix == "egg-info" and (match := EGG.fullmatch(entry.name)):
                yield normalize(match["name"]), match["version"], entry.path


def read_file(path: str | Path) -> bytes:
    """Return the content of a regular file of at most :data:`MAX_FILE` bytes.

    Raises OSError for others: a project may have a pipe there, which would never end.
    """
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > MAX_FILE:
            raise OSError(errno.EINVAL, "no regular file, or too large", str(path))
        return file.read()


def normalize(name: str) -> str:
    """Return the normalized name of a package, as in the index's addresses."""
    return SEPARATORS.sub("-", name).lower()


def _source(metadata: str) -> dict[str, Any]:
    """Return where a package comes from, if that is no index (`direct_url.json`)."""
    try:
        record = json.loads(read_file(os.path.join(metadata, "direct_url.json")))
        parts = urlsplit(str(record["url"]))
        # Without credentials.
        url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        kinds = ("archive_info", "vcs_info", "dir_info")
        archive, repository, folder = (dict(record.get(kind) or {}) for kind in kinds)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    source: dict[str, Any] = {"url": url}
    hashes = archive.get("hashes")
    if isinstance(hashes, dict) and hashes:
        source["hash"] = ":".join(map(str, next(iter(hashes.items()))))
    elif archive.get("hash"):
        source["hash"] = str(archive["hash"]).replace("=", ":")
    if repository:
        source["url"] = f"{repository.get('vcs', 'git')}+{url}"
        source["commit"] = str(repository.get("commit_id", ""))
    if folder.get("editable"):
        source["editable"] = True
        if commit := _commit(url):
            source["commit"] = commit
    return source


def editable_marks(sources: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return files whose change means that an editable package has another commit."""
    places = (
        _git_folder(str(source["url"])) for source in sources.values() if source.get("editable")
    )
    return sorted({str(place / "logs" / "HEAD") for place in places if place is not None})


def _git_folder(url: str) -> Path | None:
    """Return the git directory of the repository that a `file:` address lies in."""
    path = Path(unquote(urlsplit(url).path))
    for folder in (path, *path.parents):
        place = folder / ".git"
        if place.is_dir():
            return place
        with suppress(OSError, ValueError):
            # A worktree or a submodule.
            return Path(folder, read_file(place).decode().removeprefix("gitdir:").strip())
    return None


def _commit(url: str) -> str | None:
    """Return the commit that is checked out, by the last line of git's log of `HEAD`."""
    place = _git_folder(url)
    if place is None:
        return None
    try:
        with open(place / "logs" / "HEAD", "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 4096))
            return file.read().splitlines()[-1].split()[1].decode()
    except (OSError, IndexError):
        return None
