"""Execution of the stages of one `dvc.yaml` by DVC: hashes, run cache, cache and lock file.

Only that file is loaded. DVC's index of the whole repository is never built: it fails as a whole
when any other `dvc.yaml` is invalid.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from mlws.core.errors import WorkflowUnreadableError
from mlws.core.i18n import Message
from mlws.dvc import path_locks
from mlws.dvc.ignores import Ignores
from mlws.dvc.repo import open_repo

FOLD_EVERY = 2.0
"""Seconds between two writes of `dvc.lock` during a run: what it lacks is lost by a crash."""


class Cause(StrEnum):
    """Reason why a stage is not up to date."""

    NEVER_RAN = "never_ran"
    COMMAND = "command"
    DEPENDENCY = "dependency"
    PARAMETER = "parameter"
    OUTPUT = "output"
    ALWAYS = "always"


@dataclass(frozen=True)
class Change:
    """One difference to the lock file: its subject, its kind, and the values if there are some.

    ``file``: where the parameter is that ``name`` stands for.
    Of a changed dependency ``old`` is the hash in the lock file, and ``new`` the hash that a
    restore will bring; None for the current content.
    """

    cause: Cause
    name: str = ""
    state: str = ""
    old: Any = None
    new: Any = None
    file: str = ""


class PreparationStatus(StrEnum):
    """Result of preparing a stage, before its command would run."""

    UNCHANGED = "unchanged"
    RESTORED = "restored"
    ACCEPTED = "accepted"
    READY = "ready"


@dataclass(frozen=True)
class PreparationResult:
    """Result of :meth:`DvcBackend.prepare`, with the reasons why the stage was not up to date."""

    prepared: PreparationStatus
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class StageState:
    """State of a stage as a run would find it.

    ``restored``: the hashes of the outputs that the run would restore, by path.
    """

    changes: tuple[Change, ...]
    restorable: bool
    frozen: bool
    restored: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Command:
    """The processes that DVC would start for a stage's commands, one after the other."""

    arguments: tuple[tuple[str, ...], ...]
    shown: tuple[str, ...]
    folder: str
    environment: Mapping[str, str]


@dataclass
class Forecast:
    """Effects of the earlier stages of a plan, by absolute path.

    ``restored``: the outputs that will be restored, with their fields in a lock file.
    ``rerun``: the outputs that will be made again.
    """

    restored: dict[str, dict[str, Any]] = field(default_factory=dict)
    rerun: set[str] = field(default_factory=set)
    _above: set[str] = field(default_factory=set)

    def mark_rerun(self, paths: Iterable[str]) -> None:
        """Note paths that will be made again."""
        for path in paths:
            self.restored.pop(path, None)
            self.rerun.add(path)
            self._above.update(_above(path))

    def unmark_rerun(self, paths: Iterable[str]) -> None:
        """Note paths that will stay as they are after all."""
        self.rerun.difference_update(paths)
        self._above = {above for path in self.rerun for above in _above(path)}

    def will_rerun(self, path: str) -> bool:
        """Return True if ``path``, something in it or a directory above it will be made again."""
        if path in self.rerun or path in self._above:
            return True
        return bool(self.rerun) and any(place in self.rerun for place in _above(path))


def _above(path: str) -> Iterator[str]:
    return (str(parent) for parent in Path(path).parents)


@dataclass(frozen=True)
class BackendOptions:
    """Differences from an ordinary run.

    ``run_cache``: whether results of earlier runs may be restored. ``commit``: whether outputs are
    stored in the cache. ``overlooks``: decides of each change of a stage (by its name) whether it
    does not count; None: all count. ``stages_files``: whether the lock file is added to git's
    index, if DVC is set up so.
    """

    run_cache: bool = True
    commit: bool = True
    overlooks: Callable[[str, Change], bool] | None = None
    stages_files: bool = True

    def counted(self, name: str, changes: Iterable[Change]) -> tuple[Change, ...]:
        """Return the changes of a stage that count."""
        if self.overlooks is None:
            return tuple(changes)
        return tuple(change for change in changes if not self.overlooks(name, change))


