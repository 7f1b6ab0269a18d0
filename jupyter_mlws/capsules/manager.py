"""Writes a snapshot as a capsule."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from jupyter_mlws.capsules import citation
from jupyter_mlws.capsules.archive import ArchiveWriter, object_name
from jupyter_mlws.capsules.crate import METADATA, README, Content, CrateBuilder, Description
from jupyter_mlws.capsules.gaps import find_gaps
from jupyter_mlws.capsules.history import write_bundle, write_files
from jupyter_mlws.capsules.models import Capsule
from jupyter_mlws.capsules.provenance import Workflow, read_workflows
from jupyter_mlws.capsules.readme import write_readme
from jupyter_mlws.core.errors import (
    AlreadyExistsError,
    CapsuleDataMissingError,
    ShallowHistoryError,
    VersionItemNotFoundError,
)
from jupyter_mlws.git.adapter import TreeEntry, decode
from jupyter_mlws.git.history import Commit, LogQuery, list_commits
from jupyter_mlws.versioning.data_index import normalize_path
from jupyter_mlws.versioning.publishing.publish import TRAILER_RUN
from jupyter_mlws.versioning.repository import Needs, RepositoryPart
from mlws.core.atomic import atomic_path, remove_temp_paths
from mlws.core.progress import ProgressCallback, no_progress, report_waiting
from mlws.dvc.data import DataStore, open_data
from mlws.dvc.pointers import SETTINGS_FILE, DataPointer, covers, load_mapping

ALL, NONE = CHOICES = ("all", "none")
"""Choices of data beside paths."""
MAX_AUTHORS = 100


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
        runs = commit.trailers.get(TRAILER_RUN, [])
        workflows = read_workflows(self._project, self._repository.tracking, entries, runs)
        items = self._select(sha, data, workflows)
        # A capsule that a crash left incomplete.
        remove_temp_paths(target)
        with atomic_path(target) as path:
            opening = open_data(self._root, self._git.blob(sha, SETTINGS_FILE)) if items else None
            with opening or nullcontext() as store:
                if store is not None:
                    lock = self._repository.exclusive(
                        "capsule", report_waiting(progress), needs=Needs.NOTHING
                    )
                    with lock:
                        _, missing, error = store.fetch_available(items, progress)
                    if missing:
                        raise CapsuleDataMissingError(
                            paths=[item.path for item in missing]
                        ) from error
                with zipfile.ZipFile(path, "w") as archive:
                    writer = ArchiveWriter(archive, path.parent, commit.timestamp)
                    facts = self._write(writer, commit, entries, workflows, items, store, progress)
            size = path.stat().st_size
        return Capsule(
            path=str(target),
            commit=sha,
            size=size,
            data=[item.path for item in items],
            data_size=sum(content.size for content in facts.objects.values()),
            runs=sum(run.id is not None for one in workflows for run in one.runs),
            warnings=list(
                find_gaps(self._git, entries, self._content.data_at(sha), workflows, runs)
            ),
        )

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
            steps = [step for one in workflows for step in one.steps if step.is_frozen]
            outputs = {out.path for step in steps for out in step.outputs}
            return [item for item in items if not item.pipeline or item.path in outputs]
        paths = [normalize_path(self._project, path) for path in choice]
        for path in paths:
            if not any(covers([path], item.path) for item in items):
                raise VersionItemNotFoundError(kind="dataset", name=path)
        return [item for item in items if covers(paths, item.path)]

    def _write(
        self,
        writer: ArchiveWriter,
        commit: Commit,
        entries: Sequence[TreeEntry],
        workflows: Sequence[Workflow],
        items: Sequence[DataPointer],
        store: DataStore | None,
        progress: ProgressCallback,
    ) -> Description:
        progress(0, message="history")
        extra = [write_bundle(self._git, commit.sha, writer)]
        progress(0, message="files")
        files = write_files(self._git, entries, writer)
        objects: dict[str, Content] = {}
        listings: dict[str, list[tuple[str, str]]] = {}
        if store is not None:
            every = store.cache.objects(items)
            for place, obj in enumerate(every):
                progress(place, len(every), "objects", "data")
                with store.cache.path_of(obj).open("rb") as file:
                    content = writer.add(object_name(obj.md5, legacy=obj.legacy), file)
                objects.setdefault(obj.md5, content)
                if obj.listing:
                    listings[obj.md5] = store.cache.list_files(obj.item)
        about = load_mapping(self._git.blob(commit.sha, citation.FILE) or b"")
        # By their number of commits, as `git shortlog` does.
        names = Counter(decode(self._git.run("log", "--format=%aN", commit.sha)).splitlines())
        authors = citation.read_authors(about) or [
            citation.Author(name) for name, _ in names.most_common(MAX_AUTHORS)
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
