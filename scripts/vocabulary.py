"""Check the words that people read: ``python scripts/vocabulary.py [--list]``.

Looks at every string of the lab (``trans.__``), of the server, the command line and the Hub
(``Message``), of the components, the settings' schemas and the Hub's pages: no phrase of
``FORBIDDEN``, commands in title case, and no period at the end of a label. ``--list`` prints all of
them, a line each: file, kind, text. Also checks how the doc comments of the TypeScript code begin,
and the names of its constants.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import messages

from jupyter_mlws.components.registry import library

ROOT = Path(__file__).parent.parent
FORBIDDEN = {
    r"\bis no \w+ like\b|\bno \w+ is like\b": "No matching …",
    r"cannot be had|can't be had": "is not available",
    r"\bin vain\b": "failed",
    r"\bput(s|ting)? aside\b|\bput(s|ting)? \w+ aside\b": "stash",
    r"\bmend(s|ed|ing)?\b": "repair",
    r"\bgiv(e|es|en|ing) up\b|\bgive the \w+ up\b": "abort",
    r"\bforg(et|ets|otten|etting)\b": "remove, delete",
    r"\bby (itself|themselves)\b": "automatically",
    r"\bmay stay empty\b": "optional",
    r"\bwhoever\b|\bnobody\b|\bsomebody\b": "user",
    r"\b(is|are) gone\b": "no longer exists",
    r"\btell(s|ing)? \w+ apart\b": "classification",
    r"\b(bring|brings|brought|bringing) [\w “”%]*back\b": "restore, apply",
    r"\bcame of\b|\bled to\b|\bcome of\b": "upstream, downstream",
    r"\bin no store\b|\bno store\b": "not stored anywhere",
    r"\bdoes it answer\b": "test connection",
    r"^as it was$": "unchanged, base",
    r"\bmade again\b|\bmake(s)? (it|them) again\b": "regenerate",
    r"\bfor good\b": "permanently",
    r"\bis on no branch\b|\bon no branch\b": "detached HEAD",
    r"\bwhat is wrong\b": "problem",
    r"\bmeasures\b": "metrics",
    r"\bcolour|\bregularis|\bneighbour|\bcancelled\b": "American spelling",
}
SMALL = frozenset(
    ("a", "an", "and", "as", "at", "but", "by", "for", "from", "in", "into", "is", "nor", "of",
     "on", "or", "over", "per", "the", "to", "up", "via", "vs.", "with", "gitignore")
)  # fmt: skip
"""Words that title case leaves small, except at the start and the end."""
STRING = r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`"""
LITERAL = rf"(?:{STRING})(?:\s*\+\s*(?:{STRING}))*"
CALL = re.compile(
    rf"(?P<before>[\w-]*[:=]\s*\{{?\s*(?:\([^()]*\)\s*=>\s*)?)?[\w.]*trans\??\."
    rf"(?P<name>__|_n|_p)\(\s*(?P<one>{LITERAL})(?:\s*,\s*(?P<two>{LITERAL}))?",
    re.DOTALL,
)
DOC_COMMENT = re.compile(r"/\*\*[\s*]*(\w+)")
RELATIVES = frozenset(
    ("As", "How", "If", "That", "Those", "What", "When", "Where", "Whether", "Which", "Who",
     "Whoever", "Whose", "Why")
)  # fmt: skip
MAX_RELATIVES = 0.04
"""Largest share of doc comments that begin with one of them instead of a noun or a verb."""
CONSTANT = re.compile(
    r"^(?:export )?const "
    r"((?:FEW|LEAST|MANY|MOST)(?:_\w+)?|BEYOND|LONGEST|NEAR|ONCE|REST|TOGETHER|USELESS|USUAL|WORTH)\b",
    re.MULTILINE,
)
"""Constants that do not say what they hold, as ``MAX_ROWS`` or ``WRITE_DELAY`` do."""
LABELS = re.compile(r"^(label|title|caption|placeholder|aria-label|name)\s*[:=]")


class Text(NamedTuple):
    """A string that people read; ``kind`` is command, label or text."""

    file: str
    kind: str
    text: str


def value(literal: str) -> str:
    """The text of one or more joined string literals."""
    parts = (match.group()[1:-1] for match in re.finditer(STRING, literal))
    return re.sub(r"\\(.)", lambda match: {"n": "\n"}.get(match[1], match[1]), "".join(parts))


