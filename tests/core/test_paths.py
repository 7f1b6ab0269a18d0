"""Sizes of folders."""

from __future__ import annotations

import os
from pathlib import Path

from mlws.core.paths import measure_folder


def test_the_size_of_a_folder_is_that_of_its_files(tmp_path: Path) -> None:
    inner = tmp_path / "home" / "inner"
    inner.mkdir(parents=True)
    (inner / "a").write_bytes(b"12345")
    os.link(inner / "a", tmp_path / "home" / "same")
    (tmp_path / "outside").write_bytes(b"1" * 1000)
    (inner / "link").symlink_to(tmp_path / "outside")
    (inner / "folder").symlink_to(tmp_path)
    links = sum((inner / name).lstat().st_size for name in ("link",))
    assert measure_folder(tmp_path / "home") == 5 + links
    assert measure_folder(tmp_path / "missing") == 0
