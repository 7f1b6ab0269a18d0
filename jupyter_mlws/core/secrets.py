"""Detection of credentials, which must not be committed by accident, and masking in output."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

BLOCK_SIZE = 1024 * 1024
MAX_SECRET_BYTES = 4096
"""Bytes of a secret at the end of a block that are searched with the next one again."""

GITHUB_TOKEN_PREFIXES = (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_")
SECRET_NAMES = (
    b"password", b"passwd", b"api_key", b"apikey", b"secret_key", b"auth_token", b"access_token",
)  # fmt: skip
_URL_PART = rb"[^\s/:@\"'<>{}$%]"
_ASSIGNED_VALUE = (
    rb"[\"']?\s*[:=]\s*[\"'](?:[0-9a-f]{32,}|"
    rb"(?-i:(?=[\w+/=.-]*[a-z])(?=[\w+/=.-]*[A-Z])(?=[\w+/=.-]*\d)[\w+/=.-]{12,}))[\"']"
)
"""A quoted value after a name, in code, YAML and JSON: hexadecimal, or of mixed characters."""

RULES = {
    b"PRIVATE KEY": rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----",
    b"PuTTY-User-Key-File-": rb"PuTTY-User-Key-File-\d",
    b"AGE-SECRET-KEY-1": rb"AGE-SECRET-KEY-1[A-Z0-9]{58}",
    # Clouds
    b"AKIA": rb"\bAKIA[0-9A-Z]{16}\b",
    b"ASIA": rb"\bASIA[0-9A-Z]{16}\b",
    b"AIza": rb"\bAIza[\w-]{35}(?![\w-])",
    b"GOCSPX-": rb"\bGOCSPX-[\w-]{28}",
    b"_v1_": rb"\bdo[opr]_v1_[0-9a-f]{64}\b",
    b"hvs.": rb"\bhvs\.[\w-]{90,}",
    b"dapi": rb"\bdapi[0-9a-f]{32}\b",
    # Code and packages
    **{kind: rb"\b" + kind + rb"[A-Za-z0-9]{36,}\b" for kind in GITHUB_TOKEN_PREFIXES},
    b"github_pat_": rb"\bgithub_pat_[A-Za-z0-9_]{60,}\b",
    b"glpat-": rb"\bglpat-[\w-]{20,}",
    b"npm_": rb"\bnpm_[A-Za-z0-9]{36}\b",
    b"_authToken": rb"_authToken\s*=\s*[\w-]{20,}",
    b"pypi-AgE": rb"\bpypi-AgE[\w-]{50,}",
    b"dckr_": rb"\bdckr_[op]at_[\w-]{27,}",
    # Models and experiments
    b"hf_": rb"\bhf_[A-Za-z0-9]{34,}\b",
    b"sk-": rb"\bsk-(?:proj-|ant-|svcacct-)?[\w-]{32,}",
    b'"username"': rb'"username"\s*:\s*"[^"]+"\s*,\s*"key"\s*:\s*"[0-9a-f]{32}"',
    b"gsk_": rb"\bgsk_[A-Za-z0-9]{50,}\b",
    b"r8_": rb"\br8_[A-Za-z0-9]{37}\b",
    b"nvapi-": rb"\bnvapi-[\w-]{60,}",
    # Messages and payments
    b"xox": rb"\bxox[abeoprs]-[A-Za-z0-9-]{20,}",
    b"hooks.slack.com": rb"hooks\.slack\.com/services/T\w+/B\w+/\w{20,}",
    b":AA": rb"\b\d{8,10}:AA[\w-]{33}(?![\w-])",
    b"SG.": rb"\bSG\.[\w-]{22}\.[\w-]{43}(?![\w-])",
    b"SK": rb"\bSK[0-9a-f]{32}\b",
    b"-us": rb"\b[0-9a-f]{32}-us\d{1,2}\b",
    b"k_live_": rb"\b[rs]k_live_[0-9A-Za-z]{24,}\b",
    b"sq0": rb"\bsq0(?:csp|atp)-[\w-]{22,43}(?![\w-])",
    b"shp": rb"\bshp(?:at|ca|pa|ss)_[0-9a-f]{32}\b",
    b"glsa_": rb"\bglsa_[A-Za-z0-9]{32}_[0-9a-f]{8}\b",
    # Whatever the service
    b"eyJ": rb"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}",
    b"://": rb"://" + _URL_PART + rb"{1,100}:(?!password@)" + _URL_PART + rb"{8,100}@",
}
"""Patterns of credentials by a text that is in each of them.

