"""What the words of runs do: search, compare, track, reproduce, and where things come from."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from jupyter_mlws.cli import experiment_views
from jupyter_mlws.cli.commands import (
    EXIT_FAILURE,
    EXIT_INTERRUPTED,
    EXIT_SUCCESS,
    CommandContext,
    UsageFaultError,
)
from jupyter_mlws.client.http import segment
from jupyter_mlws.client.project import JSON, Origin, version_id

AUTO_VARIABLE = "MLWS_TRACK"
"""`auto`: every run that code begins with MLflow keeps the working tree's state first."""
OPEN_VARIABLE = "MLWS_TRACKED_RUN"
"""The run that was begun in this kernel and goes on."""
RUN_VARIABLE = "MLFLOW_RUN_ID"
URI_VARIABLE = "MLFLOW_TRACKING_URI"
LONGEST_ERROR = 1000


def runs(
    desk: CommandContext,
    file: str | None,
    number: int,
    filter: str | None,  # noqa: A002  the option's own name
    query: str | None,
    sort: Sequence[str],
    nested: bool,
    wide: bool,
) -> int:
    from jupyter_mlws.cli.commands import workflow_of

    parameters: JSON = {"sort": list(sort)}
    if file:
        parameters["workflow"] = workflow_of(desk, [file])[0]
    if filter:
        parameters["filter"] = filter
    if query:
        parameters["q"] = query
    if nested:
        parameters["nested"] = True
    items = desk.client.list("runs", number, parameters)
    desk.answer(items, lambda rows: desk.views.runs(rows, wide=wide))
    return EXIT_SUCCESS


def compare(desk: CommandContext, things: Sequence[str]) -> int:
    if len(things) < 2:
        raise UsageFaultError(
            desk.views.say("Specify at least two runs, or two model versions as NAME:VERSION.")
        )
    if all(thing.rpartition(":")[2].isdigit() and ":" in thing for thing in things):
        comparison = desk.client.get("models/compare", {"ids": ",".join(map(version_id, things))})
    else:
        comparison = _side_by_side([desk.client.get(f"runs/{segment(thing)}") for thing in things])
    desk.answer(comparison, lambda result: experiment_views.comparison(desk.views, things, result))
    return EXIT_SUCCESS


def _side_by_side(rows: Sequence[JSON]) -> JSON:
    """Compare runs, in the format in which the API compares model versions."""
    comparison: JSON = {"runs": list(rows)}
    for part in ("params", "metrics"):
        names = sorted({name for row in rows for name in row[part]})
        values = {name: [row[part].get(name) for row in rows] for name in names}
        comparison[part] = [
            {"name": name, "values": row, "differs": any(value != row[0] for value in row)}
            for name, row in values.items()
        ]
    return comparison


def lineage(desk: CommandContext, of: str) -> int:
    response = desk.client.get("lineage", {"of": _thing(desk, of)})
    desk.answer(response, lambda graph: experiment_views.lineage(desk.views, graph))
    return EXIT_SUCCESS


def _thing(desk: CommandContext, of: str) -> str:
    """Return the API's name of a lineage object; data can also be given by its path."""
    kind, colon, rest = of.partition(":")
    if colon and kind in ("model", "run", "dataset", "snapshot", "node"):
        return f"dataset:{desk.path(rest)}" if kind == "dataset" and "@" not in rest else of
    if (desk.folder / of).exists():
        return f"dataset:{desk.path(of)}"
    return f"model:{of}"


def reproduce(desk: CommandContext, run: str | None, path: str | None, remove: bool) -> int:
    if run is None:
        if remove:
            text = desk.views.say("Specify the reproduction to delete.")
            raise UsageFaultError(text)
        rows = desk.client.list("reproductions")
        desk.answer(rows, lambda result: experiment_views.reproductions(desk.views, result))
        return EXIT_SUCCESS
    if remove:
        record = desk.client.delete(f"reproductions/{segment(run)}")
        text = desk.views.say("Deleted {path}.", path=record["path"])
        desk.answer(record, lambda _: experiment_views.sentence(text))
        return EXIT_SUCCESS
    request = {"path": desk.path(path)} if path else {}
    reproduction = desk.client.follow(
        f"runs/{segment(version_id(run))}/reproduce", request, desk.screen.note
    )
    desk.answer(reproduction, lambda result: experiment_views.reproduction(desk.views, result))
    return EXIT_SUCCESS


