"""Commands of the group `pages`: runs, reports and notebooks as HTML files, or shared by a link."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import click

from jupyter_mlws.api.client import segment
from jupyter_mlws.cli import declared as cli
from jupyter_mlws.cli.commands import run_id
from jupyter_mlws.cli.console import Block, Cell, Table, Tone, line
from jupyter_mlws.cli.context import CommandContext, UsageFaultError
from jupyter_mlws.cli.views import JSON, Views, short_when_of
from jupyter_mlws.core.errors import HubUnavailableError
from mlws.core.errors import Fault, InvalidRequestError
from mlws.core.i18n import Message

SOURCE = cli.argument("source", metavar="SOURCE")
HOST = "JUPYTERHUB_PUBLIC_HUB_URL"
"""Variable with the address of the Hub, where the Hub knows it."""


@cli.command(
    "Write SOURCE as one HTML file, which runs and loads nothing. SOURCE is a run, a notebook "
    "(.ipynb), or BASE..HEAD for a report.",
    SOURCE,
    cli.option("Write to FILE.", "-o", "--output", metavar="FILE", type=click.Path(dir_okay=False)),
    name="pages save",
)
def save_page(context: CommandContext, source: str, output: str | None) -> int:
    page = context.client.post("pages/export", _source(context, source))
    file: str = output or page["file"]
    if output is None and (context.folder / file).exists():
        reason = Message("{path} exists; choose another name", path=file)
        raise InvalidRequestError(faults=[Fault("output", reason)])
    context.write(file, page["html"])
    return context.answer(
        {"path": os.fspath(context.folder / file), "title": page["title"]},
        lambda views, _: [line(views.say("Wrote {path}.", path=file))],
    )


@cli.command(
    "Share SOURCE as a page of the Hub, until a date. Readers are the members of a "
    "shared project or of a group, or everybody who has the link. SOURCE is as in "
    "`pages save`.",
    SOURCE,
    cli.option("For the members of a shared project.", "--project", metavar="NAME"),
    cli.option("For the members of a group of the Hub.", "--group", metavar="NAME"),
    cli.flag("For everybody who has the link; needs --until.", "--anyone"),
    cli.option(
        "Last day on which the page can be read.",
        "--until",
        metavar="YYYY-MM-DD",
        type=click.DateTime(["%Y-%m-%d"]),
    ),
    name="pages share",
)
def share_page(
    context: CommandContext,
    source: str,
    project: str | None,
    group: str | None,
    anyone: bool,
    until: datetime | None,
) -> int:
    audiences = {"project": project, "group": group, "link": "" if anyone else None}
    chosen = [(kind, name) for kind, name in audiences.items() if name is not None]
    if len(chosen) != 1:
        raise UsageFaultError(context.views.say("Use one of --project, --group and --anyone."))
    ((audience, name),) = chosen
    body = {**_source(context, source), "audience": audience, "name": name}
    if until is not None:
        body["expires"] = (until + timedelta(days=1)).astimezone().isoformat()
    return context.answer_one(context.client.post("pages/share", body), _shared_pages)


@cli.command(
    "List the pages that you share. Those of shared projects that you own are among them.",
    name="pages list",
)
def list_pages(context: CommandContext) -> int:
    return context.answer(_ask("get", "pages")["items"], _shared_pages)


@cli.command("Stop sharing the page ID.", cli.argument("page", metavar="ID"), name="pages revoke")
def revoke_page(context: CommandContext, page: str) -> int:
    _ask("delete", f"pages/{segment(page)}")
    return context.answer_one(
        {"page": page}, lambda views, rows: [line(views.say("The page is no longer shared."))]
    )


def _source(context: CommandContext, source: str) -> dict[str, str]:
    if ".." in source and Path(source).suffix != ".ipynb":
        return {"kind": "report", "source": source}
    if source.endswith(".ipynb"):
        return {"kind": "notebook", "source": context.path(source)}
    return {"kind": "run", "source": run_id(context.client, source)}


def _ask(verb: str, path: str) -> JSON:
    from jupyter_mlws.containers.manager import hub_service

    service = hub_service()
    if service is None:
        raise HubUnavailableError()
    answer: JSON = service.ask(verb, path)
    return answer


def _shared_pages(views: Views, rows: Sequence[JSON]) -> list[Block]:
    """Render shared pages with their readers and addresses."""
    if not rows:
        return [line(views.say("No shared pages."), Tone.FAINT)]
    cells = []
    for row in rows:
        readers = {
            "link": views.say("everybody with the link"),
            "group": views.say("group {name}", name=row["name"]),
            "project": views.say("project {name}", name=row["name"]),
        }
        until = short_when_of(row["expires"]) if row["expires"] else ""
        url = row["url"]
        if url.startswith("/"):
            url = os.environ.get(HOST, "").partition("/hub/")[0] + url
        cells.append(
            [
                Cell(row["title"], Tone.STRONG),
                Cell(readers[row["audience"]]),
                Cell(until),
                Cell(url),
                Cell(row["id"], Tone.FAINT),
            ]
        )
    titles = ["Page", "Readers", "Until", "Link", "ID"]
    return [Table([views.say(title) for title in titles], cells)]
