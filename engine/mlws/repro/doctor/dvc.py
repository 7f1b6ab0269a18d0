"""Checks of DVC's repository: settings, program, locks and cache."""

from __future__ import annotations

import fcntl
import importlib.metadata
import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from configobj import ConfigObj

from mlws.core.errors import MLWSError
from mlws.core.i18n import Message
from mlws.dvc.native.repository import TESTED_RELEASES, check_releases, read_setup
from mlws.dvc.pointers import LOCK_FILE, PIPELINE_FILE, load_mapping
from mlws.dvc.settings import require_dvc
from mlws.dvc.unsupported import UnsupportedStageError
from mlws.repro.doctor.findings import (
    Finding,
    from_error,
    note,
    problem,
    run_command,
    wait_for,
    warning,
)
from mlws.repro.doctor.subject import Subject
from mlws.repro.repository import POINTER

REMOTE_ONLY = ("", "file", "ssh")
"""Schemes of remotes that alone are no reason to install DVC."""
LINK_TYPES = ("reflink", "hardlink")
"""Kinds of links that work within one file system only."""
DEFAULT_CACHE_TYPE = "reflink,copy"


def check_folder(subject: Subject) -> Iterator[Finding]:
    """Find a missing folder of DVC, or one that is a link."""
    if subject.dvc_root is not None:
        try:
            require_dvc(subject.root)
        except MLWSError as error:
            yield from_error(error)
        else:
            yield note(str(subject.root))
        return
    path = subject.root / POINTER
    if os.path.lexists(path):
        yield problem(
            Message("{path} is not a folder.", path=path),
            run_command(f"rm {shlex.quote(str(path))} && dvc init"),
        )
        return
    pipelines = [PIPELINE_FILE, LOCK_FILE]
    files = [name for name in pipelines if (subject.folder / name).is_file()]
    command = "dvc init" if subject.has_dvc else "pip install 'mlws[dvc]' && dvc init"
    if files:
        yield problem(
            Message(
                "{path} exists, but {root} has no folder .dvc: DVC is not initialized.",
                path=subject.folder / files[0],
                root=subject.root,
            ),
            run_command(command),
        )
    else:
        yield warning(
            Message("{root} has no folder .dvc: DVC is not initialized.", root=subject.root),
            Message("To version data or run a pipeline, run `{command}`.", command=command),
        )


def check_settings(subject: Subject) -> Iterator[Finding]:
    """Find files of DVC's settings that it can't read."""
    for path, read in subject.settings_files:
        if isinstance(read, ConfigObj):
            if read.scalars:
                cause = Message(
                    "{path}: settings stand outside of a section: {names}.",
                    path=path,
                    names=", ".join(read.scalars),
                )
                yield problem(cause, Message("Put them into their section, such as [core]."))
            continue
        # The error's text may quote a line with a password.
        faults = getattr(read, "errors", None) or [read]
        line = getattr(faults[0], "line_number", None)
        place = f"{path}:{line}" if line else str(path)
        reason: str | Message = Message("the line is neither a section nor a setting")
        if isinstance(read, OSError):
            reason = read.strerror or str(read)
        elif isinstance(read, UnicodeDecodeError):
            reason = Message("the file is not UTF-8")
        repair = Message("Correct it in an editor.")
        if path == subject.root / POINTER / "config" and subject.has_git:
            repair = Message(
                "Correct it in an editor, or take the last committed one: `{command}`.",
                command=f"git checkout -- {POINTER}/config",
            )
        cause = Message("DVC can't read {place}: {reason}.", place=place, reason=reason)
        yield problem(cause, repair)


