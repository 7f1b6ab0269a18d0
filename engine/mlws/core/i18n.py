"""Messages in the user's language.

A message is written in English where it arises and translated where it is shown. The catalogue is
gettext's: ``make messages`` extracts what ``Message(…)`` and ``say(…)`` hold into the ``.po`` file
of their package.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

ENGLISH = "en"
CHINESE = "zh-CN"
TERM = "term"
"""The context of entries that are values of facts, see :func:`term`."""
TERM_FACTS = (
    "action",
    "cause",
    "column_type",
    "exit_code",
    "kind",
    "needed",
    "operation",
    "other_type",
    "resource",
    "resource_type",
    "role",
)
"""Facts whose values are terms of ours: programs get the English one, sentences their own."""

TERMS = (
    "CACHED",
    "CANCELLED",
    "COMPLETED",
    "FAILED",
    "INTERRUPTED",
    "PENDING",
    "QUEUED",
    "RESTORED",
    "RUNNING",
    "SKIPPED",
    "added",
    "added_by_them",
    "added_by_us",
    "alias",
    "am",
    "bisect",
    "boolean",
    "both_added",
    "both_deleted",
    "both_modified",
    "branch",
    "cache",
    "cached",
    "cell",
    "change",
    "changed",
    "checkout",
    "cherry-pick",
    "code",
    "code cell",
    "column",
    "commit",
    "conflict",
    "conflicted",
    "cpu",
    "damaged",
    "data",
    "data remote",
    "dataset",
    "date",
    "delete",
    "deleted",
    "deleted_by_them",
    "deleted_by_us",
    "environment",
    "error",
    "execute",
    "execution",
    "fast_forward",
    "fetch",
    "file",
    "file or run",
    "frozen",
    "git",
    "gpu",
    "group",
    "integer",
    "library",
    "live resizing",
    "memory",
    "merge",
    "merged",
    "missing",
    "model",
    "model version",
    "modified",
    "node",
    "none: its worker was lost repeatedly",
    "not_pulled",
    "notebook",
    "number",
    "out of memory",
    "output",
    "owner",
    "page",
    "plot",
    "project",
    "pull",
    "query",
    "question",
    "read",
    "reader",
    "ready",
    "rebase",
    "recovery",
    "remote",
    "renamed",
    "reordering the queue",
    "reproduction",
    "reservations",
    "restorable",
    "restore",
    "revert",
    "run",
    "safety copy",
    "save state",
    "saving environments",
    "script",
    "shell",
    "snapshot",
    "snapshot or run",
    "stash",
    "sweep",
    "table",
    "tag",
    "text",
    "time",
    "unchanged",
    "unlocked",
    "unrecorded",
    "untracked",
    "up_to_date",
    "use",
    "user",
    "variable",
    "variant",
    "version",
    "view",
    "workflow",
    "workspace",
    "write",
    "writer",
)
"""All of them, and the states that the command line shows."""


class Message:
    """A text with ``{fact}`` fields. Facts that are messages themselves are translated with it."""

    __slots__ = ("facts", "text")

    def __init__(self, text: str, /, **facts: Any) -> None:
        self.text = text
        self.facts = facts

    @classmethod
    def verbatim(cls, text: str) -> Message:
        """A text of another program, which is shown as it is."""
        return cls("{text}", text=text)

    @classmethod
    def parse(cls, data: Any) -> Message:
        """Return the message that :meth:`as_dict` stored."""
        return cls(data["text"], **{key: parse_fact(fact) for key, fact in data["facts"].items()})

    def as_dict(self) -> dict[str, Any]:
        """The message as JSON, to be translated later."""
        return {
            "text": self.text,
            "facts": {key: store_fact(fact) for key, fact in self.facts.items()},
        }

    def fill(self, **facts: Any) -> Message:
        """Return the same text with more facts; a field without a fact stays as written."""
        return Message(self.text, **{**self.facts, **facts})

    def in_(self, language: str) -> str:
        """The text in ``language``; English where there is no translation."""
        text = _translation(language).get(self.text, self.text)
        if not self.facts:
            return text
        facts = _Facts(self.facts)
        for key, fact in facts.items():
            if isinstance(fact, Message):
                facts[key] = fact.in_(language)
            elif key in TERM_FACTS and isinstance(fact, str):
                facts[key] = term(fact, language)
        return text.format_map(facts)

    @property
    def en(self) -> str:
        """The text in English, for logs and programs."""
        return self.in_(ENGLISH)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """A string to clients, in the language of the serialization context."""
        # Lazy: the command line starts without pydantic.
        from pydantic_core import core_schema

        text = core_schema.str_schema()
        verbatim = core_schema.no_info_after_validator_function(cls.verbatim, text)
        return core_schema.json_or_python_schema(
            json_schema=verbatim,
            python_schema=core_schema.union_schema([core_schema.is_instance_schema(cls), verbatim]),
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda message, info: message.in_(context_language(info)),
                info_arg=True,
                return_schema=text,
                when_used="json",
            ),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and (self.text, self.facts) == (other.text, other.facts)

    def __hash__(self) -> int:
        return hash(self.en)

    def __str__(self) -> str:
        return self.en

    def __repr__(self) -> str:
        return f"Message({self.en!r})"


class _Facts(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def environment_language(environment: Mapping[str, str]) -> str:
    """The language of the user's locale; English for every one but Chinese."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name):
            return CHINESE if environment[name].lower().startswith("zh") else ENGLISH
    return ENGLISH


