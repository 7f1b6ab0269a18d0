"""DVC's local cache: its objects are the contents of files and the listings of directories."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mlws.core.atomic import sync
from mlws.core.errors import DataDamagedError, DataMissingError
from mlws.dvc.native.objects import md5_of
from mlws.dvc.pointers import DataPointer, ObjectFault


@dataclass(frozen=True)
class StoredObject:
    """One object of a store: a file's content, or the listing of a directory's files (``.dir``).

    ``inside`` is the path of a file in the directory whose listing names it.
    """

    md5: str
    item: DataPointer
    inside: str = ""

    @property
    def path(self) -> str:
        """Path in the working tree: the file with this content, or the listed directory."""
        return f"{self.item.path}/{self.inside}" if self.inside else self.item.path

    @property
    def legacy(self) -> bool:
        return self.item.legacy

    @property
    def listing(self) -> bool:
        return self.md5.endswith(".dir")


def root_object(item: DataPointer) -> StoredObject:
    """Return the object that an item's own hash names: its content, or its listing."""
    assert item.md5 is not None
    return StoredObject(item.md5, item)


def objects_of(
    items: Iterable[DataPointer], list_files: Callable[[DataPointer], Iterable[tuple[str, str]]]
) -> list[StoredObject]:
    """Return every object of the items; ``list_files`` returns the files of a directory."""
    objects: dict[tuple[str, bool], StoredObject] = {}
    for item in items:
        if item.md5 is None:
            continue
        objects[item.md5, item.legacy] = root_object(item)
        if item.folder:
            for inside, md5 in list_files(item):
                objects.setdefault((md5, item.legacy), StoredObject(md5, item, inside))
    return list(objects.values())


def list_tree_files(tree: Any) -> list[tuple[str, str]]:
    """Return (path inside, hash) of the files of DVC's tree."""
    return [("/".join(key), info.value) for key, _, info in tree]


def legacy_md5_of(path: Path) -> str:
    """Return the hash that DVC 2 gives a file: that of a text with the line ends of Unix."""
    from dvc_data.hashfile.hash import file_md5
    from dvc_objects.fs.local import localfs

    return str(file_md5(str(path), localfs, name="md5-dos2unix"))


@lru_cache(maxsize=4)
def _read_listing(path: Path, mtime: int) -> Mapping[str, str]:
    """Return the hashes of a listing's files by their paths; ``mtime`` is that of the listing.

    DVC's own reader builds a tree of objects, which takes seconds for 50,000 files.
    """
    rows = json.loads(path.read_bytes())
    return MappingProxyType({str(row["relpath"]): str(row["md5"]) for row in rows})


