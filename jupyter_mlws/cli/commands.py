"""Context of commands, and the commands of snapshots, workflows, runs and projects."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from jupyter_mlws.api.client import find_server, segment
from jupyter_mlws.cli import snapshot_views, workflow_runs, workflow_views
from jupyter_mlws.cli.console import Block, LiveRegion, NotebookScreen, Screen, Tone, line
from jupyter_mlws.cli.views import Views
from jupyter_mlws.client.project import (
    JSON,
    Origin,
    ProjectClient,
    Query,
    open_project,
    workflow_address,
)
from jupyter_mlws.core.errors import (
    Fault,
    ImportFailedError,
    InvalidRunParameterError,
    OutsideWorkspaceError,
    WorkflowItemNotFoundError,
)
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.core.project import Project
from jupyter_mlws.core.trust import is_trusted, trust, withdraw_trust

EXIT_SUCCESS, EXIT_FAILURE, EXIT_USAGE_ERROR = 0, 1, 2
EXIT_INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended, by the shell's convention."""
WORKFLOW_FILE = "dvc.yaml"
LATEST = "latest"
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


View = Callable[[Views, Any], Sequence[Block]]
"""Renders a result."""


class UsageFaultError(Exception):
    """A valid command line that cannot be executed; the message says what to use instead."""


class NoActiveRunError(WorkflowItemNotFoundError):
    message = Message("No workflow of this project is running.")
    solution = Message("There is nothing to cancel.")
    kind: str = "run"
    name: str = "active"


def prompt(text: str, secret: bool) -> str:
    """Prompt the user; a kernel replaces both functions of Python by its own."""
    from getpass import getpass

    return getpass(f"{text} ") if secret else input(f"{text} ")


@dataclass
class CommandContext:
    """Working folder of a command, and the screen and language of its result."""

    folder: Path
    screen: Screen
    language: str
    origin: Origin
    as_json: bool = False
    shown: set[str] = field(default_factory=set)

    @cached_property
    def client(self) -> ProjectClient:
        """Client of the project that contains the folder; opened on first use."""
        project = Project.open(self.folder)
        if not self.as_json and not is_trusted(project.root):
            self._ask_for_trust(project)
        client = open_project(self.folder, self.language, self.origin)
        # A script has no user to prompt.
        if isinstance(self.screen, NotebookScreen) or sys.stdin.isatty():
            client.ask = prompt
        return client

    def _ask_for_trust(self, project: Project) -> None:
        """Trust the authors of a project if a user at a terminal does."""
        if not self.screen.can_ask:
            return
        from jupyter_mlws.projects.programs import find_programs

        name = project.root.name
        self.screen.show(*workflow_views.programs(self.views, name, find_programs(project)))
        question = self.views.say(
            "Trust the authors of {name}?", name=workflow_views.printable(name)
        )
        if self.screen.confirm(question):
            trust(project.root)

    @cached_property
    def views(self) -> Views:
        return Views(self.language)

    def answer(self, data: Any, view: View) -> int:
        """Output the result: as JSON for programs, or as rendered by ``view`` for users."""
        if self.as_json:
            self.screen.data(data)
        else:
            self.screen.show(*view(self.views, data))
        return EXIT_SUCCESS

    def answer_one(self, row: JSON, view: View) -> int:
        """Output a single result, rendered by the view of a list."""
        return self.answer(row, lambda views, data: view(views, [data]))

    def follow(self, path: str, body: Query | None = None) -> Any:
        """Start long work, show its progress, and return its result."""
        return self.client.follow(path, body or {}, self.screen.note)

    def path(self, path: str) -> str:
        """Convert a path that the user entered to one relative to the project's root."""
        root = self.client.project.root
        absolute = Path(os.path.normpath(self.folder / path))
        if absolute != root and root not in absolute.parents:
            raise OutsideWorkspaceError(path=path)
        return absolute.relative_to(root).as_posix()

    def close(self) -> None:
        """Close the project if it was opened."""
        client = self.__dict__.pop("client", None)
        if client is not None:
            client.close()


def status(context: CommandContext) -> int:
    return context.answer(context.client.get("git/status"), snapshot_views.status)


