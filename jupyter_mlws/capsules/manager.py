"""Writes a snapshot as a capsule."""

from __future__ import annotations

import io
import os
import posixpath
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

from jupyter_mlws.capsules import citation
from jupyter_mlws.capsules.archive import ArchiveWriter, object_name
from jupyter_mlws.capsules.crate import (
    BUNDLE,
    FILES,
    METADATA,
    README,
    Content,
    CrateBuilder,
    Description,
)
from jupyter_mlws.capsules.models import Capsule
from jupyter_mlws.capsules.provenance import (
    Workflow,
    add_environments,
    lock_of,
    read_runs,
    read_steps,
)
from jupyter_mlws.capsules.readme import write_readme
from jupyter_mlws.core.atomic import atomic_path, remove_temp_paths
from jupyter_mlws.core.errors import (
    AlreadyExistsError,
    CapsuleDataMissingError,
    ShallowHistoryError,
    VersionItemNotFoundError,
)
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.core.progress import ProgressCallback, no_progress, report_waiting
from jupyter_mlws.dvc.cache import StoredObject
from jupyter_mlws.dvc.data import DataStore, open_data
from jupyter_mlws.dvc.pointers import PIPELINE_FILE, SETTINGS_FILE, DataPointer, covers
from jupyter_mlws.git.adapter import Git, TreeEntry, decode
from jupyter_mlws.git.history import Commit, LogQuery, list_commits
from jupyter_mlws.git.merge import SUBMODULE
from jupyter_mlws.versioning.data_index import format_paths, normalize_path
from jupyter_mlws.versioning.repository import Needs, RepositoryPart
from jupyter_mlws.versioning.snapshots.create import TRAILER_RUN

ALL, NONE = CHOICES = ("all", "none")
"""Choices of data beside paths."""
BATCH_BYTES = 64 * 1024 * 1024
"""Bytes of files that are read from git at once."""
BUNDLE_TIMEOUT = 3600.0
"""Seconds for git to pack a large history."""
MAX_AUTHORS = 100
REGULAR_MODES = ("100644", "100755")
BRANCH = "refs/heads/main"
LACKS_INPUTS = Message(
    "Inputs are in neither git nor DVC, so the capsule lacks them: {paths}. Add them by "
    "`jupyter mlws data add`, and commit."
)
LACKS_RUNS = Message("MLflow has no record of runs that the snapshot names: {runs}")
LACKS_SUBMODULES = Message("Submodules are not in the capsule: {paths}")
LACKS_LFS = Message(
    "Files of Git LFS are in the capsule as pointers only: who opens it needs its server."
)
LACKS_NAMES = Message("Only the history has files whose names are no UTF-8: {paths}")


