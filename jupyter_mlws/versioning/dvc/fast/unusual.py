"""What the fast lane does not do, and leaves to DVC."""

from __future__ import annotations

from jupyter_mlws.errors import Words


class UnusualError(Exception):
    """Something that only DVC itself handles; ``reason`` names it in every language."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.reason = Words(en, zh)
