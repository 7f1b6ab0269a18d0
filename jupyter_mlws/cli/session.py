"""One set of words on a project, through its running server or on its files.

Results have the JSON shapes of the HTTP API either way.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from enum import Enum
from typing import Any, Protocol

from jupyter_mlws.cli.prompt import Ask
from jupyter_mlws.client import RemoteError, Server, segment
from jupyter_mlws.core.errors import InternalError
from jupyter_mlws.core.locking import UNKNOWN, Waiting
from jupyter_mlws.core.path_ids import escape
from jupyter_mlws.core.project import Project

JSON = dict[str, Any]
Told = Callable[[str], None]
"""Takes a sentence about how far the work is."""
POLL = 0.1
"""Seconds between two looks at an operation of the server."""
WAITED = 0.3
"""Seconds of a commit after which it is looked who else holds the project."""
ENDED = frozenset({"COMPLETED", "FAILED", "CANCELLED"})


class Origin(str, Enum):
    """Who starts a run."""

    CLI = "cli"
    MAGIC = "magic"


class Session(Protocol):
    """What the command line and the magics can do with one project."""

    project: Project
    ask: Ask | None
    """Who is asked for a remote's credentials; None where nobody can be."""

    def status(self) -> JSON:
        """Branch, head and uncommitted changes."""

    def commit(
        self,
        message: str,
        paths: Sequence[str],
        allow_secrets: bool,
        *,
        allow_many: bool = False,
        staged: bool = False,
        waiting: Waiting = lambda holder: None,
    ) -> JSON:
        """The new snapshot; of all changes where no paths are given, or of what is staged.

        ``waiting`` hears who holds the project meanwhile.
        """

    def merge(self, ref: str | None, message: str | None, told: Told) -> JSON:
        """Merge ``ref``; without one, finish the merge that waits."""

    def abort_merge(self) -> JSON:
        """Give the merge up."""

    def conflicts(self) -> JSON:
        """What is in conflict."""

    def resolve(self, path: str, resolution: Mapping[str, Any]) -> JSON:
        """Resolve a path; ``resolution`` is the body of the API's. What is left open."""

    def rollback(self, to: str, message: str | None, told: Told) -> JSON:
        """Go back to a version by a new commit."""

    def stage(self, how: str, chosen: Mapping[str, Any]) -> JSON:
        """``stage`` or ``unstage`` what is chosen, as the API's body; the changes afterwards."""

    def tags(self) -> list[JSON]:
        """Tags, newest first."""

    def create_tag(self, name: str, ref: str, message: str | None) -> JSON:
        """A new tag."""

    def delete_tag(self, name: str) -> JSON:
        """Delete a tag; what it was."""

    def stashes(self) -> list[JSON]:
        """What was put aside, newest first."""

    def push_stash(self, message: str | None, told: Told) -> JSON:
        """Put all changes aside."""

    def apply_stash(self, identifier: str, keep: bool, told: Told) -> JSON:
        """Bring a stash back."""

    def drop_stash(self, identifier: str) -> JSON:
        """Forget a stash; what it was."""

    def safety_copies(self) -> list[JSON]:
        """Safety copies, newest first."""

    def restore_safety(self, identifier: str, told: Told) -> JSON:
        """Restore a safety copy."""

    def fetch(self, asked: Mapping[str, Any], told: Told) -> JSON:
        """Learn where a remote's branches are; ``asked`` is the body of the API's fetch."""

    def history(self, path: str | None, text: str | None, limit: int) -> list[JSON]:
        """Snapshots, newest first."""

    def diff(self, start: str, end: str | None, path: str | None) -> JSON:
        """What differs between a version and another, or the working tree."""

    def restore_plan(self, snapshot: str, paths: Sequence[str]) -> JSON:
        """What a restore would do."""

    def restore(self, snapshot: str, paths: Sequence[str], told: Told) -> JSON:
        """Bring files back as they were in a snapshot; returns what the restore did."""

    def verify(self, snapshot: str, quick: bool, told: Told) -> JSON:
        """Look at every object of a snapshot."""

    def repair(self, snapshot: str, quick: bool, told: Told) -> JSON:
        """Mend what of a snapshot is missing or damaged."""

    def collect(self, confirm: bool, told: Told) -> JSON:
        """Tell what of the cache no version names, or free it."""

    def branches(self) -> list[JSON]:
        """Branches of this repository, then those of its remotes."""

    def create_branch(self, name: str, start: str) -> JSON:
        """A new branch."""

    def delete_branch(self, name: str, force: bool) -> JSON:
        """Delete a branch; what it was."""

    def checkout(self, place: Mapping[str, Any], told: Told) -> JSON:
        """Go to a branch or commit; ``place`` is the body of the API's checkout."""

    def push(self, place: Mapping[str, Any], told: Told) -> JSON:
        """Push data and branch; ``place`` is the body of the API's push."""

    def pull(self, place: Mapping[str, Any], told: Told) -> JSON:
        """Pull branch and data; ``place`` is the body of the API's pull."""

    def models(self, text: str | None, limit: int) -> list[JSON]:
        """Models, each with its newest version."""

    def model(self, name: str) -> JSON:
        """A model with its versions."""

    def datasets(self, text: str | None, limit: int) -> list[JSON]:
        """Data that DVC tracks."""

    def dataset(self, path: str) -> JSON:
        """One dataset with its versions."""

    def add_dataset(self, path: str) -> JSON:
        """Track a path as data, or record what it is now."""

    def checkout_dataset(self, path: str, version: str, told: Told) -> JSON:
        """Bring back a version of a dataset."""

    def push_dataset(self, path: str, told: Told) -> JSON:
        """Bring a dataset to its remote."""

    def pull_dataset(self, path: str, told: Told) -> JSON:
        """Bring a dataset from its remote."""

    def import_dataset(self, request: Mapping[str, Any], told: Told) -> JSON:
        """Download data and track it; ``request`` is the body of the API's import."""

    def diff_dataset(self, path: str, start: str | None, end: str | None) -> JSON:
        """Two versions of a dataset, file by file."""

    def verify_dataset(self, path: str, asked: Mapping[str, Any], told: Told) -> JSON:
        """A dataset in its stores, object by object."""

    def storage(self) -> JSON:
        """What data takes of the disk."""

    def data_remotes(self) -> list[JSON]:
        """The remotes for data."""

    def put_data_remote(self, name: str, request: Mapping[str, Any]) -> JSON:
        """Set a remote for data up, or change it."""

    def delete_data_remote(self, name: str) -> JSON:
        """Forget a remote for data; what it was."""

    def check_data_remote(self, name: str) -> JSON:
        """Ask a remote for data whether it answers."""

    def best_models(self, asked: Mapping[str, Any]) -> JSON:
        """Versions ranked by a metric; ``asked`` is the query of the API's best."""

    def alias_history(self, name: str) -> list[JSON]:
        """What a model's aliases meant, the newest change first."""

    def compare_models(self, ids: Sequence[str]) -> JSON:
        """Versions of models side by side; ids as ``NAME:VERSION``."""

    def experiment(self, run: str) -> JSON:
        """One run, by MLflow's id or the workflow run's."""

    def begin_run(self, request: Mapping[str, Any]) -> JSON:
        """Begin a run with a commit of what the working tree is."""

    def end_run(self, run: str, request: Mapping[str, Any]) -> JSON:
        """End a run that was begun so."""

    def run_state(self) -> JSON:
        """Keep what the working tree is, for a run."""

    def reproduce(self, run: str, request: Mapping[str, Any], told: Told) -> JSON:
        """Make a worktree of what a run started from."""

    def reproductions(self) -> list[JSON]:
        """The worktrees of runs that are there."""

    def delete_reproduction(self, identifier: str) -> JSON:
        """Remove a worktree of a run; what it was."""

    def lineage(self, of: str) -> JSON:
        """What a thing came of, and what came of it."""

    def components(self) -> list[JSON]:
        """The node library of this project."""

    def workflows(self) -> list[JSON]:
        """Every workflow with its newest run."""

    def workflow_paths(self) -> list[str]:
        """The path of every workflow."""

    def workflow(self, path: str) -> JSON:
        """One workflow with nodes and edges."""

    def import_file(self, request: Mapping[str, Any]) -> JSON:
        """Make a workflow of a file; ``request`` is the body of the API's import."""

    def plan(self, path: str, asked: Mapping[str, Any]) -> JSON:
        """What a run would do with every node; ``asked`` is the query of the API's plan."""

    def sweeps(self, path: str, asked: Mapping[str, Any]) -> JSON:
        """The sweeps of a workflow; ``asked`` is the query of the API's sweeps."""

    def promote(self, path: str, name: str, asked: Mapping[str, Any], etag: str) -> JSON:
        """Make a plain stage of a sweep, in the version ``etag`` of the file."""

    def execute(self, path: str, request: Mapping[str, Any]) -> JSON:
        """Start a run; ``request`` is the body of the API's execute."""

    def run(self, path: str, run: str) -> JSON:
        """How a run stands, with its nodes."""

    def has_ended(self, path: str, run: str) -> bool | None:
        """Whether a run has ended; None where asking that costs as much as :meth:`run`."""

    def runs_of(self, path: str) -> list[JSON]:
        """The runs of one workflow, newest first."""

    def runs(self, asked: Mapping[str, Any], limit: int) -> list[JSON]:
        """Runs with their parameters and metrics; ``asked`` is the query of the API's runs."""

    def resume(self, path: str, run: str) -> JSON:
        """Start a run that does what another left undone."""

    def go_on(self, path: str, run: str, node: str, how: str) -> JSON:
        """Start a run that does a node of another again (``retry``) or leaves it out (``skip``)."""

    def cancel(self, path: str, run: str) -> None:
        """Ask a run to stop."""

    def log(self, path: str, run: str, node: str, offset: int) -> JSON:
        """What a node printed, from ``offset`` bytes on."""

    def close(self) -> None:
        """Let go of what was opened."""


