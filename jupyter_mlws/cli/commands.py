"""What each word of the command line and of ``%mlws`` does."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from jupyter_mlws.cli import workflow_runs
from jupyter_mlws.cli.console import Block, LiveRegion, Screen, Tone, line
from jupyter_mlws.cli.prompt import person
from jupyter_mlws.cli.views import Views
from jupyter_mlws.client.http import find_server, segment
from jupyter_mlws.client.project import (
    JSON,
    Origin,
    ProjectClient,
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

EXIT_SUCCESS, EXIT_FAILURE, EXIT_USAGE_ERROR = 0, 1, 2
EXIT_INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended, by the shell's convention."""
WORKFLOW_FILE = "dvc.yaml"
LATEST = "latest"
WAITING_STATUSES = frozenset({"PENDING", "QUEUED"})
POLL_INTERVAL = 0.005
"""Seconds between two looks at the project's bell."""
LOG_POLL_INTERVAL = 0.2
"""Seconds between two looks at a log that grows."""
REFRESH_PAUSE_FACTOR = 20
"""How much longer a run is left alone than showing it took."""
FORCED_REFRESH_INTERVAL = 2.0
"""Seconds after which a run is asked for even if no bell rang: its process may be gone."""
MAX_ERROR_LOG_BYTES = 2000
"""Bytes of a failed node's log that are shown with its error."""


class UsageFaultError(Exception):
    """A valid command line that cannot be executed; the message says what to use instead."""


class NoActiveRunError(WorkflowItemNotFoundError):
    message = Message("No workflow of this project is running.")
    solution = Message("There is nothing to cancel.")
    kind: str = "run"
    name: str = "active"


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
        client = open_project(self.folder, self.language, self.origin)
        client.ask = person(self.screen)
        return client

    @cached_property
    def views(self) -> Views:
        return Views(self.language)

    def answer(self, data: Any, view: Callable[[Any], Sequence[Block]]) -> None:
        """Output the result: as JSON for programs, or as rendered by ``view`` for users."""
        if self.as_json:
            self.screen.data(data)
        else:
            self.screen.show(*view(data))

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


def status(desk: CommandContext) -> int:
    desk.answer(desk.client.get("git/status"), desk.views.status)
    return EXIT_SUCCESS


def commit(
    desk: CommandContext,
    message: str,
    paths: Sequence[str],
    allow_secrets: bool,
    allow_many: bool,
    staged: bool,
) -> int:
    relative_paths = [desk.path(path) for path in paths]
    if staged and relative_paths:
        raise UsageFaultError(desk.views.say("Use either PATHS or --staged, not both."))
    body: JSON = {
        "message": message,
        "allow_secrets": allow_secrets,
        "allow_many": allow_many,
        "staged": staged,
    }
    if relative_paths:
        body["paths"] = relative_paths
    with desk.client.reporting_holder(lambda holder: desk.screen.warn(desk.views.waiting(holder))):
        snapshot = desk.client.post("snapshots", body)
    desk.answer(snapshot, desk.views.committed)
    return EXIT_SUCCESS


def log(desk: CommandContext, path: str | None, query: str | None, number: int) -> int:
    relative_path = desk.path(path) if path else None
    desk.answer(
        desk.client.list("snapshots", number, {"path": relative_path, "q": query}),
        desk.views.history,
    )
    return EXIT_SUCCESS


def diff(desk: CommandContext, start: str, end: str | None, path: str | None) -> int:
    relative_path = desk.path(path) if path else None
    between_snapshots = end is not None and relative_path is None
    result = desk.client.get(
        "snapshots/diff" if between_snapshots else "git/diff",
        {"from": start, "to": end, **({} if between_snapshots else {"path": relative_path})},
    )
    desk.answer(result, desk.views.diff)
    return EXIT_SUCCESS


def restore(
    desk: CommandContext, snapshot: str, paths: Sequence[str], yes: bool, dry_run: bool
) -> int:
    relative_paths = [desk.path(path) for path in paths]
    plan = desk.client.get(f"snapshots/{segment(snapshot)}/restore-plan", {"paths": relative_paths})
    if dry_run or plan["nothing"]:
        desk.answer(plan, desk.views.restore_plan)
        return EXIT_SUCCESS
    if not desk.as_json:
        desk.screen.show(*desk.views.restore_plan(plan))
    if plan["lost"] and not yes and not _confirm_restore(desk):
        return EXIT_FAILURE
    result = desk.client.follow(
        f"snapshots/{segment(snapshot)}/restore",
        {"paths": relative_paths} if relative_paths else {},
        desk.screen.note,
    )
    desk.answer(result, desk.views.restored)
    return EXIT_SUCCESS


