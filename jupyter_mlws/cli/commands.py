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
from jupyter_mlws.cli.console import Block, Place, Screen, Tone, line
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

OK, FAILED, USAGE = 0, 1, 2
INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended, by the shell's convention."""
WORKFLOW_FILE = "dvc.yaml"
LATEST = "latest"
WAITING = frozenset({"PENDING", "QUEUED"})
LOOK = 0.005
"""Seconds between two looks at the project's bell."""
FOLLOW = 0.2
"""Seconds between two looks at a log that grows."""
SHARE = 20
"""How much longer a run is left alone than showing it took."""
SILENCE = 2.0
"""Seconds after which a run is asked for even if no bell rang: its process may be gone."""
TAIL = 2000
"""Bytes of a failed node's log that are shown with its error."""


class UsageFaultError(Exception):
    """The words are right and can't be carried out as written; says what to write instead."""


class NoActiveRunError(WorkflowItemNotFoundError):
    message = Message("No workflow of this project is running.")
    solution = Message("There is nothing to cancel.")
    kind: str = "run"
    name: str = "active"


@dataclass
class CommandContext:
    """Where a command works, and how its result is shown."""

    folder: Path
    screen: Screen
    language: str
    origin: Origin
    as_json: bool = False
    shown: set[str] = field(default_factory=set)

    @cached_property
    def client(self) -> ProjectClient:
        """The project that the folder lies in; opened by the first word that needs it."""
        client = open_project(self.folder, self.language, self.origin)
        client.ask = person(self.screen)
        return client

    @cached_property
    def views(self) -> Views:
        return Views(self.language)

    def answer(self, data: Any, view: Callable[[Any], Sequence[Block]]) -> None:
        """The result: as it is for programs, as ``view`` shows it for people."""
        if self.as_json:
            self.screen.data(data)
        else:
            self.screen.show(*view(data))

    def path(self, given: str) -> str:
        """A path as given by a person, relative to the project's root."""
        root = self.client.project.root
        absolute = Path(os.path.normpath(self.folder / given))
        if absolute != root and root not in absolute.parents:
            raise OutsideWorkspaceError(path=given)
        return absolute.relative_to(root).as_posix()

    def close(self) -> None:
        """Close the project if it was opened."""
        client = self.__dict__.pop("client", None)
        if client is not None:
            client.close()


def status(desk: CommandContext) -> int:
    desk.answer(desk.client.get("git/status"), desk.views.status)
    return OK


def commit(
    desk: CommandContext,
    message: str,
    paths: Sequence[str],
    allow_secrets: bool,
    allow_many: bool,
    staged: bool,
) -> int:
    wanted = [desk.path(path) for path in paths]
    if staged and wanted:
        raise UsageFaultError(desk.views.say("Use either PATHS or --staged, not both."))
    body: JSON = {
        "message": message,
        "allow_secrets": allow_secrets,
        "allow_many": allow_many,
        "staged": staged,
    }
    if wanted:
        body["paths"] = wanted
    with desk.client.reporting_holder(lambda holder: desk.screen.warn(desk.views.waiting(holder))):
        snapshot = desk.client.post("snapshots", body)
    desk.answer(snapshot, desk.views.committed)
    return OK


def log(desk: CommandContext, path: str | None, query: str | None, number: int) -> int:
    wanted = desk.path(path) if path else None
    desk.answer(
        desk.client.list("snapshots", number, {"path": wanted, "q": query}), desk.views.history
    )
    return OK


def diff(desk: CommandContext, start: str, end: str | None, path: str | None) -> int:
    wanted = desk.path(path) if path else None
    between_snapshots = end is not None and wanted is None
    found = desk.client.get(
        "snapshots/diff" if between_snapshots else "git/diff",
        {"from": start, "to": end, **({} if between_snapshots else {"path": wanted})},
    )
    desk.answer(found, desk.views.diff)
    return OK


def restore(
    desk: CommandContext, snapshot: str, paths: Sequence[str], yes: bool, dry_run: bool
) -> int:
    wanted = [desk.path(path) for path in paths]
    plan = desk.client.get(f"snapshots/{segment(snapshot)}/restore-plan", {"paths": wanted})
    if dry_run or plan["nothing"]:
        desk.answer(plan, desk.views.restore_plan)
        return OK
    if not desk.as_json:
        desk.screen.show(*desk.views.restore_plan(plan))
    if plan["lost"] and not yes and not _agreed(desk):
        return FAILED
    result = desk.client.follow(
        f"snapshots/{segment(snapshot)}/restore",
        {"paths": wanted} if wanted else {},
        desk.screen.note,
    )
    desk.answer(result, desk.views.restored)
    return OK