def commit(
    context: CommandContext,
    message: str,
    paths: Sequence[str],
    leave_out: Sequence[str],
    allow_secrets: bool,
    allow_many: bool,
    staged: bool,
) -> int:
    relative_paths = [context.path(path) for path in paths]
    if staged and relative_paths:
        raise UsageFaultError(context.views.say("Use either PATHS or --staged, not both."))
    body: JSON = {
        "message": message,
        "leave_out": [context.path(path) for path in leave_out],
        "allow_secrets": allow_secrets,
        "allow_many": allow_many,
        "staged": staged,
    }
    if relative_paths:
        body["paths"] = relative_paths
    with context.client.reporting_holder(
        lambda holder: context.screen.warn(snapshot_views.waiting(context.views, holder))
    ):
        snapshot = context.client.post("snapshots", body)
    return context.answer(snapshot, snapshot_views.committed)


def log(context: CommandContext, path: str | None, query: str | None, number: int) -> int:
    relative_path = context.path(path) if path else None
    snapshots = context.client.list("snapshots", number, {"path": relative_path, "q": query})
    return context.answer(snapshots, snapshot_views.history)


def diff(context: CommandContext, start: str, end: str | None, path: str | None) -> int:
    relative_path = context.path(path) if path else None
    between_snapshots = end is not None and relative_path is None
    result = context.client.get(
        "snapshots/diff" if between_snapshots else "git/diff",
        {"from": start, "to": end, **({} if between_snapshots else {"path": relative_path})},
    )
    return context.answer(result, snapshot_views.diff)


def restore(
    context: CommandContext, snapshot: str, paths: Sequence[str], yes: bool, dry_run: bool
) -> int:
    relative_paths = [context.path(path) for path in paths]
    plan = context.client.get(
        f"snapshots/{segment(snapshot)}/restore-plan", {"paths": relative_paths}
    )
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
    request = {"paths": relative_paths} if relative_paths else {}
    result = context.follow(f"snapshots/{segment(snapshot)}/restore", request)
    return context.answer(result, snapshot_views.restored)


def components(context: CommandContext) -> int:
    return context.answer(context.client.list("components"), workflow_views.components)


def plan(
    context: CommandContext,
    words: Sequence[str],
    jobs: int | None,
    force: bool,
    accept_cosmetic: bool,
) -> int:
    path, targets = workflow_of(context, words)
    query: JSON = {"targets": targets, "jobs": jobs}
    query |= {"force": force or None, "accept_cosmetic": accept_cosmetic or None}
    return context.answer(
        context.client.get(f"{workflow_address(path)}/plan", query), workflow_views.plan
    )


def sweep(
    context: CommandContext, words: Sequence[str], metric: str | None, mode: str | None
) -> int:
    path, names = workflow_of(context, words)
    sweeps = context.client.get(
        f"{workflow_address(path)}/sweeps", {"metric": metric, "mode": mode}
    )
    if names:
        sweeps["items"] = [_find_sweep(sweeps["items"], name) for name in names]
    return context.answer(sweeps, workflow_views.sweeps)


def promote(
    context: CommandContext,
    words: Sequence[str],
    variant: str | None,
    metric: str | None,
    mode: str | None,
) -> int:
    path, names = workflow_of(context, words)
    sweeps = context.client.get(f"{workflow_address(path)}/sweeps", {})
    if len(names) > 1 or (not names and len(sweeps["items"]) != 1):
        sweep_names = ", ".join(row["name"] for row in sweeps["items"]) or "-"
        raise UsageFaultError(
            context.views.say("Specify one sweep. Available: {known}", known=sweep_names)
        )
    name = _find_sweep(sweeps["items"], names[0])["name"] if names else sweeps["items"][0]["name"]
    options = {"variant": variant, "metric": metric, "mode": mode}
    request = {key: value for key, value in options.items() if value is not None}
    result = context.client.post(
        f"{workflow_address(path)}/sweeps/{segment(name)}/promote",
        request,
        {"If-Match": f'"{sweeps["etag"]}"'},
    )
    return context.answer(result, workflow_views.promoted)


def _find_sweep(sweeps: Sequence[JSON], name: str) -> JSON:
    for row in sweeps:
        if row["name"] == name:
            return row
    raise WorkflowItemNotFoundError(kind="sweep", name=name)