def preferred_language(header: str) -> str:
    """Return the supported language that an ``Accept-Language`` header prefers.

    Quality values are respected; the default is English.
    """
    candidates = []
    for position, part in enumerate(header.split(",")):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            weight = 0.0
        if weight > 0:
            candidates.append((-weight, position, tag))
    for _, _, tag in sorted(candidates):
        if tag.lower().startswith(("zh", "en")):
            return CHINESE if tag.lower().startswith("zh") else ENGLISH
    return ENGLISH


def context_language(info: Any) -> str:
    """The language of the context of a model's serialization; English without."""
    return str((info.context or {}).get("language", ENGLISH))


def translate(data: Any, language: str) -> Any:
    """``data`` with the messages in its dicts and lists as texts in ``language``."""
    if isinstance(data, Message):
        return data.in_(language)
    if isinstance(data, Mapping):
        return {key: translate(value, language) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [translate(value, language) for value in data]
    return data


def term(text: str, language: str) -> str:
    """A value such as “snapshot” or “out of memory” in ``language``."""
    return _translation(language).get((TERM, text), text)


def store_fact(fact: Any) -> Any:
    """A fact as JSON; :func:`parse_fact` reads it."""
    return fact.as_dict() if isinstance(fact, Message) else fact


def parse_fact(fact: Any) -> Any:
    is_message = isinstance(fact, Mapping) and fact.keys() == {"text", "facts"}
    return Message.parse(fact) if is_message else fact


def catalogue(package: Path) -> Path:
    """Return the Chinese catalogue in the folder of a package, which has its name."""
    return package / "locale" / "zh_CN" / "LC_MESSAGES" / f"{package.name}.po"


_catalogues = [catalogue(Path(__file__).parents[1])]


def add_catalogue(package: Path) -> None:
    """Translate the messages of another package too."""
    _catalogues.append(catalogue(package))
    _chinese.cache_clear()


def _translation(language: str) -> Mapping[Any, str]:
    return _chinese() if language.lower().startswith("zh") else {}


@cache
def _chinese() -> Mapping[Any, str]:
    # Most people read English, and it takes a moment.
    import polib

    texts: dict[Any, str] = {}
    for path in _catalogues:
        # Titles of components and settings are in the lab's catalogue.
        lab = path.with_suffix(".json")
        if lab.exists():
            entries = json.loads(lab.read_text(encoding="utf-8"))
            texts |= {text: forms[0] for text, forms in entries.items() if text}
        for entry in polib.pofile(str(path)):
            if entry.msgstr:
                texts[(entry.msgctxt, entry.msgid) if entry.msgctxt else entry.msgid] = entry.msgstr
    return texts
