"""Runs the stages of one `dvc.yaml` without DVC, and those that are unusual with it.

The same interface, and the same effects, as :class:`~jupyter_mlws.versioning.dvc.stages.Pipeline`.
"""

from __future__ import annotations

import os
import stat
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from jupyter_mlws.core.i18n import Message
from jupyter_mlws.versioning.dvc.env_path import search_path
from jupyter_mlws.versioning.dvc.lock_copy import remember_renamed
from jupyter_mlws.versioning.dvc.native import repository, yaml_loader
from jupyter_mlws.versioning.dvc.native.hash_cache import LEAST, HashCache
from jupyter_mlws.versioning.dvc.native.ignores import Ignores
from jupyter_mlws.versioning.dvc.native.lockfile import LockFile, holding
from jupyter_mlws.versioning.dvc.native.objects import Objects, remove
from jupyter_mlws.versioning.dvc.native.parameters import Parameters
from jupyter_mlws.versioning.dvc.native.runcache import RunCache
from jupyter_mlws.versioning.dvc.native.stage import FastStage, Place, read, relative
from jupyter_mlws.versioning.dvc.native.unsupported import UnsupportedStageError
from jupyter_mlws.versioning.dvc.stages import (
    Cause,
    Change,
    Command,
    Forecast,
    Found,
    Pipeline,
    Prepared,
    StageError,
    Verdict,
    data_sources,
    open_pipeline,
)

FOLD_EVERY = 30.0
"""Seconds between two writes of `dvc.lock` during a run; what it lacks meanwhile the caller keeps
(:meth:`FastPipeline.entry`, :meth:`FastPipeline.adopt`)."""
HEAVY = 8 * 1024 * 1024
"""Bytes of inputs or outputs that take a noticeable time to hash."""
SHELLS = {"bash": ("--noprofile", "--norc"), "zsh": ("--no-rcs",)}
"""The options with which DVC keeps a shell from reading a person's files."""
TEXT = bytes(range(32, 127)) + b"\n\r\t\f\b"

Entry = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class LockBase:
    """Names a lock file by its content; ``settled`` are the entries that keep their places."""

    digest: str
    settled: tuple[str, ...]


