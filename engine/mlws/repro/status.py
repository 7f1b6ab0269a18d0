"""`status`: what differs from the lock files and `.dvc` files, as `dvc status` shows it."""

from __future__ import annotations

import json
import os
import posixpath
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from mlws.core.i18n import Message
from mlws.document.parse import is_url
from mlws.dvc.stages import Cause, Change
from mlws.repro.backend import RepositoryBackend
from mlws.repro.checks import check
from mlws.repro.console import Console, Ending, reporting
from mlws.repro.options import StageOptions, StatusOptions
from mlws.repro.repository import Node, Repository
from mlws.repro.targets import select

EXIT_CHANGES = 1
STATE_WIDTH = 20
"""Characters of a state in the output, with the spaces after it."""
EMPTY = Message(
    "There are no data or pipelines tracked in this project yet.\n"
    "See <https://dvc.org/doc/start> to get started!"
)


def run(folder: Path, language: str, options: StatusOptions, *, as_json: bool = False) -> int:
    """Print the status of a folder's repository; return the exit code."""
    ending = Ending()
    with reporting(ending, language):
        repository, here = Repository.find(folder)
        check(repository.graph)
        console = Console(language, here, live=True, quiet=options.quiet or as_json)
        nodes = list(repository.nodes.values())
        if options.targets:
            nodes = select(repository, options.targets, here, recursive=options.recursive)
        if options.with_deps:
            names = repository.graph.required([node.id for node in nodes])
            nodes = [node for node in repository.nodes.values() if node.id in names]
        # DVC's own code finds files and names them from there.
        os.chdir(repository.root)
        with closing(RepositoryBackend(repository, StageOptions(), console)) as backend:
            status = {
                node.address(here): entries
                for node in nodes
                if (entries := list(_iter_entries(node, backend, here, console)))
            }
        if as_json:
            click.echo(json.dumps(status, ensure_ascii=False))
        elif options.quiet:
            ending.code = EXIT_CHANGES if status else 0
        elif status:
            for line in _iter_lines(status, ""):
                click.echo(line)
        elif repository.nodes:
            console.say(Message("Data and pipelines are up to date."))
        else:
            console.say(EMPTY)
    return ending.code


def _iter_entries(
    node: Node, backend: RepositoryBackend, folder: str, console: Console
) -> Iterator[Any]:
    """Yield the entries of a node, in the form of ``dvc status --json``."""
    if node.frozen:
        console.warn(
            Message(
                "stage: '{stage}' is frozen. Its dependencies are not going to be shown in the "
                "status output."
            ),
            node,
        )
    changes = backend.differences(node)
    for key, causes in (
        ("changed deps", (Cause.DEPENDENCY, Cause.PARAMETER)),
        ("changed outs", (Cause.OUTPUT,)),
    ):
        states = _states((change for change in changes if change.cause in causes), folder)
        if states:
            yield {key: states}
    if any(change.cause is Cause.ALWAYS for change in changes):
        yield "always changed"
    if any(change.cause is Cause.COMMAND for change in changes):
        yield "changed command" if node.name else "changed checksum"


def _states(changes: Iterable[Change], folder: str) -> dict[str, Any]:
    """Return the state of each path; those of the parameters of a file in a mapping."""
    states: dict[str, Any] = {}
    for change in changes:
        path = change.file or change.name
        if not is_url(path):
            path = posixpath.relpath(path, folder or ".")
        if change.file:
            states.setdefault(path, {})[change.name] = change.state
        else:
            states[path] = change.state
    return states


def _iter_lines(status: Any, indent: str) -> Iterator[str]:
    if isinstance(status, str):
        yield f"{indent}{status}"
    elif isinstance(status, list):
        for entry in status:
            yield from _iter_lines(entry, indent)
    else:
        for key, value in status.items():
            if isinstance(value, str):
                yield f"{indent}{f'{value}:':{STATE_WIDTH}}{key}"
            else:
                yield f"{indent}{key}:"
                yield from _iter_lines(value, f"{indent}\t")
