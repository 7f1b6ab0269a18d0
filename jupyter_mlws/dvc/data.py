"""Stores, checks, moves and checks out data, object by object.

DVC's index of the repository is never built: it fails as a whole when any ``dvc.yaml`` is
invalid. What is to be moved is named by the caller, as read from ``*.dvc`` and ``dvc.lock``.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

from jupyter_mlws.core.atomic import remove_temp_paths, sync, temp_path
from jupyter_mlws.core.errors import (
    DataDamagedError,
    DataMissingError,
    DataTrackingError,
    MLWSError,
    RemoteUnreachableError,
)
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.core.progress import ProgressCallback, no_progress
from jupyter_mlws.dvc import resumable_transfer
from jupyter_mlws.dvc.pointers import DataPointer
from jupyter_mlws.dvc.remote_errors import UNREACHABLE_ERRORS, translate
from jupyter_mlws.dvc.repo import disable_prompts, open_repo
from jupyter_mlws.dvc.transfer_progress import Meter

BLOCK_SIZE = 1024 * 1024
EMPTY_FILE_MD5 = "d41d8cd98f00b204e9800998ecf8427e"
"""The object that is the content of an empty file."""
MAX_SIZE_REQUESTS = 500
"""Objects of a fetch whose sizes are asked for, to tell what is to come."""


@dataclass(frozen=True)
class StoredObject:
    """One object of a store: a file's content, or the list of a folder's files (``.dir``).

    ``inside`` is where a file lies in the folder that names it.
    """

    md5: str
    legacy: bool
    item: DataPointer
    inside: str = ""

    @property
    def path(self) -> str:
        """Path in the working tree: the file with this content, or the listed folder."""
        return f"{self.item.path}/{self.inside}" if self.inside else self.item.path

    @property
    def listing(self) -> bool:
        return self.md5.endswith(".dir")


class ObjectState(str, Enum):
    """State of an object in a store."""

    SOUND = "sound"
    MISSING = "missing"
    DAMAGED = "damaged"


@contextmanager
def open_data(root: Path, spare: bytes | None = None) -> Iterator[DataStore]:
    """Open the data of the project at ``root``, for one operation on one thread.

    ``spare`` are DVC's settings to use if those in the working tree are broken; without it
    error 30220.
    """
    with open_repo(root, spare=spare) as repo:
        yield DataStore(root, repo)


class DataStore:
    """Working tree, cache and default remote of one DVC repository."""

    def __init__(self, root: Path, repo: Any) -> None:
        self._root = root
        self._repo = repo
        self._verified_paths: set[Path] = set()
        self._uploaded_objects: list[StoredObject] = []
        self.unreachable: MLWSError | None = None
        """Why the remote could not be asked for what :meth:`find_unavailable` names."""

    # Working tree and cache

    def measure(self, item: DataPointer) -> DataPointer | None:
        """Return ``item`` with the current hash of its path; None if the path is gone."""
        return self._hash_item(item, store=False)

    def keep(self, item: DataPointer) -> DataPointer | None:
        """Store the current content in the cache, and return the item as :meth:`measure` does."""
        return self._hash_item(item, store=True)

    def track(self, path: str) -> None:
        """Track a file or folder with DVC: store it in the cache and write its ``.dvc`` file.

        Error 30219 if DVC refuses. The caller must check for overlapping data: DVC's own check
        builds its index, which fails if any ``dvc.yaml`` is broken.
        """
        from dvc.exceptions import DvcException
        from dvc.stage import Stage, create_stage
        from dvc.utils import resolve_paths

        try:
            with self._repo.lock, self._repo.scm_context(quiet=True):
                source, wdir, out = resolve_paths(self._repo, str(self._root / path))
                stage = create_stage(Stage, self._repo, source, wdir=wdir, outs=[out])
                # Linking is left for later, as in `add`.
                stage.add_outs(relink=False)
                self.record(stage)
        except DvcException as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise DataTrackingError(path=path, reason=reason) from error

    def add(self, source: str) -> list[str]:
        """Store the changed data of one ``.dvc`` file and record it; return the paths that changed.

        Those are the file itself and the ``.gitignore`` beside its data.
        """
        from dvc.dvcfile import load_file

        with self._repo.lock:
            stage = load_file(self._repo, str(self._root / source)).stage
            for out in stage.outs:
                # Not through `stage.save`, which asks an import's source over the network.
                out.save()
                # DVC would take the file away and put the cache's in its place: killed between the
                # two, it leaves content that nothing names.
                out.commit(relink=False)
            stage.md5 = stage.compute_md5()
            self.record(stage)
            folders = {Path(out.fs_path).parent for out in stage.outs}
        ignores = [folder / ".gitignore" for folder in sorted(folders)]
        inside = [path.relative_to(self._root).as_posix() for path in ignores if path.exists()]
        return [source, *inside]

    def record(self, stage: Any) -> None:
        """Write the ``.dvc`` file of a DVC stage whose data was stored, then link the data."""
        self._require_stored(stage)
        self._write(stage)
        self._link(stage)

    def _require_stored(self, stage: Any) -> None:
        """Raise ``OSError`` if the cache lacks data of a stage.

        DVC only logs data that it could not store, and continues.
        """
        for out in stage.outs:
            if not out.use_cache:
                continue
            inside = [info.value for _, _, info in out.get_obj()] if out.is_dir_checksum else []
            places = [out.cache.oid_to_path(md5) for md5 in [out.hash_info.value, *inside]]
            if all(map(os.path.exists, places)):
                continue
            # The reason is in the log alone; a full disk is the one that can be seen afterwards.
            full = shutil.disk_usage(out.cache.path).free < (out.meta.size or 0)
            number = errno.ENOSPC if full else errno.EIO
            raise OSError(number, os.strerror(number), out.fs_path)

    def _link(self, stage: Any) -> None:
        """Replace stored data with links into the cache, if DVC is configured to link.

        The ``.dvc`` file must already name the data.
        """
        for out in stage.outs:
            if not out.use_cache or out.cache.cache_types[0] in ("reflink", "copy"):
                continue
            if out.is_dir_checksum:
                out.checkout(relink=True, force=True)
                continue
            path = Path(out.fs_path).relative_to(self._root).as_posix()
            source = Path(stage.path).relative_to(self._root).as_posix()
            legacy = out.hash_name != "md5"
            executable = bool(out.meta.isexec)
            self.checkout(
                DataPointer(path, source, out.hash_info.value, legacy=legacy, isexec=executable)
            )

    def _write(self, stage: Any) -> None:
        """Write a ``.dvc`` file atomically; DVC itself truncates the file first."""
        from dvc.stage.serialize import to_single_stage_file
        from dvc.utils.serialize import dump_yaml

        folder = Path(self._repo.tmp_dir)
        folder.mkdir(exist_ok=True)
        beside = folder / f"{uuid.uuid4().hex}.dvc"
        try:
            dump_yaml(str(beside), to_single_stage_file(stage))
            sync(beside)
            beside.replace(stage.path)
        finally:
            beside.unlink(missing_ok=True)

    def objects(self, items: Iterable[DataPointer]) -> list[StoredObject]:
        """Return every object of the items; a folder's objects are read from its cached listing.

        A folder whose listing is missing or damaged contributes the listing alone.
        """
        objects: dict[tuple[str, bool], StoredObject] = {}
        for item in items:
            if item.md5 is None:
                continue
            objects[item.md5, item.legacy] = StoredObject(item.md5, item.legacy, item)
            if item.folder:
                for inside, md5 in self.list_files(item):
                    obj = StoredObject(md5, item.legacy, item, inside)
                    objects.setdefault((md5, item.legacy), obj)
        return list(objects.values())

    def missing(self, items: Iterable[DataPointer]) -> list[DataPointer]:
        """Return the items that are not, or only partly, in the cache."""
        absent = {
            obj.item.path: obj.item
            for obj in self.objects(items)
            if not self._object_path(obj).is_file()
        }
        return list(absent.values())

    def check(self, items: Iterable[DataPointer]) -> None:
        """Read every object in the cache and compare it with its hash.

        Error 30402 if one is missing, 30401 if one is damaged; a damaged one is set aside, so that
        it can be stored or fetched again.
        """
        for obj in self.objects(items):
            path = self._object_path(obj)
            if not path.is_file():
                raise DataMissingError(paths=obj.path)
            self._check(obj, path)

    def _check(self, obj: StoredObject, path: Path) -> None:
        """Raise error 30401 if an object does not match its hash; each is read only once."""
        if path in self._verified_paths:
            return
        if not self._matches(obj, path):
            self._set_aside(path)
            raise DataDamagedError(path=obj.path, md5=obj.md5)
        self._verified_paths.add(path)

    def state(self, obj: StoredObject) -> ObjectState:
        """Return the state of an object in the cache; its content is read and hashed."""
        path = self._object_path(obj)
        if not path.is_file():
            return ObjectState.MISSING
        return self._to_object_state(obj, self._hash(path, legacy=obj.legacy))

    def size_of(self, obj: StoredObject) -> int:
        """Return the bytes that an object takes in the cache; 0 if it is missing."""
        path = self._object_path(obj)
        return path.stat().st_size if path.is_file() else 0

    @property
    def folder(self) -> Path:
        """Path of the cache."""
        return Path(self._repo.cache.local_cache_dir)

    def list_files(self, item: DataPointer) -> list[tuple[str, str]]:
        """Return (path below it, hash) of the files of a folder, from its cached listing.

        An empty list if the cache has no intact listing.
        """
        if not item.folder or self.state(_root_object(item)) is not ObjectState.SOUND:
            return []
        from dvc_objects.errors import ObjectFormatError

        try:
            return list_tree_files(self._load(item))
        except (FileNotFoundError, ObjectFormatError):
            return []

    def set_aside_damaged(self, items: Iterable[DataPointer]) -> list[StoredObject]:
        """Set aside damaged objects of the cache, so that they are fetched again; return them."""
        # Listings first: which files there are is known from a sound one alone.
        items = list(items)
        damaged_objects = []
        for listings in (True, False):
            for obj in self.objects(items):
                if obj.listing is not listings:
                    continue
                state = self.state(obj)
                if state is ObjectState.SOUND:
                    # Read once: what is checked later need not be read again.
                    self._verified_paths.add(self._object_path(obj))
                elif state is ObjectState.DAMAGED:
                    self._set_aside(self._object_path(obj))
                    damaged_objects.append(obj)
        return damaged_objects

    def files_of(self, item: DataPointer) -> dict[str, tuple[str, int | None]]:
        """Return the files of a recorded version: path below the dataset → hash and size.

        A single file has the path ``""``. Error 30402 if no store has the listing.
        """
        if item.md5 is None:
            return {}
        if not item.folder:
            return {"": (item.md5, item.size)}
        self.fetch_listings([item])
        if self.missing([item]) and not self._object_path(_root_object(item)).is_file():
            raise DataMissingError(paths=item.path)
        files: dict[str, tuple[str, int | None]] = {}
        for key, meta, info in self._load(item):
            size = getattr(meta, "size", None)
            place = self._object_path(StoredObject(info.value, item.legacy, item))
            if size is None and place.is_file():
                size = place.stat().st_size
            files["/".join(key)] = (info.value, size)
        return files

    def files_now(self, item: DataPointer) -> dict[str, tuple[str, int | None]]:
        """Return the files of the working tree as :meth:`files_of` does."""
        target = self._root / item.path
        if not target.exists():
            return {}
        _, meta, obj = self._build_object(item, store=False)
        if not target.is_dir():
            return {"": (obj.hash_info.value, meta.size)}
        return {"/".join(key): (info.value, meta.size) for key, meta, info in obj}

    def sync(self, items: Iterable[DataPointer]) -> None:
        """Flush the items' objects to disk, so that they survive a power failure."""
        self._sync(self._object_path(obj) for obj in self.objects(items))

    def _sync(self, paths: Iterable[Path]) -> None:
        folders = set()
        for path in paths:
            sync(path)
            folders.add(path.parent)
        for folder in folders:
            sync(folder)
            sync(folder.parent)

    def checkout(self, item: DataPointer) -> None:
        """Replace the path in the working tree with the cache's content, linked as configured."""
        from dvc_data.hashfile.checkout import checkout

        target = self._root / item.path
        target.parent.mkdir(parents=True, exist_ok=True)
        cache = self._cache(legacy=item.legacy)
        options = {"force": True, "state": self._repo.state, "ignore": self._repo.dvcignore}
        if item.folder:
            if target.is_symlink() or target.is_file():
                target.unlink()
            checkout(str(target), self._repo.fs, self._load(item), cache, **options)
            return
        # What a crash left of an earlier one; the project's lock keeps others from being here.
        remove_temp_paths(target)
        # In a folder of its own, because DVC has temporary files of its own beside it.
        folder = temp_path(target)
        folder.mkdir()
        beside = folder / "content"
        try:
            checkout(str(beside), self._repo.fs, self._load(item), cache, **options)
            if item.isexec:
                cache.set_exec(str(beside))
            if target.is_dir() and not target.is_symlink():
                shutil.rmtree(target)
            beside.replace(target)
        finally:
            shutil.rmtree(folder)
        # The state is kept by path; without these DVC would hash again, and forget the link.
        self._repo.state.save(str(target), self._repo.fs, self._hash_info(item))
        self._repo.state.save_link(str(target), self._repo.fs)

    def remove(self, item: DataPointer) -> None:
        """Remove the data from the working tree; the cache keeps it."""
        target = self._root / item.path
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)

    def text_of(self, item: DataPointer, limit: int) -> bytes | None:
        """Return the cached content of a file; None for folders, larger and missing files."""
        if item.md5 is None or item.folder:
            return None
        path = self._object_path(StoredObject(item.md5, item.legacy, item))
        if not path.is_file() or path.stat().st_size > limit:
            return None
        return path.read_bytes()

    # Remote

    @property
    def remote(self) -> str | None:
        """Name of the default remote, None if there is none."""
        name = self._repo.config["core"].get("remote")
        return str(name) if name else None

    def push(self, items: Sequence[DataPointer], progress: ProgressCallback = no_progress) -> None:
        """Push the items to the remote, and check that each object has arrived.

        Errors: 30101 if the remote can't be reached or an object did not arrive, 30270 if it
        refuses the credentials, 30401 if one is damaged here (no listing that names it is sent
        then), 30402 if one is in no store.
        """
        self.upload(items, progress)
        self.confirm(items)

    def upload(
        self, items: Sequence[DataPointer], progress: ProgressCallback = no_progress
    ) -> None:
        """Push the items as :meth:`push` does, without the final check."""
        pushable_items = [item for item in items if item.md5 and item.pushed]
        meter = Meter(progress, "push")
        with self._translate_errors(meter):
            for legacy in sorted({item.legacy for item in pushable_items}):
                part = [item for item in pushable_items if item.legacy is legacy]
                cache, remote = self._cache(legacy=legacy), self._remote(legacy=legacy)
                # Files before listings: whoever sees a listing may believe in its files.
                objects = self.objects(part)
                for listing in (False, True):
                    candidates = [each for each in objects if each.listing is listing]
                    batch = self._select_transferable(cache, remote, candidates)
                    for each in batch:
                        self._check(each, self._object_path(each))
                    self._transfer(cache, remote, batch, meter)
                    self._uploaded_objects += batch

    def confirm(self, items: Sequence[DataPointer]) -> None:
        """Check that every object of the items is at the remote, and that new ones are complete.

        Error 30101 if one did not arrive, 30402 if it is missing in the cache as well.
        """
        absent = self.missing_remotely(items)
        lost_paths = {each.path for each in absent if not self._object_path(each).is_file()}
        if lost_paths:
            raise DataMissingError(paths=", ".join(sorted(lost_paths)))
        unsent = set(absent)
        with self._translate_errors():
            cut = self._find_truncated(
                [each for each in self._uploaded_objects if each not in unsent]
            )
        if absent or cut:
            reason = Message(
                "incomplete upload, objects missing: {count}", count=len(absent) + len(cut)
            )
            raise RemoteUnreachableError(remote=self.remote, reason=reason)
        self._uploaded_objects.clear()

    def _find_truncated(self, objects: Sequence[StoredObject]) -> list[StoredObject]:
        """Return the objects whose size at the remote differs from that in the cache."""
        mismatches = []
        for legacy in sorted({each.legacy for each in objects}):
            part = [each for each in objects if each.legacy is legacy]
            remote = self._remote(legacy=legacy)
            sizes = remote.fs.sizes([remote.oid_to_path(each.md5) for each in part])
            for each, size in zip(part, sizes, strict=True):
                if size != self._object_path(each).stat().st_size:
                    mismatches.append(each)
        return mismatches

    def fetch(self, items: Sequence[DataPointer], progress: ProgressCallback = no_progress) -> None:
        """Fetch the items from the remote into the cache.

        Error 30101 if it can't be reached, 30402 if it lacks some of them.
        """
        recorded_items = [item for item in items if item.md5]
        if self.remote is None and recorded_items:
            raise DataMissingError(paths=", ".join(item.path for item in recorded_items))
        meter = Meter(progress, "fetch")
        with self._translate_errors(meter):
            for legacy in sorted({item.legacy for item in recorded_items}):
                part = [item for item in recorded_items if item.legacy is legacy]
                cache, remote = self._cache(legacy=legacy), self._remote(legacy=legacy)
                # Listings first: they tell which files to ask for.
                for listing in (True, False):
                    candidates = [each for each in self.objects(part) if each.listing is listing]
                    self._transfer(
                        remote, cache, self._select_transferable(remote, cache, candidates), meter
                    )
        absent = self.missing(recorded_items)
        if absent:
            raise DataMissingError(paths=", ".join(item.path for item in absent))

    def missing_remotely(self, items: Iterable[DataPointer]) -> list[StoredObject]:
        """Return the items' objects that the remote lacks, checked one by one; error 30101."""
        objects = [each for each in self.objects(items) if each.item.pushed]
        absent = []
        with self._translate_errors():
            for legacy in sorted({each.legacy for each in objects}):
                part = [each for each in objects if each.legacy is legacy]
                absent += self._find_missing_at(self._remote(legacy=legacy), part)
        return absent

    def unlisted_remotely(self, items: Iterable[DataPointer]) -> list[DataPointer]:
        """Return the items whose own object the remote lacks: the content, or a folder's listing.

        A folder's listing is sent after its files, so one check covers all. Error 30101.
        """
        objects = [_root_object(item) for item in items]
        absent = []
        with self._translate_errors():
            for legacy in sorted({each.legacy for each in objects}):
                part = [each for each in objects if each.legacy is legacy]
                absent += self._find_missing_at(self._remote(legacy=legacy), part)
        return [each.item for each in absent]

    def _find_missing_at(self, remote: Any, objects: Sequence[StoredObject]) -> list[StoredObject]:
        """Return the objects that the remote lacks; raise if it can't be reached."""
        there = set(remote.list_oids_exists([each.md5 for each in objects]))
        absent = [each for each in objects if each.md5 not in there]
        if absent:
            # Most file systems say of everything that it is not there when they reach nothing.
            _raise_if_unreachable(remote, absent[0])
        return absent

    def fetch_listings(self, items: Iterable[DataPointer]) -> None:
        """Fetch missing folder listings into the cache if the remote has them; error 30101."""
        absent = [i for i in items if i.folder and not self._object_path(_root_object(i)).is_file()]
        if not absent or self.remote is None:
            return
        with self._translate_errors():
            for legacy in sorted({item.legacy for item in absent}):
                part = [_root_object(item) for item in absent if item.legacy is legacy]
                cache, remote = self._cache(legacy=legacy), self._remote(legacy=legacy)
                objects = self._select_transferable(remote, cache, part)
                self._transfer(remote, cache, objects, Meter(no_progress, "fetch"))

    def remote_state(self, obj: StoredObject, meter: Meter) -> ObjectState:
        """Return the state of an object at the remote, by reading it there; error 30101."""
        from dvc_data.hashfile.hash import fobj_md5

        remote = self._remote(legacy=obj.legacy)
        name = "md5-dos2unix" if obj.legacy else "md5"
        with self._translate_errors(meter):
            try:
                with remote.fs.open(remote.oid_to_path(obj.md5), mode="rb") as file:
                    reader: Any = _MeteredFile(file, meter)
                    return self._to_object_state(obj, str(fobj_md5(reader, name=name)))
            except FileNotFoundError:
                return ObjectState.MISSING

    def test_connection(self, name: str) -> None:
        """Test the connection to a remote; errors 30101, 30270."""
        with self._translate_errors(remote=name):
            store = self._repo.cloud.get_remote(name).odb
            disable_prompts(store.fs).exists(store.oid_to_path(EMPTY_FILE_MD5))
            if store.fs.protocol == "s3":
                # A missing bucket is told from a missing object by asking for the bucket alone.
                store.fs.fs.call_s3("head_bucket", Bucket=store.path.partition("/")[0])

    def find_unavailable(self, items: list[DataPointer], *, insist: bool) -> list[DataPointer]:
        """Return those of the items, which the cache lacks, that the remote can't provide either.

        With ``insist`` error 30101 if it can't be reached; otherwise all of them are returned then,
        and :attr:`unreachable` has the reason.
        """
        if not items or self.remote is None:
            return items
        try:
            paths = {obj.item.path for obj in self.missing_remotely(items)}
            if paths:
                self._require_remote_directory()
        except MLWSError as error:
            if not isinstance(error, UNREACHABLE_ERRORS) or insist:
                raise
            self.unreachable = error
            return items
        return [item for item in items if item.path in paths]

    def _require_remote_directory(self) -> None:
        """Raise error 30101 if the remote is a missing folder, such as an unmounted disk."""
        remote = self._repo.cloud.get_remote()
        if remote.fs.protocol == "local" and not Path(remote.path).is_dir():
            reason = Message("the folder {path!r} does not exist", path=remote.path)
            raise RemoteUnreachableError(remote=self.remote, reason=reason)

    def _select_transferable(
        self, source: Any, target: Any, objects: Sequence[StoredObject]
    ) -> list[StoredObject]:
        """Return the objects that ``source`` has and ``target`` lacks."""
        remaining = list(objects)
        for store, there in ((target, False), (source, True)):
            if remaining:
                existing_hashes = set(store.list_oids_exists([each.md5 for each in remaining]))
                remaining = [each for each in remaining if (each.md5 in existing_hashes) is there]
        return remaining

    def _transfer(
        self, source: Any, target: Any, objects: Sequence[StoredObject], meter: Meter
    ) -> None:
        """Copy the objects, replacing those that ``target`` already has."""
        # Not by DVC's own transfer, which takes a folder's listing as proof of its files.
        if not objects:
            return
        hashes = [each.md5 for each in objects]
        if source.fs.protocol == "local":
            self._send(source, target, hashes, meter)
        elif target.fs.protocol == "local":
            self._receive(source, target, hashes, meter)
        else:
            self._copy(source, target, hashes, meter)

    def _send(self, source: Any, target: Any, hashes: Sequence[str], meter: Meter) -> None:
        places = {md5: Path(source.oid_to_path(md5)) for md5 in hashes}
        sizes = {md5: place.stat().st_size for md5, place in places.items()}
        meter.expect(sum(sizes.values()))
        upload = resumable_transfer.get_uploader(target.fs)
        # Small ones go to an SSH store alone, too, because DVC's way leaves half an object there.
        alone = [
            md5
            for md5 in hashes
            if upload is not None
            and (
                sizes[md5] >= resumable_transfer.MULTIPART_THRESHOLD or target.fs.protocol == "ssh"
            )
        ]
        alone_set = set(alone)
        self._copy(source, target, [md5 for md5 in hashes if md5 not in alone_set], meter)
        if upload is None or not alone:
            return
        paths = {md5: target.oid_to_path(md5) for md5 in alone}
        for folder in sorted({target.fs.parent(path) for path in paths.values()}):
            target.fs.makedirs(folder, exist_ok=True)
        send = partial(upload, target.fs)
        if target.fs.protocol == "ssh":
            resumable_transfer.run_concurrently(
                [partial(send, places[md5], paths[md5], meter) for md5 in alone]
            )
            return
        for md5 in alone:  # each in several parts at once
            send(places[md5], paths[md5], meter)

    def _receive(self, source: Any, target: Any, hashes: Sequence[str], meter: Meter) -> None:
        sizes = _fetch_sizes(source, hashes) if len(hashes) <= MAX_SIZE_REQUESTS else {}
        meter.expect(sum(sizes.values()))
        alone = [
            md5 for md5 in hashes if sizes.get(md5, 0) >= resumable_transfer.MULTIPART_THRESHOLD
        ]
        self._copy(source, target, [md5 for md5 in hashes if md5 not in alone], meter)
        for md5 in alone:
            place = Path(target.oid_to_path(md5))
            resumable_transfer.download_from_store(
                source.fs, source.oid_to_path(md5), sizes[md5], place, meter
            )
            target.protect(str(place))

    def _copy(self, source: Any, target: Any, hashes: Sequence[str], meter: Meter) -> None:
        """Copy the objects with DVC, each one atomically."""
        if not hashes:
            return
        failures: list[BaseException] = []
        target.add(
            [source.oid_to_path(md5) for md5 in hashes],
            source.fs,
            list(hashes),
            callback=meter,
            check_exists=False,
            on_error=lambda md5, error: failures.append(error),
        )
        if failures:
            raise failures[0]

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
            raise translate(error, remote or self.remote) from error

    def _remote(self, *, legacy: bool) -> Any:
        name = "md5-dos2unix" if legacy else "md5"
        store = self._repo.cloud.get_remote_odb(None, "push", hash_name=name)
        disable_prompts(store.fs)
        return store

    # Objects

    def _hash_item(self, item: DataPointer, *, store: bool) -> DataPointer | None:
        from dvc_data.hashfile.transfer import transfer

        if not (self._root / item.path).exists():
            return None
        staging, meta, obj = self._build_object(item, store=store)
        if store:
            cache = self._cache(legacy=item.legacy)
            result = transfer(staging, cache, {obj.hash_info}, shallow=False)
            if result.failed:
                raise OSError(f"could not store {len(result.failed)} objects of {item.path}")
        return replace(item, md5=obj.hash_info.value, size=meta.size, files=meta.nfiles)

    def _build_object(self, item: DataPointer, *, store: bool) -> tuple[Any, Any, Any]:
        """Return DVC's staging store, metadata and object of the path's current content."""
        from dvc_data.hashfile.build import build

        staging, meta, obj = build(
            self._cache(legacy=item.legacy),
            str(self._root / item.path),
            self._repo.fs,
            "md5-dos2unix" if item.legacy else "md5",
            dry_run=not store,
            ignore=self._repo.dvcignore,
        )
        return staging, meta, obj

    def _cache(self, *, legacy: bool) -> Any:
        return self._repo.cache.legacy if legacy else self._repo.cache.local

    def _object_path(self, obj: StoredObject) -> Path:
        return Path(self._cache(legacy=obj.legacy).oid_to_path(obj.md5))

    def _hash_info(self, item: DataPointer) -> Any:
        from dvc_data.hashfile.hash_info import HashInfo

        return HashInfo("md5-dos2unix" if item.legacy else "md5", item.md5)

    def _load(self, item: DataPointer) -> Any:
        from dvc_data.hashfile import load

        return load(self._cache(legacy=item.legacy), self._hash_info(item))

    def _matches(self, obj: StoredObject, path: Path) -> bool:
        """Return True if a file has the content of an object."""
        return self._hash(path, legacy=obj.legacy) == obj.md5.removesuffix(".dir")

    def _hash(self, path: Path, *, legacy: bool) -> str:
        if legacy:
            from dvc_data.hashfile.hash import file_md5

            return str(file_md5(str(path), self._repo.fs, name="md5-dos2unix"))
        return md5_of(path)

    @staticmethod
    def _to_object_state(obj: StoredObject, md5: str) -> ObjectState:
        sound = md5 == obj.md5.removesuffix(".dir")
        return ObjectState.SOUND if sound else ObjectState.DAMAGED

    def _set_aside(self, path: Path) -> None:
        with contextlib.suppress(FileNotFoundError):
            path.replace(path.with_name(f"{path.name}.damaged"))