def _confirm_restore(desk: CommandContext) -> bool:
    question = desk.views.say("Replace these changes? A safety copy keeps them")
    answer = desk.screen.confirm(question)
    if answer is None:
        raise UsageFaultError(
            desk.views.say(
                "Uncommitted changes would be replaced. Use --yes to replace them; "
                "a safety copy keeps them."
            )
        )
    return answer


def components(desk: CommandContext) -> int:
    desk.answer(desk.client.list("components"), desk.views.components)
    return EXIT_SUCCESS


def plan(
    desk: CommandContext, words: Sequence[str], jobs: int | None, force: bool, accept_cosmetic: bool
) -> int:
    path, targets = workflow_of(desk, words)
    query: JSON = {"targets": targets, "jobs": jobs}
    for name, value in (("force", force), ("accept_cosmetic", accept_cosmetic)):
        if value:
            query[name] = True
    desk.answer(desk.client.get(f"{workflow_address(path)}/plan", query), desk.views.plan)
    return EXIT_SUCCESS


def sweep(desk: CommandContext, words: Sequence[str], metric: str | None, mode: str | None) -> int:
    path, names = workflow_of(desk, words)
    sweeps = desk.client.get(f"{workflow_address(path)}/sweeps", {"metric": metric, "mode": mode})
    if names:
        sweeps["items"] = [_find_sweep(sweeps["items"], name) for name in names]
    desk.answer(sweeps, desk.views.sweeps)
    return EXIT_SUCCESS


def promote(
    desk: CommandContext,
    words: Sequence[str],
    variant: str | None,
    metric: str | None,
    mode: str | None,
) -> int:
    path, names = workflow_of(desk, words)
    sweeps = desk.client.get(f"{workflow_address(path)}/sweeps", {})
    options = {"variant": variant, "metric": metric, "mode": mode}
    if len(names) > 1 or (not names and len(sweeps["items"]) != 1):
        sweep_names = ", ".join(row["name"] for row in sweeps["items"]) or "-"
        raise UsageFaultError(
            desk.views.say("Specify one sweep. Available: {known}", known=sweep_names)
        )
    name = _find_sweep(sweeps["items"], names[0])["name"] if names else sweeps["items"][0]["name"]
    request = {key: value for key, value in options.items() if value is not None}
    result = desk.client.post(
        f"{workflow_address(path)}/sweeps/{segment(name)}/promote",
        request,
        {"If-Match": f'"{sweeps["etag"]}"'},
    )
    desk.answer(result, desk.views.promoted)
    return EXIT_SUCCESS


def _find_sweep(sweeps: Sequence[JSON], name: str) -> JSON:
    for row in sweeps:
        if row["name"] == name:
            return row
    raise WorkflowItemNotFoundError(kind="sweep", name=name)


def run(
    desk: CommandContext,
    words: Sequence[str],
    params: Sequence[str],
    jobs: int | None,
    force: bool,
    keep_going: bool,
    rerun: Sequence[str],
    again: Sequence[str],
    accept: Sequence[str],
    accept_cosmetic: bool,
    skipped: Sequence[str],
    executor: str | None,
) -> int:
    path, targets = workflow_of(desk, words)
    request: JSON = {"force": force, "keep_going": keep_going}
    for name, nodes in (("again", [*rerun, *again]), ("accept", accept), ("skip", skipped)):
        if nodes:
            request[name] = list(nodes)
    if accept_cosmetic:
        request["accept_cosmetic"] = True
    if params:
        request["params"] = dict(map(_parse_param, params))
    if targets:
        request["targets"] = list(targets)
    if jobs is not None:
        request["jobs"] = jobs
    if executor is not None:
        request["executor"] = executor
    return _watch_run(desk, path, workflow_runs.execute(desk.client, path, request))


def resume(desk: CommandContext, run: str) -> int:
    path, record = _find_run(desk.client, run)
    return _watch_run(desk, path, workflow_runs.resume(desk.client, path, record["id"]))


def retry(desk: CommandContext, run: str, node: str) -> int:
    path, record = _find_run(desk.client, run)
    return _watch_run(desk, path, workflow_runs.retry(desk.client, path, record["id"], node))


def skip(desk: CommandContext, run: str, node: str) -> int:
    path, record = _find_run(desk.client, run)
    return _watch_run(desk, path, workflow_runs.skip(desk.client, path, record["id"], node))


def _watch_run(desk: CommandContext, path: str, started: JSON) -> int:
    """Show a run until it finishes, and return the exit code for its final status."""
    final_state = _follow_run(desk, path, started["id"])
    if desk.as_json:
        desk.screen.data(final_state)
    if final_state["status"] == "COMPLETED":
        return EXIT_SUCCESS
    if not desk.as_json:
        _show_logs(desk, path, final_state)
    return EXIT_INTERRUPTED if final_state["status"] == "CANCELLED" else EXIT_FAILURE