ORDINARY = BackendOptions()


class StageBackend(Protocol):
    """The engine's view of the stages of a run; see :class:`DvcBackend`."""

    order: Sequence[str]

    @property
    def fold_every(self) -> float: ...
    @property
    def unusual(self) -> Mapping[str, Message]: ...
    def examine(self, name: str, forecast: Forecast) -> StageState: ...
    def heavy(self, name: str) -> bool: ...
    def prepare(self, name: str, *, force: bool = False) -> PreparationResult: ...
    def accept(self, name: str) -> PreparationResult: ...
    def command(self, name: str) -> Command: ...
    def commit(self, name: str) -> dict[str, str]: ...
    def hashes(self, name: str) -> dict[str, str]: ...
    def entry(self, name: str) -> dict[str, Any] | None: ...
    def discard(self, name: str) -> None: ...
    def fold(self, order: Sequence[str]) -> None: ...


class StageError(Exception):
    """DVC could not do its part for a stage; the message is DVC's."""


@contextmanager
def open_pipeline(
    root: Path, path: str, draft: str | None = None, options: BackendOptions = ORDINARY
) -> Iterator[DvcBackend]:
    """The pipeline of the file at ``path``, for one thread.

    Raises WorkflowUnreadableError where DVC refuses it.

    ``draft``: the text to read instead of the file's.
    """
    with open_repo(root) as repo:
        yield DvcBackend(repo, root, path, draft, options)


@contextmanager
def _translate_errors(path: str) -> Iterator[None]:
    """Raise WorkflowUnreadableError for DVC's refusal of a file."""
    from dvc.exceptions import DvcException

    try:
        yield
    except DvcException as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise WorkflowUnreadableError(path=path, reason=reason, line=None) from error


