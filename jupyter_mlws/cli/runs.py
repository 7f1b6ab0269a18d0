"""Commands of the group `runs`: list, show, change and delete runs."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from functools import partial

from jupyter_mlws.api.client import segment
from jupyter_mlws.cli import declared as cli
from jupyter_mlws.cli import run_views
from jupyter_mlws.cli.commands import resolve_run, run_id, workflow_of
from jupyter_mlws.cli.console import Tone, line
from jupyter_mlws.cli.context import EXIT_FAILURE, CommandContext, UsageFaultError
from jupyter_mlws.client.project import JSON, Origin
from jupyter_mlws.core.errors import VersionItemNotFoundError
from jupyter_mlws.versioning.experiments.ranking import Mode, guess_mode

MLFLOW_ORDER = re.compile(r"^(metrics|params|tags|attributes)\.|(?i:\s(asc|desc)$)")
"""An order that needs no look at the names of metrics."""
STANDARD_INPUT = "-"
UNDO = cli.option("Undo it.", "--undo")


@cli.command(
    "List runs with their metrics, or only those of FILE.",
    cli.argument("file", shell_complete=cli.complete_workflow),
    cli.option(
        "MLflow search expression, e.g. \"metrics.acc > 0.9 and params.kind = 'forest'\".",
        "-f",
        "--filter",
    ),
    cli.NAME_QUERY,
    cli.option(
        "Metric to sort by, best first, or another column, e.g. `params.depth ASC`.",
        "-s",
        "--sort",
        metavar="COLUMN",
    ),
    cli.flag("Include the runs of nodes.", "--nested"),
    cli.flag("Include archived runs.", "--archived"),
    cli.flag("Only runs with a star.", "--starred"),
    cli.flag("Only runs that were deleted.", "--deleted"),
    cli.NUMBER,
    name="runs list",
    has_wide=True,
)
def list_runs(
    context: CommandContext,
    file: str | None,
    number: int,
    filter: str | None,  # noqa: A002  the option's own name
    query: str | None,
    sort: Sequence[str],
    **flags: bool,
) -> int:
    workflow = workflow_of(context, [file])[0] if file else None
    order = [_sort_order(context, text) for text in sort]
    parameters = {"sort": order, "workflow": workflow, **flags}
    parameters |= {"filter": filter or None, "q": query or None}
    items = context.client.list("runs", number, parameters)
    migration = None if items else context.client.get("runs/columns")["migration"]
    return context.answer(
        items, partial(run_views.runs, wide=context.is_wide, sort=order, migration=migration)
    )


def _sort_order(context: CommandContext, text: str) -> str:
    """Return an order in MLflow's form; of a metric by its name, the best comes first."""
    if MLFLOW_ORDER.search(text):
        return text
    if text in context.client.get("runs/columns")["metrics"]:
        return f"metrics.`{text}` {'DESC' if guess_mode(text) is Mode.MAX else 'ASC'}"
    return text


@cli.command(
    "Show parameters, metrics and data of RUN. RUN is a name, a title, the start of an ID, or "
    "latest. Also shown: its note, tags and environments, the runs of its nodes, and the snapshots "
    "that name it.",
    name="runs show",
)
def show_run(context: CommandContext, run: str) -> int:
    return context.answer(get_detail(context, run), run_views.run)


def get_detail(context: CommandContext, run: str) -> JSON:
    row = resolve_run(context.client, run) or resolve_run(context.client, run, deleted=True)
    if row is None:
        raise VersionItemNotFoundError(kind="run", name=run)
    detail: JSON = context.client.get(f"runs/{segment(row['id'] or row['run'])}")
    return detail


def _change(context: CommandContext, runs: Sequence[str], **change: object) -> int:
    """Make the same change to runs, and show them."""
    ids = [run_id(context.client, run) for run in runs]
    items = context.client.post("runs/tags", {"ids": ids, **change})["items"]
    return context.answer(items, run_views.summaries)


@cli.command(
    "Give RUN a name. An empty one ('') is replaced by a title of what differs.",
    name="runs rename",
)
def rename_run(context: CommandContext, run: str, name: str) -> int:
    address = f"runs/{segment(run_id(context.client, run))}"
    return context.answer_one(context.client.patch(address, {"name": name}), run_views.summaries)


