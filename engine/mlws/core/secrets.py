"""Detection of credentials, which must not be committed by accident, and masking in output.

The rules are gitleaks' (`gitleaks/rules.json`, made by `scripts/secret_rules.py`) and a few
more. In notebooks, the sources and outputs of cells are searched as their reader sees them: JSON
escapes the quotes and line breaks around a credential.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

RULES_FILE = Path(__file__).parent / "gitleaks" / "rules.json"
BLOCK_LENGTH = 1024 * 1024
"""Characters of a text that are searched at once."""
BEFORE_KEYWORD, AFTER_KEYWORD = 200, 1000
"""Characters around a keyword in which its rule searches: time grows with the text alone."""
MAX_NOTEBOOK_BYTES = 50_000_000

_URL_PART = r"[^\s/:@\"'<>{}$%]"
OWN_RULES: Mapping[str, tuple[str, str]] = {
    # Of a key without its end, too, which may be in another cell.
    "private-key-header": ("private key", r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----"),
    "putty-key": ("putty-user-key-file-", r"PuTTY-User-Key-File-\d"),
    "hugging-face-token": ("hf_", r"\bhf_[A-Za-z0-9]{34,}\b"),
    "model-provider-key": ("sk-", r"\bsk-(?:proj-|ant-|svcacct-)?[\w-]{32,}"),
    "telegram-token": (":aa", r"\b\d{8,10}:AA[\w-]{33}(?![\w-])"),
    "mailchimp-key": ("-us", r"\b[0-9a-f]{32}-us\d{1,2}\b"),
    "docker-token": ("dckr_", r"\bdckr_[op]at_[\w-]{27,}"),
    "square-token": ("sq0", r"\bsq0(?:csp|atp)-[\w-]{22,43}(?![\w-])"),
    "url-password": ("://", rf"://{_URL_PART}{{1,100}}:(?!password@){_URL_PART}{{8,100}}@"),
}
"""A keyword in lower case and a pattern of each credential that gitleaks does not know."""


@dataclass(frozen=True)
class Allowance:
    """Texts that only look like a credential: placeholders, and words in them."""

    target: str
    patterns: tuple[re.Pattern[str], ...]
    words: tuple[str, ...]

    def covers(self, match: re.Match[str], secret: str) -> bool:
        text = {"match": match.group(), "line": _line_of(match)}.get(self.target, secret)
        lower = secret.lower()
        return any(one.search(text) for one in self.patterns) or any(
            word in lower for word in self.words
        )


@dataclass(frozen=True)
class Rule:
    """A kind of credential: one of the keywords is near it, in lower case."""

    id: str
    pattern: re.Pattern[str]
    keywords: tuple[str, ...]
    entropy: float = 0
    group: int = 0
    allowances: tuple[Allowance, ...] = ()

    def search(self, text: str, places: Mapping[str, Sequence[int]]) -> Iterator[int]:
        """Yield where a text has such a credential; ``places`` are those of the keywords."""
        for start, end in _windows(place for word in self.keywords for place in places[word]):
            for match in self.pattern.finditer(text, start, end):
                groups = [group for group in match.groups() if group]
                secret = match[self.group] if self.group else (groups or [match.group()])[0]
                if _entropy(secret) > self.entropy and not any(
                    one.covers(match, secret) for one in self.allowances
                ):
                    yield match.start() + match.group().find(secret)


@dataclass(frozen=True)
class Secret:
    """Something that looks like a credential; ``cell`` and ``line`` count from 1."""

    path: str
    line: int
    rule: str
    cell: int | None = None

    @property
    def place(self) -> str:
        """The path and the line, as editors write them."""
        return f"{self.path}:{'' if self.cell is None else f'[{self.cell}]:'}{self.line}"


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


def find_secrets(root: Path, paths: Iterable[str]) -> list[Secret]:
    """Return what looks like a credential in files below ``root``, the first of each file."""
    files = ((path, root / path) for path in paths)
    return [
        secret
        for path, file in files
        if file.is_file() and not file.is_symlink()
        for secret in [find_secret(path, file.read_bytes())]
        if secret is not None
    ]


def find_secret(path: str, content: bytes) -> Secret | None:
    """Return the first thing in a file's content that looks like a credential."""
    if path.endswith(".ipynb") and len(content) <= MAX_NOTEBOOK_BYTES:
        try:
            cells = [*_cell_texts(json.loads(content))]
        except (ValueError, AttributeError, TypeError, RecursionError):
            # Not a notebook: searched as it is.
            cells = []
        for number, text in cells:
            if line := _first_line(text):
                return Secret(path, line[0], line[1], number)
        if cells:
            return None
    text = content.decode("latin-1")
    # UTF-16 has a NUL beside each character of a credential.
    for form in (text, text.replace("\0", "")) if "\0" in text else (text,):
        if line := _first_line(form):
            return Secret(path, *line)
    return None