def _agreed(desk: CommandContext) -> bool:
    question = desk.views.say("Replace these changes? A safety copy keeps them")
    agreed = desk.screen.confirm(question)
    if agreed is None:
        raise UsageFaultError(
            desk.views.say(
                "Uncommitted changes would be replaced. Use --yes to replace them; "
                "a safety copy keeps them."
            )
        )
    return agreed


def components(desk: CommandContext) -> int:
    desk.answer(desk.client.list("components"), desk.views.components)
    return OK


def plan(
    desk: CommandContext, words: Sequence[str], jobs: int | None, force: bool, accept_cosmetic: bool
) -> int:
    path, targets = workflow_of(desk, words)
    asked: JSON = {"targets": targets, "jobs": jobs}
    for name, wanted in (("force", force), ("accept_cosmetic", accept_cosmetic)):
        if wanted:
            asked[name] = True
    desk.answer(desk.client.get(f"{workflow_address(path)}/plan", asked), desk.views.plan)
    return OK


def sweep(desk: CommandContext, words: Sequence[str], metric: str | None, mode: str | None) -> int:
    path, names = workflow_of(desk, words)
    found = desk.client.get(f"{workflow_address(path)}/sweeps", {"metric": metric, "mode": mode})
    for name in names:
        _sweep_named(found["items"], name)
    if names:
        found["items"] = [_sweep_named(found["items"], name) for name in names]
    desk.answer(found, desk.views.sweeps)
    return OK


def promote(
    desk: CommandContext,
    words: Sequence[str],
    variant: str | None,
    metric: str | None,
    mode: str | None,
) -> int:
    path, names = workflow_of(desk, words)
    found = desk.client.get(f"{workflow_address(path)}/sweeps", {})
    given = {"variant": variant, "metric": metric, "mode": mode}
    if not names and len(found["items"]) != 1:
        known = ", ".join(row["name"] for row in found["items"]) or "-"
        raise UsageFaultError(desk.views.say("Specify a sweep. Available: {known}", known=known))
    name = _sweep_named(found["items"], names[0])["name"] if names else found["items"][0]["name"]
    asked = {key: value for key, value in given.items() if value is not None}
    done = desk.client.post(
        f"{workflow_address(path)}/sweeps/{segment(name)}/promote",
        asked,
        {"If-Match": f'"{found["etag"]}"'},
    )
    desk.answer(done, desk.views.promoted)
    return OK


def _sweep_named(sweeps: Sequence[JSON], name: str) -> JSON:
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
        request["params"] = dict(map(_param, params))
    if targets:
        request["targets"] = list(targets)
    if jobs is not None:
        request["jobs"] = jobs
    if executor is not None:
        request["executor"] = executor
    return _see_through(desk, path, workflow_runs.execute(desk.client, path, request))


def resume(desk: CommandContext, run: str) -> int:
    path, found = _find_run(desk.client, run)
    return _see_through(desk, path, workflow_runs.resume(desk.client, path, found["id"]))


def retry(desk: CommandContext, run: str, node: str) -> int:
    path, found = _find_run(desk.client, run)
    return _see_through(desk, path, workflow_runs.retry(desk.client, path, found["id"], node))


def skip(desk: CommandContext, run: str, node: str) -> int:
    path, found = _find_run(desk.client, run)
    return _see_through(desk, path, workflow_runs.skip(desk.client, path, found["id"], node))


def _see_through(desk: CommandContext, path: str, started: JSON) -> int:
    """Show a run to its end; the exit code that tells how it ended."""
    ended = _follow(desk, path, started["id"])
    if desk.as_json:
        desk.screen.data(ended)
    if ended["status"] == "COMPLETED":
        return OK
    if not desk.as_json:
        _show_logs(desk, path, ended)
    return INTERRUPTED if ended["status"] == "CANCELLED" else FAILED


