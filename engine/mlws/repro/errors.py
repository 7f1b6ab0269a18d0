"""The refusals of `repro`, in DVC's words and with its exit codes."""

from __future__ import annotations

from enum import StrEnum

from mlws.core.i18n import Message

EXIT_FAILURE = 255
EXIT_INTERRUPTED = 252
EXIT_NO_REPOSITORY = 253


class Reason(StrEnum):
    """Kind of a refusal."""

    NO_REPOSITORY = "no repository"
    NO_FILE = "no file"
    NO_STAGE = "no stage"
    NO_REVISION = "no revision"
    WRONG_TARGET = "wrong target"
    DUPLICATE_OUTPUT = "duplicate output"
    OVERLAPPING_OUTPUT = "overlapping output"
    STAGE_IN_OUTPUT = "stage in output"
    CYCLE = "cycle"
    UNREADABLE = "unreadable"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class ReproError(Exception):
    """A refusal or failure; ``code`` is the exit code of the process."""

    def __init__(self, message: Message, reason: Reason) -> None:
        super().__init__(message.en)
        self.message = message
        self.reason = reason

    @property
    def code(self) -> int:
        codes = {
            Reason.NO_REPOSITORY: EXIT_NO_REPOSITORY,
            Reason.INTERRUPTED: EXIT_INTERRUPTED,
        }
        return codes.get(self.reason, EXIT_FAILURE)
