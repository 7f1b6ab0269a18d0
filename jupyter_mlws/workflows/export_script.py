"""Exports a workflow as a Python script that needs neither DVC nor this package."""

from __future__ import annotations

import posixpath
import re

from mlws.document.parse import Document, Stage
from mlws.engine.graph import StageGraph

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


def script(document: Document, graph: StageGraph[Stage]) -> tuple[str, str]:
    """Return the name of the script and its text; ``graph`` is resolved, with settings."""
    stem = posixpath.basename(document.folder) or document.name
    name = (re.sub(r"[^\w-]+", "_", stem).strip("_") or "workflow") + ".py"
    title = document.name.replace("\\", " ").replace('"', "'")
    head = HEAD.format(title=title, path=document.path, name=name)
    lines = []
    folders: set[str] = set()
    for stage in map(graph.by_id.__getitem__, graph.order):
        for folder in sorted({posixpath.dirname(out) for out in stage.outs} - {"", *folders}):
            folders.add(folder)
            lines.append(f"os.makedirs({folder!r}, exist_ok=True)")
        if stage.frozen:
            lines.append(f"# {stage.id} is frozen: its results stay as they are.")
            continue
        wdir = f", {stage.wdir!r}" if stage.wdir not in ("", ".") else ""
        lines += [f"run({stage.id!r}, {command!r}{wdir})" for command in stage.commands]
    return name, head + "\n" + "\n".join(lines) + "\n"