def import_file(
    desk: CommandContext, file: str, to: str | None, name: str | None, dry_run: bool
) -> int:
    root = desk.client.project.root
    absolute = Path(os.path.normpath(desk.folder / file))
    request: JSON = {"dry_run": dry_run}
    if root in absolute.parents:
        request["file"] = absolute.relative_to(root).as_posix()
    else:
        request["content"] = _text_of(absolute, file)
        request["name"] = absolute.stem
    if name is not None:
        request["name"] = name
    if to is not None:
        request["path"] = desk.path(to)
    made = desk.client.post("workflows/import", request)
    desk.answer(made, desk.views.imported)
    return OK


def _text_of(file: Path, given: str) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise WorkflowItemNotFoundError(kind="file", name=given) from error
    except UnicodeDecodeError as error:
        raise ImportFailedError(path=given, reason=Message("it is not UTF-8"), line=None) from error


def cancel(desk: CommandContext, run: str | None) -> int:
    path, found = _find_run(desk.client, run) if run else _active_run(desk.client)
    workflow_runs.cancel(desk.client, path, found["id"])
    told = desk.views.say("Canceling {run}…", run=found["id"])
    desk.answer({"run": found["id"]}, lambda _: [line(told)])
    return OK


def logs(desk: CommandContext, run: str, node: str, follow: bool) -> int:
    path, found = _find_run(desk.client, run)
    identifier = found["id"]
    part = _log(desk.client, path, identifier, node, 0)
    if part["complete"] and not part["size"]:
        executed = _last_execution(desk.client, path, identifier, node)
        if executed not in (None, identifier):
            text = desk.views.say(
                "{node} did not run in {run}. Showing its log from {executed}.",
                node=node,
                run=identifier,
                executed=executed,
            )
            desk.screen.warn(text)
            identifier = executed
            part = _log(desk.client, path, identifier, node, 0)
    if desk.as_json:
        desk.screen.data(part)
        return OK
    _show_text(desk, part["text"])
    while follow and not part["complete"]:
        time.sleep(FOLLOW)
        part = _log(desk.client, path, identifier, node, part["size"])
        _show_text(desk, part["text"])
    return OK


def _last_execution(client: ProjectClient, path: str, run: str, node: str) -> str | None:
    """Return the newest run up to ``run`` that executed a node; the ids begin with their time."""
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
    return OK


def create_project(desk: CommandContext, name: str, template: str) -> int:
    from jupyter_mlws.projects.manager import ProjectManager
    from jupyter_mlws.projects.models import Template

    # Always on the files: the name is relative to where the person is, not to a server's root.
    created = ProjectManager(desk.folder).create(name, Template(template)).model_dump(mode="json")
    desk.answer(created, lambda project: desk.views.projects([project]))
    return OK


def trust_project(desk: CommandContext, withdraw: bool) -> int:
    from jupyter_mlws.projects.trust import trust, withdraw_trust

    root = Project.open(desk.folder).root
    (withdraw_trust if withdraw else trust)(root)
    desk.answer({"path": str(root), "trusted": not withdraw}, desk.views.trust)
    return OK


def _log(client: ProjectClient, path: str, run: str, node: str, offset: int) -> JSON:
    where = f"{workflow_address(path)}/runs/{segment(run)}/nodes/{segment(node)}/log"
    part: JSON = client.get(where, {"offset": offset})
    return part


def _show_text(desk: CommandContext, text: str) -> None:
    if text:
        desk.screen.show(desk.views.text(text))


def _param(given: str) -> tuple[str, Any]:
    """``node.key=value``; the value is JSON where it reads as such, else text."""
    name, equals, value = given.partition("=")
    if not equals or "." not in name:
        words = Message("must have the form node.key=value")
        raise InvalidRunParameterError(faults=[Fault(given, words)])
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def workflow_of(desk: CommandContext, words: Sequence[str]) -> tuple[str, list[str]]:
    """The workflow that the first word names, or the only one; the words that are left."""
    if words:
        path = _named_workflow(desk, words[0])
        if path is not None:
            return path, list(words[1:])
    known = workflow_runs.list_paths(desk.client)
    if len(known) == 1:
        return known[0], list(words)
    if words or not known:
        raise WorkflowItemNotFoundError(kind="workflow", name=words[0] if words else WORKFLOW_FILE)
    raise UsageFaultError(
        desk.views.say(
            "This project has several workflows. Specify one of: {paths}", paths=", ".join(known)
        )
    )