def check_program(subject: Subject) -> Iterator[Finding]:
    """Find a DVC that is missing though needed, or of a release that was not tested."""
    install = run_command("pip install 'mlws[dvc]'")
    if not subject.has_dvc:
        for remote in subject.remotes.values():
            if remote.scheme not in REMOTE_ONLY:
                yield problem(
                    Message(
                        "The remote {name!r} ({scheme}) needs DVC, which is not installed.",
                        name=remote.name,
                        scheme=remote.scheme,
                    ),
                    run_command(f"pip install 'mlws[dvc]' 'dvc[{remote.scheme}]'"),
                )
        for path, text in subject.texts.items():
            if path.endswith(POINTER) and load_mapping(text).get("deps"):
                cause = Message(
                    "{path} is an import, which needs DVC; it is not installed.", path=path
                )
                yield problem(cause, install)
    try:
        if subject.has_dvc:
            check_releases(str(importlib.metadata.distribution("dvc").locate_file("")))
    except UnsupportedStageError as error:
        release = TESTED_RELEASES["dvc"][0]
        yield warning(
            Message(
                "{installed} is not a release that mlws is tested with ({tested}*): stages run by "
                "DVC itself, more slowly.",
                installed=error.reason,
                tested=release,
            ),
            run_command(f"pip install 'dvc=={release}*'"),
        )
        return
    if subject.has_git and all(isinstance(read, ConfigObj) for _, read in subject.settings_files):
        try:
            read_setup(subject.root)
        except UnsupportedStageError as error:
            cause = Message("Stages are left to DVC: {reason}.", reason=error.reason)
            if subject.has_dvc:
                repair = Message("They run more slowly; to change that, remove the cause.")
                yield warning(cause, repair)
            else:
                yield problem(cause, install)
    if subject.has_dvc:
        yield note(importlib.metadata.version("dvc"))


def check_locks(subject: Subject) -> Iterator[Finding]:
    """Find locks of DVC: of processes that work, and what killed ones left."""
    folder = subject.root / POINTER / "tmp"
    lock = folder / "lock"
    if lock.is_file() and os.access(lock, os.R_OK):
        with lock.open("rb") as file:
            try:
                fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
                fcntl.flock(file.fileno(), fcntl.LOCK_UN)
            except BlockingIOError:
                holder = file.read(32).decode("ascii", "replace").strip()
                yield warning(
                    Message("{path} is held by the process {pid}.", path=lock, pid=holder),
                    wait_for(holder),
                )
    path = folder / "rwlock"
    if not path.is_file():
        return
    remove = run_command(f"rm {shlex.quote(str(path))}")
    try:
        holders = list(iter_holders(json.loads(path.read_bytes())))
    except (ValueError, TypeError, KeyError, AttributeError):
        yield problem(
            Message("{path} is damaged, and every command of DVC fails.", path=path), remove
        )
        return
    for pid, command, name in dict.fromkeys(holders):
        facts = {"path": name, "pid": pid, "program": command}
        if psutil.pid_exists(pid):
            yield warning(
                Message("The process {pid} ({program}) has locked {path}.", **facts),
                wait_for(pid),
            )
        else:
            yield warning(
                Message(
                    "{path} is still locked in {file} by process {pid} ({program}), "
                    "which has ended.",
                    file=path,
                    **facts,
                ),
                remove,
            )


def iter_holders(locks: Any) -> Iterator[tuple[int, str, str]]:
    """Yield the process, its command and the path of each lock in the file of DVC's locks."""
    for path, holder in locks.get("write", {}).items():
        if holder:
            yield int(holder["pid"]), str(holder["cmd"]), path
    for path, holders in locks.get("read", {}).items():
        for holder in holders:
            yield int(holder["pid"]), str(holder["cmd"]), path


def check_cache(subject: Subject) -> Iterator[Finding]:
    """Find a cache that is missing, not writable or on another file system."""
    path, quoted = subject.cache, shlex.quote(str(subject.cache))
    if path.exists() and not path.is_dir():
        yield problem(
            Message("The cache {path} is not a folder.", path=path), run_command(f"rm {quoted}")
        )
        return
    if not path.exists():
        if not subject.setting("cache", "dir"):
            return
        yield problem(
            Message("The cache {path}, which `cache.dir` names, does not exist.", path=path),
            Message("Mount its disk, or make it: `{command}`.", command=f"mkdir -p {quoted}"),
        )
        return
    objects = path / "files" / "md5"
    for folder in filter(Path.is_dir, (path, objects)):
        if not os.access(folder, os.W_OK | os.X_OK):
            yield problem(
                Message("The cache is not writable: {path}.", path=folder),
                run_command(f"sudo chown -R $(id -u) {quoted}"),
            )
            return
    kinds = (subject.setting("cache", "type") or DEFAULT_CACHE_TYPE).replace(" ", "").split(",")
    links = [kind for kind in kinds if kind in LINK_TYPES]
    if links and path.stat().st_dev != subject.root.stat().st_dev:
        yield warning(
            Message(
                "The cache {path} is on another file system: links ({links}) do not work, data is "
                "copied and takes its size twice.",
                path=path,
                links=", ".join(links),
            ),
            Message(
                "Move the cache to the project's disk, or use links that reach over: `{command}`.",
                command="dvc config cache.type symlink",
            ),
        )
    yield note(str(path))
