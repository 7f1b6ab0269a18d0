"""Opens a capsule: makes a project of its history and its data, and runs nothing of it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from jupyter_mlws.capsules.archive import open_archive
from jupyter_mlws.capsules.crate import BUNDLE
from jupyter_mlws.capsules.models import OpenedCapsule
from jupyter_mlws.capsules.provenance import lock_of, read_steps
from jupyter_mlws.capsules.readme import run_commands
from jupyter_mlws.core.errors import AlreadyExistsError, CapsuleInvalidError
from jupyter_mlws.core.trust import trust as trust_project
from jupyter_mlws.core.trust import withdraw_trust
from jupyter_mlws.git.adapter import Git, GitFailedError
from mlws.core.i18n import Message
from mlws.core.progress import ProgressCallback, no_progress
from mlws.dvc.pointers import PIPELINE_FILE
from mlws.dvc.settings import DataSettings

CLONE_TIMEOUT = 3600.0
CACHE = ".dvc/cache"
NO_DVC = Message("it has data, but its project has no directory .dvc, or brings a cache along")


def open_capsule(
    path: Path, target: Path, *, trust: bool = False, progress: ProgressCallback = no_progress
) -> OpenedCapsule:
    """Unpack the capsule at ``path`` into the new directory ``target``, as a project.

    Nothing of the project runs. Its authors are trusted only with ``trust``. Raises
    AlreadyExistsError unless the target is missing or empty, CapsuleInvalidError for a file that is
    no capsule or is unsafe, DiskFullError; nothing is left then.
    """
    target = target.resolve()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise AlreadyExistsError(name=str(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        open_archive(path, target.parent) as archive,
        tempfile.TemporaryDirectory(prefix=".capsule-", dir=target.parent) as beside,
    ):
        progress(0, message="history")
        bundle, root = Path(beside, BUNDLE), Path(beside, "project")
        archive.extract(BUNDLE, bundle)
        git = Git(root)
        try:
            # Hooks come from no bundle; a user's own do not belong here, and might fail.
            Git(Path(beside)).attempt(
                "-c", "core.hooksPath=/dev/null", "clone", "--quiet", "--template=", "--",
                str(bundle), str(root), timeout=CLONE_TIMEOUT,
            )  # fmt: skip
            git.attempt("remote", "remove", "origin")
            commit = git.attempt("rev-parse", "HEAD").decode().strip()
        except GitFailedError as error:
            raise CapsuleInvalidError(name=path.name, reason=error.reason) from error
        if archive.objects():
            cache = root / CACHE
            # git wrote the project as its authors want it: a link would lead to elsewhere.
            if not cache.parent.is_dir() or cache.parent.is_symlink() or os.path.lexists(cache):
                raise CapsuleInvalidError(name=path.name, reason=NO_DVC)
            archive.extract_objects(cache, progress)
            DataSettings(root).use_own_cache()
        paths = [
            entry.path
            for entry in git.tree(commit)
            if entry.path.split("/")[-1] == PIPELINE_FILE
            and read_steps(
                entry.path,
                git.blob(commit, entry.path) or b"",
                git.blob(commit, lock_of(entry.path)) or b"",
            )
        ]
        # An earlier project at this path may have been trusted.
        withdraw_trust(target)
        root.replace(target)
    if trust:
        trust_project(target)
    commands = run_commands(paths, os.path.relpath(target))
    return OpenedCapsule(path=str(target), commit=commit, trusted=trust, commands=commands)
