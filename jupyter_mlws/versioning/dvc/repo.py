"""Opens and makes DVC repositories."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_mlws.errors import MLWSError


def initialize(root: Path) -> None:
    """Set DVC up in the git repository at ``root``; its new files are added to git's index."""
    _load()
    from dvc.repo import Repo

    repo = Repo.init(str(root))
    try:
        # By default DVC leaves a setting that is false out of the command line, which then
        # cannot be told from one that was not given; this passes `--no-scale`.
        with repo.config.edit("repo") as config:
            config["parsing"] = {"bool": "boolean_optional"}
    finally:
        repo.close()


@contextmanager
def open_repo(root: Path, *, wait: bool = True) -> Iterator[Any]:
    """A ``dvc.repo.Repo`` for one operation on one thread: neither it nor its stages may be shared.

    ``wait``: DVC's own lock is waited for, instead of failing at once. Error 30204 where DVC is
    not set up.
    """
    _load()
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo

    if not (root / ".dvc").is_dir():
        # DVC would look in the folders above, and find somebody else's repository.
        raise MLWSError("30204")
    try:
        repo = Repo(str(root), _wait_for_lock=wait)
    except NotDvcRepoError as error:
        raise MLWSError("30204") from error
    try:
        yield repo
    finally:
        repo.close()


def _load() -> None:
    """Import DVC quietly: no reports of usage, no hints and bars on our streams."""
    os.environ.setdefault("DVC_NO_ANALYTICS", "1")
    try:
        import dvc.logger  # noqa: F401
    except ImportError as error:
        raise MLWSError("30104", reason=str(error)) from error
    logging.getLogger("dvc").setLevel(logging.WARNING)
    logging.getLogger("dvc_objects").setLevel(logging.WARNING)
    logging.getLogger("dvc_data").setLevel(logging.WARNING)
