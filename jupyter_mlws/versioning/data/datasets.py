"""Datasets: data that DVC tracks, its versions, where it comes from. What handlers call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jupyter_mlws.api.ids import escape, unescape
from jupyter_mlws.api.models import Page
from jupyter_mlws.errors import Fault, MLWSError, Words
from jupyter_mlws.versioning.data.comparison import Side, compared
from jupyter_mlws.versioning.data.content import listed, normal
from jupyter_mlws.versioning.data.datafiles import DataFile, covers
from jupyter_mlws.versioning.data.models import (
    Dataset,
    DatasetDetail,
    DatasetDiff,
    DatasetDiffQuery,
    DatasetImport,
    DatasetMoved,
    DatasetPlace,
    DatasetPlaces,
    DatasetsQuery,
    DatasetState,
    DatasetUse,
    DatasetVerified,
    DatasetVerify,
    DatasetVersion,
    StorageUse,
)
from jupyter_mlws.versioning.data.storage import full_disk_told
from jupyter_mlws.versioning.dvc.importing import checked as checked_url
from jupyter_mlws.versioning.dvc.refusals import UNASKED
from jupyter_mlws.versioning.git.adapter import Commit, LogQuery
from jupyter_mlws.versioning.lineage.workflows import NodeUse, consumers, node_uses, producers
from jupyter_mlws.versioning.models import RestoreResult
from jupyter_mlws.versioning.progress import Telling, quiet
from jupyter_mlws.versioning.repository import Repository
from jupyter_mlws.versioning.snapshots.manager import SnapshotManager

BATCH = 100
"""Commits that are looked at together for versions of a dataset."""

NOT_THERE = Words("there is no such file or folder", "没有该文件或文件夹")
NO_DATA = Words(
    "is a link, the project itself, or a folder of git or DVC",
    "是链接、项目本身，或 git、DVC 的文件夹",
)
THERE = Words("is there already", "已存在")
IN_GIT = Words("holds files that git versions", "含有由 git 管理的文件")
OVERLAPS = Words("{other!r} is tracked as data already", "{other!r} 已作为数据跟踪")
MADE = Words("a run of {other!r} makes it", "由 {other!r} 的运行生成")


@dataclass(frozen=True)
class Found:
    """A commit that changed a dataset's content."""

    commit: Commit
    item: DataFile


