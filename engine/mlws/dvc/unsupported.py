"""The error for what the native backend does not support, and leaves to DVC."""

from __future__ import annotations

from mlws.core.i18n import Message


class UnsupportedStageError(Exception):
    """Something that only DVC itself handles; ``reason`` names it in every language."""

    def __init__(self, reason: Message) -> None:
        super().__init__(str(reason))
        self.reason = reason
