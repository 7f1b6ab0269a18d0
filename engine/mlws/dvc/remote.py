"""The default remote of a DVC repository: pushes, fetches and checks of objects."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from mlws.core.errors import DataMissingError, MLWSError, RemoteUnreachableError
from mlws.core.i18n import Message
from mlws.core.progress import ProgressCallback, no_progress
from mlws.dvc.cache import DataCache, StoredObject, list_tree_files, root_object
from mlws.dvc.pointers import DataPointer, ObjectFault
from mlws.dvc.remote_errors import UNREACHABLE_ERRORS, translate
from mlws.dvc.repo import disable_prompts
from mlws.dvc.resumable_transfer import transfer
from mlws.dvc.transfer_progress import Meter

EMPTY_FILE_MD5 = "d41d8cd98f00b204e9800998ecf8427e"
"""The object that is the content of an empty file."""
MAX_REMOTE_READERS = 4
"""Objects of a remote that are read at the same time."""

Entry = TypeVar("Entry", DataPointer, StoredObject)


class RemoteStorage:
    """The default remote of one DVC repository."""

    def __init__(self, repo: Any, cache: DataCache) -> None:
        self._repo = repo
        self._cache = cache
        self._uploaded_objects: list[StoredObject] = []

    @property
    def name(self) -> str | None:
        """Name of the remote, None if there is none."""
        name = self._repo.config["core"].get("remote")
        return str(name) if name else None

    def test_connection(self, name: str) -> None:
        """Test the connection to any remote by its name.

        Raises RemoteUnreachableError or DataCredentialsError.
        """
        with self._translate_errors(remote=name):
            database = self._repo.cloud.get_remote(name).odb
            disable_prompts(database.fs).exists(database.oid_to_path(EMPTY_FILE_MD5))
            if database.fs.protocol == "s3":
                # The answer above is the same for a missing bucket and for a missing object.
                database.fs.fs.call_s3("head_bucket", Bucket=database.path.partition("/")[0])

    # Push

    def push(self, items: Sequence[DataPointer], progress: ProgressCallback = no_progress) -> None:
        """Push the items, and check that each object has arrived.

        Raises RemoteUnreachableError if the remote can't be reached or an object did not arrive,
        DataCredentialsError if it refuses the credentials, DataDamagedError if one is damaged here
        (no listing that names it is sent then), DataMissingError if one is in no store.
        """
        self.upload(items, progress)
        self.confirm(items)

    def upload(
        self, items: Sequence[DataPointer], progress: ProgressCallback = no_progress
    ) -> None:
        """Push the items as :meth:`push` does, without the final check."""
        pushable_items = [item for item in items if item.md5 and item.pushed]
        with self._translate_errors(meter := Meter(progress, "push")):
            for cache, remote, part in self._iter_databases(pushable_items):
                objects = self._cache.objects(part)
                # Files before listings: a listing on the remote implies that its files are there.
                for listing in (False, True):
                    candidates = [each for each in objects if each.listing is listing]
                    batch = _select_transferable(cache, remote, candidates)
                    for each in batch:
                        self._cache.check_object(each)
                    transfer(cache, remote, [each.md5 for each in batch], meter)
                    self._uploaded_objects += batch

    def confirm(self, items: Sequence[DataPointer]) -> None:
        """Check that every object of the items is at the remote, and that new ones are complete.

        Raises RemoteUnreachableError if one did not arrive, DataMissingError if it is missing in
        the cache as well.
        """
        incomplete = self.missing(items)
        lost_paths = {each.path for each in incomplete if not self._cache.path_of(each).is_file()}
        if lost_paths:
            raise DataMissingError(paths=", ".join(sorted(lost_paths)))
        unsent = set(incomplete)
        uploaded_objects = [each for each in self._uploaded_objects if each not in unsent]
        with self._translate_errors():
            for _, remote, part in self._iter_databases(uploaded_objects):
                sizes = remote.fs.sizes([remote.oid_to_path(each.md5) for each in part])
                for each, size in zip(part, sizes, strict=True):
                    if size != self._cache.size_of(each):
                        incomplete.append(each)
        if incomplete:
            reason = Message("incomplete upload, objects missing: {count}", count=len(incomplete))
            raise RemoteUnreachableError(remote=self.name, reason=reason)
        self._uploaded_objects.clear()

    def replace_object(self, obj: StoredObject, progress: ProgressCallback) -> None:
        """Upload one object of the cache in place of the remote's copy.

        Raises RemoteUnreachableError.
        """
        with self._translate_errors(meter := Meter(progress, "push")):
            remote = self._database(legacy=obj.legacy)
            if list(remote.list_oids_exists([obj.md5])):
                remote.fs.remove(remote.oid_to_path(obj.md5))
            transfer(self._cache.database(legacy=obj.legacy), remote, [obj.md5], meter)

    # Fetch

    def fetch(self, items: Sequence[DataPointer], progress: ProgressCallback = no_progress) -> None:
        """Fetch the items into the cache.

        Raises RemoteUnreachableError if the remote can't be reached, DataMissingError if it lacks
        some of them.
        """
        recorded_items = [item for item in items if item.md5]
        if self.name is None and recorded_items:
            raise DataMissingError(paths=", ".join(item.path for item in recorded_items))
        with self._translate_errors(meter := Meter(progress, "fetch")):
            for cache, remote, part in self._iter_databases(recorded_items):
                # Listings first: they name the files to fetch.
                for listing in (True, False):
                    objects = [
                        each for each in self._cache.objects(part) if each.listing is listing
                    ]
                    batch = _select_transferable(remote, cache, objects)
                    transfer(remote, cache, [each.md5 for each in batch], meter)
        absent = self._cache.missing(recorded_items)
        if absent:
            raise DataMissingError(paths=", ".join(item.path for item in absent))

    def fetch_listings(self, items: Iterable[DataPointer]) -> None:
        """Fetch missing listings of directories, as far as the remote has them.

        Raises RemoteUnreachableError.
        """
        listings = [root_object(item) for item in items if item.folder]
        absent = [each for each in listings if not self._cache.path_of(each).is_file()]
        if not absent or self.name is None:
            return
        with self._translate_errors():
            for cache, remote, part in self._iter_databases(absent):
                batch = _select_transferable(remote, cache, part)
                transfer(remote, cache, [each.md5 for each in batch], Meter(no_progress, "fetch"))

    def fetch_object(self, obj: StoredObject, progress: ProgressCallback) -> bool:
        """Fetch one object into the cache; return True if it is intact there.

        Raises RemoteUnreachableError.
        """
        if self.missing_objects([obj]):
            return False
        with self._translate_errors(meter := Meter(progress, "fetch")):
            cache = self._cache.database(legacy=obj.legacy)
            transfer(self._database(legacy=obj.legacy), cache, [obj.md5], meter)
        if self._cache.find_problem(obj) is None:
            return True
        self._cache.set_aside(obj)
        return False

    # Check

    def missing(self, items: Iterable[DataPointer]) -> list[StoredObject]:
        """Return the items' objects that the remote lacks, checked one by one.

        Raises RemoteUnreachableError.
        """
        return self.missing_objects([o for o in self._cache.objects(items) if o.item.pushed])

    def unlisted(self, items: Iterable[DataPointer]) -> list[DataPointer]:
        """Return the items whose own object the remote lacks: the content, or a listing.

        A directory's listing is sent after its files, so one check covers all. Raises
        RemoteUnreachableError.
        """
        return [obj.item for obj in self.missing_objects([root_object(item) for item in items])]

    def missing_objects(self, objects: Sequence[StoredObject]) -> list[StoredObject]:
        """Return the objects that the remote lacks. Raises RemoteUnreachableError."""
        result: list[StoredObject] = []
        with self._translate_errors():
            for _, remote, part in self._iter_databases(objects):
                there = set(remote.list_oids_exists([each.md5 for each in part]))
                absent = [each for each in part if each.md5 not in there]
                result += absent
                if not absent:
                    continue
                # Most file systems report everything as missing when they reach nothing.
                try:
                    remote.fs.info(remote.oid_to_path(absent[0].md5))
                except FileNotFoundError as error:
                    cause = error.__cause__ or error.__context__
                    if isinstance(cause, OSError) and not isinstance(cause, FileNotFoundError):
                        raise cause from None
        return result

    def find_unavailable(
        self, items: list[DataPointer]
    ) -> tuple[list[DataPointer], MLWSError | None]:
        """Return those of the items, which the cache lacks, that the remote can't provide either.

        If it can't be reached, return all of them, and the error.
        """
        if not items or self.name is None:
            return items, None
        try:
            absent = {(obj.md5, obj.legacy) for obj in self.missing(items)}
            remote = self._repo.cloud.get_remote() if absent else None
            if remote and remote.fs.protocol == "local" and not Path(remote.path).is_dir():
                # For example a disk that is not mounted.
                reason = Message("the folder {path!r} does not exist", path=remote.path)
                raise RemoteUnreachableError(remote=self.name, reason=reason)
        except UNREACHABLE_ERRORS as error:
            return items, error
        # Each by itself: several items may have the same objects.
        lacking = [
            item
            for item in items
            if any((obj.md5, obj.legacy) in absent for obj in self._cache.objects([item]))
        ]
        return lacking, None

    def find_problem(self, obj: StoredObject, meter: Meter) -> ObjectFault | None:
        """Read an object and return its problem; None if it is intact.

        Raises RemoteUnreachableError.
        """
        with self._translate_errors(meter):
            try:
                md5 = _read_hash(self._database(legacy=obj.legacy), obj, meter)
            except FileNotFoundError:
                return ObjectFault.MISSING
        return None if md5 == obj.md5.removesuffix(".dir") else ObjectFault.DAMAGED

    def find_problems(
        self, objects: Sequence[StoredObject], report: Callable[[StoredObject], None], *, read: bool
    ) -> dict[StoredObject, ObjectFault]:
        """Return the problems of the objects that are missing or damaged.

        With ``read`` every object is read; otherwise only its size is compared with that in the
        cache, if it is there. ``report`` is called with each checked object, and may raise to stop.
        Raises RemoteUnreachableError.
        """

        def is_whole(remote: Any, obj: StoredObject) -> bool:
            if read:
                return _read_hash(remote, obj) == obj.md5.removesuffix(".dir")
            path = self._cache.path_of(obj)
            if not path.is_file():
                return True
            return bool(remote.fs.size(remote.oid_to_path(obj.md5)) == path.stat().st_size)

        problems = dict.fromkeys(self.missing_objects(objects), ObjectFault.MISSING)
        present = [each for each in objects if each not in problems]
        with self._translate_errors(), ThreadPoolExecutor(MAX_REMOTE_READERS) as pool:
            for _, remote, part in self._iter_databases(present):
                answers = pool.map(partial(is_whole, remote), part)
                for each, whole in zip(part, answers, strict=True):
                    report(each)
                    if not whole:
                        problems[each] = ObjectFault.DAMAGED
        return problems

    def list_files(self, item: DataPointer) -> list[tuple[str, str]]:
        """Return (path below it, hash) of the files of a directory.

        An empty list if the remote has no intact listing, or can't be reached.
        """
        from dvc_data.hashfile.tree import Tree

        assert item.md5 is not None
        if self.name is None or not item.pushed:
            return []
        try:
            with self._translate_errors():
                remote = self._database(legacy=item.legacy)
                if not list(remote.list_oids_exists([item.md5])):
                    return []
                content = remote.fs.cat_file(remote.oid_to_path(item.md5))
        except MLWSError:
            # A check of its objects reports why it can't be reached.
            return []
        # A listing has no line ends, by which the two kinds of hashes would differ.
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != item.md5.removesuffix(".dir"):
            return []
        return list_tree_files(Tree.from_list(json.loads(content), hash_name=item.hash_name))

    def _database(self, *, legacy: bool) -> Any:
        """Return DVC's object database of the remote for one kind of hashes."""
        name = "md5-dos2unix" if legacy else "md5"
        database = self._repo.cloud.get_remote_odb(None, "push", hash_name=name)
        disable_prompts(database.fs)
        return database

    def _iter_databases(self, entries: Sequence[Entry]) -> Iterator[tuple[Any, Any, list[Entry]]]:
        """Yield the databases of cache and remote for each kind of hashes, and its entries."""
        for legacy in (False, True):
            part = [each for each in entries if each.legacy is legacy]
            if part:
                yield self._cache.database(legacy=legacy), self._database(legacy=legacy), part

    @contextmanager
    def _translate_errors(
        self, meter: Meter | None = None, remote: str | None = None
    ) -> Iterator[None]:
        try:
            yield
        except MLWSError:
            raise
        except Exception as error:  # each remote's library raises its own kinds
            if meter is not None and meter.stopped is not None:
                raise meter.stopped from None
            raise translate(error, remote or self.name) from error


def _select_transferable(
    source: Any, target: Any, objects: Sequence[StoredObject]
) -> list[StoredObject]:
    """Return the objects that ``source`` has and ``target`` lacks."""
    remaining = list(objects)
    for database, there in ((target, False), (source, True)):
        if remaining:
            existing = set(database.list_oids_exists([each.md5 for each in remaining]))
            remaining = [each for each in remaining if (each.md5 in existing) is there]
    return remaining


def _read_hash(remote: Any, obj: StoredObject, meter: Meter | None = None) -> str:
    """Read an object at a remote, and return the hash of its content."""
    from dvc_data.hashfile.hash import fobj_md5

    with remote.fs.open(remote.oid_to_path(obj.md5), mode="rb") as file:
        reader: Any = _MeteredFile(file, meter) if meter is not None else file
        return str(fobj_md5(reader, name=obj.item.hash_name))


class _MeteredFile:
    """A file that reports the bytes read to a meter."""

    def __init__(self, file: Any, meter: Meter) -> None:
        self._file = file
        self._meter = meter

    def read(self, size: int = -1) -> bytes:
        block: bytes = self._file.read(size)
        self._meter.count(len(block))
        return block
