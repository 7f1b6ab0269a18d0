"""Checks of DVC's remotes, without a connection to any."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from mlws.core.i18n import Message
from mlws.core.secrets import find_secrets, mask_credentials
from mlws.dvc.settings import SECRETS
from mlws.repro.doctor.findings import Finding, note, problem, run_command, warning
from mlws.repro.doctor.subject import Remote, Subject
from mlws.repro.repository import POINTER

PACKAGES: Mapping[str, str] = {
    "azure": "azure",
    "gdrive": "gdrive",
    "gs": "gs",
    "hdfs": "hdfs",
    "http": "http",
    "https": "http",
    "oss": "oss",
    "s3": "s3",
    "ssh": "ssh",
    "webdav": "webdav",
    "webdavs": "webdav",
    "webhdfs": "webhdfs",
}
"""Extras of DVC by the schemes of URLs; the package of one is ``dvc_`` and its name."""
OTHER_SCHEMES = ("", "file", "remote")
PATHS_OF_SECRETS = frozenset({"cert_path", "key_path"})
"""Settings that only name a file with a secret."""
SHARED_FILE = f"{POINTER}/config"
LOCAL_FILE = f"{POINTER}/config.local"


def check_default(subject: Subject) -> Iterator[Finding]:
    """Find a default remote that is not defined, and remotes without a default."""
    file, name = subject.last_setting("core", "remote")
    names = ", ".join(subject.remotes) or "–"
    if name and name.lower() not in subject.remotes:
        yield problem(
            Message(
                "{file}: `core.remote` names {name!r}, but the remotes are: {names}.",
                file=file,
                name=name,
                names=names,
            ),
            Message("Define it: `{command}`.", command=f"dvc remote add {shlex.quote(name)} URL"),
        )
    elif subject.remotes and not name:
        first = shlex.quote(next(iter(subject.remotes)))
        yield warning(
            Message("None of the remotes is the default: {names}.", names=names),
            Message("Choose one: `{command}`.", command=f"dvc remote default {first}"),
        )
    elif name:
        yield note(f"{name} ({mask_credentials(subject.remotes[name.lower()].url)})")


def check_urls(subject: Subject) -> Iterator[Finding]:
    """Find remotes whose address is none, or whose folder is missing or not writable."""
    for remote in subject.remotes.values():
        facts = {"name": remote.name, "url": mask_credentials(remote.url), "file": remote.file}
        change = f"dvc remote modify {shlex.quote(remote.name)} url URL"
        repair = Message("Set its address: `{command}`.", command=change)
        if not remote.url:
            yield problem(Message("{file}: the remote {name!r} has no `url`.", **facts), repair)
        elif remote.scheme == "remote":
            other = remote.url[len("remote://") :].partition("/")[0].lower()
            if other not in subject.remotes:
                cause = Message(
                    "{file}: the remote {name!r} refers to {other!r}, which is not defined.",
                    other=other,
                    **facts,
                )
                yield problem(cause, repair)
        elif remote.scheme not in (*PACKAGES, *OTHER_SCHEMES):
            cause = Message(
                "{file}: the remote {name!r} has an address that DVC does not know: {url}.", **facts
            )
            yield problem(cause, repair)
        elif remote.path is not None:
            yield from iter_folder_findings(remote, remote.path)


def iter_folder_findings(remote: Remote, path: Path) -> Iterator[Finding]:
    """Yield what is wrong with the folder of a remote on this machine."""
    facts = {"name": remote.name, "path": path, "file": remote.file}
    quoted = shlex.quote(str(path))
    if not path.exists():
        cause = Message(
            "{file}: the folder of the remote {name!r} does not exist: {path}.", **facts
        )
        repair = Message("Mount its disk, or make it: `{command}`.", command=f"mkdir -p {quoted}")
        can_be_made = os.access(path.parent, os.W_OK | os.X_OK)
        yield warning(cause, repair) if can_be_made else problem(cause, repair)
    elif not path.is_dir():
        cause = Message("{file}: the remote {name!r} is not a folder: {path}.", **facts)
        change = f"dvc remote modify {shlex.quote(remote.name)} url URL"
        yield problem(cause, Message("Set its address: `{command}`.", command=change))
    elif not os.access(path, os.W_OK | os.X_OK):
        cause = Message("The folder of the remote {name!r} is not writable: {path}.", **facts)
        yield problem(cause, run_command(f"sudo chown -R $(id -u) {quoted}"))


def check_secrets(subject: Subject) -> Iterator[Finding]:
    """Find credentials in the settings that git versions."""
    path = subject.root / SHARED_FILE
    if not path.is_file():
        return
    section, hits = "", 0
    for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
        title = re.match(r"""\s*\[\s*'?remote\s+"([^"]+)""", line, re.IGNORECASE)
        if line.lstrip().startswith("["):
            section = title[1] if title else ""
        key, separator, value = (part.strip() for part in line.partition("="))
        is_secret = key.lower() in SECRETS - PATHS_OF_SECRETS
        if not separator or not value or not (is_secret or mask_credentials(value) != value):
            continue
        hits += 1
        name = shlex.quote(section or "NAME")
        commands = [f"dvc remote modify --local {name} {key} SECRET"]
        if is_secret:
            commands.insert(0, f"dvc remote modify --unset {name} {key}")
        yield problem(
            Message(
                "{file}:{line}: `{key}` of the remote {name!r} holds a credential, and git "
                "versions this file.",
                file=SHARED_FILE,
                line=number,
                key=key,
                name=section,
            ),
            Message(
                "Move it to config.local: `{command}`. If it was pushed, change the credential.",
                command=" && ".join(commands),
            ),
        )
    for secret in find_secrets(subject.root, [SHARED_FILE]) if not hits else ():
        yield problem(
            Message(
                "{place} looks like a credential ({rule}).", place=secret.place, rule=secret.rule
            ),
            Message("Move it to {file}, which git ignores.", file=LOCAL_FILE),
        )
    if subject.has_git and subject.git("ls-files", "--", LOCAL_FILE).stdout:
        yield problem(
            Message("git versions {file}, which is for credentials.", file=LOCAL_FILE),
            run_command(f"git rm --cached {LOCAL_FILE}"),
        )


def check_packages(subject: Subject) -> Iterator[Finding]:
    """Find remotes for which DVC lacks a package."""
    if not subject.has_dvc:
        return
    for remote in subject.remotes.values():
        extra = PACKAGES.get(remote.scheme)
        if extra is not None and importlib.util.find_spec(f"dvc_{extra}") is None:
            yield problem(
                Message(
                    "The remote {name!r} ({scheme}) needs the package dvc-{extra}, which is not "
                    "installed.",
                    name=remote.name,
                    scheme=remote.scheme,
                    extra=extra,
                ),
                run_command(f"pip install 'dvc[{extra}]'"),
            )
