"""Exchange of runs and model versions with other clones, beside a branch.

A run that a pushed snapshot names travels as a bundle, which is a directory of DVC's remote. A ref
of git's remote names it (:mod:`~jupyter_mlws.versioning.publishing.shared_runs`). Only for MLflow's
store in the project's own folder: clones with an MLflow server share their runs already.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, TypeVar

from jupyter_mlws.core.errors import MLflowFailedError, RemoteAheadError, RunBundleInvalidError
from jupyter_mlws.git.adapter import join_nul
from jupyter_mlws.git.commits import commit_tree
from jupyter_mlws.git.index import SERVICE_IDENTITY, PrivateIndex
from jupyter_mlws.git.refs import delete_ref
from jupyter_mlws.git.remote_commands import RemoteSession, fetch_ref, push_ref, tips_at
from jupyter_mlws.mlflow.bundle_reader import BundleReader, BundleState, open_store
from jupyter_mlws.mlflow.bundles import DOCUMENT, BundleError, check_files
from jupyter_mlws.mlflow.client import RefusedError, sqlite_file
from jupyter_mlws.mlflow.store import DEFAULT_FILE
from jupyter_mlws.versioning.publishing.pre_push_hook import skip_pre_push_hook
from jupyter_mlws.versioning.publishing.shared_runs import (
    FETCHED_RUNS,
    OUTGOING_RUNS,
    SHARED_RUNS,
    bundles_of,
    entries_at,
    entry_path,
    entry_text,
    named_runs,
)
from jupyter_mlws.versioning.repository import Needs, RepositoryPart
from mlws.core.errors import DataDamagedError, DataMissingError, DVCNotInitializedError, MLWSError
from mlws.core.i18n import Message
from mlws.core.progress import ProgressCallback
from mlws.dvc.cache import StoredObject, root_object
from mlws.dvc.data import DataStore, open_data
from mlws.dvc.pointers import DataPointer

MAX_ATTEMPTS = 5
"""Times to send again after another clone was faster."""
MAX_LISTING_BYTES = 64 * 1024 * 1024
STORE_TIMEOUT = 3600.0
"""Seconds for MLflow's process to store the files of one run."""
MD5 = re.compile("[0-9a-f]{32}")
NO_BUNDLE = Message("its entry names no bundle")
RUNS_STAY = Message(
    "The runs that the commits name stay on this machine, because the project has no data remote. "
    "`jupyter mlws data remote NAME URL` adds one."
)
RUNS_NOT_SENT = Message("Runs were not pushed; the next push sends them. {reason}")
RUNS_NOT_RECEIVED = Message("Runs were not pulled; the next pull gets them. {reason}")
RUN_NOT_SENT = Message("Run {run} was not pushed: {reason}")
RUN_NOT_RECEIVED = Message("Run {run} was not pulled: {reason}")

Result = TypeVar("Result")


@dataclass
class ExchangeResult:
    """Number of runs that were sent or received, and warnings about those that were not."""

    runs: int = 0
    warnings: list[Message] = field(default_factory=list)


class Outgoing(NamedTuple):
    """A bundle in the cache, and the state of its run."""

    item: DataPointer
    state: BundleState