class DataCache:
    """The cache of one DVC repository."""

    def __init__(self, repo: Any) -> None:
        self._repo = repo
        self._verified_paths: set[Path] = set()

    @property
    def directory(self) -> Path:
        return Path(self._repo.cache.local_cache_dir)

    def database(self, *, legacy: bool) -> Any:
        """Return DVC's object database for one kind of hashes."""
        return self._repo.cache.legacy if legacy else self._repo.cache.local

    def path_of(self, obj: StoredObject) -> Path:
        """Return the path of an object, whether it exists or not."""
        return Path(self.database(legacy=obj.legacy).oid_to_path(obj.md5))

    def load(self, item: DataPointer) -> Any:
        """Return DVC's object of an item: a file's, or the tree of a directory."""
        from dvc_data.hashfile import load
        from dvc_data.hashfile.hash_info import HashInfo

        return load(self.database(legacy=item.legacy), HashInfo(item.hash_name, item.md5))

    def objects(self, items: Iterable[DataPointer]) -> list[StoredObject]:
        """Return every object of the items; a directory's objects are read from its listing.

        A directory whose listing is missing or damaged contributes the listing alone.
        """
        return objects_of(items, self.list_files)

    def missing(self, items: Iterable[DataPointer]) -> list[DataPointer]:
        """Return the items that are not, or only partly, in the cache."""
        # Each by itself: several items may have the same objects.
        return [
            item
            for item in items
            if not all(self.path_of(obj).is_file() for obj in self.objects([item]))
        ]

    def size_of(self, obj: StoredObject) -> int:
        """Return the bytes that an object takes; 0 if it is missing."""
        path = self.path_of(obj)
        return path.stat().st_size if path.is_file() else 0

    # Files

    def list_files(self, item: DataPointer) -> list[tuple[str, str]]:
        """Return (path below it, hash) of the files of a directory.

        An empty list if the cache has no intact listing.
        """
        if not item.folder or self.find_problem(root_object(item)) is not None:
            return []
        from dvc_objects.errors import ObjectFormatError

        try:
            return list_tree_files(self.load(item))
        except (FileNotFoundError, ObjectFormatError):
            return []

    def files_of(self, item: DataPointer) -> dict[str, tuple[str, int | None]]:
        """Return the files of a recorded version: path below the dataset → hash and size.

        A single file has the path ``""``. Raises DataMissingError if the cache lacks the listing.
        """
        if item.md5 is None:
            return {}
        if not item.folder:
            return {"": (item.md5, item.size)}
        files: dict[str, tuple[str, int | None]] = {}
        for inside, md5 in self.listing_of(item).items():
            path = self.path_of(StoredObject(md5, item))
            files[inside] = (md5, path.stat().st_size if path.is_file() else None)
        return files

    def listing_of(self, item: DataPointer) -> Mapping[str, str]:
        """Return the hashes of the files of a recorded version as :meth:`files_of`, without sizes.

        Raises DataMissingError if the cache lacks the listing, DataDamagedError if it is damaged.
        """
        if item.md5 is None:
            return {}
        if not item.folder:
            return {"": item.md5}
        path = self.path_of(root_object(item))
        try:
            return _read_listing(path, path.stat().st_mtime_ns)
        except FileNotFoundError as error:
            raise DataMissingError(paths=item.path) from error
        except (ValueError, TypeError, KeyError) as error:
            raise DataDamagedError(path=item.path, md5=item.md5) from error

    def text_of(self, item: DataPointer, limit: int) -> bytes | None:
        """Return the content of a file; None for directories, larger and missing files."""
        if item.md5 is None or item.folder:
            return None
        path = self.path_of(root_object(item))
        if not path.is_file() or path.stat().st_size > limit:
            return None
        return path.read_bytes()

    def store_folder(self, path: str, files: Mapping[str, Path]) -> DataPointer:
        """Store files as one directory, by their paths below it; return its pointer as ``path``.

        The files are copied. They may change meanwhile: a check of the objects shows that.
        """
        from dvc_data.hashfile.hash import hash_file
        from dvc_data.hashfile.tree import Tree

        database = self.database(legacy=False)
        tree: Any = Tree()  # type: ignore[no-untyped-call]
        for inside, file in sorted(files.items()):
            # Files that have not changed since are not read again.
            meta, info = hash_file(str(file), self._repo.fs, "md5", self._repo.state)
            if not Path(database.oid_to_path(info.value)).is_file():
                database.add(str(file), self._repo.fs, info.value)
            tree.add(tuple(inside.split("/")), meta, info)
        tree.digest()
        database.add(tree.path, tree.fs, tree.oid)
        size = sum(meta.size or 0 for _, meta, _ in tree)
        return DataPointer(path, "", tree.oid, size, len(tree))

    # Integrity

    def has_content(self, path: Path, obj: StoredObject) -> bool:
        """Return True if the file at ``path`` has the content of an object."""
        md5 = legacy_md5_of(path) if obj.legacy else md5_of(path)
        return md5 == obj.md5.removesuffix(".dir")

    def find_problem(self, obj: StoredObject) -> ObjectFault | None:
        """Read an object and return its problem; None if it is intact."""
        path = self.path_of(obj)
        if not path.is_file():
            return ObjectFault.MISSING
        return None if self.has_content(path, obj) else ObjectFault.DAMAGED

    def check(self, items: Iterable[DataPointer]) -> None:
        """Check every object of the items; see :meth:`check_object`."""
        for obj in self.objects(items):
            self.check_object(obj)

    def check_object(self, obj: StoredObject) -> None:
        """Read an object and compare it with its hash, once.

        Raises DataMissingError if it is missing, DataDamagedError if it is damaged; it is set aside
        then.
        """
        path = self.path_of(obj)
        if not path.is_file():
            raise DataMissingError(paths=obj.path)
        if path in self._verified_paths:
            return
        if not self.has_content(path, obj):
            self.set_aside(obj)
            raise DataDamagedError(path=obj.path, md5=obj.md5)
        self._verified_paths.add(path)

    def set_aside(self, obj: StoredObject) -> None:
        """Rename a damaged object, so that its content can be stored or fetched again."""
        path = self.path_of(obj)
        with suppress(FileNotFoundError):
            path.replace(path.with_name(f"{path.name}.damaged"))

    def set_aside_damaged(self, items: Iterable[DataPointer]) -> None:
        """Set aside the damaged objects of the items, so that they are fetched again."""
        items = list(items)
        # Listings first: only an intact one says which files there are.
        for listing in (True, False):
            for obj in [each for each in self.objects(items) if each.listing is listing]:
                problem = self.find_problem(obj)
                if problem is None:
                    # A later check need not read it again.
                    self._verified_paths.add(self.path_of(obj))
                elif problem is ObjectFault.DAMAGED:
                    self.set_aside(obj)

    def sync(self, objects: Iterable[StoredObject]) -> None:
        """Flush the objects to disk, so that they survive a power failure."""
        directories = set()
        for obj in objects:
            path = self.path_of(obj)
            sync(path)
            directories.add(path.parent)
        for directory in directories:
            sync(directory)
            sync(directory.parent)