def import_file(
    desk: CommandContext, file: str, to: str | None, name: str | None, dry_run: bool
) -> int:
    root = desk.client.project.root
    absolute = Path(os.path.normpath(desk.folder / file))
    request: JSON = {"dry_run": dry_run}
    if root in absolute.parents:
        request["file"] = absolute.relative_to(root).as_posix()
    else:
        request["content"] = _read_text(absolute, file)
        request["name"] = absolute.stem
    if name is not None:
        request["name"] = name
    if to is not None:
        request["path"] = desk.path(to)
    result = desk.client.post("workflows/import", request)
    desk.answer(result, desk.views.import_result)
    return EXIT_SUCCESS


def _read_text(file: Path, display_path: str) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise WorkflowItemNotFoundError(kind="file", name=display_path) from error
    except UnicodeDecodeError as error:
        raise ImportFailedError(
            path=display_path, reason=Message("it is not UTF-8"), line=None
        ) from error


def cancel(desk: CommandContext, run: str | None) -> int:
    path, record = _find_run(desk.client, run) if run else _active_run(desk.client)
    workflow_runs.cancel(desk.client, path, record["id"])
    message = desk.views.say("Canceling {run}…", run=record["id"])
    desk.answer({"run": record["id"]}, lambda _: [line(message)])
    return EXIT_SUCCESS


def logs(desk: CommandContext, run: str, node: str, follow: bool) -> int:
    path, record = _find_run(desk.client, run)
    identifier = record["id"]
    part = _read_log(desk.client, path, identifier, node, 0)
    if part["complete"] and not part["size"]:
        last_run_id = _last_execution(desk.client, path, identifier, node)
        if last_run_id not in (None, identifier):
            text = desk.views.say(
                "{node} did not run in {run}. Showing its log from {executed}.",
                node=node,
                run=identifier,
                executed=last_run_id,
            )
            desk.screen.warn(text)
            identifier = last_run_id
            part = _read_log(desk.client, path, identifier, node, 0)
    if desk.as_json:
        desk.screen.data(part)
        return EXIT_SUCCESS
    _show_text(desk, part["text"])
    while follow and not part["complete"]:
        time.sleep(LOG_POLL_INTERVAL)
        part = _read_log(desk.client, path, identifier, node, part["size"])
        _show_text(desk, part["text"])
    return EXIT_SUCCESS


def _last_execution(client: ProjectClient, path: str, run: str, node: str) -> str | None:
    """Return the newest run up to ``run`` that executed a node; run IDs start with a timestamp."""
    for candidate in client.list(f"{workflow_address(path)}/runs"):
        if candidate["id"] <= run:
            nodes = workflow_runs.get_run(client, path, candidate["id"])["nodes"]
            if any(row["id"] == node and row["started"] is not None for row in nodes):
                return str(candidate["id"])
    return None


def list_projects(desk: CommandContext) -> int:
    server = find_server(desk.folder, desk.language)
    if server is not None:
        items = server.get("projects")["items"]
    else:
        from jupyter_mlws.projects.manager import ProjectManager

        manager = ProjectManager(desk.folder)
        items = [project.model_dump(mode="json") for project in manager.list()]
    desk.answer(items, desk.views.projects)
    return EXIT_SUCCESS


def create_project(desk: CommandContext, name: str, template: str) -> int:
    from jupyter_mlws.projects.manager import ProjectManager
    from jupyter_mlws.projects.models import Template

    # Always on the files: the name is relative to where the person is, not to a server's root.
    new_project = (
        ProjectManager(desk.folder).create(name, Template(template)).model_dump(mode="json")
    )
    desk.answer(new_project, lambda project: desk.views.projects([project]))
    return EXIT_SUCCESS


def trust_project(desk: CommandContext, withdraw: bool) -> int:
    from jupyter_mlws.core.trust import trust, withdraw_trust

    root = Project.open(desk.folder).root
    (withdraw_trust if withdraw else trust)(root)
    desk.answer({"path": str(root), "trusted": not withdraw}, desk.views.trust)
    return EXIT_SUCCESS


def _read_log(client: ProjectClient, path: str, run: str, node: str, offset: int) -> JSON:
    where = f"{workflow_address(path)}/runs/{segment(run)}/nodes/{segment(node)}/log"
    part: JSON = client.get(where, {"offset": offset})
    return part


def _show_text(desk: CommandContext, text: str) -> None:
    if text:
        desk.screen.show(desk.views.text(text))


