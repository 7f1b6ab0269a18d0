"""The commands of snapshots, workflows and their runs."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from jupyter_mlws.api.client import RemoteError, segment
from jupyter_mlws.cli import declared as cli
from jupyter_mlws.cli import snapshot_views, workflow_runs, workflow_views
from jupyter_mlws.cli.console import Block, LiveRegion, Tone, line
from jupyter_mlws.cli.context import (
    EXIT_FAILURE,
    EXIT_INTERRUPTED,
    EXIT_SUCCESS,
    LATEST,
    CommandContext,
    UsageFaultError,
)
from jupyter_mlws.client.project import JSON, ProjectClient, workflow_address
from jupyter_mlws.core.errors import (
    FileTooLargeError,
    ImportFailedError,
    InvalidRunParameterError,
    VersionItemNotFoundError,
    WorkflowItemNotFoundError,
)
from mlws.core.errors import Fault, MLWSError, OperationInProgressError
from mlws.core.i18n import Message

WORKFLOW_FILE = "dvc.yaml"
WAITING_STATUSES = frozenset({"PENDING", "QUEUED"})
POLL_INTERVAL = 0.005
"""Seconds between two checks of the project's bell."""
LOG_POLL_INTERVAL = 0.2
"""Seconds between two reads of a log that grows."""
REFRESH_PAUSE_FACTOR = 20
"""Ratio of the pause between two refreshes to the duration of a refresh."""
FORCED_REFRESH_INTERVAL = 2.0
"""Seconds after which a run is refreshed even without a signal: its process may be gone."""
MAX_ERROR_LOG_BYTES = 2000
"""Bytes of a failed node's log that are shown with its error."""


class NoActiveRunError(WorkflowItemNotFoundError):
    message = Message("No workflow of this project is running.")
    solution = Message("There is nothing to cancel.")
    kind: str = "run"
    name: str = "active"


@cli.command("Show the current branch and uncommitted changes.")
def status(context: CommandContext) -> int:
    return context.answer(context.client.get("git/status"), snapshot_views.status)


@cli.command(
    "Create a snapshot of code, data and models, or of PATHS only.",
    cli.option("Commit message.", "-m", "--message"),
    cli.option(
        "Do not commit this file or folder; may be repeated.", "--leave-out", type=click.Path()
    ),
    cli.flag("Commit files even if they look like credentials.", "--allow-secrets"),
    cli.flag(
        "Commit new files to git even if there are so many that they look like data.",
        "--allow-many",
    ),
    cli.flag("Commit staged changes only.", "--staged"),
    cli.flag("Replace the last commit; without a message, its message stays.", "--amend"),
    cli.flag("Amend also a commit that a remote branch has.", "--pushed"),
)
def commit(
    context: CommandContext,
    message: str | None,
    paths: Sequence[str],
    leave_out: Sequence[str],
    **options: Any,
) -> int:
    if options["staged"] and paths:
        raise UsageFaultError(context.views.say("Use either PATHS or --staged, not both."))
    if message is None and not options["amend"]:
        command = click.get_current_context()
        parameter = next(one for one in command.command.params if one.name == "message")
        raise click.MissingParameter(ctx=command, param=parameter)
    body = {
        "message": message,
        "paths": context.paths(paths),
        "leave_out": context.paths(leave_out),
        # Then there is a question, once.
        "refuse_large": not context.as_json
        and context.screen.can_ask
        and FileTooLargeError.code not in context.questions,
        **options,
    }
    with context.client.reporting_holder(
        lambda holder: context.screen.warn(snapshot_views.waiting(context.views, holder))
    ):
        snapshot = context.client.post("snapshots", body)
    return context.answer(snapshot, snapshot_views.committed)


@cli.command(
    "List snapshots, or only those of PATH.",
    cli.option("Filter by text in the message.", "-q", "--query"),
    cli.NUMBER,
    has_wide=True,
)
def log(context: CommandContext, path: str | None, query: str | None, number: int) -> int:
    relative_path = context.path(path) if path else None
    snapshots = context.client.list("snapshots", number, {"path": relative_path, "q": query})
    return context.answer(snapshots, snapshot_views.history)


