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
from jupyter_mlws.versioning.data.dvc_pointers import DataPointer
from jupyter_mlws.versioning.dvc import resumable_transfer
from jupyter_mlws.versioning.dvc.remote_errors import UNASKED, told
from jupyter_mlws.versioning.dvc.repo import open_repo, unprompted
from jupyter_mlws.versioning.dvc.transfer_progress import Meter

BLOCK = 1024 * 1024
EMPTY = "d41d8cd98f00b204e9800998ecf8427e"
"""The object that is the content of an empty file."""
MEASURED = 500
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
        """The file of the working tree that has this content, or the folder that is listed."""
        return f"{self.item.path}/{self.inside}" if self.inside else self.item.path

    @property
    def listing(self) -> bool:
        return self.md5.endswith(".dir")


class ObjectState(str, Enum):
    """What a store has of an object."""

    SOUND = "sound"
    MISSING = "missing"
    DAMAGED = "damaged"


@contextmanager
def open_data(root: Path, spare: bytes | None = None) -> Iterator[DataStore]:
    """The data of the project at ``root``, for one operation on one thread.

    ``spare`` are DVC's settings where those in the working tree are broken; without it error 30220.
    """
    with open_repo(root, spare=spare) as repo:
        yield DataStore(root, repo)


class DataStore:
    """Working tree, cache and default remote of one DVC repository."""

    def __init__(self, root: Path, repo: Any) -> None:
        self._root = root
        self._repo = repo
        self._checked: set[Path] = set()
        self._sent: list[StoredObject] = []
        self.unreachable: MLWSError | None = None
        """Why the remote could not be asked for what :meth:`lacking` names."""

    # Working tree and cache

    def measure(self, item: DataPointer) -> DataPointer | None:
        """``item`` with the hash that its path has in the working tree; None where it is gone."""
        return self._build(item, store=False)

    def keep(self, item: DataPointer) -> DataPointer | None:
        """As :meth:`measure`, and the content is in the cache afterwards."""
        return self._build(item, store=True)

    def track(self, path: str) -> None:
        """Put a file or folder under DVC for the first time: into the cache, named by ``.dvc``.

        Error 30219 where DVC refuses. Whether other data overlaps is for the caller to know:
        DVC's own way asks its index for that, which one broken ``dvc.yaml`` anywhere breaks.
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
            said = " ".join(str(error).split()) or type(error).__name__
            raise DataTrackingError(path=path, reason=said) from error

    def add(self, source: str) -> list[str]:
        """Store the changed data of one ``.dvc`` file and record it there; the paths touched.

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
        """Write the ``.dvc`` file of what was stored, without linking, by DVC's own object."""
        self._require_stored(stage)
        self._write(stage)
        self._link(stage)

    def _require_stored(self, stage: Any) -> None:
        """``OSError`` where the cache lacks what a stage has: DVC logs what it could not store, and
        goes on."""
        for out in stage.outs:
            if not out.use_cache:
                continue
            inside = [kept.value for _, _, kept in out.get_obj()] if out.is_dir_checksum else []
            places = [out.cache.oid_to_path(md5) for md5 in [out.hash_info.value, *inside]]
            if all(map(os.path.exists, places)):
                continue
            # The reason is in the log alone; a full disk is the one that can be seen afterwards.
            full = shutil.disk_usage(out.cache.path).free < (out.meta.size or 0)
            number = errno.ENOSPC if full else errno.EIO
            raise OSError(number, os.strerror(number), out.fs_path)

    def _link(self, stage: Any) -> None:
        """Where DVC is set up to link into the cache, put links in the place of what was stored;
        the ``.dvc`` file names it by now."""
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
        """Write a ``.dvc`` file whole or not at all; DVC itself empties it first."""
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
        """Every object that the items consist of; folders by their listing in the cache.

        A folder whose listing is missing or damaged contributes the listing alone.
        """
        found: dict[tuple[str, bool], StoredObject] = {}
        for item in items:
            if item.md5 is None:
                continue
            found[item.md5, item.legacy] = StoredObject(item.md5, item.legacy, item)
            if item.folder:
                for inside, md5 in self.listed(item):
                    stored = StoredObject(md5, item.legacy, item, inside)
                    found.setdefault((md5, item.legacy), stored)
        return list(found.values())

    def missing(self, items: Iterable[DataPointer]) -> list[DataPointer]:
        """Those of the items that the cache holds not at all, or not wholly."""
        absent = {
            stored.item.path: stored.item
            for stored in self.objects(items)
            if not self._cached(stored).is_file()
        }
        return list(absent.values())

    def check(self, items: Iterable[DataPointer]) -> None:
        """Read every object in the cache and compare it with its hash.

        Error 30402 where one is missing, 30401 where one is damaged; a damaged one is put aside,
        so that it can be stored or fetched anew.
        """
        for stored in self.objects(items):
            path = self._cached(stored)
            if not path.is_file():
                raise DataMissingError(paths=stored.path)
            self._check(stored, path)

    def _check(self, stored: StoredObject, path: Path) -> None:
        """Error 30401 where an object is not what its hash says; each is read once."""
        if path in self._checked:
            return
        if not self._matches(stored, path):
            self._set_aside(path)
            raise DataDamagedError(path=stored.path, md5=stored.md5)
        self._checked.add(path)

    def state(self, stored: StoredObject) -> ObjectState:
        """Whether the cache has an object, by reading it and not by what was noted of it."""
        path = self._cached(stored)
        if not path.is_file():
            return ObjectState.MISSING
        return self._judged(stored, self._hash(path, legacy=stored.legacy))

    def size_of(self, stored: StoredObject) -> int:
        """The bytes that an object takes in the cache; 0 where it is not there."""
        path = self._cached(stored)
        return path.stat().st_size if path.is_file() else 0

    @property
    def folder(self) -> Path:
        """Where the cache is."""
        return Path(self._repo.cache.local_cache_dir)

    def listed(self, item: DataPointer) -> list[tuple[str, str]]:
        """The files of a folder as the cache lists them: path below it and hash.

        None where the cache has no whole listing.
        """
        if not item.folder or self.state(_whole(item)) is not ObjectState.SOUND:
            return []
        from dvc_objects.errors import ObjectFormatError

        try:
            return rows_of(self._load(item))
        except (FileNotFoundError, ObjectFormatError):
            return []

    def set_aside_damaged(self, items: Iterable[DataPointer]) -> list[StoredObject]:
        """Put damaged objects of the cache out of the way, so that they are fetched anew."""
        # Listings first: which files there are is known from a sound one alone.
        items = list(items)
        found = []
        for listings in (True, False):
            for stored in self.objects(items):
                if stored.listing is not listings:
                    continue
                state = self.state(stored)
                if state is ObjectState.SOUND:
                    # Read once: what is checked later need not be read again.
                    self._checked.add(self._cached(stored))
                elif state is ObjectState.DAMAGED:
                    self._set_aside(self._cached(stored))
                    found.append(stored)
        return found

    def files_of(self, item: DataPointer) -> dict[str, tuple[str, int | None]]:
        """The files of a recorded version: path below the dataset → hash and size.

        A single file has the path ``""``. Error 30402 where nobody has the listing.
        """
        if item.md5 is None:
            return {}
        if not item.folder:
            return {"": (item.md5, item.size)}
        self.fetch_listings([item])
        if self.missing([item]) and not self._cached(_whole(item)).is_file():
            raise DataMissingError(paths=item.path)
        found: dict[str, tuple[str, int | None]] = {}
        for key, meta, info in self._load(item):
            size = getattr(meta, "size", None)
            place = self._cached(StoredObject(info.value, item.legacy, item))
            if size is None and place.is_file():
                size = place.stat().st_size
            found["/".join(key)] = (info.value, size)
        return found

    def files_now(self, item: DataPointer) -> dict[str, tuple[str, int | None]]:
        """As :meth:`files_of`, of the working tree."""
        target = self._root / item.path
        if not target.exists():
            return {}
        _, meta, built = self._built(item, store=False)
        if not target.is_dir():
            return {"": (built.hash_info.value, meta.size)}
        return {"/".join(key): (info.value, meta.size) for key, meta, info in built}

    def sync(self, items: Iterable[DataPointer]) -> None:
        """Return when the items' objects are on the disk, and will be after a power cut."""
        self._sync(self._cached(stored) for stored in self.objects(items))

    def _sync(self, paths: Iterable[Path]) -> None:
        folders = set()
        for path in paths:
            sync(path)
            folders.add(path.parent)
        for folder in folders:
            sync(folder)
            sync(folder.parent)

    def checkout(self, item: DataPointer) -> None:
        """Make the working tree's path what the cache holds, linked as DVC is set up."""
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
        self._repo.state.save(str(target), self._repo.fs, self._info(item))
        self._repo.state.save_link(str(target), self._repo.fs)

    def remove(self, item: DataPointer) -> None:
        """Take the data out of the working tree; the cache keeps it."""
        target = self._root / item.path
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)

    def text_of(self, item: DataPointer, limit: int) -> bytes | None:
        """The content of a file in the cache; None for folders, larger ones and missing ones."""
        if item.md5 is None or item.folder:
            return None
        path = self._cached(StoredObject(item.md5, item.legacy, item))
        if not path.is_file() or path.stat().st_size > limit:
            return None
        return path.read_bytes()

    # Remote

    @property
    def remote(self) -> str | None:
        """The name of the default remote, if there is one."""
        name = self._repo.config["core"].get("remote")
        return str(name) if name else None

    def push(self, items: Sequence[DataPointer], progress: ProgressCallback = no_progress) -> None:
        """Bring the items to the remote and look that each object has arrived.

        Errors: 30101 where the remote can't be reached or an object did not arrive, 30270 where it
        refuses the credentials, 30401 where one is damaged here (no listing that names it is sent
        then), 30402 where one is nowhere.
        """
        self.upload(items, progress)
        self.confirm(items)

    def upload(
        self, items: Sequence[DataPointer], progress: ProgressCallback = no_progress
    ) -> None:
        """Bring the items to the remote as :meth:`push` does, without the last look."""
        wanted = [item for item in items if item.md5 and item.pushed]
        meter = Meter(progress, "push")
        with self._reaching(meter):
            for legacy in sorted({item.legacy for item in wanted}):
                part = [item for item in wanted if item.legacy is legacy]
                cache, remote = self._cache(legacy=legacy), self._remote(legacy=legacy)
                # Files before listings: whoever sees a listing may believe in its files.
                stored = self.objects(part)
                for listing in (False, True):
                    chosen = [each for each in stored if each.listing is listing]
                    sent = self._lacked(cache, remote, chosen)
                    for each in sent:
                        self._check(each, self._cached(each))
                    self._transfer(cache, remote, sent, meter)
                    self._sent += sent

    def confirm(self, items: Sequence[DataPointer]) -> None:
        """Look that every object of the items is at the remote, and those just sent whole.

        Error 30101 where one did not arrive, 30402 where it is not even here.
        """
        absent = self.missing_remotely(items)
        lost = {each.path for each in absent if not self._cached(each).is_file()}
        if lost:
            raise DataMissingError(paths=", ".join(sorted(lost)))
        with self._reaching():
            cut = self._cut([each for each in self._sent if each not in absent])
        if absent or cut:
            reason = Message(
                "incomplete upload, objects missing: {count}", count=len(absent) + len(cut)
            )
            raise RemoteUnreachableError(remote=self.remote, reason=reason)
        self._sent.clear()

    def _cut(self, objects: Sequence[StoredObject]) -> list[StoredObject]:
        """Those of the objects that the remote has in another length than the cache."""
        found = []
        for legacy in sorted({each.legacy for each in objects}):
            part = [each for each in objects if each.legacy is legacy]
            remote = self._remote(legacy=legacy)
            sizes = remote.fs.sizes([remote.oid_to_path(each.md5) for each in part])
            for each, size in zip(part, sizes, strict=True):
                if size != self._cached(each).stat().st_size:
                    found.append(each)
        return found

    def fetch(self, items: Sequence[DataPointer], progress: ProgressCallback = no_progress) -> None:
        """Bring the items from the remote into the cache.

        Error 30101 where it can't be reached, 30402 where it lacks some of them.
        """
        wanted = [item for item in items if item.md5]
        if self.remote is None and wanted:
            raise DataMissingError(paths=", ".join(item.path for item in wanted))
        meter = Meter(progress, "fetch")
        with self._reaching(meter):
            for legacy in sorted({item.legacy for item in wanted}):
                part = [item for item in wanted if item.legacy is legacy]
                cache, remote = self._cache(legacy=legacy), self._remote(legacy=legacy)
                # Listings first: they tell which files to ask for.
                for listing in (True, False):
                    chosen = [each for each in self.objects(part) if each.listing is listing]
                    self._transfer(remote, cache, self._lacked(remote, cache, chosen), meter)
        absent = self.missing(wanted)
        if absent:
            raise DataMissingError(paths=", ".join(item.path for item in absent))

    def missing_remotely(self, items: Iterable[DataPointer]) -> list[StoredObject]:
        """Objects of the items that the remote lacks, asked one by one; error 30101."""
        stored = [each for each in self.objects(items) if each.item.pushed]
        absent = []
        with self._reaching():
            for legacy in sorted({each.legacy for each in stored}):
                part = [each for each in stored if each.legacy is legacy]
                absent += self._absent_at(self._remote(legacy=legacy), part)
        return absent

    def unlisted_remotely(self, items: Iterable[DataPointer]) -> list[DataPointer]:
        """Those of the items whose own object the remote lacks: the content, or a folder's list.

        A folder's list is sent after its files, so one question tells of all. Error 30101.
        """
        stored = [_whole(item) for item in items]
        absent = []
        with self._reaching():
            for legacy in sorted({each.legacy for each in stored}):
                part = [each for each in stored if each.legacy is legacy]
                absent += self._absent_at(self._remote(legacy=legacy), part)
        return [each.item for each in absent]

    def _absent_at(self, remote: Any, objects: Sequence[StoredObject]) -> list[StoredObject]:
        """Those of the objects that the remote does not have; raises where it can't be asked."""
        there = set(remote.list_oids_exists([each.md5 for each in objects]))
        absent = [each for each in objects if each.md5 not in there]
        if absent:
            # Most file systems say of everything that it is not there when they reach nothing.
            _insist(remote, absent[0])
        return absent

    def fetch_listings(self, items: Iterable[DataPointer]) -> None:
        """Bring the lists of folders' files here where the remote has them; error 30101."""
        absent = [i for i in items if i.folder and not self._cached(_whole(i)).is_file()]
        if not absent or self.remote is None:
            return
        with self._reaching():
            for legacy in sorted({item.legacy for item in absent}):
                part = [_whole(item) for item in absent if item.legacy is legacy]
                cache, remote = self._cache(legacy=legacy), self._remote(legacy=legacy)
                wanted = self._lacked(remote, cache, part)
                self._transfer(remote, cache, wanted, Meter(no_progress, "fetch"))

    def remote_state(self, stored: StoredObject, meter: Meter) -> ObjectState:
        """Whether the remote has an object, by reading it there; error 30101."""
        from dvc_data.hashfile.hash import fobj_md5

        remote = self._remote(legacy=stored.legacy)
        name = "md5-dos2unix" if stored.legacy else "md5"
        with self._reaching(meter):
            try:
                with remote.fs.open(remote.oid_to_path(stored.md5), mode="rb") as file:
                    counted: Any = _Metered(file, meter)
                    return self._judged(stored, str(fobj_md5(counted, name=name)))
            except FileNotFoundError:
                return ObjectState.MISSING

    def reach(self, name: str) -> None:
        """Ask a remote something; errors 30101, 30270."""
        with self._reaching(remote=name):
            store = self._repo.cloud.get_remote(name).odb
            unprompted(store.fs).exists(store.oid_to_path(EMPTY))
            if store.fs.protocol == "s3":
                # A missing bucket is told from a missing object by asking for the bucket alone.
                store.fs.fs.call_s3("head_bucket", Bucket=store.path.partition("/")[0])

    def lacking(self, items: list[DataPointer], *, insist: bool) -> list[DataPointer]:
        """Those of the items, which the cache lacks, that the remote can't give either.

        With ``insist`` error 30101 where it can't be asked; else all of them are lacking then, and
        :attr:`unreachable` says why.
        """
        if not items or self.remote is None:
            return items
        try:
            paths = {stored.item.path for stored in self.missing_remotely(items)}
            if paths:
                self._insist_on_folder()
        except MLWSError as error:
            if not isinstance(error, UNASKED) or insist:
                raise
            self.unreachable = error
            return items
        return [item for item in items if item.path in paths]

    def _insist_on_folder(self) -> None:
        """Error 30101 where the remote is a folder that is not there, as of an unmounted disk."""
        remote = self._repo.cloud.get_remote()
        if remote.fs.protocol == "local" and not Path(remote.path).is_dir():
            reason = Message("the folder {path!r} does not exist", path=remote.path)
            raise RemoteUnreachableError(remote=self.remote, reason=reason)

    def _lacked(
        self, source: Any, target: Any, objects: Sequence[StoredObject]
    ) -> list[StoredObject]:
        """Those of the objects that ``target`` lacks and ``source`` has."""
        wanted = list(objects)
        for store, there in ((target, False), (source, True)):
            if wanted:
                found = set(store.list_oids_exists([each.md5 for each in wanted]))
                wanted = [each for each in wanted if (each.md5 in found) is there]
        return wanted

    def _transfer(
        self, source: Any, target: Any, objects: Sequence[StoredObject], meter: Meter
    ) -> None:
        """Copy the objects, whether ``target`` has something in their place or not."""
        # Not by DVC's own transfer, which takes a folder's listing as proof of its files.
        if not objects:
            return
        wanted = [each.md5 for each in objects]
        if source.fs.protocol == "local":
            self._send(source, target, wanted, meter)
        elif target.fs.protocol == "local":
            self._receive(source, target, wanted, meter)
        else:
            self._copy(source, target, wanted, meter)

    def _send(self, source: Any, target: Any, wanted: Sequence[str], meter: Meter) -> None:
        places = {md5: Path(source.oid_to_path(md5)) for md5 in wanted}
        sizes = {md5: place.stat().st_size for md5, place in places.items()}
        meter.expect(sum(sizes.values()))
        upload = resumable_transfer.uploader(target.fs)
        # Small ones go to an SSH store alone, too, because DVC's way leaves half an object there.
        alone = [
            md5
            for md5 in wanted
            if upload is not None
            and (sizes[md5] >= resumable_transfer.LARGE or target.fs.protocol == "ssh")
        ]
        chosen = set(alone)
        self._copy(source, target, [md5 for md5 in wanted if md5 not in chosen], meter)
        if upload is None or not alone:
            return
        paths = {md5: target.oid_to_path(md5) for md5 in alone}
        for folder in sorted({target.fs.parent(path) for path in paths.values()}):
            target.fs.makedirs(folder, exist_ok=True)
        send = partial(upload, target.fs)
        if target.fs.protocol == "ssh":
            resumable_transfer.together(
                [partial(send, places[md5], paths[md5], meter) for md5 in alone]
            )
            return
        for md5 in alone:  # each in several parts at once
            send(places[md5], paths[md5], meter)

    def _receive(self, source: Any, target: Any, wanted: Sequence[str], meter: Meter) -> None:
        sizes = _sizes(source, wanted) if len(wanted) <= MEASURED else {}
        meter.expect(sum(sizes.values()))
        alone = [md5 for md5 in wanted if sizes.get(md5, 0) >= resumable_transfer.LARGE]
        self._copy(source, target, [md5 for md5 in wanted if md5 not in alone], meter)
        for md5 in alone:
            place = Path(target.oid_to_path(md5))
            resumable_transfer.from_store(
                source.fs, source.oid_to_path(md5), sizes[md5], place, meter
            )
            target.protect(str(place))

    def _copy(self, source: Any, target: Any, wanted: Sequence[str], meter: Meter) -> None:
        """By DVC: each object whole or not at all."""
        if not wanted:
            return
        failures: list[BaseException] = []
        target.add(
            [source.oid_to_path(md5) for md5 in wanted],
            source.fs,
            list(wanted),
            callback=meter,
            check_exists=False,
            on_error=lambda md5, error: failures.append(error),
        )
        if failures:
            raise failures[0]

    @contextmanager
    def _reaching(self, meter: Meter | None = None, remote: str | None = None) -> Iterator[None]:
        try:
            yield
        except MLWSError:
            raise
        except Exception as error:  # each remote's library raises its own kinds
            if meter is not None and meter.stopped is not None:
                raise meter.stopped from None
            raise told(error, remote or self.remote) from error

    def _remote(self, *, legacy: bool) -> Any:
        name = "md5-dos2unix" if legacy else "md5"
        store = self._repo.cloud.get_remote_odb(None, "push", hash_name=name)
        unprompted(store.fs)
        return store

    # Objects

    def _build(self, item: DataPointer, *, store: bool) -> DataPointer | None:
        from dvc_data.hashfile.transfer import transfer

        if not (self._root / item.path).exists():
            return None
        staging, meta, built = self._built(item, store=store)
        if store:
            cache = self._cache(legacy=item.legacy)
            result = transfer(staging, cache, {built.hash_info}, shallow=False)
            if result.failed:
                raise OSError(f"could not store {len(result.failed)} objects of {item.path}")
        return replace(item, md5=built.hash_info.value, size=meta.size, files=meta.nfiles)

    def _built(self, item: DataPointer, *, store: bool) -> tuple[Any, Any, Any]:
        """Where DVC would take objects from, facts, and the object that the path is now."""
        from dvc_data.hashfile.build import build

        staging, meta, built = build(
            self._cache(legacy=item.legacy),
            str(self._root / item.path),
            self._repo.fs,
            "md5-dos2unix" if item.legacy else "md5",
            dry_run=not store,
            ignore=self._repo.dvcignore,
        )
        return staging, meta, built

    def _cache(self, *, legacy: bool) -> Any:
        return self._repo.cache.legacy if legacy else self._repo.cache.local

    def _cached(self, stored: StoredObject) -> Path:
        return Path(self._cache(legacy=stored.legacy).oid_to_path(stored.md5))

    def _info(self, item: DataPointer) -> Any:
        from dvc_data.hashfile.hash_info import HashInfo

        return HashInfo("md5-dos2unix" if item.legacy else "md5", item.md5)

    def _load(self, item: DataPointer) -> Any:
        from dvc_data.hashfile import load

        return load(self._cache(legacy=item.legacy), self._info(item))

    def _matches(self, stored: StoredObject, path: Path) -> bool:
        """A file has the content of an object."""
        return self._hash(path, legacy=stored.legacy) == stored.md5.removesuffix(".dir")

    def _hash(self, path: Path, *, legacy: bool) -> str:
        if legacy:
            from dvc_data.hashfile.hash import file_md5

            return str(file_md5(str(path), self._repo.fs, name="md5-dos2unix"))
        return md5_of(path)

    @staticmethod
    def _judged(stored: StoredObject, md5: str) -> ObjectState:
        sound = md5 == stored.md5.removesuffix(".dir")
        return ObjectState.SOUND if sound else ObjectState.DAMAGED

    def _set_aside(self, path: Path) -> None:
        with contextlib.suppress(FileNotFoundError):
            path.replace(path.with_name(f"{path.name}.damaged"))