def _parse_param(argument: str) -> tuple[str, Any]:
    """Parse ``node.key=value``; the value is JSON if it parses as such, otherwise text."""
    name, equals, value = argument.partition("=")
    if not equals or "." not in name:
        words = Message("must have the form node.key=value")
        raise InvalidRunParameterError(faults=[Fault(argument, words)])
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def workflow_of(desk: CommandContext, words: Sequence[str]) -> tuple[str, list[str]]:
    """Return the workflow that the first word names, or the only one; and the remaining words."""
    if words:
        path = _named_workflow(desk, words[0])
        if path is not None:
            return path, list(words[1:])
    paths = workflow_runs.list_paths(desk.client)
    if len(paths) == 1:
        return paths[0], list(words)
    if words or not paths:
        raise WorkflowItemNotFoundError(kind="workflow", name=words[0] if words else WORKFLOW_FILE)
    raise UsageFaultError(
        desk.views.say(
            "This project has several workflows. Specify one of: {paths}", paths=", ".join(paths)
        )
    )


def _named_workflow(desk: CommandContext, word: str) -> str | None:
    """Return the path of a workflow by file, folder, name or ID; None without a unique match."""
    root = desk.client.project.root
    for base in (desk.folder, root):
        file = Path(os.path.normpath(base / word))
        if file.is_dir():
            file /= WORKFLOW_FILE
        if file.is_file() and file.name == WORKFLOW_FILE and root in file.parents:
            return file.relative_to(root).as_posix()
    matches = [
        w["path"] for w in workflow_runs.list_workflows(desk.client) if word in (w["name"], w["id"])
    ]
    return str(matches[0]) if len(matches) == 1 else None


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


def _active_run(client: ProjectClient) -> tuple[str, JSON]:
    for workflow in workflow_runs.list_workflows(client):
        if workflow["run"] is not None and workflow["run"]["ended"] is None:
            return workflow["path"], workflow["run"]
    raise NoActiveRunError()


def _follow_run(desk: CommandContext, path: str, run: str) -> JSON:
    """Show a run until it finishes; Ctrl-C cancels it, a second Ctrl-C only stops watching."""
    stopping = False
    with desk.screen.live() as place:
        news = _iter_run_states(desk, path, run, None if desk.as_json else place)
        while True:
            try:
                return _last_state(news)
            except KeyboardInterrupt:
                if stopping:
                    raise
                stopping = True
                workflow_runs.cancel(desk.client, path, run)
                news = _iter_run_states(desk, path, run, None if desk.as_json else place)


def _last_state(news: Iterator[JSON]) -> JSON:
    state: JSON = {}
    for state in news:  # noqa: B007  the last one is wanted
        pass
    return state


def _iter_run_states(
    desk: CommandContext, path: str, run: str, place: LiveRegion | None
) -> Iterator[JSON]:
    """Yield the state of a run each time it changes, until it has finished."""
    bell = desk.client.project.state / "bell"
    while True:
        last_mtime = _signal_mtime(bell)
        began = time.monotonic()
        state = workflow_runs.get_run(desk.client, path, run)
        if not desk.as_json:
            _show_state(desk, state, place)
        yield state
        if state["ended"] is not None:
            return
        # Showing a large run costs time that its nodes could have: a tenth of it at the most.
        now = time.monotonic()
        busy_until, quiet_until = (
            now + REFRESH_PAUSE_FACTOR * (now - began),
            now + FORCED_REFRESH_INTERVAL,
        )
        while time.monotonic() < quiet_until:
            over = time.monotonic() >= busy_until
            if _signal_mtime(bell) != last_mtime and (
                over or workflow_runs.has_ended(desk.client, path, run)
            ):
                break
            time.sleep(POLL_INTERVAL)
            if place is not None and int(time.monotonic() / POLL_INTERVAL) % 100 == 0:
                # The clock of what is running goes on without news.
                place.update(desk.views.run(state))


def _signal_mtime(bell: Path) -> int:
    try:
        return bell.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _show_state(desk: CommandContext, state: JSON, place: LiveRegion | None) -> None:
    if place is not None:
        place.update(desk.views.run(state))
        return
    lines: list[Block] = []
    for node in state["nodes"]:
        news = f"{state['id']} {node['id']} {node['status']}"
        if node["status"] not in WAITING_STATUSES and news not in desk.shown:
            desk.shown.add(news)
            lines += desk.views.node_line(node)
    if state["ended"] is not None:
        lines += desk.views.run_end(state)
    desk.screen.show(*lines)


def _show_logs(desk: CommandContext, path: str, run: JSON) -> None:
    """Show the last lines of the log of every node that failed."""
    for node in run["nodes"]:
        if node["status"] != "FAILED":
            continue
        size = _read_log(desk.client, path, run["id"], node["id"], 0)["size"]
        part = _read_log(
            desk.client, path, run["id"], node["id"], max(0, size - MAX_ERROR_LOG_BYTES)
        )
        if part["text"]:
            title = desk.views.say("Log of {node}:", node=node["id"])
            desk.screen.show(line(title, Tone.STRONG), desk.views.text(part["text"]))
