"""The watcher: every change is told once, and noise is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from jupyter_mlws.core.watcher import ProjectWatcher
from mlws.core.project import Project


@asynccontextmanager
async def watching(project: Project) -> AsyncIterator[ProjectWatcher]:
    watcher = ProjectWatcher(project)
    # The watch begins in a thread: it is there when a change of ours is told.
    mark = project.root / "mark"
    for attempt in range(200):
        mark.write_text(str(attempt))
        await asyncio.sleep(0.05)
        if watcher.stream.seq:
            break
    await asyncio.sleep(0.3)
    yield watcher
    await watcher.close()


async def _areas(watcher: ProjectWatcher, since: int, wanted: set[str]) -> set[str]:
    """What was told after ``since``, until all that is wanted was."""
    told: set[str] = set()
    async for message in watcher.stream.follow(since):
        told.update(message["areas"])
        if wanted <= told:
            break
    return told


@pytest.mark.parametrize(
    ("path", "areas"),
    [
        ("train.py", {"changes"}),
        ("dvc.yaml", {"changes", "workflows"}),
        ("workflows/new/dvc.yaml", {"changes", "components", "workflows"}),
        ("components/mine.py", {"changes", "components", "workflows"}),
        (".git/refs/heads/topic", {"changes", "history"}),
        (".git/refs/stash", {"history"}),
        (".git/config", {"history"}),
        ("pyproject.toml", {"changes", "environments"}),
        ("envs/torch/uv.lock", {"changes", "components", "workflows", "environments"}),
        (".venv/lib/python3.12/site-packages/six-1.0.dist-info/METADATA", {"environments"}),
    ],
)
async def test_a_change_names_its_areas(project: Project, path: str, areas: set[str]) -> None:
    async with watching(project) as watcher:
        target = watcher.project.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        since = watcher.stream.seq
        target.write_text("x")
        assert await asyncio.wait_for(_areas(watcher, since, areas), 5) == areas


async def test_files_that_change_alone_are_named(project: Project) -> None:
    async with watching(project) as watcher:
        root = watcher.project.root

        async def told(path: str) -> list[str] | None:
            since = watcher.stream.seq
            (root / path).write_text("x")
            async for message in watcher.stream.follow(since):
                return message.get("paths")
            raise AssertionError("nothing was told")

        assert await asyncio.wait_for(told("train.py"), 5) == ["train.py"]
        for path in (".gitignore", "dvc.yaml", "data.csv.dvc", ".git/MERGE_HEAD"):
            assert await asyncio.wait_for(told(path), 5) is None, path


async def test_the_bell_wakes_those_who_wait(project: Project) -> None:
    async with watching(project) as watcher:
        bell = watcher.bell()
        watcher.project.ring()
        await asyncio.wait_for(bell.wait(), 5)


async def test_noise_is_not_told(project: Project) -> None:
    async with watching(project) as watcher:
        since = watcher.stream.seq
        noise = (
            *(".git/index.lock", ".dvc/tmp/lock", "__pycache__/a.pyc", "mlflow.db-wal"),
            *(".venv.new/bin/python", ".venv.old/pyvenv.cfg"),
        )
        for path in noise:
            target = watcher.project.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text("x")
        (watcher.project.root / "told.py").write_text("x")
        assert await asyncio.wait_for(_areas(watcher, since, {"changes"}), 5) == {"changes"}
        assert watcher.stream.seq == since + 1


async def test_many_changes_of_runs_are_told_together(project: Project) -> None:
    async with watching(project) as watcher:
        since = watcher.stream.seq
        for number in range(5):
            (watcher.project.root / "mlflow.db").write_text(str(number))
            await asyncio.sleep(0.1)
        assert await asyncio.wait_for(_areas(watcher, since, {"runs"}), 5) == {"runs"}
        assert watcher.stream.seq == since + 1
