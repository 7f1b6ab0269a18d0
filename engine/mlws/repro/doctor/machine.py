"""Checks of this machine: versions, disk and permissions."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import pwd
import shlex
import shutil
import sysconfig
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from mlws._version import __version__
from mlws.core.i18n import Message
from mlws.core.paths import format_size
from mlws.repro.doctor.findings import Finding, note, problem, run_command, warning
from mlws.repro.doctor.git import some_of
from mlws.repro.doctor.subject import Subject
from mlws.repro.repository import POINTER

DISTRIBUTIONS = ("mlws", "jupyter-mlws")
"""Both hold the engine, so that they have one version."""
MIN_FREE_BYTES = 1024**3
MIN_FREE_SHARE = 0.05
"""Of the bytes and of the inodes of a disk."""
MAX_CLOCK_SKEW = 60.0
"""Seconds that a file's time may be ahead of the clock."""


def check_packages(subject: Subject) -> Iterator[Finding]:
    """Find engine and lab of different versions."""
    versions = {}
    for name in DISTRIBUTIONS:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    for name, version in versions.items():
        if version != __version__:
            yield problem(
                Message(
                    "{name} is {version}, but the package mlws in {path} is {own}.",
                    name=name,
                    version=version,
                    path=Path(__file__).parents[2],
                    own=__version__,
                ),
                run_command(f"pip install --upgrade --force-reinstall {' '.join(versions)}"),
            )
    yield note(f"Python {platform.python_version()}, mlws {__version__}")


def check_programs(subject: Subject) -> Iterator[Finding]:
    """Find a `dvc` on PATH that is not the one of this environment."""
    if not subject.has_dvc:
        return
    scripts = Path(sysconfig.get_path("scripts"))
    program = shutil.which("dvc")
    if program is None or not (scripts / "dvc").exists():
        return
    if not Path(program).samefile(scripts / "dvc"):
        yield warning(
            Message(
                "`dvc` on PATH is {program}; this environment has {own}.",
                program=program,
                own=scripts / "dvc",
            ),
            Message(
                "Activate the environment: `{command}`.",
                command=f". {shlex.quote(str(scripts / 'activate'))}",
            ),
        )


def check_space(subject: Subject) -> Iterator[Finding]:
    """Find disks that are almost full or read-only: of the project and of the cache."""
    disks: set[int] = set()
    for path in (subject.root, subject.cache):
        if not path.exists() or path.stat().st_dev in disks:
            continue
        disks.add(path.stat().st_dev)
        quoted = shlex.quote(str(path))
        disk = os.statvfs(path)
        if disk.f_flag & os.ST_RDONLY:
            yield problem(
                Message("The disk of {path} is read-only.", path=path),
                Message(
                    "If it is not meant to be, mount it for writing: `{command}`.",
                    command=f"sudo mount -o remount,rw $(findmnt -no TARGET -T {quoted})",
                ),
            )
        free, size = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
        text = format_size(free)
        if free < max(MIN_FREE_BYTES, size * MIN_FREE_SHARE):
            yield (warning if free else problem)(
                Message(
                    "Only {free} of {size} are free on the disk of {path}.",
                    free=text,
                    size=format_size(size),
                    path=path,
                ),
                Message(
                    "Delete what no version needs, for example by `{command}`.",
                    command="dvc gc --workspace --all-commits",
                ),
            )
        if disk.f_files and disk.f_favail < disk.f_files * MIN_FREE_SHARE:
            yield (warning if disk.f_favail else problem)(
                Message(
                    "Only {free} of {size} inodes are free on the disk of {path}: it can't hold "
                    "many more files.",
                    path=path,
                    free=disk.f_favail,
                    size=disk.f_files,
                ),
                Message(
                    "Delete folders of many small files; `{command}` counts them.",
                    command=f"du --inodes -d 2 {quoted} | sort -n | tail",
                ),
            )
        yield note(text)


def check_clock(subject: Subject) -> Iterator[Finding]:
    """Find files whose time is in the future, for which changes may be missed."""
    now, paths = time.time(), [*subject.paths]
    if subject.has_git and (subject.git_directory / "index").exists():
        paths.append(os.path.relpath(subject.git_directory / "index", subject.root))
    ahead = {path: (subject.root / path).stat().st_mtime - now for path in paths}
    late = [path for path, seconds in ahead.items() if seconds > MAX_CLOCK_SKEW]
    if late:
        yield warning(
            Message(
                "{paths}: changed {time} in the future by this machine's clock.",
                paths=some_of(dict.fromkeys(late)),
                time=timedelta(seconds=round(max(ahead.values()))),
            ),
            Message(
                "Set the clock, or the times of the files: `{command}`.",
                command=f"touch {' '.join(map(shlex.quote, late[:3]))}",
            ),
        )


def check_write_access(subject: Subject) -> Iterator[Finding]:
    """Find folders of the project, of git and of DVC that this user can't write."""
    for path in list_places(subject):
        mode = os.W_OK | (os.X_OK if path.is_dir() else 0)
        if not os.access(path, mode):
            disk = os.statvfs(path)
            if disk.f_flag & os.ST_RDONLY:
                # The check of the disk says so.
                return
            facts = path.stat()
            permissions = f"{facts.st_mode & 0o7777:o}"
            yield problem(
                Message(
                    "{user} can't write {path}, which belongs to {owner} (mode {mode}).",
                    user=name_of(os.geteuid()),
                    path=path,
                    owner=name_of(facts.st_uid),
                    mode=permissions,
                ),
                run_command(f"sudo chown -R {name_of(os.geteuid())} {shlex.quote(str(path))}"),
            )
            return


def check_owner(subject: Subject) -> Iterator[Finding]:
    """Find files that belong to another user than the project's folder."""
    owner = subject.root.stat().st_uid
    others = [path for path in list_places(subject) if path.stat().st_uid != owner]
    if others:
        names = {name_of(path.stat().st_uid) for path in others}
        yield warning(
            Message(
                "{paths}: of {others}, while the project belongs to {owner}.",
                paths=some_of(dict.fromkeys(map(str, others)), 2),
                others=", ".join(sorted(names)),
                owner=name_of(owner),
            ),
            run_command(f"sudo chown -R {name_of(owner)} {shlex.quote(str(subject.root))}"),
        )


def list_places(subject: Subject) -> list[Path]:
    """Return the files and folders that commands write, and the folders of objects."""
    root = subject.root
    places = [root, *(root / path for path in subject.paths)]
    if subject.has_git:
        git = subject.git_directory
        places += [git, *(git / name for name in ("index", "HEAD", "refs/heads", "objects"))]
        places += (git / "objects").glob("??")
    if subject.dvc_root is not None:
        places += [root / POINTER, *(root / POINTER / name for name in ("config", "tmp"))]
        places += [subject.cache, *(subject.cache / "files" / "md5").glob("??")]
    return [path for path in places if path.exists()]


def name_of(user: int) -> str:
    """Return the name of a user, or the number of one without a name."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
