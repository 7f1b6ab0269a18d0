"""Moves objects in parts, so that a transfer that was interrupted goes on where it stopped.

An object's name is the hash of its content: what a store has under that name, or has begun to
take under it, is a part of the same content. Whether it truly is, is for checks to say.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from jupyter_mlws.dvc.transfer_progress import Meter

MIB = 1024 * 1024
MULTIPART_THRESHOLD = 32 * MIB
"""Bytes from which on an object is moved in parts."""
PART_SIZE = 16 * MIB
MAX_PARTS = 10_000
"""Parts that S3 takes of one object."""
MAX_CONCURRENCY = 4
PARTIAL_SUFFIX = ".part"
"""What the name of an object ends with until it is whole."""

Job = Callable[[], None]


def get_uploader(fs: Any) -> Callable[[Any, Path, str, Meter], None] | None:
    """Return the upload function for a store that may lose or half publish interrupted objects.

    None for other stores: DVC's own upload is atomic there, but can't be resumed.
    """
    return {"s3": upload_to_s3, "ssh": upload_to_ssh}.get(fs.protocol)


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
    _S3Upload(fs.fs, path, source, source.stat().st_size, meter).run()


class _S3Upload:
    def __init__(self, s3: Any, path: str, source: Path, size: int, meter: Meter) -> None:
        bucket, key, _ = s3.split_path(path)
        self._s3 = s3
        self._object_location = {"Bucket": bucket, "Key": key}
        self._path = path
        self._source = source
        self._size = size
        self._meter = meter
        # The same for every attempt at the same content.
        self._part_size = max(PART_SIZE, -(-size // MAX_PARTS // MIB) * MIB)

    def run(self) -> None:
        open_uploads = self._list_open_uploads()
        upload = open_uploads[0] if open_uploads else self._create_upload()
        stored_parts = self._list_parts(upload) if open_uploads else {}
        tags: dict[int, str] = {}
        jobs = []
        for number in range(1, -(-self._size // self._part_size) + 1):
            jobs.append(self._create_job(upload, number, stored_parts.get(number), tags))
        run_concurrently(jobs)
        parts = [{"PartNumber": number, "ETag": tags[number]} for number in sorted(tags)]
        self._call("complete_multipart_upload", UploadId=upload, MultipartUpload={"Parts": parts})
        for other in open_uploads[1:]:
            # Stores bill for the parts of uploads that nobody completes.
            self._call("abort_multipart_upload", UploadId=other)
        self._s3.invalidate_cache(self._path)

    def _create_upload(self) -> str:
        return str(self._call("create_multipart_upload")["UploadId"])

    def _list_open_uploads(self) -> list[str]:
        """Return the unfinished uploads of this object, the newest first."""
        try:
            answer = self._s3.call_s3(
                "list_multipart_uploads",
                Bucket=self._object_location["Bucket"],
                Prefix=self._object_location["Key"],
            )
        except PermissionError:
            # Some may write objects and not list uploads: theirs begin anew.
            return []
        uploads = [
            row for row in answer.get("Uploads") or () if row["Key"] == self._object_location["Key"]
        ]
        uploads.sort(key=lambda row: row["Initiated"], reverse=True)
        return [str(row["UploadId"]) for row in uploads]

    def _list_parts(self, upload: str) -> dict[int, tuple[int, str]]:
        """Return the parts that the store has: number → size and tag."""
        parts: dict[int, tuple[int, str]] = {}
        more: dict[str, Any] = {}
        while True:
            answer = self._call("list_parts", UploadId=upload, **more)
            for row in answer.get("Parts") or ():
                parts[int(row["PartNumber"])] = (int(row["Size"]), str(row["ETag"]))
            if not answer.get("IsTruncated"):
                return parts
            more = {"PartNumberMarker": answer["NextPartNumberMarker"]}

    def _create_job(
        self, upload: str, number: int, stored_part: tuple[int, str] | None, tags: dict[int, str]
    ) -> Job:
        def send() -> None:
            block = self._read_part(number)
            digest = hashlib.md5(block, usedforsecurity=False).hexdigest()
            if stored_part is not None and stored_part == (len(block), f'"{digest}"'):
                tags[number] = stored_part[1]
            else:
                answer = self._call("upload_part", UploadId=upload, PartNumber=number, Body=block)
                tags[number] = str(answer["ETag"])
            self._meter.count(len(block))

        return send

    def _read_part(self, number: int) -> bytes:
        with self._source.open("rb") as file:
            file.seek((number - 1) * self._part_size)
            return file.read(self._part_size)

    def _call(self, method: str, **arguments: Any) -> Any:
        return self._s3.call_s3(method, **self._object_location, **arguments)


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


def download_from_store(fs: Any, path: str, size: int, target: Path, meter: Meter) -> None:
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