def run(
    context: CommandContext,
    words: Sequence[str],
    params: Sequence[str],
    jobs: int | None,
    force: bool,
    keep_going: bool,
    pull: bool,
    rerun: Sequence[str],
    accept: Sequence[str],
    accept_cosmetic: bool,
    skipped: Sequence[str],
    executor: str | None,
) -> int:
    path, targets = workflow_of(context, words)
    request: JSON = {"force": force, "keep_going": keep_going, "pull": pull}
    for name, nodes in (("again", rerun), ("accept", accept), ("skip", skipped)):
        if nodes:
            request[name] = list(nodes)
    if accept_cosmetic:
        request["accept_cosmetic"] = True
    if params:
        request["params"] = {}
        for param in params:
            name, equals, value = param.partition("=")
            if not equals or "." not in name:
                text = Message("must have the form node.key=value")
                raise InvalidRunParameterError(faults=[Fault(param, text)])
            try:
                request["params"][name] = json.loads(value)
            except ValueError:
                request["params"][name] = value
    if targets:
        request["targets"] = list(targets)
    if jobs is not None:
        request["jobs"] = jobs
    if executor is not None:
        request["executor"] = executor
    return _watch_run(context, path, workflow_runs.execute(context.client, path, request))


def resume(context: CommandContext, run: str, pull: bool) -> int:
    path, record = _find_run(context.client, run)
    started = workflow_runs.resume(context.client, path, record["id"], pull=pull)
    return _watch_run(context, path, started)


def retry(context: CommandContext, run: str, node: str, pull: bool) -> int:
    path, record = _find_run(context.client, run)
    started = workflow_runs.retry(context.client, path, record["id"], node, pull=pull)
    return _watch_run(context, path, started)


def skip(context: CommandContext, run: str, node: str, pull: bool) -> int:
    path, record = _find_run(context.client, run)
    started = workflow_runs.skip(context.client, path, record["id"], node, pull=pull)
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


def import_file(
    context: CommandContext, file: str, to: str | None, name: str | None, dry_run: bool
) -> int:
    root = context.client.project.root
    absolute = Path(os.path.normpath(context.folder / file))
    request: JSON = {"dry_run": dry_run}
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
        request["name"] = absolute.stem
    if name is not None:
        request["name"] = name
    if to is not None:
        request["path"] = context.path(to)
    result = context.client.post("workflows/import", request)
    return context.answer(result, workflow_views.import_result)


def cancel(context: CommandContext, run: str | None) -> int:
    if run:
        path, record = _find_run(context.client, run)
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


def logs(context: CommandContext, run: str, node: str, follow: bool) -> int:
    path, record = _find_run(context.client, run)
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
    _show_text(context, part["text"])
    while follow and not part["complete"]:
        time.sleep(LOG_POLL_INTERVAL)
        part = _read_log(context.client, path, identifier, node, part["size"])
        _show_text(context, part["text"])
    return EXIT_SUCCESS


def list_projects(context: CommandContext) -> int:
    server = find_server(context.folder, context.language)
    if server is not None:
        items = server.get("projects")["items"]
    else:
        from jupyter_mlws.projects.manager import ProjectManager

        manager = ProjectManager(context.folder)
        items = [project.model_dump(mode="json") for project in manager.list()]
    return context.answer(items, workflow_views.projects)


def create_project(context: CommandContext, name: str, template: str) -> int:
    from jupyter_mlws.projects.manager import ProjectManager
    from jupyter_mlws.projects.models import Template

    # Never by a server: the name is relative to the working directory, not to a server's root.
    project = ProjectManager(context.folder).create(name, Template(template))
    return context.answer_one(project.model_dump(mode="json"), workflow_views.projects)


def trust_project(context: CommandContext, withdraw: bool) -> int:
    root = Project.open(context.folder).root
    (withdraw_trust if withdraw else trust)(root)
    return context.answer({"path": str(root), "trusted": not withdraw}, workflow_views.trust)


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


def _find_run(client: ProjectClient, run: str) -> tuple[str, JSON]:
    """Return (workflow path, run) for a run ID; ``latest`` is the newest run of any workflow."""
    workflows = workflow_runs.list_workflows(client)
    newest = [(w["path"], w["run"]) for w in workflows if w["run"] is not None]
    if run == LATEST and newest:
        return max(newest, key=lambda row: str(row[1]["id"]))
    for workflow in workflows:
        for candidate in client.list(f"{workflow_address(workflow['path'])}/runs"):
            if candidate["id"] == run:
                return workflow["path"], candidate
    raise WorkflowItemNotFoundError(kind="run", name=run)


def run_id(client: ProjectClient, run: str) -> str:
    """Return the ID of a run; ``latest`` is the newest run of any workflow."""
    return str(_find_run(client, run)[1]["id"]) if run == LATEST else run


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
                if node["status"] not in WAITING_STATUSES and line_id not in context.shown:
                    context.shown.add(line_id)
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
