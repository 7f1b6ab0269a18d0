"""Looks at what stores truly hold of data: each object read anew, and the space that all take."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from jupyter_mlws.core.progress import ProgressCallback
from jupyter_mlws.versioning.data.dvc_pointers import DataPointer
from jupyter_mlws.versioning.data.models import (
    DatasetVerified,
    FaultyObject,
    RemoteLook,
    StorageUse,
    VerifiedStore,
)
from jupyter_mlws.versioning.dvc.data import DataStore, ObjectState, StoredObject
from jupyter_mlws.versioning.dvc.importing import STAGING
from jupyter_mlws.versioning.dvc.resumable_transfer import UNFINISHED
from jupyter_mlws.versioning.dvc.transfer_progress import Meter

CACHE = "cache"
SHOWN = 1000
"""Files of a faulty object that are named; copies of one content are one object."""


def inspect(
    data: DataStore, item: DataPointer, look: RemoteLook, progress: ProgressCallback
) -> DatasetVerified:
    """Verify one version of a dataset in the cache, and in the default remote as ``look`` says."""
    assert item.md5 is not None
    if look is not RemoteLook.NONE:
        # Without it nobody knows which files there are.
        data.fetch_listings([item])
    objects = data.objects([item])
    meter = Meter(progress, "verify")
    meter.expect(sum(data.size_of(stored) for stored in objects))
    names = _names(data, item)
    local = {}
    for stored in objects:
        local[stored.md5] = data.state(stored)
        meter.count(data.size_of(stored))
    stores = [_store(CACHE, local, item, names, read=True)]
    if look is not RemoteLook.NONE and data.remote is not None:
        stores.append(_remote(data, item, objects, look, names, progress))
    return DatasetVerified(
        path=item.path,
        md5=item.md5,
        objects=len(objects),
        size=item.size,
        whole=all(store.whole for store in stores),
        stores=stores,
    )


def _remote(
    data: DataStore,
    item: DataPointer,
    objects: list[StoredObject],
    look: RemoteLook,
    names: Mapping[str, list[str]],
    progress: ProgressCallback,
) -> VerifiedStore:
    assert data.remote is not None
    if look is RemoteLook.READ:
        meter = Meter(progress, "verify remote")
        found = {stored.md5: data.remote_state(stored, meter) for stored in objects}
    else:
        progress(0, len(objects), "objects", "ask remote")
        absent = {stored.md5 for stored in data.missing_remotely([item])}
        found = {
            stored.md5: ObjectState.MISSING if stored.md5 in absent else ObjectState.SOUND
            for stored in objects
        }
    return _store(data.remote, found, item, names, read=look is RemoteLook.READ)


def _store(
    name: str,
    states: Mapping[str, ObjectState],
    item: DataPointer,
    names: Mapping[str, list[str]],
    *,
    read: bool,
) -> VerifiedStore:
    faulty = [
        FaultyObject(md5=md5, state=state.value, files=names.get(md5, [item.path])[:SHOWN])
        for md5, state in states.items()
        if state is not ObjectState.SOUND
    ]
    return VerifiedStore(name=name, read=read, whole=not faulty, faulty=faulty)


def _names(data: DataStore, item: DataPointer) -> dict[str, list[str]]:
    """Which files of the dataset an object is; the list of them stands for the folder."""
    found: dict[str, list[str]] = {}
    for relative, md5 in data.listed(item):
        found.setdefault(md5, []).append(f"{item.path}/{relative}")
    return found


def use(root: Path, data: DataStore, items: Iterable[DataPointer]) -> StorageUse:
    """The space that the data of the project at ``root`` takes; what the items need of it."""
    objects = size = unfinished = damaged = 0
    for path, length in _files(data.folder):
        if path.name.endswith(UNFINISHED):
            unfinished += length
        elif path.name.endswith(".damaged"):
            damaged += length
        else:
            objects += 1
            size += length
    for _, length in _files(root / STAGING):
        unfinished += length
    place = data.folder if data.folder.exists() else data.folder.parent
    while not place.exists():
        place = place.parent
    return StorageUse(
        objects=objects,
        size=size,
        current=sum(data.size_of(stored) for stored in data.objects(items)),
        unfinished=unfinished,
        damaged=damaged,
        free=shutil.disk_usage(place).free,
        remote=data.remote,
    )


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    for path in folder.rglob("*"):
        try:
            facts = path.lstat()
        except FileNotFoundError:
            # Another process has just finished with it.
            continue
        if path.is_file() and not path.is_symlink():
            yield path, facts.st_size
