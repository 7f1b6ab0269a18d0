"""Comparison of a folder in two versions, file by file: one that DVC tracks, or one in git."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jupyter_mlws.core.errors import VersionItemNotFoundError
from jupyter_mlws.git.adapter import Git, decode
from jupyter_mlws.versioning.data.models import (
    ChangedDataFile,
    DatasetDiff,
    DatasetDiffQuery,
    DatasetSide,
    FileState,
)
from jupyter_mlws.versioning.repository import Repository
from mlws.core.paths import escape, size_of, unescape
from mlws.dvc.cache import StoredObject
from mlws.dvc.data import open_data
from mlws.dvc.pointers import DataPointer

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".svg")
"""Suffixes of images that are shown."""


@dataclass(frozen=True)
class Listing:
    """The files of a folder in one version: path below it (``""`` for a single file) → hash.

    ``sizes`` returns the bytes of files, as far as they are known.
    """

    side: DatasetSide
    files: Mapping[str, str]
    sizes: Callable[[Iterable[str]], Mapping[str, int | None]]


def compare_folder(
    repository: Repository, path: str, start: str | None, end: str | None, query: DatasetDiffQuery
) -> DatasetDiff:
    """Compare a path in two versions, which are IDs of commits or trees.

    Without ``start``, the version is what is recorded: the data's pointer, or git's current
    commit. Without ``end`` it is the working tree. Raises VersionItemNotFoundError if neither
    version has the path, RemoteUnreachableError, DataMissingError if no store has the listing of a
    version.
    """
    now = _find(repository.content.data_now(repository.git.status()), path)
    first = now if start is None else _find(repository.content.data_at(start), path)
    last = now if end is None else _find(repository.content.data_at(end), path)
    if first is None and last is None:
        git = repository.git
        old = _list_commit(git, path, start or git.tree_of(git.find("HEAD")))
        new = _list_worktree(git, path) if end is None else _list_commit(git, path, end)
        if not old.files and not new.files:
            raise VersionItemNotFoundError(kind="dataset", name=path)
    else:
        old = _list_recorded(repository, start, first)
        new = (
            _list_current(repository, last or first)
            if end is None
            else _list_recorded(repository, end, last)
        )
    return _compare(path, old, new, query)


def _find(items: Iterable[DataPointer], path: str) -> DataPointer | None:
    return next((item for item in items if item.path == path), None)


def _list_recorded(repository: Repository, commit: str | None, item: DataPointer | None) -> Listing:
    if item is None or item.md5 is None:
        return Listing(DatasetSide(commit=commit), {}, dict.fromkeys)
    side = DatasetSide(commit=commit, md5=item.md5, size=item.size, files=item.files)
    with open_data(repository.project.root) as data:
        data.remote.fetch_listings([item])
        files = data.cache.listing_of(item)

    def sizes(names: Iterable[str]) -> Mapping[str, int | None]:
        if not item.folder:
            return {"": item.size}
        with open_data(repository.project.root) as data:
            paths = {name: data.cache.path_of(StoredObject(files[name], item)) for name in names}
        return {name: size_of(path) for name, path in paths.items()}

    return Listing(side, files, sizes)


def _list_current(repository: Repository, item: DataPointer | None) -> Listing:
    """List data in the working tree."""
    assert item is not None
    root = repository.project.root / item.path
    files = repository.working.files(item)
    side = DatasetSide(files=len(files) if root.is_dir() else None)
    return Listing(side, files, lambda names: _sizes_on_disk(root, names))


def _list_commit(git: Git, path: str, version: str) -> Listing:
    """List a folder in git in a commit or tree."""
    entries = git.tree(version, path)
    files = {entry.path[len(path) + 1 :]: entry.sha for entry in entries}

    def sizes(names: Iterable[str]) -> Mapping[str, int | None]:
        found = git.sizes({files[name] for name in names})
        return {name: found.get(files[name]) for name in names}

    return Listing(DatasetSide(commit=version, files=len(files)), files, sizes)


def _list_worktree(git: Git, path: str) -> Listing:
    """List a folder in git as it is on disk, with new files that are not ignored."""
    head = git.find("HEAD")
    start = len(path) + 1
    files = {entry.path[start:]: entry.sha for entry in git.tree(git.tree_of(head), path)}
    changed_paths = [entry.path for entry in git.status([path]).entries]
    root = git.root / path
    on_disk = [one for one in changed_paths if (git.root / one).is_file() and "\n" not in one]
    if on_disk:
        stdin = "".join(f"{one}\n" for one in on_disk).encode(errors="surrogateescape")
        shas = decode(git.run("hash-object", "--stdin-paths", stdin=stdin)).split()
        files |= {one[start:]: sha for one, sha in zip(on_disk, shas, strict=True)}
    for inside in [one for one in files if not (root / one if one else root).exists()]:
        del files[inside]
    return Listing(DatasetSide(files=len(files)), files, lambda names: _sizes_on_disk(root, names))


def _sizes_on_disk(root: Path, names: Iterable[str]) -> Mapping[str, int | None]:
    paths = {name: root / name if name else root for name in names}
    # DVC may link to its cache.
    return {name: path.stat().st_size if path.is_file() else None for name, path in paths.items()}


def _compare(path: str, old: Listing, new: Listing, query: DatasetDiffQuery) -> DatasetDiff:
    """Return the differences of two versions by path; one page of them, as ``query`` asks."""
    states: dict[str, FileState] = {}
    gone_names = defaultdict(list)
    for name in sorted(old.files.keys() - new.files.keys(), reverse=True):
        gone_names[old.files[name]].append(name)
    old_names: dict[str, str] = {}
    for name in sorted({*old.files, *new.files}):
        if name not in old.files:
            states[name] = FileState.ADDED
            if gone_names[new.files[name]]:
                states[name] = FileState.RENAMED
                old_names[name] = gone_names[new.files[name]].pop()
        elif name not in new.files:
            states[name] = FileState.DELETED
        elif old.files[name] != new.files[name]:
            states[name] = FileState.MODIFIED
    for name in old_names.values():
        del states[name]
    counts = Counter(states.values())
    start = unescape(query.cursor) if query.cursor is not None else None
    behind = [
        name
        for name, state in states.items()
        if (start is None or name > start) and query.state in (None, state)
    ]
    page = behind[: query.limit]
    old_sizes = old.sizes([n for name in page if (n := old_names.get(name, name)) in old.files])
    new_sizes = new.sizes([name for name in page if name in new.files])
    return DatasetDiff(
        path=path,
        from_=old.side,
        to=new.side,
        **{state.value: counts[state] for state in FileState},
        unchanged=len(old.files.keys() & new.files.keys()) - counts[FileState.MODIFIED],
        images=sum(_join(path, name).lower().endswith(IMAGE_SUFFIXES) for name in states),
        items=[
            ChangedDataFile(
                path=_join(path, name),
                old_path=_join(path, old_names[name]) if name in old_names else None,
                state=states[name],
                from_size=old_sizes.get(old_names.get(name, name)),
                to_size=new_sizes.get(name),
            )
            for name in page
        ],
        next_cursor=escape(page[-1]) if len(behind) > query.limit else None,
    )


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if name else path
