"""Tracking of data with DVC: it is stored in the cache and recorded in ``.dvc`` files."""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

from mlws.core.atomic import sync
from mlws.core.errors import DataTrackingError
from mlws.core.secrets import mask_credentials
from mlws.dvc.pointers import DataPointer
from mlws.dvc.worktree import DataWorktree


class DataTracker:
    """Writer of the ``.dvc`` files of one DVC repository."""

    def __init__(self, root: Path, repo: Any, worktree: DataWorktree) -> None:
        self._root = root
        self._repo = repo
        self._worktree = worktree

    def track(self, path: str, *, content: Path | None = None, url: str | None = None) -> None:
        """Track a file or directory with DVC, in a ``.dvc`` file beside it.

        ``content`` is moved to ``path`` first; ``url`` is recorded as its source. The caller must
        check for overlapping data: DVC's own check builds its index, which fails if any
        ``dvc.yaml`` is broken. Raises DataTrackingError if DVC refuses.
        """
        from dvc.exceptions import DvcException
        from dvc.stage import Stage, create_stage
        from dvc.utils import resolve_paths

        try:
            with self._repo.lock, self._repo.scm_context(quiet=True):
                source, wdir, out = resolve_paths(self._repo, str(self._root / path))
                # DVC knows files of this machine by their paths.
                sources = {"deps": [url.removeprefix("file://")]} if url is not None else {}
                stage = create_stage(Stage, self._repo, source, wdir=wdir, outs=[out], **sources)
                if url is not None:
                    stage.save_deps()
                    stage.frozen = True
                if content is not None:
                    (self._root / path).parent.mkdir(parents=True, exist_ok=True)
                    # First: killed afterwards, it leaves nothing that a commit adds to git.
                    stage.ignore_outs()
                    content.replace(self._root / path)
                # Linking is left for later, as in `add`.
                stage.add_outs(relink=False)
                if url is not None:
                    stage.md5 = stage.compute_md5()
                self.record(stage)
        except DvcException as error:
            reason = mask_credentials(" ".join(str(error).split()) or type(error).__name__)
            raise DataTrackingError(path=path, reason=reason) from error

    def add(self, source: str) -> list[str]:
        """Store the changed data of one ``.dvc`` file and record it; return the paths that changed.

        Those are the file itself and the ``.gitignore`` beside its data.
        """
        from dvc.dvcfile import load_file

        with self._repo.lock:
            stage = load_file(self._repo, str(self._root / source)).stage
            for out in stage.outs:
                # Not through `stage.save`, which asks an import's source over the network.
                out.save()
                # DVC would remove the file and put the cache's in its place: killed between the
                # two, it leaves content that nothing names.
                out.commit(relink=False)
            stage.md5 = stage.compute_md5()
            self.record(stage)
            directories = {Path(out.fs_path).parent for out in stage.outs}
        ignores = [directory / ".gitignore" for directory in sorted(directories)]
        inside = [path.relative_to(self._root).as_posix() for path in ignores if path.exists()]
        return [source, *inside]

    def record(self, stage: Any) -> None:
        """Write the ``.dvc`` file of a DVC stage whose data was stored, then link the data."""
        from dvc.stage.serialize import to_single_stage_file
        from dvc.utils.serialize import dump_yaml

        for out in stage.outs:
            if out.use_cache:
                _require_stored(out)
        # Replaced as a whole: DVC itself truncates the file first.
        directory = Path(self._repo.tmp_dir)
        directory.mkdir(exist_ok=True)
        beside = directory / f"{uuid.uuid4().hex}.dvc"
        try:
            dump_yaml(str(beside), to_single_stage_file(stage))
            sync(beside)
            beside.replace(stage.path)
        finally:
            beside.unlink(missing_ok=True)
        # Only now, because the links replace the data.
        for out in stage.outs:
            if not out.use_cache or out.cache.cache_types[0] in ("reflink", "copy"):
                continue
            if out.is_dir_checksum:
                out.checkout(relink=True, force=True)
                continue
            path, source = Path(out.fs_path), Path(stage.path)
            pointer = DataPointer(
                path.relative_to(self._root).as_posix(),
                source.relative_to(self._root).as_posix(),
                out.hash_info.value,
                legacy=out.hash_name != "md5",
                isexec=bool(out.meta.isexec),
            )
            self._worktree.checkout(pointer)


def _require_stored(out: Any) -> None:
    """Raise ``OSError`` if the cache lacks data of an output.

    DVC only logs data that it could not store, and continues.
    """
    inside = [info.value for _, _, info in out.get_obj()] if out.is_dir_checksum else []
    paths = [out.cache.oid_to_path(md5) for md5 in [out.hash_info.value, *inside]]
    if not all(map(os.path.exists, paths)):
        # The reason is in the log alone; a full disk is the one that can be seen afterwards.
        is_full = shutil.disk_usage(out.cache.path).free < (out.meta.size or 0)
        number = errno.ENOSPC if is_full else errno.EIO
        raise OSError(number, os.strerror(number), out.fs_path)
