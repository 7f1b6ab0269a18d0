"""Copies of objects between stores; large ones in parts, so that transfers can be resumed.

An object's name is the hash of its content: what a store has under that name, complete or not, is
a part of the same content. Checks verify that it truly is.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from typing import Any

from mlws.dvc.transfer_progress import Meter

MIB = 1024 * 1024
MULTIPART_THRESHOLD = 32 * MIB
"""Bytes from which on an object is moved in parts."""
PART_SIZE = 16 * MIB
MAX_PARTS = 10_000
"""Parts that S3 takes of one object."""
MAX_CONCURRENCY = 4
MAX_SIZE_REQUESTS = 500
"""Objects of a download whose sizes are requested, one by one, to report the total."""
PARTIAL_SUFFIX = ".part"
"""Suffix of the name of an incomplete object."""

Job = Callable[[], None]


def transfer(source: Any, target: Any, hashes: Sequence[str], meter: Meter) -> None:
    """Copy objects from one of DVC's databases to another, replacing those that it already has.

    One of the two is on this machine. DVC's own transfer takes a directory's listing as proof of
    its files.
    """
    if source.fs.protocol == "local":
        _send(source, target, hashes, meter)
    else:
        _receive(source, target, hashes, meter)


def _send(source: Any, target: Any, hashes: Sequence[str], meter: Meter) -> None:
    sources = {md5: Path(source.oid_to_path(md5)) for md5 in hashes}
    sizes = {md5: path.stat().st_size for md5, path in sources.items()}
    meter.expect(sum(sizes.values()))
    # DVC's own upload to other stores is atomic, but can't be resumed.
    upload = {"s3": upload_to_s3, "ssh": upload_to_ssh}.get(target.fs.protocol)
    # Small ones go to an SSH store alone, too, because DVC's way leaves half an object there.
    threshold = 0 if target.fs.protocol == "ssh" else MULTIPART_THRESHOLD
    alone = {md5 for md5 in hashes if upload is not None and sizes[md5] >= threshold}
    _copy(source, target, [md5 for md5 in hashes if md5 not in alone], meter)
    if upload is None:
        return
    paths = {md5: target.oid_to_path(md5) for md5 in hashes if md5 in alone}
    for directory in sorted({target.fs.parent(path) for path in paths.values()}):
        target.fs.makedirs(directory, exist_ok=True)
    jobs = [partial(upload, target.fs, sources[md5], path, meter) for md5, path in paths.items()]
    if target.fs.protocol == "ssh":
        run_concurrently(jobs)
    else:
        for job in jobs:  # each of several parts at once
            job()


def _receive(source: Any, target: Any, hashes: Sequence[str], meter: Meter) -> None:
    sizes: dict[str, int] = {}

    def ask_size(md5: str) -> None:
        sizes[md5] = int(source.fs.size(source.oid_to_path(md5)) or 0)

    if len(hashes) <= MAX_SIZE_REQUESTS:
        run_concurrently([partial(ask_size, md5) for md5 in hashes])
    meter.expect(sum(sizes.values()))
    alone = {md5 for md5 in hashes if sizes.get(md5, 0) >= MULTIPART_THRESHOLD}
    _copy(source, target, [md5 for md5 in hashes if md5 not in alone], meter)
    for md5 in hashes:
        if md5 in alone:
            path = target.oid_to_path(md5)
            download(source.fs, source.oid_to_path(md5), sizes[md5], Path(path), meter)
            target.protect(path)


def _copy(source: Any, target: Any, hashes: Sequence[str], meter: Meter) -> None:
    """Copy the objects with DVC, each one atomically."""
    failures: list[BaseException] = []
    if hashes:
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


def run_concurrently(jobs: Sequence[Job]) -> None:
    """Run the jobs concurrently; the first failure cancels those that have not started."""
    with ThreadPoolExecutor(MAX_CONCURRENCY, thread_name_prefix="mlws-transfer") as pool:
        futures = [pool.submit(job) for job in jobs]
        done_futures, _ = wait(futures, return_when=FIRST_EXCEPTION)
        failures = [future for future in done_futures if future.exception() is not None]
        if failures:
            pool.shutdown(wait=True, cancel_futures=True)
            failures[0].result()


# Upload


def upload_to_s3(fs: Any, source: Path, path: str, meter: Meter) -> None:
    """Upload to S3 in parts; skip those that an earlier attempt has sent."""
    s3 = fs.fs
    bucket, key, _ = s3.split_path(path)
    call = partial(s3.call_s3, Bucket=bucket, Key=key)
    open_uploads = _list_open_uploads(s3, bucket, key)
    if open_uploads:
        upload = open_uploads[0]
        stored_parts = _list_parts(call, upload)
    else:
        upload = str(call("create_multipart_upload")["UploadId"])
        stored_parts = {}
    size = source.stat().st_size
    # The same for every attempt at the same content.
    part_size = max(PART_SIZE, -(-size // MAX_PARTS // MIB) * MIB)
    tags: dict[int, str] = {}

    def send(number: int) -> None:
        with source.open("rb") as file:
            file.seek((number - 1) * part_size)
            block = file.read(part_size)
        digest = hashlib.md5(block, usedforsecurity=False).hexdigest()
        if stored_parts.get(number) == (len(block), f'"{digest}"'):
            tags[number] = stored_parts[number][1]
        else:
            answer = call("upload_part", UploadId=upload, PartNumber=number, Body=block)
            tags[number] = str(answer["ETag"])
        meter.count(len(block))

    count = -(-size // part_size)
    run_concurrently([partial(send, number) for number in range(1, count + 1)])
    parts = [{"PartNumber": number, "ETag": tags[number]} for number in sorted(tags)]
    call("complete_multipart_upload", UploadId=upload, MultipartUpload={"Parts": parts})
    for other in open_uploads[1:]:
        # Stores bill for the parts of incomplete uploads.
        call("abort_multipart_upload", UploadId=other)
    s3.invalidate_cache(path)


def _list_open_uploads(s3: Any, bucket: str, key: str) -> list[str]:
    """Return the unfinished uploads of an object, the newest first."""
    try:
        answer = s3.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=key)
    except PermissionError:
        # Without the right to list uploads, each attempt starts a new one.
        return []
    uploads = [row for row in answer.get("Uploads") or () if row["Key"] == key]
    uploads.sort(key=lambda row: row["Initiated"], reverse=True)
    return [str(row["UploadId"]) for row in uploads]


def _list_parts(call: Callable[..., Any], upload: str) -> dict[int, tuple[int, str]]:
    """Return the parts that the store has: number → size and tag."""
    parts: dict[int, tuple[int, str]] = {}
    more: dict[str, Any] = {}
    while True:
        answer = call("list_parts", UploadId=upload, **more)
        for row in answer.get("Parts") or ():
            parts[int(row["PartNumber"])] = (int(row["Size"]), str(row["ETag"]))
        if not answer.get("IsTruncated"):
            return parts
        more = {"PartNumberMarker": answer["NextPartNumberMarker"]}


def upload_to_ssh(fs: Any, source: Path, path: str, meter: Meter) -> None:
    """Append to a partial file, and rename it when it is complete."""
    ssh = fs.fs
    size = source.stat().st_size
    beside = f"{path}{PARTIAL_SUFFIX}"
    try:
        there = int(ssh.info(beside)["size"])
    except FileNotFoundError:
        there = 0
    if there > size:
        ssh.rm_file(beside)
        there = 0
    meter.count(there)
    with source.open("rb") as file, ssh.open(beside, "ab") as target:
        file.seek(there)
        for block in _iter_blocks(file, MIB):
            target.write(block)
            meter.count(len(block))
    ssh.mv(beside, path)
    ssh.invalidate_cache()


# Download


def download(fs: Any, path: str, size: int, target: Path, meter: Meter) -> None:
    """Download the rest of the partial file beside ``target``, then rename it to ``target``."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f"{target.name}{PARTIAL_SUFFIX}")
    with beside.open("ab") as file:
        # Another process may fetch the same; the second then finds nothing left to do.
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        if target.exists():
            beside.unlink(missing_ok=True)
            return
        there = os.fstat(file.fileno()).st_size
        if there > size:
            file.truncate(0)
            there = 0
        meter.count(there)
        with fs.open(path, mode="rb", block_size=PART_SIZE) as source:
            source.seek(there)
            for block in _iter_blocks(source, MIB):
                file.write(block)
                meter.count(len(block))
        file.flush()
        os.fsync(file.fileno())
        beside.replace(target)


def _iter_blocks(file: Any, size: int) -> Iterator[bytes]:
    while block := file.read(size):
        yield block