def _raise_if_unreachable(remote: Any, obj: StoredObject) -> None:
    """Raise the error that keeps a remote from being asked for an object, if there is one."""
    try:
        remote.fs.info(remote.oid_to_path(obj.md5))
    except FileNotFoundError as error:
        cause = error.__cause__ or error.__context__
        if isinstance(cause, OSError | TimeoutError) and not isinstance(cause, FileNotFoundError):
            raise cause from None


def list_tree_files(tree: Any) -> list[tuple[str, str]]:
    """Return (path inside, hash) of the files of DVC's tree."""
    return [("/".join(key), info.value) for key, _, info in tree]


class _MeteredFile:
    """A file that reports the bytes read to a meter."""

    def __init__(self, file: Any, meter: Meter) -> None:
        self._file = file
        self._meter = meter

    def read(self, size: int = -1) -> bytes:
        block: bytes = self._file.read(size)
        self._meter.count(len(block))
        return block


def _root_object(item: DataPointer) -> StoredObject:
    """Return the object that an item's own hash names: its content, or its listing."""
    assert item.md5 is not None
    return StoredObject(item.md5, item.legacy, item)


def md5_of(path: Path) -> str:
    """Return the hash that DVC 3 gives a file."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(BLOCK_SIZE):
            digest.update(block)
    return digest.hexdigest()


def _fetch_sizes(store: Any, objects: Sequence[str]) -> dict[str, int]:
    """Return the bytes of each object, requested from the store one by one."""
    sizes: dict[str, int] = {}

    def ask(md5: str) -> None:
        sizes[md5] = int(store.fs.size(store.oid_to_path(md5)) or 0)

    resumable_transfer.run_concurrently([partial(ask, md5) for md5 in objects])
    return sizes