def _insist(remote: Any, stored: StoredObject) -> None:
    """Raise what keeps a remote from being asked for an object, if anything does."""
    try:
        remote.fs.info(remote.oid_to_path(stored.md5))
    except FileNotFoundError as error:
        cause = error.__cause__ or error.__context__
        if isinstance(cause, OSError | TimeoutError) and not isinstance(cause, FileNotFoundError):
            raise cause from None


def rows_of(tree: Any) -> list[tuple[str, str]]:
    """(path inside, hash) of the files of DVC's tree."""
    return [("/".join(key), info.value) for key, _, info in tree]


class _Metered:
    """A file whose reading is counted."""

    def __init__(self, file: Any, meter: Meter) -> None:
        self._file = file
        self._meter = meter

    def read(self, size: int = -1) -> bytes:
        block: bytes = self._file.read(size)
        self._meter.count(len(block))
        return block


def _whole(item: DataPointer) -> StoredObject:
    """The object that an item's own hash names: its content, or the list of its files."""
    assert item.md5 is not None
    return StoredObject(item.md5, item.legacy, item)


def md5_of(path: Path) -> str:
    """The hash that DVC 3 gives a file."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _sizes(store: Any, objects: Sequence[str]) -> dict[str, int]:
    """The bytes of each object, asked of the store one by one."""
    found: dict[str, int] = {}

    def ask(md5: str) -> None:
        found[md5] = int(store.fs.size(store.oid_to_path(md5)) or 0)

    resumable_transfer.together([partial(ask, md5) for md5 in objects])
    return found
