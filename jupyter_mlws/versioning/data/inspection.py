"""Verification of the objects of a dataset, comparison of its versions, and disk usage of data."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from jupyter_mlws.versioning.data.models import (
    AbsentData,
    DatasetPlace,
    DatasetPlaces,
    DatasetVerified,
    FaultyObject,
    RemoteLook,
    StorageUse,
    VerifiedStore,
)
from mlws.core.paths import escape
from mlws.core.progress import ProgressCallback
from mlws.dvc.data import DataStore
from mlws.dvc.importing import STAGING_DIRECTORY
from mlws.dvc.pointers import DataPointer, ObjectFault
from mlws.dvc.remote_errors import UNREACHABLE_ERRORS
from mlws.dvc.resumable_transfer import PARTIAL_SUFFIX
from mlws.dvc.transfer_progress import Meter

CACHE = "cache"
MAX_FILES_PER_OBJECT = 1000
"""Files of a faulty object that are named; copies of one content are one object."""


def inspect(
    data: DataStore, item: DataPointer, look: RemoteLook, progress: ProgressCallback
) -> DatasetVerified:
    """Verify one version of a dataset in the cache, and in the default remote as ``look`` says."""
    assert item.md5 is not None
    if look is not RemoteLook.NONE:
        # The listing names the files.
        data.remote.fetch_listings([item])
    objects = data.cache.objects([item])
    meter = Meter(progress, "verify")
    meter.expect(sum(data.cache.size_of(obj) for obj in objects))
    names: dict[str, list[str]] = {}
    for relative, md5 in data.cache.list_files(item):
        names.setdefault(md5, []).append(f"{item.path}/{relative}")
    local = {}
    for obj in objects:
        local[obj.md5] = data.cache.find_problem(obj)
        meter.count(data.cache.size_of(obj))
    stores = [_to_verified_store(CACHE, local, item, names, read=True)]
    if look is not RemoteLook.NONE and data.remote.name is not None:
        read = look is RemoteLook.READ
        if read:
            meter = Meter(progress, "verify remote")
            problems = {obj.md5: data.remote.find_problem(obj, meter) for obj in objects}
        else:
            progress(0, len(objects), "objects", "ask remote")
            absent = {obj.md5 for obj in data.remote.missing([item])}
            problems = {
                obj.md5: ObjectFault.MISSING if obj.md5 in absent else None for obj in objects
            }
        stores.append(_to_verified_store(data.remote.name, problems, item, names, read=read))
    return DatasetVerified.from_object(
        item, objects=len(objects), whole=all(store.whole for store in stores), stores=stores
    )


def _to_verified_store(
    name: str,
    problems: Mapping[str, ObjectFault | None],
    item: DataPointer,
    names: Mapping[str, list[str]],
    *,
    read: bool,
) -> VerifiedStore:
    faulty = [
        FaultyObject(
            md5=md5, state=problem.value, files=names.get(md5, [item.path])[:MAX_FILES_PER_OBJECT]
        )
        for md5, problem in problems.items()
        if problem is not None
    ]
    return VerifiedStore(name=name, read=read, whole=not faulty, faulty=faulty)


def find_absent(root: Path, data: DataStore, items: Iterable[DataPointer]) -> Sequence[DataPointer]:
    """Return the items that are recorded, but neither in the working tree nor in the cache.

    Imports that the remote never gets are left out; without a remote, outputs of workflows, which a
    run can generate again.
    """
    return data.cache.missing(
        [
            item
            for item in items
            if item.md5
            and not (root / item.path).exists()
            and (item.pushed if data.remote.name else not item.pipeline)
        ]
    )


def measure_absent(data: DataStore, items: Sequence[DataPointer]) -> AbsentData:
    """Return how much of the items is to be pulled; an interrupted pull may have left a part."""
    sizes = [item.size for item in items if item.size is not None]
    present_size = sum(
        data.cache.size_of(obj)
        for item in items
        for obj in data.cache.objects([item])
        if not obj.listing
    )
    return AbsentData(
        files=sum(item.files or 1 for item in items),
        size=max(sum(sizes) - present_size, 0) if len(sizes) == len(items) else None,
    )


def find_places(
    root: Path, data: DataStore, items: Sequence[DataPointer], progress: ProgressCallback
) -> DatasetPlaces:
    """Return, for each recorded item, whether the cache and the default remote have its content."""
    uncached_paths = {item.path for item in data.cache.missing(items)}
    pushed_items = [item for item in items if item.pushed] if data.remote.name else []
    progress(0, len(pushed_items), "datasets", "ask remote")
    absent_items = find_absent(root, data, items)
    unreachable = None
    lost_items: list[DataPointer] = []
    try:
        lacking = {item.path for item in data.remote.unlisted(pushed_items)}
        if data.remote.name:
            lost_items, error = data.remote.find_unavailable([*absent_items])
            if error is not None:
                raise error
    except UNREACHABLE_ERRORS as error:
        unreachable, pushed_items, lacking = str(error.facts["reason"]), [], set()
        lost_items = []
    at_remote = {item.path: item.path not in lacking for item in pushed_items}
    return DatasetPlaces(
        remote=data.remote.name,
        unreachable=unreachable,
        absent=measure_absent(data, [item for item in absent_items if item not in lost_items]),
        items=[
            DatasetPlace(
                id=escape(item.path),
                path=item.path,
                md5=item.md5,
                cached=item.path not in uncached_paths,
                remote=at_remote.get(item.path),
            )
            for item in items
            if item.md5
        ],
    )


def measure_storage(root: Path, data: DataStore, items: Sequence[DataPointer]) -> StorageUse:
    """Return the disk space that the project's data takes, and how much of it ``items`` need."""
    objects = size = unfinished_size = damaged_size = 0
    for path, length in _iter_files(data.cache.directory):
        if path.name.endswith(PARTIAL_SUFFIX):
            unfinished_size += length
        elif path.name.endswith(".damaged"):
            damaged_size += length
        else:
            objects += 1
            size += length
    for _, length in _iter_files(root / STAGING_DIRECTORY):
        unfinished_size += length
    place = data.cache.directory if data.cache.directory.exists() else data.cache.directory.parent
    while not place.exists():
        place = place.parent
    return StorageUse(
        objects=objects,
        size=size,
        current=sum(data.cache.size_of(obj) for obj in data.cache.objects(items)),
        unfinished=unfinished_size,
        damaged=damaged_size,
        free=shutil.disk_usage(place).free,
        absent=measure_absent(data, find_absent(root, data, items)),
        remote=data.remote.name,
    )


def _iter_files(folder: Path) -> Iterator[tuple[Path, int]]:
    for path in folder.rglob("*"):
        try:
            facts = path.lstat()
        except FileNotFoundError:
            # Another process has just finished with it.
            continue
        if path.is_file() and not path.is_symlink():
            yield path, facts.st_size
