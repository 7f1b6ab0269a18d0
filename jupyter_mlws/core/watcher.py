"""File watcher of a project: publishes changes on disk, so that nothing polls."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Any, ParamSpec, TypeVar, cast

from watchfiles import awatch

from jupyter_mlws.core.ring_stream import RingStream
from mlws.core.project import Project

WATCH_STEP_MS = 20
"""Milliseconds without a further change after which a batch is published."""
WATCH_DEBOUNCE_MS = 200
"""Milliseconds after which a batch is published even if changes go on."""

RUN_DEBOUNCE_MS = 15
"""Both of these for a run's bell, which rings when nodes start and finish."""
MAX_READ_AGE = 1.0
"""Seconds for which listeners share the result of a read."""
P = ParamSpec("P")
T = TypeVar("T")

MLFLOW_DATABASE = "mlflow.db"
"""MLflow's database; files whose names begin with this one's are its transaction logs."""
MLFLOW_DEBOUNCE = 0.4
"""Seconds for which changes of the store are collected: a training writes many of them."""

IGNORED_DIRECTORIES = frozenset(
    {
        *("node_modules", "__pycache__", ".ipynb_checkpoints", "mlruns", ".mypy_cache"),
        *(".venv", ".venv.new", ".venv.old", ".conda", ".conda.new", ".conda.old", ".pixi"),
    }
)
"""Directories whose changes no view shows."""

ENVIRONMENT_FILE = re.compile(
    r"envs(/[^/]+)?"
    r"|(envs/[^/]+/)?(pyproject\.toml|(uv|pixi)\.lock|(pylock|pixi)\.toml"
    r"|requirements[^/]*\.txt|environment\.ya?ml"
    r"|(\.venv|\.conda|\.pixi/envs/default)(/lib/python3[^/]*/site-packages/[^/]+\.dist-info)?)"
)
"""Definition or lock of an environment, where it is installed, or a package that is installed."""

MAX_LISTED_FILES = 20
"""Changed files up to which a batch names them; for more, readers refresh everything."""
GIT_STATE_FILES = frozenset(
    {
        "index",
        "MERGE_HEAD",
        "CHERRY_PICK_HEAD",
        "REVERT_HEAD",
        "BISECT_LOG",
        "rebase-merge",
        "rebase-apply",
        "sequencer",
    }
)
"""In git's folder: the index, and what says that an operation of git is in progress."""
WIDE_EFFECT_FILES = frozenset(
    {".gitignore", ".gitattributes", ".gitmodules", ".dvcignore", "dvc.yaml"}
)
"""Files whose changes affect others, as those of DVC's pointer files do."""

log = logging.getLogger(__name__)