def _cell_texts(notebook: Any) -> Iterator[tuple[int, str]]:
    """Yield the source and each output of every cell with its number."""

    def join(text: Any) -> str:
        return "".join(text) if isinstance(text, list) else str(text)

    for number, cell in enumerate(notebook["cells"], 1):
        yield number, join(cell["source"])
        for output in cell.get("outputs", ()):
            yield number, join(output.get("text", ""))
            yield number, join(output.get("traceback", ""))
            for kind, data in output.get("data", {}).items():
                if not kind.startswith(("image/", "application/pdf")) or kind == "image/svg+xml":
                    yield number, json.dumps(data) if isinstance(data, dict) else join(data)
    yield 1, json.dumps(notebook.get("metadata", {}))


def _first_line(text: str) -> tuple[int, str] | None:
    """Return the line of the first credential in a text, from 1, and its rule."""
    for start in range(0, max(len(text), 1), BLOCK_LENGTH):
        part = text[max(start - AFTER_KEYWORD, 0) : start + BLOCK_LENGTH]
        lower = part.lower()
        places = {word: _occurrences(lower, word) for word in _keywords()}
        hits = [(place, rule.id) for rule in _rules() for place in rule.search(part, places)]
        if hits:
            place, name = min(hits)
            return text.count("\n", 0, max(start - AFTER_KEYWORD, 0) + place) + 1, name
    return None


def _occurrences(text: str, word: str) -> list[int]:
    places, place = [], text.find(word)
    while place >= 0:
        places.append(place)
        place = text.find(word, place + 1)
    return places


def _windows(places: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield the parts of a text around places; they do not overlap."""
    start = end = 0
    for place in sorted(places):
        if place - BEFORE_KEYWORD > end:
            yield start, end
            start = place - BEFORE_KEYWORD
        end = place + AFTER_KEYWORD
    yield start, end


@cache
def _keywords() -> frozenset[str]:
    return frozenset(word for rule in _rules() for word in rule.keywords)


@cache
def _rules() -> tuple[Rule, ...]:
    document = json.loads(RULES_FILE.read_text(encoding="utf-8"))
    everywhere = tuple(map(_allowance, document["allowed"]))
    own = (Rule(name, re.compile(p), (word,)) for name, (word, p) in OWN_RULES.items())
    return (
        *own,
        *(
            Rule(
                rule["id"],
                re.compile(rule["pattern"], re.ASCII),
                tuple(rule["keywords"]),
                rule["entropy"],
                rule["group"],
                (*everywhere, *map(_allowance, rule["allowed"])),
            )
            for rule in document["rules"]
        ),
    )


def _allowance(one: Mapping[str, Any]) -> Allowance:
    patterns = tuple(re.compile(pattern, re.ASCII) for pattern in one["patterns"])
    return Allowance(one["target"], patterns, tuple(word.lower() for word in one["words"]))


def _line_of(match: re.Match[str]) -> str:
    """Return the line in which a match begins."""
    text = match.string
    end = text.find("\n", match.start())
    start = text.rfind("\n", 0, match.start()) + 1
    return text[start : end if end >= 0 else len(text)]


def _entropy(text: str) -> float:
    """Return the entropy of a text in bits a character (Shannon)."""
    counts = Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts) if text else 0.0
