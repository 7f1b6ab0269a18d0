"""The commands that take a snapshot, a run or a file by its name: `show` and `open`."""

from __future__ import annotations

import os
import subprocess
import sys
import webbrowser
from pathlib import Path
from urllib.parse import quote, urlencode, urljoin

from jupyter_mlws.api.client import RemoteError, segment
from jupyter_mlws.cli import declared as cli
from jupyter_mlws.cli import run_views, snapshot_views
from jupyter_mlws.cli.commands import run_id
from jupyter_mlws.cli.console import line
from jupyter_mlws.cli.context import CommandContext, UsageFaultError
from jupyter_mlws.cli.runs import get_detail
from jupyter_mlws.client.project import HTTPTransport, find_transport
from jupyter_mlws.core.errors import VersionItemNotFoundError
from mlws.core.errors import MLWSError, OutsideWorkspaceError
from mlws.core.project import Project

RUN_PARAMETER, PROJECT_PARAMETER = "mlws-run", "mlws-project"
"""The parameters of the address of a run, as in src/experiments/actions.ts."""
PUBLIC_URL = "JUPYTERHUB_PUBLIC_URL"
"""The variable in which a Hub names the address of a person's server."""


@cli.command(
    "Show a snapshot and its changes, or a run. "
    "WHAT is the ID, branch or tag of a snapshot, or the ID or name of a run, or latest.",
    cli.argument("what", default="HEAD", shell_complete=cli.complete_item),
)
def show(context: CommandContext, what: str) -> int:
    try:
        snapshot = context.client.get(f"snapshots/{segment(what)}")
    except (MLWSError, RemoteError) as error:
        if error.as_dict(context.language)["code"] != VersionItemNotFoundError.code:
            raise
        try:
            return context.answer(get_detail(context, what), run_views.run)
        except VersionItemNotFoundError:
            raise VersionItemNotFoundError(kind="snapshot or run", name=what) from error
    parents = snapshot["parents"]
    query = {"from": parents[0] if parents else None, "to": snapshot["id"]}
    changes = context.client.get("snapshots/diff", query) if parents else {}
    return context.answer({**snapshot, "diff": changes}, snapshot_views.snapshot)


@cli.command(
    "Open the project in JupyterLab, at a file or a run. "
    "WHAT is a file, a folder, or the ID or name of a run, or latest. "
    "If no server of the project is running, one is started.",
    cli.argument("what", default=".", shell_complete=cli.complete_item),
    cli.option("Only print the address.", "--print", "is_printed"),
    name="open",
)
def open_item(context: CommandContext, what: str, is_printed: bool) -> int:
    project = Project.open(context.folder)
    transport = find_transport(project, context.folder, context.language)
    address = find_address(context, what, project, transport)
    if transport is None:
        if is_printed or context.as_json:
            text = context.views.say(
                "No server of this project is running. To start one: jupyter mlws open"
            )
            raise UsageFaultError(text)
        options = [f"--ServerApp.root_dir={project.root}", f"--LabApp.default_url=/{address}"]
        return subprocess.run(
            [sys.executable, "-m", "jupyterlab", *options], check=False
        ).returncode
    # The browser has the server's cookie, or asks for the token: that is in no address.
    url = urljoin(os.environ.get(PUBLIC_URL) or transport.server.url, address)
    if not (is_printed or context.as_json):
        webbrowser.open(url)
    return context.answer({"url": url}, lambda _, data: [line(data["url"])])


def find_address(
    context: CommandContext, what: str, project: Project, transport: HTTPTransport | None
) -> str:
    """Return the address of a file, folder or run below that of its server.

    Raises VersionItemNotFoundError, OutsideWorkspaceError for a file that the server does not show.
    """
    root = transport.server.root if transport else project.root
    path = Path(os.path.normpath(context.folder / what))
    if path.exists():
        if path == root:
            return "lab"
        if root not in path.parents:
            raise OutsideWorkspaceError(path=what)
        return f"lab/tree/{quote(path.relative_to(root).as_posix())}"
    try:
        run = run_id(context.client, what)
    except VersionItemNotFoundError as error:
        raise VersionItemNotFoundError(kind="file or run", name=what) from error
    names = {RUN_PARAMETER: run, PROJECT_PARAMETER: transport.project if transport else "."}
    return f"lab?{urlencode(names)}"