class Capsules(RepositoryPart):
    """The capsules of one project. Thread-safe."""

    def create(
        self,
        snapshot: str,
        target: Path,
        data: Sequence[str] = (),
        progress: ProgressCallback = no_progress,
    ) -> Capsule:
        """Write a snapshot to the new zip archive ``target``.

        ``data``: paths, ``all`` or ``none``; by default what no step makes. Raises
        VersionItemNotFoundError for an unknown snapshot or path, AlreadyExistsError if the target
        exists, CapsuleDataMissingError, DataDamagedError, RemoteUnreachableError,
        ShallowHistoryError or DiskFullError; nothing is left then.
        """
        sha = self._git.resolve(snapshot)
        if target.exists() or target.is_symlink():
            raise AlreadyExistsError(name=str(target))
        if self._git.run("rev-parse", "--is-shallow-repository").strip() == b"true":
            raise ShallowHistoryError(snapshot=sha[:8])
        commit = list_commits(self._git, LogQuery(sha, limit=1))[0]
        entries = self._git.tree(sha)
        progress(0, message="runs")
        workflows = list(self._workflows(commit, entries))
        items = self._select(sha, data, workflows)
        # A capsule that a crash left incomplete.
        remove_temp_paths(target)
        with atomic_path(target) as path:
            opening = open_data(self._root, self._git.blob(sha, SETTINGS_FILE)) if items else None
            with opening or nullcontext() as stored:
                if stored is not None:
                    self._fetch(stored, items, progress)
                with zipfile.ZipFile(path, "w") as archive:
                    writer = ArchiveWriter(archive, path.parent, commit.timestamp)
                    facts = self._write(writer, commit, entries, workflows, items, stored, progress)
            size = path.stat().st_size
        return Capsule(
            path=str(target),
            commit=sha,
            size=size,
            data=[item.path for item in items],
            data_size=sum(content.size for content in facts.objects.values()),
            runs=sum(run.id is not None for one in workflows for run in one.runs),
            warnings=list(self._warnings(commit, entries, facts)),
        )

    def _workflows(self, commit: Commit, entries: Sequence[TreeEntry]) -> Iterator[Workflow]:
        """Yield the workflows that have run, those of the snapshot's runs first."""
        ids = {entry.path: entry.sha for entry in entries}
        found = []
        for path in ids:
            if posixpath.basename(path) != PIPELINE_FILE or lock_of(path) not in ids:
                continue
            texts = self._git.blobs([ids[path], ids[lock_of(path)]])
            steps = read_steps(path, texts[ids[path]], texts[ids[lock_of(path)]])
            if steps:
                steps = add_environments(self._project, steps)
                named = commit.trailers.get(TRAILER_RUN, [])
                runs = read_runs(self._repository.tracking, named, path, steps)
                found.append(Workflow(path, steps, runs))
        yield from sorted(found, key=lambda one: (one.runs[0].id is None, one.path.count("/")))

    def _select(
        self, sha: str, choice: Sequence[str], workflows: Sequence[Workflow]
    ) -> list[DataPointer]:
        items = [item for item in self._content.data_at(sha) if item.md5 is not None]
        if list(choice) == [NONE]:
            return []
        if list(choice) == [ALL]:
            return items
        if not choice:
            # What a step makes is made again, but for steps that never run.
            steps = [step for one in workflows for step in one.steps if step.frozen]
            frozen = {out.path for step in steps for out in step.outputs}
            return [item for item in items if not item.pipeline or item.path in frozen]
        paths = [normalize_path(self._project, path) for path in choice]
        for path in paths:
            if not any(covers([path], item.path) for item in items):
                raise VersionItemNotFoundError(kind="dataset", name=path)
        return [item for item in items if covers(paths, item.path)]

    def _fetch(
        self, stored: DataStore, items: Sequence[DataPointer], progress: ProgressCallback
    ) -> None:
        with self._repository.exclusive("capsule", report_waiting(progress), needs=Needs.NOTHING):
            _, lacking, error = stored.fetch_available(items, progress)
        if lacking:
            paths = [item.path for item in lacking]
            raise CapsuleDataMissingError(paths=paths) from error

    def _write(
        self,
        writer: ArchiveWriter,
        commit: Commit,
        entries: Sequence[TreeEntry],
        workflows: Sequence[Workflow],
        items: Sequence[DataPointer],
        stored: DataStore | None,
        progress: ProgressCallback,
    ) -> Description:
        progress(0, message="history")
        extra = [self._write_bundle(writer, commit.sha)]
        progress(0, message="files")
        files = self._write_files(writer, entries)
        objects: dict[str, Content] = {}
        listings: dict[str, list[tuple[str, str]]] = {}
        if stored is not None:
            every = stored.cache.objects(items)
            for place, obj in enumerate(every):
                progress(place, len(every), "objects", "data")
                objects.setdefault(obj.md5, _write_object(writer, stored, obj))
                if obj.listing:
                    listings[obj.md5] = stored.cache.list_files(obj.item)
        about = citation.read(self._git.blob(commit.sha, citation.FILE) or b"")
        names = decode(self._git.run("log", "--format=%aN", commit.sha)).splitlines()
        # By their number of commits, as `git shortlog` does.
        frequent = sorted(dict.fromkeys(names), key=lambda name: -names.count(name))
        authors = citation.read_authors(about) or [
            citation.Author(name) for name in frequent[:MAX_AUTHORS]
        ]
        title = str(about.get("title") or self._root.name)
        text = self._git.blob(commit.sha, citation.FILE) or citation.write(
            title, authors, commit.sha[:8], commit.timestamp[:10]
        )
        extra.append(writer.add(citation.FILE, io.BytesIO(text)))
        lines = write_readme(title, commit, workflows, has_data=bool(objects))
        extra.append(writer.add(README, io.BytesIO(lines.encode())))
        license_name = about.get("license")
        facts = Description(
            title=title,
            message=commit.message.strip() or commit.sha,
            commit=commit.sha,
            timestamp=commit.timestamp,
            authors=authors,
            license=license_name if isinstance(license_name, str) else None,
            files=files,
            objects=objects,
            listings=listings,
            workflows=workflows,
            extra=extra,
        )
        writer.add(METADATA, io.BytesIO(CrateBuilder(facts).build()))
        return facts

    def _write_bundle(self, writer: ArchiveWriter, sha: str) -> Content:
        """Add the history of a commit, whose branch is ``main`` there."""
        # git packs only what has a name. A repository beside this one names the commit alone.
        objects = Path(self._root, self._git.path("objects")).resolve()
        object_format = decode(self._git.run("rev-parse", "--show-object-format")).strip()
        with tempfile.TemporaryDirectory(prefix="mlws-", dir=writer.folder) as folder:
            git = Git(Path(folder), {"GIT_DIR": folder})
            git.run("init", "--quiet", "--bare", f"--object-format={object_format}", folder)
            Path(folder, "objects/info/alternates").write_bytes(os.fsencode(objects) + b"\n")
            git.run("update-ref", BRANCH, sha)
            git.run("symbolic-ref", "HEAD", BRANCH)
            bundle = Path(folder, BUNDLE)
            git.run(
                "bundle", "create", "--quiet", str(bundle), "HEAD", BRANCH, timeout=BUNDLE_TIMEOUT
            )
            with bundle.open("rb") as file:
                return writer.add(BUNDLE, file)

    def _write_files(
        self, writer: ArchiveWriter, entries: Sequence[TreeEntry]
    ) -> dict[str, Content]:
        """Add the regular files of the snapshot, and return them by path."""
        sizes = self._git.sizes({entry.sha for entry in entries if entry.mode in REGULAR_MODES})
        files = {}
        batch: list[TreeEntry] = []
        for entry in (*entries, None):
            if entry is None or sum(sizes[one.sha] for one in batch) > BATCH_BYTES:
                contents = self._git.blobs([one.sha for one in batch]) if batch else {}
                for one in batch:
                    source = io.BytesIO(contents[one.sha])
                    files[one.path] = writer.add(f"{FILES}{one.path}", source)
                batch = []
            if entry is not None and entry.mode in REGULAR_MODES and _is_text(entry.path):
                batch.append(entry)
        return files

    def _warnings(
        self, commit: Commit, entries: Sequence[TreeEntry], facts: Description
    ) -> Iterator[Message]:
        """Yield what the capsule lacks."""
        data = [item.path for item in self._content.data_at(commit.sha)]
        steps = [step for workflow in facts.workflows for step in workflow.steps]
        known = {*data, *(out.path for step in steps for out in step.outputs)}
        tracked = [entry.path for entry in entries]
        lacking = {
            item.path
            for step in steps
            for item in step.inputs
            if not covers(known, item.path)
            # A directory of files in git, or of data, is an input as a whole.
            and not any(covers([item.path], path) for path in (*tracked, *known))
        }
        if lacking:
            yield LACKS_INPUTS.fill(paths=", ".join(sorted(lacking)))
        recorded = {run.id for workflow in facts.workflows for run in workflow.runs}
        if unknown := [one for one in commit.trailers.get(TRAILER_RUN, []) if one not in recorded]:
            yield LACKS_RUNS.fill(runs=", ".join(unknown))
        if submodules := [entry.path for entry in entries if entry.mode == SUBMODULE]:
            yield LACKS_SUBMODULES.fill(paths=", ".join(submodules))
        attributes = [entry.sha for entry in entries if entry.path.endswith(".gitattributes")]
        if attributes and any(b"filter=lfs" in one for one in self._git.blobs(attributes).values()):
            yield LACKS_LFS
        if unprintable := [path for path in tracked if not _is_text(path)]:
            yield LACKS_NAMES.fill(paths=", ".join(format_paths(unprintable)))


def _write_object(writer: ArchiveWriter, stored: DataStore, obj: StoredObject) -> Content:
    with stored.cache.path_of(obj).open("rb") as file:
        return writer.add(object_name(obj.md5, legacy=obj.legacy), file)


def _is_text(path: str) -> bool:
    """Return whether a name in git is valid UTF-8, as those of a zip archive are."""
    return path.isprintable() or not any("\udc80" <= letter <= "\udcff" for letter in path)
