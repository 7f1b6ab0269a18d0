"""Secret variables of what waits, kept so that only the running Hub's service can read them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken


class EnvironmentCipher:
    """Encrypts and decrypts environment variables with a key that is never stored on disk.

    The key is derived from the service's token, which the Hub creates and keeps in memory. A
    service that is restarted by the same Hub can read the variables of queued containers;
    somebody who has only the database cannot.
    """

    def __init__(self, token: str) -> None:
        key = hashlib.sha256(b"variables" + token.encode()).digest()
        self._cipher = Fernet(base64.urlsafe_b64encode(key))

    def close(self, environment: Mapping[str, str]) -> str:
        """Return the variables as encrypted text."""
        return self._cipher.encrypt(json.dumps(dict(environment)).encode()).decode()

    def open(self, text: str) -> dict[str, str] | None:
        """Return the variables; None if they were encrypted by another Hub's service."""
        try:
            environment: dict[str, str] = json.loads(self._cipher.decrypt(text))
        except InvalidToken:
            return None
        return environment