Most files have none of these texts, which are searched many times faster than a pattern.
"""
CASE_INSENSITIVE_RULES = {
    b"secret": rb"aws_?secret_?(?:access_?)?key[\"']?\s*[:=,]\s*[\"']?[a-z0-9/+]{40}(?![\w/+=])",
    b"accountkey=": rb"accountkey=[a-z0-9+/]{86}==",
    b"wandb": rb"wandb[\w.\s\"'=:,\[\]()-]{0,40}\b[0-9a-f]{40}\b",
    b"discord": rb"\b[mno][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,38}(?![\w-])",
    **{name: name + _ASSIGNED_VALUE for name in SECRET_NAMES},
}
"""Patterns without regard to case, by a text in lower case that is in the file."""


def _compile(text: bytes, pattern: bytes) -> re.Pattern[bytes]:
    # `re` searches ten times faster for a pattern that begins with a letter than with a boundary.
    begins = text.isalnum() and pattern.startswith(rb"\b" + text)
    rest = pattern[len(text) + 2 :]
    return re.compile(text + rb"(?<!\w" + text + rb")" + rest if begins else pattern)


_RULES = [(text, _compile(text, pattern)) for text, pattern in RULES.items()]
_CASE_INSENSITIVE_RULES = [
    (text, re.compile(pattern, re.IGNORECASE)) for text, pattern in CASE_INSENSITIVE_RULES.items()
]

_WEB_USER = re.compile(r"(?i)\b(https?://)[^/@\s]+@")
_PASSWORD = re.compile(r"(?i)\b(\w[\w+.-]*://[^/:@\s]*):[^/@\s]+@")
_PARAMETER = re.compile(
    r"(?i)([?&][\w.-]*(?:token|secret|password|signature|credential|key|sig)[\w.-]*=)[^&\s'\"]+"
)


def mask_credentials(text: str) -> str:
    """Return ``text`` with the credentials in its URLs replaced by stars.

    The user of a web URL may itself be a token; that of ``ssh://git@host`` is none.
    """
    text = _WEB_USER.sub(r"\1***@", text)
    text = _PASSWORD.sub(r"\1:***@", text)
    return _PARAMETER.sub(r"\1***", text)


def find_secrets(root: Path, paths: Iterable[str]) -> list[str]:
    """Return those of the files below ``root`` whose content looks like a credential."""
    secrets = []
    for path in paths:
        if (root / path).is_symlink() or not (root / path).is_file():
            continue
        with (root / path).open("rb") as file:
            if _is_secret(file):
                secrets.append(path)
    return secrets


def looks_secret(content: bytes) -> bool:
    """Return True if ``content`` has something that looks like a credential."""
    return _is_secret(io.BytesIO(content))


def _is_secret(file: BinaryIO) -> bool:
    end = b""
    while block := file.read(BLOCK_SIZE):
        part = end + block
        # UTF-16 has a NUL beside each character of a credential.
        if _matches(part) or (b"\0" in part and _matches(part.replace(b"\0", b""))):
            return True
        end = part[-MAX_SECRET_BYTES:]
    return False


def _matches(part: bytes) -> bool:
    lower = part.lower()
    return any(text in part and pattern.search(part) for text, pattern in _RULES) or any(
        text in lower and pattern.search(part) for text, pattern in _CASE_INSENSITIVE_RULES
    )
