"""Blame: which commit changed each line of a file last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from jupyter_mlws.git.adapter import Git, decode


@dataclass(frozen=True)
class BlamedLines:
    """``count`` lines from line ``start`` (the first is 1) that one commit changed last.

    ``commit`` is None for lines that are not committed yet; ``previous`` is the version before it
    that has the file, and None if the commit added it. ``timestamp`` is ISO 8601 with offset.
    """

    start: int
    count: int
    commit: str | None
    previous: str | None
    author: str
    timestamp: str
    subject: str


def blame(git: Git, path: str, revision: str | None = None) -> list[BlamedLines]:
    """Return who changed the lines of a file, in their order; without ``revision``, as it is now.

    Raises :class:`.GitFailedError` if git has no such file.
    """
    at = [revision] if revision is not None else []
    output = decode(git.attempt("blame", "--incremental", *at, "--", path))
    facts: dict[str, dict[str, str]] = {}
    places: list[tuple[int, int, str]] = []
    sha = ""
    for line in output.split("\n"):
        name, _, value = line.partition(" ")
        if len(name) in (40, 64) and value.count(" ") == 2:
            sha = name
            _, start, count = map(int, value.split(" "))
            places.append((start, count, sha))
            facts.setdefault(sha, {})
        elif name:
            facts[sha].setdefault(name, value)
    return [
        BlamedLines(
            start=start,
            count=count,
            commit=None if set(sha) == {"0"} else sha,
            previous=facts[sha].get("previous", "").split(" ")[0] or None,
            author=facts[sha]["author"],
            timestamp=_time(facts[sha]),
            subject=facts[sha]["summary"],
        )
        for start, count, sha in sorted(places)
    ]


def _time(facts: dict[str, str]) -> str:
    """Return when a commit was authored; git has seconds since 1970 and an offset: `+0130`."""
    offset = facts["author-tz"]
    minutes = int(offset[1:3]) * 60 + int(offset[3:])
    zone = timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))
    moment = datetime.fromtimestamp(int(facts["author-time"]), UTC).astimezone(zone)
    return moment.isoformat()
