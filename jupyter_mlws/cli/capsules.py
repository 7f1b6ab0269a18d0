"""Commands of capsules: archives of snapshots, to reproduce them elsewhere and to publish them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jupyter_mlws.cli import capsule_views
from jupyter_mlws.cli import declared as cli
from jupyter_mlws.cli.context import CommandContext, View, prompt
from jupyter_mlws.client.local import LocalProgress
from mlws.core.errors import ProjectNotFoundError
from mlws.core.project import Project

if TYPE_CHECKING:
    from jupyter_mlws.core.schemas import Record

FILE = cli.argument("file", type=click.Path(dir_okay=False))
ZENODO = "https://zenodo.org"


@cli.command(
    "Write SNAPSHOT to the new zip archive FILE. It has code, history, data and runs, "
    "to reproduce its results elsewhere with two commands. `jupyter mlws capsule "
    "SNAPSHOT FILE` is the same.",
    FILE,
    cli.option(
        "Data in it: all, none or a path; may be repeated. Default: what is needed to reproduce, "
        "which is the data that no step makes.",
        "--data",
        metavar="all|none|PATH",
    ),
    name="capsule create",
)
def create_capsule(context: CommandContext, snapshot: str, file: str, data: Sequence[str]) -> int:
    from jupyter_mlws.capsules.manager import CHOICES, Capsules
    from jupyter_mlws.versioning.repository import Repository

    # Never by a server: the file is relative to the working directory, and may be anywhere.
    with closing(Repository(context.client.project)) as repository:
        capsule = Capsules(repository).create(
            snapshot,
            Path(os.path.normpath(context.folder / file)),
            [one if one in CHOICES else context.path(one) for one in data],
            LocalProgress(context.screen.note, context.client.ask),
        )
    return _answer(context, capsule, capsule_views.capsule)


@cli.command(
    "Unpack the capsule FILE as a project in the new folder FOLDER. Nothing of it runs.",
    FILE,
    cli.argument("folder", type=click.Path(file_okay=False)),
    cli.option("Trust the authors of the project and allow its code to run.", "--trust"),
    name="capsule open",
)
def open_capsule(context: CommandContext, file: str, folder: str, trust: bool) -> int:
    from jupyter_mlws.capsules import opening

    project = opening.open_capsule(
        context.folder / file,
        context.folder / folder,
        trust=trust,
        progress=LocalProgress(context.screen.note, None),
    )
    return _answer(context, project, capsule_views.project)


@cli.command(
    "Deposit the capsule FILE as a draft on an InvenioRDM like Zenodo. It reserves a "
    "DOI, which is added to the project's CITATION.cff. The token is asked for, or "
    "read from the standard input; it is never stored.",
    FILE,
    cli.option("URL of the InvenioRDM.", "--to", "url", default=ZENODO, show_default=True),
    cli.option("Publish the draft, which cannot be undone.", "--publish"),
    name="capsule publish",
)
def publish_capsule(context: CommandContext, file: str, url: str, publish: bool) -> int:
    from jupyter_mlws.capsules.depository import publish_capsule as deposit

    def ask_token() -> str:
        if context.can_prompt:
            return prompt(context.views.say("Token of {url}:", url=url), True)
        return sys.stdin.readline().strip()

    project = None
    with suppress(ProjectNotFoundError):
        project = Project.open(context.folder)
    result = deposit(
        context.folder / file,
        url,
        ask_token,
        project=project,
        publish=publish,
        progress=LocalProgress(context.screen.note, None),
    )
    return _answer(context, result, capsule_views.deposit)


def _answer(context: CommandContext, result: Record, view: View) -> int:
    from jupyter_mlws.core.schemas import encode_json

    return context.answer(json.loads(encode_json(result, context.language)), view)
