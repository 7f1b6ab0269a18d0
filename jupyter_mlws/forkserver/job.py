"""Jobs of a zygote, and the messages between it and its owner."""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

PROTOCOL = 1
"""Both sides must be of one version: the zygote's Python may hold another installation of us."""
EXIT = struct.Struct("=ii")
"""A child that ended: its pid, and its exit code by the convention of shells."""
GO = b"go"
"""The owner's permission for a child to run the node."""
MAX_MESSAGE = 1 << 20


class Kind(StrEnum):
    """Way in which a Python command line names its program."""

    SCRIPT = "script"
    MODULE = "module"
    TEXT = "text"


@dataclass(frozen=True)
class Job:
    """A parsed command line of Python."""

    kind: Kind
    target: str
    """The script's path as written, the module's name, or the text of ``-c``."""
    arguments: tuple[str, ...]
    words: tuple[str, ...]
    """The whole command line, as ``sys.orig_argv`` and ``ps`` show it."""
    executable: str
    """``sys.executable`` in a fresh process."""
    cwd: str
    environment: dict[str, str]

    def pack(self) -> bytes:
        """Return the message that requests the job."""
        # ASCII, so that what is no UTF-8 in paths and variables (surrogates) comes through.
        return json.dumps(asdict(self)).encode("ascii")

    @classmethod
    def unpack(cls, message: bytes) -> Job:
        """Return the job that a message requests."""
        fields: dict[str, Any] = json.loads(message)
        return cls(
            kind=Kind(fields.pop("kind")),
            arguments=tuple(fields.pop("arguments")),
            words=tuple(fields.pop("words")),
            **fields,
        )
