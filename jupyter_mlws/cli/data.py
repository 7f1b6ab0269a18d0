"""Commands of data: datasets, remotes and disk usage."""

from __future__ import annotations

import sys
from getpass import getpass
from typing import Any

import click

from jupyter_mlws.api.client import segment
from jupyter_mlws.cli import data_views, snapshot_views
from jupyter_mlws.cli import declared as cli
from jupyter_mlws.cli.context import EXIT_FAILURE, EXIT_SUCCESS, CommandContext, UsageFaultError
from jupyter_mlws.client.project import dataset_address
from mlws.core.errors import MLWSError

MAX_DATASETS = 10_000
"""Maximum number of datasets in a list."""
MAX_FILES = 500
"""Maximum number of files in a comparison."""
CREDENTIAL_FIELDS = {"s3": ("access_key_id", "secret_access_key"), "ssh": ("password",)}
"""Credentials to prompt for, by the protocol of a URL."""


@cli.command(
    "List tracked data.",
    cli.option("Filter by text in the path.", "-q", "--query"),
    name="data list",
    has_wide=True,
)
def list_data(context: CommandContext, query: str | None) -> int:
    rows = context.client.list("datasets", MAX_DATASETS, {"q": query})
    return context.answer(rows, data_views.datasets)


@cli.command("Track PATH as data, or record its current content.", name="data add")
def add_data(context: CommandContext, path: str) -> int:
    dataset = context.client.post("datasets", {"path": context.path(path)})
    return context.answer_one(dataset, data_views.datasets)


@cli.command(
    "Download URL to PATH and track it.",
    cli.option("Do not record the URL.", "--no-link"),
    name="data import",
)
def import_data(context: CommandContext, url: str, path: str, no_link: bool) -> int:
    request = {"url": url, "path": context.path(path), "link": not no_link}
    return context.answer_one(context.follow("datasets/import", request), data_views.datasets)


@cli.command("List the versions of PATH.", name="data show")
def show_data(context: CommandContext, path: str) -> int:
    dataset = context.client.get(dataset_address(context.path(path)))
    return context.answer(dataset, data_views.dataset)


@cli.command(
    "Compare versions of PATH: tables row by row, others by file. From START "
    "(default: recorded) to END (default: working tree). Tables are CSV, TSV, "
    "Parquet, JSON lines and Excel files, also in git.",
    cli.argument("start", shell_complete=cli.complete_snapshot),
    cli.argument("end", shell_complete=cli.complete_snapshot),
    cli.option("Compare file by file, also a table.", "--files"),
    cli.option(
        "Rows of a table to show.",
        "--limit",
        type=click.IntRange(0, 1000),
        default=100,
        show_default=True,
    ),
    cli.option("Only rows of a table in which this column differs.", "--column"),
    name="data diff",
)
def diff_data(
    context: CommandContext,
    path: str,
    start: str | None,
    end: str | None,
    files: bool,
    limit: int,
    column: str | None,
) -> int:
    # Its module takes milliseconds of each command.
    from jupyter_mlws.workflows.table_diff import is_table

    if is_table(path) and not files:
        query = {
            "path": context.path(path),
            "from": start or "HEAD",
            "to": end,
            "limit": limit,
            "column": column,
        }
        change = context.client.get("git/diff/table", query)
        context.answer(change, data_views.table_diff)
        return EXIT_FAILURE if change["problem"] else EXIT_SUCCESS
    address = f"{dataset_address(context.path(path))}/diff"
    query = {"from": start, "to": end, "limit": MAX_FILES}
    return context.answer(context.client.get(address, query), data_views.diff)


@cli.command(
    "Print the table FILE as lines of text. FILE is a Parquet, Excel, CSV or JSON "
    "lines file, or a .dvc file that names one.",
    cli.argument("file"),
    name="data textconv",
)
def print_table(context: CommandContext, file: str) -> int:
    from jupyter_mlws.workflows.table_text import table_text
    from mlws.core.project import Project

    try:
        root = Project.open(context.folder).root
    except MLWSError:
        root = None
    # As git reads it: in UTF-8, without colors or wrapped lines.
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    sys.stdout.writelines(f"{line}\n" for line in table_text(context.folder / file, root))
    return EXIT_SUCCESS