@cli.command(
    "Compare a snapshot with the working tree or another snapshot. Two snapshots are "
    "START END, START..END, or START...END for what END adds since it left START.",
    cli.argument("start", default="HEAD", shell_complete=cli.complete_snapshot),
    cli.argument("end", shell_complete=cli.complete_snapshot),
    cli.option("Show the line-by-line diff of this file.", "-p", "--path", type=click.Path()),
    has_wide=True,
)
def diff(context: CommandContext, start: str, end: str | None, path: str | None) -> int:
    relative_path = context.path(path) if path else None
    first, dots, last = start.partition("..")
    if dots and end is None:
        end = last.removeprefix(".") or "HEAD"
        # The server resolves three dots to the merge base.
        start = start if last.startswith(".") else first or "HEAD"
    between_snapshots = end is not None and relative_path is None
    result = context.client.get(
        "snapshots/diff" if between_snapshots else "git/diff",
        {"from": start, "to": end, **({} if between_snapshots else {"path": relative_path})},
    )
    return context.answer(result, snapshot_views.diff)


@cli.command(
    "Restore code and data to SNAPSHOT, or only PATHS.",
    cli.option(
        "Replace uncommitted changes without asking (a safety copy keeps them).", "-y", "--yes"
    ),
    cli.option("Only show what would be done.", "--dry-run"),
)
def restore(
    context: CommandContext, snapshot: str, paths: Sequence[str], yes: bool, dry_run: bool
) -> int:
    request, address = {"paths": context.paths(paths)}, f"snapshots/{segment(snapshot)}"
    plan = context.client.get(f"{address}/restore-plan", request)
    if dry_run or plan["nothing"]:
        return context.answer(plan, snapshot_views.restore_plan)
    if not context.as_json:
        context.screen.show(*snapshot_views.restore_plan(context.views, plan))
    if plan["lost"] and not yes:
        question = context.views.say("Replace these changes? A safety copy keeps them")
        is_confirmed = context.screen.confirm(question)
        if is_confirmed is None:
            raise UsageFaultError(
                context.views.say(
                    "Uncommitted changes would be replaced. Use --yes to replace them; "
                    "a safety copy keeps them."
                )
            )
        if not is_confirmed:
            return EXIT_FAILURE
    return context.answer(context.follow(f"{address}/restore", request), snapshot_views.restored)


@cli.command("List the available components.", has_wide=True)
def components(context: CommandContext) -> int:
    return context.answer(context.client.list("components"), workflow_views.components)


@cli.command(
    "Show what a run of FILE would do. FILE can be omitted if there is only one workflow.",
    cli.TARGETS,
    cli.JOBS,
    cli.FORCE,
    cli.ACCEPT_COSMETIC,
    has_wide=True,
)
def plan(context: CommandContext, words: Sequence[str], **options: Any) -> int:
    path, targets = workflow_of(context, words)
    plan = context.client.get(f"{workflow_address(path)}/plan", {"targets": targets, **options})
    return context.answer(plan, workflow_views.plan)


@cli.command(
    "Show the variants of the sweeps in FILE, best first. Sweeps are `foreach` and `matrix`.",
    cli.SWEEP,
    cli.METRIC,
    cli.MODE,
    has_wide=True,
)
def sweep(context: CommandContext, words: Sequence[str], **ranking: Any) -> int:
    path, names = workflow_of(context, words)
    sweeps = context.client.get(f"{workflow_address(path)}/sweeps", ranking)
    if names:
        sweeps["items"] = [_find_sweep(sweeps["items"], name) for name in names]
    return context.answer(sweeps, workflow_views.sweeps)


@cli.command(
    "Replace a sweep in FILE with its best variant. The result of that variant stays.",
    cli.SWEEP,
    cli.option("Use this variant instead of the best.", "--variant", metavar="VARIANT"),
    cli.METRIC,
    cli.MODE,
)
def promote(context: CommandContext, words: Sequence[str], **choice: Any) -> int:
    path, names = workflow_of(context, words)
    sweeps = context.client.get(f"{workflow_address(path)}/sweeps", {})
    if len(names) > 1 or (not names and len(sweeps["items"]) != 1):
        sweep_names = ", ".join(row["name"] for row in sweeps["items"]) or "-"
        raise UsageFaultError(
            context.views.say("Specify one sweep. Available: {known}", known=sweep_names)
        )
    name = _find_sweep(sweeps["items"], names[0])["name"] if names else sweeps["items"][0]["name"]
    result = context.client.post(
        f"{workflow_address(path)}/sweeps/{segment(name)}/promote",
        choice,
        {"If-Match": f'"{sweeps["etag"]}"'},
    )
    return context.answer(result, workflow_views.promoted)