class ProjectWatcher:
    """Publishes the changes of one project; must be used from the event loop only.

    ``stream`` carries ``{"type": "workspace", "areas": [...], "paths": [...]}``. ``paths`` are
    the files of the area ``changes``; they are left out if the change may affect other files. A
    run's process rings :meth:`bell` after each commit to its journal.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.stream = RingStream()
        self._git = project.state.parent
        self._change_event = asyncio.Event()
        self._reads: dict[Hashable, tuple[float, asyncio.Future[Any]]] = {}
        self._stop = asyncio.Event()
        self._runs_update_timer: asyncio.TimerHandle | None = None
        project.state.mkdir(parents=True, exist_ok=True)
        self._task = asyncio.gather(self._watch(), self._watch_run_signal())

    def bell(self) -> asyncio.Event:
        """Return an event that is set at the next ring.

        Call this before reading, to miss no change.
        """
        return self._change_event

    async def read_once(self, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return the result of ``read``, which is called in a thread.

        Between two rings, and within :data:`MAX_READ_AGE` seconds, all listeners share one call.
        """
        key = (read, args, tuple(kwargs.items()))
        now = time.monotonic()
        started, reading = self._reads.get(key, (0.0, None))
        if reading is None or now - started > MAX_READ_AGE:
            reading = asyncio.ensure_future(asyncio.to_thread(read, *args, **kwargs))
            self._reads[key] = (now, reading)
        return cast(T, await asyncio.shield(reading))

    async def close(self) -> None:
        """Stop watching."""
        self._stop.set()
        if self._runs_update_timer is not None:
            self._runs_update_timer.cancel()
        self._signal_change()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _watch_run_signal(self) -> None:
        """Watch the bell apart from all other changes, which arrive in long bursts."""
        with self._report_watch_failure():
            async for _ in awatch(
                self.project.state,
                watch_filter=lambda _, path: path == self.project.bell,
                step=RUN_DEBOUNCE_MS,
                debounce=RUN_DEBOUNCE_MS,
                stop_event=self._stop,
                recursive=False,
                ignore_permission_denied=True,
            ):
                self._signal_change()

    async def _watch(self) -> None:
        paths = {self.project.root, self._git}
        if self.project.root in self._git.parents:
            paths.discard(self._git)
        with self._report_watch_failure():
            async for batch in awatch(
                *paths,
                watch_filter=lambda _, path: bool(self._areas(Path(path))),
                step=WATCH_STEP_MS,
                debounce=WATCH_DEBOUNCE_MS,
                stop_event=self._stop,
                ignore_permission_denied=True,
            ):
                changed = {Path(path) for _, path in batch}
                areas = {area for path in changed for area in self._areas(path)}
                if "runs" in areas:
                    areas.discard("runs")
                    if self._runs_update_timer is None:
                        loop = asyncio.get_running_loop()
                        self._runs_update_timer = loop.call_later(
                            MLFLOW_DEBOUNCE, self._publish_runs
                        )
                if areas:
                    message: dict[str, Any] = {"type": "workspace", "areas": sorted(areas)}
                    files = self._changed_files(changed) if "changes" in areas else None
                    if files is not None:
                        message["paths"] = files
                    self.stream.publish(message)

    @contextmanager
    def _report_watch_failure(self) -> Iterator[None]:
        try:
            yield
        except (OSError, RuntimeError) as error:
            # watchfiles reports "too many open files" and "no space left" for exhausted inotify.
            log.warning(
                "Cannot watch %s for changes (%s). On Linux, raise "
                "fs.inotify.max_user_watches and max_user_instances.",
                self.project.root,
                error,
            )
            self.stream.publish({"type": "unwatched", "reason": str(error)})

    def _changed_files(self, paths: set[Path]) -> list[str] | None:
        """Return the changed files as git names them.

        Return None if other files may be affected.
        """
        changed_paths = [path for path in paths if "changes" in self._areas(path)]
        if len(changed_paths) > MAX_LISTED_FILES:
            return None
        relative_paths = []
        for path in changed_paths:
            far = path.name in WIDE_EFFECT_FILES or path.name.endswith((".dvc", "dvc.lock"))
            if far or path.is_dir() or not path.is_relative_to(self.project.root):
                return None
            if self._git in path.parents:
                return None
            relative_paths.append(path.relative_to(self.project.root).as_posix())
        try:
            "".join(relative_paths).encode()
        except UnicodeEncodeError:
            # Names in no encoding cannot be sent.
            return None
        return sorted(relative_paths)

    def _publish_runs(self) -> None:
        self._runs_update_timer = None
        self.stream.publish({"type": "workspace", "areas": ["runs"]})

    def _signal_change(self) -> None:
        self._change_event.set()
        self._change_event = asyncio.Event()
        self._reads.clear()

    def _areas(self, path: Path) -> tuple[str, ...]:
        if self._git == path or self._git in path.parents:
            return _git_areas(path.relative_to(self._git))
        try:
            inside = path.relative_to(self.project.root)
        except ValueError:
            return ()
        more = ("environments",) if ENVIRONMENT_FILE.fullmatch(inside.as_posix()) else ()
        if inside.parts[:1] == (".git",) or IGNORED_DIRECTORIES.intersection(inside.parts):
            return more
        if inside.parts[:2] in ((".dvc", "tmp"), (".dvc", "cache")):
            return ()
        if inside.parts == (MLFLOW_DATABASE,):
            return ("runs",)
        if inside.name.startswith(MLFLOW_DATABASE):
            return ()
        if inside.name == "dvc.yaml":
            return ("changes", "workflows")
        if inside.parts[:1] == ("components",) and inside.suffix == ".py":
            return ("changes", "components")
        if path.is_dir():
            # A new folder may have come with its files, before anything in it was watched.
            return ("changes", "components", "workflows", *more)
        return ("changes", *more)


def _git_areas(inside: PurePath) -> tuple[str, ...]:
    if inside.name.endswith(".lock"):
        return ()
    if inside.parts in (("refs", "stash"), ("logs", "refs", "stash"), ("config",)):
        # Stashes, and remotes and what branches follow: listed with the branches.
        return ("history",)
    if inside.parts in (("HEAD",), ("packed-refs",)) or inside.parts[:2] in (
        ("refs", "heads"),
        ("refs", "tags"),
        ("refs", "remotes"),
    ):
        return ("history", "changes")
    if inside.parts[0] in GIT_STATE_FILES:
        return ("changes",)
    return ()


class Watchers:
    """The watchers of one server, each created when it is first used."""

    def __init__(self) -> None:
        self._watchers: dict[Path, ProjectWatcher] = {}

    def of(self, project: Project) -> ProjectWatcher:
        """The project's watcher."""
        if project.root not in self._watchers:
            self._watchers[project.root] = ProjectWatcher(project)
        return self._watchers[project.root]

    async def close(self) -> None:
        """Stop them all."""
        for watcher in self._watchers.values():
            await watcher.close()
        self._watchers.clear()