class RemoteSession:
    """A project through its running server."""

    def __init__(self, project: Project, server: Server, identifier: str, origin: Origin) -> None:
        self.project = project
        self._server = server
        self._identifier = identifier
        self._origin = origin
        self.ask: Ask | None = None

    def status(self) -> JSON:
        return self._get("git/status")

    def commit(
        self,
        message: str,
        paths: Sequence[str],
        allow_secrets: bool,
        *,
        allow_many: bool = False,
        staged: bool = False,
        waiting: Waiting = lambda holder: None,
    ) -> JSON:
        body = {
            "message": message,
            "allow_secrets": allow_secrets,
            "allow_many": allow_many,
            "staged": staged,
        }
        body |= _paths(paths)
        with _looking_who_holds(self.project, self._server.pid, waiting):
            return self._post("snapshots", body)

    def merge(self, ref: str | None, message: str | None, told: Told) -> JSON:
        body = {"message": message} if message else {}
        if ref is None:
            return self._follow("git/merge/continue", body, told)
        return self._follow("git/merge", {"ref": ref, **body}, told)

    def abort_merge(self) -> JSON:
        return self._post("git/merge/abort", {})

    def conflicts(self) -> JSON:
        return self._get("git/conflicts")

    def resolve(self, path: str, resolution: Mapping[str, Any]) -> JSON:
        return self._post(f"git/conflicts/{segment(escape(path))}", resolution)

    def rollback(self, to: str, message: str | None, told: Told) -> JSON:
        body = {"to": to, "mode": "revert", **({"message": message} if message else {})}
        return self._follow("git/rollback", body, told)

    def stage(self, how: str, chosen: Mapping[str, Any]) -> JSON:
        return self._post(f"git/{how}", chosen)

    def tags(self) -> list[JSON]:
        return list(self._get("git/tags")["items"])

    def create_tag(self, name: str, ref: str, message: str | None) -> JSON:
        body = {"name": name, "ref": ref, **({"message": message} if message else {})}
        return self._post("git/tag", body)

    def delete_tag(self, name: str) -> JSON:
        return self._delete(f"git/tag/{segment(escape(name))}")

    def stashes(self) -> list[JSON]:
        return list(self._get("git/stashes")["items"])

    def push_stash(self, message: str | None, told: Told) -> JSON:
        return self._follow("git/stashes", {"message": message} if message else {}, told)

    def apply_stash(self, identifier: str, keep: bool, told: Told) -> JSON:
        return self._follow(f"git/stashes/{segment(identifier)}/apply", {"keep": keep}, told)

    def drop_stash(self, identifier: str) -> JSON:
        return self._delete(f"git/stashes/{segment(identifier)}")

    def safety_copies(self) -> list[JSON]:
        return list(self._get("git/safety")["items"])

    def restore_safety(self, identifier: str, told: Told) -> JSON:
        return self._follow(f"git/safety/{segment(identifier)}/restore", {}, told)

    def fetch(self, asked: Mapping[str, Any], told: Told) -> JSON:
        return self._follow("git/fetch", asked, told)

    def history(self, path: str | None, text: str | None, limit: int) -> list[JSON]:
        return self._list("snapshots", limit, {"path": path, "q": text})

    def diff(self, start: str, end: str | None, path: str | None) -> JSON:
        query = {"from": start, "to": end, "path": path}
        between_snapshots = end is not None and path is None
        return self._get("snapshots/diff" if between_snapshots else "git/diff", query)

    def restore_plan(self, snapshot: str, paths: Sequence[str]) -> JSON:
        return self._get(f"snapshots/{segment(snapshot)}/restore-plan", {"paths": list(paths)})

    def restore(self, snapshot: str, paths: Sequence[str], told: Told) -> JSON:
        return self._follow(f"snapshots/{segment(snapshot)}/restore", _paths(paths), told)

    def verify(self, snapshot: str, quick: bool, told: Told) -> JSON:
        return self._follow(f"snapshots/{segment(snapshot)}/verify", {"quick": quick}, told)

    def repair(self, snapshot: str, quick: bool, told: Told) -> JSON:
        return self._follow(f"snapshots/{segment(snapshot)}/repair", {"quick": quick}, told)

    def collect(self, confirm: bool, told: Told) -> JSON:
        return self._follow("datasets/gc", {"confirm": confirm}, told)

    def branches(self) -> list[JSON]:
        return list(self._get("git/branches")["items"])

    def create_branch(self, name: str, start: str) -> JSON:
        return self._post("git/branch", {"name": name, "from": start})

    def delete_branch(self, name: str, force: bool) -> JSON:
        query = {"force": str(force).lower(), "project": self._identifier}
        answer: JSON = self._server.delete(f"git/branch/{segment(escape(name))}", query)
        return answer

    def checkout(self, place: Mapping[str, Any], told: Told) -> JSON:
        return self._follow("git/checkout", place, told)

    def push(self, place: Mapping[str, Any], told: Told) -> JSON:
        return self._follow("git/push", place, told)

    def pull(self, place: Mapping[str, Any], told: Told) -> JSON:
        return self._follow("git/pull", place, told)

    def models(self, text: str | None, limit: int) -> list[JSON]:
        return self._list("models", limit, {"q": text})

    def model(self, name: str) -> JSON:
        return self._get(f"models/{segment(escape(name))}")

    def datasets(self, text: str | None, limit: int) -> list[JSON]:
        return self._list("datasets", limit, {"q": text})

    def dataset(self, path: str) -> JSON:
        return self._get(_dataset(path))

    def add_dataset(self, path: str) -> JSON:
        return self._post("datasets", {"path": path})

    def checkout_dataset(self, path: str, version: str, told: Told) -> JSON:
        return self._follow(f"{_dataset(path)}/checkout", {"version": version}, told)

    def push_dataset(self, path: str, told: Told) -> JSON:
        return self._follow(f"{_dataset(path)}/push", {}, told)

    def pull_dataset(self, path: str, told: Told) -> JSON:
        return self._follow(f"{_dataset(path)}/pull", {}, told)

    def import_dataset(self, request: Mapping[str, Any], told: Told) -> JSON:
        return self._follow("datasets/import", request, told)

    def diff_dataset(self, path: str, start: str | None, end: str | None) -> JSON:
        return self._get(f"{_dataset(path)}/diff", {"from": start, "to": end})

    def verify_dataset(self, path: str, asked: Mapping[str, Any], told: Told) -> JSON:
        return self._follow(f"{_dataset(path)}/verify", asked, told)

    def storage(self) -> JSON:
        return self._get("datasets/storage")

    def data_remotes(self) -> list[JSON]:
        return list(self._get("datasets/remotes")["items"])

    def put_data_remote(self, name: str, request: Mapping[str, Any]) -> JSON:
        query = {"project": self._identifier}
        answer: JSON = self._server.put(f"datasets/remotes/{segment(name)}", request, query)
        return answer

    def delete_data_remote(self, name: str) -> JSON:
        return self._delete(f"datasets/remotes/{segment(name)}")

    def check_data_remote(self, name: str) -> JSON:
        return self._post(f"datasets/remotes/{segment(name)}/check", {})

    def best_models(self, asked: Mapping[str, Any]) -> JSON:
        return self._get("models/best", asked)

    def alias_history(self, name: str) -> list[JSON]:
        return list(self._get(f"models/{segment(escape(name))}/aliases/history")["items"])

    def compare_models(self, ids: Sequence[str]) -> JSON:
        return self._get("models/compare", {"ids": ",".join(map(version_id, ids))})

    def experiment(self, run: str) -> JSON:
        return self._get(f"runs/{segment(run)}")

    def begin_run(self, request: Mapping[str, Any]) -> JSON:
        return self._post("runs", request)

    def end_run(self, run: str, request: Mapping[str, Any]) -> JSON:
        return self._post(f"runs/{segment(run)}/end", request)

    def run_state(self) -> JSON:
        return self._post("runs/state", {})

    def reproduce(self, run: str, request: Mapping[str, Any], told: Told) -> JSON:
        return self._follow(f"runs/{segment(version_id(run))}/reproduce", request, told)

    def reproductions(self) -> list[JSON]:
        return list(self._get("reproductions")["items"])

    def delete_reproduction(self, identifier: str) -> JSON:
        return self._delete(f"reproductions/{segment(identifier)}")

    def lineage(self, of: str) -> JSON:
        return self._get("lineage", {"of": of})

    def components(self) -> list[JSON]:
        return list(self._get("components")["items"])

    def workflows(self) -> list[JSON]:
        return list(self._get("workflows")["items"])

    def workflow_paths(self) -> list[str]:
        return [str(workflow["path"]) for workflow in self.workflows()]

    def workflow(self, path: str) -> JSON:
        return self._get(_workflow(path))

    def import_file(self, request: Mapping[str, Any]) -> JSON:
        return self._post("workflows/import", request)

    def plan(self, path: str, asked: Mapping[str, Any]) -> JSON:
        return self._get(f"{_workflow(path)}/plan", asked)

    def sweeps(self, path: str, asked: Mapping[str, Any]) -> JSON:
        return self._get(f"{_workflow(path)}/sweeps", asked)

    def promote(self, path: str, name: str, asked: Mapping[str, Any], etag: str) -> JSON:
        where = f"{_workflow(path)}/sweeps/{segment(name)}/promote"
        return self._post(where, asked, {"If-Match": f'"{etag}"'})

    def execute(self, path: str, request: Mapping[str, Any]) -> JSON:
        from jupyter_mlws.workflows.detaching import let_go

        # The server starts its runs.
        let_go()
        return self._post(f"{_workflow(path)}/execute", {**request, "origin": self._origin.value})

    def run(self, path: str, run: str) -> JSON:
        return self._get(f"{_workflow(path)}/runs/{segment(run)}")

    def has_ended(self, path: str, run: str) -> bool | None:
        return None

    def runs_of(self, path: str) -> list[JSON]:
        return list(self._get(f"{_workflow(path)}/runs")["items"])

    def runs(self, asked: Mapping[str, Any], limit: int) -> list[JSON]:
        return self._list("runs", limit, _lower(asked))

    def resume(self, path: str, run: str) -> JSON:
        return self._post(f"{_workflow(path)}/runs/{segment(run)}/resume", {})

    def go_on(self, path: str, run: str, node: str, how: str) -> JSON:
        where = f"{_workflow(path)}/runs/{segment(run)}/nodes/{segment(node)}/{how}"
        return self._post(where, {})

    def cancel(self, path: str, run: str) -> None:
        self._post(f"{_workflow(path)}/runs/{segment(run)}/cancel", {})

    def log(self, path: str, run: str, node: str, offset: int) -> JSON:
        where = f"{_workflow(path)}/runs/{segment(run)}/nodes/{segment(node)}/log"
        return self._get(where, {"offset": offset})

    def close(self) -> None:
        """Nothing stays open between two requests."""

    def _get(self, path: str, query: Mapping[str, Any] | None = None) -> JSON:
        answer: JSON = self._server.get(path, {**(query or {}), "project": self._identifier})
        return answer

    def _post(
        self, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> JSON:
        answer: JSON = self._server.post(path, body, {"project": self._identifier}, headers)
        return answer

    def _delete(self, path: str) -> JSON:
        answer: JSON = self._server.delete(path, {"project": self._identifier})
        return answer

    def _answer(self, operation: JSON) -> None:
        """Have the person answer; without anybody here, somebody in the lab may do so."""
        if self.ask is None:
            return
        where = f"operations/{operation['id']}"
        question = operation["question"]
        try:
            value = self.ask(question["prompt"], question["secret"])
        except BaseException:
            self._post(f"{where}/cancel", {})
            raise
        self._post(f"{where}/answer", {"value": value})

    def _follow(self, path: str, body: Mapping[str, Any], told: Told) -> JSON:
        """Begin an operation and wait for its end; its result."""
        operation = self._post(path, body)
        last = ""
        while operation["state"] not in ENDED:
            time.sleep(POLL)
            operation = self._get(f"operations/{operation['id']}")
            if operation["state"] == "WAITING" and operation["question"]:
                self._answer(operation)
            if operation["message"] != last:
                last = operation["message"]
                told(last)
        if operation["state"] != "COMPLETED":
            raise RemoteError(operation["error"] or InternalError(id="").as_dict("en"))
        result: JSON = operation["result"]
        return result

    def _list(self, path: str, limit: int, query: Mapping[str, Any]) -> list[JSON]:
        """Up to ``limit`` items, page after page."""
        items: list[JSON] = []
        cursor = None
        while len(items) < limit:
            part = min(limit - len(items), 500)
            page = self._get(path, {**query, "limit": part, "cursor": cursor})
            items.extend(page["items"])
            cursor = page["next_cursor"]
            if cursor is None:
                break
        return items


@contextmanager
def _looking_who_holds(project: Project, server: int, waiting: Waiting) -> Iterator[None]:
    """Tell once, during a request to a server, for whose work in the project it waits."""
    began = datetime.now(timezone.utc).replace(microsecond=0)
    over = threading.Event()

    def look() -> None:
        while not over.wait(WAITED):
            holder = project.holder()
            if holder is None or holder.since == UNKNOWN.since:
                continue
            itself = holder.pid == server and datetime.fromisoformat(holder.since) >= began
            if not itself:
                waiting(holder)
                return

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def version_id(named: str) -> str:
    """``NAME:VERSION`` as the API has it; a run's id stays as it is."""
    name, colon, number = named.rpartition(":")
    return f"{escape(name)}:{number}" if colon else named


def _lower(query: Mapping[str, Any]) -> JSON:
    """A query with true and false as URLs have them."""
    return {key: str(v).lower() if isinstance(v, bool) else v for key, v in query.items()}


def _paths(paths: Sequence[str]) -> JSON:
    return {"paths": list(paths)} if paths else {}


def _workflow(path: str) -> str:
    return f"workflows/{segment(escape(path))}"


def _dataset(path: str) -> str:
    return f"datasets/{segment(escape(path))}"