def _find_sweep(sweeps: Sequence[JSON], name: str) -> JSON:
    for row in sweeps:
        if row["name"] == name:
            return row
    raise WorkflowItemNotFoundError(kind="sweep", name=name)


@cli.command(
    "Run the workflow FILE, or only what TARGETs need. FILE can be left out if "
    "there is only one workflow.",
    cli.TARGETS,
    cli.option(
        "Override a node's setting for this run.",
        "-p",
        "--param",
        "params",
        metavar="NODE.KEY=VALUE",
    ),
    cli.JOBS,
    cli.option(
        "Where to run: local, dask://HOST:PORT, or dask for the configured "
        "scheduler. Default: MLWS_EXECUTOR.",
        "--executor",
        metavar="EXECUTOR",
    ),
    cli.FORCE,
    cli.flag(
        "After a failure, continue with nodes that do not depend on the failed one.",
        "-k",
        "--keep-going",
    ),
    cli.PULL,
    cli.node_option("Run NODE even if it is up to date.", "--rerun", "again"),
    cli.node_option(
        "Use the existing output of NODE as its result instead of running it.", "--accept"
    ),
    cli.ACCEPT_COSMETIC,
    cli.node_option("Skip NODE; nodes that depend on it run with the existing files.", "--skip"),
)
def run(
    context: CommandContext, words: Sequence[str], params: Sequence[str], **options: Any
) -> int:
    path, targets = workflow_of(context, words)
    request = {**options, "params": dict(map(_parse_param, params)), "targets": targets}
    try:
        started = workflow_runs.execute(context.client, path, request)
    except (MLWSError, RemoteError) as error:
        code = error.as_dict(context.client.language)["code"]
        if code != OperationInProgressError.code or any(request.values()):
            raise
        from jupyter_mlws.workflows.run.interruptions import AUTOMATIC

        # A server that has just opened the project may have continued the run.
        started = workflow_runs.get_run(context.client, path, LATEST)
        if started["origin"] != AUTOMATIC:
            raise
    if started["resumes"] is not None:
        text = context.views.say(
            "Continuing run {run}, which was interrupted.", run=started["resumes"]
        )
        context.screen.warn(text)
    return _watch_run(context, path, started)


def _parse_param(param: str) -> tuple[str, Any]:
    name, equals, value = param.partition("=")
    if not equals or "." not in name:
        text = Message("must have the form node.key=value")
        raise InvalidRunParameterError(faults=[Fault(param, text)])
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


@cli.command(
    "Continue RUN (an ID, or latest) from where it stopped.",
    cli.argument("run", default="latest"),
    cli.PULL,
)
def resume(context: CommandContext, run: str, pull: bool) -> int:
    return _continue_run(context, "resume", run, pull=pull)


@cli.command("Rerun NODE of RUN and everything downstream.", cli.PULL)
def retry(context: CommandContext, run: str, node: str, pull: bool) -> int:
    return _continue_run(context, "retry", run, node, pull=pull)


@cli.command(
    "Skip NODE of RUN and run everything downstream. That uses its existing output.", cli.PULL
)
def skip(context: CommandContext, run: str, node: str, pull: bool) -> int:
    return _continue_run(context, "skip", run, node, pull=pull)


def _continue_run(context: CommandContext, action: str, run: str, *node: str, pull: bool) -> int:
    path, record = find_run(context.client, run)
    started = workflow_runs.go_on(context.client, path, action, record["id"], *node, pull=pull)
    return _watch_run(context, path, started)


def _watch_run(context: CommandContext, path: str, started: JSON) -> int:
    """Show a run until it finishes, and return the exit code for its final status.

    Ctrl-C cancels the run, a second Ctrl-C only stops watching.
    """
    run, is_stopping = started["id"], False
    with context.screen.live() as region:
        while True:
            try:
                state = _follow_run(context, path, run, None if context.as_json else region)
                break
            except KeyboardInterrupt:
                if is_stopping:
                    raise
                is_stopping = True
                workflow_runs.cancel(context.client, path, run)
    if context.as_json:
        context.screen.data(state)
    if state["status"] == "COMPLETED":
        return EXIT_SUCCESS
    for node in state["nodes"] if not context.as_json else ():
        if node["status"] != "FAILED":
            continue
        size = _read_log(context.client, path, run, node["id"], 0)["size"]
        offset = max(0, size - MAX_ERROR_LOG_BYTES)
        text = _read_log(context.client, path, run, node["id"], offset)["text"]
        if text:
            title = context.views.say("Log of {node}:", node=node["id"])
            context.screen.show(line(title, Tone.STRONG), context.views.text(text))
    return EXIT_INTERRUPTED if state["status"] == "CANCELLED" else EXIT_FAILURE