class FastPipeline:
    """One `dvc.yaml` with its lock file.

    :meth:`prepare` and :meth:`commit` of different stages may run in several threads at once.
    """

    fold_every = FOLD_EVERY

    def __init__(self, root: Path, path: str, stages: Mapping[str, Any], state: Path) -> None:
        repository.check(root)
        self._root = root
        self._path = path
        self._close = ExitStack()
        self._slow: Pipeline | None = None
        self._slow_turn = threading.Lock()
        self._memo = HashCache(state / "hashes.sqlite")
        cache = root / ".dvc" / "cache"
        self._objects = Objects(cache / "files" / "md5", self._memo)
        self._runs = RunCache(cache / "runs")
        self._ignores = Ignores(root)
        self._parameters = Parameters()
        self._lock = LockFile((root / path).with_suffix(".lock"), state)
        self._lock.read()
        self._stages: dict[str, FastStage] = {}
        self.unusual: dict[str, Message] = {}
        """Stages that are left to DVC, with the reason."""
        self._settled = list(self._lock.entries)
        self._finished: dict[str, Entry] = {}
        self._folded: set[str] = set()
        self._not_ignored: set[str] = set()
        self._small: set[str] = set()
        self._ignoring = threading.Lock()
        self._tracked: set[str] | None = None
        self._environment: dict[str, str] | None = None
        self.names = list(stages)
        self.order: Sequence[str] = self.names
        """The order in which DVC would run the stages, for files that show it."""
        self.on_fold: Callable[[LockBase], None] = lambda base: None
        folder = str((root / path).parent)
        for name, data in stages.items():
            try:
                self._stages[name] = read(name, data, folder, str(root))
            except UnsupportedStageError as error:
                self.unusual[name] = error.reason

    def close(self) -> None:
        """Keep what was learnt, and close DVC's repository where it was opened."""
        self._memo.close()
        self._close.close()

    def _dvc(self) -> Pipeline:
        """DVC's own lane, opened when a stage first needs it."""
        if self._slow is None:
            self._slow = self._close.enter_context(open_pipeline(self._root, self._path))
        return self._slow

    def _either(
        self, name: str, fast: Callable[[FastStage], T], slow: Callable[[Pipeline], T]
    ) -> T:
        """Do it the fast way, or DVC's way where the stage turns out to be unusual."""
        if name not in self.unusual:
            try:
                return fast(self._stages[name])
            except UnsupportedStageError as error:
                self.unusual[name] = error.reason
            except OSError as error:
                raise StageError(f"{error.strerror or error}: {error.filename or name}") from error
        with self._slow_turn:
            # DVC counts these files where they lie in a folder, and adds lines of its own.
            self._ignore(self._not_ignored, self.order)
            dvc = self._dvc()
            self._ignores.remember(dvc.stored_outputs(name))
            return slow(dvc)

    def places(self, name: str) -> list[str]:
        """All files and folders that a stage reads or makes."""
        one = self._stages.get(name)
        if one is None:
            return []
        files = [params.full for params in one.params]
        return [*files, *(place.full for place in (*one.deps, *one.outs))]

    def stored(self, name: str) -> list[str]:
        """The hashes of those outputs of a stage that the cache is to have."""
        one, entry = self._stages.get(name), self._known(name)
        if one is None or entry is None:
            return []
        known = _hashes(entry, "outs")
        return [known[out.path] for out in one.outs if out.cached and out.path in known]

    def heavy(self, name: str) -> bool:
        """Whether hashing what a stage reads and makes may take a while. What this run has made
        and found to be small is taken to be so still."""
        one = self._stages.get(name)
        if one is None or name in self.unusual:
            return False
        total = 0
        for place in (*one.deps, *one.outs):
            if place.full in self._small:
                continue
            try:
                found = os.stat(place.full)
            except OSError:
                continue
            total += HEAVY if stat.S_ISDIR(found.st_mode) else found.st_size
        return total >= HEAVY

    def remember_renamed(self, names_inputs: Callable[[str], bool]) -> None:
        """Let renamed stages have their results; see :func:`.renaming.remember_renamed`."""
        remember_renamed(self._runs, self._lock.entries, self._stages, names_inputs)

    # Planning

    def examine(self, name: str, forecast: Forecast) -> Verdict:
        """What a run would find; the stage's own outputs are added to ``forecast``."""
        return self._either(
            name, lambda s: self._examine(s, forecast), lambda dvc: dvc.examine(name, forecast)
        )

    def expect_rerun(self, name: str, forecast: Forecast) -> None:
        """Note that a stage will run whatever is known of it."""
        self._either(
            name,
            lambda s: forecast.reruns(out.full for out in s.outs),
            lambda dvc: dvc.expect_rerun(name, forecast),
        )

    def expect_kept(self, name: str, forecast: Forecast) -> None:
        """Note that what a stage has made will stay, whatever is known of it."""
        self._either(
            name,
            lambda s: forecast.keeps(out.full for out in s.outs),
            lambda dvc: dvc.expect_kept(name, forecast),
        )

    def _examine(self, one: FastStage, forecast: Forecast) -> Verdict:
        changes = tuple(self._changes(one, forecast))
        waits = any(forecast.waits(dep.full) for dep in one.deps)
        restored = None
        hashes: dict[str, str] = {}
        if changes and not waits:
            restored = self._restorable(one, forecast, self._inputs(one, forecast))
        if restored is not None:
            outs = {out["path"]: out for out in restored}
            forecast.restored.update({out.full: outs[out.path] for out in one.outs})
            hashes = {relative(o.full, self._root): str(outs[o.path]["md5"]) for o in one.outs}
        elif changes or waits:
            forecast.reruns(out.full for out in one.outs)
        return Verdict(changes, restored is not None, False, hashes)

    def _changes(self, one: FastStage, forecast: Forecast) -> Iterator[Change]:
        if one.runs_always:
            yield Change(Cause.ALWAYS)
        entry = self._known(one.name)
        if entry is None:
            yield Change(Cause.NEVER_RAN)
            return
        if entry.get("cmd") != one.cmd:
            yield Change(Cause.COMMAND, old=_text(entry.get("cmd")), new=_text(one.cmd))
        known = _hashes(entry, "deps")
        for dep in one.deps:
            if not forecast.waits(dep.full):
                yield from self._dependency(dep, known.get(dep.path), forecast)
        yield from self._changed_params(one, entry)
        known = _hashes(entry, "outs")
        for out in one.outs:
            state = self._output_state(out, known.get(out.path))
            if state:
                yield Change(Cause.OUTPUT, relative(out.full, self._root), state)

    def _dependency(self, dep: Place, known: str | None, forecast: Forecast) -> Iterator[Change]:
        md5 = self._dependency_hash(dep, forecast)
        if md5 != known:
            shown = relative(dep.full, self._root)
            if md5 is None:
                yield Change(Cause.DEPENDENCY, shown, "deleted")
            else:
                new = md5 if dep.full in forecast.restored else None
                yield Change(Cause.DEPENDENCY, shown, "modified", known, new)

    def _dependency_hash(self, dep: Place, forecast: Forecast) -> str | None:
        expected = forecast.restored.get(dep.full)
        if expected is not None:
            return str(expected["md5"])
        measured = self._objects.measure(dep.full)
        return measured.md5 if measured else None

    def _changed_params(self, one: FastStage, entry: Entry) -> Iterator[Change]:
        for params in one.params:
            shown = relative(params.full, self._root)
            actual = self._parameters.values(params.full, params.keys)
            known = entry.get("params", {}).get(params.path)
            if actual is None or known is None:
                yield Change(Cause.DEPENDENCY, shown, "deleted" if actual is None else "new")
                continue
            if params.keys:
                known = {key: value for key, value in known.items() if key in params.keys}
            for key in params.keys or dict.fromkeys([*actual, *known]):
                if key not in actual or key not in known:
                    state = "new" if key in actual else "deleted"
                elif actual[key] != known[key]:
                    state = "modified"
                else:
                    continue
                old, new = known.get(key), actual.get(key)
                yield Change(Cause.PARAMETER, key, state, old, new)

    def _output_state(self, out: Place, known: str | None) -> str:
        if known and out.cached and not self._objects.holds(known):
            return "not in cache"
        measured = self._objects.measure(out.full)
        if measured is None:
            return "deleted"
        return "" if measured.md5 == known else "modified"

    def _restorable(
        self, one: FastStage, forecast: Forecast, wanted: Entry | None
    ) -> list[Entry] | None:
        """The outputs, as a lock file has them, that need not be made again; None for a run."""
        if wanted is None or not one.cacheable:
            return None
        entry = self._known(one.name)
        if entry is not None and self._same_inputs(one, entry, forecast):
            outs: list[Entry] = entry.get("outs", [])
        else:
            saved = self._runs.newest({**wanted, "outs": [{"path": p.path} for p in _sorted(one)]})
            if saved is None:
                return None
            outs = saved["outs"]
        known = _hashes({"outs": outs}, "outs")
        if set(known) != {out.path for out in one.outs}:
            return None
        return outs if all(self._objects.holds(md5) for md5 in known.values()) else None

    def _same_inputs(self, one: FastStage, entry: Entry, forecast: Forecast) -> bool:
        """Whether the lock's own entry is of the same command, inputs and outputs."""
        known = _hashes(entry, "deps")
        outs = _hashes(entry, "outs")
        return (
            entry.get("cmd") == one.cmd
            and all(self._dependency_hash(d, forecast) == known.get(d.path) for d in one.deps)
            and not any(self._changed_params(one, entry))
            and all(out.path in outs for out in one.outs)
        )

    def _inputs(self, one: FastStage, forecast: Forecast | None = None) -> Entry | None:
        """Command, dependencies and parameters as a lock file has them; None where one is not
        there."""
        found: Entry = {"cmd": one.cmd}
        deps = []
        for dep in one.deps:
            expected = forecast.restored.get(dep.full) if forecast else None
            if expected is not None:
                deps.append({**expected, "path": dep.path})
                continue
            measured = self._objects.measure(dep.full)
            if measured is None:
                return None
            deps.append({"path": dep.path, **measured.fields()})
        params = {}
        for source in one.params:
            values = self._parameters.values(source.full, source.keys)
            if values is None or set(source.keys) - set(values):
                return None
            params[source.path] = {key: values[key] for key in sorted(values)}
        if deps:
            found["deps"] = deps
        if params:
            found["params"] = params
        return found

    # Running

    def prepare(self, name: str, *, force: bool = False) -> Found:
        """Bring a stage up to date without its command if that can be; else make room for it.

        Raises :class:`StageError` where a dependency is missing.
        """
        return self._either(
            name, lambda s: self._prepare(s, force), lambda dvc: self._by_dvc(name, dvc, force)
        )

    def _by_dvc(self, name: str, dvc: Pipeline, force: bool) -> Found:
        found = dvc.prepare(name, force=force)
        self._take_entry(name, dvc)
        return found

    def _prepare(self, one: FastStage, force: bool) -> Found:
        forecast = Forecast()
        changes = () if force else tuple(self._changes(one, forecast))
        if not force and not changes:
            return Found(Prepared.UNCHANGED)
        self._ignore_below(one)
        inputs = self._inputs(one)
        if inputs is None:
            raise StageError(self._what_is_missing(one))
        outs = None if force else self._restorable(one, forecast, inputs)
        self._refuse_tracked(one)
        self._make_room(one)
        if outs is None:
            return Found(Prepared.READY, changes)
        known = {out["path"]: out for out in outs}
        for place in one.outs:
            out = known[place.path]
            self._objects.check_out(out["md5"], place.full, bool(out.get("isexec")))
        self._finish(one, {**inputs, "outs": [known[out.path] for out in _sorted(one)]})
        return Found(Prepared.RESTORED, changes)

    def _make_room(self, one: FastStage) -> None:
        for out in one.outs:
            if out.persist:
                if out.cached and os.path.lexists(out.full):
                    self._objects.release(out.full)
            else:
                remove(out.full)
            folder = os.path.dirname(out.full)
            if not os.path.isdir(folder):
                os.makedirs(folder, exist_ok=True)

    def _what_is_missing(self, one: FastStage) -> str:
        for dep in one.deps:
            if not os.path.lexists(dep.full):
                return f"dependency '{relative(dep.full, self._root)}' does not exist"
        for source in one.params:
            shown = relative(source.full, self._root)
            values = self._parameters.values(source.full, source.keys)
            if values is None:
                return f"dependency '{shown}' does not exist"
            missing = [key for key in source.keys if key not in values]
            if missing:
                return f"Parameters '{', '.join(missing)}' are missing from '{shown}'."
        return "a dependency does not exist"

    def command(self, name: str, python: str = sys.executable) -> Command:
        """How to start a prepared stage, with ``python`` where no other is activated."""
        return self._either(
            name,
            lambda s: self._command(s, python),
            lambda dvc: dvc.take_over(name).command(name, python),
        )

    def _command(self, one: FastStage, python: str) -> Command:
        shell = os.environ.get("SHELL") or "/bin/sh"
        kind = os.path.basename(shell).lower()
        if kind == "fish":
            raise UnsupportedStageError(Message("the fish shell"))
        if self._environment is None:
            environment = _outside_pyenv(os.environ)
            self._environment = {
                "DVC_ROOT": str(self._root),
                **environment,
                "PATH": search_path(python, environment),
            }
        lines = one.cmd if isinstance(one.cmd, list) else one.cmd.splitlines()
        shown = tuple(line for line in lines if line.strip())
        own = one.name if self._path == "dvc.yaml" else f"{self._path}:{one.name}"
        return Command(
            tuple((shell, *SHELLS.get(kind, ()), "-c", line) for line in shown),
            shown,
            one.wdir,
            {**self._environment, "DVC_STAGE": own},
        )

    def commit(self, name: str) -> dict[str, str]:
        """Hash and store what a prepared stage's command made; the outputs' hashes by path."""

        def by_dvc(dvc: Pipeline) -> None:
            dvc.take_over(name).commit(name)
            self._take_entry(name, dvc)

        self._either(name, self._commit, by_dvc)
        return self.hashes(name)

    def _commit(self, one: FastStage) -> None:
        if len(one.outs) > 1:
            # None is stored where one is missing.
            for out in one.outs:
                if not os.path.lexists(out.full):
                    raise self._not_made(out)
        self._refuse_tracked(one)
        inputs = self._inputs(one)
        if inputs is None:
            raise StageError(self._what_is_missing(one))
        outs = []
        for out in _sorted(one):
            store = out.cached or (one.kept and out.measure)
            if out.kind == "metrics":
                self._refuse_binary(out)
            measured = (self._objects.store if store else self._objects.measure)(out.full)
            if measured is None:
                raise self._not_made(out)
            if out.cached and not measured.folder:
                self._objects.release(out.full, measured.isexec)
            if measured.size < LEAST and not measured.folder:
                self._small.add(out.full)
            outs.append({"path": out.path, **measured.fields()})
        entry = {**inputs, "outs": outs} if outs else inputs
        if one.kept:
            self._runs.save(entry)
        self._finish(one, entry)

    def _not_made(self, out: Place) -> StageError:
        return StageError(f"output '{relative(out.full, self._root)}' does not exist")

    def _finish(self, one: FastStage, entry: Entry) -> None:
        self._finished[one.name] = entry
        self._not_ignored.add(one.name)

    def _ignore_below(self, one: FastStage) -> None:
        """A folder that a stage reads has its `.gitignore` by then, which belongs to its hash."""
        folders = tuple(f"{dep.full}/" for dep in one.deps if os.path.isdir(dep.full))
        if folders and self._not_ignored:
            below = {
                name
                for name in self._not_ignored
                if any(out.full.startswith(folders) for out in self._stages[name].outs)
            }
            self._ignore(below, self.order)

    def _ignore(self, stages: Collection[str], order: Sequence[str]) -> None:
        """Keep what these stages made out of git, in ``order``."""
        with self._ignoring:
            names = [name for name in order if name in stages]
            self._ignores.ignore(
                [
                    relative(out.full, self._root)
                    for name in names
                    for out in self._stages[name].outs
                    if out.cached
                ]
            )
            self._not_ignored.difference_update(names)

    def accept(self, name: str) -> Found:
        """Make what is there the result of a stage without running it, as ``dvc commit`` does."""
        self.commit(name)
        return Found(Prepared.ACCEPTED)

    def _refuse_tracked(self, one: FastStage) -> None:
        """An output that git keeps cannot be DVC's, too."""
        if self._tracked is None:
            self._tracked = self._ignores.tracked(
                relative(out.full, self._root)
                for known in self._stages.values()
                for out in known.outs
                if out.cached
            )
        for out in one.outs:
            shown = relative(out.full, self._root)
            if out.cached and shown in self._tracked:
                raise StageError(
                    f"output '{shown}' is already tracked by git; to untrack it, run "
                    f"`git rm -r --cached {shown}`"
                )

    def _refuse_binary(self, out: Place) -> None:
        if not os.path.isfile(out.full):
            return
        with open(out.full, "rb") as file:
            block = file.read(512)
        if b"\0" in block or len(block.translate(None, TEXT)) > 0.3 * len(block):
            shown = relative(out.full, self._root)
            raise StageError(f"binary file '{shown}' cannot be used as metrics.")

    def hashes(self, name: str) -> dict[str, str]:
        """The hashes of a stage's outputs as the lock file has them, by path."""
        entry = self._known(name) or {}
        known = {out["path"]: out.get("md5") for out in entry.get("outs", ())}
        if name in self._stages:
            places = {out.path: relative(out.full, self._root) for out in self._stages[name].outs}
        else:
            return self._dvc().hashes(name)
        return {places[p]: str(md5) for p, md5 in known.items() if p in places and md5}

    def entry(self, name: str) -> Entry | None:
        """What the lock file is to have of a stage that was brought up to date."""
        return self._finished.get(name)

    def _known(self, name: str) -> Entry | None:
        """What the lock file has of a stage, or is to have."""
        return self._finished.get(name) or self._lock.entries.get(name)

    @property
    def base(self) -> LockBase:
        """The lock file as it was last read or written, and what it had when this was opened."""
        return LockBase(self._lock.digest, tuple(self._settled))

    def adopt(self, base: LockBase, entries: Mapping[str, Entry]) -> bool:
        """Take over the results of a run that ended before it could write them; they are written
        as if it had. False where the lock file is another since."""
        if base.digest != self._lock.digest:
            return False
        self._settled = list(base.settled)
        known = set(self.names)
        self._finished.update({name: entry for name, entry in entries.items() if name in known})
        self._not_ignored.update(entries.keys() & self._stages.keys())
        return True

    def discard(self, name: str) -> None:
        """Remove the half-written outputs of a stage whose command failed."""

        def half_written(one: FastStage) -> None:
            for out in one.outs:
                if not out.persist:
                    remove(out.full)

        self._either(name, half_written, lambda dvc: dvc.take_over(name).discard(name))

    def fold(self, order: Sequence[str]) -> None:
        """Write what is finished into `dvc.lock`, as DVC would write it: known entries keep their
        place, new ones follow in ``order``; and keep what is stored out of git."""
        news = {name: entry for name, entry in self._finished.items() if name not in self._folded}
        if not news:
            return
        try:
            with holding(self._root):
                # In this order, as DVC: who finds an entry in the lock file looks no further.
                self._ignore(self._not_ignored.intersection(news), order)
                if self._slow is not None:
                    with self._ignoring:
                        self._ignores.arrange(self._ignored_outputs(self._slow, order))
                self._lock.write(news, order, set(self._settled))
        except OSError as error:
            raise StageError(f"{error.strerror or error}: {self._path}") from error
        self._folded.update(news)
        self.on_fold(self.base)

    def _ignored_outputs(self, dvc: Pipeline, order: Sequence[str]) -> Iterator[str]:
        for name in order:
            if name in self.unusual:
                yield from dvc.stored_outputs(name)
            else:
                outs = self._stages[name].outs
                yield from (relative(out.full, self._root) for out in outs if out.cached)

    def refresh(self, paths: Sequence[str]) -> list[str]:
        """Bring data with `.dvc` files up to date, as ``dvc repro`` does; what was changed."""
        stale = [path for path in data_sources(self._root, paths) if not self._is_current(path)]
        return self._dvc().refresh(stale) if stale else []

    def _is_current(self, path: str) -> bool:
        try:
            data = yaml_loader.read((self._root / f"{path}.dvc").read_text(encoding="utf-8"))
            (out,) = data["outs"]
            if set(data) - {"outs", "meta", "desc"} or out.get("hash") != "md5":
                return False
            measured = self._objects.measure(str(self._root / path))
            current = measured is not None and measured.md5 == out["md5"]
            return current and self._objects.holds(out["md5"])
        except (UnsupportedStageError, KeyError, TypeError, ValueError, OSError):
            return False

    def _take_entry(self, name: str, dvc: Pipeline) -> None:
        entry = dvc.entry(name)
        if entry is not None:
            self._finished[name] = entry


def _sorted(one: FastStage) -> list[Place]:
    return sorted(one.outs, key=lambda out: out.path)


def _hashes(entry: Entry, kind: str) -> dict[str, str]:
    """Hashes by path; :class:`UnsupportedStageError` for those of DVC 2 and of other stores."""
    found = {}
    for item in entry.get(kind, ()):
        if item.get("hash") != "md5" or not isinstance(item.get("md5"), str) or "cloud" in item:
            raise UnsupportedStageError(Message("an unsupported kind of hash"))
        found[item["path"]] = item["md5"]
    return found


def _outside_pyenv(environment: Mapping[str, str]) -> Mapping[str, str]:
    """The environment without the folders that a shim of pyenv has put before ``PATH``."""
    if "PYENV_HOOK_PATH" not in environment:
        return environment
    # Imported here: DVC takes 140 ms, and changes nothing elsewhere.
    from dvc.utils import fix_env

    fixed: dict[str, str] = fix_env(environment)
    return fixed


def _text(cmd: Any) -> str:
    return "\n".join(cmd) if isinstance(cmd, list) else str(cmd)