class RunExchange(RepositoryPart):
    """Exchange of one project's runs with its git remotes. Thread-safe."""

    def send(
        self,
        remote: str,
        commit: str,
        before: str | None,
        tip: str | None,
        line: RemoteSession,
        progress: ProgressCallback,
    ) -> ExchangeResult:
        """Send what is new of the runs that the commits up to ``commit`` name.

        ``before`` is the remote's commit, and ``tip`` its :data:`SHARED_RUNS`. The commits were
        pushed already: an error becomes a warning.
        """
        result = ExchangeResult()
        if self._store is None or not self._store.exists():
            return result
        runs = named_runs(self._git, commit)
        try:
            runs = self._read(lambda reader: reader.final_runs(runs)) if runs else []
            if not runs:
                return result
            with open_data(self._root) as data:
                if data.remote.name is not None:
                    self._send(data, remote, runs, tip, line, progress, result)
                    return result
        except DVCNotInitializedError:
            pass
        except MLWSError as error:
            result.warnings.append(RUNS_NOT_SENT.fill(reason=error.message))
            return result
        new_commits = (commit, *([f"^{before}"] if before else []))
        if set(named_runs(self._git, *new_commits)).intersection(runs):
            # Not again with every later push.
            result.warnings.append(RUNS_STAY)
        return result

    def receive(
        self, remote: str, tip: str | None, line: RemoteSession, progress: ProgressCallback
    ) -> ExchangeResult:
        """Receive the runs that are new in a remote's ``tip`` of :data:`SHARED_RUNS`.

        The branch was pulled already: an error becomes a warning.
        """
        result = ExchangeResult()
        if self._store is None or tip is None:
            return result
        try:
            base = self._received_tip(remote)
            if base == tip:
                return result
            self._fetch(remote, tip, line)
            earlier = entries_at(self._git, base) if base and self._git.find(base) else {}
            new = dict(entries_at(self._git, tip).items() - earlier.items())
            with (
                self._repository.exclusive("pull", needs=Needs.NOTHING),
                open_data(self._root) as data,
            ):
                new = self._unknown(new)
                result.runs = self._store_bundles(data, new, progress, result.warnings)
            if not result.warnings and self._store.exists():
                self._repository.tracking.ask("set_received", remote=remote, commit=tip)
        except MLWSError as error:
            result.warnings.append(RUNS_NOT_RECEIVED.fill(reason=error.message))
        return result

    # Sending

    def _send(
        self,
        data: DataStore,
        remote: str,
        runs: Sequence[str],
        tip: str | None,
        line: RemoteSession,
        progress: ProgressCallback,
        result: ExchangeResult,
    ) -> None:
        for _ in range(MAX_ATTEMPTS):
            self._fetch(remote, tip, line)
            entries = entries_at(self._git, tip)
            with self._repository.exclusive("push", needs=Needs.NOTHING):
                # What another clone has added to a run is part of what is sent of it.
                there = self._unknown({run: entries[run] for run in runs if run in entries})
                self._store_bundles(data, there, progress, result.warnings)
                rest = self._unknown(there)
                ours = [run for run in runs if run not in rest]
                outgoing = self._build_bundles(data, ours, entries, progress, result.warnings)
                new = {r: one for r, one in outgoing.items() if entries.get(r) != one.state.entry}
                commit = self._commit(tip, new) if new else tip
                if new:
                    self._git.run("update-ref", OUTGOING_RUNS, str(commit))
            if new:
                data.remote.push([one.item for one in new.values()], progress)
                try:
                    push_ref(skip_pre_push_hook(self._git), remote, str(commit), SHARED_RUNS, line)
                except RemoteAheadError:
                    tip = tips_at(self._git, remote, [SHARED_RUNS], line).get(SHARED_RUNS)
                    continue
                self._git.run("update-ref", f"{FETCHED_RUNS}{remote}", str(commit))
                delete_ref(self._git, OUTGOING_RUNS)
            if outgoing:
                states = {run: one.state._asdict() for run, one in outgoing.items()}
                self._repository.tracking.ask("set_bundles", states=states)
            if commit != tip and self._received_tip(remote) == tip:
                self._repository.tracking.ask("set_received", remote=remote, commit=commit)
            result.runs = len(new)
            return
        raise RemoteAheadError(remote=remote, branch=SHARED_RUNS)

    def _build_bundles(
        self,
        data: DataStore,
        runs: Sequence[str],
        entries: Mapping[str, str],
        progress: ProgressCallback,
        warnings: list[Message],
    ) -> dict[str, Outgoing]:
        """Store bundles of the runs that have changed or that the remote lacks."""

        def find_changed(reader: BundleReader) -> dict[str, BundleState | None]:
            states = reader.bundle_states(runs)
            return {
                run: states.get(run)
                for run in runs
                if run not in states
                or states[run].entry != entries.get(run)
                or states[run].state != reader.state(run)
            }

        outgoing = {}
        to_build = self._read(find_changed)
        for number, (run, earlier) in enumerate(to_build.items()):
            progress(number, len(to_build), "runs", "runs")
            with TemporaryDirectory(prefix="bundle-", dir=self._project.state) as folder:

                def write(
                    reader: BundleReader, run: str = run, path: Path = Path(folder, DOCUMENT)
                ) -> tuple[dict[str, Path], str, list[str]]:
                    return reader.write(run, path), reader.state(run), reader.version_marks(run)

                try:
                    files, state, marks = self._read(write)
                    item = data.cache.store_folder(f"runs/{run}", files)
                except (BundleError, FileNotFoundError) as error:
                    # Of the second kind: its artifacts are just being deleted.
                    warnings.append(RUN_NOT_SENT.fill(run=run, reason=str(error)))
                    continue
            entry = self._git.hash(entry_text(item), write=True)
            versions = sorted({*marks, *(earlier.versions if earlier else ())})
            outgoing[run] = Outgoing(item, BundleState(entry, state, versions))
        return outgoing

    def _commit(self, tip: str | None, outgoing: Mapping[str, Outgoing]) -> str:
        """Return a commit whose tree is that of ``tip`` with the entries of bundles."""
        with TemporaryDirectory(prefix="bundle-", dir=self._project.state) as folder:
            private = PrivateIndex(self._root, SERVICE_IDENTITY, index=Path(folder, "index"))
            private.read_tree(tip)
            rows = [f"100644 {one.state.entry}\t{entry_path(run)}" for run, one in outgoing.items()]
            private.run("update-index", "-z", "--add", "--index-info", stdin=join_nul(rows))
            tree = private.write_tree()
            return commit_tree(private, tree, [tip] if tip else [], f"Runs: {len(outgoing)}\n")

    # Receiving

    def _unknown(self, entries: Mapping[str, str]) -> dict[str, str]:
        """Return the entries of bundles that were not received, but for deleted runs."""
        assert self._store is not None
        if not entries or not self._store.exists():
            return dict(entries)
        states, deletions = self._read(
            lambda reader: (reader.bundle_states(entries), reader.deleted_runs(entries))
        )
        return {
            run: entry
            for run, entry in entries.items()
            if run not in deletions and (run not in states or states[run].entry != entry)
        }

    def _store_bundles(
        self,
        data: DataStore,
        entries: Mapping[str, str],
        progress: ProgressCallback,
        warnings: list[Message],
    ) -> int:
        """Fetch bundles and store their runs; return the number of runs."""
        items = self._fetch_bundles(data, entries, progress, warnings)
        count = 0
        for number, (run, item) in enumerate(items.items()):
            progress(number, len(items), "runs", "runs")
            files = {
                inside: str(data.cache.path_of(StoredObject(md5, item)))
                for inside, md5 in data.cache.list_files(item)
            }
            try:
                count += self._repository.tracking.ask(
                    "receive_bundle", STORE_TIMEOUT, run=run, entry=entries[run], files=files
                )
            except RefusedError as error:
                warnings.append(RunBundleInvalidError(run=run, reason=error.reason).message)
        if len(items) > 1:
            self._repository.tracking.ask("settle_bundles", runs=[*items])
        return count

    def _fetch_bundles(
        self,
        data: DataStore,
        entries: Mapping[str, str],
        progress: ProgressCallback,
        warnings: list[Message],
    ) -> dict[str, DataPointer]:
        """Fetch bundles into the cache; return those that are complete and intact, by run.

        Raises RemoteUnreachableError.
        """
        items = bundles_of(self._git, entries)
        for run in entries.keys() - items.keys():
            warnings.append(RunBundleInvalidError(run=run, reason=NO_BUNDLE).message)
        data.remote.fetch_listings(items.values())
        valid, intact = {}, {}
        for run, item in items.items():
            try:
                check_listing(data, item)
                valid[run] = item
            except BundleError as error:
                warnings.append(RunBundleInvalidError(run=run, reason=str(error)).message)
            except (DataDamagedError, DataMissingError) as error:
                warnings.append(RUN_NOT_RECEIVED.fill(run=run, reason=error.message))
        absent = data.cache.missing([*valid.values()])
        lacking, unreachable = data.remote.find_unavailable(absent)
        if unreachable is not None:
            raise unreachable
        data.remote.fetch([item for item in absent if item not in lacking], progress)
        for run, item in valid.items():
            try:
                data.cache.check([item])
                intact[run] = item
            except (DataDamagedError, DataMissingError) as error:
                # Damaged objects are set aside, and fetched again the next time.
                warnings.append(RUN_NOT_RECEIVED.fill(run=run, reason=error.message))
        return intact

    # Parts

    @property
    def _store(self) -> Path | None:
        """The SQLite file of MLflow's store, if it is the project's own."""
        file = sqlite_file(self._repository.tracking.uri)
        return file if file == self._root / DEFAULT_FILE else None

    def _read(self, read: Callable[[BundleReader], Result]) -> Result:
        """Read the store, which MLflow migrates first if an older one made it."""
        assert self._store is not None
        try:
            with open_store(self._store) as reader:
                return read(reader)
        except sqlite3.Error:
            self._repository.tracking.ask("migrate")
        try:
            with open_store(self._store) as reader:
                return read(reader)
        except sqlite3.Error as error:
            raise MLflowFailedError(reason=str(error)) from error

    def _received_tip(self, remote: str) -> str | None:
        """Return the tip of a remote up to which its runs were received."""
        assert self._store is not None
        if not self._store.exists():
            return None
        return self._read(lambda reader: reader.received_tip(remote))

    def _fetch(self, remote: str, tip: str | None, line: RemoteSession) -> None:
        """Fetch a remote's :data:`SHARED_RUNS`, unless it is here."""
        ref = f"{FETCHED_RUNS}{remote}"
        if tip is not None and self._git.find(ref) != tip:
            fetch_ref(self._git, remote, SHARED_RUNS, ref, line)


def check_listing(data: DataStore, item: DataPointer) -> None:
    """Check the names and hashes of a bundle's files before any of them is fetched.

    Raises BundleError, DataMissingError or DataDamagedError.
    """
    listing = root_object(item)
    if data.cache.size_of(listing) > MAX_LISTING_BYTES:
        raise BundleError(f"its list of files is longer than {MAX_LISTING_BYTES} bytes")
    data.cache.check_object(listing)
    files = data.cache.list_files(item)
    check_files(inside for inside, _ in files)
    if not all(MD5.fullmatch(md5) for _, md5 in files):
        raise BundleError("its list of files has something else than hashes")