@cli.command(
    "Import FILE as a workflow. FILE is an Elyra .pipeline, a notebook (split into "
    "nodes by the data flow between its cells), or a JSON workflow definition.",
    cli.argument("file", type=click.Path()),
    cli.option("Folder of the new workflow.", "--to", type=click.Path()),
    cli.option("Title of the new workflow.", "--name"),
    cli.option("Only show what would be written.", "--dry-run"),
    name="import",
)
def import_file(
    context: CommandContext, file: str, to: str | None, name: str | None, dry_run: bool
) -> int:
    root = context.client.project.root
    absolute = Path(os.path.normpath(context.folder / file))
    request = {"dry_run": dry_run, "name": name, "path": context.path(to) if to else None}
    if root in absolute.parents:
        request["file"] = absolute.relative_to(root).as_posix()
    else:
        try:
            request["content"] = absolute.read_text(encoding="utf-8")
        except OSError as error:
            raise WorkflowItemNotFoundError(kind="file", name=file) from error
        except UnicodeDecodeError as error:
            reason = Message("it is not UTF-8")
            raise ImportFailedError(path=file, reason=reason, line=None) from error
        request["name"] = name or absolute.stem
    result = context.client.post("workflows/import", request)
    return context.answer(result, workflow_views.import_result)


@cli.command("Cancel RUN, or the active run if RUN is omitted.")
def cancel(context: CommandContext, run: str | None) -> int:
    if run:
        path, record = find_run(context.client, run)
    else:
        for workflow in workflow_runs.list_workflows(context.client):
            path, record = workflow["path"], workflow["run"]
            if record is not None and record["ended"] is None:
                break
        else:
            raise NoActiveRunError()
    workflow_runs.cancel(context.client, path, record["id"])
    return context.answer(
        {"run": record["id"]}, lambda views, data: [line(views.say("Canceling {run}…", **data))]
    )


@cli.command(
    "Print the log of NODE in RUN (an ID, or latest).",
    cli.option("Follow the log until the node ends.", "-f", "--follow"),
)
def logs(context: CommandContext, run: str, node: str, follow: bool) -> int:
    path, record = find_run(context.client, run)
    identifier = record["id"]
    part = _read_log(context.client, path, identifier, node, 0)
    if part["complete"] and not part["size"]:
        # The node was up to date: the newest run before it that executed the node has a log. Run
        # IDs start with a timestamp.
        for candidate in context.client.list(f"{workflow_address(path)}/runs"):
            if candidate["id"] > identifier:
                continue
            nodes = workflow_runs.get_run(context.client, path, candidate["id"])["nodes"]
            if any(row["id"] == node and row["started"] is not None for row in nodes):
                break
        else:
            candidate = record
        if candidate["id"] != identifier:
            text = context.views.say(
                "{node} did not run in {run}. Showing its log from {executed}.",
                node=node,
                run=identifier,
                executed=candidate["id"],
            )
            context.screen.warn(text)
            identifier = candidate["id"]
            part = _read_log(context.client, path, identifier, node, 0)
    if context.as_json:
        context.screen.data(part)
        return EXIT_SUCCESS
    if not follow and part["text"]:
        lines = context.views.text(part["text"])
        context.screen.show_result(lines, is_wide=True, is_paged=context.is_paged)
        return EXIT_SUCCESS
    _show_text(context, part["text"])
    while follow and not part["complete"]:
        time.sleep(LOG_POLL_INTERVAL)
        part = _read_log(context.client, path, identifier, node, part["size"])
        _show_text(context, part["text"])
    return EXIT_SUCCESS


def _read_log(client: ProjectClient, path: str, run: str, node: str, offset: int) -> JSON:
    where = f"{workflow_address(path)}/runs/{segment(run)}/nodes/{segment(node)}/log"
    part: JSON = client.get(where, {"offset": offset})
    return part


def _show_text(context: CommandContext, text: str) -> None:
    if text:
        context.screen.show(context.views.text(text))