@cli.command(
    "Set the note of RUN, in Markdown. TEXT - is read from standard input, '' removes the note. "
    "Without TEXT, print the note.",
    name="runs note",
)
def note_run(context: CommandContext, run: str, text: str | None) -> int:
    if text is None:
        return context.answer(
            {"note": get_detail(context, run)["note"]},
            lambda views, row: [views.text(row["note"])],
        )
    if text == STANDARD_INPUT:
        if context.origin is Origin.MAGIC:
            raise UsageFaultError(context.views.say("In a notebook, specify the text."))
        text = sys.stdin.read().rstrip("\n")
    address = f"runs/{segment(run_id(context.client, run))}"
    return context.answer_one(context.client.patch(address, {"note": text}), run_views.summaries)


@cli.command(
    "Set tags of runs, each as KEY=VALUE.",
    cli.argument("words", metavar="RUN... [KEY=VALUE]...", shell_complete=cli.complete_run),
    cli.option("Remove the tag KEY; may be repeated.", "-d", "--delete", metavar="KEY"),
    name="runs tag",
)
def tag_runs(context: CommandContext, words: Sequence[str], delete: Sequence[str]) -> int:
    runs = [word for word in words if "=" not in word]
    pairs = [word.partition("=") for word in words if "=" in word]
    if not runs or not (pairs or delete):
        raise UsageFaultError(
            context.views.say("Specify a run, and tags as KEY=VALUE or with --delete.")
        )
    tags = {**dict.fromkeys(delete), **{key: value for key, _, value in pairs}}
    return _change(context, runs, tags=tags)


@cli.command("Mark runs with a star.", UNDO, name="runs star")
def star_runs(context: CommandContext, runs: Sequence[str], undo: bool) -> int:
    return _change(context, runs, starred=not undo)


@cli.command(
    "Archive runs: lists leave them out, except with --archived.", UNDO, name="runs archive"
)
def archive_runs(context: CommandContext, runs: Sequence[str], undo: bool) -> int:
    return _change(context, runs, archived=not undo)


@cli.command(
    "Delete runs, with the runs of their nodes. They can be restored.",
    cli.option("Delete without asking.", "-y", "--yes"),
    name="runs delete",
)
def delete_runs(context: CommandContext, runs: Sequence[str], yes: bool) -> int:
    details = [get_detail(context, run) for run in runs]
    if not yes:
        if not context.as_json:
            context.screen.show(*run_views.deletion(context.views, details))
        is_confirmed = context.screen.confirm(context.views.say("Delete these runs?"))
        if is_confirmed is None:
            raise UsageFaultError(context.views.say("Use --yes to delete without asking."))
        if not is_confirmed:
            return EXIT_FAILURE
    rows = [context.client.delete(f"runs/{segment(row['id'] or row['run'])}") for row in details]
    return context.answer(rows, run_views.deletions)


@cli.command(
    "Restore deleted runs.",
    cli.argument("runs", metavar="RUN...", required=True, shell_complete=cli.complete_deleted_run),
    name="runs restore",
)
def restore_runs(context: CommandContext, runs: Sequence[str]) -> int:
    ids = [run_id(context.client, run, deleted=True) for run in runs]
    rows = [context.client.post(f"runs/{segment(identifier)}/restore") for identifier in ids]
    return context.answer(rows, run_views.summaries)


@cli.command(
    "End RUN, whose process no longer exists. RUN is a run of a notebook or script.",
    name="runs end",
)
def end_run(context: CommandContext, run: str) -> int:
    row = resolve_run(context.client, run)
    if row is None:
        raise VersionItemNotFoundError(kind="run", name=run)
    if row["status"] != "RUNNING":
        raise UsageFaultError(context.views.say("{title} is not in progress.", **row))
    if row["workflow"]:
        text = context.views.say("To end a run of a workflow: jupyter mlws cancel {run}", **row)
        raise UsageFaultError(text)
    record = context.client.post(f"runs/{segment(row['id'])}/end", {"status": "CANCELLED"})
    text = context.views.say("Ended {title}.", title=record["title"])
    return context.answer(record, lambda *_: [line(text, Tone.GOOD)])
