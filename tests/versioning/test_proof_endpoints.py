"""Verification, repair and collection over HTTP, and in words."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlws.versioning.snapshots.manager import SnapshotManager
from mlws.core.project import Project
from tests import python

API = "mlws/api/v1"
Command = Callable[..., str]


@pytest.fixture
def jp_root_dir(jp_root_dir: Path, workspace: Project) -> Any:
    return workspace.root


def damage(root: Path) -> tuple[Path, str]:
    """Damage the stored content of the file of data; where it is, and its hash."""
    place = root / ".dvc" / "cache" / "files" / "md5"
    path = next(p for p in place.rglob("*") if p.is_file() and p.read_bytes() == b"a,b\n1,2\n")
    path.chmod(0o644)
    path.write_bytes(b"a,b\n1,3\n")
    return path, path.parent.name + path.name


async def test_verify_names_and_repair_mends(done, workspace: Project) -> None:
    _, md5 = damage(workspace.root)
    found = await done("snapshots/HEAD/verify")
    assert (found["state"], found["kind"]) == ("COMPLETED", "verify")
    assert found["result"]["problems"] == [
        {
            "path": "data/wine.csv",
            "hash": md5,
            "where": "cache",
            "problem": "damaged",
            "output": False,
        }
    ]
    assert found["result"]["proof"]["data_local"] is False
    mended = await done("snapshots/main/repair", {"quick": True})
    assert mended["result"]["mended"] == [
        {"path": "data/wine.csv", "hash": md5, "where": "cache", "source": "workspace"}
    ]
    found = await done("snapshots/HEAD/verify", {})
    assert found["result"]["problems"] == []


async def test_the_cache_is_freed_when_that_is_confirmed(done, workspace: Project) -> None:
    left = workspace.root / ".dvc" / "cache" / "files" / "md5" / "aa"
    left.mkdir(exist_ok=True)
    (left / ("0" * 30)).write_bytes(b"left")
    told = await done("datasets/gc", {})
    assert (told["result"]["freed"], told["result"]["bytes"]) == (False, 4)
    freed = await done("datasets/gc", {"confirm": True})
    assert (freed["result"]["freed"], freed["result"]["bytes"]) == (True, 4)
    assert (await done("datasets/gc", {}))["result"]["objects"] == 0


@pytest.mark.parametrize("path", ["snapshots/no-such/verify", "snapshots/no-such/repair"])
async def test_an_unknown_snapshot_is_refused_at_once(path: str, call, workspace: Project) -> None:
    status, answer, _ = await call("POST", path, {})
    assert (status, answer["code"]) == (404, "30404")


async def test_a_project_without_dvc_says_so(done, workspace: Project, git: Command) -> None:
    git(workspace.root, "rm", "-rqf", ".dvc")
    (workspace.root / ".dvc").rename(workspace.root / "away")
    failed = await done("datasets/gc", {})
    assert (failed["state"], failed["error"]["code"]) == ("FAILED", "30204")


def words(folder: Path, *line: str, code: int = 0, language: str = "C.UTF-8") -> str:
    env = {**os.environ, "LANG": language, "JUPYTER_RUNTIME_DIR": str(folder / ".none")}
    done = python.run(python.MLWS, *line, cwd=folder, env=env)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_person_verifies_repairs_and_frees(workspace: Project, git: Command) -> None:
    root = workspace.root
    assert "All objects verified" in words(root, "verify")
    path, md5 = damage(root)
    said = words(root, "verify", "HEAD", code=1)
    assert md5 in said
    assert "data/wine.csv" in said
    assert "损坏" in words(root, "verify", code=1, language="zh_CN.UTF-8")
    found = json.loads(words(root, "verify", "--json", code=1))
    assert found["problems"][0]["hash"] == md5
    assert "data/wine.csv" in words(root, "repair", "--quick")
    assert "Nothing to repair" in words(root, "repair")
    path.unlink()
    (root / "data" / "wine.csv").write_text("changed")
    assert "Not stored anywhere" in words(root, "repair", code=1)
    assert "data/wine.csv" in words(root, "repair", code=1, language="zh_CN.UTF-8")
    aside = list(path.parent.glob("*.damaged"))
    assert len(aside) == 1
    assert "--confirm" in words(root, "data", "gc")
    assert "Freed" in words(root, "data", "gc", "--confirm")
    assert not aside[0].exists()
    assert "30404" in words(root, "verify", "no-such", code=1)


async def test_what_a_crash_left_is_ended_when_a_server_comes(workspace: Project, jp_fetch) -> None:
    root = workspace.root
    (root / "train.py").write_text("two\n")
    code = (
        "import os, sys, pathlib\n"
        "from mlws.core.project import Project\n"
        "from jupyter_mlws.versioning.snapshots.manager import SnapshotManager\n"
        "told = lambda step: os.kill(os.getpid(), 9) if step == 'index' else None\n"
        "SnapshotManager(Project.open(pathlib.Path(sys.argv[1]))).create('Two', on_step=told)\n"
    )
    assert python.run(code, str(root)).returncode == -9
    assert list(workspace.state.glob("snapshot-*"))
    await jp_fetch(API, "git", "status", request_timeout=120)
    deadline = time.monotonic() + 60
    while list(workspace.state.glob("snapshot-*")):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    status = json.loads((await jp_fetch(API, "git", "status")).body)["data"]
    assert status["changes"] == []
    manager = SnapshotManager(workspace)
    assert manager.list().items[0].subject == "Two"
    manager.close()