def track(
    desk: CommandContext,
    command: Sequence[str],
    name: str | None,
    experiment: str | None,
    auto: str | None,
    end: bool,
) -> int:
    kernel = desk.origin is Origin.MAGIC
    if (auto or end) and not kernel:
        raise UsageFaultError(
            desk.views.say(
                "--auto and --end work in notebooks only. In a shell, use: export MLWS_TRACK=auto"
            )
        )
    if auto:
        os.environ[AUTO_VARIABLE] = {"on": "auto", "off": ""}[auto]
        words = experiment_views.sentence(
            desk.views.say("Automatic tracking is on: every MLflow run records its commit.")
            if auto == "on"
            else desk.views.say("Automatic tracking is off.")
        )
        desk.answer({"auto": auto == "on"}, lambda _: words)
        return EXIT_SUCCESS
    if end:
        return _end_open(desk)
    if command:
        return _track_command(desk, command, name, experiment)
    if not kernel:
        text = desk.views.say("Specify the command to run.")
        raise UsageFaultError(text)
    new_run = begin(desk, name, experiment)
    os.environ[OPEN_VARIABLE] = new_run["id"]
    desk.answer(new_run, lambda run: experiment_views.started_run(desk.views, run))
    return EXIT_SUCCESS


def begin(desk: CommandContext, name: str | None, experiment: str | None) -> JSON:
    """Start a run for this process's own code; MLflow finds it by environment variables."""
    _check_mlflow(desk)
    # MLflow imports tqdm's bars, which warn in every kernel without ipywidgets.
    warnings.filterwarnings("ignore", message="IProgress not found")
    if os.environ.get(OPEN_VARIABLE):
        raise UsageFaultError(
            desk.views.say("A run is already active. End it first: %mlws track --end")
        )
    run: JSON = desk.client.post(
        "runs", _request(name, experiment, os.environ.get("JPY_SESSION_NAME"))
    )
    try:
        _check_address(desk, run["uri"])
    except UsageFaultError:
        desk.client.post(f"runs/{segment(run['id'])}/end", {"status": "CANCELLED"})
        raise
    os.environ[URI_VARIABLE] = run["uri"]
    os.environ[RUN_VARIABLE] = run["id"]
    return run


def finish(desk: CommandContext, run: str, status: str, error: str | None = None) -> JSON:
    """End a run that :func:`begin` started, and return it as MLflow has stored it."""
    # Another may be open: a command's run begins and ends beside it.
    for name in (RUN_VARIABLE, OPEN_VARIABLE):
        if os.environ.get(name) == run:
            del os.environ[name]
    mlflow = sys.modules.get("mlflow")
    active = mlflow.active_run() if mlflow is not None else None
    if mlflow is not None and active is not None and active.info.run_id == run:
        # `mlflow.log_metric` and the like begin it, and leave it open.
        mlflow.end_run()
    request: JSON = {"status": status}
    if error:
        request["error"] = error[:LONGEST_ERROR]
    record: JSON = desk.client.post(f"runs/{segment(run)}/end", request)
    return record


def _end_open(desk: CommandContext) -> int:
    run = os.environ.get(OPEN_VARIABLE)
    if not run:
        text = desk.views.say("No active run.")
        raise UsageFaultError(text)
    record = finish(desk, run, "COMPLETED")
    desk.answer(record, lambda row: desk.views.runs([row]))
    return EXIT_SUCCESS


def _track_command(
    desk: CommandContext, command: Sequence[str], name: str | None, experiment: str | None
) -> int:
    script = next((word for word in command if word.endswith((".py", ".ipynb"))), command[0])
    run = desk.client.post("runs", _request(name, experiment, script))
    environment = {**os.environ, URI_VARIABLE: run["uri"], RUN_VARIABLE: run["id"]}
    try:
        code = subprocess.run(
            list(command), cwd=desk.folder, env=environment, check=False
        ).returncode
    except OSError as error:
        finish(desk, run["id"], "FAILED", str(error))
        raise UsageFaultError(str(error)) from None
    except KeyboardInterrupt:
        finish(desk, run["id"], "CANCELLED")
        return EXIT_INTERRUPTED
    failure = f"exit code {code}" if code else None
    record = finish(desk, run["id"], "FAILED" if code else "COMPLETED", failure)
    desk.answer(record, lambda row: desk.views.runs([row]))
    return EXIT_FAILURE if code else EXIT_SUCCESS


def _request(name: str | None, experiment: str | None, source: str | None) -> JSON:
    fields: dict[str, Any] = {"name": name, "experiment": experiment, "source": source}
    return {key: value for key, value in fields.items() if value}


def _check_mlflow(desk: CommandContext) -> None:
    mlflow = sys.modules.get("mlflow")
    if mlflow is not None and mlflow.active_run() is not None:
        raise UsageFaultError(
            desk.views.say("An MLflow run is already active. End it first: mlflow.end_run()")
        )


def _check_address(desk: CommandContext, uri: str) -> None:
    """Raise UsageFaultError rather than replace a tracking URI that the user has set."""
    mlflow = sys.modules.get("mlflow")
    if mlflow is None or not mlflow.is_tracking_uri_set():
        return
    if mlflow.get_tracking_uri() != uri:
        raise UsageFaultError(
            desk.views.say(
                "MLflow uses another tracking URI. Call first: mlflow.set_tracking_uri({uri!r})",
                uri=uri,
            )
        )
