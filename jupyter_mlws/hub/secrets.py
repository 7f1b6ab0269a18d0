"""Secret variables of what waits, kept so that only the running Hub's service can read them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken


class EnvironmentCipher:
    """Closes and opens by a key that is never on the disk.

    It is derived from the service's token, which the Hub makes and keeps in memory: a service
    that is started again by the same Hub can read what waits, and nobody who has the database.
    """

    def __init__(self, token: str) -> None:
        key = hashlib.sha256(b"variables" + token.encode()).digest()
        self._cipher = Fernet(base64.urlsafe_b64encode(key))

    def close(self, environment: Mapping[str, str]) -> str:
        """The variables as text that says nothing."""
        return self._cipher.encrypt(json.dumps(dict(environment)).encode()).decode()

    def open(self, text: str) -> dict[str, str] | None:
        """The variables; None where another Hub's service has closed them."""
        try:
            opened: dict[str, str] = json.loads(self._cipher.decrypt(text))
        except InvalidToken:
            return None
        return opened
