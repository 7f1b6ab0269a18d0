"""What goes to the process and back: a line of JSON, and the texts whose lengths it tells."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, BinaryIO


def read(stream: BinaryIO) -> tuple[dict[str, Any], list[bytes | None]]:
    """A line of JSON, and the texts behind it; None where there is none."""
    head: dict[str, Any] = json.loads(stream.readline())
    lengths = head.pop("lengths")
    return head, [None if length is None else stream.read(length) for length in lengths]


def pack(head: dict[str, Any], texts: Sequence[bytes | None]) -> bytes:
    """The counterpart of :func:`read`."""
    lengths = [None if text is None else len(text) for text in texts]
    line = json.dumps({**head, "lengths": lengths}).encode()
    return b"".join([line, b"\n", *(text or b"" for text in texts)])
