"""Bundles: runs with their nested runs and model versions, in a form that travels between stores.

A bundle is a directory. Its file :data:`DOCUMENT` has a JSON object in each line, whose only key
says what it is; the other files are artifacts. Another person wrote it: every line is checked
before anything is stored.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

DOCUMENT = "run.jsonl"
ARTIFACTS_FOLDER, MODELS_FOLDER = "artifacts", "models"
"""Folders with the artifacts, below the id of their run or of their logged model."""
FORMAT = 1
BUNDLE_TAG = "mlws.bundle"
"""Tag of a run with what was last sent or received of it; it does not travel itself."""
RECEIVED_TAG = "mlws.received."
"""Prefix of the tags of experiment 0 with the commit of a remote whose runs were received.

They are in MLflow's store, and go with it when it is deleted or restored from a backup.
"""
NUMBER_TAG = "mlws.number"
"""Tag of a model version that got another number here: the number where it was registered."""
MAX_DOCUMENT_BYTES = 512 * 1024 * 1024
MAX_LINE_BYTES = 1024 * 1024
MAX_FILES = 100_000
MAX_RUNS = 10_000
POINTS_PER_LINE = 2000
"""Points of a metric in one line."""
REMOTE_SCHEMES = ("s3://", "gs://", "abfss://", "wasbs://")
"""Addresses of artifacts that are no files of one machine, so that they mean the same elsewhere."""
STATUSES = ("FINISHED", "FAILED", "KILLED", "RUNNING", "SCHEDULED")
RUN_ID = re.compile("[0-9a-f]{32}")
MODEL_ID = re.compile("m-[0-9a-f]{32}")

JSON = Mapping[str, Any]
Check = Callable[[Any], bool]


class BundleError(ValueError):
    """A bundle that cannot be stored; the text says where and why."""

    error_code = "INVALID_PARAMETER_VALUE"


def _is_text(limit: int) -> Check:
    return lambda value: isinstance(value, str) and len(value) <= limit and "\0" not in value


def _is_key(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 250 and "\0" not in value


def _is_int(value: Any) -> bool:
    # SQLite's integers have 64 bits.
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _is_id(pattern: re.Pattern[str]) -> Check:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_name(value: Any) -> bool:
    """Return whether a value is a name of an experiment or of a model."""
    return _is_key(value) and value.isprintable()


def _is_model_name(value: Any) -> bool:
    return _is_name(value) and not set("/:") & set(value)


def _are_texts(limit: int) -> Check:
    check = _is_text(limit)
    return lambda value: (
        isinstance(value, dict) and all(_is_key(key) and check(text) for key, text in value.items())
    )


def _are_points(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(point, list)
        and len(point) == 4
        and (_is_int(point[0]) or (isinstance(point[0], float) and math.isfinite(point[0])))
        and _is_int(point[1])
        and _is_int(point[2])
        and isinstance(point[3], bool)
        for point in value
    )


def is_safe_path(path: Any) -> bool:
    """Return whether a relative path stays below the folder that it is relative to."""
    return (
        isinstance(path, str)
        and "\0" not in path
        and not {"", ".", ".."} & set(path.split("/"))
        and all(len(part.encode(errors="surrogateescape")) <= 255 for part in path.split("/"))
    )


def _is_address(value: Any) -> bool:
    return _is_text(500)(value) and value.startswith(REMOTE_SCHEMES)


def is_source(value: Any) -> bool:
    """Return whether a value says where the files of a model version are."""
    if not isinstance(value, dict):
        return False
    if set(value) == {"uri"}:
        scheme, _, rest = str(value["uri"]).partition(":/")
        return _is_address(value["uri"]) or (
            _is_text(500)(value["uri"]) and scheme in ("runs", "models") and is_safe_path(rest)
        )
    place = value.get("run"), value.get("model")
    return (
        set(value) in ({"run", "path"}, {"model", "path"})
        and (_is_id(RUN_ID)(place[0]) or _is_id(MODEL_ID)(place[1]))
        and (value["path"] == "" or is_safe_path(value["path"]))
    )


def _is_version_key(value: Any) -> bool:
    """Return whether a value identifies a version of a model: run and time of creation.

    Not the number, which differs between stores, nor the files: the same ones may be registered
    twice.
    """
    return (
        isinstance(value, list) and len(value) == 2 and _is_id(RUN_ID)(value[0])
        and _is_int(value[1])
    )  # fmt: skip


CHECKS: Mapping[str, Mapping[str, Check]] = {
    "bundle": {"format": _is_int, "run": _is_id(RUN_ID)},
    "run": {
        "id": _is_id(RUN_ID),
        "parent": _or_none(_is_id(RUN_ID)),
        # The name becomes a folder.
        "experiment": lambda value: _is_name(value) and is_safe_path(value),
        "name": _or_none(_is_text(250)),
        "user": _or_none(_is_text(256)),
        "status": lambda value: value in STATUSES,
        "start": _or_none(_is_int),
        "end": _or_none(_is_int),
        "artifacts": _or_none(_is_address),
    },
    "params": {"values": _are_texts(100_000)},
    "tags": {"values": _are_texts(100_000)},
    "metric": {"key": _is_key, "points": _are_points},
    "dataset": {
        "name": _is_text(500),
        "digest": _is_text(36),
        "source_type": _is_text(36),
        "source": _is_text(500_000),
        "schema": _or_none(_is_text(500_000)),
        "profile": _or_none(_is_text(500_000)),
        "tags": _are_texts(500),
    },
    "logged_model": {
        "id": _is_id(MODEL_ID),
        "name": _is_text(500),
        "created": _is_int,
        "updated": _is_int,
        "status": _is_int,
        "type": _or_none(_is_text(500)),
        "message": _or_none(_is_text(1000)),
        "step": _or_none(_is_int),
        "params": _are_texts(100_000),
        "tags": _are_texts(100_000),
        "metrics": lambda value: isinstance(value, list) and all(
            isinstance(row, list) and len(row) == 4 and _is_key(row[0])
            and _are_points([[*row[1:], False]])
            for row in value
        ),
    },
    "model": {
        "name": _is_model_name,
        "created": _is_int,
        "updated": _is_int,
        "description": _or_none(_is_text(5000)),
        "tags": _are_texts(5000),
    },
    "version": {
        "name": _is_model_name,
        "key": _is_version_key,
        "number": lambda value: _is_int(value) and 0 < value < 2**31,
        "updated": _is_int,
        "description": _or_none(_is_text(5000)),
        "user": _or_none(_is_text(256)),
        "status": _or_none(_is_text(20)),
        "source": is_source,
        "tags": _are_texts(100_000),
    },
    "alias": {
        "name": _is_model_name,
        # With its prefix and a time, it is the key of a tag.
        "alias": lambda value: _is_name(value) and len(value) <= 200,
        "time": _or_none(lambda value: _is_int(value) and value >= 0),
        "by": _is_text(500),
        "version": _or_none(_is_version_key),
        "before": _or_none(_is_version_key),
    },
}  # fmt: skip
"""The fields of each kind of line, and what makes their values valid."""


def write_lines(path: Path, lines: Iterable[tuple[str, JSON]]) -> None:
    """Write a document; the same lines give the same bytes."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for kind, value in lines:
            text = json.dumps({kind: value}, sort_keys=True, separators=(",", ":"), allow_nan=False)
            if len(text) >= MAX_LINE_BYTES:
                raise BundleError(f"{kind} is longer than {MAX_LINE_BYTES} bytes")
            file.write(f"{text}\n")
        if file.tell() > MAX_DOCUMENT_BYTES:
            raise BundleError(f"the metrics are longer than {MAX_DOCUMENT_BYTES} bytes")


