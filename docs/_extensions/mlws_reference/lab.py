"""Settings, commands and keyboard shortcuts of the lab extension, from its schemas and sources."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jupyter_mlws.reference.markdown import code, escape, join, table, translate
from jupyter_mlws.reference.pages import values_of

ROOT = Path(__file__).parents[3]
STRING = r"'((?:[^'\\]|\\.)*)'"
COMMAND_ID = re.compile(r"const (\w+) =\s*'((?:mlws|workflow):[\w-]+)'")
NAME = r"(?:'(?:mlws|workflow):[\w-]+'|\b[A-Z]\w*IDs\.\w+|\b[A-Z]{3,})(?::|,)\s*\{"
LABEL = re.compile(
    # No other command begins before the label.
    rf"(?P<name>{NAME})(?:(?!{NAME}).)*?\blabel:(?P<label>.*?)(?:,\n|\}})",
    re.DOTALL,
)
PLACES = {
    ".jp-mlws-Canvas:focus-within": "on the canvas",
    ".jp-mlws-Workflow": "in the tab of a workflow",
    ".jp-mlws-CommitBox": "in the commit box",
    ".jp-mlws-Change:focus": "on a row of Changes",
    ".jp-mlws-SideBySide": "in a side-by-side diff",
    ".jp-Notebook": "in a notebook",
}
COLUMNS = ("Setting", "Values", "Default", "Description")
HIDDEN = frozenset(("toolbar",))
"""Settings that JupyterLab itself describes."""


def _schemas() -> Iterator[dict[str, Any]]:
    for path in sorted((ROOT / "schema").rglob("*.json")):
        yield json.loads(path.read_text(encoding="utf-8")) | {"id": path.stem}


def settings(language: str) -> str:
    """Return the settings in JupyterLab's settings editor."""
    parts = []
    for schema in _schemas():
        properties = {
            name: value
            for name, value in schema.get("properties", {}).items()
            if name not in HIDDEN
        }
        if not properties:
            continue
        parts += [
            f"### {escape(translate(schema['title'], language))}",
            f"`jupyter-mlws:{schema['id']}`: {escape(translate(schema['description'], language))}",
            table(
                [
                    translate(text, language)
                    for text in ("Setting", "Values", "Default", "Description")
                ],
                [
                    (
                        code(name),
                        values_of(value, language),
                        code(json.dumps(value.get("default"), ensure_ascii=False)),
                        f"**{escape(translate(value['title'], language))}.** "
                        + escape(translate(value.get("description", ""), language)),
                    )
                    for name, value in properties.items()
                ],
            ),
        ]
    return join(parts)


def shortcuts(language: str) -> str:
    """Return the keyboard shortcuts, each with its command."""
    labels = command_labels()
    rows = []
    for schema in _schemas():
        for shortcut in schema.get("jupyter.lab.shortcuts", ()):
            keys = " ".join(shortcut["keys"]).replace("Accel", "Ctrl")
            place = translate(PLACES[shortcut["selector"]], language)
            label = escape(translate(labels[shortcut["command"]], language))
            rows.append((place, f"{{kbd}}`{keys}`", label, code(shortcut["command"])))
    columns = ("Where", "Keys", "Command", "Name")
    return table([translate(text, language) for text in columns], sorted(rows))


def commands(language: str) -> str:
    """Return the commands of the lab, which menus, the palette and extensions call."""
    return table(
        [translate(text, language) for text in ("Command", "Name")],
        [
            (escape(translate(label, language)), code(name))
            for name, label in sorted(command_labels().items())
        ],
    )


@cache
def command_labels() -> dict[str, str]:
    """Return the label of each command by its name; of several the last, which needs no state."""
    sources = [
        path.read_text(encoding="utf-8")
        for path in sorted((ROOT / "src").rglob("*.ts*"))
        if ".spec." not in path.name
    ]
    names = {}
    for source in sources:
        for match in re.finditer(r"namespace (\w+) \{(.*?)\n\}", source, re.DOTALL):
            for constant, name in COMMAND_ID.findall(match[2]):
                names[f"{match[1]}.{constant}"] = name
    labels = {}
    for source in sources:
        of_file = names | dict(COMMAND_ID.findall(source))
        for match in LABEL.finditer(source):
            name = match["name"].rstrip("{ ,:\n").strip("'")
            name = of_file.get(name, name)
            texts = re.findall(rf"trans\.__\(\s*{STRING}", match["label"])
            if texts and ":" in name:
                labels[name] = texts[-1].replace("\\'", "'")
    return labels
