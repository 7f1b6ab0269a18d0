"""Continues runs that a crash or a restart of the machine interrupted.

A run that ends while a server or a command watches it is reported there, and waits for the user. A
run whose process is found dead later ended together with whatever could have reported it.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from jupyter_mlws.workflows.journal.store import (
    SUCCESS_STATES,
    Journal,
    Row,
    RunRequest,
    run_folder,
)
from mlws.core.project import Project
from mlws.document.parse import FILE
from mlws.engine.states import Status

AUTOMATIC = "automatic"
"""The origin of runs that continue an interrupted one by themselves."""


def facts_of(row: Row) -> Row:
    """Return the facts to store of a run that is interrupted while nothing watches it.

    ``to_resume``: the next server continues it. Not twice in a row: what interrupted both may be
    the run itself, for example by its need for memory.
    """
    return {} if row["origin"] == AUTOMATIC else {"to_resume": True}


def has_interrupted_runs(project: Project) -> bool:
    """Return whether a run of the project is to be continued, or may have been interrupted.

    Does not create a database.
    """
    if not project.has_database():
        return False
    with closing(Journal(project)) as journal:
        return bool(
            journal.live()
            or journal.query(
                "SELECT 1 FROM runs WHERE status = ? AND json_extract(record, '$.to_resume')"
                " LIMIT 1",
                Status.INTERRUPTED.value,
            )
        )


def take_resumable(journal: Journal) -> list[tuple[str, str]]:
    """Return the ID and the workflow of each run to continue; each run is returned once.

    Of several interrupted runs of a workflow only the newest counts.
    """
    # One statement, so that of two servers only one gets a run.
    rows = journal.query(
        "UPDATE runs SET record = json_remove(record, '$.to_resume')"
        " WHERE status = ? AND json_extract(record, '$.to_resume') RETURNING id, workflow",
        Status.INTERRUPTED.value,
    )
    return [(run, path) for run, path in rows if journal.newest(path) == run]


def has_text(project: Project, run: str, text: str) -> bool:
    """Return whether ``text`` is that of the workflow when the run started."""
    file = run_folder(project, run) / FILE
    return file.exists() and file.read_bytes() == text.encode()


def continuing(
    project: Project, journal: Journal, path: str, request: RunRequest, text: str
) -> RunRequest:
    """Return ``request`` as one that continues the workflow's newest run, if that was interrupted.

    Only if both are of the whole workflow with the same ``text``: otherwise the request is another
    one than that of the interrupted run, and is returned as it is.
    """
    newest = None if request.resumes else journal.newest(path)
    if newest is None or request.names_nodes or request.params or request.force:
        return request
    row = journal.record(newest)
    if Status(row["status"]) is not Status.INTERRUPTED:
        return request
    interrupted = RunRequest.restore(row["request"])
    if interrupted.names_nodes or not has_text(project, newest, text):
        return request
    return resuming(journal, newest, replace(request, force=interrupted.force))


def resuming(journal: Journal, run: str, request: RunRequest) -> RunRequest:
    """Return ``request`` as one that runs the nodes that ``run`` did not complete."""
    nodes = journal.node_records(run) if request.force else {}
    completed = [node for node, record in nodes.items() if record["status"] in SUCCESS_STATES]
    return replace(request, resumes=run, done=completed)