def _named_workflow(desk: CommandContext, word: str) -> str | None:
    """By file, by folder, or by the name that the workflow gives itself."""
    root = desk.client.project.root
    for base in (desk.folder, root):
        file = Path(os.path.normpath(base / word))
        if file.is_dir():
            file /= WORKFLOW_FILE
        if file.is_file() and file.name == WORKFLOW_FILE and root in file.parents:
            return file.relative_to(root).as_posix()
    named = [
        w["path"] for w in workflow_runs.list_workflows(desk.client) if word in (w["name"], w["id"])
    ]
    return str(named[0]) if len(named) == 1 else None


def _find_run(client: ProjectClient, run: str) -> tuple[str, JSON]:
    """(workflow, run) of a run's id; ``latest`` is the newest of any workflow."""
    known = workflow_runs.list_workflows(client)
    newest = [(w["path"], w["run"]) for w in known if w["run"] is not None]
    if run == LATEST and newest:
        return max(newest, key=lambda row: str(row[1]["id"]))
    for workflow in known:
        for candidate in client.list(f"{workflow_address(workflow['path'])}/runs"):
            if candidate["id"] == run:
                return workflow["path"], candidate
    raise WorkflowItemNotFoundError(kind="run", name=run)


def _active_run(client: ProjectClient) -> tuple[str, JSON]:
    for workflow in workflow_runs.list_workflows(client):
        if workflow["run"] is not None and workflow["run"]["ended"] is None:
            return workflow["path"], workflow["run"]
    raise NoActiveRunError()


def _follow(desk: CommandContext, path: str, run: str) -> JSON:
    """Show a run until it ends; Ctrl-C asks it to stop, a second one leaves it alone."""
    stopping = False
    with desk.screen.live() as place:
        news = _news(desk, path, run, None if desk.as_json else place)
        while True:
            try:
                return _last(news)
            except KeyboardInterrupt:
                if stopping:
                    raise
                stopping = True
                workflow_runs.cancel(desk.client, path, run)
                news = _news(desk, path, run, None if desk.as_json else place)


def _last(news: Iterator[JSON]) -> JSON:
    state: JSON = {}
    for state in news:  # noqa: B007  the last one is wanted
        pass
    return state


def _news(desk: CommandContext, path: str, run: str, place: Place | None) -> Iterator[JSON]:
    """The run again and again, each time that something happened, until it has ended."""
    bell = desk.client.project.state / "bell"
    while True:
        heard = _rang(bell)
        began = time.monotonic()
        state = workflow_runs.get_run(desk.client, path, run)
        if not desk.as_json:
            _tell(desk, state, place)
        yield state
        if state["ended"] is not None:
            return
        # Showing a large run costs time that its nodes could have: a tenth of it at the most.
        now = time.monotonic()
        busy_until, quiet_until = now + SHARE * (now - began), now + SILENCE
        while time.monotonic() < quiet_until:
            over = time.monotonic() >= busy_until
            if _rang(bell) != heard and (over or workflow_runs.has_ended(desk.client, path, run)):
                break
            time.sleep(LOOK)
            if place is not None and int(time.monotonic() / LOOK) % 100 == 0:
                # The clock of what is running goes on without news.
                place.update(desk.views.run(state))


def _rang(bell: Path) -> int:
    try:
        return bell.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _tell(desk: CommandContext, state: JSON, place: Place | None) -> None:
    if place is not None:
        place.update(desk.views.run(state))
        return
    lines: list[Block] = []
    for node in state["nodes"]:
        news = f"{state['id']} {node['id']} {node['status']}"
        if node["status"] not in WAITING and news not in desk.shown:
            desk.shown.add(news)
            lines += desk.views.node_line(node)
    if state["ended"] is not None:
        lines += desk.views.run_end(state)
    desk.screen.show(*lines)


def _show_logs(desk: CommandContext, path: str, run: JSON) -> None:
    """The last lines of every node that failed."""
    for node in run["nodes"]:
        if node["status"] != "FAILED":
            continue
        size = _log(desk.client, path, run["id"], node["id"], 0)["size"]
        part = _log(desk.client, path, run["id"], node["id"], max(0, size - TAIL))
        if part["text"]:
            title = desk.views.say("Log of {node}:", node=node["id"])
            desk.screen.show(line(title, Tone.STRONG), desk.views.text(part["text"]))