def workflow_of(context: CommandContext, words: Sequence[str]) -> tuple[str, list[str]]:
    """Return the workflow that the first word names, or the only one; and the remaining words.

    A workflow is named by its file, folder, name or ID.
    """
    if words:
        root = context.client.project.root
        for base in (context.folder, root):
            file = Path(os.path.normpath(base / words[0]))
            if file.is_dir():
                file /= WORKFLOW_FILE
            if file.is_file() and file.name == WORKFLOW_FILE and root in file.parents:
                return file.relative_to(root).as_posix(), list(words[1:])
        workflows = workflow_runs.list_workflows(context.client)
        matches = [row["path"] for row in workflows if words[0] in (row["name"], row["id"])]
        if len(matches) == 1:
            return str(matches[0]), list(words[1:])
    paths = workflow_runs.list_paths(context.client)
    if len(paths) == 1:
        return paths[0], list(words)
    if words or not paths:
        raise WorkflowItemNotFoundError(kind="workflow", name=words[0] if words else WORKFLOW_FILE)
    raise UsageFaultError(
        context.views.say(
            "This project has several workflows. Specify one of: {paths}", paths=", ".join(paths)
        )
    )


def find_run(client: ProjectClient, run: str) -> tuple[str, JSON]:
    """Return (workflow path, run) for a name, a title or the start of an ID.

    ``latest`` is the newest run of any workflow.
    """
    workflows = workflow_runs.list_workflows(client)
    newest = [(w["path"], w["run"]) for w in workflows if w["run"] is not None]
    if run == LATEST and newest:
        return max(newest, key=lambda row: str(row[1]["id"]))
    runs = {
        record["id"]: (workflow["path"], record)
        for workflow in workflows
        for record in client.list(f"{workflow_address(workflow['path'])}/runs")
    }
    row = None if run == LATEST or run in runs else resolve_run(client, run)
    identifier = run if row is None else row["run"]
    if identifier not in runs:
        raise WorkflowItemNotFoundError(kind="run", name=run)
    path, record = runs[identifier]
    return str(path), record


def resolve_run(client: ProjectClient, run: str, **query: bool) -> JSON | None:
    """Return the run that a name, a title or the start of an ID means; None if there is none.

    ``latest`` is the newest run of any workflow. ``deleted=True``: among the runs that were
    deleted.
    """
    if run == LATEST:
        run = str(find_run(client, run)[1]["id"])
    try:
        row: JSON = client.get("runs/resolve", {"name": run, **query})
    except (MLWSError, RemoteError) as error:
        if error.as_dict(client.language)["code"] != VersionItemNotFoundError.code:
            raise
        return None
    return row


def run_id(client: ProjectClient, run: str, **query: bool) -> str:
    """Return the ID of the run that :func:`resolve_run` finds."""
    row = resolve_run(client, run, **query)
    if row is None:
        raise VersionItemNotFoundError(kind="run", name=run)
    return str(row["id"] or row["run"])


def _follow_run(context: CommandContext, path: str, run: str, region: LiveRegion | None) -> JSON:
    """Show the state of a run each time it changes; return the final state."""
    bell = context.client.project.state / "bell"
    while True:
        last_mtime = _signal_mtime(bell)
        started = time.monotonic()
        state = workflow_runs.get_run(context.client, path, run)
        if region is not None:
            region.update(workflow_views.run(context.views, state))
        elif not context.as_json:
            lines: list[Block] = []
            for node in state["nodes"]:
                line_id = f"{state['id']} {node['id']} {node['status']}"
                if node["status"] not in WAITING_STATUSES and line_id not in context.printed_lines:
                    context.printed_lines.add(line_id)
                    lines += workflow_views.node_line(context.views, node)
            if state["ended"] is not None:
                lines += workflow_views.run_end(context.views, state)
            context.screen.show(*lines)
        if state["ended"] is not None:
            return state
        # Showing a large run takes CPU time from its nodes: a twentieth of it at the most.
        now = time.monotonic()
        busy_until = now + REFRESH_PAUSE_FACTOR * (now - started)
        quiet_until = now + FORCED_REFRESH_INTERVAL
        while time.monotonic() < quiet_until:
            over = time.monotonic() >= busy_until
            if _signal_mtime(bell) != last_mtime and (
                over or workflow_runs.has_ended(context.client, path, run)
            ):
                break
            time.sleep(POLL_INTERVAL)
            if region is not None and int(time.monotonic() / POLL_INTERVAL) % 100 == 0:
                # The elapsed times of running nodes change without a signal.
                region.update(workflow_views.run(context.views, state))


def _signal_mtime(bell: Path) -> int:
    try:
        return bell.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