def of_lab() -> Iterator[Text]:
    for path in sorted((ROOT / "src").rglob("*.ts*")):
        if ".spec." in path.name or "__tests__" in path.parts:
            continue
        source = path.read_text(encoding="utf-8")
        for call in CALL.finditer(source):
            before = call["before"] or ""
            is_command = before.startswith("label:") and "commands" in path.name.lower()
            kind = "command" if is_command else "label" if LABELS.match(before) else "text"
            literals = [call["two"]] if call["name"] == "_p" else [call["one"]]
            if call["name"] == "_n":
                literals.append(call["two"])
            for literal in filter(None, literals):
                yield Text(str(path.relative_to(ROOT)), kind, value(literal))


def of_server() -> Iterator[Text]:
    for entry in chain.from_iterable(map(messages.extract, messages.SOURCES)):
        if entry.id and entry.context is None:
            yield Text(entry.locations[0][0], "text", str(entry.id))


def of_components() -> Iterator[Text]:
    for component in library():
        file = f"component {component.name}"
        yield Text(file, "label", component.title)
        yield Text(file, "text", component.description)
        for port in (*component.inputs, *component.outputs):
            yield Text(file, "text", port.description)
        for setting in component.settings.get("properties", {}).values():
            yield Text(file, "label", setting["title"])
            yield Text(file, "text", setting.get("description") or "")
            for choices in (setting, *setting.get("anyOf", ())):
                yield from (Text(file, "label", label) for label in choices.get("x-labels", ()))


def of_schemas() -> Iterator[Text]:
    def walk(file: str, part: object) -> Iterator[Text]:
        if isinstance(part, dict):
            for key, inner in part.items():
                if key in ("title", "description") and isinstance(inner, str):
                    yield Text(file, "label" if key == "title" else "text", inner)
                else:
                    yield from walk(file, inner)
        elif isinstance(part, list):
            for inner in part:
                yield from walk(file, inner)

    for path in sorted((ROOT / "schema").rglob("*.json")):
        yield from walk(str(path.relative_to(ROOT)), json.loads(path.read_text(encoding="utf-8")))


def of_pages() -> Iterator[Text]:
    for folder in ("hub_config/templates", "jupyter_mlws/hub"):
        for path in sorted((ROOT / folder).rglob("*.html")):
            source = re.sub(
                r"<(script|style).*?</\1>|\{[%{#].*?[%}#]\}", " ", path.read_text(), flags=re.S
            )
            for text in re.findall(r">([^<>]+)<", source):
                if re.search(r"[A-Za-z]{3}", text):
                    yield Text(str(path.relative_to(ROOT)), "text", " ".join(text.split()))


def texts() -> list[Text]:
    """All of them, each once a file."""
    rows = [*of_lab(), *of_server(), *of_components(), *of_schemas(), *of_pages()]
    return [row for row in dict.fromkeys(rows) if row.text]


def faults(row: Text) -> Iterator[str]:
    for pattern, instead in FORBIDDEN.items():
        match = re.search(pattern, row.text, re.IGNORECASE)
        if match:
            yield f"“{match.group()}”: say {instead}"
    # A tooltip of two sentences is no label.
    if row.kind != "text" and re.search(r"[^.]\.$", row.text) and ". " not in row.text:
        yield "a label has no period"
    if row.kind == "command":
        words = re.findall(r"[A-Za-z][\w'.-]*", row.text)
        small = [word for word in words if word[0].islower() and word not in SMALL]
        if small:
            yield f"a command is in title case: {small[0]}"


def faults_of_code() -> Iterator[str]:
    """Yield a line for each odd constant, and for each relative clause if there are too many."""
    total, relatives = 0, []
    for path in sorted((ROOT / "src").rglob("*.ts*")):
        if path.name == "schema.ts":  # Generated from the API's descriptions.
            continue
        source = path.read_text(encoding="utf-8")
        file = path.relative_to(ROOT)
        for name in CONSTANT.findall(source):
            yield f"{file}: {name}: say what the constant holds"
        words = DOC_COMMENT.findall(source)
        total += len(words)
        relatives += [f"{file}: doc comment: {word} …" for word in words if word in RELATIVES]
    if len(relatives) > total * MAX_RELATIVES:
        yield from relatives


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true")
    rows = texts()
    if parser.parse_args().list:
        for row in rows:
            print(f"{row.file}\t{row.kind}\t{row.text!r}")
        return 0
    reports = [f"{row.file}: {row.text!r}: {fault}" for row in rows for fault in faults(row)]
    reports += faults_of_code()
    print(*reports, f"{len(rows)} texts, {len(reports)} faults", sep="\n")
    return int(bool(reports))


if __name__ == "__main__":
    sys.exit(main())