@cli.command(
    "Let git diff and git log -p show tables row by row. Tables are Parquet, Excel "
    "and .dvc files. Holds for this clone only: changes .git/config and "
    ".git/info/attributes.",
    cli.option("Turn it on.", "--install"),
    cli.option("Turn it off.", "--remove"),
    name="data git-diff",
)
def show_in_git(context: CommandContext, install: bool, remove: bool) -> int:
    from jupyter_mlws.git.adapter import Git
    from jupyter_mlws.workflows import table_text

    if install == remove:
        raise UsageFaultError(context.views.say("Specify either --install or --remove."))
    git = Git(context.client.project.root)
    file = table_text.install(git) if install else table_text.remove(git)
    return context.answer({"attributes": str(file), "is_on": install}, data_views.git_diff)


@cli.command(
    "Verify every object of PATH in the cache, and check the remote.",
    cli.option("Version to verify (a snapshot or a hash).", "--version"),
    cli.option(
        "How to check the remote: ask for each object, read each object, or not at all (none).",
        "--remote",
        type=click.Choice(["ask", "read", "none"]),
        default="ask",
        show_default=True,
    ),
    name="data verify",
)
def verify_data(context: CommandContext, path: str, version: str | None, remote: str) -> int:
    address = f"{dataset_address(context.path(path))}/verify"
    report = context.follow(address, {"remote": remote, "version": version})
    context.answer(report, data_views.verification_report)
    return EXIT_SUCCESS if report["whole"] else EXIT_FAILURE


@cli.command("Restore PATH to VERSION (a snapshot or a hash).", name="data checkout")
def checkout_data(context: CommandContext, path: str, version: str) -> int:
    address = f"{dataset_address(context.path(path))}/checkout"
    return context.answer(context.follow(address, {"version": version}), snapshot_views.restored)


@cli.command("Push PATH to its remote.", name="data push")
def push_data(context: CommandContext, path: str) -> int:
    response = context.follow(f"{dataset_address(context.path(path))}/push")
    return context.answer_one(response, data_views.data_transfers)


@cli.command("Pull PATH, or all data that was not pulled yet.", name="data pull")
def pull_data(context: CommandContext, path: str | None) -> int:
    if path is not None:
        response = context.follow(f"{dataset_address(context.path(path))}/pull")
        return context.answer_one(response, data_views.data_transfers)
    pulled = context.follow("datasets/pull")
    return context.answer(pulled["items"], data_views.data_transfers)


@cli.command("Show the disk usage of data.", name="data storage")
def storage(context: CommandContext) -> int:
    return context.answer(context.client.get("datasets/storage"), data_views.storage)


@cli.command(
    "Show unused data in the cache; with --confirm, delete it. Data is unused if no "
    "branch, tag, stash, run or pending snapshot uses it.",
    cli.option("Delete the data permanently.", "--confirm"),
    name="data gc",
)
def collect(context: CommandContext, confirm: bool) -> int:
    return context.answer(context.follow("datasets/gc", {"confirm": confirm}), data_views.gc_result)


@cli.command(
    "List data remotes, test NAME, or set NAME to URL. The URL is a folder, "
    "s3://BUCKET/PATH or ssh://HOST/PATH.",
    cli.option("Remove NAME.", "-d", "--delete"),
    cli.option("Make it the default remote.", "--default", is_flag=True),
    cli.option("Prompt for keys or a password (stored on this machine only).", "--credentials"),
    cli.option("S3: endpoint URL of another server.", "--endpoint-url"),
    cli.option("S3: region.", "--region"),
    cli.option("S3: AWS profile.", "--profile"),
    cli.option("SSH: user name.", "--user"),
    cli.option("SSH: port.", "--port", type=click.IntRange(1, 65535)),
    cli.option("SSH: private key file.", "--keyfile"),
    name="data remote",
)
def remote(
    context: CommandContext,
    name: str | None,
    url: str | None,
    delete: bool,
    credentials: bool,
    **options: Any,
) -> int:
    if name is None:
        return context.answer(context.client.list("datasets/remotes"), data_views.remotes)
    address = f"datasets/remotes/{segment(name)}"
    if delete:
        return context.answer_one(context.client.delete(address), data_views.remotes)
    settings = {key: value for key, value in options.items() if value not in (None, False)}
    if url is None:
        if settings or credentials:
            raise UsageFaultError(context.views.say("Specify the URL of the remote as well."))
        answer = context.client.post(f"{address}/check", {})
        return context.answer(answer, data_views.reachable)
    if credentials:
        names = CREDENTIAL_FIELDS.get(url.partition("://")[0])
        if names is None:
            raise UsageFaultError(context.views.say("Folder remotes do not use credentials."))
        # Prompted without echo: command lines end up in histories and notebooks.
        settings.update({name: getpass(f"{name}: ") for name in names})
    new_remote = context.client.put(address, {"url": url, **settings})
    return context.answer_one(new_remote, data_views.remotes)