class DatasetManager:
    """The datasets of one project. Thread-safe: what writes holds the project's lock."""

    def __init__(self, repository: Repository, snapshots: SnapshotManager) -> None:
        self._repository = repository
        self._project = repository.project
        self._git = repository.git
        self._content = repository.content
        self._snapshots = snapshots

    # Looking

    def list(self, query: DatasetsQuery | None = None) -> Page[Dataset]:
        """Datasets by path; what workflows make and DVC stores belongs to them."""
        query = query or DatasetsQuery()
        text = (query.q or "").lower()
        after = unescape(query.cursor) if query.cursor else ""
        items = [
            item
            for item in self._content.data_now(self._git.status())
            if item.path > after and text in item.path.lower()
        ]
        shown = items[: query.limit]
        states = self._repository.working.states([item for item in shown if item.md5])
        following = escape(shown[-1].path) if len(items) > query.limit else None
        return Page(items=[_dataset(i, states.get(i.path)) for i in shown], next_cursor=following)

    def get(self, identifier: str, limit: int = 50, cursor: str | None = None) -> DatasetDetail:
        """A dataset with its versions; error 30404."""
        item = self._item(identifier)
        versions, following = self._versions(item, limit, cursor)
        uses = node_uses(self._git)
        return DatasetDetail(
            **self._described(item).__dict__,
            local=self._is_local(item),
            versions=[*versions],
            next_cursor=following,
            producers=_uses(producers(uses, item.path)),
            consumers=_uses(consumers(uses, item.path)),
        )

    # Changing

    def check_add(self, path: str) -> str:
        """The path as the project knows it.

        Errors: 50302 outside the project, 50201 where nothing can be added, 30218 where git has
        it, 30219 where other data overlaps.
        """
        inside = normal(self._project, path)
        target = self._project.root / inside
        if inside == "." or target.is_symlink() or inside.split("/")[0] == ".dvc":
            raise MLWSError("50201", Fault("path", NO_DATA))
        # A link above it may lead out of the project.
        self._project.resolve(inside)
        if not target.exists():
            raise MLWSError("50201", Fault("path", NOT_THERE))
        if self._free(inside, known=True):
            return inside
        versioned = [known for known in self._git.files() if covers([inside], known)]
        if versioned:
            paths = listed(versioned[:20])
            raise MLWSError("30218", Fault("path", IN_GIT), paths=paths, named=", ".join(paths))
        return inside

    def _free(self, inside: str, *, known: bool) -> bool:
        """Whether it is data already, where that may be; error 30219 where other data overlaps."""
        for item in self._content.data_now(self._git.status()):
            if known and item.path == inside and not item.pipeline:
                return True
            if covers([item.path], inside) or covers([inside], item.path):
                words = (MADE if item.pipeline else OVERLAPS).fill(
                    other=item.source if item.pipeline else item.path
                )
                raise MLWSError("30219", Fault("path", words), path=inside, reason=words.en)
        return False

    def add(self, path: str) -> Dataset:
        """Track a file or folder as data, or record what it is now; commits nothing.

        Errors as of :meth:`check_add`, 30102 where no space is left, 30204 without DVC.
        """
        from jupyter_mlws.versioning.dvc.data import open_data

        with self._repository.exclusive("dataset"), full_disk_told():
            inside = self.check_add(path)
            known = {item.path: item for item in self._content.data_now(self._git.status())}
            with open_data(self._project.root) as data:
                if inside in known:
                    data.add(known[inside].source)
                else:
                    data.track(inside)
        return self._described(self._item(escape(inside)))

    def check_import(self, given: DatasetImport) -> str:
        """Where an import goes, as the project knows it; nothing is asked over the network.

        Errors: 50201 for an address or a path that cannot be, 50302, 30219.
        """
        checked_url(given.url)
        inside = normal(self._project, given.path)
        if inside == "." or inside.split("/")[0] == ".dvc":
            raise MLWSError("50201", Fault("path", NO_DATA))
        target = self._project.resolve(inside)
        if target.exists() or (self._project.root / f"{inside}.dvc").exists():
            raise MLWSError("50201", Fault("path", THERE))
        self._free(inside, known=False)
        return inside

    def import_url(self, given: DatasetImport, progress: Telling = quiet) -> Dataset:
        """Download data from an address and track it; commits nothing.

        What an interrupted download has brought stays, and is gone on from. Errors as of
        :meth:`check_import`, 30101, 30102, 30270 where the server refuses, 30204 without DVC.
        """
        from jupyter_mlws.versioning.dvc.importing import import_url

        with self._repository.exclusive("dataset"), full_disk_told():
            inside = self.check_import(given)
            import_url(self._project.root, given.url, inside, progress, link=given.link)
        return self._described(self._item(escape(inside)))

    def diff(self, identifier: str, query: DatasetDiffQuery) -> DatasetDiff:
        """Two versions of a dataset, file by file.

        Errors: 30101, 30402 where nobody has the list of a version's files, 30404.
        """
        from jupyter_mlws.versioning.dvc.data import open_data

        item = self._item(identifier)
        before: Side = self._side(item, query.from_) if query.from_ else (None, item)
        with open_data(self._project.root) as data:
            old = data.files_of(before[1]) if before[1] else {}
            if query.to is None:
                after: Side = (None, data.measure(item))
                new = data.files_now(item)
            else:
                after = self._side(item, query.to)
                new = data.files_of(after[1]) if after[1] else {}
        return compared(item.path, before, after, old, new, query)

    def _side(self, item: DataFile, version: str) -> tuple[str, DataFile]:
        sha = self._commit_of(item, version)
        return sha, {i.path: i for i in self._content.data_at(sha)}[item.path]

    def check_verify(self, identifier: str, version: str | None = None) -> DataFile:
        """The version that is to be verified; error 30404."""
        if version is None:
            return self.check_transfer(identifier)
        return self._side(self._item(identifier), version)[1]

    def verify(
        self, identifier: str, given: DatasetVerify | None = None, progress: Telling = quiet
    ) -> DatasetVerified:
        """Read each object of a dataset in the cache, hash it anew, and ask the remote for it.

        Nothing is changed. Errors: 30101 and 30270 of the remote, 30404.
        """
        from jupyter_mlws.versioning.dvc.data import open_data
        from jupyter_mlws.versioning.dvc.inspection import inspect

        given = given or DatasetVerify()
        item = self.check_verify(identifier, given.version)
        with open_data(self._project.root) as data:
            return inspect(data, item, given.remote, progress)

    def storage(self) -> StorageUse:
        """What data takes of this machine's disk."""
        from jupyter_mlws.versioning.dvc.data import open_data
        from jupyter_mlws.versioning.dvc.inspection import use

        with open_data(self._project.root) as data:
            return use(self._project.root, data, self._content.data_now(self._git.status()))

    def places(self, progress: Telling = quiet) -> DatasetPlaces:
        """Where the recorded content of each dataset is, as cache and default remote say now."""
        from jupyter_mlws.versioning.dvc.data import open_data

        items = [item for item in self._content.data_now(self._git.status()) if item.md5]
        with open_data(self._project.root) as data:
            absent = {item.path for item in data.missing(items)}
            pushed = [item for item in items if item.pushed] if data.remote else []
            progress(0, len(pushed), "datasets", "ask remote")
            unreachable = None
            try:
                lacking = {item.path for item in data.unlisted_remotely(pushed)}
            except MLWSError as error:
                if error.code not in UNASKED:
                    raise
                unreachable, pushed, lacking = str(error.facts["reason"]), [], set()
            known = {item.path: item.path not in lacking for item in pushed}
            return DatasetPlaces(
                remote=data.remote,
                unreachable=unreachable,
                items=[_place(i, i.path not in absent, known.get(i.path)) for i in items],
            )

    def check_checkout(self, identifier: str, version: str) -> str:
        """The commit that names a dataset's version; error 30404."""
        return self._commit_of(self._item(identifier), version)

    def checkout(self, identifier: str, version: str, progress: Telling = quiet) -> RestoreResult:
        """Make one dataset what it was in a version; all else stays.

        A safety snapshot keeps what was not recorded. Errors as of a restore.
        """
        sha = self.check_checkout(identifier, version)
        return self._snapshots.restore(sha, [self._item(identifier).path], progress)

    def check_transfer(self, identifier: str) -> DataFile:
        """The dataset as recorded; error 30404 where it is not."""
        item = self._item(identifier)
        if item.md5 is None:
            raise MLWSError("30404", kind="version", name=item.path)
        return item

    def push(self, identifier: str, progress: Telling = quiet) -> DatasetMoved:
        """Bring the recorded content to the remote, and look that it has arrived.

        Errors: 30101, 30214 without a remote, 30270 where it refuses the credentials, 30401 where
        the cache's content is damaged, 30402 where neither cache nor remote has it.
        """
        from jupyter_mlws.versioning.dvc.data import open_data

        item = self.check_transfer(identifier)
        with open_data(self._project.root) as data:
            remote = self._remote(data.remote, item)
            if data.missing([item]):
                if data.missing_remotely([item]):
                    raise MLWSError("30402", paths=", ".join(listed([item.path])))
            else:
                # A damaged object would be stored under the name of what it was.
                data.check([item])
                data.push([item], progress)
        return _moved(item, remote)

    def pull(self, identifier: str, progress: Telling = quiet) -> DatasetMoved:
        """Bring the recorded content here, and into the working tree.

        Errors: 30101, 30202 where the data has changed here, 30214 without a remote, 30402.
        """
        from jupyter_mlws.versioning.dvc.data import open_data

        with self._repository.exclusive("pull"), full_disk_told():
            item = self.check_transfer(identifier)
            state = self._repository.working.state(item)
            if state == "modified":
                paths = listed([item.path])
                raise MLWSError("30202", paths=paths, named=", ".join(paths))
            with open_data(self._project.root) as data:
                remote = self._remote(data.remote, item)
                data.fetch_listings([item])
                # Damaged ones are fetched anew.
                data.set_aside_damaged([item])
                if data.missing([item]):
                    data.fetch([item], progress)
                data.check([item])
                if state is not None:
                    data.checkout(item)
        return _moved(item, remote)

    # Parts

    def _commit_of(self, item: DataFile, version: str) -> str:
        sha = self._git.find(version)
        if sha is None and item.md5 is not None:
            sha = next((f.commit.sha for f in self._history(item) if f.item.md5 == version), None)
        if sha is None or item.path not in {i.path for i in self._content.data_at(sha)}:
            raise MLWSError("30404", kind="version", name=version)
        return sha

    def _item(self, identifier: str) -> DataFile:
        path = unescape(identifier)
        for item in self._content.data_now(self._git.status()):
            if item.path == path:
                return item
        raise MLWSError("30404", kind="dataset", name=path)

    def _described(self, item: DataFile) -> Dataset:
        return _dataset(item, self._repository.working.state(item) if item.md5 else None)

    def _is_local(self, item: DataFile) -> bool | None:
        if item.md5 is None:
            return None
        from jupyter_mlws.versioning.dvc.data import open_data

        with open_data(self._project.root) as data:
            return not data.missing([item])

    def _remote(self, name: str | None, item: DataFile) -> str:
        if name is None:
            paths = listed([item.path])
            raise MLWSError("30214", paths=paths, named=", ".join(paths))
        return name

    def _versions(
        self, item: DataFile, limit: int, cursor: str | None
    ) -> tuple[Sequence[DatasetVersion], str | None]:
        start = self._git.resolve(cursor) if cursor else self._git.find("HEAD")
        # The content may have come back: the newest commit with it is the current version.
        matches = (row.commit.sha for row in self._history(item) if row.item.md5 == item.md5)
        current = next(matches, None)
        found: list[DatasetVersion] = []
        for version in self._history(item, start):
            if cursor and version.commit.sha == start:
                continue
            if len(found) == limit:
                return found, found[-1].commit
            found.append(_version(version, version.commit.sha == current))
        return found, None

    def _history(self, item: DataFile, start: str | None = None) -> Iterator[Found]:
        """The commits in which the dataset's content became what it was, newest first."""
        begin = start or self._git.find("HEAD")
        if begin is None:
            return
        newer: Found | None = None
        for commit in self._commits(begin, item.source):
            named = {i.path: i for i in self._content.data_at(commit.sha)}.get(item.path)
            if newer is not None and (named is None or named.md5 != newer.item.md5):
                yield newer
                newer = None
            if named is not None and named.md5 is not None:
                # The oldest of those with the same content is where it began.
                newer = Found(commit, named)
        if newer is not None:
            yield newer

    def _commits(self, begin: str, source: str) -> Iterator[Commit]:
        skip = 0
        while True:
            commits = self._git.log(LogQuery(begin, source, skip=skip, limit=BATCH))
            yield from commits
            if len(commits) < BATCH:
                return
            skip += BATCH


