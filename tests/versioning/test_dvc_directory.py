"""Where DVC writes: in the project, and in folders that only their user can open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from platformdirs import user_cache_path

from mlws.core.errors import DVCConfigError
from mlws.core.project import Project
from mlws.dvc.native.pipeline import open_backend
from mlws.dvc.repo import open_repo
from mlws.dvc.settings import DataSettings


@pytest.mark.parametrize("path", [".dvc", ".dvc/tmp"])
def test_dvc_does_not_write_through_a_link(project: Project, tmp_path: Path, path: str) -> None:
    target = tmp_path / "outside"
    link = project.root / path
    link.mkdir(exist_ok=True)
    link.rename(target)
    link.symlink_to(target)
    before = sorted(target.rglob("*"))
    openings: list[Callable[[], object]] = [
        lambda: open_repo(project.root).__enter__(),
        lambda: DataSettings(project.root).put("new", {"url": "/data"}, {}, default=True),
        lambda: open_backend(project.root, "dvc.yaml", {}, project.state).__enter__(),
    ]
    for opening in openings:
        with pytest.raises(DVCConfigError, match=f"{path} is a symbolic link"):
            opening()
    assert sorted(target.rglob("*")) == before


def test_no_other_user_can_write_the_pickles_that_dvc_reads(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As a caller has it who has set nothing: DVC's default is a folder of all users.
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", "")
    monkeypatch.delenv("DVC_SITE_CACHE_DIR")
    with open_repo(project.root) as repo:
        directory = Path(repo.site_cache_dir)
    own = Path(user_cache_path(), "mlws")
    assert own in directory.parents
    assert own.stat().st_mode & 0o077 == 0
    assert directory.is_dir()
