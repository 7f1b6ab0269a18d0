"""A workflow as a Python script that needs neither DVC nor this package's engine."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from jupyter_mlws.engine.graph import topological_order
from jupyter_mlws.workflows.document.parse import Document, Stage

HEAD = '''\
"""{title}: the nodes of {path}, one after the other.

Run it in the project's folder: python {name}
"""

import os
import subprocess


def run(node, command, folder="."):
    """Run the command of a node in a folder; stop where it fails."""
    print(f"== {{node}}", flush=True)
    subprocess.run(command, shell=True, check=True, cwd=folder)

'''


def script(document: Document, stages: Sequence[Stage]) -> tuple[str, str]:
    """Return the name of the script and its text; ``stages`` are resolved, with their settings."""
    stem = posixpath.basename(document.folder) or document.name
    name = (re.sub(r"[^\w-]+", "_", stem).strip("_") or "workflow") + ".py"
    title = document.name.replace("\\", " ").replace('"', "'")
    head = HEAD.format(title=title, path=document.path, name=name)
    return name, head + "\n" + "\n".join(_lines(topological_order(stages))) + "\n"


def _lines(stages: Sequence[Stage]) -> Iterator[str]:
    folders: set[str] = set()
    for stage in stages:
        for folder in sorted({posixpath.dirname(out) for out in stage.outs} - {"", *folders}):
            folders.add(folder)
            yield f"os.makedirs({folder!r}, exist_ok=True)"
        if stage.frozen:
            yield f"# {stage.id} is frozen: its results stay as they are."
            continue
        for command in stage.commands:
            folder = f", {stage.wdir!r}" if stage.wdir not in ("", ".") else ""
            yield f"run({stage.id!r}, {command!r}{folder})"
