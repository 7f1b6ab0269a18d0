"""The cache of the fast lane, with several nodes at it."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from mlws.dvc.native.hash_cache import HashCache
from mlws.dvc.native.ignored_paths import IgnoredPaths
from mlws.dvc.native.objects import ObjectCache, _clone

TURNS = 200
THREADS = 4


def test_nodes_that_end_together_store_the_same_content(tmp_path: Path) -> None:
    objects = ObjectCache(
        tmp_path / "cache", HashCache(tmp_path / "memo.json"), IgnoredPaths(tmp_path)
    )
    together = Barrier(THREADS)
    for thread in range(THREADS):
        (tmp_path / str(thread)).mkdir()

    def store(thread: int) -> None:
        for turn in range(TURNS):
            file = tmp_path / str(thread) / str(turn)
            file.write_text(f"{turn}\n")
            together.wait(60)
            assert objects.store(str(file)) is not None

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(store, range(THREADS)))
    for turn in range(TURNS):
        content = f"{turn}\n".encode()
        md5 = hashlib.md5(content).hexdigest()
        kept = tmp_path / "cache" / md5[:2] / md5[2:]
        assert kept.read_bytes() == content
    assert not list((tmp_path / "cache").rglob("*.tmp"))


def test_a_file_that_cannot_be_cloned_leaves_the_target_alone(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("mine\n")
    (tmp_path / "source").write_text("theirs\n")
    assert not _clone(str(tmp_path / "source"), str(target))
    assert not _clone(str(tmp_path / "missing"), str(tmp_path / "new"))
    assert target.read_text() == "mine\n"
    assert not (tmp_path / "new").exists()