def _dataset(item: DataFile, state: str | None) -> Dataset:
    known = DatasetState(state) if state else DatasetState.UNCHANGED
    return Dataset(
        id=escape(item.path),
        path=item.path,
        source=item.source,
        output=item.pipeline,
        md5=item.md5,
        size=item.size,
        files=item.files,
        state=known if item.md5 else DatasetState.UNRECORDED,
    )


def _place(item: DataFile, cached: bool, remote: bool | None) -> DatasetPlace:
    assert item.md5 is not None
    return DatasetPlace(
        id=escape(item.path), path=item.path, md5=item.md5, cached=cached, remote=remote
    )


def _version(found: Found, current: bool) -> DatasetVersion:
    assert found.item.md5 is not None
    return DatasetVersion(
        commit=found.commit.sha,
        short=found.commit.sha[:8],
        timestamp=found.commit.timestamp,
        author=found.commit.author,
        subject=found.commit.subject,
        md5=found.item.md5,
        size=found.item.size,
        files=found.item.files,
        current=current,
    )


def _uses(uses: list[NodeUse]) -> list[DatasetUse]:
    return [DatasetUse(workflow=use.workflow, node=use.node) for use in uses]


def _moved(item: DataFile, remote: str) -> DatasetMoved:
    assert item.md5 is not None
    return DatasetMoved(path=item.path, md5=item.md5, size=item.size, remote=remote)