class DvcBackend:
    """One `dvc.yaml` with its lock file. Not thread-safe: DVC's objects are not."""

    fold_every = FOLD_EVERY

    def __init__(
        self,
        repo: Any,
        root: Path,
        path: str,
        draft: str | None = None,
        options: BackendOptions = ORDINARY,
    ) -> None:
        from dvc.dvcfile import load_file
        from dvc.utils.serialize import parse_yaml

        self._repo = repo
        self._root = root
        self._path = path
        self._options = options
        self._file = load_file(repo, str(root / path))
        self._ignores = Ignores(root)
        self._running: dict[str, Any] = {}
        self._finished: dict[str, Any] = {}
        with _translate_errors(path):
            if draft is not None:
                self._file.contents = self._file.validate(parse_yaml(draft, path), path)
            self._stages = self._file.stages
            self.names: list[str] = list(self._stages)
            self.order: Sequence[str] = self.names
            self._locked_names = set(self._stages.lockfile_data)
        self.unusual: dict[str, Message] = {}
        """Reasons why the native backend does not support these stages."""

    def remember_renamed(self, names_inputs: Callable[[str], bool]) -> None:
        """Do nothing: for DVC a stage with other files is another stage."""

    # Planning

    def examine(self, name: str, forecast: Forecast) -> StageState:
        """Return a stage's state as a run would find it; add its outputs to ``forecast``."""
        with _translate_errors(self._path):
            return self._examine(name, forecast)

    def _examine(self, name: str, forecast: Forecast) -> StageState:
        stage = self._stages[name]
        changes = tuple(self._changes(name, stage, forecast))
        if stage.frozen:
            return StageState(changes, False, True)
        waits = any(forecast.will_rerun(_place(dep)) for dep in stage.deps)
        cached_outs = None
        if changes and not waits:
            cached_outs = self._find_restorable_outputs(name, forecast)
        if cached_outs is not None:
            forecast.restored.update(cached_outs)
        elif changes or waits:
            forecast.mark_rerun(out.fs_path for out in stage.outs)
        hashes = {
            self._relative_path(out, str(out)): str(cached_outs[out.fs_path]["md5"])
            for out in stage.outs
            if cached_outs is not None
        }
        return StageState(changes, cached_outs is not None, False, hashes)

    def differences(self, name: str) -> list[Change]:
        """Return all differences to the lock file, also of a stage that never ran."""
        with _translate_errors(self._path):
            return list(self._differences(name, self._stages[name], Forecast()))

    def output_paths(self, name: str) -> list[str]:
        """Return the absolute paths of a stage's outputs."""
        return [out.fs_path for out in self._stages[name].outs]

    def _changes(self, name: str, stage: Any, forecast: Forecast) -> Iterator[Change]:
        if name in self._locked_names:
            yield from self._differences(name, stage, forecast)
            return
        if stage.is_callback or stage.always_changed:
            yield Change(Cause.ALWAYS)
        yield Change(Cause.NEVER_RAN)

    def _differences(self, name: str, stage: Any, forecast: Forecast) -> Iterator[Change]:
        if stage.is_callback or stage.always_changed:
            yield Change(Cause.ALWAYS)
        if stage.cmd_changed:
            old = self._stages.lockfile_data.get(name, {}).get("cmd")
            yield Change(Cause.COMMAND, old=command_text(old), new=command_text(stage.cmd))
        if not stage.frozen:
            for dep in stage.deps:
                yield from self._dependency_changes(dep, forecast)
        for out in stage.outs:
            for path, state in out.status().items():
                yield Change(Cause.OUTPUT, self._relative_path(out, path), state)

    def _dependency_changes(self, dep: Any, forecast: Forecast) -> Iterator[Change]:
        place = _place(dep)
        if forecast.will_rerun(place):
            return
        if place in forecast.restored:
            old, new = dep.hash_info.value, forecast.restored[place]["md5"]
            if old != new:
                yield Change(
                    Cause.DEPENDENCY, self._relative_path(dep, str(dep)), "modified", old, new
                )
            return
        for path, state in dep.workspace_status().items():
            if isinstance(state, Mapping):
                actual = dep.read_params()
                previous = dep.hash_info.value or {}
                for key, how in state.items():
                    old, new = previous.get(key), actual.get(key)
                    file = self._relative_path(dep, path)
                    yield Change(Cause.PARAMETER, key, how, old, new, file)
            else:
                value = dep.hash_info.value if state == "modified" else None
                # That of a dataset is its entry in the lock file.
                old = value if isinstance(value, str) else None
                yield Change(Cause.DEPENDENCY, self._relative_path(dep, path), state, old)

    def _find_restorable_outputs(self, name: str, forecast: Forecast) -> dict[str, Any] | None:
        """Return the outputs that the run cache would restore; None if it has nothing."""
        from dvc.dependency.base import DependencyDoesNotExistError
        from dvc.dependency.param import MissingParamsError, MissingParamsFile
        from dvc_data.hashfile.hash_info import HashInfo
        from dvc_data.hashfile.meta import Meta

        absent = (DependencyDoesNotExistError, MissingParamsError, MissingParamsFile)

        stage = self._stages[name]
        if stage.is_callback or stage.always_changed:
            return None
        try:
            changes = [c for d in stage.deps for c in self._dependency_changes(d, forecast)]
            is_in_lock = not stage.changed_stage() and all(
                bool(out.hash_info) for out in stage.outs
            )
            if is_in_lock and not changes and stage.outs_cached():
                return _output_fields(stage)
            if not _is_cacheable(stage):
                return None
            for dep in stage.deps:
                expected = forecast.restored.get(dep.fs_path)
                if expected is None:
                    dep.save()
                elif dep.hash_info.value != expected["md5"]:
                    dep.hash_info = HashInfo("md5", expected["md5"])
                    dep.meta = Meta.from_dict(dict(expected))
                    dep.meta.md5, dep.meta.isdir = None, str(expected["md5"]).endswith(".dir")
                    # A hash of DVC 2 becomes one of DVC 3 when the file has changed.
                    dep.hash_name = dep.hash_info.name
            cached_stage = self._find_cached_run(stage)
            if cached_stage is None or not cached_stage.outs_cached():
                return None
            return _output_fields(cached_stage)
        except absent:
            # A dependency is not there: nothing can be looked up by it, and the run will say so.
            return None

    def _find_cached_run(self, stage: Any) -> Any:
        """Return a stage as the run cache would restore it, None if it has no run of it.

        The hashes of its dependencies must be set. DVC's own functions hash them on disk, where
        they need not exist yet, and require the root as the process's working directory.
        """
        from dvc.stage import PipelineStage, create_stage
        from dvc.stage.cache import _get_cache_hash
        from dvc.stage.loader import StageLoader
        from dvc.stage.serialize import to_single_stage_lockfile

        key = _get_cache_hash(to_single_stage_lockfile(stage), key=True)
        entry = self._repo.stage_cache.newest(key)
        if entry is None:
            return None
        cached_stage = create_stage(
            PipelineStage,
            repo=self._repo,
            path=str(Path(self._repo.root_dir, "dvc.yaml")),
            cmd=entry["cmd"],
            wdir=stage.wdir,
            outs=[out["path"] for out in entry["outs"]],
        )
        StageLoader.fill_from_lock(cached_stage, entry)
        return cached_stage

    # Running

    def heavy(self, name: str) -> bool:
        """Return False: DVC's objects must stay in one thread, however long the hashing takes."""
        return False

    def prepare(self, name: str, *, force: bool = False) -> PreparationResult:
        """Bring a stage up to date without its command if possible; else remove its old outputs.

        Raises :class:`StageError` if a dependency is missing or DVC's own work fails.
        """
        from dvc.stage.cache import RunCacheNotFoundError

        self._ignores.remember(self.stored_outputs(name))
        with self._hold_dvc_lock():
            changes = () if force else self._examine(name, Forecast()).changes
            stage = self._stages[name]
            if self._options.overlooks is not None:
                changes = self._options.counted(name, changes)
            if not force and not (changes if self._options.overlooks else stage.changed()):
                return PreparationResult(PreparationStatus.UNCHANGED)
            if stage.frozen:
                stage._check_missing_outputs()
                self._store(name, stage)
                return PreparationResult(PreparationStatus.UNCHANGED)
            for dep in stage.deps:
                # DVC removes the old outputs before it finds that an input is missing.
                if dep.protocol == "local" and not dep.exists:
                    raise dep.DoesNotExistError(dep)
            stage.remove_outs(ignore_remove=False, force=False)
            if not force:
                try:
                    self._repo.stage_cache.restore(stage, run_cache=self._options.run_cache)
                except RunCacheNotFoundError:
                    pass  # the ordinary case: this has not been run before
                else:
                    self._store(name, stage)
                    return PreparationResult(PreparationStatus.RESTORED, changes)
            stage.save_deps()
            for out in stage.outs:
                Path(out.fs_path).parent.mkdir(parents=True, exist_ok=True)
            self._running[name] = stage
            return PreparationResult(PreparationStatus.READY, changes)

    def accept(self, name: str) -> PreparationResult:
        """Accept the current outputs as a stage's result without a run, like ``dvc commit``."""
        self.take_over(name).commit(name)
        return PreparationResult(PreparationStatus.ACCEPTED)

    def take_over(self, name: str) -> DvcBackend:
        """Treat a stage as prepared, even if something else has prepared it."""
        if name not in self._running:
            self._running[name] = self._stages[name]
        return self

    def command(self, name: str, python: str = sys.executable) -> Command:
        """Return the processes of a prepared stage; ``python`` runs if no other is activated."""
        from dvc.stage.run import _enforce_cmd_list, _make_cmd, get_executable, prepare_kwargs

        stage = self._running[name]
        kwargs = prepare_kwargs(stage)
        environment = kwargs["env"]
        environment["PATH"] = search_path(python, environment)
        commands = tuple(line for line in _enforce_cmd_list(stage.cmd) if line.strip())
        arguments = tuple(tuple(_make_cmd(get_executable(), line)) for line in commands)
        return Command(arguments, commands, kwargs["cwd"], environment)

    def commit(self, name: str) -> dict[str, str]:
        """Hash and store the outputs of a prepared stage's command; return their hashes by path."""
        with self._hold_dvc_lock():
            stage = self._running.pop(name)
            self._store(name, stage)
            return self._hashes(stage)

    def hashes(self, name: str) -> dict[str, str]:
        """Return the hashes of a stage's outputs by path, as in the lock file."""
        return self._hashes(self._finished.get(name) or self._stages[name])

    def entry(self, name: str) -> dict[str, Any] | None:
        """Return the new lock file entry of a stage that was brought up to date, else None."""
        from dvc.stage.serialize import to_single_stage_lockfile

        stage = self._finished.get(name)
        if stage is None:
            return None
        plain: dict[str, Any] = json.loads(json.dumps(to_single_stage_lockfile(stage)))
        return plain

    def recorded(self, name: str) -> dict[str, Any] | None:
        """Return a stage's entry in the lock file, or the one that is to be written there."""
        return self.entry(name) or self._stages.lockfile_data.get(name)

    def discard(self, name: str) -> None:
        """Remove the half-written outputs of a stage whose command failed."""
        stage = self._running.pop(name, None)
        if stage is None:
            return
        with self._hold_dvc_lock():
            stage.remove_outs(ignore_remove=False, force=False)

    def fold(self, order: Sequence[str]) -> None:
        """Write the finished stages into `dvc.lock`, as DVC would write them.

        Known entries keep their place, new ones follow in ``order``.
        """
        if not self._finished:
            return
        from dvc.stage.serialize import to_lockfile
        from dvc.utils.serialize import dump_yaml, parse_yaml_for_update

        with self._hold_dvc_lock():
            path = Path(self._file._lockfile.path)
            before = path.read_text(encoding="utf-8") if path.exists() else ""
            data = parse_yaml_for_update(before, str(path))
            if not data:
                data["schema"] = "2.0"
            entries = data.setdefault("stages", {})
            for stage in self._finished.values():
                entries.update(to_lockfile(stage))
            new = [name for name in order if name in entries and name not in self._locked_names]
            for name in new:
                entries[name] = entries.pop(name)
            temporary = path.with_name(f".{path.name}.{os.getpid()}")
            dump_yaml(str(temporary), data)
            if before:
                shutil.copymode(path, temporary)
            self._ignores.sort_new_lines(
                path for name in order for path in self.stored_outputs(name)
            )
            temporary.replace(path)
            self._repo.scm_context.track_file(os.path.relpath(path))

    def stored_outputs(self, name: str) -> list[str]:
        """Return the outputs of a stage that DVC stores and git ignores, by their paths."""
        with _translate_errors(self._path):
            outs = self._stages[name].outs
        return [self._relative_path(out, str(out)) for out in outs if out.use_scm_ignore]

    def refresh(self, paths: Sequence[str]) -> list[str]:
        """Bring data with `.dvc` files up to date, as ``dvc repro`` does; return the changed paths.

        An import that was not downloaded yet is downloaded, and one that is not frozen follows its
        source. Missing data is checked out from the cache, changed data is stored in it.
        """
        from dvc.dvcfile import load_file

        changed_paths = []
        with self._hold_dvc_lock():
            for path in data_sources(self._root, paths):
                stage = load_file(self._repo, str(self._root / f"{path}.dvc")).stage
                if not stage.changed():
                    continue
                changed_paths.append(path)
                if stage.is_partial_import or (stage.is_import and not stage.frozen):
                    stage.run()
                    stage.dump()
                elif not all(out.exists for out in stage.outs):
                    stage.checkout()
                else:
                    stage.save()
                    stage.commit()
                    stage.dump()
        return changed_paths

    def _store(self, name: str, stage: Any) -> None:
        has_uncached = any(
            not out.use_cache for out in stage.outs if not (out.is_metric or out.is_plot)
        )
        stage.save(run_cache=self._options.commit and not has_uncached)
        if self._options.commit:
            stage.commit()
        self._finished[name] = stage

    @contextmanager
    def _hold_dvc_lock(self) -> Iterator[None]:
        """Hold DVC's own lock, and raise DVC's failures as :class:`StageError`."""
        from dvc.exceptions import DvcException

        try:
            with self._repo.lock, self._repo.scm_context(quiet=True):
                path_locks.discard_ended(
                    Path(self._repo.tmp_dir),
                    hardlink=self._repo.config["core"].get("hardlink_lock", False),
                )
                yield
        except (DvcException, OSError) as error:
            raise StageError(" ".join(str(error).split()) or type(error).__name__) from error

    def _relative_path(self, entry: Any, path: str) -> str:
        try:
            return Path(_place(entry)).relative_to(self._root).as_posix()
        except ValueError:
            return path

    def _hashes(self, stage: Any) -> dict[str, str]:
        return {
            self._relative_path(out, str(out)): str(out.hash_info.value)
            for out in stage.outs
            if out.hash_info and out.hash_info.value
        }


