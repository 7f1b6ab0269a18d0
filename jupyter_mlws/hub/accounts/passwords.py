"""Password hashes (argon2id), and the check of new passwords."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from mlws.core.i18n import Message

MIN_LENGTH = 10
MAX_LENGTH = 1024
"""Characters; a longer text would only cost memory and time."""
MIN_DISTINCT_CHARACTERS = 5
BCRYPT_LIMIT = 72
"""Bytes of a password that bcrypt uses."""
BCRYPT_PREFIX = "$2"
COMMON_PASSWORDS = Path(__file__).with_name("common_passwords.txt")
"""The 10,000 most common ones, from SecLists, as NativeAuthenticator has them."""

TOO_SHORT = Message("The password must have at least {count} characters.", count=MIN_LENGTH)
TOO_LONG = Message("The password must have at most {count} characters.", count=MAX_LENGTH)
TOO_COMMON = Message("The password is too common. Choose one that is hard to guess.")
HAS_NAME = Message("The password must not contain the username.")

hasher = PasswordHasher()
"""With the parameters that argon2-cffi recommends (RFC 9106, low memory)."""


def hash_password(password: str) -> str:
    """Return the hash to store. Takes some 50 ms: call it in a thread."""
    return hasher.hash(password)


def verify(password_hash: str | None, password: str, has_migrated_hashes: bool) -> bool:
    """Return whether the password matches; ``password_hash`` is None for an unknown user.

    Unknown users take as long as known ones: an argon2 hash is always computed, and a bcrypt hash
    as well while some accounts still have one of NativeAuthenticator.
    """
    is_migrated = password_hash is not None and password_hash.startswith(BCRYPT_PREFIX)
    argon2_hash = bcrypt_hash = None
    if is_migrated:
        bcrypt_hash = password_hash
    else:
        argon2_hash = password_hash
    matches = _argon2_matches(argon2_hash or _dummy_hash(), password)
    if has_migrated_hashes or is_migrated:
        digest = (bcrypt_hash or _dummy_bcrypt_hash()).encode()
        bcrypt_matches = bcrypt.checkpw(password.encode()[:BCRYPT_LIMIT], digest)
        matches = bcrypt_matches if is_migrated else matches
    return matches and password_hash is not None


def _argon2_matches(password_hash: str, password: str) -> bool:
    try:
        return hasher.verify(password_hash, password)
    except (Argon2Error, InvalidHashError):
        return False


def needs_rehash(password_hash: str) -> bool:
    """Return whether the hash is NativeAuthenticator's, or has outdated parameters."""
    return password_hash.startswith(BCRYPT_PREFIX) or hasher.check_needs_rehash(password_hash)


def weakness(password: str, username: str) -> Message | None:
    """Return why a new password is refused; None if it is accepted."""
    if len(password) < MIN_LENGTH:
        return TOO_SHORT
    if len(password) > MAX_LENGTH:
        return TOO_LONG
    lower = password.lower()
    # "Summer2024!" is as common as "summer".
    word = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", lower)
    if len(set(lower)) < MIN_DISTINCT_CHARACTERS or {lower, word} & _common_passwords():
        return TOO_COMMON
    if len(username) > 2 and username.lower() in lower:
        return HAS_NAME
    return None


@cache
def _common_passwords() -> frozenset[str]:
    return frozenset(COMMON_PASSWORDS.read_text(encoding="utf-8").splitlines())


@cache
def _dummy_hash() -> str:
    return hasher.hash("")


@cache
def _dummy_bcrypt_hash() -> str:
    return bcrypt.hashpw(b"", bcrypt.gensalt()).decode()