def read_lines(path: Path, run: str) -> Iterator[tuple[str, JSON]]:
    """Yield the lines of a document after the first, which names ``run``.

    Raises :class:`BundleError` at the first line that is not valid.
    """
    if path.stat().st_size > MAX_DOCUMENT_BYTES:
        raise BundleError(f"{DOCUMENT} is longer than {MAX_DOCUMENT_BYTES} bytes")
    runs: set[str | None] = set()
    models: set[str] = set()
    number = 0
    with path.open("rb") as file:
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            kind, value = parse_line(line, number)
            where = f"line {number}: {kind}"
            if (number == 1) is not (kind == "bundle"):
                raise BundleError(f"{where} is not expected here")
            if kind == "bundle":
                if value["format"] != FORMAT:
                    raise BundleError(f"format {value['format']} is unknown; update jupyter-mlws")
                if value["run"] != run:
                    raise BundleError(f"it is the bundle of another run, {value['run']}")
                continue
            if kind == "run":
                # The first run is the one that was sent; the others are within it.
                expected = runs if runs else {None}
                if value["parent"] not in expected:
                    raise BundleError(f"{where}.parent is no run before it in this bundle")
                if value["id"] in runs or (not runs and value["id"] != run):
                    raise BundleError(f"{where}.id is not expected here")
                if len(runs) >= MAX_RUNS:
                    raise BundleError(f"more than {MAX_RUNS} runs")
                runs.add(value["id"])
            elif not runs:
                raise BundleError(f"{where} comes before a run")
            elif kind == "logged_model":
                models.add(value["id"])
            elif kind == "version":
                source = value["source"]
                scheme, _, rest = source.get("uri", "").partition(":/")
                owner = source.get("run") or source.get("model") or rest.split("/")[0]
                if value["key"][0] not in runs or (
                    scheme in ("", "runs", "models") and owner not in {*runs, *models}
                ):
                    raise BundleError(f"{where} is not of a run in this bundle")
            yield kind, value
    if not runs:
        raise BundleError("it has no run")


def parse_line(line: bytes, number: int) -> tuple[str, JSON]:
    """Return the kind and the value of a line whose fields are valid."""
    if len(line) > MAX_LINE_BYTES:
        raise BundleError(f"line {number} is longer than {MAX_LINE_BYTES} bytes")
    try:
        document = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"line {number} is not JSON") from error
    if not isinstance(document, dict) or len(document) != 1 or not CHECKS.keys() >= document.keys():
        raise BundleError(f"line {number} is of no known kind")
    ((kind, value),) = document.items()
    checks = CHECKS[kind]
    if not isinstance(value, dict) or value.keys() != checks.keys():
        raise BundleError(f"line {number}: {kind} has other fields than {', '.join(checks)}")
    for field, check in checks.items():
        if not check(value[field]):
            raise BundleError(f"line {number}: {kind}.{field} is not valid")
    return kind, value


def check_files(paths: Iterable[str]) -> None:
    """Raise :class:`BundleError` unless all paths of a bundle's files are valid."""
    names = set(paths)
    if DOCUMENT not in names:
        raise BundleError(f"it has no {DOCUMENT}")
    if len(names) > MAX_FILES:
        raise BundleError(f"more than {MAX_FILES} files")
    for path in names - {DOCUMENT}:
        parts = path.split("/")
        ids = {ARTIFACTS_FOLDER: RUN_ID, MODELS_FOLDER: MODEL_ID}.get(parts[0])
        if not is_safe_path(path) or len(parts) < 3 or ids is None or not ids.fullmatch(parts[1]):
            raise BundleError(f"the path {path!r} is not valid")
        if any("/".join(parts[:count]) in names for count in range(1, len(parts))):
            raise BundleError(f"the path {path!r} is below a file")