def _place(entry: Any) -> str:
    """Return the absolute path of a dependency or output; the URL of a dataset, which has none."""
    return entry.fs_path or str(entry)


def data_sources(root: Path, paths: Iterable[str]) -> Iterator[str]:
    """Yield the paths, directories above them and files in them that have a `.dvc` file."""
    paths = list(paths)
    tracked_paths = list(tracked_data(root, paths))
    yield from tracked_paths
    seen_paths = set(tracked_paths)
    for path in paths:
        for folder, folders, files in os.walk(root / path):
            folders[:] = [name for name in folders if name not in (".git", ".dvc")]
            here = Path(folder).relative_to(root)
            for name in files:
                if name.endswith(".dvc"):
                    source = (here / name.removesuffix(".dvc")).as_posix()
                    if source not in seen_paths:
                        yield source
                    seen_paths.add(source)


def tracked_data(root: Path, paths: Iterable[str]) -> Iterator[str]:
    """Yield the paths, and directories above them, that have a `.dvc` file."""
    seen_names = set()
    for path in paths:
        for place in (Path(path), *Path(path).parents):
            name = place.as_posix()
            if name not in seen_names and (root / f"{name}.dvc").is_file():
                yield name
            seen_names.add(name)


def _is_cacheable(stage: Any) -> bool:
    """Return True if the run cache supports such stages (``dvc.stage.cache._can_hash``)."""
    return (
        bool(stage.cmd and stage.deps and stage.outs)
        and all(dep.protocol == "local" and dep.def_path for dep in stage.deps)
        and all(
            out.protocol == "local" and out.def_path and not out.persist and out.is_in_repo
            for out in stage.outs
        )
    )


def _output_fields(stage: Any) -> dict[str, Any]:
    from dvc.stage.serialize import to_single_stage_lockfile

    fields = {out["path"]: out for out in to_single_stage_lockfile(stage).get("outs", ())}
    return {out.fs_path: fields[out.def_path] for out in stage.outs}


def command_text(cmd: Any) -> str:
    """Return the command lines of a stage as one text."""
    return "\n".join(cmd) if isinstance(cmd, list) else str(cmd)


def search_path(python: str, environment: Mapping[str, str]) -> str:
    """Return the ``PATH`` for a command: an activated environment, then ``python``'s own directory.

    An activated environment comes first, as for `dvc repro`; `jupyter` puts its own directory
    before it for its subcommands. A lab that was started by its full path has none activated, and
    its own `python` and `jupyter` may be on no path.
    """
    path = environment.get("PATH", os.defpath)
    directories = [str(Path(python).parent), path]
    active = environment.get("VIRTUAL_ENV") or environment.get("CONDA_PREFIX")
    if active and str(Path(active) / "bin") in path.split(os.pathsep):
        directories.insert(0, str(Path(active) / "bin"))
    return os.pathsep.join(directories)
